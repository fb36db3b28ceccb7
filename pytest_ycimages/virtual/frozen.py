"""The clocks that a client reads in virtual time, built on freezegun. The only module that imports it.

freezegun replaces `time.time`, `time.monotonic`, `datetime.now` and similar functions. It decides which callers get
real time by five frames of the stack, and so mistakes a client's own thread for one of the standard library. Here the
client's threads are known, and so is the calling module. freezegun also reads every attribute of every entry of
`sys.modules`, which loads lazy modules and fails at odd objects. So it is shown no module; see `captured`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import freezegun
from freezegun import api, config
from freezegun.api import FrozenDateTimeFactory

from pytest_ycimages.cloud.clock import MANUAL_START, frozen_moment, move_frozen, travelled_moment
from pytest_ycimages.network.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - freezegun's times have no zone and mean UTC


def exact_time_ns() -> int:
    """Return `time.time_ns` in frozen time. freezegun's own uses a float and loses the last digits."""
    return api.real_time_ns() if api._should_use_real_time() else api._get_fake_monotonic_ns()  # noqa: SLF001 - see above


_CLOCKS: Final[tuple[tuple[Any, Any], ...]] = (
    (api.real_time, api.fake_time),
    (api.real_time_ns, exact_time_ns),
    (api.real_monotonic, api.fake_monotonic),
    (api.real_monotonic_ns, api.fake_monotonic_ns),
    (api.real_perf_counter, api.fake_perf_counter),
    (api.real_perf_counter_ns, api.fake_perf_counter_ns),
)
_CALENDAR: Final[tuple[tuple[Any, Any], ...]] = (
    (api.real_datetime, api.FakeDatetime),
    (api.real_date, api.FakeDate),
    (api.real_gmtime, api.fake_gmtime),
    (api.real_localtime, api.fake_localtime),
    (api.real_strftime, api.fake_strftime),
)
CLOCKS: Final = {id(real): fake for real, fake in _CLOCKS}
"""The functions that read frozen time, by the identity of those that read real time."""
CALENDAR: Final = {id(real): fake for real, fake in _CALENDAR}
"""The same for classes and functions of dates, which are replaced only where a module has imported them."""
REAL_ONES: Final = {id(fake): real for real, fake in (*_CLOCKS, *_CALENDAR)}
"""The originals, by the identity of what reads frozen time."""


def real_monotonic() -> float:
    """Return the machine's monotonic clock, in seconds."""
    return api.real_monotonic()  # through freezegun's module, the only one that it does not patch


def is_frozen() -> bool:
    """Return whether time is frozen, by virtual time or by freezegun alone."""
    return bool(api.freeze_factories)


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
        start: nanoseconds since the epoch; None: the moment that the test has frozen or travelled to, or else the start
            of a manual clock.
        is_client: returns whether the calling thread belongs to the client.
        is_real: returns whether a module, by its name, has real time on every thread.

    Attributes:
        reads: how often each thread of the client has read a clock, by its identifier.
    """

    def __init__(self, start: int | None, is_client: Callable[[], bool], is_real: Callable[[str], bool]) -> None:
        self.reads: Counter[int] = Counter()
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
            began = travelled_moment() if self._start is None else self._start
            start = _EPOCH + timedelta(microseconds=(MANUAL_START if began is None else began) // 1000)
        ignored = config.settings.default_ignore_list
        config.settings.default_ignore_list = []
        replace(stack, api, "fake_time_ns", exact_time_ns)
        try:
            freezer = freezegun.freeze_time(start)
        finally:
            config.settings.default_ignore_list = ignored
        _without_modules(freezer.start)
        self._began = start
        stack.callback(_without_modules, freezer.stop)
        factories[-1] = self._factory = _ForTheClient(start, self._is_client)
        replace(stack, api, "_should_use_real_time", self._should_use_real_time)
        replace(stack, time, "time_ns", exact_time_ns)

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
        factory = self._factory
        if factory is None or api.freeze_factories[-1:] != [factory] or not self._is_client():
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
        if caller is not None and self._is_real(caller.f_globals.get("__name__", "")):
            return True
        self.reads[threading.get_ident()] += 1
        return False


def _without_modules(change: Callable[[], object]) -> None:
    """Run freezegun's start or stop while it sees no entry of `sys.modules`."""
    with ExitStack() as stack:
        replace(stack, api, "sys", SimpleNamespace(modules={}))  # it uses nothing else of it
        change()
