"""Where the client has taken hold of `time.sleep` or a clock by itself: `from time import sleep`, or as a default.

freezegun replaces what modules have imported from `time`, but not `sleep`, and nothing that is the default of a
parameter, such as in `def wait_until_done(operation, *, sleep=time.sleep, clock=time.monotonic)`.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack

_NEVER: Final = frozenset({"freezegun", "pytest_ycimages", "time"})
"""Packages that keep what they have captured."""
_SEARCHED: Final = frozenset({"sched"})
"""Modules of the standard library in which functions have clocks as defaults."""


class _Site(NamedTuple):
    """An attribute of a module or a class, or the defaults of a function."""

    owner: Any
    name: str


class _Found(NamedTuple):
    """What has been found in a module, and how large it was: looking is slow, modules rarely change."""

    module: ref[ModuleType]
    size: int
    sites: tuple[_Site, ...]


_found: Final[dict[str, _Found]] = {}


def replace_captured(
    stack: ExitStack, unknown: Mapping[int, Any], known: Mapping[int, Any], is_real: Callable[[str], bool]
) -> None:
    """Replace what is taken hold of, until `stack` unwinds.

    Args:
        stack: what puts everything back.
        unknown: what to put in the place of what, by identity, of which freezegun does not know.
        known: the same for what freezegun replaces by itself where modules have imported it.
        is_real: whether a module, by its name, is to be left alone.
    """
    fakes = {**known, **unknown}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _NEVER or is_real(name) or not _is_module(module):
            continue
        found = _found.get(name)
        if found is None or found.module() is not module or found.size != len(vars(module)):
            found = _Found(ref(module), len(vars(module)), tuple(_find(module, name, unknown, fakes)))
            _found[name] = found
        for site in found.sites:
            _replace(stack, site, fakes)


def _is_module(module: object) -> bool:
    """Whether this is one: people put all kinds of things into `sys.modules`."""
    return isinstance(module, ModuleType)


def _find(module: ModuleType, name: str, unknown: Mapping[int, Any], fakes: Mapping[int, Any]) -> Iterator[_Site]:
    members = list(vars(module).items())
    yield from (_Site(module, key) for key, each in members if id(each) in unknown or _is_partial(each, fakes))
    if name not in _SEARCHED and name.partition(".")[0] in sys.stdlib_module_names:
        return
    for _, value in members:
        if isinstance(value, FunctionType):
            yield from _defaults(value, fakes)
        elif isinstance(value, type) and value.__module__ == name:
            yield from _in_class(value, fakes)


def _in_class(owner: type, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    for name, member in list(vars(owner).items()):
        function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if isinstance(function, FunctionType):
            yield from _defaults(function, fakes)
        elif id(function) in fakes or _is_partial(function, fakes):
            yield _Site(owner, name)


def _is_partial(value: object, fakes: Mapping[int, Any]) -> bool:
    return type(value) is partial and id(value.func) in fakes


def _defaults(function: object, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    """The defaults of a function, and of the one that its decorator holds."""
    while isinstance(function, FunctionType):
        if any(id(default) in fakes for default in function.__defaults__ or ()):
            yield _Site(function, "__defaults__")
        if any(id(default) in fakes for default in (function.__kwdefaults__ or {}).values()):
            yield _Site(function, "__kwdefaults__")
        function = vars(function).get("__wrapped__")


def _replace(stack: ExitStack, site: _Site, fakes: Mapping[int, Any]) -> None:
    owner, name = site
    value = getattr(owner, name) if isinstance(owner, FunctionType) else vars(owner).get(name)
    new = _replacement(value, fakes)
    if isinstance(owner, type) and isinstance(new, FunctionType):
        new = staticmethod(new)  # what it replaces is built in, and does not turn into a method
    if new is not value:
        with suppress(AttributeError, TypeError):  # a class that lets nobody change it
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
