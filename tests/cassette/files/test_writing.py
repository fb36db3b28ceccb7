"""A recording is on disk as far as it has come, an older one stays until it is complete, and nobody else writes it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import CassetteError, CassetteInUseError
from pytest_ycimages.cassette import partial_file
from pytest_ycimages.cassette.file import CassetteWriter, read_cassette, write_cassette
from pytest_ycimages.cassette.model import Interaction, RecordedRequest, RecordedResponse
from tests.cassette.files.some import METADATA, cassette, poll

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from pytest_ycimages.cassette.model import CassetteMetadata, Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.cassette.file import CassetteWriter
writer = CassetteWriter(Path(sys.argv[1]), CassetteMetadata())
writer.append(Interaction(RecordedRequest("GET", "https://h/"), RecordedResponse(200)))
print("holding", flush=True)
sys.stdin.read()
"""
"""Records one interaction, and goes on recording until its input ends."""


@contextmanager
def holding(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has recorded one interaction, and records on."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: S603 - this very Python
        assert other.stdout is not None
        assert other.stdout.readline() == b"holding\n"
        yield other


def names(folder: Path) -> list[str]:
    """The files in a folder."""
    return sorted(each.name for each in folder.iterdir())


def test_the_file_appears_with_the_first_interaction_and_folders_with_it(tmp_path: Path) -> None:
    """A test that asks for nothing leaves nothing."""
    path = tmp_path / "deep" / "down" / "a.yaml"
    with closing(CassetteWriter(path, METADATA)) as writer:
        assert names(tmp_path) == []
        writer.append(poll(0))
        assert names(path.parent) == ["a.yaml"]
    assert read_cassette(path) == cassette(1)


def test_each_interaction_is_on_disk_when_it_was_appended(tmp_path: Path) -> None:
    """And until it is closed, a recording is not complete."""
    path = tmp_path / "a.yaml"
    with closing(CassetteWriter(path, METADATA)) as writer:
        for number in range(3):
            writer.append(poll(number))
            assert read_cassette(path) == cassette(number + 1)._replace(is_complete=False)
            assert writer.written == number + 1
    assert read_cassette(path) == cassette(3)


def test_each_interaction_is_one_write_the_head_included(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So there is no moment at which half of one is there."""
    written: list[bytes] = []
    real = os.write

    def write(file: int, data: memoryview) -> int:
        written.append(bytes(data))
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    with closing(CassetteWriter(tmp_path / "a.yaml", METADATA)) as writer:
        writer.append(poll(0))
        writer.append(poll(1))
    assert [data.count(b"- {") for data in written] == [1, 1, 0]
    assert written[0].startswith(b"# Recorded")
    assert b"".join(written) == (tmp_path / "a.yaml").read_bytes()


def test_an_older_cassette_stays_until_the_new_one_is_closed(tmp_path: Path) -> None:
    """The new one is written beside it."""
    path = tmp_path / "a.yaml"
    write_cassette(path, cassette(5))
    with closing(CassetteWriter(path, METADATA)) as writer:
        writer.append(poll(0))
        assert read_cassette(path) == cassette(5)
        assert read_cassette(tmp_path / "a.partial.yaml") == cassette(1)._replace(is_complete=False)
    assert read_cassette(path) == cassette(1)
    assert names(tmp_path) == ["a.yaml"]


@pytest.mark.parametrize("old", [None, 5])
@pytest.mark.parametrize("length", [0, 2])
def test_a_discarded_recording_leaves_everything_as_it_was(tmp_path: Path, old: int | None, length: int) -> None:
    """However far it had come; and the next one may begin."""
    path = tmp_path / "a.yaml"
    if old:
        write_cassette(path, cassette(old))
    before = [(name, (tmp_path / name).read_bytes()) for name in names(tmp_path)]
    writer = CassetteWriter(path, METADATA)
    for number in range(length):
        writer.append(poll(number))
    writer.discard()
    writer.close()
    assert [(name, (tmp_path / name).read_bytes()) for name in names(tmp_path)] == before
    CassetteWriter(path, METADATA).discard()


def test_a_recording_of_nothing_leaves_an_older_cassette(tmp_path: Path) -> None:
    """Nothing was recorded, so nothing is known to be better."""
    path = tmp_path / "a.yaml"
    write_cassette(path, cassette(5))
    CassetteWriter(path, METADATA).close()
    assert read_cassette(path) == cassette(5)


def test_what_a_killed_recording_has_left_is_overwritten(tmp_path: Path) -> None:
    """By the next recording of the same cassette, which is known by its place."""
    path = tmp_path / "a.yaml"
    write_cassette(path, cassette(5))
    (tmp_path / "a.partial.yaml").write_text("left behind")
    with closing(CassetteWriter(path, METADATA)) as writer:
        writer.append(poll(0))
    assert read_cassette(path) == cassette(1)
    assert names(tmp_path) == ["a.yaml"]


@pytest.mark.parametrize("old", [None, 5])
def test_two_writers_of_one_file_are_refused(tmp_path: Path, old: int | None) -> None:
    """At once, by whatever name the second calls it; when the first has ended, the way is free."""
    path = tmp_path / "a.yaml"
    if old:
        write_cassette(path, cassette(old))
    (tmp_path / "link").symlink_to(tmp_path)
    with closing(CassetteWriter(path, METADATA)) as writer:
        for twin in (path, tmp_path / "link" / "a.yaml"):
            with pytest.raises(
                CassetteInUseError, match=r"a\.yaml is being written by another recording of this process"
            ):
                CassetteWriter(twin, METADATA)
            with pytest.raises(CassetteInUseError):
                write_cassette(twin, cassette())
        writer.append(poll(0))
    assert read_cassette(path) == cassette(1)
    CassetteWriter(path, METADATA).close()


@pytest.mark.costly
@pytest.mark.parametrize("old", [None, 5])
def test_two_processes_that_write_one_file_are_refused(tmp_path: Path, old: int | None) -> None:
    """And a process that is killed leaves no lock behind."""
    path = tmp_path / "a.yaml"
    if old:
        write_cassette(path, cassette(old))
    with holding(path) as other:
        with pytest.raises(CassetteInUseError, match=r"a\.yaml is being written by another process"):
            CassetteWriter(path, METADATA)
        other.kill()
    with closing(CassetteWriter(path, METADATA)) as writer:
        writer.append(poll(0))
    assert read_cassette(path) == cassette(1)


@pytest.mark.costly
def test_the_second_of_two_that_begin_a_new_cassette_is_refused_at_its_first_interaction(tmp_path: Path) -> None:
    """Before that, there was no file to lock. What the first has written stays."""
    path = tmp_path / "a.yaml"
    late = CassetteWriter(path, METADATA)
    with holding(path):
        with pytest.raises(CassetteInUseError, match="has been written by another process since this recording began"):
            late.append(poll(0))
        late.close()
    assert len(read_cassette(path).interactions) == 1
    assert names(tmp_path) == ["a.yaml"]


@pytest.mark.parametrize("old", [None, 5])
@pytest.mark.parametrize("end", ["close", "cut_off", "discard"])
def test_a_system_that_moves_no_open_files_has_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, old: int | None
) -> None:
    """There a file is closed, moved, and opened again."""
    results = []
    for folder, moves in ((tmp_path / "moves", True), (tmp_path / "moves_not", False)):
        monkeypatch.setattr(partial_file, "_MOVES_OPEN_FILES", moves)
        path = folder / "a.yaml"
        if old:
            write_cassette(path, cassette(old))
        partial_file.partial_path(path).parent.mkdir(exist_ok=True)
        partial_file.partial_path(path).write_text("of a killed recording")
        writer = CassetteWriter(path, METADATA)
        writer.append(poll(0))
        writer.append(poll(1))
        getattr(writer, end)()
        results.append({each.name: each.read_bytes() for each in sorted(folder.iterdir())})
        CassetteWriter(path, METADATA).close()  # nothing is locked
    assert results[0] == results[1]


def test_threads_append_whole_interactions(tmp_path: Path) -> None:
    """Each is there once, and no two are mixed."""
    path = tmp_path / "a.yaml"
    start = threading.Barrier(4)

    def append(numbers: range) -> None:
        start.wait()
        for number in numbers:
            writer.append(poll(number))

    with closing(CassetteWriter(path, METADATA)) as writer, ThreadPoolExecutor(4) as pool:
        list(pool.map(append, [range(first, 200, 4) for first in range(4)]))
    found = read_cassette(path)
    assert sorted(found.interactions, key=lambda each: each.skipped_polls) == [poll(number) for number in range(200)]
    assert found.is_complete


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interaction that was written in part is taken back, so what comes next does not follow half of it."""
    path = tmp_path / "a.yaml"
    real = os.write

    def full(file: int, data: Any) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(file, data[:-10])

    with closing(CassetteWriter(path, METADATA)) as writer:
        writer.append(poll(0))
        before = path.read_bytes()
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            with pytest.raises(OSError, match="No space left"):
                writer.append(poll(1))
        assert path.read_bytes() == before
        writer.append(poll(1))
    assert read_cassette(path) == cassette(2)


def test_what_cannot_be_written_leaves_the_recording_as_it_was(tmp_path: Path) -> None:
    """It goes on with the next interaction."""
    path = tmp_path / "a.yaml"
    with closing(CassetteWriter(path, METADATA)) as writer:
        with pytest.raises(CassetteError, match="half of a surrogate pair"):
            writer.append(Interaction(RecordedRequest("GET", "\ud800"), RecordedResponse(200)))
        writer.append(poll(0))
    assert read_cassette(path) == cassette(1)


def test_a_closed_recording_takes_nothing_more(tmp_path: Path) -> None:
    """Closing it again is allowed."""
    writer = CassetteWriter(tmp_path / "a.yaml", METADATA)
    writer.close()
    writer.close()
    with pytest.raises(CassetteError, match=r"The recording of .*a\.yaml is closed; nothing can be appended to it\."):
        writer.append(poll(0))


def test_json_cannot_be_recorded(tmp_path: Path) -> None:
    """The text says how to come to a JSON file all the same."""
    with pytest.raises(CassetteError) as refused:
        CassetteWriter("cassettes/a.json", METADATA)
    assert str(refused.value) == (
        "cassettes/a.json cannot be recorded: JSON cannot be appended to. Record a.yaml, "
        "then: ycimages cassette convert cassettes/a.yaml cassettes/a.json"
    )
    with pytest.raises(CassetteError, match=r"b\.txt cannot be recorded: a cassette's name ends with \.yaml\."):
        CassetteWriter(tmp_path / "b.txt", METADATA)
    with pytest.raises(CassetteError, match=r"b\.txt': expected one that ends with one of \.yaml, "):
        write_cassette(tmp_path / "b.txt", cassette())


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json"])
@pytest.mark.parametrize("length", [0, 3])
def test_a_whole_tape_is_written_in_place_of_the_old_one(tmp_path: Path, name: str, length: int) -> None:
    """And nothing else is left in the folder, which may be new."""
    path = tmp_path / "new" / name
    write_cassette(path, cassette(1))
    write_cassette(path, cassette(length))
    assert read_cassette(path) == cassette(length)
    assert names(path.parent) == [name]


def test_a_whole_tape_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong on the way."""
    path = tmp_path / "a.yaml"
    write_cassette(path, cassette(5))

    def full(file: int, data: Any) -> int:  # noqa: ARG001 - the form of os.write
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            write_cassette(path, cassette(1))
    assert read_cassette(path) == cassette(5)
    assert names(tmp_path) == ["a.yaml"]


def test_an_incomplete_tape_stays_incomplete(tmp_path: Path) -> None:
    """Writing it anew does not make it whole."""
    for name in ("a.yaml", "a.json", "b.yaml"):
        write_cassette(tmp_path / name, cassette()._replace(is_complete=False), pretty=name == "b.yaml")
        assert read_cassette(tmp_path / name).is_complete is False
