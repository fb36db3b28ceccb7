"""The words for methods, as users write them: words, globs, and a good answer to a wrong one."""

from __future__ import annotations

import pytest

from pytest_ycimages.api.methods import METHODS, UNROUTED, matching
from pytest_ycimages.errors import UsageError

KNOWN = ", ".join(sorted((*METHODS, UNROUTED)))


@pytest.mark.parametrize("word", [*METHODS, UNROUTED])
def test_a_word_names_itself_alone(word: str) -> None:
    """The word of calls that no method serves included."""
    assert matching(word) == {word}


@pytest.mark.parametrize("room", ["images", "operations", "tokens", "endpoints"])
def test_a_glob_names_every_method_of_a_service(room: str) -> None:
    """`images.*` is all of them, and nothing of another service."""
    assert matching(f"{room}.*") == {word for word in METHODS if word.startswith(f"{room}.")}


@pytest.mark.parametrize(
    ("pattern", "some", "not_one"),
    [
        ("*.get", {"images.get", "operations.get"}, "images.create"),
        ("images.[cg]*", {"images.create", "images.get"}, "endpoints.get"),
        ("operations.cance?", {"operations.cancel"}, "operations.get"),
        ("un*", {UNROUTED}, "images.get"),
    ],
)
def test_a_glob_may_be_any_of_the_shells(pattern: str, some: set[str], not_one: str) -> None:
    """Stars, question marks and brackets."""
    assert matching(pattern) >= some
    assert not_one not in matching(pattern)


def test_a_star_names_everything() -> None:
    """Calls that no method serves too."""
    assert matching("*") == {*METHODS, UNROUTED}


def test_a_wrong_word_is_refused_with_the_nearest_right_one() -> None:
    """The whole text: what was given, the nearest word, all words."""
    with pytest.raises(UsageError) as caught:
        matching("image.create")

    assert str(caught.value) == f"Unknown method 'image.create'. Did you mean 'images.create'? Known: {KNOWN}."


def test_a_word_near_to_none_is_refused_without_a_guess() -> None:
    """A bad guess would be worse than none."""
    with pytest.raises(UsageError) as caught:
        matching("????")

    assert str(caught.value) == f"Unknown method '????'. Known: {KNOWN}."


@pytest.mark.parametrize("pattern", ["", "images", "Images.create", "images.create ", "images..create", "image.*"])
def test_what_names_no_method_is_refused(pattern: str) -> None:
    """Case and blanks count; a glob that finds nothing is a mistake too."""
    with pytest.raises(UsageError, match="Unknown method"):
        matching(pattern)
