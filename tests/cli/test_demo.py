"""`ycimages demo`: the main job shown, against a double of its own."""

from __future__ import annotations

import re
import sys

import pytest
from click.testing import CliRunner

from pytest_ycimages.cli.commands import ycimages

RUN = "from pytest_ycimages.cli import main; main()"

WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
"""Makes a library look as if it were not installed."""


def test_the_demo_creates_an_image_and_shows_every_exchange() -> None:
    """Create, two polls, the image: what was said, what was answered, and what the double saw; exit code 0."""
    result = CliRunner().invoke(ycimages, ["demo"])
    assert (result.exit_code, result.stderr) == (0, "")
    said = [
        re.sub(r"(?:fd8|epd)[0-9a-v]{17}", "<id>", line)
        for line in result.stdout.splitlines()
        if line[:1] in {"<", ">"}
    ]
    assert said == [
        "> POST /compute/v1/images",
        "< 200 OK",
        "> GET /operations/<id>",
        "< 200 OK",
        "> GET /operations/<id>",
        "< 200 OK",
        "> GET /compute/v1/images/<id>",
        "< 200 OK",
    ]
    assert re.search(r"^listening on http://127\.0\.0\.1:\d+$", result.stdout, re.MULTILINE)
    notes = re.findall(r"^\+\d.*  OK  (\S+)", result.stdout, re.MULTILINE)
    assert notes == ["running", "running", "succeeded", "READY"]
    assert re.fullmatch(r"image fd8[0-9a-v]{17} is READY", result.stdout.splitlines()[-1])


def test_what_the_demo_shows_is_the_json_that_was_sent() -> None:
    """No line of the JSON is broken, cut or padded, so that it can be copied."""
    lines = CliRunner().invoke(ycimages, ["demo"]).stdout.splitlines()
    type_url = "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata"
    assert f'  "@type": "{type_url}",' in [line.rstrip() for line in lines]
    assert ' "done": true,' in [line.rstrip() for line in lines]


def test_the_demo_draws_the_same_ids_for_the_same_seed() -> None:
    """Two runs agree in their last line; another seed does not."""
    runs = [CliRunner().invoke(ycimages, ["demo", "--seed", seed]).stdout.splitlines()[-1] for seed in ("1", "1", "2")]
    assert runs[0] == runs[1] != runs[2]


def test_the_demo_says_when_the_image_does_not_become_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1: it has looked at what came, and not only run."""
    monkeypatch.setattr("pytest_ycimages.cli.serve._POLLS", 0)
    result = CliRunner().invoke(ycimages, ["demo"])
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "the image did not become READY"


@pytest.mark.costly
def test_the_demo_runs_as_a_command(pytester: pytest.Pytester) -> None:
    """In a process of its own, with Python's development mode on: nothing is left open and nothing warns."""
    result = pytester.run(sys.executable, "-X", "dev", "-W", "error", "-c", RUN, "demo")
    assert result.ret == 0
    assert result.errlines == []
    result.stdout.fnmatch_lines(["> POST /compute/v1/images", "*what the double saw*", "image fd8* is READY"])


@pytest.mark.parametrize("library", ["click", "rich"])
def test_the_command_says_how_to_get_what_it_lacks(pytester: pytest.Pytester, library: str) -> None:
    """Without the extra, the text names what is missing and the line that installs it; no traceback."""
    result = pytester.run(sys.executable, "-c", WITHOUT.format(library=library) + RUN, "demo")
    assert result.ret != 0
    assert result.outlines == []
    assert result.errlines == [
        f"The ycimages command needs {library}. Install it with: pip install 'pytest-ycimages[cli]'"
    ]


def test_another_missing_module_is_not_explained_away(pytester: pytest.Pytester) -> None:
    """Only the extra's libraries are; a broken installation keeps its traceback."""
    result = pytester.run(sys.executable, "-c", WITHOUT.format(library="pydantic") + RUN, "demo")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["Traceback *", "ModuleNotFoundError: *pydantic*"])
