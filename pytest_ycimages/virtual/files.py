"""Waiting for sockets in virtual time: event loops, and clients that block until a double has answered."""

from __future__ import annotations

import asyncio
import selectors
import socket
import sys
import threading
from asyncio.base_events import BaseEventLoop
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet

from pytest_ycimages.errors import VirtualTimeError
from pytest_ycimages.server import activity
from pytest_ycimages.virtual.frozen import replace
from pytest_ycimages.virtual.scheduler import MICROSECOND
from pytest_ycimages.virtual.wait import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import ExitStack

    from pytest_ycimages.virtual.scheduler import Scheduler

_SELECTORS: Final = ("EpollSelector", "KqueueSelector", "DevpollSelector", "PollSelector", "SelectSelector")
_BLOCKING: Final = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into")


def patch_sockets(stack: ExitStack, scheduler: Scheduler) -> None:
    """Let a client's thread that waits for the answer of a double be known to `scheduler`, until `stack` unwinds."""
    for name in _BLOCKING:
        if hasattr(socket.socket, name):
            replace(stack, socket.socket, name, _waiting(scheduler, getattr(socket.socket, name)))
    replace(stack, socket.socket, "connect", _connecting(scheduler, socket.socket.connect))


def _connecting(scheduler: Scheduler, connect: Callable[..., None]) -> Callable[..., None]:
    """`connect`, which tells of each connection of the client's that was refused."""

    def connect_and_tell(sock: socket.socket, address: Any) -> None:
        try:
            connect(sock, address)
        except ConnectionRefusedError:
            if scheduler.on_refusal is not None and threading.get_ident() in scheduler.threads:
                scheduler.on_refusal()
            raise

    return connect_and_tell


def _waiting(scheduler: Scheduler, receive: Callable[..., Any]) -> Callable[..., Any]:
    """A method that receives, once there is something to receive; its time limit counts in virtual time."""

    def receive_virtually(sock: socket.socket, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        ident = threading.get_ident()
        is_known = ident in scheduler.threads or ident in activity.serving  # a double may pass calls on to another
        if is_known and sock.gettimeout() != 0 and _leads_to_a_double(sock):
            _wait_for_answer(scheduler, sock)
        return receive(sock, *args, **kwargs)

    return receive_virtually


def _wait_for_answer(scheduler: Scheduler, sock: socket.socket) -> None:
    __tracebackhide__ = True
    descriptor, timeout = sock.fileno(), sock.gettimeout()
    if activity.readable([descriptor]):
        return
    limit = "" if timeout is None else f", {timeout} seconds at most"
    wait = scheduler.make_wait(f"the answer of a double{limit}", timeout, (descriptor,))
    if scheduler.wait(wait) is Outcome.DUE:
        raise TimeoutError("timed out")


def _leads_to_a_double(sock: socket.socket) -> bool:
    try:
        peer = sock.getpeername()
    except OSError:
        return False
    return peer[:2] in activity.addresses()


def patch_loops(stack: ExitStack, scheduler: Scheduler, monotonic: Callable[[], float]) -> None:
    """Let event loops wait for their timers in virtual time, as `monotonic` tells it, until `stack` unwinds."""

    def tell(self: Any) -> float:
        self._clock_resolution = 1 / MICROSECOND  # a timer is due at its very moment, which floats can miss
        return monotonic()

    replace(stack, BaseEventLoop, "time", tell)
    seen: WeakSet[Any] = WeakSet()
    for name in _SELECTORS:
        kind = getattr(selectors, name, None)
        if kind is not None:
            replace(stack, kind, "select", _selecting(scheduler, kind.select, seen))


def _selecting(scheduler: Scheduler, select: Callable[..., Any], seen: WeakSet[Any]) -> Callable[..., Any]:
    """A selector's `select` that waits in virtual time when it is an event loop that waits; `seen` are all such."""

    def select_virtually(self: Any, timeout: float | None = None) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001 - only loops wait for timers so
        if caller != "asyncio.base_events" or threading.get_ident() not in scheduler.threads:
            return select(self, timeout)
        ready = select(self, 0)
        if ready or (timeout is not None and timeout <= 0 and (timeout := scheduler.looked(0)) <= 0):
            return ready
        descriptors = (self.fileno(),) if hasattr(self, "fileno") else tuple(self.get_map())
        what = (
            "an event of the event loop"
            if timeout is None
            else f"the event loop's next timer, in {timeout:.6f} seconds"
        )
        __tracebackhide__ = True
        if self not in seen:
            seen.add(self)
        wait = scheduler.make_wait(what, timeout, descriptors, lambda: _has_foreign(self, seen))
        try:
            outcome = scheduler.wait(wait)
        except VirtualTimeError as error:
            error.add_note(_tasks())
            raise
        if outcome is Outcome.DUE:
            return []  # time moves only when there is nothing to read
        return select(self, scheduler.left(wait) if outcome is Outcome.OVER else 0)

    return select_virtually


def _tasks() -> str:
    """What the tasks of the running loop wait for, each with its innermost line."""
    lines = []
    for task in asyncio.all_tasks():
        stack = task.get_stack(limit=1)
        place = f", at {stack[-1].f_code.co_filename}:{stack[-1].f_lineno}" if stack else ""
        lines.append(f"  {task.get_name()}{place}")
    return "\n".join(["The tasks of the event loop:", *sorted(lines)])


def _has_foreign(selector: Any, seen: Iterable[Any]) -> bool:
    """Whether somebody else than a double or an event loop of the client's may write to one of the files."""
    looked_at = tuple(selector.get_map().values()), activity.addresses()
    if _familiar.get(selector) == looked_at:
        return False
    peers = {_peer(descriptor) for descriptor in selector.get_map()} - activity.addresses() - {_NOBODY}
    if not peers:
        _familiar[selector] = looked_at
        return False
    return bool(peers - {_address(descriptor) for each in list(seen) for descriptor in each.get_map() or ()})


_familiar: Final[WeakKeyDictionary[Any, tuple[tuple[Any, ...], set[tuple[str, int]]]]] = WeakKeyDictionary()
"""Selectors whose files lead to doubles alone, as they and the doubles were: looking takes long, and little changes."""
_NOBODY: Final = ("", 0)
"""The peer of a socket that listens, or that is one end of a pair within this process."""
_ANYBODY: Final = ("*", 0)
"""The peer of a pipe, perhaps to another process, and of a socket that is about to be connected."""


def _peer(descriptor: int) -> tuple[str, int]:
    """Who may write to a file."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return _ANYBODY
    try:
        peer = sock.getpeername()
    except OSError:
        return _NOBODY if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else _ANYBODY
    finally:
        sock.detach()
    return peer[:2] if isinstance(peer, tuple) else _NOBODY


def _address(descriptor: int) -> tuple[str, int]:
    """Where a socket is that is connected; what is none is nowhere."""
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        return _NOBODY
    try:
        name = sock.getsockname()
    finally:
        sock.detach()
    return name[:2] if isinstance(name, tuple) else _NOBODY
