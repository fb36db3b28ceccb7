"""What a double is called, and so what it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

TESTS = """
import pytest

FOLDERS = {}

@pytest.mark.parametrize("number", [1, 2])
def test_own(number, ycimages):
    FOLDERS["own", number] = ycimages.folder_id
    assert ycimages.name.endswith(f"::test_own[{number}]")

@pytest.mark.ycimages(name="alike")
@pytest.mark.parametrize("number", [1, 2])
def test_alike(number, ycimages, ycimages_factory):
    FOLDERS["alike", number] = ycimages.folder_id
    assert (ycimages.name, ycimages_factory().name) == ("alike", "alike #2")

def test_together():
    assert FOLDERS["own", 1] != FOLDERS["own", 2]
    assert FOLDERS["alike", 1] == FOLDERS["alike", 2]
"""


def test_a_double_is_called_after_its_test_unless_a_marker_says_how(project: pytest.Pytester) -> None:
    """Doubles of one name draw alike."""
    project.makepyfile(TESTS)
    project.runpytest("-p", "no:randomly", "-p", "no:xdist").assert_outcomes(passed=5)
