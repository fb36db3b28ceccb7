"""Text from clients is made harmless to look at, and stays what it was otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages.experiment.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is <b> & 'so'", "as it is <b> & 'so'"),
        ("Образ готов 👾", "Образ готов 👾"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\r\x00\t", r"\r\x00\t"),
        ("turned \u202e round", r"turned \u202e round"),
    ],
)
def test_what_cannot_be_seen_is_spelled(text: str, shown: str) -> None:
    """Everything else stays."""
    assert printable(text) == shown


def test_what_is_too_long_is_cut() -> None:
    """And how much more there is, is said."""
    assert printable("A" * 1_012, 10) == "A" * 10 + "… (1,002 more characters)"
    assert printable("A" * 10, 10) == "A" * 10


@given(st.text(st.characters(exclude_categories=[])))
def test_whatever_comes_can_be_printed(text: str) -> None:
    """On any terminal, in any file."""
    assert all(line.isprintable() for line in printable(text).split("\n"))
    printable(text).encode("utf-8")
