"""The table of waits: each row does what the page says."""

from __future__ import annotations

import sys
from typing import Final

import pytest

from pytest_ycimages import VirtualTime, VirtualTimeError

from .waits import PAGE, SECONDS, WAITS, Wait, page

PATIENCE: Final = 0.1
"""Real seconds, a twentieth of the default: shorter than the waits that take real time."""
COSTLY: Final = "a call of `grpc` with `wait_for_ready` and without a server"
"""A loop that ends when grpcio has seen that the connection is lost."""


def _what_becomes_of(wait: Wait) -> str:
    patience = None if wait.becomes == "virtual" else PATIENCE  # a loaded machine may be slow to take no time
    with VirtualTime(patience=patience) as virtual_time:
        try:
            wait.run()
        except VirtualTimeError:
            return "refused"
        return "virtual" if virtual_time.elapsed >= SECONDS else "real"


@pytest.mark.parametrize(
    "wait",
    [pytest.param(wait, marks=pytest.mark.costly if wait.name == COSTLY else ()) for wait in WAITS],
    ids=lambda wait: wait.name,
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wait_becomes_what_the_page_says(wait: Wait) -> None:
    """It takes no real time, or real time although nothing else happens, or fails."""
    for library in ("trio", "uvloop", "gevent"):
        if library in wait.name:
            pytest.importorskip(library)
    assert _what_becomes_of(wait) == wait.becomes


@pytest.mark.skipif(sys.platform != "linux", reason="other systems lack some of the waits")
def test_the_page_has_the_table() -> None:
    """`python -m tests.virtual.waits` writes it."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text)


def test_no_wait_is_listed_twice() -> None:
    """Nor are there few of them."""
    names = [wait.name for wait in WAITS]
    assert len(names) == len(set(names)) >= 50
