"""What is left when virtual time ends: threads, locks, queues and functions go on in real time, and lose nothing."""

from __future__ import annotations

import queue
import sys
import threading
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import UsageError, VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20.0
"""Real seconds after which a test that hangs fails."""


class LeftOver:
    """Something done on a thread that outlives virtual time."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self.answer: Any = None
        with VirtualTime():
            self.thread = threading.Thread(target=self._run, daemon=True)
            self.thread.start()
            time.sleep(1)  # until it waits

    def _run(self) -> None:
        self.answer = self._act()

    def result(self) -> Any:
        """What it answered in the end."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        return self.answer


@pytest.mark.parametrize("limit", [None, 100])
def test_an_event_still_wakes_who_waits_for_it(limit: float | None) -> None:
    """Somebody who began to wait in virtual time."""
    event = threading.Event()
    left_over = LeftOver(lambda: event.wait(limit))
    event.set()
    assert left_over.result() is True


def test_of_many_that_wait_as_many_are_notified_as_are_asked_for() -> None:
    """Each exactly once, in their order."""
    condition = threading.Condition()
    order: list[int] = []

    def wait(number: int) -> None:
        time.sleep(number)
        with condition:
            condition.wait()
            order.append(number)

    with VirtualTime():
        threads = [threading.Thread(target=wait, args=(number,), daemon=True) for number in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(10)
    for number in range(4):
        with condition:
            condition.notify()
        threads[number].join(PATIENCE)
        assert order == list(range(number + 1))


def test_a_limit_goes_on_in_real_time() -> None:
    """What is left of it is waited for."""
    left_over = LeftOver(lambda: threading.Event().wait(1.003))
    assert left_over.result() is False


def test_a_sleep_goes_on_in_real_time() -> None:
    """What is left of it is slept."""
    left_over = LeftOver(lambda: time.sleep(1.003))
    assert left_over.result() is None


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_timer_of_an_event_loop_goes_on_in_real_time(library: str) -> None:
    """What is left of it is waited for, though the clock of the machine shows another moment."""
    loops = pytest.importorskip(library)
    run = loops.run if library == "trio" else lambda sleep, seconds: loops.run(sleep(seconds))
    assert LeftOver(lambda: run(loops.sleep, 1.003)).result() is None


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_an_event_loop_is_still_woken(library: str) -> None:
    """By another thread, also while it has no timer."""
    loops, event = pytest.importorskip(library), threading.Event()
    acts = {
        "asyncio": lambda: loops.run(loops.to_thread(event.wait)),
        "trio": lambda: loops.run(loops.to_thread.run_sync, event.wait),
    }
    left_over = LeftOver(acts[library])
    event.set()
    assert left_over.result() is True


@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue"])
@pytest.mark.parametrize("limit", [None, 100])
def test_a_queue_still_hands_over_what_is_put(kind: str, limit: float | None) -> None:
    """To somebody who began to wait in virtual time, from somebody who did not."""
    with VirtualTime():
        numbers = getattr(queue, kind)()
    left_over = LeftOver(lambda: numbers.get(timeout=limit))
    numbers.put(7)
    assert left_over.result() == 7
    numbers.put_nowait(8)
    assert numbers.get() == 8
    with pytest.raises(queue.Empty):
        numbers.get(timeout=0.001)


def test_a_queue_of_an_earlier_virtual_time_serves_in_the_next() -> None:
    """Waiting at it is virtual again."""
    with VirtualTime():
        numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    with VirtualTime() as virtual_time:
        threading.Timer(5, numbers.put, (7,)).start()
        assert numbers.get(timeout=10) == 7
        assert virtual_time.elapsed == 5


def test_a_left_over_thread_can_be_joined_and_can_join() -> None:
    """By threads and by left-over threads."""
    event = threading.Event()
    inner = threading.Thread(target=event.wait, daemon=True)

    def act() -> bool:
        inner.start()
        inner.join()
        return inner.is_alive()

    left_over = LeftOver(act)
    assert left_over.thread.is_alive()
    event.set()
    assert left_over.result() is False


def test_a_join_with_a_limit_goes_on_in_real_time() -> None:
    """What is left of it is waited for, and no more."""
    event = threading.Event()
    inner = threading.Thread(target=event.wait, daemon=True)

    def act() -> bool:
        inner.start()
        inner.join(1.003)
        return inner.is_alive()

    left_over = LeftOver(act)
    assert left_over.result() is True
    event.set()


def test_threads_of_an_earlier_virtual_time_have_real_time_in_the_next() -> None:
    """They are no clients of that one."""
    go = threading.Event()

    def act() -> float:
        go.wait()
        return time.time()

    left_over = LeftOver(act)
    before = time.time()
    with VirtualTime() as virtual_time:
        go.set()
        left_over.thread.join(PATIENCE)
        assert virtual_time.elapsed == 0
    assert before <= left_over.result() <= time.time()


@pytest.fixture
def lazy() -> Iterator[ModuleType]:
    """A module that is imported in the middle of virtual time."""
    name = "lazily_imported_by_a_test"
    with VirtualTime():
        module = sys.modules[name] = ModuleType(name)
        exec(  # noqa: S102 - as importing does
            "import time\n"
            "from time import sleep, monotonic\n"
            "from queue import SimpleQueue\n"
            "def nap(sleep=time.sleep, clock=time.monotonic):\n"
            "    before = clock()\n"
            "    sleep(0.002)\n"
            "    return clock() - before\n"
            "class Napper:\n"
            "    sleep = time.sleep\n",
            vars(module),
        )
    yield module
    del sys.modules[name]


def test_what_a_module_took_in_virtual_time_serves_it_afterwards(lazy: Any) -> None:
    """In real time, and in the next virtual time as well."""
    before = time.monotonic()
    lazy.sleep(0.001)
    assert lazy.nap() >= 0.002
    lazy.Napper().sleep(0.001)
    assert time.monotonic() - before >= 0.004
    assert lazy.monotonic is time.monotonic
    with VirtualTime() as virtual_time:
        lazy.sleep(100)
        assert round(lazy.nap(), 6) == 0.002
        lazy.Napper().sleep(100)
        numbers = lazy.SimpleQueue()
        with pytest.raises(queue.Empty):
            numbers.get(timeout=100)
        assert virtual_time.elapsed == 300.002


def test_virtual_time_begins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual time that has ended cannot start again; the text says what to do."""
    virtual_time = VirtualTime()
    with virtual_time:
        time.sleep(5)
    with pytest.raises(UsageError) as refusal, virtual_time:
        monkeypatch.undo()
    assert str(refusal.value) == (
        "This virtual time has ended and cannot start again. Create another: `with VirtualTime():`."
    )
    assert virtual_time.elapsed == 5
