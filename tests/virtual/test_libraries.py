"""trio in virtual time, by itself and beneath anyio; uvloop and gevent refused; nothing of it left behind."""

from __future__ import annotations

import asyncio
import gc
import queue
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from pytest_ycimages import Double, Never, VirtualTime, VirtualTimeError
from pytest_ycimages.virtual.patch_libraries import _descriptors
from tests.virtual.calling import HEADERS, create

if TYPE_CHECKING:
    from collections.abc import Callable

trio: Final = pytest.importorskip("trio")
PATIENCE: Final = 0.1


async def _poll(double: Double, sleep: Callable[[float], Any], seconds: float) -> None:
    async with httpx.AsyncClient(base_url=double.url, headers=HEADERS) as client:
        path = f"/operations/{create(double)}"
        gives_up_at = time.monotonic() + seconds
        while not (await client.get(path)).json()["done"]:
            if time.monotonic() >= gives_up_at:
                raise TimeoutError
            await sleep(1)


@pytest.mark.costly
@pytest.mark.parametrize("run", [trio.run, lambda *arguments: anyio.run(*arguments, backend="trio")])
def test_a_client_on_trio_polls_in_virtual_time(
    ycimages_time: VirtualTime, ycimages: Double, run: Callable[..., object]
) -> None:
    """The operation ends, or the client gives up, at the exact moment."""
    ycimages.timing = 30
    run(_poll, ycimages, anyio.sleep, 60)
    assert ycimages_time.elapsed == 30
    ycimages.timing = Never()
    with pytest.raises(TimeoutError):
        run(_poll, ycimages, anyio.sleep, 60)
    assert ycimages_time.elapsed == 90


def test_a_late_answer_is_awaited_and_a_deadline_kept(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """The wait for a socket has no deadline of trio's, or an earlier one."""
    ycimages.latency = 20

    async def ask(seconds: float) -> int:
        async with httpx.AsyncClient(base_url=ycimages.url, headers=HEADERS, timeout=None) as client:  # noqa: S113 - trio's counts
            with trio.fail_after(seconds):
                return (await client.get("/endpoints")).status_code

    assert trio.run(ask, 60) == 200
    assert ycimages_time.elapsed == 20
    with pytest.raises(trio.TooSlowError):
        trio.run(ask, 5)
    assert ycimages_time.elapsed == 25


def test_tasks_wake_in_their_order(ycimages_time: VirtualTime) -> None:
    """At their own moments, beside threads that wait, and `current_time` agrees with the clock."""
    woke: list[tuple[float, float]] = []

    async def sleep(seconds: float) -> None:
        began = trio.current_time()
        await trio.sleep(seconds)
        woke.append((ycimages_time.elapsed, trio.current_time() - began))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for seconds in (3, 1, 0.5, 2):
                nursery.start_soon(sleep, seconds)
            await trio.to_thread.run_sync(time.sleep, 2.5)
            assert ycimages_time.elapsed == 2.5
            await trio.testing.wait_all_tasks_blocked()
            assert ycimages_time.elapsed == 2.5

    trio.run(main)
    assert woke == [(0.5, 0.5), (1, 1), (2, 2), (3, 3)]


def test_a_clock_of_the_test_is_left_to_it(ycimages_time: VirtualTime) -> None:
    """Trio's own clock for tests jumps by itself."""
    trio.run(trio.sleep, 50, clock=trio.testing.MockClock(autojump_threshold=0))
    assert ycimages_time.elapsed == 0


def test_trio_that_waits_for_nothing_fails() -> None:
    """As any wait that nothing can end."""
    with VirtualTime(patience=PATIENCE), pytest.raises(VirtualTimeError, match="an event of trio's loop"):
        trio.run(trio.sleep_forever)


def test_trio_works_again_after_an_error_in_its_wait_for_files(
    ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog may raise there, where trio cleans up nothing."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # of tasks that are left behind
    kind: Any = sys.modules["trio._core._run"].TheIOManager
    original = kind.get_events

    def raising(*_: object) -> None:
        raise VirtualTimeError("the client does not wait")

    async def main() -> None:
        monkeypatch.setattr(kind, "get_events", raising)
        await trio.sleep(5)

    with pytest.raises(VirtualTimeError, match="the client does not wait"):
        trio.run(main)
    monkeypatch.setattr(kind, "get_events", original)
    gc.collect()
    trio.run(trio.sleep, 7)
    assert ycimages_time.elapsed in {7, 12}


def test_an_error_of_virtual_time_in_a_task_ends_the_loop(ycimages_time: VirtualTime) -> None:
    """As any error does: trio cleans up by itself."""

    async def main() -> None:
        time.sleep(2 * ycimages_time.horizon)  # noqa: ASYNC251 - a client may block

    with pytest.raises(VirtualTimeError, match=r"time\.sleep"):
        trio.run(main)
    trio.run(trio.sleep, 7)
    assert ycimages_time.elapsed == 7


def test_a_trio_without_a_known_way_to_wait_is_refused() -> None:
    """As on Windows: with what to use instead."""
    with pytest.raises(VirtualTimeError, match=r"does not run in virtual time on this system\. Use asyncio\."):
        _descriptors(SimpleNamespace(io_manager=object()))


LATE: Final = """
import sys, time
from pytest_ycimages import VirtualTime, VirtualTimeError

with VirtualTime(patience=0.5) as virtual_time:
    import anyio
    anyio.run(anyio.sleep, 100, backend="trio")
    assert "trio" in sys.modules
    assert virtual_time.elapsed == 100
    import trio
    trio.run(trio.sleep, 100)
    assert virtual_time.elapsed == 200
    from trio import run
    {refused}

async def echo():
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = listeners[0].socket.getsockname()
    async with trio.open_nursery() as nursery:
        async def serve(stream):
            await stream.send_all(await stream.receive_some(5))
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        stream = await trio.open_tcp_stream(*address[:2])
        await stream.send_all(b"hello")
        assert await stream.receive_some(5) == b"hello"
        await trio.to_thread.run_sync(time.sleep, 0.001)
        nursery.cancel_scope.cancel()

began = time.monotonic()
run(trio.sleep, 0.01)
trio.run(echo)
anyio.run(anyio.sleep, 0.001, backend="trio")
assert 0.01 < time.monotonic() - began < 60
for module in list(sys.modules.values()):
    for name, value in list(vars(module).items()) if type(module) is type(sys) else ():
        is_fake = getattr(value, "__module__", "") == "freezegun.api"
        assert not is_fake or module.__name__.startswith(("freezegun", "pytest_ycimages")), (module, name)
assert type(trio.__spec__.loader).__module__ != "pytest_ycimages.virtual.patch_libraries"
assert not any("pytest_ycimages" in type(each).__module__ for each in sys.meta_path)
with VirtualTime() as virtual_time:
    run(trio.sleep, 5)
    trio.run(echo)
    assert 5 <= virtual_time.elapsed < 6
"""


@pytest.mark.costly
def test_what_is_loaded_in_virtual_time_works_in_it_and_afterwards() -> None:
    """Anyio loads trio when it is first used. All of it works for real then, and in the next virtual time."""
    refused = "\n    ".join(
        f"try:\n        {code}\n        raise AssertionError\n    except VirtualTimeError as error:\n"
        f"        assert {word!r} in str(error)"
        for word, code in (
            ("uvloop", "import uvloop; uvloop.Loop().run_forever()"),
            ("gevent", "import gevent; gevent.sleep(1)"),
        )
    )
    code = [sys.executable, "-W", "error::RuntimeWarning", "-c", LATE.format(refused=refused)]
    result = subprocess.run(code, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("how", ["run", "nothing", "runner", "policy", "loop"])
def test_uvloop_is_refused_when_it_starts(ycimages_time: VirtualTime, how: str) -> None:
    """At once, with no coroutine left unawaited, and with what to do; another thread may use it."""
    uvloop = pytest.importorskip("uvloop")

    def run() -> None:
        if how == "run":
            uvloop.run(asyncio.sleep(1))
        elif how == "nothing":
            uvloop.run(None)
        elif how == "runner":
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(asyncio.sleep(1))
        elif how == "loop":
            loop = uvloop.new_event_loop()
            try:
                loop.run_until_complete(asyncio.sleep(1))
            finally:
                loop.close()
        else:
            asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
            try:
                asyncio.run(asyncio.sleep(1))
            finally:
                asyncio.set_event_loop_policy(None)

    with pytest.raises(VirtualTimeError, match=r"^uvloop does not run in virtual time: .*asyncio\.run\("):
        run()
    asyncio.run(asyncio.sleep(10))
    assert ycimages_time.elapsed == 10


def test_a_thread_of_real_time_may_use_uvloop() -> None:
    """It is older than virtual time."""
    uvloop = pytest.importorskip("uvloop")
    go, ended = queue.SimpleQueue[int](), threading.Event()

    def run() -> None:
        go.get()
        uvloop.run(asyncio.sleep(0.001))
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    with VirtualTime():
        go.put(1)
        ended.wait()
    thread.join()


def test_gevent_is_refused_when_it_waits(ycimages_time: VirtualTime) -> None:
    """At once, and works afterwards."""
    gevent = pytest.importorskip("gevent")
    with pytest.raises(VirtualTimeError, match=r"^gevent does not run in virtual time: "):
        gevent.sleep(1)
    assert ycimages_time.elapsed == 0


def test_gevent_works_afterwards() -> None:
    """With its own clock."""
    gevent = pytest.importorskip("gevent")
    with VirtualTime(), pytest.raises(VirtualTimeError):
        gevent.sleep(1)
    before = time.monotonic()
    gevent.sleep(0.002)
    assert time.monotonic() - before >= 0.001
