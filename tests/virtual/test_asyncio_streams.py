"""Servers and clients of the test's own within one process: they are no strangers, and time need not wait for them."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web

from pytest_ycimages.virtual.idle import IdleDetector

if TYPE_CHECKING:
    from pytest_ycimages import Double, VirtualTime


@pytest.fixture
def no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes somebody for a stranger would wait for him until the test fails."""
    monkeypatch.setattr(IdleDetector, "foreign", 1e9)


async def _answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        await asyncio.sleep(10)
        writer.write(line.upper())
        await writer.drain()
    writer.close()


@pytest.mark.usefixtures("no_strangers")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_streams_over_loopback_in_one_loop(ycimages_time: VirtualTime, host: str) -> None:
    """An answer that comes late, one that comes too late, and a connection that nobody uses for an hour."""

    async def main() -> None:
        server = await asyncio.start_server(_answer_late, host, 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"a\n")
        assert await asyncio.wait_for(reader.readline(), 15) == b"A\n"
        assert ycimages_time.elapsed == 10
        writer.write(b"b\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 5)
        assert ycimages_time.elapsed == 15
        await asyncio.sleep(3600)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    asyncio.run(main())
    assert ycimages_time.elapsed == 3615


@pytest.mark.usefixtures("no_strangers")
def test_a_server_on_another_thread(ycimages_time: VirtualTime) -> None:
    """Two loops of one process."""
    addresses: list[tuple[str, int]] = []

    async def serve() -> None:
        server = await asyncio.start_server(_answer_late, "127.0.0.1", 0)
        addresses.append(server.sockets[0].getsockname())
        await asyncio.sleep(100)
        server.close()

    async def main() -> None:
        thread = asyncio.create_task(asyncio.to_thread(asyncio.run, serve()))
        while not addresses:
            await asyncio.sleep(1)
        reader, writer = await asyncio.open_connection(*addresses[0])
        for _ in range(5):
            writer.write(b"a\n")
            assert await reader.readline() == b"A\n"
        writer.close()
        await writer.wait_closed()
        await thread

    asyncio.run(main())
    assert ycimages_time.elapsed == 100


@pytest.mark.usefixtures("no_strangers")
def test_an_application_under_test_that_calls_the_double(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """A server and a client of aiohttp in one loop, with the double behind them: the usual shape of a test."""

    async def handle(request: web.Request) -> web.Response:
        async with ClientSession() as session, session.get(f"{ycimages.url}/endpoints") as answer:
            await asyncio.sleep(1)
            return web.json_response({"status": answer.status, "asked": request.path})

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/{tail:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with ClientSession() as session:
            for number in range(20):
                async with session.get(f"http://{host}:{port}/{number}") as answer:
                    assert await answer.json() == {"status": 200, "asked": f"/{number}"}
                await asyncio.sleep(1)
        await runner.cleanup()

    asyncio.run(main())
    assert ycimages_time.elapsed == 40
    assert [call.at for call in ycimages.calls] == [2 * number for number in range(20)]


def test_a_stranger_is_given_real_time(ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody of whom virtual time knows nothing answers within the real time that it leaves him, not too late."""
    monkeypatch.setattr(IdleDetector, "foreign", 1e9)
    ours, theirs = _pair()
    ours.settimeout(0)

    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        asking = loop.create_task(loop.sock_recv(ours, 10))
        await asyncio.sleep(0)
        theirs.sendall(b"hello")
        async with asyncio.timeout(1):
            return await asking

    with closing(ours), closing(theirs):
        assert asyncio.run(main()) == b"hello"
    assert ycimages_time.elapsed == 0


def test_a_stranger_who_says_nothing_does_not_stop_time(
    ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle connection costs a little real time at each step, and that is all."""
    monkeypatch.setattr(IdleDetector, "foreign", 0.002)
    monkeypatch.setattr(IdleDetector, "interval", 0.001)
    ours, theirs = _pair()
    ours.settimeout(0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.sock_recv(ours, 10), 30)
        waiting = loop.create_task(loop.sock_recv(ours, 10))
        for _ in range(3):
            await asyncio.sleep(10)
        waiting.cancel()

    before = ycimages_time.elapsed
    with closing(ours), closing(theirs):
        asyncio.run(main())
    assert ycimages_time.elapsed - before == 60


def _pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection, of which no event loop ever sees the second."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
        return ours, theirs


def test_a_pair_within_the_process_is_no_stranger(ycimages_time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `socketpair`, with which threads wake loops."""
    monkeypatch.setattr(IdleDetector, "foreign", 1e9)

    async def main() -> bytes:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        loop = asyncio.get_running_loop()

        def say_late() -> None:
            time.sleep(5)
            theirs.sendall(b"hi")

        loop.run_in_executor(None, say_late)
        with closing(ours), closing(theirs):
            return await loop.sock_recv(ours, 10)

    assert asyncio.run(main()) == b"hi"
    assert ycimages_time.elapsed == 5
