"""The package's public names: sorted, all of them there, loaded when asked for."""

from __future__ import annotations

import ast
import warnings
from importlib import import_module, metadata
from pathlib import Path

import pytest

import pytest_ycimages
from pytest_ycimages import errors


def names_for_type_checkers() -> dict[str, str]:
    """What the stub of the package exports: name -> module, relative to the package."""
    tree = ast.parse((Path(pytest_ycimages.__file__).with_suffix(".pyi")).read_text(encoding="utf-8"))
    return {
        name: str(node.module).removeprefix("pytest_ycimages.")
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        for name in (import_module(str(node.module)).__all__ if alias.name == "*" else [str(alias.asname)])
    }


def values_first(name: str) -> tuple[bool, str]:
    """The order in which ruff keeps `__all__`."""
    return not name.isupper(), name


def test_all_is_sorted_and_without_repeats() -> None:
    """So that a diff shows one name more, and not two lists."""
    assert pytest_ycimages.__all__ == sorted(set(pytest_ycimages.__all__), key=values_first)


@pytest.mark.parametrize("name", pytest_ycimages.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    """Every name is there, is the thing of that name, and comes from the module that type checkers see."""
    value = getattr(pytest_ycimages, name)
    home = f"pytest_ycimages.{names_for_type_checkers()[name]}"
    assert value.__doc__
    if name.isupper():  # a value
        assert value is getattr(import_module(home), name)
    else:
        assert value.__name__ == name
        assert value.__module__ in {"pytest_ycimages", home}


def test_python_and_type_checkers_see_the_same_names() -> None:
    """The table in `__init__.py` and the stub beside it name the same modules; the stub has all faults."""
    assert names_for_type_checkers() == {**vars(pytest_ycimages)["_HOME"], **vars(pytest_ycimages)["_faults"]()}


def test_a_star_import_brings_the_public_names() -> None:
    """And nothing else."""
    namespace: dict[str, object] = {}
    exec("from pytest_ycimages import *", namespace)  # noqa: S102 - a star import exists at module level only
    assert sorted(namespace.keys() - {"__builtins__"}, key=values_first) == pytest_ycimages.__all__


def test_dir_shows_what_there_is() -> None:
    """Completion in an interpreter shows the public names and the version, loaded or not."""
    assert dir(pytest_ycimages) == sorted([*pytest_ycimages.__all__, "__version__"])


def test_the_version_is_that_of_the_distribution() -> None:
    """Read when asked for."""
    assert pytest_ycimages.__version__ == metadata.version("pytest-ycimages")


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module, so that `hasattr` and `from … import` work as they should."""
    with pytest.raises(AttributeError) as error:
        _ = pytest_ycimages.Doubel  # type: ignore[attr-defined]  # which mypy says too
    assert str(error.value) == "module 'pytest_ycimages' has no attribute 'Doubel'"
    assert not hasattr(pytest_ycimages, "__wrapped__")
    with pytest.raises(ImportError, match="cannot import name 'Doubel' from 'pytest_ycimages'"):
        exec("from pytest_ycimages import Doubel")  # noqa: S102 - mypy would rightly refuse it as a statement


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith(("Error", "Warning"))])
def test_errors_call_themselves_by_their_public_address(name: str) -> None:
    """What a traceback prints can be imported from where it says."""
    error = getattr(errors, name)
    assert error.__module__ == "pytest_ycimages"
    assert getattr(pytest_ycimages, name) is error


def test_every_error_of_ours_can_be_caught_as_one() -> None:
    """One family for errors; the warning is an ordinary user warning, so that filters know it."""
    for name in pytest_ycimages.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(pytest_ycimages, name), pytest_ycimages.YCImagesError)
    with pytest.warns(UserWarning, match="x"):
        warnings.warn("x", pytest_ycimages.UnknownFieldWarning, stacklevel=1)
