"""What virtual time refuses, and what it says of waits that cannot end: who waits, for what, where, and what to do."""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import UsageError, VirtualTime, VirtualTimeError

if TYPE_CHECKING:
    from collections.abc import Callable


def _waits_here() -> None:
    threading.Event().wait()


_LINE = _waits_here.__code__.co_firstlineno + 1


@pytest.mark.usefixtures("impatient")
def test_a_wait_that_nothing_can_end_fails(ycimages_time: VirtualTime) -> None:
    """The text is whole: who waits, for what, where in the client's own code, why nothing ends it, what to do."""
    time.sleep(5)
    with pytest.raises(VirtualTimeError) as failure:
        _waits_here()
    assert str(failure.value) == (
        "Every thread waits, and nothing can end these waits:\n"
        f"  MainThread waits for a condition to be notified, at {__file__}:{_LINE}\n"
        "The client has no running thread, the doubles have no answer to send, and the waits have no time limit. Give "
        "the wait a time limit, or start the thread that should end it after `ycimages_time` has begun: older threads "
        "keep real time."
    )
    assert ycimages_time.elapsed == 5
    time.sleep(5)
    assert ycimages_time.elapsed == 10


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("wait", "what"),
    [
        (lambda: queue.Queue[int]().get(), "a condition to be notified"),
        (lambda: queue.SimpleQueue().get(), "a queue to have something"),
        (lambda: threading.Semaphore(0).acquire(), "a condition to be notified"),
    ],
    ids=["queue", "simple queue", "semaphore"],
)
def test_every_wait_says_what_it_is_for(ycimages_time: VirtualTime, wait: Callable[[], Any], what: str) -> None:
    """Whatever nobody ends."""
    with pytest.raises(VirtualTimeError, match=f"MainThread waits for {what}, at "):
        wait()
    assert ycimages_time.elapsed == 0


@pytest.mark.usefixtures("impatient")
def test_all_threads_that_wait_are_named(ycimages_time: VirtualTime) -> None:
    """It is the main thread that fails; the other goes on waiting, and can still be helped."""
    event = threading.Event()
    thread = threading.Thread(target=event.wait, name="a worker")
    thread.start()
    with pytest.raises(VirtualTimeError) as failure:
        thread.join()
    text = str(failure.value)
    assert f"  a worker waits for a condition to be notified, at {__file__}" not in text  # it is in no code of the test
    assert "  a worker waits for a condition to be notified\n" in text
    assert f"  MainThread waits for a worker to end, at {__file__}:" in text
    event.set()
    thread.join()
    assert ycimages_time.elapsed == 0


@pytest.mark.usefixtures("impatient")
def test_tasks_of_an_event_loop_are_named(ycimages_time: VirtualTime) -> None:
    """Each with its line, as the loop itself says nothing of them."""

    async def wait() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        tasks = [asyncio.create_task(wait(), name=f"of number {number}") for number in range(2)]
        await asyncio.gather(*tasks)

    with pytest.raises(VirtualTimeError, match="MainThread waits for an event of the event loop, at ") as failure:
        asyncio.run(main())
    (note,) = failure.value.__notes__
    lines = note.splitlines()
    line = wait.__code__.co_firstlineno + 1
    assert lines[0] == "The tasks of the event loop:"
    assert lines[2:] == [f"  of number {number}, at {__file__}:{line}" for number in range(2)]
    assert f"at {__file__}:{main.__code__.co_firstlineno + 2}" in lines[1]
    assert ycimages_time.elapsed == 0


def test_a_thread_that_has_real_time_may_end_a_wait() -> None:
    """It is older than virtual time; for as long as nothing else happens, two real seconds are left to it."""
    event, go = threading.Event(), threading.Lock()

    def act() -> None:
        with go:
            event.set()

    go.acquire()
    thread = threading.Thread(target=act)
    thread.start()
    with VirtualTime() as virtual_time:
        go.release()
        event.wait()
        assert virtual_time.elapsed == 0
    thread.join()


@pytest.mark.parametrize(
    "wait",
    [
        lambda: time.sleep(101),
        lambda: threading.Event().wait(101),
        lambda: asyncio.run(asyncio.sleep(101)),
        lambda: queue.SimpleQueue().get(timeout=101),
    ],
    ids=["sleep", "event", "asyncio", "queue"],
)
def test_nobody_waits_beyond_the_horizon(ycimages_time: VirtualTime, wait: Callable[[], Any]) -> None:
    """A client that polls for ever fails in the end; what lies before the horizon does not."""
    ycimages_time.horizon = 100
    assert ycimages_time.horizon == 100
    time.sleep(99)
    with pytest.raises(VirtualTimeError) as failure:
        wait()
    assert ycimages_time.elapsed == 99
    assert str(failure.value).startswith("The client still waits after 100 virtual seconds: ")
    assert str(failure.value).endswith(
        "A wait without an end of its own would last for ever. Give the client a deadline, or raise the limit: "
        "ycimages_time.horizon = 1000."
    )
    ycimages_time.horizon = 1000
    time.sleep(100)
    assert ycimages_time.elapsed == 199


def test_a_client_without_an_end_fails_after_a_day(ycimages_time: VirtualTime) -> None:
    """Unless told otherwise."""

    def poll_for_ever() -> None:
        while True:
            time.sleep(3600)

    with pytest.raises(VirtualTimeError, match=r"after 86400 virtual seconds: time\.sleep\(3600\)"):
        poll_for_ever()
    assert ycimages_time.elapsed == 86400


def test_whoever_lets_time_pass_by_hand_moves_the_horizon(ycimages_time: VirtualTime) -> None:
    """A client has as much left afterwards as it had before."""
    ycimages_time.advance(30 * 86400)
    time.sleep(86400)
    with pytest.raises(VirtualTimeError):
        time.sleep(1)
    assert ycimages_time.elapsed == 31 * 86400


@pytest.mark.parametrize("seconds", [0, -1, math.nan, "1", None])
def test_a_horizon_is_a_number_of_seconds(ycimages_time: VirtualTime, seconds: Any) -> None:
    """More than none."""
    with pytest.raises(UsageError) as refusal:
        ycimages_time.horizon = seconds
    assert str(refusal.value) == f"invalid horizon {seconds!r}: expected a positive number of seconds, such as 86400."
    assert ycimages_time.horizon == 86400


@pytest.mark.parametrize("seconds", [-0.5, math.nan, math.inf])
def test_time_goes_neither_back_nor_to_the_end(ycimages_time: VirtualTime, seconds: float) -> None:
    """Nor is it moved by half of it."""
    with pytest.raises(UsageError, match=f"^Cannot advance the clock by {seconds} seconds: "):
        ycimages_time.advance(seconds)
    assert (ycimages_time.elapsed, ycimages_time.horizon) == (0, 86400)


def test_there_is_one_virtual_time(ycimages_time: VirtualTime) -> None:
    """For the whole process; the one that lasts is left alone."""
    other = VirtualTime()
    with pytest.raises(UsageError) as refusal, other:
        time.sleep(1)
    assert str(refusal.value) == (
        "Virtual time is in force already, and a process has only one. Use the fixture `ycimages_time` in the test, or "
        "one `with VirtualTime()`, but not both."
    )
    time.sleep(5)
    assert (ycimages_time.elapsed, other.elapsed) == (5, 0)


@pytest.mark.parametrize("start", ["2026-01-01", 5, object])
def test_it_begins_at_a_moment(start: Any) -> None:
    """Not at what could be one."""
    with pytest.raises(UsageError) as refusal:
        VirtualTime(start)
    assert str(refusal.value) == (
        f"invalid start {start!r}: expected a datetime, such as datetime(2026, 1, 1, tzinfo=UTC)."
    )


def test_what_cannot_be_slept_is_refused_as_ever(ycimages_time: VirtualTime) -> None:
    """By Python itself."""
    for seconds, error in ((-1, ValueError), (math.nan, ValueError), (math.inf, OverflowError)):
        with pytest.raises(error):
            time.sleep(seconds)
    with pytest.raises(TypeError):
        time.sleep("1")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        time.sleep()  # type: ignore[call-arg]
    assert ycimages_time.elapsed == 0


PRINTED = """
    import asyncio
    import threading
    import time

    def test_dead(ycimages_time):
        threading.Event().wait()

    def test_dead_in_a_coroutine(ycimages_time):
        asyncio.run(asyncio.Event().wait())

    def test_too_late(ycimages_time):
        while True:
            time.sleep(60)

    def test_late_answer(ycimages_time, ycimages):
        import http.client
        ycimages.latency = 10
        connection = http.client.HTTPConnection(ycimages.host, ycimages.port, timeout=5)
        try:
            connection.request("GET", "/endpoints")
            connection.getresponse()
        finally:
            connection.close()
"""


@pytest.mark.costly
@pytest.mark.usefixtures("impatient")
def test_pytest_shows_the_client_and_not_the_scheduler(project: pytest.Pytester) -> None:
    """Of our own code no line is to be seen in the tracebacks."""
    project.makepyfile(PRINTED)
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines([
        ">*threading.Event().wait()",
        "E*VirtualTimeError: Every thread waits, and nothing can end these waits:",
        "E*MainThread waits for a condition to be notified, at *test_pytest_shows*.py:6",
    ])  # fmt: skip
    result.stdout.fnmatch_lines([">*asyncio.run(asyncio.Event().wait())", "E*The tasks of the event loop:"])
    result.stdout.fnmatch_lines([">*time.sleep(60)", "E*VirtualTimeError: The client still waits after 86400*"])
    result.stdout.fnmatch_lines([">*connection.getresponse()", "E*TimeoutError: timed out"])
    result.stdout.no_fnmatch_line("*pytest_ycimages/virtual*")
