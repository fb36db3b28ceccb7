"""Every way to wait that the reference lists, and what becomes of it in virtual time.

`python -m tests.virtual.waits` writes the table of `docs/reference/waits.md` anew; `test_waits` tries each row.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ctypes
import importlib
import multiprocessing
import os
import queue
import sched
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import aiohttp
import anyio
import backoff
import httpx
import requests
import stamina
import tenacity
import urllib3

from pytest_ycimages import Double, Never, refuse
from tests.virtual.calling import HEADERS, create

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "waits.md"
SECONDS: Final = 100
"""How long a wait takes that takes no real time, or would take if it were not refused."""
REAL_SECONDS: Final = 0.3
"""How long a wait takes that takes real time."""
_OPERATIONS: Final = "yandex.cloud.operation.OperationService"
_EXTENSIONS: Final = {"trio", "uvloop", "gevent"}

Becomes = Literal["virtual", "real", "refused"]


class Wait(NamedTuple):
    """A way to wait.

    Attributes:
        name: what the table calls it.
        becomes: what becomes of it in virtual time.
        run: waits, for `SECONDS` or, if that takes real time, for `REAL_SECONDS`.
    """

    name: str
    becomes: Becomes
    run: Callable[[], object]


WAITS: Final[list[Wait]] = []
"""The rows of the table."""


def _row(name: str, becomes: Becomes, *needs: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Add a way to wait; `needs` are attributes that not every system has, such as `select.epoll`."""

    def add(run: Callable[[], object]) -> Callable[[], object]:
        if all(hasattr(importlib.import_module(module), word) for module, _, word in (x.partition(".") for x in needs)):
            WAITS.append(Wait(name, becomes, run))
        return run

    return add


def _after(work: Callable[[], object]) -> threading.Thread:
    """Start a thread that sleeps, then works."""

    def run() -> None:
        time.sleep(SECONDS)
        work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


# The standard library: threads.

_row("`time.sleep`", "virtual")(lambda: time.sleep(SECONDS))
_row("`threading.Event.wait`", "virtual")(lambda: threading.Event().wait(SECONDS))


@_row("`threading.Condition.wait`, `wait_for`", "virtual")
def _condition() -> None:
    condition = threading.Condition()
    with condition:
        condition.wait(SECONDS / 2)
        condition.wait_for(lambda: False, SECONDS / 2)


_row("`threading.Semaphore.acquire`", "virtual")(lambda: threading.Semaphore(0).acquire(timeout=SECONDS))


@_row("`threading.BoundedSemaphore` as a context", "virtual")
def _bounded() -> None:
    semaphore = threading.BoundedSemaphore(1)
    semaphore.acquire()
    thread = _after(semaphore.release)
    with semaphore:
        thread.join()


@_row("`threading.Barrier.wait`", "virtual")
def _barrier() -> None:
    with contextlib.suppress(threading.BrokenBarrierError):
        threading.Barrier(2).wait(SECONDS)


_row("`threading.Thread.join`", "virtual")(lambda: _after(lambda: None).join())


@_row("`threading.Timer`", "virtual")
def _timer() -> None:
    timer = threading.Timer(SECONDS, lambda: None)
    timer.start()
    timer.join()


def _queue(kind: type[queue.Queue[int]]) -> None:
    with contextlib.suppress(queue.Empty):
        kind().get(timeout=SECONDS)


_row("`queue.Queue.get`", "virtual")(lambda: _queue(queue.Queue))
_row("`queue.LifoQueue.get`", "virtual")(lambda: _queue(queue.LifoQueue))
_row("`queue.PriorityQueue.get`", "virtual")(lambda: _queue(queue.PriorityQueue))


@_row("`queue.Queue.put` of a full queue", "virtual")
def _put() -> None:
    full = queue.Queue[int](1)
    full.put(1)
    with contextlib.suppress(queue.Full):
        full.put(2, timeout=SECONDS)


@_row("`queue.Queue.join`", "virtual")
def _queue_join() -> None:
    tasks = queue.Queue[int]()
    tasks.put(1)
    _after(tasks.task_done)
    tasks.join()


@_row("`queue.SimpleQueue.get`", "virtual")
def _simple_queue() -> None:
    with contextlib.suppress(queue.Empty):
        queue.SimpleQueue[int]().get(timeout=SECONDS)


@_row("`sched.scheduler.run`", "virtual")
def _sched() -> None:
    scheduler = sched.scheduler()
    scheduler.enter(SECONDS, 1, lambda: None)
    scheduler.run()


# Futures.


@_row("`concurrent.futures.Future.result`", "virtual")
def _result() -> None:
    with contextlib.suppress(TimeoutError):
        concurrent.futures.Future[int]().result(SECONDS)


_row("`concurrent.futures.wait`", "virtual")(lambda: concurrent.futures.wait([concurrent.futures.Future()], SECONDS))


@_row("`concurrent.futures.as_completed`", "virtual")
def _as_completed() -> None:
    with contextlib.suppress(TimeoutError):
        list(concurrent.futures.as_completed([concurrent.futures.Future[int]()], SECONDS))


@_row("`ThreadPoolExecutor.submit`, `map`, `shutdown`", "virtual")
def _pool() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(time.sleep, [SECONDS, 1]))


# asyncio.


def _asyncio(coroutine: Callable[[], Any]) -> Callable[[], object]:
    def run() -> None:
        with contextlib.suppress(TimeoutError):
            asyncio.run(coroutine())

    return run


async def _timeout() -> None:
    async with asyncio.timeout(SECONDS):
        await asyncio.Event().wait()


async def _wait() -> None:
    task = asyncio.create_task(asyncio.sleep(10**4))
    await asyncio.wait([task], timeout=SECONDS)
    task.cancel()


async def _call_later() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(SECONDS, future.set_result, None)
    await future


async def _in_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, SECONDS)


async def _threadsafe() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(SECONDS), loop).result())


_row("`asyncio.sleep`", "virtual")(_asyncio(lambda: asyncio.sleep(SECONDS)))
_row("`asyncio.wait_for` a queue", "virtual")(_asyncio(lambda: asyncio.wait_for(asyncio.Queue[int]().get(), SECONDS)))
_row("`asyncio.timeout`", "virtual")(_asyncio(_timeout))
_row("`asyncio.wait`", "virtual")(_asyncio(_wait))
_row("`loop.call_later`, `call_at`", "virtual")(_asyncio(_call_later))
_row("`asyncio.to_thread`", "virtual")(_asyncio(lambda: asyncio.to_thread(time.sleep, SECONDS)))
_row("`loop.run_in_executor`", "virtual")(_asyncio(_in_executor))
_row("`asyncio.run_coroutine_threadsafe`", "virtual")(_asyncio(_threadsafe))


# Answers of a double, and their time limits.


def _late(ask: Callable[[str], object], *errors: type[Exception]) -> Callable[[], object]:
    """Return a wait for the answer of a double that comes too late."""

    def run() -> None:
        with Double(latency=10 * SECONDS) as double, contextlib.suppress(*errors):
            ask(f"{double.url}/endpoints")

    return run


def _recv(url: str) -> None:
    address = urllib3.util.parse_url(url)
    with socket.create_connection((address.host, address.port or 0), timeout=SECONDS) as sock:
        sock.sendall(b"GET /endpoints HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        sock.recv(1)


def _http_client(url: str) -> None:
    address = urllib3.util.parse_url(url)
    with contextlib.closing(HTTPConnection(address.host or "", address.port, timeout=SECONDS)) as connection:
        connection.request("GET", "/endpoints")
        connection.getresponse()


async def _aiohttp(url: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(SECONDS)) as session, session.get(url):
        pass


def _httpx(url: str) -> None:
    with httpx.Client(timeout=SECONDS) as client:
        client.get(url)


_row("`socket.recv` from a double", "virtual")(_late(_recv, TimeoutError))
_row("`http.client` with `timeout=`", "virtual")(_late(_http_client, TimeoutError))
_row("`urllib.request.urlopen` with `timeout=`", "virtual")(
    _late(lambda url: urllib.request.urlopen(url, timeout=SECONDS), TimeoutError, urllib.error.URLError)  # noqa: S310 - a double's
)
_row("requests with `timeout=`", "virtual")(_late(lambda url: requests.get(url, timeout=SECONDS), requests.ReadTimeout))
_row("httpx with `timeout=`", "virtual")(_late(_httpx, httpx.ReadTimeout))
_row("aiohttp with `ClientTimeout`", "virtual")(_late(lambda url: asyncio.run(_aiohttp(url)), TimeoutError))


@_row("`urllib3.Retry` between tries", "virtual")
def _retry() -> None:
    retry = urllib3.Retry(total=2, backoff_factor=SECONDS / 2, backoff_max=SECONDS, status_forcelist=[503])
    pool = urllib3.PoolManager(retries=retry)
    with Double(faults=["unavailable()"]) as double, pool, contextlib.suppress(urllib3.exceptions.MaxRetryError):
        pool.request("GET", f"{double.url}/compute/v1/images/fd80000000000000000a", headers=HEADERS)


# Libraries that retry.


def _failing() -> None:
    raise LookupError


def _with_tenacity() -> None:
    retrying = tenacity.Retrying(wait=tenacity.wait_fixed(SECONDS), stop=tenacity.stop_after_attempt(2), reraise=True)
    with contextlib.suppress(LookupError):
        retrying(_failing)


def _with_backoff() -> None:
    decorate = backoff.on_exception(backoff.constant, LookupError, interval=SECONDS, max_tries=2, jitter=None)
    with contextlib.suppress(LookupError):
        decorate(_failing)()


def _with_stamina() -> None:
    decorate = stamina.retry(on=LookupError, attempts=2, wait_initial=SECONDS, wait_max=SECONDS, wait_jitter=0)
    with contextlib.suppress(LookupError):
        decorate(_failing)()


_row("tenacity", "virtual")(_with_tenacity)
_row("backoff", "virtual")(_with_backoff)
_row("stamina", "virtual")(_with_stamina)

# trio and anyio.


def _trio() -> Any:
    return importlib.import_module("trio")


async def _trio_move_on() -> None:
    with _trio().move_on_after(SECONDS):
        await _trio().sleep_forever()


async def _trio_thread() -> None:
    await _trio().to_thread.run_sync(time.sleep, SECONDS)


_row("`anyio.sleep` on asyncio", "virtual")(lambda: anyio.run(anyio.sleep, SECONDS))
_row("`anyio.sleep` on trio", "virtual")(lambda: anyio.run(anyio.sleep, SECONDS, backend="trio"))
_row("`trio.sleep`", "virtual")(lambda: _trio().run(_trio().sleep, SECONDS))
_row("`trio.move_on_after`, `fail_after`", "virtual")(lambda: _trio().run(_trio_move_on))
_row("`trio.to_thread.run_sync`", "virtual")(lambda: _trio().run(_trio_thread))

# Processes, and peers other than a double.

_SLEEP: Final = [sys.executable, "-S", "-c", f"import time; time.sleep({REAL_SECONDS})"]


def _communicate() -> None:
    with subprocess.Popen([*_SLEEP[:-1], "import time; time.sleep(60)"]) as process:  # noqa: S603 - ours
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=REAL_SECONDS)
        process.kill()


def _read_output() -> None:
    with subprocess.Popen(_SLEEP, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        assert process.stdout is not None
        process.stdout.read()


def _waitpid() -> None:
    process = subprocess.Popen(_SLEEP)  # noqa: S603 - ours
    os.waitpid(process.pid, 0)
    process.returncode = 0


def _multiprocessing_queue() -> None:
    with contextlib.suppress(queue.Empty):
        _SPAWN.Queue().get(timeout=REAL_SECONDS)


def _accept() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.suppress(TimeoutError):
        server.settimeout(REAL_SECONDS)
        server.accept()


def _recv_elsewhere() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with (
        server,
        socket.create_connection(server.getsockname(), REAL_SECONDS) as sock,
        contextlib.suppress(TimeoutError),
    ):
        sock.recv(1)


_SPAWN: Final = multiprocessing.get_context("spawn")
_row("`subprocess.run`, `Popen.wait`", "real")(lambda: subprocess.run(_SLEEP, check=True))  # noqa: S603 - ours
_row("`Popen.communicate` with `timeout=`", "real")(_communicate)
_row("reading the output of a process", "real")(_read_output)
_row("`os.waitpid`", "real", "os.waitpid")(_waitpid)
_row("`multiprocessing.Event.wait`", "real")(lambda: _SPAWN.Event().wait(REAL_SECONDS))
_row("`multiprocessing.Queue.get`", "real")(_multiprocessing_queue)
_row("`socket.accept`", "real")(_accept)
_row("`socket.recv` from another server", "real")(_recv_elsewhere)

# Waits that virtual time cannot see.


def _held(kind: Callable[[], Any]) -> Any:
    lock = kind()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    thread.join()
    return lock


def _with_lock() -> None:
    with _held(threading.Lock):
        pass


def _poll() -> None:
    select.poll().poll(SECONDS * 1000)


def _epoll() -> None:
    with select.epoll() as epoll:
        epoll.poll(SECONDS)


def _selector() -> None:
    with selectors.DefaultSelector() as selector:
        selector.select(SECONDS)


def _sigwait() -> None:
    signal.sigwait([signal.SIGUSR2])


_row("`threading.Lock.acquire`", "refused")(lambda: _held(threading.Lock).acquire())
_row("`threading.Lock.acquire` with `timeout=`", "refused")(lambda: _held(threading.Lock).acquire(timeout=SECONDS))
_row("`threading.Lock` as a context", "refused")(_with_lock)
_row("`threading.RLock.acquire`", "refused")(lambda: _held(threading.RLock).acquire())
_row("`multiprocessing.Semaphore.acquire`, `Lock.acquire`", "refused")(
    lambda: _SPAWN.Semaphore(0).acquire(timeout=SECONDS)
)
_row("`select.select`", "refused")(lambda: select.select([], [], [], SECONDS))
_row("`select.poll`", "refused", "select.poll")(_poll)
_row("`select.epoll`", "refused", "select.epoll")(_epoll)
_row("`selectors.DefaultSelector.select`", "refused")(_selector)
_row("`signal.pause`", "refused", "signal.pause")(lambda: signal.pause())  # noqa: PLW0108 - looked up late
_row("`signal.sigwait`", "refused", "signal.sigwaitinfo")(_sigwait)
_row("`signal.sigtimedwait`", "refused", "signal.sigtimedwait")(lambda: signal.sigtimedwait([signal.SIGUSR2], SECONDS))
_row("a sleep in compiled code, such as `usleep` by ctypes", "refused")(
    lambda: ctypes.CDLL(None).usleep(ctypes.c_uint(SECONDS * 10**6))
)

# Loops that do not wait.


def _clock_loop() -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pass


def _yielding_loop() -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(0)


async def _yielding_task() -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        await asyncio.sleep(0)


def _flag_loop() -> None:
    event = threading.Event()
    _after(event.set)
    while not event.is_set():
        pass


def _polling_loop() -> None:
    with Double(timing=Never()) as double, contextlib.closing(HTTPConnection(double.host, double.port)) as connection:
        id_ = create(double)
        while True:
            connection.request("GET", f"/operations/{id_}", headers=HEADERS)
            connection.getresponse().read()


def _real_polling_loop() -> None:
    with Double(timing=Never()) as double:
        id_ = create(double)
        while True:
            subprocess.run([*_SLEEP[:-1], "pass"], check=True)  # noqa: S603 - ours
            requests.get(f"{double.url}/operations/{id_}", headers=HEADERS, timeout=10)


_row("a loop until `time.monotonic` says so", "refused")(_clock_loop)
_row("a loop of `time.sleep(0)`", "refused")(_yielding_loop)
_row("a loop of `asyncio.sleep(0)`", "refused")(_asyncio(_yielding_task))
_row("a loop until `Event.is_set`, which a thread that sleeps sets", "refused")(_flag_loop)
_row("polling without a pause", "refused")(_polling_loop)
_row("polling with a pause in a process", "refused")(_real_polling_loop)

# gRPC.


def _grpcio(call: Callable[[Any, Any], object], **settings: Any) -> Callable[[], None]:
    def wait() -> None:
        grpc: Any = importlib.import_module("grpc")
        with Double(auth="off", **settings) as double, grpc.insecure_channel(double.grpc_endpoint) as channel:
            method = channel.unary_unary(f"/{_OPERATIONS}/Get", request_serializer=bytes, response_deserializer=bytes)
            with contextlib.suppress(grpc.RpcError, grpc.FutureTimeoutError):
                call(method, b"")

    return wait


def _grpc_aio() -> None:
    aio: Any = importlib.import_module("grpc.aio")

    async def call() -> None:
        with Double(auth="off", latency=float(SECONDS)) as double:
            async with aio.insecure_channel(double.grpc_endpoint) as channel:
                method = channel.unary_unary(f"/{_OPERATIONS}/Get", bytes, bytes)
                with contextlib.suppress(aio.AioRpcError):
                    await method(b"")

    asyncio.run(call())


def _grpcio_without_server() -> None:
    grpc: Any = importlib.import_module("grpc")
    with Double() as double, grpc.insecure_channel(double.grpc_endpoint) as channel:
        double.inject(refuse(10 * SECONDS))
        method = channel.unary_unary(f"/{_OPERATIONS}/Get", bytes, bytes)
        while True:  # until grpcio has seen that the connection is lost
            with contextlib.suppress(grpc.RpcError):
                method(b"", wait_for_ready=True)


_row("a call of `grpc`", "virtual")(_grpcio(lambda method, message: method(message), latency=float(SECONDS)))
_row("`grpc.Future.result`", "virtual")(
    _grpcio(lambda method, message: method.future(message).result(), latency=float(SECONDS))
)
_row("`grpc.Future.result` with a time limit", "virtual")(
    _grpcio(lambda method, message: method.future(message).result(timeout=SECONDS), latency=2.0 * SECONDS)
)
_row("a call of `grpc` with `timeout=`", "virtual")(
    _grpcio(lambda method, message: method(message, timeout=SECONDS), faults="hang()")
)
_row("a call of `grpc.aio`", "virtual")(_grpc_aio)
_row("a call of `grpc` with `wait_for_ready` and without a server", "refused")(_grpcio_without_server)

# Loops in compiled code.


def _uvloop() -> None:
    importlib.import_module("uvloop").run(asyncio.sleep(SECONDS))


def _gevent() -> None:
    importlib.import_module("gevent").sleep(SECONDS)


if sys.platform != "win32":
    _row("uvloop", "refused")(_uvloop)
_row("gevent", "refused")(_gevent)


def page(text: str) -> str:
    """The page with the table as it should be."""
    head, _, rest = text.partition("<!-- waits -->\n")
    _, mark, tail = rest.partition("<!-- end of waits -->\n")
    rows = "".join(f"| {wait.name} | {wait.becomes} |\n" for wait in WAITS)
    return f"{head}<!-- waits -->\n\n| wait | in virtual time |\n|---|---|\n{rows}\n{mark}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
