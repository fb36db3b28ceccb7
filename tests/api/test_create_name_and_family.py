"""`name` and `family`: two patterns that look alike and differ in their shortest word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.create_image import CreateImageRequest

REVISIONS = ("page", "current")

GOOD_NAMES = {
    "empty": "",
    "one letter": "a",
    "two letters": "ab",
    "letter and digit": "a1",
    "dash inside": "a-b",
    "many dashes inside": "a---b",
    "63 characters": "a" * 63,
    "63 characters, dashes inside": f"a{'-' * 61}z",
}
BAD_NAMES = {
    "64 characters": "a" * 64,
    "leading digit": "1a",
    "leading dash": "-a",
    "trailing dash": "a-",
    "dash alone": "-",
    "upper case at the start": "Ab",
    "upper case inside": "aBc",
    "blank": " ",
    "blank inside": "a b",
    "dot": "a.b",
    "line end": "a\n",
    "letter outside ASCII": "aж",
    "digit outside ASCII": "a٣",
}
GOOD_FAMILIES = {
    "empty": "",
    "3 characters": "abc",
    "3 characters, dash inside": "a-1",
    "63 characters": "f" * 63,
}
BAD_FAMILIES = {
    "1 character": "a",
    "2 characters": "ab",
    "64 characters": "f" * 64,
    "underscore": "a_b",
    "leading digit": "1abc",
    "leading dash": "-abc",
    "trailing dash": "abc-",
    "upper case": "Abc",
    "line end": "abc\n",
    "letter outside ASCII": "abж",
}


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("name", GOOD_NAMES.values(), ids=GOOD_NAMES)
def test_a_name_is_accepted_that_the_pattern_describes(
    create: Callable[..., CreateImageRequest], name: str, revision: str
) -> None:
    """Empty, or a lower-case letter, then up to 61 letters, digits and dashes, then a letter or digit."""
    assert create(name=name, revision=revision).name == name


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_name_is_a_violation_that_the_pattern_does_not_describe(
    violations: Callable[..., list[tuple[str, str]]], name: str, revision: str
) -> None:
    """The whole string must match, a line end included."""
    assert [field for field, _ in violations(name=name, revision=revision)] == ["name"]


@pytest.mark.parametrize("name", ["a_b", f"a{'_' * 61}z"], ids=["short", "63 characters"])
def test_an_underscore_in_a_name_is_for_the_current_revision_only(
    create: Callable[..., CreateImageRequest], violations: Callable[..., list[tuple[str, str]]], name: str
) -> None:
    """The page is older than the underscore, which came in 2025."""
    assert create(name=name, revision="current").name == name
    assert [field for field, _ in violations(name=name, revision="page")] == ["name"]


@pytest.mark.parametrize("name", ["_a", "a_", "_"])
def test_no_revision_accepts_an_underscore_at_the_end_of_a_name(
    violations: Callable[..., list[tuple[str, str]]], name: str
) -> None:
    """Only inside: the first character is a letter, the last a letter or digit."""
    assert [field for field, _ in violations(name=name, revision="current")] == ["name"]


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("family", GOOD_FAMILIES.values(), ids=GOOD_FAMILIES)
def test_a_family_is_accepted_that_the_pattern_describes(
    create: Callable[..., CreateImageRequest], family: str, revision: str
) -> None:
    """Empty, or 3 to 63 characters."""
    assert create(family=family, revision=revision).family == family


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("family", BAD_FAMILIES.values(), ids=BAD_FAMILIES)
def test_a_family_is_a_violation_that_the_pattern_does_not_describe(
    violations: Callable[..., list[tuple[str, str]]], family: str, revision: str
) -> None:
    """No revision has an underscore in a family."""
    assert [field for field, _ in violations(family=family, revision=revision)] == ["family"]
