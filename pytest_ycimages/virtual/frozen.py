"""The clocks that a client reads in virtual time, built on freezegun. The only module that imports it.

freezegun replaces `time.time`, `time.monotonic`, `datetime.now` and similar functions wherever they were imported. It
decides which callers get real time by five frames of the stack, and so mistakes a client's own thread for one of the
standard library. Here the client's threads are known, and so is the calling module.
"""

from __future__ import annotations

import importlib.util
import queue
import sys
import threading
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import FunctionType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard
from weakref import WeakKeyDictionary, WeakSet, ref

import freezegun
from freezegun import api, config
from freezegun.api import FrozenDateTimeFactory

from pytest_ycimages.cloud.clock import MANUAL_START, frozen_moment, move_frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping
    from types import FrameType

    from pytest_ycimages.virtual.scheduler import Scheduler


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - freezegun's times have no zone and mean UTC


class ActiveTime(NamedTuple):
    """The virtual time in force, for functions and queues that code keeps when it ends.

    A function taken from `time`, or a queue, works in the next virtual time and in real time, too.

    Attributes:
        scheduler: moves the time.
        is_real: returns whether a module, by its name, has real time on every thread.
    """

    scheduler: Scheduler
    is_real: Callable[[str], bool]


active: ActiveTime | None = None
"""The virtual time in force, or None."""


def exact_time_ns() -> int:
    """Return `time.time_ns` in frozen time. freezegun's own uses a float and loses the last digits."""
    return api.real_time_ns() if api._should_use_real_time() else api._get_fake_monotonic_ns()  # noqa: SLF001 - see above


FAKES: Final[dict[int, Any]] = {
    id(api.real_time): api.fake_time,
    id(api.real_time_ns): exact_time_ns,
    id(api.real_monotonic): api.fake_monotonic,
    id(api.real_monotonic_ns): api.fake_monotonic_ns,
    id(api.real_perf_counter): api.fake_perf_counter,
    id(api.real_perf_counter_ns): api.fake_perf_counter_ns,
}
"""The functions that read frozen time, by the identity of those that read real time."""


def real_monotonic() -> float:
    """Return the machine's monotonic clock, in seconds."""
    return api.real_monotonic()  # through freezegun's module, the only one that it does not patch


class _ForTheClient(FrozenDateTimeFactory):
    """Frozen time for the threads of the client, real time for any other."""

    def __init__(self, moment: datetime, is_client: Callable[[], bool]) -> None:
        super().__init__(moment)
        self._is_client = is_client

    def __call__(self) -> datetime:
        if self._is_client():
            return self.time_to_freeze
        return api.real_datetime.now(UTC).replace(tzinfo=None)


class FrozenTime:
    """Frozen time for the client, which the scheduler moves.

    Args:
        start: nanoseconds since the epoch; None: the moment frozen by the test, or else the start of a manual clock.
        is_client: returns whether the calling thread belongs to the client.
        is_real: returns whether a module, by its name, has real time on every thread.
    """

    def __init__(self, start: int | None, is_client: Callable[[], bool], is_real: Callable[[str], bool]) -> None:
        self._start = start
        self._is_client = is_client
        self._is_real = is_real
        self._factory: _ForTheClient | None = None
        self._began = _EPOCH
        self._told: tuple[datetime | None, float] = None, 0.0

    def freeze(self, stack: ExitStack) -> None:
        """Freeze time until `stack` unwinds."""
        factories = api.freeze_factories
        if self._start is None and factories:
            start = frozen_moment(factories[-1])
        else:
            start = _EPOCH + timedelta(microseconds=(MANUAL_START if self._start is None else self._start) // 1000)
        ignored = config.settings.default_ignore_list
        config.settings.default_ignore_list = []
        replace(stack, api, "fake_time_ns", exact_time_ns)
        try:
            freezer = freezegun.freeze_time(start)
        finally:
            config.settings.default_ignore_list = ignored
        with _readable_modules():
            freezer.start()
        self._began = start
        stack.callback(_stop, freezer)
        factories[-1] = self._factory = _ForTheClient(start, self._is_client)
        replace(stack, api, "_should_use_real_time", self._should_use_real_time)
        replace(stack, time, "time_ns", exact_time_ns)
        for module, name in ((threading, "_time"), (queue, "time")):  # unless an outer freeze left them real
            replace(stack, module, name, api.fake_monotonic)

    def begin_again(self) -> None:
        """Return to the start."""
        if self._factory is not None:
            self._factory.time_to_freeze = self._began

    def now(self) -> int:
        """Return the client's time in nanoseconds since the epoch, on any thread."""
        factory = api.freeze_factories[-1]
        moment = factory.time_to_freeze if factory is self._factory else frozen_moment(factory)
        return (moment - _EPOCH) // timedelta(microseconds=1) * 1000

    def monotonic(self) -> float:
        """Return the client's `time.monotonic`, cached, since event loops read it constantly."""
        factory = api.freeze_factories[-1]
        if factory is not self._factory or not self._is_client():
            return time.monotonic()
        moment, told = self._told
        if moment is not factory.time_to_freeze:
            moment, told = self._told = factory.time_to_freeze, api._get_fake_monotonic()  # noqa: SLF001 - see above
        return told

    def move(self, microseconds: int) -> None:
        """Move time forward, including times that the test froze inside."""
        step = timedelta(microseconds=microseconds)
        for factory in reversed(api.freeze_factories):
            if factory is self._factory:
                factory.time_to_freeze += step
                return
            move_frozen(factory, step)

    def _should_use_real_time(self) -> bool:
        if not self._is_client():
            return True
        caller: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the caller of the patched function
        while caller is not None and caller.f_globals.get("__name__") == api.__name__:
            caller = caller.f_back  # one such function may call another
        return caller is not None and self._is_real(caller.f_globals.get("__name__", ""))


def _stop(freezer: Any) -> None:
    with _readable_modules(freezer.modules_at_start):
        freezer.stop()


@contextmanager
def _readable_modules(but: Collection[str] = ()) -> Generator[None]:
    """Show freezegun only entries of `sys.modules` that it can read: any other would stop it half-way.

    It also looks at every attribute of every module, each time; it is shown those that tell time, as remembered.
    """
    modules = {name: each for name, each in list(sys.modules.items()) if name not in but and _is_readable(each)}
    with ExitStack() as stack:
        replace(stack, api, "sys", SimpleNamespace(modules=modules))  # it uses nothing else of it
        replace(stack, api, "_get_cached_module_attributes", _time_attributes)
        yield


_readable: Final[WeakSet[ModuleType]] = WeakSet()
"""Modules of their own kind, or with a `__dir__` of their own, that have been read without an error."""
_known_members: Final[WeakKeyDictionary[ModuleType, tuple[int, list[tuple[str, Any]]]]] = WeakKeyDictionary()
"""Modules -> how many attributes each had, and those that tell time."""
_REAL: Final = frozenset(map(id, api.real_date_objects))


def _is_readable(module: Any) -> bool:
    if _is_plain(module):
        return True
    if is_loaded_module(module):
        if module in _readable:
            return True
        if _reads(module):
            _readable.add(module)
            return True
        return False
    return not issubclass(type(module), ModuleType) and _reads(module)


def _is_plain(module: Any) -> bool:
    return type(module) is ModuleType and "__dir__" not in vars(module)


def _time_attributes(module: Any) -> list[tuple[str, Any]]:
    if not _is_plain(module):
        attributes: list[tuple[str, Any]] = _get_cached_module_attributes(module)
        return attributes
    members = vars(module)
    size, found = _known_members.get(module, (-1, []))
    if size != len(members):
        found = [(name, value) for name, value in list(members.items()) if id(value) in _REAL]
        _known_members[module] = len(members), found
    return [(name, value) for name, value in found if members.get(name) is value]


_get_cached_module_attributes: Final = api._get_cached_module_attributes  # noqa: SLF001 - see above


def _reads(module: Any) -> bool:
    """Return whether every attribute can be read, or raises what freezegun expects."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client reads nothing that is deprecated
            for name in ("__name__", *dir(module)):
                with suppress(ImportError, AttributeError, TypeError):
                    getattr(module, name)
    except Exception:  # noqa: BLE001 - freezegun would end with it
        return False
    return True


def replace(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    """Set an attribute until `stack` unwinds. An inherited attribute is inherited again afterwards."""
    if name in vars(owner):
        stack.callback(setattr, owner, name, vars(owner)[name])
    else:
        stack.callback(delattr, owner, name)
    setattr(owner, name, value)


# Functions that the client has captured: `from time import sleep`, or as the default of a parameter, such as in
# `def wait(operation, *, sleep=time.sleep, clock=time.monotonic)`. freezegun replaces neither `sleep` nor defaults.

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
