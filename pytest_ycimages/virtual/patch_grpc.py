"""Patches for grpcio, whose calls wait in compiled code: virtual time knows each unary call of the client.

A call carries a number, by which the double says that it holds the answer back. Otherwise time stands still until the
client has the answer. The double keeps the deadline of a call, in virtual time.
"""

from __future__ import annotations

import inspect
import threading
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Self

from pytest_ycimages.hosts import is_one_of, split_authority
from pytest_ycimages.network.patching import replace
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.patch_threads import patch
from pytest_ycimages.virtual.scheduler import in_force
from pytest_ycimages.virtual.wait import MICROSECOND, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler

    Original = Callable[..., Any]

_numbers: Final = count(1)
_fetching: Final = threading.local()
"""Whether a thread fetches credentials."""
_GRACE: Final = 60.0
"""Real seconds by which grpcio's own deadline follows the virtual one. It ends calls that never reach a double."""
_BACKOFF: Final = 100
"""Milliseconds, the least that grpcio allows: it waits in real time before it connects again."""
_RECONNECT: Final = tuple((f"grpc.{which}_reconnect_backoff_ms", _BACKOFF) for which in ("initial", "max"))
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]", "%5B::1%5D")


def patch_common(stack: ExitStack, module: Any) -> None:
    """Patch `grpc._common`: a thread waits for a call in one wait, where the original wakes ten times a second."""

    def wait(
        scheduler: Scheduler,
        _: Original,
        wait_fn: Original,
        is_complete: Callable[[], bool],
        timeout: float | None = None,
        spin_cb: Original | None = None,  # noqa: ARG001 - as the original: for forks
    ) -> bool:
        __tracebackhide__ = True
        end = None if timeout is None else scheduler.elapsed + microseconds(timeout)
        while not is_complete():
            if end is None:
                wait_fn()
            elif scheduler.elapsed >= end:
                return True
            else:
                wait_fn(timeout=(end - scheduler.elapsed) / MICROSECOND)
        return False

    patch(stack, module, "wait", wait)


def patch_utilities(stack: ExitStack, module: Any) -> None:
    """Patch `grpc._utilities`: to wait until a channel is ready takes real time."""

    def block(scheduler: Scheduler, original: Original, *args: Any) -> Any:
        me = scheduler.threads.pop(threading.get_ident())
        try:
            return original(*args)
        finally:
            scheduler.threads[threading.get_ident()] = me

    patch(stack, module._ChannelReadyFuture, "_block", block)  # noqa: SLF001 - grpcio has no public place


def patch_channel(stack: ExitStack, module: Any) -> None:
    """Patch `grpc._channel`: calls that block a thread, and futures."""

    def future(_: Scheduler, original: Original, multi: Any, *args: Any, **kwargs: Any) -> Any:
        bound = _signature(original).bind(multi, *args, **kwargs)
        if not _is_of_a_double(multi._target):  # noqa: SLF001 - as above
            return original(multi, *args, **kwargs)
        timeout = bound.arguments.get("timeout")
        number, extra = _announced(timeout)
        bound.arguments["metadata"] = (*(bound.arguments.get("metadata") or ()), *extra)
        bound.arguments["timeout"] = None if timeout is None else timeout + _GRACE
        with _InFlight(number) as flight:
            call = original(*bound.args, **bound.kwargs)
            call.add_done_callback(flight.land)
        return call

    def blocking(_: Scheduler, original: Original, multi: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_of_a_double(multi._target):  # noqa: SLF001 - as above
            return original(multi, *args, **kwargs)
        __tracebackhide__ = True
        call = multi.future(*args, **kwargs)
        try:
            call.code()
        except BaseException:
            call.cancel()
            raise
        return call._state, call._call  # noqa: SLF001 - as the original returns it

    unary = module._UnaryUnaryMultiCallable  # noqa: SLF001 - as above
    patch(stack, unary, "future", future)
    patch(stack, unary, "_blocking", blocking)
    patch(stack, module.Channel, "__init__", _open)


def patch_credentials(stack: ExitStack, module: Any) -> None:
    """Patch `grpc._plugin_wrapping`: a call is sent when its credentials are there, which may take calls of their own.

    grpcio fetches them on a thread that it starts in compiled code, and that belongs to the client for so long.
    """
    original = module._Plugin.__call__  # noqa: SLF001 - grpcio has no public place

    def call(plugin: Any, url: Any, method: Any, callback: Callable[..., None]) -> None:
        scheduler, thread, fetch = next(iter(in_force), None), threading.current_thread(), object()
        if scheduler is None or not activity.in_flight:
            original(plugin, url, method, callback)
            return

        def fetched(*result: Any) -> None:
            activity.fetching.discard(fetch)
            callback(*result)

        is_new = threading.get_ident() not in scheduler.threads
        if is_new:
            scheduler.enter(thread)
        activity.fetching.add(fetch)
        _fetching.fetch = fetch
        try:
            original(plugin, url, method, fetched)
        finally:
            del _fetching.fetch
            if is_new:
                scheduler.leave(thread)

    stack.callback(activity.fetching.clear)
    replace(stack, module._Plugin, "__call__", call)  # noqa: SLF001 - as above


# asyncio.


class _Deadline(float):
    """A deadline as grpcio counts it, with the timeout of which it was made."""

    timeout: float


def _deadline(_: Scheduler, original: Original, timeout: float | None) -> float | None:
    if timeout is None:
        return None
    deadline = _Deadline(original(timeout) + _GRACE)
    deadline.timeout = timeout
    return deadline


def patch_aio_timeouts(stack: ExitStack, module: Any) -> None:
    """Patch `grpc.aio._channel` or `grpc.aio._interceptor`: deadlines know their timeouts."""
    patch(stack, module, "_timeout_to_deadline", _deadline)
    if hasattr(module, "Channel"):
        patch(stack, module.Channel, "__init__", _open)


def patch_aio_call(stack: ExitStack, module: Any) -> None:
    """Patch `grpc.aio._call`: unary calls."""

    def init(_: Scheduler, original: Original, *args: Any, **kwargs: Any) -> None:
        bound = _signature(original).bind(*args, **kwargs)
        number, extra = _announced(getattr(bound.arguments["deadline"], "timeout", None))
        bound.arguments["metadata"] = type(bound.arguments["metadata"])(*bound.arguments["metadata"], *extra)
        with _InFlight(number) as flight:
            original(*bound.args, **bound.kwargs)
            args[0].add_done_callback(flight.land)

    patch(stack, module.UnaryUnaryCall, "__init__", init)


# Both.

_signature: Final = cache(inspect.signature)


class _InFlight:
    """A call that virtual time waits for, from before it is sent until the client has the answer."""

    def __init__(self, number: str) -> None:
        self._number = number

    def __enter__(self) -> Self:
        if hasattr(_fetching, "fetch"):
            activity.fetches.add(self._number)
        activity.in_flight.add(self._number)
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is not None:  # it was never sent
            self.land()

    def land(self, _: object = None) -> None:
        """Let time move on: the client has the answer."""
        activity.in_flight.discard(self._number)
        activity.held_back.discard(self._number)
        activity.fetches.discard(self._number)
        activity.notify()


def _announced(timeout: float | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the number of a call, and the metadata that tell the double."""
    number = str(next(_numbers))
    metadata = ((activity.CALL, number),)
    return number, metadata if timeout is None else (*metadata, (activity.TIMEOUT, repr(float(timeout))))


def _open(_: Scheduler, original: Original, *args: Any, **kwargs: Any) -> None:
    """Open a channel that connects again as soon as grpcio allows, unless its options say otherwise."""
    bound = _signature(original).bind(*args, **kwargs)
    bound.arguments["options"] = (*_RECONNECT, *(bound.arguments["options"] or ()))
    original(*bound.args, **bound.kwargs)


def _is_of_a_double(target: str | bytes) -> bool:
    """Return whether a channel leads to a double: by a name that one answers, or by a loopback address and its port."""
    text = target.decode() if isinstance(target, bytes) else target
    host, _, port = text.rpartition(":")
    if is_one_of(split_authority(text.rpartition("/")[2].removeprefix("dns:"))[0], activity.led):
        return True
    return host.endswith(_LOOPBACK) and any(port == str(each) for _, each in activity.addresses())


PATCHES: Final[dict[str, Callable[[ExitStack, Any], None]]] = {
    "grpc._common": patch_common,
    "grpc._utilities": patch_utilities,
    "grpc._channel": patch_channel,
    "grpc._plugin_wrapping": patch_credentials,
    "grpc.aio._call": patch_aio_call,
    "grpc.aio._channel": patch_aio_timeouts,
    "grpc.aio._interceptor": patch_aio_timeouts,
}
"""What patches the modules of grpcio, by their names."""
