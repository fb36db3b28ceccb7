"""Interactions as Hypothesis draws them: whatever a header, an address or a body can hold."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)

_ODD = (
    "\x00\x07\x08\t\n\x0b\x0c\r\x1b \"'\\/:#-?{}[]&*!|>%@`,=<~"
    "\x7f\x80\x85\x9f\xa0\xad\u2028\u2029\ufdd0\ufeff\ufffe\uffff😀\U0001ffff\U0010ffff"
)

texts = (
    st.text()
    | st.text(st.sampled_from(_ODD))
    | st.sampled_from(["null", "1e3", "1.0e-05", "yes", "2026-01-01", "<<", "=", "---", "- "])
)
_LETTERS = "abcxyz0189-_.!#$%&'*+^`|~"
names = (
    st.text(_LETTERS, min_size=1)
    | st.builds(lambda text, times: text * times, st.text(_LETTERS, min_size=1), st.integers(1, 500))
    | st.sampled_from(["null", "1e3", "1.0e-05", "yes", "2026-01-01", "-", "---", "~"])
)
values = texts.map(lambda text: re.sub(r"[\r\n\0]", "", text))
bodies = (
    st.binary()
    | texts.map(str.encode)
    | st.sampled_from([b"", b"\xff", b"\xed\xa0\x80", b"- {\n- ", b"\ncomplete: true\n"])
)
seconds = st.floats(0, allow_nan=False, allow_infinity=False) | st.sampled_from([1e-05, 1e16, 5e-324, 0.0])


@st.composite
def headers(draw: st.DrawFn) -> tuple[tuple[str, str], ...]:
    """Headers, those of one name beside each other: how names stand among each other means nothing in HTTP."""
    drawn = draw(st.dictionaries(names, st.lists(values, min_size=1, max_size=3), max_size=3))
    return tuple((name, value) for name, each in drawn.items() for value in each)


requests = st.builds(RecordedRequest, texts, texts, headers(), bodies)
responses = st.builds(RecordedResponse, st.integers(100, 999), texts, headers(), bodies)
interactions = st.builds(Interaction, requests, responses, st.none() | seconds, seconds, st.integers(0, 10**6))
labels = st.builds(CassetteMetadata, st.sampled_from(Origin), texts, texts, texts, texts, texts, texts)
cassettes = st.builds(CassetteData, labels, st.lists(interactions, max_size=4).map(tuple), st.booleans())
