"""The regular expressions of the document say the same as the code that reads filters, orders, tokens and sizes."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.api.json_schema import numerals
from pytest_ycimages.api.requests import FILTER, PLACE
from pytest_ycimages.cloud.listing import FILTER_FIELDS, Place, matcher, place_of, token_of
from pytest_ycimages.cloud.refusals import RefusedError

DETERMINED: Final = settings(derandomize=True, deadline=None, max_examples=150, database=None)
WORDS: Final = [
    *("name", "id", "status", "size", "AND", "OR", "NOT", "IN", "=", "!=", "(", ")", ",", '"x"', "'y'", '""', '"'),
    *("'", "\\", r'"\""', '"\\\n"', '"\n"', " ", "\t", "\n", "\x0b", "\u00a0", "x", ""),
]


def reads(text: str) -> bool:
    """Whether the parser of filters takes a text."""
    try:
        matcher(text, FILTER_FIELDS["documented"])
    except RefusedError:
        return False
    return True


@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
@DETERMINED
def test_a_filter_is_what_the_pattern_says(text: str) -> None:
    """Words of the language thrown together: the parser takes those that match, and no other."""
    assert reads(text) == bool(re.fullmatch(FILTER, text))


@pytest.mark.costly
@given(st.from_regex(FILTER, fullmatch=True))
@settings(DETERMINED, max_examples=25)
def test_every_text_that_matches_is_a_filter(text: str) -> None:
    """However it is spaced and quoted."""
    assert reads(text)


@given(st.integers(0, 2**64 - 1), st.text("0123456789abcdefghijklmnopqrstuvж-", max_size=25))
@DETERMINED
def test_a_page_token_leads_back_to_its_place(number: int, image_id: str) -> None:
    """And has the form that the document gives it."""
    token = token_of(Place(number, image_id))
    assert re.fullmatch(PLACE, token)
    assert place_of(token) == Place(number, image_id)


@given(st.from_regex(PLACE, fullmatch=True))
@settings(DETERMINED, max_examples=50)
def test_every_token_of_that_form_is_a_place(token: str) -> None:
    """So a document can say which tokens are accepted."""
    assert (place_of(token) is None) is (token == "")


@given(st.integers(1, 10**13), st.integers(0, 10**13), st.integers(0, 3 * 10**13))
@DETERMINED
def test_a_range_of_numbers_matches_its_numerals(least: int, span: int, number: int) -> None:
    """And none beyond it; its ends and their neighbours are tried each time."""
    pattern = re.compile(numerals(least, least + span))
    for each in (number, least, least + span, least - 1, least + span + 1):
        assert bool(pattern.fullmatch(str(each))) is (least <= each <= least + span)
