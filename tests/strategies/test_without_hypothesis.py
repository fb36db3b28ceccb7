"""Hypothesis is an optional extra: who does not have it misses nothing but this, and is told what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

_WITHOUT = """
import sys
sys.modules["hypothesis"] = None
import pytest_ycimages, pytest_ycimages.plugin, pytest_ycimages.double, pytest_ycimages.experiment.experiment
try:
    import pytest_ycimages.strategies
except ModuleNotFoundError as error:
    print(error)
"""
_UNUSED = """
import sys, pytest_ycimages.plugin, pytest_ycimages.double, pytest_ycimages.experiment.experiment
print("hypothesis" in sys.modules)
"""


def _printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - our own code


@pytest.mark.costly
def test_its_absence_is_told_with_what_to_install() -> None:
    """And only to those who ask for strategies."""
    expected = "pytest_ycimages.strategies needs Hypothesis. Install it with: pip install 'pytest-ycimages[hypothesis]'"
    assert _printed(_WITHOUT) == expected


@pytest.mark.costly
def test_nothing_else_imports_it() -> None:
    """It takes as long to import as a small suite does to run."""
    assert _printed(_UNUSED) == "False"
