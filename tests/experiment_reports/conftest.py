"""What the tests of reports share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def clients_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let projects of pytester's import the clients that are here, those in other processes included."""
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])))
