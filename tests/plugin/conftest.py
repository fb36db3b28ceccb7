"""What all tests of the plugin share: a user's project, in which a run of pytest costs little."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import pytest
import werkzeug.test  # noqa: F401 - loaded here, because a run in process forgets what it was the first to load

import pytest_ycimages.plugin_doubles  # noqa: F401 - for the same reason

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAN: Final = "--assert=plain -p no:hypothesispytest -p no:anyio -p no:randomly -p no:pytest_httpserver"
"""Without the plugins that are slow to load and the rewriting of asserts; pytest-xdist and ours stay."""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A project of a user, with the plugin installed and Python's own warning filters instead of ours."""
    monkeypatch.setenv("PYTEST_ADDOPTS", LEAN)
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield pytester
