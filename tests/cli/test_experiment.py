"""`ycimages experiment`: what it shows, what it writes, how it ends, and what it says of wrong usage."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from pytest_ycimages import report_from_json
from pytest_ycimages.cli.commands import ycimages
from pytest_ycimages.cli.experiment_report import progress_bar

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from click.testing import Result

_BAKERY: Final = '''
"""Clients that need nothing but the standard library."""

import json
import time
import urllib.request

NOT_CALLABLE = 3

def call(url, token, body=None, key="one-key"):
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    for pause in (1, 2, 4):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            time.sleep(pause)
    raise TimeoutError("no answer")

def bake(url, token, keys=("one-key",) * 3):
    operation = call(url + "/compute/v1/images", token, b'{"folderId": "b1g0", "diskId": "epd0000000000000000a"}')
    while not operation["done"]:
        time.sleep(2)
        operation = call(url + "/operations/" + operation["id"], token)
    if "error" in operation:
        raise RuntimeError(operation["error"]["message"])
    return operation["metadata"]["imageId"]

def trusting(url, token):
    operation = call(url + "/compute/v1/images", token, b'{"folderId": "b1g0", "diskId": "epd0000000000000000a"}')
    while not operation["done"]:
        time.sleep(2)
        operation = call(url + "/operations/" + operation["id"], token)
    return operation["metadata"]["imageId"]

def broken(url, token):
    raise ValueError("\\x1b[31m[bold]not <b>today</b>")

class Oven:
    @staticmethod
    def bake(url, token):
        return bake(url, token)

def is_quick(trial):
    """A judge of one's own."""
    return "it is slow" if trial.seconds > 3 else None
'''
FEW: Final = ("--fault", "unavailable()", "--fault", "operation_fails()")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """The current folder, with a module of clients that is no other test's."""
    (tmp_path / "bakery.py").write_text(_BAKERY)
    (tmp_path / "needy.py").write_text("import a_module_that_nobody_has\n")
    (tmp_path / "failing.py").write_text("raise SystemExit('not like this')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("bakery", "needy", "failing"):
        sys.modules.pop(name, None)


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(ycimages, ["experiment", *arguments])


@pytest.mark.costly
@pytest.mark.usefixtures("folder")
def test_a_client_without_a_flaw_ends_with_0() -> None:
    """A module in the current folder can be named."""
    result = run("bakery:bake", *FEW)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(
        "bakery:bake: no finding in 10 scenarios of up to 1 fault(s), seed 0, verb create, over REST\n"
    )
    assert "The same again: ycimages experiment bakery:bake --fault 'unavailable()' --fault 'operation_fails()'\n" in (
        result.stdout
    )


@pytest.mark.costly
@pytest.mark.usefixtures("folder")
def test_a_client_with_a_flaw_ends_with_1_and_its_story_is_told() -> None:
    """The verdict, what goes wrong, both sides of the timeline, the test, and how it fared under each fault."""
    result = run("bakery:trusting", *FEW)
    assert (result.exit_code, result.stderr) == (1, "")
    for said in (
        "bakery:trusting: 1 finding in 10 scenarios",
        "1. truthful  The client reported success with image fd8",
        "What goes wrong: operation_fails(code='INTERNAL') at call 1 of images.create",
        "the client asked",
        "it was told",
        "the server did",
        "Fault by fault, one at a time",
        "0/1",
    ):
        assert said in result.stdout
    assert re.search(
        r"^> .* GET /operations/\S+ +failed +operation \S+, image \S+, failed", result.stdout, re.MULTILINE
    )


@pytest.mark.costly
def test_the_test_that_is_shown_fails_as_it_says(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pasted from the terminal as it is: no line is broken, cut or padded."""
    monkeypatch.chdir(folder)
    shown = run("bakery:trusting", "--fault", f"operation_fails(message={'long ' * 40!r})").stdout
    start = shown.index("import pytest\n")
    test = shown[start : shown.index("truthful)\n", start)] + "truthful)\n"
    assert [line for line in test.splitlines() if line != line.rstrip()] == []
    monkeypatch.chdir(pytester.path)
    pytester.makepyfile(test_pasted=test, bakery=(folder / "bakery.py").read_text())
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*truthful: The client reported success with image *"])


@pytest.mark.costly
def test_the_report_is_written_as_json_and_as_a_page(folder: Path) -> None:
    """In one process or in two to the same bytes; and neither in the command that repeats it."""
    results = [
        run("bakery:trusting", *FEW, "--workers", workers, "--json", f"{workers}.json", "--html", f"{workers}.html")
        for workers in ("1", "2", "auto")
    ]
    assert [result.exit_code for result in results] == [1, 1, 1]
    assert results[0].stdout == results[1].stdout
    assert len({(folder / f"{workers}.json").read_bytes() for workers in ("1", "2", "auto")}) == 1
    assert (folder / "1.html").read_bytes() == (folder / "2.html").read_bytes()
    assert not report_from_json((folder / "1.json").read_bytes()).ok
    page = (folder / "1.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "ycimages experiment bakery:trusting --fault" in page
    assert "--json" not in page


@pytest.mark.costly
def test_clients_are_compared_with_functions_and_with_files(folder: Path) -> None:
    """Side by side, on the terminal and on the page; the exit code is that of the first."""
    run("bakery:trusting", *FEW, "--json", "before.json")
    against = ("--against", "before.json", "--against", "bakery:Oven.bake")
    result = run("bakery:bake", *FEW, *against, "--html", "page.html", "--json", "now.json")
    assert result.exit_code == 0
    assert "A  bakery:bake: no finding" in result.stdout
    assert "B  bakery:trusting: 1 finding" in result.stdout
    assert "C  bakery:Oven.bake: no finding" in result.stdout
    assert re.search(r"truthful: reported success.* - .*finding 1.* - ", result.stdout)
    assert "not tried alike" not in result.stdout
    assert report_from_json((folder / "now.json").read_bytes()).client == "bakery:bake"
    assert "Side by side" in (folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.costly
@pytest.mark.usefixtures("folder")
def test_what_was_not_tried_alike_is_said() -> None:
    """As a comparison says less then."""
    run("bakery:trusting", *FEW, "--seed", "4", "--json", "before.json")
    result = run("bakery:bake", *FEW, "--against", "before.json")
    assert "These were not tried alike, so compare them with care: the seed differ." in result.stdout


@pytest.mark.costly
def test_the_options_reach_the_experiment(folder: Path) -> None:
    """Each of them, and those that decide what is found are in the command that repeats it."""
    options = ["--depth", "0", "--judge", "finishes(within=900)", "--judge", "bakery:is_quick", "--seed", "3"]
    options += ["--timing", "Uniform(9, 10)", "--set", "contract=current", "--budget", "1m", "--json", "found.json"]
    result = run("bakery:bake", *options, "--state", "progress")
    document = json.loads((folder / "found.json").read_text())
    assert (document["seed"], document["depth"]) == (3, 0)
    assert [each["name"] for each in document["judges"]] == ["finishes(within=900)", "is_quick"]
    assert document["settings"] == {
        "contract": "'current'",
        "timing": "'Uniform(9, 10)'",
        "unknown_fields": "'ignore'",
    }
    assert [(finding["judge"], finding["explanation"]) for finding in document["findings"]] == [
        ("is_quick", "it is slow")
    ]
    assert (folder / "progress").read_text().count("\n") == 2
    repeat = (
        "The same again: ycimages experiment bakery:bake --depth 0 --judge 'finishes(within=900)' --judge "
        "bakery:is_quick --seed 3 --budget 60s --timing 'Uniform(9, 10)' --set contract=current\n"
    )
    assert repeat in result.stdout


@pytest.mark.costly
def test_a_search_that_its_budget_stopped_says_so(folder: Path) -> None:
    """Nothing was found by then, so it ends with 0; it goes on from its file."""
    many = [word for seconds in range(1, 21) for word in ("--fault", f"slow({seconds})")]
    stopped = run("bakery:bake", *many, "--budget", "0", "--state", "progress", "--json", "stopped.json")
    assert stopped.exit_code == 0
    assert "The search was not over when its budget was" in stopped.stdout
    assert not json.loads((folder / "stopped.json").read_text())["complete"]
    resumed = run("bakery:bake", *many, "--state", "progress", "--json", "whole.json")
    assert "not over" not in resumed.stdout
    assert json.loads((folder / "whole.json").read_text())["counts"]["tried"] == 1 + 20 * 4


@pytest.mark.costly
@pytest.mark.usefixtures("folder")
def test_a_command_is_a_client_as_well() -> None:
    """In real time; it has no test to paste."""
    line = shlex.join([sys.executable, "-c", "print('fd8')"])
    result = run("--command", line, "--depth", "0", "--judge", "truthful")
    assert result.exit_code == 1
    assert "1. truthful  " in result.stdout
    assert "ready to be pasted" not in result.stdout
    assert f"The same again: ycimages experiment {shlex.join(['--command', line])} --depth 0 --judge truthful\n" in (
        result.stdout
    )


@pytest.mark.costly
def test_what_is_compared_may_be_a_command_and_goes_on_from_its_own_file(folder: Path) -> None:
    """That of the first client with its name; a report that was made before needs none."""
    line = shlex.join([sys.executable, "-c", "print('fd8')"])
    run("bakery:trusting", "--depth", "0", "--json", "before.json")
    others = ["--against", "before.json", "--against", "bakery:trusting", "--against-command", line]
    options = ["--depth", "0", "--judge", "truthful", *others, "--state", "progress"]
    for _ in range(2):
        result = run("bakery:bake", *options)
        assert "D  " in result.stdout
        assert shlex.join(["--against-command", line]) in result.stdout
    files = sorted(folder.glob("progress*"))
    assert [file.read_text().count("\n") for file in files] == [2, 2, 2]
    assert {file.name for file in files} > {"progress", "progress.bakery-trusting"}


@pytest.mark.costly
@pytest.mark.usefixtures("folder")
def test_what_a_client_says_does_nothing_to_the_terminal() -> None:
    """Neither as a control sequence nor as markup; and that it fails without a fault is said."""
    result = run("bakery:broken", "--depth", "0")
    assert r"ValueError: \x1b[31m[bold]not <b>today</b>" in result.stdout
    assert "Nothing went wrong, and it did not succeed: it raised ValueError" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "The client is missing. Give module:function, such as bakery:bake, or --command './bake.sh'."),
        (["bakery:bake", "--command", "./x"], "bakery:bake and --command './x' are two clients. Give one"),
        (["bakery"], "invalid function 'bakery': expected module:function, such as bakery:bake."),
        ([":bake"], "invalid function ':bake': expected"),
        (["bakry:bake"], "Unknown module 'bakry'. Did you mean 'bakery'? Known: bakery, failing, needy."),
        (["bakery.py:bake"], "Unknown module 'bakery.py'. Did you mean 'bakery'?"),
        (["json.decodr:loads"], "Unknown module 'json.decodr'. Did you mean 'json.decoder'?"),
        (["bakery:bak"], "Unknown function of bakery 'bak'. Did you mean 'bake'? Known: Oven, bake, broken, "),
        (["bakery:Oven.bak"], "Unknown function of bakery 'Oven.bak'. Did you mean "),
        (["bakery:NOT_CALLABLE"], "invalid client 3: expected a function client(url, token)"),
        (["bakery:is_quick"], "cannot be called with a URL and a token"),
        (["needy:bake"], "The module 'needy' cannot be imported: No module named 'a_module_that_nobody_has'."),
        (["failing:bake"], "The module 'failing' cannot be imported: SystemExit: not like this."),
        (["..bakery:bake"], "The module '..bakery' cannot be imported: "),
        (["bakery:bake", "--judge", "truthfull"], "Unknown judge 'truthfull'. Did you mean 'truthful'? Known: "),
        (["bakery:bake", "--judge", "bakery:is_quik"], "Did you mean 'is_quick'?"),
        (["bakery:bake", "--fault", "rest()"], "'rest'. Did you mean 'reset'? Known: "),
        (["bakery:bake", "--fault", "reset(), on='images.creat'"], "Did you mean 'images.create'?"),
        (
            ["bakery:bake", "--budget", "soon"],
            "invalid duration 'soon': expected seconds, or a duration such as '200ms', '1.5s' or '1h30m'.",
        ),
        (["bakery:bake", "--depth", "-1"], "-1 is not in the range x>=0."),
        (["bakery:bake", "--workers", "0"], "0 is not in the range x>=1."),
        (["bakery:bake", "--workers", "all"], "invalid number of processes 'all': expected one such as 2, or auto."),
        (["bakery:bake", "--against-command", ""], "The command is empty. Write such as './bake.sh --size 10'."),
        (["bakery:bake", "--timing", "Aftr(3)"], "Did you mean 'After'?"),
        (["bakery:bake", "--set", "timng=3"], "Unknown setting 'timng'. Did you mean 'timing'?"),
        (["bakery:bake", "--set", "timing"], "invalid setting 'timing': expected"),
        (["bakery:bake", "--json", "no/where.json"], "the folder no does not exist. Create it first."),
        (["bakery:bake", "--against", "none.json"], "none.json cannot be read: No such file or directory."),
        (["bakery:bake", "--against", "bakery.py"], "bakery.py: This is not JSON: "),
        (["bakery:bake", "--against", "bakery:bak"], "Did you mean 'bake'?"),
        (["--command", "'", "--depth", "0"], "cannot be read: No closing quotation."),
        (["--command", "./none-such", "--depth", "0"], "does not start: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("folder")
def test_wrong_usage_ends_with_2_and_names_the_nearest(arguments: list[str], said: str) -> None:
    """On stderr, under the usage line; there is no report."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Usage: " in result.stderr
    assert result.stdout == ""


def test_a_folder_without_modules_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As there is nothing near then."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    result = run("bakry:bake")
    assert result.exit_code == 2
    assert "Unknown module 'bakry', and the current folder has none." in result.stderr


@pytest.mark.usefixtures("folder")
def test_a_missing_jinja2_is_told_before_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not after it."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = run("bakery:bake", "--html", "page.html")
    assert result.exit_code == 2
    assert "pip install 'pytest-ycimages[report]'" in result.stderr


def test_progress_is_shown_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, so that the report can be piped."""
    with progress_bar("bakery:bake") as progress:
        assert progress is None
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bar("bakery:bake") as progress:
        assert progress is not None
        progress(3, 8)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "bakery:bake" in errors
    assert "3/8" in re.sub(r"\x1b\[[0-9;]*m", "", errors)


@pytest.mark.costly
def test_the_command_runs_in_a_process_of_its_own(
    folder: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Python's development mode on nothing is left open and nothing warns; each process writes the same bytes."""
    script = folder / "ycimages_command.py"
    script.write_text("from pytest_ycimages.cli import main\nif __name__ == '__main__':\n    main()\n")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    command = [sys.executable, "-X", "dev", "-W", "error", str(script), "experiment", "bakery:trusting"]
    result = pytester.run(*command, *FEW, "--workers", "2", "--json", "2.json")
    assert result.ret == 1
    assert result.errlines == []
    result.stdout.fnmatch_lines(["bakery:trusting: 1 finding in 10 scenarios*", "The same again: *"])
    monkeypatch.chdir(folder)
    assert run("bakery:trusting", *FEW, "--workers", "1", "--json", str(pytester.path / "1.json")).exit_code == 1
    assert (pytester.path / "1.json").read_bytes() == (pytester.path / "2.json").read_bytes()
