"""`description` and `labels`: how long, how many, and which characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.create_image import CreateImageRequest

CHARACTERS = {"one byte": "d", "two bytes": "ж", "three bytes": "語", "four bytes": "😀"}
PERMITTED = "abcdefghijklmnopqrstuvwxyz0123456789-_./\\@"
FORBIDDEN = " ABZ:;,+*=!?~^|#$%&()[]{}<>'\"`\t\n\0ж語😀"


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_a_description_may_have_256_characters(create: Callable[..., CreateImageRequest], character: str) -> None:
    """Characters are counted, not the bytes that they take."""
    assert create(description=character * 256).description == character * 256


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_a_description_may_not_have_257_characters(
    violations: Callable[..., list[tuple[str, str]]], character: str
) -> None:
    """The first length that the page does not accept."""
    assert [field for field, _ in violations(description=character * 257)] == ["description"]


def test_a_description_may_hold_anything(create: Callable[..., CreateImageRequest]) -> None:
    """The page limits its length only."""
    text = 'Any "text",\nlines\tand \0 included'

    assert create(description=text).description == text


def test_there_may_be_64_labels(create: Callable[..., CreateImageRequest]) -> None:
    """The page: "No more than 64 per resource."""
    labels = {f"key-{number}": "value" for number in range(64)}

    assert create(labels=labels).labels == labels


def test_there_may_not_be_65_labels(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """One violation, of `labels` as a whole."""
    labels = {f"key-{number}": "value" for number in range(65)}

    assert [field for field, _ in violations(labels=labels)] == ["labels"]


def test_there_may_be_no_label_at_all(create: Callable[..., CreateImageRequest]) -> None:
    """An empty object is the same as none."""
    assert create(labels={}).labels == create().labels == {}


@pytest.mark.parametrize("length", [1, 63])
def test_a_label_key_has_1_to_63_characters(create: Callable[..., CreateImageRequest], length: int) -> None:
    """Both ends of the range are inside."""
    assert create(labels={"k" * length: ""}).labels == {"k" * length: ""}


def test_a_label_key_of_64_characters_is_a_violation(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """The violation names the key."""
    assert [field for field, _ in violations(labels={"k" * 64: ""})] == ["labels." + "k" * 64]


def test_an_empty_label_key_is_a_violation(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """The violation says that it is about the key: its value may be fine."""
    [(field, description)] = violations(labels={"": "fine"})

    assert field.startswith("labels")
    assert description == 'Key: The minimum string length in characters is 1; given: ""'


@pytest.mark.parametrize("character", PERMITTED)
def test_a_label_key_may_hold_this_character_after_its_first(
    create: Callable[..., CreateImageRequest], character: str
) -> None:
    r"""Lower-case letters, digits and - _ . / \ @, at the very end too."""
    labels = {f"k{character}k": "", f"k{character}": ""}

    assert create(labels=labels).labels == labels


@pytest.mark.parametrize("character", FORBIDDEN)
def test_a_label_key_may_not_hold_this_character(
    violations: Callable[..., list[tuple[str, str]]], character: str
) -> None:
    """Upper case, blanks, other punctuation and anything outside ASCII."""
    assert [field for field, _ in violations(labels={f"k{character}": ""})] == [f"labels.k{character}"]


@pytest.mark.parametrize("character", "0123456789-_./\\@")
def test_a_label_key_begins_with_a_letter(violations: Callable[..., list[tuple[str, str]]], character: str) -> None:
    """What a key may hold later it may not begin with, unless it is a letter."""
    assert [field for field, _ in violations(labels={f"{character}key": ""})] == [f"labels.{character}key"]


@pytest.mark.parametrize("value", ["", "v" * 63, PERMITTED], ids=["empty", "63 characters", "every character"])
def test_a_label_value_has_0_to_63_permitted_characters(create: Callable[..., CreateImageRequest], value: str) -> None:
    """Unlike a key, a value may be empty."""
    assert create(labels={"key": value}).labels == {"key": value}


@pytest.mark.parametrize("character", PERMITTED)
def test_a_label_value_may_begin_with_any_permitted_character(
    create: Callable[..., CreateImageRequest], character: str
) -> None:
    """Unlike a key, a value need not begin with a letter."""
    assert create(labels={"key": character}).labels == {"key": character}


def test_a_label_value_of_64_characters_is_a_violation(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """The violation is at the key that holds the value."""
    assert [field for field, _ in violations(labels={"key": "v" * 64})] == ["labels.key"]


@pytest.mark.parametrize("character", FORBIDDEN)
def test_a_label_value_may_not_hold_this_character(
    violations: Callable[..., list[tuple[str, str]]], character: str
) -> None:
    """The same characters that a key may not hold."""
    assert [field for field, _ in violations(labels={"key": f"v{character}"})] == ["labels.key"]


def test_a_key_in_brackets_is_a_key_like_any_other(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """No word that a client may choose is mistaken for one of our own."""
    found = violations(labels={"[key]": "BAD"})

    assert [field for field, _ in found] == ["labels.[key]", "labels.[key]"]
    assert [description.startswith("Key: ") for _, description in found] == [True, False]
