"""What the tests of virtual time share."""

from __future__ import annotations

import pytest

from pytest_ycimages.virtual.rest import Rest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but a hundredth of the usual real time be waited for, where virtual time waits for real."""
    monkeypatch.setattr(Rest, "interval", 0.002)
    monkeypatch.setattr(Rest, "patience", 0.02)
