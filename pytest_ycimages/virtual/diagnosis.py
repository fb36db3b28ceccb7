"""Diagnosis of threads: where in the client's code each is, what it waits for, and the texts of errors about that.

A thread that waits unseen by virtual time blocks in a system call. On Linux the kernel names that call, which tells a
lock from a process or a peer that answers in real time.
"""

from __future__ import annotations

import dis
import linecache
import os
import platform
import re
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.virtual.idle import current_frames
from pytest_ycimages.virtual.patch_threads import real_sleep

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import CodeType, FrameType

    from pytest_ycimages.virtual.wait import Wait

_NOT_THE_CLIENT: Final = (
    *(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "purelib", "platlib")),
    str(Path(__file__).parents[1]),
    "<",
)
"""Prefixes of files that never count as the place where a client waits."""
_LONGEST: Final = 80

_NUMBERS: Final[Mapping[str, Mapping[int, str]]] = {
    "x86_64": {
        0: "read", 1: "write", 7: "poll", 17: "pread64", 19: "readv", 20: "writev", 23: "select", 34: "pause",
        35: "nanosleep", 42: "connect", 43: "accept", 44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg",
        61: "wait4", 72: "fcntl", 73: "flock", 74: "fsync", 128: "rt_sigtimedwait", 130: "rt_sigsuspend",
        202: "futex", 230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid", 257: "openat", 270: "pselect6",
        271: "ppoll", 281: "epoll_pwait", 288: "accept4", 299: "recvmmsg", 441: "epoll_pwait2",
    },
    "aarch64": {
        22: "epoll_pwait", 25: "fcntl", 32: "flock", 56: "openat", 63: "read", 64: "write", 65: "readv", 66: "writev",
        67: "pread64", 72: "pselect6", 73: "ppoll", 82: "fsync", 95: "waitid", 98: "futex", 101: "nanosleep",
        115: "clock_nanosleep", 133: "rt_sigsuspend", 137: "rt_sigtimedwait", 202: "accept", 203: "connect",
        206: "sendto", 207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 242: "accept4", 243: "recvmmsg", 260: "wait4",
        441: "epoll_pwait2",
    },
}  # fmt: skip
"""The numbers of the system calls that block, by machine. Source: the syscall tables of Linux."""
_REAL: Final = frozenset({
    "accept", "accept4", "connect", "fcntl", "flock", "fsync", "openat", "pread64", "read", "readv", "recvfrom",
    "recvmmsg", "recvmsg", "sendmsg", "sendto", "wait4", "waitid", "write", "writev",
})  # fmt: skip
"""System calls that something outside of the process ends: a peer, a process, a file."""
_REAL_WORDS: Final = re.compile(r"\b(?:read\w*|recv\w*|accept|connect|waitpid|wait[34]|waitid)\(|^for ")
"""The same in source text, for systems that do not name the call."""
_REAL_MODULES: Final = frozenset({"bdb", "cmd", "code", "pdb", "socket", "ssl"})
"""Modules of the standard library whose waits end outside of the process: sockets, and people who debug."""
_REAL_FUNCTIONS: Final = frozenset({"_connect", "receive_virtually"})
"""Functions of this package that wait for a peer other than a double."""

_ADVICE: Final[Mapping[str, str]] = {
    "futex": "Use threading.Condition, Event, Semaphore, Barrier or a queue instead of a bare lock",
    "nanosleep": "Use time.sleep or asyncio.sleep",
    "clock_nanosleep": "Use time.sleep or asyncio.sleep",
    "pause": "Use threading.Event.wait",
    "rt_sigsuspend": "Use threading.Event.wait",
    "rt_sigtimedwait": "Use threading.Event.wait",
}
_ADVICE_ON_DESCRIPTORS: Final = "Use the event loop of asyncio or trio, or a socket with a time limit"
PATIENCE: Final = "A client that works or waits for something real for longer needs: ycimages_time.patience = {:g}."


class Blocked(NamedTuple):
    """A thread that waits unseen.

    Attributes:
        thread: the thread.
        call: the expression in its code that blocks, such as `lock.acquire()`.
        place: where that is, as `, at file:line`.
        primitive: the system call in which it blocks; empty where the system does not tell.
    """

    thread: threading.Thread
    call: str
    place: str
    primitive: str

    def __str__(self) -> str:
        """Return it as a line of an error."""
        kernel = f" (system call {self.primitive})" if self.primitive else ""
        return f"  {self.thread.name} is in {self.call or 'compiled code'}{kernel}{self.place}"


def primitive_of(thread: threading.Thread) -> str:
    """Return the system call in which a thread blocks, `running` if it runs or could, or an empty string."""
    try:
        text = Path(f"/proc/self/task/{thread.native_id}/syscall").read_text(encoding="ascii")
    except OSError:
        return ""
    number = text.split()[0]
    if not number.isdecimal():
        return "running"
    return _NUMBERS.get(platform.machine(), {}).get(int(number), f"number {number}")


def blocked(thread: threading.Thread, frame: FrameType | None) -> Blocked:
    """Return what a thread that waits unseen is in."""
    own = _own_frame(frame) or frame
    return Blocked(thread, expression(own) if own is not None else "", _place(own), primitive_of(thread))


def is_real_wait(frame: FrameType | None, primitive: str, is_real: Callable[[str], bool]) -> bool:
    """Return whether something outside of the process ends the wait of a thread: a process, a peer, a person."""
    if primitive in _REAL or (not primitive and frame is not None and _REAL_WORDS.search(expression(frame))):
        return True
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        package = name.partition(".")[0]
        if package in _REAL_MODULES or frame.f_code.co_name in _REAL_FUNCTIONS or is_real(name):
            return True
        if package not in sys.stdlib_module_names and package != "pytest_ycimages":
            return False
        frame = frame.f_back
    return False


def expression(frame: FrameType) -> str:
    """Return the source text of the expression that a frame evaluates, shortened; empty without a source."""
    place = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None, None, None, None))
    first, last, start, end = place
    if first is None or last is None or start is None or end is None:
        return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()[:_LONGEST]
    lines = [linecache.getline(frame.f_code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    text = b" ".join(line.strip() for line in lines).decode(errors="replace")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _own_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the client's own code."""
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_THE_CLIENT):
        frame = frame.f_back
    return frame


def _place(frame: FrameType | None) -> str:
    return f", at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


def waits_text(waits: Iterable[Wait], frames: Mapping[int, FrameType]) -> list[str]:
    """Return a line for each wait of the client: which thread waits, for what, and where."""
    return [
        f"  {thread.name} waits for {wait.what}{_place(_own_frame(frames.get(thread.ident or 0)))}"
        for wait in waits
        if (thread := wait.thread) is not None
    ]


def dead_text(waits: list[str]) -> str:
    """Return the error for waits that nothing can end."""
    advice = (
        "The client has no running thread, the doubles have no answer to send, and the waits have no time limit. Give "
        "the wait a time limit, or start the thread that should end it after `ycimages_time` has begun: older threads "
        "keep real time."
    )
    return "\n".join(["Every thread waits, and nothing can end these waits:", *waits, advice])


def blocked_text(unseen: list[Blocked], waits: list[str], seconds: float) -> str:
    """Return the error for threads that wait in a way that virtual time does not see."""
    primitive = unseen[0].primitive
    is_polling = "poll" in primitive or "select" in primitive
    advice = _ADVICE.get(primitive, _ADVICE_ON_DESCRIPTORS if is_polling else "Use a wait of the standard library")
    head = "The client waits in a way that virtual time cannot see, so time stands still:"
    tail = (
        f"Nothing has happened for {seconds:g} real seconds. {advice}; the reference on waits lists those that virtual "
        f"time knows. {PATIENCE.format(10 * seconds)}"
    )
    return "\n".join([head, *map(str, unseen), *waits, tail])


def unanswered_text(waits: list[str], seconds: float) -> str:
    """Return the error for gRPC calls that have had no answer, and that no double holds back."""
    head = f"A gRPC call has had no answer for {seconds:g} real seconds, and no double holds it back:"
    tail = (
        "Time stands still while a call is on its way. The channel cannot connect, or its server is not a double. "
        f"Check the target, and `wait_for_ready`, which waits for a connection. {PATIENCE.format(10 * seconds)}"
    )
    return "\n".join([head, *waits, tail])


def busy_text(thread: threading.Thread, frame: FrameType | None, deed: str, seconds: float) -> str:
    """Return the error for a thread that polls or computes without ever waiting."""
    own = _own_frame(frame) or frame
    place = f"{_place(own)}: {expression(own)}" if own is not None else ""
    return (
        f"{thread.name} does not wait{place}\nIn {seconds:g} real seconds {deed}, and virtual time passes only while "
        "the client waits. Wait between two looks: time.sleep, asyncio.sleep, threading.Event.wait, or a library that "
        f"uses them. {PATIENCE.format(10 * seconds)}"
    )


_SAMPLES: Final = 12
_QUESTIONS: Final = frozenset({
    "all", "any", "bool", "cancelled", "done", "empty", "full", "is_alive", "is_set", "len", "locked", "qsize",
    "running",
})  # fmt: skip
"""Functions that ask for the state of something that another thread may change."""


def is_circling(thread: threading.Thread, *, surely: bool = True) -> bool:
    """Return whether a thread runs one loop in which nothing changes, as one does that waits for another thread.

    Args:
        thread: the thread.
        surely: leave out loops that call anything but a question, such as `is_set()`: they may compute.
    """
    stacks = list(_stacks(thread))
    loop = next((each for each in stacks[0] if all(any(each is one for one in stack) for stack in stacks)), None)
    if loop is None:
        return False
    lines, states = set(), []
    for _ in _stacks(thread):
        lines.add(loop.f_lineno)
        states.append({name: id(value) for name, value in loop.f_locals.items()})
    return all(state == states[0] for state in states) and not (surely and _works(loop.f_code, lines))


def _works(code: CodeType, lines: set[int]) -> bool:
    """Return whether some lines call anything but questions about the state of something."""
    loop = [each for each in dis.get_instructions(code) if each.positions and each.positions.lineno in lines]
    calls = sum(each.opname == "CALL" or each.opname.startswith("CALL_") for each in loop)
    return calls > sum(each.opname.startswith("LOAD_") and each.argval in _QUESTIONS for each in loop)


def _stacks(thread: threading.Thread) -> Iterator[list[FrameType]]:
    """Yield the stack of a thread, innermost frame first, several times."""
    for _ in range(_SAMPLES):
        real_sleep(0.001)
        frame = current_frames().get(thread.ident or 0)
        stack: list[FrameType] = []
        while frame is not None:
            stack.append(frame)
            frame = frame.f_back
        yield stack
