"""`folderId` and the source of an image: required, one of four, at most 50 characters where the page says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic.alias_generators import to_snake

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.create_image import CreateImageRequest

SOURCES = ("imageId", "diskId", "snapshotId", "uri")
IDS = ("imageId", "diskId", "snapshotId")


@pytest.mark.parametrize("length", [1, 50])
def test_a_folder_id_may_have_up_to_50_characters(create: Callable[..., CreateImageRequest], length: int) -> None:
    """The page: "The maximum string length in characters is 50."""
    assert create(folderId="f" * length).folder_id == "f" * length


def test_a_folder_id_may_have_50_characters_that_are_many_bytes_each(
    create: Callable[..., CreateImageRequest],
) -> None:
    """The limit is in characters."""
    assert create(folderId="語" * 50).folder_id == "語" * 50


@pytest.mark.parametrize("given", [None, "", "f" * 51], ids=["missing", "empty", "51 characters"])
def test_a_folder_id_is_required_and_no_longer_than_50_characters(
    violations: Callable[..., list[tuple[str, str]]], given: str | None
) -> None:
    """Missing, empty and one character too many are each one violation of `folderId`."""
    assert [field for field, _ in violations(folderId=given)] == ["folderId"]


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_alone_is_enough(create: Callable[..., CreateImageRequest], source: str) -> None:
    """The request then holds that source and no other."""
    message = create(**{"uri": None, source: "something"})

    held = {name: getattr(message, to_snake(name)) for name in SOURCES}
    assert held == dict.fromkeys(SOURCES) | {source: "something"}


def test_no_source_breaks_the_contract(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """It is the service that asks for a source: the gateway lets the request through."""
    assert violations(uri=None) == [
        ("source", "Exactly one of imageId, diskId, snapshotId, uri is required; given: none")
    ]


@pytest.mark.parametrize("second", IDS)
def test_a_second_source_is_refused_by_the_gateway(refusal: Callable[..., str], second: str) -> None:
    """A oneof given twice never reaches the service; the text names the later one as the client spelt it."""
    assert refusal(**{second: "another"}) == (
        f": invalid value oneof field 'source' is already set. Cannot set '{second}' for type oneof"
    )


def test_all_four_sources_are_refused_at_the_second(refusal: Callable[..., str]) -> None:
    """The order is that of the body, not that of the page."""
    sources = dict.fromkeys(("snapshotId", "uri", "diskId", "imageId"), "something")
    text = refusal(uri=None, **{name: value for name, value in sources.items() if name != "uri"})

    assert text == ": invalid value oneof field 'source' is already set. Cannot set 'diskId' for type oneof"


def test_a_second_source_is_refused_although_it_is_empty(refusal: Callable[..., str]) -> None:
    """In a oneof the empty string is a value."""
    assert "Cannot set 'imageId'" in refusal(imageId="")


def test_the_two_spellings_of_one_source_are_a_oneof_given_twice(refusal: Callable[..., str]) -> None:
    """`diskId` and `disk_id` are one field: giving both sets it twice."""
    assert "Cannot set 'disk_id'" in refusal(uri=None, diskId="a", disk_id="b")


@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_source_is_a_violation_of_that_source(
    violations: Callable[..., list[tuple[str, str]]], source: str
) -> None:
    """It counts as given, so the violation is not that there is none."""
    assert violations(**{"uri": None, source: ""}) == [
        (source, 'The minimum string length in characters is 1; given: ""')
    ]


@pytest.mark.parametrize("source", IDS)
def test_a_source_id_may_have_50_characters(create: Callable[..., CreateImageRequest], source: str) -> None:
    """The last length that the page accepts."""
    assert getattr(create(**{"uri": None, source: "i" * 50}), to_snake(source)) == "i" * 50


@pytest.mark.parametrize("source", IDS)
def test_a_source_id_may_not_have_51_characters(violations: Callable[..., list[tuple[str, str]]], source: str) -> None:
    """The first length that the page does not accept."""
    assert [field for field, _ in violations(**{"uri": None, source: "i" * 51})] == [source]


def test_a_uri_may_be_of_any_length(create: Callable[..., CreateImageRequest]) -> None:
    """The page states no limit; pre-signed links run to hundreds of characters."""
    uri = "https://storage.yandexcloud.net/bucket/" + "k" * 5000

    assert create(uri=uri).uri == uri
