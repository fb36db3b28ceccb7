"""Where the client has taken hold of `time.sleep` or a clock by itself: `from time import sleep`, or as a default.

freezegun replaces what modules have imported from `time`, but not `sleep`, and nothing that is the default of a
parameter, such as in `def wait_until_done(operation, *, sleep=time.sleep, clock=time.monotonic)`.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack


class _Site(NamedTuple):
    """An attribute of a module or a class, or the defaults of a function."""

    owner: Any
    name: str


_NEVER: Final = ("freezegun", "pytest_ycimages")
"""Modules whose names begin so keep what they have captured."""

_sites: Final[dict[str, tuple[tuple[int, int], list[_Site]]]] = {}
"""What has been found in a module, by its name, with its identity and size: looking is slow, modules rarely change."""


def replace_captured(stack: ExitStack, sleep: object, fakes: Mapping[int, Any], is_real: Callable[[str], bool]) -> None:
    """Replace what is taken hold of, until `stack` unwinds.

    Args:
        stack: what puts everything back.
        sleep: what was captured and freezegun does not know.
        fakes: what to put in the place of what, by identity; the one for `sleep` included.
        is_real: whether a module, by its name, is to be left alone.
    """
    for name, module in list(sys.modules.items()):
        if name == "time" or name.startswith(_NEVER) or is_real(name) or not _is_module(module):
            continue
        at_present = (id(module), len(vars(module)))
        if name not in _sites or _sites[name][0] != at_present:
            _sites[name] = at_present, list(_find(module, name, sleep, fakes))
        for site in _sites[name][1]:
            _replace(stack, site, fakes)


def _is_module(module: object) -> bool:
    """Whether this is one: people put all kinds of things into `sys.modules`."""
    return isinstance(module, ModuleType)


def _find(module: ModuleType, name: str, sleep: object, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    yield from (_Site(module, key) for key, value in list(vars(module).items()) if value is sleep)
    if name.partition(".")[0] in sys.stdlib_module_names:
        return
    for value in list(vars(module).values()):
        if isinstance(value, FunctionType):
            yield from _defaults(value, fakes)
        elif isinstance(value, type) and value.__module__ == name:
            yield from _in_class(value, fakes)


def _in_class(owner: type, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    for name, member in list(vars(owner).items()):
        function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        if isinstance(function, FunctionType):
            yield from _defaults(function, fakes)
        elif id(function) in fakes:
            yield _Site(owner, name)


def _defaults(function: FunctionType, fakes: Mapping[int, Any]) -> Iterator[_Site]:
    if any(id(default) in fakes for default in function.__defaults__ or ()):
        yield _Site(function, "__defaults__")
    if any(id(default) in fakes for default in (function.__kwdefaults__ or {}).values()):
        yield _Site(function, "__kwdefaults__")


def _replace(stack: ExitStack, site: _Site, fakes: Mapping[int, Any]) -> None:
    value = vars(site.owner)[site.name] if isinstance(site.owner, type) else getattr(site.owner, site.name)
    stack.callback(setattr, site.owner, site.name, value)
    new: Any = fakes.get(id(value), value)
    if isinstance(value, staticmethod):
        new = staticmethod(fakes[id(value.__func__)])
    elif isinstance(value, tuple):
        new = tuple(fakes.get(id(each), each) for each in value)
    elif isinstance(value, dict):
        new = {key: fakes.get(id(each), each) for key, each in value.items()}
    setattr(site.owner, site.name, new)
