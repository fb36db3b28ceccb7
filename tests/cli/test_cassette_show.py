"""`ycimages cassette show`: a cassette as a story to read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_ycimages.cassette.file import write_cassette
from pytest_ycimages.cassette.model import (
    UNKNOWN_METADATA,
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cli.commands import ycimages
from tests.cli.recorded import tape

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def show(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(ycimages, ["cassette", "show", *map(str, arguments)])


def story(path: Path, *options: str) -> list[str]:
    """What is told of a cassette; ids are drawn, and so are left out."""
    result = show(path, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    text = result.stdout.replace(str(path), "<path>")
    return re.sub(r"\b(fd8|epd|b1g)(?!0{17})[0-9a-v]{17}\b", r"<\1>", text).splitlines()


def test_a_story_is_told_from_the_label_to_the_last_call(tmp_path: Path) -> None:
    """When, the method's word, how it was spelled, the status, what the answer says; and which polls were left out."""
    write_cassette(tmp_path / "a.yaml", tape())
    assert story(tmp_path / "a.yaml") == [
        "<path>",
        "  origin    fake, at http://127.0.0.1:41233",
        "  recorded  2026-11-25T03:10:48Z, pytest-ycimages 0.1.0, contract page",
        "  folder    <b1g>",
        "  6 interactions, complete",
        (
            "+0.000s    images.create       POST /compute/v1/images  200 OK  running  operation <epd>  image <fd8>  "
            "took 0.250s"
        ),
        "+1.000s    operations.get      GET /operations/<epd>  200 OK  running  image <fd8>  took 0.250s",
        "           (3 equal polls before)",
        "+2.000s    operations.get      GET /operations/<epd>  200 OK  done  image <fd8>  took 0.250s",
        "+3.000s    images.get          GET /compute/v1/images/<fd8>  200 OK  READY  took 0.250s",
        "+4.000s    images.list         GET /compute/v1/images?folderId=<b1g>  200 OK  1 image  took 0.250s",
        (
            "+5.000s    images.get          GET /compute/v1/images/fd800000000000000000  404 Not Found  "
            'Image "fd800000000000000000" not found  took 0.250s'
        ),
    ]


def test_bodies_are_told_when_asked_for(tmp_path: Path) -> None:
    """JSON as it reads best; what was sent apart from what was answered."""
    request = RecordedRequest("POST", "https://storage.yandexcloud.net/a?b=c", (), b'{"a":[1]}')
    write_cassette(
        tmp_path / "a.yaml",
        CassetteData(
            CassetteMetadata(Origin.SERVICE),
            (Interaction(request, RecordedResponse(503, "", (), b"<p>\xff</p>"), skipped_polls=1),),
        ),
    )
    assert story(tmp_path / "a.yaml", "--body") == [
        "<path>",
        "  origin    service",
        "  1 interaction, complete",
        "           (1 equal poll before)",
        "           -                   POST https://storage.yandexcloud.net/a?b=~SCRUBBED~  503",
        "           > {",
        '           >  "a": [',
        "           >   1",
        "           >  ]",
        "           > }",
        "           < <p>\\xff</p>",
    ]


def test_nothing_that_a_terminal_obeys_is_printed(tmp_path: Path) -> None:
    """Nor is anything taken for markup: a recording is somebody else's text."""
    evil = "\x1b]0;gone\x07[red]\u202e\x9b"
    request = RecordedRequest(f"GET{evil}", f"https://h/{evil}", (), evil.encode())
    response = RecordedResponse(500, evil, (), json.dumps({"message": evil}).encode())
    write_cassette(
        tmp_path / "a.yaml",
        CassetteData(CassetteMetadata(Origin.FAKE, note=evil), (Interaction(request, response, 1.0),)),
    )
    printed = show(tmp_path / "a.yaml", "--body").stdout
    assert all(character.isprintable() for character in printed.replace("\n", ""))
    assert "[red]" in printed
    assert "  \\x1b]0;gone" in printed


def test_what_is_not_known_is_said_so(tmp_path: Path) -> None:
    """Of a cassette that somebody else recorded, and of a recording that was stopped."""
    call = Interaction(RecordedRequest("GET", "http://127.0.0.1:80/nowhere"), RecordedResponse(404, "Not Found"))
    write_cassette(tmp_path / "a.yaml", CassetteData(UNKNOWN_METADATA, (call,), is_complete=False))
    assert story(tmp_path / "a.yaml")[1:] == [
        "  has no metadata: the origin of its answers is unknown",
        "  1 interaction, not complete: the recording was stopped before its end, or the file was cut off",
        "           -                   GET /nowhere  404 Not Found",
    ]


def test_a_folder_stands_for_the_cassettes_in_it(tmp_path: Path) -> None:
    """And in those below it; a file that cannot be read is told of, and the others are shown."""
    write_cassette(tmp_path / "deep" / "a.json", tape())
    write_cassette(tmp_path / "b.yaml", tape())
    (tmp_path / "b.partial.yaml").write_text("of a recording that goes on")
    (tmp_path / "c.yaml").write_text("")
    (tmp_path / "notes.txt").write_text("no cassette")
    result = show(tmp_path)
    assert result.exit_code == 1
    shown = [line for line in result.stdout.splitlines() if line.startswith(str(tmp_path))]
    assert shown == [str(tmp_path / "b.yaml"), str(tmp_path / "deep" / "a.json")]
    assert result.stderr.startswith(f"{tmp_path / 'c.yaml'}: it is empty.")


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [("", 2, "contains no cassette"), ("a.yaml", 1, "does not exist"), (None, 2, "FILES")],
)
def test_nothing_to_show_is_told_apart(tmp_path: Path, name: str | None, code: int, text: str) -> None:
    """An empty folder and no name at all are wrong usage; a file that is not there is a finding."""
    result = show() if name is None else show(tmp_path / name)
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
