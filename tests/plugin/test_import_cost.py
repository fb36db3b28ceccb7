"""Out of the way: who does not use a double pays for none of what it is made of."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

HEAVY = {"click", "freezegun", "httptools", "pydantic", "rich", "vcr", "werkzeug", "yaml"}


def loaded_by(project: pytest.Pytester, statement: str, before: str = "pass") -> set[str]:
    """The modules that `statement` loads in a fresh process which has run `before`."""
    code = f"import sys; {before}; seen = set(sys.modules); {statement}; print(sorted(set(sys.modules) - seen))"
    (line,) = project.run(sys.executable, "-c", code).outlines
    return set(ast.literal_eval(line))


def test_the_plugin_loads_itself_and_nothing_else(project: pytest.Pytester) -> None:
    """On top of pytest, the entry point costs nine small modules: the package, and the plugin in its parts."""
    loaded = loaded_by(project, "import pytest_ycimages.plugin", before="import pytest")
    names = ("cassettes", "configuration", "experiments", "fixtures", "nodes", "page", "settings")
    parts = ("plugin", *(f"plugin.{name}" for name in names))
    assert loaded == {"pytest_ycimages", *(f"pytest_ycimages.{part}" for part in parts)}


def test_the_package_alone_loads_nothing_heavy(project: pytest.Pytester) -> None:
    """`import pytest_ycimages` costs little even without pytest around it, and asking for its names no more."""
    loaded = loaded_by(project, "import pytest_ycimages; dir(pytest_ycimages); pytest_ycimages.__all__")
    assert not {module.partition(".")[0] for module in loaded} & {*HEAVY, "pytest", "http", "socket"}


def test_an_error_can_be_imported_without_the_double(project: pytest.Pytester) -> None:
    """A warning filter in an ini file names `pytest_ycimages.UnknownFieldWarning`, and must stay cheap."""
    loaded = loaded_by(project, "from pytest_ycimages import UnknownFieldWarning")
    assert not {module.partition(".")[0] for module in loaded} & HEAVY


@pytest.mark.costly
def test_a_run_without_a_double_loads_nothing_heavy(project: pytest.Pytester) -> None:
    """Neither a passing test nor a failing one nor a random seed loads the double; a test with the fixture does."""
    project.makepyfile(
        test_it=f"""
    import sys

    HEAVY = {HEAVY}

    def heavy():
        return {{module.partition(".")[0] for module in sys.modules}} & HEAVY

    def test_passes():
        assert not heavy()

    def test_fails():
        raise AssertionError

    def test_after_a_failure():
        assert not heavy()
        assert "pytest_ycimages.double" not in sys.modules

    def test_uses_it(ycimages):
        assert heavy() == {{"pydantic", "httptools"}}
    """
    )
    result = project.runpytest_subprocess("--ycimages-seed=random")
    result.assert_outcomes(passed=3, failed=1)


@pytest.mark.costly
def test_a_double_loads_neither_the_command_nor_its_libraries(project: pytest.Pytester) -> None:
    """The command's libraries are an extra, and pytest is not needed to use a `Double`."""
    loaded = loaded_by(project, "import pytest_ycimages; pytest_ycimages.Double().close()")
    assert not {module.partition(".")[0] for module in loaded} & {"click", "rich", "pytest", "_pytest", "vcr", "yaml"}


@pytest.mark.costly
def test_a_replay_loads_nothing_that_records(project: pytest.Pytester) -> None:
    """Neither the backing nor what it needs to connect to the service; nor YAML, for a cassette of this package."""
    cassette = Path(__file__).parents[2] / "cassettes" / "image-from-disk.yaml"
    replay = f"pytest_ycimages.Double(mode='replay', cassette={str(cassette)!r}).close()"
    loaded = loaded_by(project, f"import pytest_ycimages; {replay}")
    recording = {f"pytest_ycimages.{name}" for name in ("backing.record", "cassette.transport", "cassette.upstream")}
    assert not loaded & {*recording, "ssl", "urllib3", "yaml"}
