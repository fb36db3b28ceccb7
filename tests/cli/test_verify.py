"""`ycimages verify`: what it prints, what it sends and to whom, and its exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_ycimages import Double
from pytest_ycimages.cassette.file import write_cassette
from pytest_ycimages.cli.commands import ycimages
from tests.verify.taping import Taping, altered

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(*arguments: object) -> Result:
    """What comes of `ycimages verify`."""
    return CliRunner().invoke(ycimages, ["verify", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A create, a poll and a look."""
    taping = Taping(timing=1)
    taping.look(taping.bake(name="web"))
    path = tmp_path / "bake.yaml"
    write_cassette(path, taping.tape())
    return path


@pytest.fixture
def deviating(tmp_path: Path) -> Path:
    """The same, with other words in it."""
    taping = Taping(timing=1)
    taping.look(taping.bake(name="web"))
    path = tmp_path / "other.json"
    write_cassette(path, altered(taping.tape(), 1, lambda body: body.update(description="Make image")))
    return path


def test_a_cassette_that_agrees_ends_with_0(cassette: Path) -> None:
    """The first line says what that is worth, the last how much was compared."""
    result = run(cassette)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{cassette} was recorded from the fake, so it proves nothing about the service."
    assert lines[-1] == "Compared 3 answers with those of the fake: nothing differs."
    assert "operation.description" in result.stdout
    assert "Created" not in result.stdout


def test_one_that_differs_ends_with_1(deviating: Path) -> None:
    """Where, what, and against which behaviour."""
    result = run(deviating)
    assert result.exit_code == 1
    assert "body.description (value)" in result.stdout
    for words in ('"Make image"', '"Create image"', "operation.description", "differ: 1", "1 field differs."):
        assert words in result.stdout


def test_the_same_as_json(deviating: Path) -> None:
    """For programs: what it is worth, each difference, and each behaviour."""
    result = run(deviating, "--format", "json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["worth"].endswith("so it proves nothing about the service.")
    assert said["differences"] == [
        {
            "interaction": 1,
            "request": "POST /compute/v1/images",
            "field": "body.description",
            "recorded": '"Make image"',
            "answered": '"Create image"',
            "kind": "value",
            "behaviour": "operation.description",
        }
    ]
    judged = {each["behaviour"]: each for each in said["behaviours"]}
    assert (judged["operation.description"]["agrees"], judged["operation.description"]["differs"]) == (False, [1])
    assert judged["json.order-operation"]["agrees"] is True


def test_the_fake_may_be_another(cassette: Path) -> None:
    """By its contract, and by any other setting."""
    result = run(cassette, "--contract", "current", "--set", "poll_interval=5")
    assert result.exit_code == 1
    assert "body.hardwareGeneration" in result.stdout
    assert "headers.x-operation-poll-interval" in result.stdout


def test_what_is_about_to_be_sent_is_said_before_and_what_was_created_after(cassette: Path) -> None:
    """On stderr, so that JSON on stdout stays JSON."""
    with Double(name="upstream") as upstream:
        result = run(cassette, "--upstream", upstream.url)
        assert result.exit_code == 0, result.output
        announced = result.stderr.splitlines()
        assert announced == [
            f"Sending to {upstream.url}: 1 images.create, 1 operations.get, 1 images.get.",
            "Resources that this creates are kept, except those that the cassette deletes.",
        ]
        (image_id,) = upstream.images
        assert f"Created, and left as they are: {image_id}" in result.stdout


def test_nothing_is_changed_with_no_mutate(cassette: Path) -> None:
    """What depends on it is told as not compared."""
    with Double(name="upstream") as upstream:
        result = run(cassette, "--upstream", upstream.url, "--no-mutate")
        assert result.exit_code == 0, result.output
        assert len(upstream.calls) == 0
    assert result.stdout.splitlines()[-1].endswith("nothing differs; 3 not compared.")
    assert "What this creates" not in result.stderr


def test_wrong_usage_ends_with_2(cassette: Path, tmp_path: Path) -> None:
    """And the text names what would be right."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("interactions: [")
    for arguments, text in (
        ((tmp_path / "none.yaml",), "does not exist"),
        ((broken,), "broken.yaml"),
        ((cassette, "--set", "quotas"), "invalid setting 'quotas': expected NAME=VALUE, such as quotas=default."),
        ((cassette, "--set", "quota=default"), "Unknown setting 'quota'. Did you mean 'quotas'?"),
        ((cassette, "--upstream", "http://127.0.0.1:1"), "cannot be passed on to http://127.0.0.1:1"),
        ((cassette, "--upstream", "service", "--contract", "page"), "--contract and --set configure the fake"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert text in result.stderr.replace("\n", " ")
