"""What the tests of experiments share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def clients_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a project of pytester's import the clients that are here."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
