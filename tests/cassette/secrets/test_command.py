"""`ycimages cassette scrub`: cassettes that are there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Origin
from pytest_ycimages.cassette.redact import pseudonymized
from pytest_ycimages.cli.cassette import scrub_cassettes
from tests.cassette.secrets.kinds import FOLDER, ORDINARY, scrub, with_request, with_response

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


CREDENTIAL: Final = "an-opaque-credential"
EARLY: Final = with_request(body=json.dumps({"description": f"by {CREDENTIAL}", "ticket": "t-1"}).encode())
CALL: Final = "POST /compute/v1/images"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A cassette in which a credential stands in one interaction, and is given away by the next."""
    late = with_request(headers=(("authorization", f"Bearer {CREDENTIAL}"), ("cookie", "a=b")))
    path = tmp_path / "bake.yaml"
    write_cassette(path, CassetteData(CassetteMetadata(Origin.SERVICE, folder_id=FOLDER), (ORDINARY, EARLY, late)))
    return path


def run(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(scrub_cassettes, [str(each) for each in arguments])


def test_it_takes_out_what_a_recording_would_have(cassette: Path) -> None:
    """Also where the credential stands before the place that gives it away."""
    result = run(cassette)
    assert result.output == (
        f"{cassette}: 2 scrubbed\n  2. {CALL}: the request's body\n  3. {CALL}: the request's headers\n"
    )
    assert result.exit_code == 0
    assert CREDENTIAL not in cassette.read_text()
    assert read_cassette(cassette).interactions[0] == ORDINARY
    assert run(cassette).output == f"{cassette}: nothing to scrub\n"


def test_a_dry_run_writes_nothing_and_fails_if_there_is_something(cassette: Path) -> None:
    """So that it may stand in a pipeline."""
    before = cassette.read_bytes()
    result = run("--dry-run", cassette)
    assert result.output.startswith(f"{cassette}: 2 would be scrubbed\n  2. ")
    assert result.exit_code == 1
    assert cassette.read_bytes() == before
    run(cassette)
    assert run("--dry-run", cassette).exit_code == 0


def test_fields_of_ones_own_are_scrubbed(cassette: Path) -> None:
    """By their names, or by a shape."""
    assert run("--field", "ticket", "--field", "re:Create [a-z]+", cassette).exit_code == 0
    first, second, _ = read_cassette(cassette).interactions
    assert b"t-1" not in second.request.body
    assert b"Create image" not in first.response.body


def test_ids_get_pseudonyms(cassette: Path) -> None:
    """In the metadata as well."""
    assert run("--pseudonymize", cassette).exit_code == 0
    assert FOLDER not in cassette.read_text()
    assert read_cassette(cassette).metadata.folder_id == pseudonymized(FOLDER)


def test_what_still_looks_like_a_secret_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """The other files are scrubbed all the same."""
    odd, good = tmp_path / "odd.yaml", tmp_path / "good.yaml"
    write_cassette(
        odd, CassetteData(CassetteMetadata(), (with_response(body=b'{"description": "' + b"0f" * 40 + b'"}'),))
    )
    write_cassette(good, CassetteData(CassetteMetadata(), (scrub(ORDINARY),)))
    before = odd.read_bytes()
    result = run(odd, good)
    assert result.exit_code == 1
    assert f"{odd} was not saved for {CALL}: it would hold what looks like a secret." in result.output
    assert "the answer's body: long-hexadecimal, line 1 at 'description'" in result.output
    assert f"{good}: nothing to scrub" in result.output
    assert odd.read_bytes() == before
    assert run("--field", "allow:(0f){40}", odd).output == f"{odd}: nothing to scrub\n"


def test_a_password_in_the_address_that_was_recorded_goes_too(tmp_path: Path) -> None:
    """It stands in the metadata."""
    path = tmp_path / "a.yaml"
    write_cassette(
        path, CassetteData(CassetteMetadata(upstream="https://baker:hunter2@proxy.example.com"), (ORDINARY,))
    )
    assert run(path).output == f"{path}: 1 scrubbed\n  the metadata\n"
    assert "hunter2" not in path.read_text()


def test_a_file_that_is_no_cassette_is_left_alone(tmp_path: Path) -> None:
    """With the reason, and exit code 1; a rule that cannot be is wrong usage."""
    path = tmp_path / "a.yaml"
    path.write_text("password: hunter2\n")
    result = run(path, tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "a.yaml" in result.output
    assert "none.yaml" in result.output
    assert path.read_text() == "password: hunter2\n"
    assert run("--field", "two words", path).exit_code == 2


def test_a_body_that_its_recorder_has_decoded_is_scrubbed_whatever_its_header_says(tmp_path: Path) -> None:
    """So vcrpy stores what requests was given."""
    path = tmp_path / "a.yaml"
    headers = (("content-encoding", "gzip"), ("content-type", "application/json"))
    write_cassette(
        path, CassetteData(CassetteMetadata(), (with_response(headers=headers, body=b'{"password": "hunter2"}'),))
    )
    assert run(path).output == f"{path}: 1 scrubbed\n  1. {CALL}: the answer's body\n"
    assert "hunter2" not in path.read_text()


def test_a_body_that_cannot_be_looked_through_is_named_and_the_file_stays(tmp_path: Path) -> None:
    """With what can be done about a file that is there already."""
    path = tmp_path / "a.yaml"
    write_cassette(
        path,
        CassetteData(
            CassetteMetadata(), (ORDINARY, with_response(headers=(("content-encoding", "zstd"),), body=b"\xff"))
        ),
    )
    before = path.read_bytes()
    result = run(path)
    assert result.output == (
        f"{path}, interaction 2, {CALL}: A body with Content-Encoding 'zstd' cannot be looked through for secrets: "
        "only br, deflate, gzip, identity, x-gzip can be decoded. The file is left as it is. Record it decoded, "
        "with vcrpy's decode_compressed_response=True, or take this interaction out by hand.\n"
    )
    assert result.exit_code == 1
    assert path.read_bytes() == before
