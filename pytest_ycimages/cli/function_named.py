"""Functions that a command line names as `module:function`; a module in the current folder is found as well."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType


def function_named(text: str) -> Any:
    """The function that `text` names; it may be inside another object of the module, as in `bakery:Baker.bake`.

    Raises:
        UsageError: there is no such module or function, or the module cannot be imported. The text names the nearest.
    """
    name, _, path = text.partition(":")
    if not name or not path:
        raise UsageError(f"{text!r} names no function. Write module:function, such as bakery:bake.")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found: Any = _module(name)
    for word in path.split("."):
        if not hasattr(found, word):
            raise unknown_word(f"function of {name}", path, _functions(found))
        found = getattr(found, word)
    return found


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise UsageError(f"The module {name!r} cannot be imported: {error}. Install what it needs.") from error
        raise _unknown_module(name) from None
    except (Exception, SystemExit) as error:  # whatever it is: the module is run for the first time
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UsageError(
            f"The module {name!r} cannot be imported: {said}. It has to be importable by itself."
        ) from error


def _unknown_module(name: str) -> UsageError:
    """Say which modules there are beside the one that is not: in its package, or else in the current folder."""
    package = name.rpartition(".")[0]
    path = getattr(sys.modules.get(package), "__path__", None)
    prefix, path = (f"{package}.", path) if path else ("", [str(Path.cwd())])
    known = [f"{prefix}{each.name}" for each in pkgutil.iter_modules(path)]
    if not known:
        return UsageError(
            f"Unknown module {name!r}, and there is none in the current folder. Go to the folder that it is in, or "
            "install it."
        )
    return unknown_word("module", name, known)


def _functions(value: Any) -> Iterable[str]:
    """The functions of a module or a class by name; without those that are imported, if it has its own."""
    functions = {name: each for name, each in vars(value).items() if callable(each) and not name.startswith("_")}
    own = [name for name, each in functions.items() if getattr(each, "__module__", None) == value.__name__]
    return own or functions
