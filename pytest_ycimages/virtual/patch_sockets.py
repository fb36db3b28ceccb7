"""Patches for sockets and event loops, so that the scheduler knows when a client waits for a double."""

from __future__ import annotations

import asyncio
import functools
import selectors
import socket
import ssl
import sys
import threading
from asyncio.base_events import BaseEventLoop
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet, ref

from pytest_ycimages.errors import VirtualTimeError
from pytest_ycimages.network.patching import replace
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.frozen import real_monotonic
from pytest_ycimages.virtual.patch_threads import patch
from pytest_ycimages.virtual.scheduler import in_force
from pytest_ycimages.virtual.wait import MICROSECOND, Outcome, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler

_SELECTORS: Final = ("EpollSelector", "KqueueSelector", "DevpollSelector", "PollSelector", "SelectSelector")
_BLOCKING: Final = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into")


def patch_sockets(stack: ExitStack) -> None:
    """Report waits for a double's answer to the scheduler in force until `stack` unwinds."""
    for name in _BLOCKING:
        if hasattr(socket.socket, name):
            original = getattr(socket.socket, name)
            replace(stack, socket.socket, name, _waiting(original))
    replace(stack, ssl.SSLSocket, "read", _waiting_for_tls(ssl.SSLSocket.read))
    patch(stack, socket.socket, "connect", _connect)


def _connect(scheduler: Scheduler, connect: Callable[..., None], sock: socket.socket, address: Any) -> None:
    """`connect` that reports each refused connection of the client."""
    try:
        connect(sock, address)
    except ConnectionRefusedError:
        if scheduler.on_refusal is not None:
            scheduler.on_refusal()
        raise


def _waiting(receive: Callable[..., Any]) -> Callable[..., Any]:
    """Return a receiving method that waits in virtual time, its timeout included."""

    @functools.wraps(receive)
    def receive_virtually(sock: socket.socket, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if (scheduler := _scheduler_of_wait(sock)) is not None:
            _wait_for_answer(scheduler, sock, sock.gettimeout(), "timed out")
        return receive(sock, *args, **kwargs)

    return receive_virtually


def _waiting_for_tls(read: Callable[..., Any]) -> Callable[..., Any]:
    """Return `SSLSocket.read` that waits in virtual time, until there is data: a session ticket comes without any."""

    @functools.wraps(read)
    def read_virtually(sock: ssl.SSLSocket, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if (scheduler := _scheduler_of_wait(sock)) is None:
            return read(sock, *args, **kwargs)
        timeout = sock.gettimeout()
        deadline = None if timeout is None else scheduler.elapsed + microseconds(timeout)
        while True:
            sock.settimeout(0)
            try:
                return read(sock, *args, **kwargs)
            except ssl.SSLWantReadError:
                pass
            finally:
                sock.settimeout(timeout)
            left = None if deadline is None else (deadline - scheduler.elapsed) / MICROSECOND
            _wait_for_answer(scheduler, sock, left, "The read operation timed out")

    return read_virtually


def _scheduler_of_wait(sock: socket.socket) -> Scheduler | None:
    """Return the scheduler in force if it is to know of a blocking read: by the client or a double, from a double."""
    scheduler, ident = next(iter(in_force), None), threading.get_ident()
    is_known = scheduler is not None and (ident in scheduler.threads or ident in activity.serving)
    if scheduler is None or not is_known or sock.gettimeout() == 0:  # a double may forward calls to another
        return None
    if _leads_to_a_double(sock):
        return scheduler
    if ident in scheduler.threads:
        scheduler.steps += 1  # the peer answers in real time, and may be what the client works with
    return None


def _wait_for_answer(scheduler: Scheduler, sock: socket.socket, timeout: float | None, late: str) -> None:
    """Wait until the socket can be read, or raise `TimeoutError` with the text `late`."""
    __tracebackhide__ = True
    descriptor = sock.fileno()
    if activity.readable([descriptor]):
        return
    limit = "" if timeout is None else f", {timeout} seconds at most"
    wait = scheduler.make_wait(f"the answer of a double{limit}", timeout, (descriptor,))
    if scheduler.wait(wait) is Outcome.DUE:
        raise TimeoutError(late)


def _leads_to_a_double(sock: socket.socket) -> bool:
    try:
        peer = sock.getpeername()
    except OSError:
        return False
    return peer[:2] in activity.addresses()


def patch_loops(stack: ExitStack, monotonic: Callable[[], float]) -> None:
    """Let event loops of asyncio wait for their timers in virtual time until `stack` unwinds.

    A loop that still runs then on another thread goes on in real time, from the moment that it had.
    """
    loops: dict[int, ref[Any]] = {}

    def loop_time(self: Any) -> float:
        loops.setdefault(id(self), ref(self))
        self._clock_resolution = 1 / MICROSECOND  # a timer is due at its exact moment, which floats can miss
        return monotonic()

    def go_on() -> None:
        ahead = monotonic() - real_monotonic()
        for loop in filter(None, [each() for each in list(loops.values())]):
            if loop.is_running() and loop is not asyncio._get_running_loop():  # noqa: SLF001 - it may be None
                loop.time = lambda: real_monotonic() + ahead

    replace(stack, BaseEventLoop, "time", loop_time)
    stack.callback(go_on)
    for name in _SELECTORS:
        kind = getattr(selectors, name, None)
        if kind is not None:
            patch(stack, kind, "select", _select)


def _select(scheduler: Scheduler, select: Callable[..., Any], self: Any, timeout: float | None = None) -> Any:
    """`select` that waits in virtual time for event loops."""
    caller = sys._getframe(2).f_globals.get("__name__", "")  # noqa: SLF001 - only event loops wait for timers this way
    if caller != "asyncio.base_events":
        return select(self, timeout)
    scheduler.raise_error()
    ready = select(self, 0)
    if ready or (timeout is not None and timeout <= 0 and (timeout := scheduler.zero_wait(0)) <= 0):
        _note_progress(scheduler, self)
        return ready
    descriptors = (self.fileno(),) if hasattr(self, "fileno") else tuple(self.get_map())
    what = "an event of the event loop" if timeout is None else f"the event loop's next timer, in {timeout:.6f} seconds"
    __tracebackhide__ = True
    _seen.add(self)
    wait = scheduler.make_wait(what, timeout, descriptors, lambda: _has_foreign(self))
    try:
        outcome = scheduler.wait(wait)
    except VirtualTimeError as error:
        error.add_note(_tasks())
        raise
    if outcome is Outcome.DUE:
        return []  # time moves only when no descriptor is readable
    _note_progress(scheduler, self)
    return select(self, wait.left(scheduler.elapsed) if outcome is Outcome.OVER else 0)


def _note_progress(scheduler: Scheduler, selector: Any) -> None:
    if scheduler.is_suspect and _has_foreign(selector):  # what answers in real time may be what the client works with
        scheduler.steps += 1


def _tasks() -> str:
    lines = []
    for task in asyncio.all_tasks():
        stack = task.get_stack(limit=1)
        place = f", at {stack[-1].f_code.co_filename}:{stack[-1].f_lineno}" if stack else ""
        lines.append(f"  {task.get_name()}{place}")
    return "\n".join(["The tasks of the event loop:", *sorted(lines)])


def _has_foreign(selector: Any) -> bool:
    """Return whether a peer other than a double or a loop of the client may write to a descriptor."""
    state = tuple(selector.get_map().values()), activity.addresses()
    if _familiar.get(selector) == state:
        return False
    if not _foreign_peers(selector.get_map()):
        _familiar[selector] = state
        return False
    return has_foreign_peer(selector.get_map())


def has_foreign_peer(descriptors: Iterable[int]) -> bool:
    """Return whether the peer of a descriptor is neither a double nor a socket in a loop of the client."""
    descriptors = list(descriptors)
    loops = [descriptors, *(each.get_map() or () for each in list(_seen))]
    own = {_address(descriptor, socket.socket.getsockname) for loop in loops for descriptor in loop}
    return bool(_foreign_peers(descriptors) - (own - {_UNKNOWN_PEER}))


def _foreign_peers(descriptors: Iterable[int]) -> set[tuple[str, int]]:
    peers = {_address(descriptor, socket.socket.getpeername) for descriptor in descriptors}
    return peers - activity.addresses() - {_NO_PEER}


_seen: Final[WeakSet[Any]] = WeakSet()
"""The selectors of event loops of the client."""
_familiar: Final[WeakKeyDictionary[Any, tuple[tuple[Any, ...], set[tuple[str, int]]]]] = WeakKeyDictionary()
"""Selectors that lead to doubles alone, with the state for which that was found: the check is slow."""
_NO_PEER: Final = ("", 0)
"""The peer of a socket that listens, or that is one end of a pair within this process."""
_UNKNOWN_PEER: Final = ("*", 0)
"""The peer of a pipe, perhaps to another process, and of a socket that is about to be connected."""


def _address(descriptor: int, read: Callable[[socket.socket], Any]) -> tuple[str, int]:
    """Return the address of a socket's peer, or its own, as `read` gives it."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return _UNKNOWN_PEER
    try:
        address = read(sock)
    except OSError:
        return _NO_PEER if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else _UNKNOWN_PEER
    finally:
        sock.detach()
    return address[:2] if isinstance(address, tuple) else _NO_PEER
