"""Files that are not files: each is refused at once and in words, and no link is followed to write."""

from __future__ import annotations

import os
import re
import socket
from contextlib import chdir, closing
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from pytest_ycimages import CassetteBrokenError, CassetteError, CassetteInUseError, Double
from pytest_ycimages.cassette import partial_file
from pytest_ycimages.cassette.file import CassetteWriter, read_cassette, write_cassette
from pytest_ycimages.cassette.partial_file import partial_path
from pytest_ycimages.cli.commands import ycimages
from tests.cassette.files.some import METADATA, cassette, poll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.timeout(20),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFOs, and no links without a right"),
]


def _socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as sock:
        os.chdir(path.parent)  # the address of a socket must be short
        sock.bind(path.name)


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _long_loop(path: Path) -> None:
    path.symlink_to(other := path.with_name("other.yaml"))
    other.symlink_to(path)


def _link_to_fifo(path: Path) -> None:
    os.mkfifo(fifo := path.parent / "of-a.yaml")
    path.symlink_to(fifo)


def _through_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("a file")


KINDS: Final[dict[str, tuple[Callable[[Path], object], str]]] = {
    "a folder": (lambda path: path.mkdir(), "it is a folder, not a file"),
    "a FIFO": (os.mkfifo, "it is a FIFO, not a file"),
    "a socket": (_socket, "it is a socket, not a file"),
    "a link to a FIFO": (_link_to_fifo, "it is a FIFO, not a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file|it is a link to /dev/zero"),
    "a terminal": (lambda path: path.symlink_to("/dev/tty"), "it is a device, not a file|it is a link to /dev/tty"),
    "a link to itself": (_loop, "Too many levels of symbolic links"),
    "links in a circle": (_long_loop, "Too many levels of symbolic links"),
    "below a file": (_through_a_file, "Not a directory"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of its own, which a test may replace; the test may also go elsewhere."""
    folder = tmp_path / "cassettes"
    folder.mkdir()
    with chdir(tmp_path):
        yield folder


@pytest.mark.parametrize(("make", "why"), KINDS.values(), ids=KINDS)
def test_what_is_not_a_file_is_not_read(make: Callable[[Path], object], why: str, folder: Path) -> None:
    """In Python, by a double, and by each command that reads cassettes."""
    make(path := folder / "a.yaml")
    for read in (lambda: read_cassette(path), lambda: Double(mode="replay", cassette=path)):
        with pytest.raises(CassetteBrokenError, match=rf"a\.yaml: it cannot be read: ({why}).*Give the file of a"):
            read()
    for arguments in (["cassette", "show"], ["cassette", "check"], ["cassette", "scrub"], ["verify"], ["replay"]):
        result = CliRunner().invoke(ycimages, [*arguments, str(path)])
        assert result.exit_code in {1, 2}
        assert isinstance(result.exception, SystemExit)
        assert "a.yaml" in result.output.replace("\n", "")


@pytest.mark.parametrize(("make", "why"), KINDS.values(), ids=KINDS)
def test_what_is_not_a_file_is_not_written(make: Callable[[Path], object], why: str, folder: Path) -> None:
    """Neither recorded nor written at once; it stays as it is."""
    make(path := folder / "a.yaml")
    before = os.lstat(path if path.parent.is_dir() else path.parent)
    with Double() as service:
        for write in (
            lambda: CassetteWriter(path, METADATA),
            lambda: write_cassette(path, cassette(1)),
            lambda: Double(mode="record", cassette=path, upstream=service.url),
        ):
            with pytest.raises(CassetteError, match=rf"a\.yaml cannot be written: ({why})"):
                write()
    assert os.lstat(path if path.parent.is_dir() else path.parent) == before


@pytest.mark.parametrize(
    "name",
    [f"{'n' * 300}.yaml", f"{'d' * 300}/a.yaml", f"{'n' * 5000}.yaml", f"{'d/' * 3000}a.yaml", f"{'я' * 200}.yaml"],
    ids=["name", "folder", "very long", "deep", "not ASCII"],
)  # fmt: skip
def test_a_name_that_is_too_long_is_said_so(name: str, folder: Path) -> None:
    """And a text of thousands of characters is cut."""
    with pytest.raises(CassetteBrokenError, match="it cannot be read: File name too long") as refused:
        read_cassette(folder / name)
    assert len(str(refused.value)) < 1300
    with Double() as service:
        for write in (
            lambda: CassetteWriter(folder / name, METADATA),
            lambda: Double(mode="record", cassette=folder / name, upstream=service.url),
        ):
            with pytest.raises(CassetteError, match="cannot be written: File name too long"):
                write()


def test_a_name_with_nul_is_refused(folder: Path) -> None:
    """Python would raise an error of its own."""
    with pytest.raises(CassetteBrokenError, match="its name has a NUL character"):
        read_cassette(folder / "a\0b.yaml")
    with pytest.raises(CassetteError, match="its name has a NUL character"):
        CassetteWriter(folder / "a\0b.yaml", METADATA)


PARTIALS: Final[dict[str, Callable[[Path], object]]] = {
    "a link": lambda partial: partial.symlink_to("target"),
    "a link to nothing": lambda partial: partial.symlink_to("nothing"),
    "a link to itself": lambda partial: partial.symlink_to(partial),
    "a FIFO": os.mkfifo,
    "a folder": lambda partial: partial.mkdir(),
    "a link to a device": lambda partial: partial.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("old", [None, 5])
@pytest.mark.parametrize("make", PARTIALS.values(), ids=PARTIALS)
def test_a_draft_follows_no_link(make: Callable[[Path], object], old: int | None, folder: Path) -> None:
    """It was there before, and what it leads to stays as it was."""
    path, target = folder / "a.yaml", folder / "target"
    target.write_text("precious")
    if old:
        write_cassette(path, cassette(old))
    before = path.read_bytes() if old else b""
    make(partial := partial_path(path))
    kind = partial.lstat()
    with closing(CassetteWriter(path, METADATA)) as writer:
        with pytest.raises(
            CassetteError, match=r"a\.partial\.yaml cannot be written: it is a (link|FIFO|folder), not a"
        ):
            writer.append(poll(0))
        writer.discard()
    assert target.read_text() == "precious"
    assert not (folder / "nothing").exists()
    assert partial.lstat() == kind
    assert (path.read_bytes() if old else b"") == before


def test_a_draft_with_a_second_name_is_not_written_to(folder: Path) -> None:
    """What a killed recording has left is removed, and a new file is created: a hard link keeps its contents."""
    path, target = folder / "a.yaml", folder / "target"
    target.write_text("precious")
    os.link(target, partial_path(path))
    with closing(CassetteWriter(path, METADATA)) as writer:
        writer.append(poll(0))
    assert target.read_text() == "precious"
    assert read_cassette(path) == cassette(1)
    assert not partial_path(path).exists()


def test_a_draft_is_created_exclusively(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without following a link that appears between a look and the opening."""
    flags: list[int] = []
    real = os.open

    def opened(path: str, flag: int, *more: int) -> int:
        if str(path).endswith(".partial.yaml") and flag & os.O_CREAT:
            flags.append(flag)
        return real(path, flag, *more)

    monkeypatch.setattr(os, "open", opened)
    with closing(CassetteWriter(folder / "a.yaml", METADATA)) as writer:
        writer.append(poll(0))
    write_cassette(folder / "b.yaml", cassette(1))
    assert len(flags) == 2
    assert all(flag & os.O_EXCL and flag & os.O_NOFOLLOW for flag in flags)


def test_a_link_that_appears_just_then_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at what is there and the opening."""
    path, target = folder / "a.yaml", folder / "target"
    target.write_text("precious")
    partial = partial_path(path)
    real = os.open

    def opened(name: str, flag: int, *more: int) -> int:
        if str(name) == str(partial) and flag & os.O_CREAT:
            partial.symlink_to(target)
        return real(name, flag, *more)

    monkeypatch.setattr(os, "open", opened)
    writer = CassetteWriter(path, METADATA)
    with pytest.raises(CassetteInUseError, match="is being written by another process"):
        writer.append(poll(0))
    writer.discard()
    assert target.read_text() == "precious"


def test_a_file_that_becomes_a_fifo_just_then_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its kind and the opening; and its reading waits for no writer."""
    path = folder / "a.yaml"
    write_cassette(path, cassette(1))
    real = os.open

    def opened(name: str, flag: int, *more: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return real(name, flag, *more)

    monkeypatch.setattr(os, "open", opened)
    with pytest.raises(CassetteBrokenError, match="it is a FIFO, not a file"):
        read_cassette(path)


@pytest.mark.parametrize("moment", ["before the look", "before the lock"])
def test_a_draft_that_another_process_moves_just_then_stays(
    moment: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left vanishes before it is removed, or the new one before it is locked."""
    path = folder / "a.yaml"
    partial = partial_path(path)
    real = partial_file._locked  # noqa: SLF001 - the moment between two calls of the system

    def locked(file: int) -> bool:
        partial.unlink()
        return real(file)

    writer = CassetteWriter(path, METADATA)
    if moment == "before the look":
        monkeypatch.setattr(os.path, "lexists", lambda name: name == partial)
        writer.append(poll(0))
    else:
        monkeypatch.setattr(partial_file, "_locked", locked)
        with pytest.raises(CassetteInUseError, match="is being written by another process"):
            writer.append(poll(0))
        monkeypatch.undo()
        writer.append(poll(0))
    writer.close()
    assert read_cassette(path) == cassette(1)


def test_a_draft_that_another_process_writes_is_left_alone(folder: Path) -> None:
    """It is locked, and so not what a killed recording has left."""
    import fcntl  # noqa: PLC0415 - not on Windows

    path = folder / "a.yaml"
    partial = partial_path(path)
    with partial.open("w") as other:
        other.write("of another process")
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with closing(CassetteWriter(path, METADATA)) as writer:
            with pytest.raises(CassetteInUseError, match="is being written by another process"):
                writer.append(poll(0))
            writer.discard()
    assert partial.read_text() == "of another process"


@pytest.mark.parametrize("name", [".bashrc", "authorized_keys", "a.json"])
def test_a_link_to_another_kind_of_file_is_not_recorded_over(name: str, folder: Path) -> None:
    """A folder of cassettes is part of a repository, to which others add files."""
    (target := folder / name).write_text("precious")
    (path := folder / "a.yaml").symlink_to(target)
    with pytest.raises(
        CassetteError, match=rf"it is a link to .*{re.escape(name)}, which is not a cassette by its name"
    ):
        CassetteWriter(path, METADATA)
    assert target.read_text() == "precious"


def test_a_link_to_a_cassette_is_recorded_through(folder: Path) -> None:
    """As for cassettes that two folders share."""
    write_cassette(target := folder / "shared.yaml", cassette(5))
    (path := folder / "a.yaml").symlink_to(target)
    with closing(CassetteWriter(path, METADATA)) as writer:
        writer.append(poll(0))
    assert path.is_symlink()
    assert read_cassette(target) == read_cassette(path) == cassette(1)
