"""A test in mode verify: the cassette answers it, and then it is seen who would answer otherwise today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_ycimages import CassetteDiffersError, CassetteUnusedError, Double

if TYPE_CHECKING:
    from pathlib import Path

BODY = {"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}


def create(double: Double) -> Any:
    """Ask for an image, and wait for it."""
    headers = {"Authorization": f"Bearer {double.token}"}
    operation = requests.post(f"{double.url}/compute/v1/images", json=BODY, headers=headers, timeout=10).json()
    while not operation["done"]:
        operation = requests.get(f"{double.url}/operations/{operation['id']}", headers=headers, timeout=10).json()
    return operation


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A create that was recorded from a double."""
    path = tmp_path / "create.yaml"
    with Double() as upstream, Double(mode="record", cassette=path, upstream=upstream.url) as recording:
        create(recording)
    return path


def test_a_recording_of_the_fake_is_what_the_fake_answers(cassette: Path) -> None:
    """The client sees the recording; nothing differs."""
    with Double(mode="verify", cassette=cassette) as double:
        operation = create(double)
        assert double.operations[operation["id"]].done


def test_what_the_fake_answers_otherwise_fails_the_test(cassette: Path) -> None:
    """With the field, both values, and the command that records it anew."""
    text = cassette.read_text()
    cassette.write_text(text.replace("Create image", "Make image"))
    double = Double(mode="verify", cassette=cassette, name="test_it.py::test_it").start()
    create(double)
    double.close()
    with pytest.raises(CassetteDiffersError, match=r'(?s)description: .*"Make image".*"Create image"') as raised:
        double.check()
    assert "pytest test_it.py::test_it --ycimages-mode=record" in str(raised.value)
    double.check(faults=False)  # as after a test that has failed already


@pytest.mark.costly
def test_an_upstream_is_asked_the_same_questions(cassette: Path) -> None:
    """It may be anybody: the service, or a double of another mind."""
    with Double() as upstream, Double(mode="verify", cassette=cassette, upstream=upstream.url) as double:
        create(double)
        assert not upstream.calls
    assert [call.method for call in upstream.calls] == ["images.create", "operations.get"]


def test_what_nobody_asked_for_is_said_first(cassette: Path) -> None:
    """A cassette that does not fit its test is not worth comparing."""
    double = Double(mode="verify", cassette=cassette)
    with pytest.raises(CassetteUnusedError):
        double.check()


def test_in_virtual_time_it_is_compared_as_well(cassette: Path, ycimages_time: object) -> None:
    """The fake that is asked has the time of the recording."""
    del ycimages_time
    with Double(mode="verify", cassette=cassette) as double:
        create(double)
