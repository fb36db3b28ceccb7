"""What the tests of virtual time share."""

from __future__ import annotations

import pytest

from pytest_ycimages.virtual.idle import IdleDetector


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but a hundredth of the usual real time be waited for, where virtual time waits for real."""
    monkeypatch.setattr(IdleDetector, "interval", 0.002)
    monkeypatch.setattr(IdleDetector, "patience", 0.02)
