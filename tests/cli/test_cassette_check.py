"""`ycimages cassette check`: what is to be found fault with, and an exit code for CI."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pytest_ycimages.cassette.file import cassette_text, write_cassette
from pytest_ycimages.cassette.model import UNKNOWN_METADATA, Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.cassette.usage import write_usage
from pytest_ycimages.cli import cassette_report
from pytest_ycimages.cli.commands import ycimages
from tests.cli.recorded import HOST, tape
from tests.cli.test_demo import RUN, WITHOUT

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SECOND = 10**9
RECORDED_AT = 1_795_576_248  # 2026-11-25T03:10:48Z
CREATE, RUNNING, DONE, IMAGE, LIST, MISSING = range(6)


def check(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(ycimages, ["cassette", "check", *map(str, arguments)])


def found(path: Path, *options: object) -> list[str]:
    """The findings in one cassette."""
    result = check(path, *options)
    assert result.exit_code == 1, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines() if "│" in line]
    assert result.stdout.splitlines()[-1] == f"1 cassette checked, {len(rows)} found"
    return [" ".join(filter(None, row)) for row in rows]


def changed(index: int, **changes: Any) -> tuple[Interaction, ...]:
    """The recording with other fields in the body of one answer; None takes one out."""
    calls = list(tape().interactions)
    body = json.loads(calls[index].response.body) | changes
    body = {name: value for name, value in body.items() if value is not None}
    response = calls[index].response._replace(body=json.dumps(body).encode())
    calls[index] = calls[index]._replace(response=response)
    return tuple(calls)


@pytest.mark.parametrize("contract", ["page", "current"])
@pytest.mark.parametrize("name", ["a.yaml", "a.json"])
def test_what_the_fake_answers_passes(tmp_path: Path, contract: str, name: str) -> None:
    """Under the contract that the cassette names."""
    write_cassette(tmp_path / name, tape(contract=contract))
    result = check(tmp_path / name)
    assert (result.exit_code, result.stdout) == (0, "1 cassette checked, nothing found\n")


def test_a_damaged_cassette_is_a_finding(tmp_path: Path) -> None:
    """Among others that are as they should be."""
    write_cassette(tmp_path / "a.yaml", tape())
    (tmp_path / "b.yaml").write_text("interactions: 5")
    result = check(tmp_path)
    assert result.exit_code == 1
    assert "damage │ " in result.stdout
    assert "it is not a cassette: it has no list of `interactions`." in result.stdout
    assert result.stdout.splitlines()[-1] == "2 cassettes checked, 1 found"


def test_a_recording_that_was_stopped_is_a_finding(tmp_path: Path) -> None:
    """And so is what a killed one has left beside an older cassette."""
    path = tmp_path / "a.yaml"
    path.write_bytes(cassette_text(tape())[:-30])
    (tmp_path / "a.partial.yaml").write_text("")
    assert found(path) == [
        "damage the recording was stopped before its end, or the file was cut off; its interactions are intact",
        "damage a killed recording has left a.partial.yaml: delete it",
    ]


def test_a_cassette_has_to_say_whose_answers_it_holds(tmp_path: Path) -> None:
    """`convert` says it, and keeps what has been said."""
    path = tmp_path / "a.yaml"
    write_cassette(path, tape()._replace(metadata=UNKNOWN_METADATA))
    assert found(path, "--contract", "page") == [
        "metadata it does not say who answered; add it: ycimages cassette convert --origin"
    ]
    write_cassette(path, tape()._replace(metadata=tape().metadata._replace(contract="next")))
    assert found(path) == ["metadata unknown contract 'next'; known: page, current"]


def test_a_recording_may_be_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the machine's clock, whatever a test has made of time."""
    monkeypatch.setattr(cassette_report, "machine_time", lambda: (RECORDED_AT + 30 * 86_400) * SECOND)
    path = tmp_path / "a.yaml"
    write_cassette(path, tape())
    assert check(path, "--max-age", "30").exit_code == 0
    assert found(path, "--max-age", "29.5") == ["age recorded 30 days ago, at 2026-11-25T03:10:48Z; it may be 29.5"]
    write_cassette(path, tape()._replace(metadata=tape().metadata._replace(recorded_at="")))
    assert check(path).exit_code == 0
    assert found(path, "--max-age", "30") == ["age it does not say when it was recorded"]


@pytest.mark.parametrize(
    ("index", "changes", "finding"),
    [
        (RUNNING, {"weather": "fine"}, "answer: Additional properties are not allowed ('weather' was unexpected)"),
        (RUNNING, {"createdBy": None}, 'answer: "createdBy" is a required property'),
        (RUNNING, {"createdAt": "today"}, 'answer createdAt: it is not a "date-time"'),
        (RUNNING, {"id": 5}, 'answer id: it is not of type "string"'),
        (IMAGE, {"status": "PAINTED"}, "answer status: it is not one of "),
        (IMAGE, {"storageSize": 5}, 'answer storageSize: it is not of type "string"'),
        (LIST, {"images": [{}]}, 'answer images.0: "folderId" is a required property'),
        (MISSING, {"code": 7}, "answer code: it is not one of "),
        (MISSING, {"message": 7}, 'answer message: it is not of type "string"'),
    ],
)
def test_an_answer_that_the_contract_does_not_know_is_a_finding(
    tmp_path: Path, index: int, changes: dict[str, Any], finding: str
) -> None:
    """The service may have moved on, or somebody has edited the file. The number is that of the interaction."""
    path = tmp_path / "a.yaml"
    write_cassette(path, tape()._replace(interactions=changed(index, **changes)))
    assert any(each.startswith(f"{index + 1} contract {finding}") for each in found(path)), found(path)


def test_where_there_are_alternatives_the_nearest_is_named(tmp_path: Path) -> None:
    """Not that none of them fits."""
    path = tmp_path / "a.yaml"
    kind = "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata"
    write_cassette(path, tape()._replace(interactions=changed(RUNNING, metadata={"@type": kind, "imageId": 5})))
    assert found(path) == ['2 contract answer metadata.imageId: it is not of type "string"']
    write_cassette(path, tape()._replace(interactions=changed(DONE, response=None)))
    assert found(path) == [
        '3 contract answer: "error" is a required property',
        '3 contract answer: "response" is a required property',
    ]


def test_a_request_that_the_contract_refuses_is_a_finding_if_it_was_not_refused(tmp_path: Path) -> None:
    """The double would have refused it, so the double or the contract is wrong."""
    path = tmp_path / "a.yaml"
    calls = list(tape().interactions)
    create = calls[CREATE]
    wrong = create.request._replace(body=b'{"name": "UPPER", "diskId": "epd0000000000000000a"}')
    calls[CREATE] = create._replace(request=wrong)
    write_cassette(path, tape()._replace(interactions=tuple(calls)))
    assert found(path) == [
        "1 contract request folderId: breaks the contract, but the call was not refused",
        "1 contract request name: breaks the contract, but the call was not refused",
    ]
    calls[CREATE] = create._replace(request=wrong._replace(body=b"{"))
    write_cassette(path, tape()._replace(interactions=tuple(calls)))
    assert found(path) == ["1 contract request: invalid JSON or wrong types, but the call was not refused"]
    refused = RecordedResponse(400, "Bad Request", (), b'{"code": 3, "message": "no"}')
    calls[CREATE] = Interaction(wrong, refused)
    write_cassette(path, tape()._replace(interactions=tuple(calls)))
    assert check(path).exit_code == 0


@pytest.mark.parametrize(
    ("call", "finding"),
    [
        (Interaction(RecordedRequest("GET", f"{HOST}/compute/v9/x"), RecordedResponse(404)), None),
        (
            Interaction(RecordedRequest("GET", f"{HOST}/compute/v9/x"), RecordedResponse(200)),
            "7 contract the contract has no GET /compute/v9/x, but the call was not refused",
        ),
        (
            Interaction(RecordedRequest("GET", f"{HOST}/operations/fd8a"), RecordedResponse(200)),
            "7 contract answer: not JSON",
        ),
        (Interaction(RecordedRequest("GET", f"{HOST}/operations/fd8a"), RecordedResponse(502, body=b"<p>")), None),
        (Interaction(RecordedRequest("GET", "https://elsewhere.net/"), RecordedResponse(200, body=b"<p>")), None),
        (
            Interaction(RecordedRequest("GET", f"{HOST}/operations/fd8a"), RecordedResponse(503, body=b'{"code": 14}')),
            None,
        ),
        (Interaction(RecordedRequest("POST", f"{HOST}/iam/v1/tokens"), RecordedResponse(200)), None),
    ],
)
def test_what_the_contract_says_nothing_about_is_no_finding(
    tmp_path: Path, call: Interaction, finding: str | None
) -> None:
    """Other hosts, pages of a gateway, and exchanges of tokens, of which nothing is kept."""
    path = tmp_path / "a.yaml"
    write_cassette(path, tape()._replace(interactions=(*tape().interactions, call)))
    if finding is None:
        assert check(path).exit_code == 0, check(path).output
    else:
        assert found(path) == [finding]


def test_the_shape_of_a_secret_is_a_finding(tmp_path: Path) -> None:
    """With its line, and never its text; unless it is allowed."""
    path = tmp_path / "a.yaml"
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    call = Interaction(
        RecordedRequest("GET", "https://elsewhere.net/", (("x-key", secret),)), RecordedResponse(200, body=b"ok")
    )
    write_cassette(path, tape()._replace(interactions=(*tape().interactions, call)))
    findings = found(path)
    assert findings
    assert all(each.startswith("secret ") and ", line 23" in each for each in findings)
    assert secret not in check(path).output
    assert check(path, "--allow", "AKIA[A-Z0-9]{16}").exit_code == 0


def test_a_cassette_of_no_test_is_a_finding_when_the_usage_is_given(tmp_path: Path) -> None:
    """The run that wrote it has to have been whole, which it knows itself."""
    for name in ("a.yaml", "b.yaml"):
        write_cassette(tmp_path / name, tape())
    usage = tmp_path / "usage"
    write_usage(usage, {}, [tmp_path / "b.yaml"])
    assert found(tmp_path / "b.yaml", "--usage", usage) == [
        "orphan it belongs to no test; remove it: ycimages cassette prune"
    ]
    assert check(tmp_path / "a.yaml", "--usage", usage).exit_code == 0


def test_relative_names_are_the_same_cassettes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usage has absolute ones."""
    write_cassette(tmp_path / "b.yaml", tape())
    write_usage(tmp_path / "usage", {}, [tmp_path / "b.yaml"])
    monkeypatch.chdir(tmp_path)
    result = check(os.curdir, "--usage", "usage")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "b.yaml"


@pytest.mark.costly
def test_the_command_says_how_to_get_what_it_lacks(tmp_path: Path, pytester: pytest.Pytester) -> None:
    """Only this command needs it."""
    write_cassette(tmp_path / "a.yaml", tape())
    code = WITHOUT.format(library="jsonschema_rs") + RUN
    result = pytester.run(sys.executable, "-c", code, "cassette", "check", tmp_path)
    assert result.ret == 2
    result.stderr.fnmatch_lines(
        ["*ycimages cassette check needs jsonschema-rs. Install it with: pip install 'pytest-ycimages[[]cli]'*"]
    )
    assert pytester.run(sys.executable, "-c", code, "cassette", "show", tmp_path).ret == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--allow", "("], "invalid regular expression '(': "),
        (["--usage", "none"], "What the last run used is not known: none: No such file or directory."),
        (["--contract", "next"], "'next' is not one of 'page', 'current'."),
        (["--max-age", "-1"], "-1.0 is not in the range x>=0."),
    ],
)
def test_wrong_usage_is_refused(tmp_path: Path, options: list[str], text: str) -> None:
    """Exit code 2, and nothing is checked."""
    write_cassette(tmp_path / "a.yaml", tape())
    result = check(tmp_path / "a.yaml", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert text in result.stderr
