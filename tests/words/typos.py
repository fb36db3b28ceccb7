"""Strategies for names as users mistype them."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def one_edit_away(name: str, letters: str = ascii_lowercase) -> SearchStrategy[str]:
    """Generate the name with a letter left out, doubled, replaced, added or swapped with the next."""
    places = st.integers(0, len(name) - 1)
    return st.one_of(
        places.map(lambda at: name[:at] + name[at + 1 :]),
        places.map(lambda at: name[: at + 1] + name[at:]),
        st.tuples(places, st.sampled_from(letters)).map(lambda edit: name[: edit[0]] + edit[1] + name[edit[0] + 1 :]),
        st.tuples(places, st.sampled_from(letters)).map(lambda edit: name[: edit[0]] + edit[1] + name[edit[0] :]),
        places.map(lambda at: name[:at] + name[at : at + 2][::-1] + name[at + 2 :]),
    ).filter(lambda typo: typo != name)
