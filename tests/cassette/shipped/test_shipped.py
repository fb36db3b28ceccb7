"""The cassettes that are shipped are what they say they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cassette.detector import find_secrets
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.model import Origin
from tests.cassette.shipped.making import make_all

FOLDER: Final = Path(__file__).parents[3] / "cassettes"
SHIPPED: Final = sorted(FOLDER.iterdir())


def test_they_are_what_makes_them(tmp_path: Path) -> None:
    """`make cassettes` changes nothing; a change of the fake shows in them."""
    make_all(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in SHIPPED
    }


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_says_honestly_whose_answers_it_holds(path: Path) -> None:
    """None of them claims to be the service's."""
    metadata = read_cassette(path).metadata
    expected = Origin.DOCUMENTATION if path.stem == "documented-create" else Origin.FAKE
    assert metadata.origin is expected
    assert bool(metadata.note) is (metadata.origin is Origin.DOCUMENTATION)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_can_be_replayed_and_holds_no_secret(path: Path) -> None:
    """Small enough to read, whole, and clean."""
    assert not find_secrets(path.read_text())
    with Double(mode="replay", cassette=path, unused_interactions="ignore") as replay:
        assert 1 <= len(replay.cassette.interactions) <= 6
        assert replay.folder_id.startswith("b1g")
