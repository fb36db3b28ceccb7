"""Patches for functions that the client has captured: `from time import sleep`, or as the default of a parameter.

freezegun replaces what modules have imported from `time`, but not `sleep`, and not defaults of parameters, such as in
`def wait_until_done(operation, *, sleep=time.sleep, clock=time.monotonic)`.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import suppress
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack

_NEVER: Final = frozenset({"freezegun", "pytest_ycimages", "time"})
"""Packages whose captured functions are left alone."""
_SEARCHED: Final = frozenset({"sched"})
"""Modules of the standard library with clocks as defaults of parameters."""

_LAZY: Final = getattr(importlib.util, "_LazyModule", None)
"""The type of a module of `importlib.util.LazyLoader` until its first use."""


class _Site(NamedTuple):
    """An attribute of a module or a class, or the defaults of a function."""

    owner: Any
    name: str


class _Found(NamedTuple):
    """The sites found in a module, with its size then: searching is slow, and modules rarely change."""

    module: ref[ModuleType]
    size: int
    sites: tuple[_Site, ...]


_found: Final[dict[str, _Found]] = {}


def replace_captured(
    stack: ExitStack, unknown: Mapping[int, Any], known: Mapping[int, Any], is_real: Callable[[str], bool]
) -> None:
    """Replace captured functions in modules, classes and defaults until `stack` unwinds.

    Args:
        stack: restores everything.
        unknown: replacements, by the identity of the original, that freezegun does not make.
        known: replacements that freezegun makes where modules have imported the original.
        is_real: returns whether a module, by its name, is left alone.
    """
    fakes = {**known, **unknown}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _NEVER or is_real(name) or not is_loaded_module(module):
            continue
        found, size = _found.get(name), len(_members(module))
        if found is None or found.module() is not module or found.size != size:
            found = _Found(ref(module), size, tuple(_find(module, name, unknown, fakes)))
            _found[name] = found
        for site in found.sites:
            _replace(stack, site, fakes)


def is_loaded_module(module: object) -> TypeGuard[ModuleType]:
    """Return whether an entry of `sys.modules` is a real module whose code has run.

    Reads no attribute: `__class__` of a cffi library says that it is a module, that of a lazy object may raise
    anything, and any attribute of a lazy module would load it.
    """
    return issubclass(type(module), ModuleType) and type(module) is not _LAZY


def _members(owner: Any) -> Mapping[str, Any]:
    """Return what a module or a class holds, past whatever its own `__getattribute__` does."""
    kind = type if issubclass(type(owner), type) else object
    members: Mapping[str, Any] = kind.__getattribute__(owner, "__dict__")
    return members


def _find(module: ModuleType, name: str, unknown: Mapping[int, Any], fakes: Mapping[int, Any]) -> Iterator[_Site]:
    members = list(_members(module).items())
    yield from (_Site(module, key) for key, each in members if id(each) in unknown or _is_partial(each, fakes))
    if name not in _SEARCHED and name.partition(".")[0] in sys.stdlib_module_names:
        return
    for _, value in members:
        if type(value) is FunctionType:
            yield from _defaults(value, fakes)
        elif issubclass(type(value), type) and _members(value).get("__module__") == name:
            yield from _in_class(value, fakes)


def _in_class(owner: type, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    for name, member in list(_members(owner).items()):
        function = member.__func__ if issubclass(type(member), staticmethod | classmethod) else member
        if type(function) is FunctionType:
            yield from _defaults(function, fakes)
        elif id(function) in fakes or _is_partial(function, fakes):
            yield _Site(owner, name)


def _is_partial(value: object, fakes: Mapping[int, Any]) -> bool:
    return type(value) is partial and id(value.func) in fakes


def _defaults(function: object, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    """Yield the default sites of a function and of the functions that it wraps."""
    while type(function) is FunctionType:
        if any(id(default) in fakes for default in function.__defaults__ or ()):
            yield _Site(function, "__defaults__")
        if any(id(default) in fakes for default in (function.__kwdefaults__ or {}).values()):
            yield _Site(function, "__kwdefaults__")
        function = vars(function).get("__wrapped__")


def _replace(stack: ExitStack, site: _Site, fakes: Mapping[int, Any]) -> None:
    owner, name = site
    value = getattr(owner, name) if type(owner) is FunctionType else _members(owner).get(name)
    new = _replacement(value, fakes)
    if issubclass(type(owner), type) and type(new) is FunctionType:
        new = staticmethod(new)  # the original is built in and does not become a method
    if new is not value:
        with suppress(AttributeError, TypeError):  # an immutable class
            setattr(owner, name, new)
            stack.callback(setattr, owner, name, value)


def _replacement(value: Any, fakes: Mapping[int, Any]) -> Any:
    if isinstance(value, staticmethod):
        return staticmethod(_replacement(value.__func__, fakes))
    if isinstance(value, tuple):
        return tuple(fakes.get(id(each), each) for each in value)
    if isinstance(value, dict):
        return {key: fakes.get(id(each), each) for key, each in value.items()}
    if _is_partial(value, fakes):
        return partial(fakes[id(value.func)], *value.args, **value.keywords)
    return fakes.get(id(value), value)
