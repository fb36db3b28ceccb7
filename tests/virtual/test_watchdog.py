"""What makes no progress ends with an error that says so; what only takes long, or runs on a slow machine, does not."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import queue
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from pytest_ycimages import AfterPolls, Double, Never, UsageError, VirtualTime, VirtualTimeError
from pytest_ycimages.virtual.diagnosis import expression, primitive_of
from pytest_ycimages.virtual.idle import IdleDetector
from pytest_ycimages.virtual.scheduler import Scheduler
from pytest_ycimages.virtual.wait import GivenUp
from pytest_ycimages.virtual.watchdog import Watchdog, _is_inside
from tests.virtual.calling import HEADERS, create

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE: Final = 0.1
"""Real seconds, a twentieth of the default."""
_on_linux: Final = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not name the system call")


def _processor(seconds: float) -> None:
    """Use the processor for some seconds, however long that takes."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        hashlib.sha256(b"x" * 10_000).digest()


# What the error says.


def test_a_lock_is_named_with_its_place_and_what_to_use_instead() -> None:
    """The whole text."""
    lock = threading.Lock()
    lock.acquire()
    with VirtualTime(patience=PATIENCE), pytest.raises(VirtualTimeError) as failure:
        lock.acquire()
    line = failure.traceback[0].lineno + 1
    kernel = " (system call futex)" if sys.platform == "linux" else ""
    advice = "Use threading.Condition, Event, Semaphore, Barrier or a queue instead of a bare lock"
    assert str(failure.value) == (
        "The client waits in a way that virtual time cannot see, so time stands still:\n"
        f"  MainThread is in lock.acquire(){kernel}, at {__file__}:{line}\n"
        f"Nothing has happened for 0.1 real seconds. {advice if kernel else 'Use a wait of the standard library'}; the "
        "reference on waits lists those that virtual time knows. A client that works or waits for something real for "
        "longer needs: ycimages_time.patience = 1."
    )


def test_every_thread_is_named() -> None:
    """Those that wait unseen, and those that wait for them. Each can still be helped."""
    lock = threading.Lock()
    lock.acquire()
    with VirtualTime(patience=PATIENCE):
        thread = threading.Thread(target=lambda: lock.acquire(), name="a worker")  # noqa: PLW0108 - so that it is a line
        thread.start()
        with pytest.raises(VirtualTimeError) as failure:
            thread.join()
        assert f"  a worker is in lock.acquire() (system call futex), at {__file__}:" in str(failure.value) or (
            sys.platform != "linux"
        )
        assert f"  MainThread waits for a worker to end, at {__file__}:" in str(failure.value)
        lock.release()
        thread.join()


def _spin(_: Double) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        pass


def _spin_on_a_flag(_: Double) -> None:
    done: list[int] = []

    def sleep() -> None:
        time.sleep(10)
        done.append(1)

    threading.Thread(target=sleep).start()
    while not done:
        pass


def _poll(double: Double, get: Callable[[str], Any]) -> None:
    while not get(f"/operations/{create(double)}").json()["done"]:
        id_ = create(double)
        while not get(f"/operations/{id_}").json()["done"]:
            pass


def _poll_over_a_socket(double: Double) -> None:
    with httpx.Client(base_url=double.url, headers=HEADERS) as client:
        _poll(double, client.get)


def _poll_in_process(double: Double) -> None:
    with httpx.Client(base_url="http://x", headers=HEADERS, transport=double.httpx_transport()) as client:
        _poll(double, client.get)


def _poll_in_a_task(double: Double) -> None:
    async def poll() -> None:
        async with httpx.AsyncClient(base_url=double.url, headers=HEADERS) as client:
            id_ = create(double)
            while not (await client.get(f"/operations/{id_}")).json()["done"]:
                pass

    asyncio.run(poll())


def _poll_on_another_thread(double: Double) -> None:
    def poll() -> None:
        with suppress(httpx.HTTPError):  # once the double is closed
            _poll_over_a_socket(double)

    thread = threading.Thread(target=poll, name="a poller", daemon=True)
    thread.start()
    thread.join()


def _sleep_for_next_to_nothing(double: Double) -> None:
    with httpx.Client(base_url="http://x", headers=HEADERS, transport=double.httpx_transport()) as client:
        id_ = create(double)
        while not client.get(f"/operations/{id_}").json()["done"]:
            time.sleep(1e-6)


@pytest.mark.parametrize(
    ("client", "deed"),
    [
        (_spin, "has read the clock"),
        (_spin_on_a_flag, "has gone round one loop"),
        (_poll_over_a_socket, "calls that repeat earlier ones, most often GET /operations/"),
        (_poll_in_process, "calls that repeat earlier ones, most often GET /operations/"),
        (_poll_in_a_task, "calls that repeat earlier ones, most often GET /operations/"),
        (_poll_on_another_thread, "calls that repeat earlier ones, most often GET /operations/"),
        (_sleep_for_next_to_nothing, "calls that repeat earlier ones, most often GET /operations/"),
    ],
)
def test_a_client_that_never_waits_is_told_so(client: Callable[[Double], None], deed: str) -> None:
    """In the thread of the test, with what it did instead and with what makes time pass."""
    with VirtualTime(patience=PATIENCE) as virtual_time, Double(timing=Never()) as double:
        with pytest.raises(VirtualTimeError, match=deed) as failure:
            client(double)
        assert "does not wait" in str(failure.value)
        assert "time.sleep, asyncio.sleep, threading.Event.wait" in str(failure.value)
        assert virtual_time.elapsed < 1
        if client is not _poll_on_another_thread:  # which goes on, so that no time can pass
            time.sleep(100)  # all goes on as ever
            assert virtual_time.elapsed >= 100


@pytest.mark.costly
def test_a_client_that_catches_everything_ends_all_the_same() -> None:
    """The fourth time it is no `Exception` any more."""
    caught = []

    def stubborn() -> None:
        while True:
            try:
                _spin_for_ever()
            except Exception as error:  # noqa: BLE001 - as such clients do
                caught.append(error)

    with VirtualTime(patience=PATIENCE), pytest.raises(GivenUp, match="has read the clock"):
        stubborn()
    assert [type(each) for each in caught] == [VirtualTimeError] * 3


def _spin_for_ever() -> None:
    while time.monotonic() > 0:
        pass


def test_on_another_thread_the_error_comes_when_the_thread_runs() -> None:
    """A signal reaches the main thread alone."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            with VirtualTime(patience=PATIENCE):
                _spin_for_ever()
        except VirtualTimeError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "has read the clock" in str(raised[0])


# What takes long, and is no client without progress.


@pytest.mark.costly
def test_a_client_that_computes_is_left_alone() -> None:
    """Though another thread waits for a moment that cannot come before, and no variable changes."""
    with VirtualTime(patience=PATIENCE / 2) as virtual_time:
        thread = threading.Thread(target=time.sleep, args=(10,))
        thread.start()
        _processor(PATIENCE * 3)
        thread.join()
        assert virtual_time.elapsed == 10


@pytest.mark.costly
def test_a_client_that_makes_many_things_is_left_alone() -> None:
    """New calls are progress, and so are answers that end something."""
    with VirtualTime(patience=PATIENCE / 2), Double(timing=AfterPolls(1)) as double:
        transport = httpx.WSGITransport(app=double.app)
        with httpx.Client(base_url="http://double", headers=HEADERS, transport=transport) as client:
            until = time.process_time() + PATIENCE * 3
            while time.process_time() < until:
                client.get(f"/operations/{create(double)}")


@pytest.mark.costly
def test_threads_that_work_together_are_left_alone() -> None:
    """Each wait that another thread ends is progress."""
    with VirtualTime(patience=PATIENCE / 2):
        tasks, results = queue.Queue[float](), queue.Queue[float]()

        def work() -> None:
            while (task := tasks.get()) > 0:
                results.put(task)

        thread = threading.Thread(target=work)
        thread.start()
        until = time.process_time() + PATIENCE * 3
        while time.process_time() < until:
            tasks.put(1)
            results.get()
        tasks.put(0)
        thread.join()


@pytest.mark.parametrize("seconds", [3600, 0.05])
def test_what_the_watchdog_counts_on_a_machine_that_stands_still(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late it looks, it counts no more than two intervals, and no loop without processor time is busy."""
    idle = IdleDetector(lambda: 0.0, PATIENCE)
    scheduler = Scheduler(lambda _: None, 100, idle, lambda _: False)
    scheduler.enter(threading.current_thread())
    reads = Counter({threading.get_ident(): 10**6})
    watchdog = Watchdog(scheduler, idle, reads, lambda: 0.0)
    monkeypatch.setattr(watchdog, "_interrupt", lambda: None)  # this thread looks at itself
    watchdog._look(0, 0)  # noqa: SLF001 - it sees the thread that has entered
    reads[threading.get_ident()] = 10**6
    for _ in range(20):
        watchdog._look(min(seconds, 2 * idle.interval), 0.0)  # noqa: SLF001 - as its own thread does
    assert scheduler.error is None
    for _ in range(20):
        watchdog._look(min(seconds, 2 * idle.interval), 0.01)  # noqa: SLF001 - as its own thread does
    assert scheduler.error is not None


def test_no_error_is_raised_where_it_would_be_ignored() -> None:
    """In a callback of the garbage collector; in the test that it interrupts it would not be ignored."""
    inside = []

    def callback(_phase: str, _info: dict[str, int]) -> None:
        inside.append(_is_inside(sys._getframe()))  # noqa: SLF001 - documented, in spite of its name

    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)
    assert set(inside) == {True}
    assert not _is_inside(sys._getframe())  # noqa: SLF001 - as above


@_on_linux
def test_the_kernel_says_what_a_thread_does() -> None:
    """The names of system calls, which tell a wait from a lack of processors."""
    lock = threading.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    seen: set[str] = set()
    while "futex" not in seen:
        seen.add(primitive_of(thread))
    lock.release()
    thread.join()

    def spin() -> None:
        while "running" not in seen:
            pass

    spinning = threading.Thread(target=spin)
    spinning.start()
    while "running" not in seen:
        seen.add(primitive_of(spinning))
    spinning.join()
    assert not primitive_of(thread)


def test_an_expression_is_found_in_its_line() -> None:
    """Also over several lines, and none without a source."""
    frames: list[str] = []

    def note(*_: object) -> None:
        frames.append(expression(sys._getframe(1)))  # noqa: SLF001 - what the function is for

    note(1, note)
    note(
        1,
        2,
    )
    exec("note()", {"note": note})  # noqa: S102 - code without a source
    assert frames == ["note(1, note)", "note( 1, 2, )", ""]


# How it is set, and what is left of it.


@pytest.mark.parametrize("patience", [0, -1, "2", None])
def test_patience_is_a_number_of_seconds(patience: Any) -> None:
    """More than none."""
    said = f"invalid patience {patience!r}: expected a positive number of seconds"
    virtual_time = VirtualTime()
    assert virtual_time.patience == 2
    with pytest.raises(UsageError, match=said):
        virtual_time.patience = patience
    if patience is not None:
        with pytest.raises(UsageError, match=said):
            VirtualTime(patience=patience)
    virtual_time.patience = 20
    assert virtual_time.patience == 20


def test_a_handler_of_the_test_comes_back() -> None:
    """The signal that ends waits is anybody's outside of virtual time."""
    before = signal.signal(signal.SIGURG, signal.SIG_IGN)
    try:
        with VirtualTime():
            assert signal.getsignal(signal.SIGURG) is not signal.SIG_IGN
        assert signal.getsignal(signal.SIGURG) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGURG, before)


def test_an_error_of_the_watchdog_reaches_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not hang, although nothing watches."""

    def fail(*_: object) -> None:
        raise LookupError("a defect")

    with VirtualTime(patience=PATIENCE):
        monkeypatch.setattr(Scheduler, "sample", fail)
        with pytest.raises(LookupError, match="a defect"):
            threading.Event().wait()
        monkeypatch.undo()
