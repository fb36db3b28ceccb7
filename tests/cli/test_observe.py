"""`ycimages observe`: what it sends, what it writes, what it shows of the table, and its exit codes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from pytest_ycimages import Double, reset, unavailable
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cli.commands import ycimages
from pytest_ycimages.verify.observe import READING, harmless_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "unknown.md"
TOKEN: Final = "t1.9euelZqMkZqdzczOyM6Vm5eQzO3rnpWanpqXm5qYj5yQzsiWlJrLkZPl8_c" + ".signature"
ADDRESSES: Final = r"│ [12]: GET /endpoints(/compute)? +│.*\n│ body\.(endpoints\[\d\]\.)?address \(value\).*\n"


def run(*arguments: object, **environment: str) -> Result:
    """What comes of `ycimages observe`."""
    env = {"COLUMNS": "200", **environment}
    return CliRunner().invoke(ycimages, ["observe", *map(str, arguments)], env=env)


def a_service(**settings: Any) -> Double:
    """A double in place of the service, with public images."""
    made = {"unknown_resources": "not_found", "auth": "strict", "contract": "current", "unknown_fields": "ignore"}
    double = Double(**{**made, **settings})
    for day in (1, 2, 3):
        double.add_image(
            folder_id="standard-images",
            family="ubuntu-2204-lts",
            name=f"ubuntu-{day}",
            created_at=f"2025-12-0{day}T00:00:00Z",
        )
    return double


@pytest.fixture
def service() -> Iterator[Double]:
    """Such a double, served."""
    with a_service() as double:
        yield double


def test_a_dry_run_lists_every_call_and_sends_none(service: Double, tmp_path: Path) -> None:
    """It needs no credentials, and writes no file."""
    result = run(tmp_path / "it.yaml", "--dry-run", "--upstream", service.url, "--image", "fd8mine")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == [call.name for call in harmless_calls(("fd8mine",))]
    assert "GET https://compute.api.cloud.yandex.net/compute/v1/images/fd8mine, with your token" in result.stdout
    assert lines[-1] == f"Nothing was sent. Without --dry-run, these calls go to {service.url}."
    assert not service.calls
    assert not list(tmp_path.iterdir())


def test_it_only_reads(service: Double, tmp_path: Path) -> None:
    """Each call is made once, in order; nothing there has changed."""
    mine = service.add_image(name="mine")
    images, operations = dict(service.images), dict(service.operations)
    result = run(tmp_path / "it.yaml", "--upstream", service.url, "--image", mine)
    assert result.exit_code == 0, result.output
    assert {call.method for call in service.calls} == READING
    assert all(call.line.startswith("GET ") for call in service.calls)
    assert len(service.calls) == len(harmless_calls((mine,)))
    assert (dict(service.images), dict(service.operations)) == (images, operations)


def test_it_shows_what_the_answers_confirm(service: Double, tmp_path: Path) -> None:
    """As `verify` does of the same file, which has everything but where the double is."""
    path = tmp_path / "it.yaml"
    result = run(path, "--upstream", service.url)
    assert "was recorded from the fake, so it proves nothing" in result.stdout
    assert re.search(r"│ text.no-token +│ setting +│ 2 +│ agree", result.stdout)
    assert re.search(r"│ list.page-token-garbage +│ observed +│ 1 +│ agree", result.stdout)
    differing = re.sub(ADDRESSES, "", result.stdout.partition("What differs")[2].partition("└")[0])
    assert "│" not in differing.partition("┩")[2], differing
    verified = CliRunner().invoke(ycimages, ["verify", str(path)], env={"COLUMNS": "200"})
    assert verified.stdout in result.stdout


@pytest.mark.parametrize(
    ("settings", "row"),
    [
        ({"texts": {"family_not_found": "No such family"}}, "text.family"),
        ({"violation_paths": "camelCase", "texts": {"operation_not_found": "Gone: {id}"}}, "operation.not-found"),
    ],
)
def test_it_shows_what_the_answers_contradict(settings: dict[str, Any], row: str, tmp_path: Path) -> None:
    """By the row of the table; a contradiction is a result, and not a failure."""
    with a_service(**settings) as service:
        result = run(tmp_path / "it.yaml", "--upstream", service.url)
    assert result.exit_code == 0
    assert re.search(rf"│ {row} +│ \w+ +│ \d+ +│ differ: \d", result.stdout), result.stdout


@pytest.mark.costly
def test_the_cassette_is_redacted(service: Double, tmp_path: Path) -> None:
    """No token, no id of the folder; the ids of images stay."""
    path = tmp_path / "it.yaml"
    mine = service.add_image(name="mine", description=f"made with {TOKEN}")
    with a_service(auth="any") as other:
        other.add_image(mine, name="mine", description=f"made with {TOKEN}", folder_id=service.folder_id)
        result = run(path, "--upstream", other.url, "--image", mine, YC_TOKEN=TOKEN, YC_FOLDER_ID=service.folder_id)
    assert result.exit_code == 0, result.output
    text = path.read_text()
    assert TOKEN not in text + result.stdout
    assert service.folder_id not in text
    assert mine in text
    assert read_cassette(path).is_complete


def test_ids_of_folders_are_kept_on_request(service: Double, tmp_path: Path) -> None:
    """With `--no-pseudonyms`."""
    path = tmp_path / "it.yaml"
    run(path, "--upstream", service.url, "--no-pseudonyms")
    assert service.folder_id in path.read_text()


def test_what_earlier_answers_do_not_show_is_left_out(tmp_path: Path) -> None:
    """A service without public images, and one that is in trouble, still tell something."""
    with Double(unknown_fields="ignore") as service:
        service.inject(unavailable(), on="images.latestByFamily")
        result = run(tmp_path / "it.yaml", "--upstream", service.url)
    assert result.exit_code == 0, result.output
    reason = "the answers before show no value for"
    assert re.search(rf"^next-page +not sent: {reason} .*<page-token>$", result.stdout, re.MULTILINE)
    assert re.search(r"^public-image-bindings +not sent", result.stdout, re.MULTILINE)
    assert re.search(r"^unknown-family +503 UNAVAILABLE Injected", result.stdout, re.MULTILINE)
    assert len(service.calls) == len(harmless_calls()) - 4


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, "YC_TOKEN, YC_FOLDER_ID"),
        ({"YC_TOKEN": TOKEN}, "YC_FOLDER_ID"),
        ({"YC_FOLDER_ID": "b1g"}, "YC_TOKEN"),
    ],
)
def test_without_credentials_nothing_is_sent(environment: dict[str, str], missing: str, tmp_path: Path) -> None:
    """The text says what is not set, and how to set it."""
    result = run(tmp_path / "it.yaml", **environment)
    assert result.exit_code == 2
    assert f"not set: {missing}. For example: export YC_TOKEN=$(yc iam create-token)" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("it.json",), "it.json cannot be recorded: JSON cannot be appended to. Record it.yaml"),
        (("it.yaml", "--upstream", "ftp://127.0.0.1"), "invalid upstream: expected scheme and host"),
        (("it.yaml", "--upstream", "http://api.cloud.yandex.net"), "plain HTTP would show the credential"),
        (("it.yaml", "--upstream", "http://127.0.0.1:1"), "http://127.0.0.1:1"),
        (("it.yaml", "--image", "fd8:cancel"), "invalid image id 'fd8:cancel': expected letters and digits"),
        (("it.yaml", "--operation", ""), "invalid operation id ''"),
        ((), "Missing argument 'FILE'"),
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: tuple[str, ...], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text says what is wrong; no file is left."""
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, YC_TOKEN=TOKEN, YC_FOLDER_ID="b1g")
    assert (result.exit_code, text in result.stderr) == (2, True), result.output
    assert not list(tmp_path.iterdir())


def test_an_older_cassette_stays_if_the_service_goes_away(service: Double, tmp_path: Path) -> None:
    """Half of the answers are no evidence of the rest."""
    path = tmp_path / "it.yaml"
    run(path, "--upstream", service.url)
    before = path.read_bytes()
    with a_service() as other:
        other.inject(reset(), on="operations.get")
        result = run(path, "--upstream", other.url)
    assert result.exit_code == 2
    assert "has a gap. An older cassette there stays." in result.stderr
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["it.yaml"]


def test_the_page_has_every_call() -> None:
    """With the words of the command, in its order."""
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(call.name, call.asks) for call in harmless_calls(("ID",), ("ID",))]
