"""The clocks that a client reads in virtual time, built on freezegun. The only module that imports it.

freezegun replaces `time.time`, `time.monotonic`, `datetime.now` and similar functions wherever they were imported. It
decides which callers get real time by five frames of the stack, and so mistakes a client's own thread for one of the
standard library. Here the client's threads are known, and so is the calling module.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakSet

import freezegun
from freezegun import api, config
from freezegun.api import FrozenDateTimeFactory

from pytest_ycimages.cloud.clock import MANUAL_START, frozen_moment, move_frozen
from pytest_ycimages.virtual.patch_captured import is_loaded_module

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
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
    with _readable_modules():
        freezer.stop()


@contextmanager
def _readable_modules() -> Generator[None]:
    """Show freezegun only entries of `sys.modules` that it can read: any other would stop it half-way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as freezegun does: a deprecated attribute warns when it is read
        modules = {name: module for name, module in list(sys.modules.items()) if _is_readable(module)}
    with ExitStack() as stack:
        replace(stack, api, "sys", SimpleNamespace(modules=modules))  # it uses only `modules`
        yield


_readable: Final[WeakSet[ModuleType]] = WeakSet()
"""Modules of their own kind, or with a `__dir__` of their own, that have been read without an error."""


def _is_readable(module: Any) -> bool:
    if type(module) is ModuleType and "__dir__" not in vars(module):
        return True
    if is_loaded_module(module):
        if module in _readable:
            return True
        if _reads(module):
            _readable.add(module)
            return True
        return False
    return not issubclass(type(module), ModuleType) and _reads(module)


def _reads(module: Any) -> bool:
    """Return whether every attribute can be read, or raises what freezegun expects."""
    try:
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
