"""Replacement of functions wherever code has captured them: in modules, classes, defaults and partial functions.

`from time import sleep` captures a function, and so does the default of a parameter, such as in
`def wait(operation, *, sleep=time.sleep, clock=time.monotonic)`. Only the dictionaries of real modules and classes are
read. Other objects in `sys.modules` may raise, load something or warn at any attribute, and are left alone.
"""

from __future__ import annotations

import importlib.util
import sys
from contextlib import suppress
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack

_NEVER: Final = frozenset({"_datetime", "datetime", "freezegun", "pytest_ycimages", "time"})
"""Packages whose captured functions are left alone."""
_SEARCHED: Final = frozenset({"sched"})
"""Modules of the standard library with clocks as defaults of parameters."""

_LAZY: Final = getattr(importlib.util, "_LazyModule", None)
"""The type of a module of `importlib.util.LazyLoader` until its first use."""
_members_of_module: Final = vars(ModuleType)["__dict__"].__get__
_members_of_class: Final = vars(type)["__dict__"].__get__


class Site(NamedTuple):
    """An attribute of a module or a class, or the defaults of a function."""

    owner: Any
    name: str


class _Found(NamedTuple):
    """The sites found in a module, with its size then: searching is slow, and modules rarely change."""

    module: ref[ModuleType]
    size: int
    sites: tuple[Site, ...]


_found: Final[dict[str, _Found]] = {}


def replace_captured(
    stack: ExitStack, everywhere: Mapping[int, Any], in_modules: Mapping[int, Any], is_real: Callable[[str], bool]
) -> None:
    """Replace captured functions until `stack` unwinds.

    Args:
        stack: restores everything.
        everywhere: replacements in modules, classes, defaults and partial functions, by the identity of the original.
        in_modules: replacements of attributes of modules alone.
        is_real: returns whether a module, by its name, is left alone.
    """
    fakes = {**in_modules, **everywhere}
    either = {*fakes, *map(id, fakes.values())}  # the test may have frozen time, and may not the next time
    for name, module in _modules(is_real):
        found, size = _found.get(name), len(members_of(module))
        if found is None or found.module() is not module or found.size != size:
            found = _Found(ref(module), size, tuple(_find(module, name, either, everywhere)))
            _found[name] = found
        for site in found.sites:
            _replace(stack, site, fakes)


def put_back(reals: Mapping[int, Any], known: Mapping[str, int]) -> None:
    """Put originals back into modules that were loaded meanwhile and have captured replacements.

    Args:
        reals: the originals, by the identity of the replacement.
        known: the identities of the modules that were there before, by name.
    """
    for name, module in _modules(lambda _: False):
        if known.get(name) != id(module):
            members = members_of(module)
            members.update({key: reals[id(value)] for key, value in list(members.items()) if id(value) in reals})


def loaded_modules() -> dict[str, int]:
    """Return the identities of all loaded modules, by name."""
    return {name: id(module) for name, module in _modules(lambda _: False)}


def _modules(is_real: Callable[[str], bool]) -> Iterator[tuple[str, ModuleType]]:
    """Yield the real modules whose code has run, without reading any attribute.

    `__class__` of a cffi library says that it is a module, that of a lazy object may raise anything, and any attribute
    of a lazy module would load it.
    """
    for name, module in sys.modules.copy().items():
        if (
            type(name) is str
            and issubclass(type(module), ModuleType)
            and type(module) is not _LAZY
            and name.partition(".")[0] not in _NEVER
            and not is_real(name)
        ):
            yield name, module


def members_of(owner: Any) -> dict[str, Any]:
    """Return what a module or a class holds, past whatever its own `__getattribute__` or `__dict__` does."""
    read = _members_of_class if issubclass(type(owner), type) else _members_of_module
    members: dict[str, Any] = read(owner)
    return members


def _find(module: ModuleType, name: str, either: set[int], everywhere: Mapping[int, Any]) -> Iterator[Site]:
    members = list(members_of(module).items())
    yield from (Site(module, key) for key, each in members if id(each) in either or _is_partial(each, everywhere))
    if name not in _SEARCHED and name.partition(".")[0] in sys.stdlib_module_names:
        return
    for _, value in members:
        if type(value) is FunctionType:
            yield from _defaults(value, everywhere)
        elif issubclass(type(value), type) and members_of(value).get("__module__") == name:
            yield from _in_class(value, everywhere)


def _in_class(owner: type, fakes: Mapping[int, Any]) -> Iterator[Site]:
    for name, member in list(members_of(owner).items()):
        function = member.__func__ if issubclass(type(member), staticmethod | classmethod) else member
        if type(function) is FunctionType:
            yield from _defaults(function, fakes)
        elif id(function) in fakes or _is_partial(function, fakes):
            yield Site(owner, name)


def _is_partial(value: object, fakes: Mapping[int, Any]) -> bool:
    return type(value) is partial and id(value.func) in fakes


def _defaults(function: object, fakes: Mapping[int, Any]) -> Iterator[Site]:
    """Yield the default sites of a function and of the functions that it wraps."""
    while type(function) is FunctionType:
        if any(id(default) in fakes for default in function.__defaults__ or ()):
            yield Site(function, "__defaults__")
        if any(id(default) in fakes for default in (function.__kwdefaults__ or {}).values()):
            yield Site(function, "__kwdefaults__")
        function = vars(function).get("__wrapped__")


def _replace(stack: ExitStack, site: Site, fakes: Mapping[int, Any]) -> None:
    owner, name = site
    if type(owner) is FunctionType:
        value = getattr(owner, name)
        if type(value) is tuple:
            setattr(owner, name, tuple(fakes.get(id(each), each) for each in value))
        elif value:  # else the function has lost its defaults
            setattr(owner, name, {key: fakes.get(id(each), each) for key, each in value.items()})
        stack.callback(setattr, owner, name, value)
        return
    value = members_of(owner).get(name)
    new = _replacement(value, fakes)
    if new is value:
        return
    if issubclass(type(owner), ModuleType):
        members = members_of(owner)
        members[name] = new
        stack.callback(members.__setitem__, name, value)
        return
    if issubclass(type(owner), type) and type(new) is FunctionType:
        new = staticmethod(new)  # the original is built in and does not become a method
    with suppress(AttributeError, TypeError):  # an immutable class
        setattr(owner, name, new)
        stack.callback(setattr, owner, name, value)


def _replacement(value: Any, fakes: Mapping[int, Any]) -> Any:
    if type(value) is staticmethod:
        function = _replacement(value.__func__, fakes)
        return value if function is value.__func__ else staticmethod(function)
    if _is_partial(value, fakes):
        return partial(fakes[id(value.func)], *value.args, **value.keywords)
    return fakes.get(id(value), value)
