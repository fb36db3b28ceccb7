"""Patches for libraries that wait or move time in their own ways: trio, uvloop, gevent and time-machine.

trio takes a clock of ours. The others cannot be moved from outside, and refuse with the way to do it. Each is patched
when it is loaded, before virtual time or in it.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from pytest_ycimages.errors import UsageError, VirtualTimeError
from pytest_ycimages.network.patching import replace, when_imported
from pytest_ycimages.virtual import patch_grpc
from pytest_ycimages.virtual.frozen import real_monotonic
from pytest_ycimages.virtual.patch_sockets import has_foreign_peer
from pytest_ycimages.virtual.patch_threads import patch
from pytest_ycimages.virtual.scheduler import of_client
from pytest_ycimages.virtual.wait import MICROSECOND, GivenUp, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.virtual.scheduler import Scheduler

_NO_UVLOOP: Final = (
    "uvloop does not run in virtual time: it reads the machine's clock in compiled code, so its timers would take real "
    "time, and the client's clock would stand still. Run the client on the event loop of asyncio: asyncio.run(main()) "
    "without uvloop.install(), or asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)."
)
_NO_GEVENT: Final = (
    "gevent does not run in virtual time: its hub waits in compiled code by the machine's clock, so its timers would "
    "take real time, and the client's clock would stand still. Use threads or asyncio in this test, or leave out "
    "`ycimages_time` and set short timings."
)
_NO_TRAVEL: Final = (
    "time_machine cannot travel in virtual time: client and doubles would read different clocks. Move their clock with "
    "ycimages_time.travel(datetime(2026, 5, 1, tzinfo=UTC)), or begin there: VirtualTime(datetime(...)). To travel "
    "around the whole test instead, start time_machine before virtual time."
)


def patch_libraries(stack: ExitStack, monotonic: Callable[[], float]) -> None:
    """Patch those libraries that are loaded, and others as soon as they are, until `stack` unwinds.

    Args:
        stack: restores everything.
        monotonic: reads the client's monotonic clock, in seconds.
    """
    stack = stack.enter_context(ExitStack())  # libraries that are loaded later are put on it later
    patches: dict[str, Callable[[Any], None]] = {
        "trio": lambda module: _patch_trio(stack, module, monotonic),
        "uvloop": lambda module: _patch_uvloop(stack, module),
        "gevent.hub": lambda module: patch(stack, module.Hub, "switch", _refusing(VirtualTimeError, _NO_GEVENT)),
        "time_machine": lambda module: _patch_time_machine(stack, module),
        **{name: partial(patcher, stack) for name, patcher in patch_grpc.PATCHES.items()},
    }
    patched: set[str] = set()

    def apply(name: str) -> None:
        if of_client() is not None and name not in patched:
            patched.add(name)
            patches[name](sys.modules[name])

    when_imported(patches, apply, stack)


def _refusing(error: type[Exception], text: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        __tracebackhide__ = True
        raise error(text)

    return refuse


def _patch_time_machine(stack: ExitStack, module: Any) -> None:
    traveller = getattr(module, "Traveller", None) or module.Coordinates  # its name before time-machine 3
    for owner, name in ((module.travel, "start"), (traveller, "move_to"), (traveller, "shift")):
        patch(stack, owner, name, _refusing(UsageError, _NO_TRAVEL))


def _patch_uvloop(stack: ExitStack, module: Any) -> None:
    refused: WeakSet[Any] = WeakSet()

    def run_until_complete(_: Scheduler, run: Callable[..., Any], loop: Any, future: Any) -> Any:
        __tracebackhide__ = True
        if loop in refused:  # it only closes
            return run(loop, future)
        refused.add(loop)
        task = asyncio.ensure_future(future, loop=loop)
        task.cancel()  # so that nothing is left that was never awaited
        with suppress(asyncio.CancelledError):
            run(loop, task)
        raise VirtualTimeError(_NO_UVLOOP)

    def run_forever(_: Scheduler, run: Callable[..., Any], loop: Any) -> Any:
        __tracebackhide__ = True
        if loop in refused:
            return run(loop)
        raise VirtualTimeError(_NO_UVLOOP)

    def run_main(_: Scheduler, __: Callable[..., Any], main: Any, **___: Any) -> Any:
        __tracebackhide__ = True
        if asyncio.iscoroutine(main):
            main.close()
        raise VirtualTimeError(_NO_UVLOOP)

    patch(stack, module, "run", run_main)
    patch(stack, module.Loop, "run_until_complete", run_until_complete)
    patch(stack, module.Loop, "run_forever", run_forever)


# trio.

_ERRORS: Final = (VirtualTimeError, GivenUp)
"""What ends the wait of a loop."""


def _patch_trio(stack: ExitStack, module: Any, monotonic: Callable[[], float]) -> None:
    core: Any = sys.modules["trio._core._run"]

    def run(scheduler: Scheduler, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        clock = kwargs["clock"] = kwargs.get("clock") or _clock(scheduler, monotonic)
        try:
            return original(*args, **kwargs)
        except module.TrioInternalError as error:
            raise (getattr(clock, "error", None) or error) from None
        except _ERRORS:
            context = core.GLOBAL_RUN_CONTEXT
            if hasattr(context, "runner"):  # the error came while trio waited for files, where it cleans up nothing
                context.runner.close()
                vars(context).clear()
            raise

    patch(stack, module, "run", run)
    patch(stack, module.lowlevel, "start_guest_run", run)
    # For code that has captured `trio.run`.
    patch(stack, core, "SystemClock", lambda scheduler, _: _clock(scheduler, monotonic))
    # Idle threads wait for a bare lock, unseen.
    threads: Any = sys.modules["trio._core._thread_cache"]
    replace(stack, threads, "Lock", partial(threading.Semaphore, 1))
    replace(stack, threads, "THREAD_CACHE", threads.ThreadCache())


async def _fail(error: BaseException) -> None:
    raise error


def _runner() -> Any:
    return sys.modules["trio._core._run"].GLOBAL_RUN_CONTEXT.runner


def _descriptors(runner: Any) -> tuple[int, ...]:
    """Return the descriptor that is readable once any file of a trio loop is ready."""
    files = runner.io_manager
    waiting = getattr(files, "_epoll", None) or getattr(files, "_kqueue", None)
    if waiting is None:
        raise VirtualTimeError("This release of trio does not run in virtual time on this system. Use asyncio.")
    return (waiting.fileno(),)


def _has_foreign(runner: Any) -> bool:
    """Return whether a peer other than a double may write to a file for which a task waits, on any thread."""
    files = getattr(runner.io_manager, "_registered", {})
    return has_foreign_peer(descriptor if isinstance(descriptor, int) else descriptor[0] for descriptor in list(files))


def _await_event(scheduler: Scheduler, timeout: float | None) -> Outcome:
    """Wait for an event of trio's loop, in virtual time."""
    __tracebackhide__ = True
    what = "an event of trio's loop" if timeout is None else f"trio's next deadline, in {timeout:.6f} seconds"
    runner = _runner()
    wait = scheduler.make_wait(what, timeout, _descriptors(runner), lambda: _has_foreign(runner))
    return scheduler.wait(wait)


def _clock(scheduler: Scheduler, monotonic: Callable[[], float]) -> Any:
    class VirtualClock(sys.modules["trio"].abc.Clock):  # type: ignore[misc] # loaded by the client
        """The clock of virtual time, as trio asks for it, which goes on in real time from the end of virtual time.

        Attributes:
            error: what has ended its last wait.
        """

        error: BaseException | None = None
        _began = monotonic() - scheduler.elapsed / MICROSECOND
        _ended: float | None = None  # by the clock of the machine

        def start_clock(self) -> None:
            """Do nothing: virtual time has begun."""

        def current_time(self) -> float:
            """Return the client's monotonic clock, in seconds."""
            virtual = self._began + scheduler.elapsed / MICROSECOND
            if not scheduler.is_over:
                return virtual
            self._ended = self._ended or real_monotonic()
            return virtual + real_monotonic() - self._ended

        def deadline_to_sleep_time(self, deadline: float) -> float:
            """Wait until `deadline` in virtual time; return the real seconds that trio is to wait itself."""
            seconds = deadline - self.current_time()
            if seconds <= 0 or scheduler.is_over or of_client() is not scheduler or _runner().waiting_for_idle:
                return seconds
            try:
                timeout = None if math.isinf(seconds) else max(seconds, 1 / MICROSECOND)
                outcome = _await_event(scheduler, timeout)
                return deadline - self.current_time() if outcome is Outcome.OVER else 0
            except _ERRORS as error:
                self.error = error
                sys.modules["trio"].lowlevel.spawn_system_task(_fail, error)  # which cancels all tasks
                return 0

    return VirtualClock()
