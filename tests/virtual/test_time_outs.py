"""A double that answers late, in virtual time: clients with a time limit fail at exactly that, patient ones do not."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
import requests

from pytest_ycimages import Double, Latency, VirtualTimeError, hang, stall
from tests.virtual.calling import HEADERS
from tests.virtual.late import CLIENTS, PATH, TIME_OUTS, with_aiohttp, with_http_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Fault, VirtualTime

ask_with = pytest.mark.parametrize("ask", CLIENTS)


@ask_with
def test_a_client_gives_up_at_exactly_its_limit(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """Again and again; what it gave up on happened all the same, and nothing of it is in the way later."""
    ycimages.latency = 10
    for number in range(1, 4):
        with pytest.raises(TIME_OUTS):
            ask(ycimages, 5)
        assert ycimages_time.elapsed == 5 * number
    ycimages.latency = 0
    time.sleep(100)
    assert ask(ycimages, 5) == 200
    assert ycimages_time.elapsed == 115
    assert [call.at for call in ycimages.calls] == [0, 5, 10, 115]


@pytest.mark.parametrize("ask", [each for each in CLIENTS if each is not with_aiohttp])
def test_an_answer_at_exactly_the_limit_is_in_time(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """Each time, whichever of the two threads was the first to wait. aiohttp itself takes a timer first."""
    ycimages.latency = 5
    for number in range(1, 11):
        assert ask(ycimages, 5) == 200
        assert ycimages_time.elapsed == 5 * number


@ask_with
def test_a_patient_client_is_answered_at_exactly_the_latency(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """Whatever limit it has, if it is more than that."""
    ycimages.latency = 10
    for number in range(1, 4):
        assert ask(ycimages, 15) == 200
        assert ycimages_time.elapsed == 10 * number


@pytest.mark.parametrize("fault", [hang(), stall()], ids=str)
def test_a_client_in_a_tunnel_gives_up_at_exactly_its_limit(
    fault: Fault, ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """It reaches the service's name by the double as a proxy, and speaks TLS with it there."""
    ycimages.inject(fault)
    address = f"https://compute.api.cloud.yandex.net/compute/v1/images?folderId={ycimages.folder_id}"
    proxies = {"https": ycimages.url}
    with pytest.raises((requests.Timeout, requests.ConnectionError), match="timed out"):
        requests.get(address, headers=HEADERS, proxies=proxies, verify=ycimages.ca_path, timeout=30)
    assert ycimages_time.elapsed == 30


@ask_with
def test_a_body_that_trickles_comes_in_its_time(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """The client reads piece by piece."""
    ycimages.latency = Latency.fixed(8, over_body=True)
    assert ask(ycimages, 15) == 200
    assert ycimages_time.elapsed == 8


def test_a_limit_of_each_read_is_not_one_of_the_whole(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """Pieces that come in time, of an answer that takes longer than the limit."""
    ycimages.latency = Latency.fixed(60, over_body=True)
    assert with_http_client(ycimages, 20) == 200
    assert ycimages_time.elapsed == 60


@ask_with
def test_a_call_may_wait_before_it_happens(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages_factory: Callable[..., Double]
) -> None:
    """`latency_order='latency_first'`: whoever gives up before that has still asked."""
    double = ycimages_factory(latency=10, latency_order="latency_first")
    with pytest.raises(TIME_OUTS):
        ask(double, 4)
    assert not double.calls
    time.sleep(7)
    assert [call.at for call in double.calls] == [10]
    assert ycimages_time.elapsed == 11


def test_two_clients_at_once(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """One gives up while the other goes on waiting; neither sees the other."""
    ycimages.latency = 10
    ends: dict[str, float] = {}

    def patient() -> None:
        assert with_http_client(ycimages, 15) == 200
        ends["patient"] = ycimages_time.elapsed

    def impatient() -> None:
        time.sleep(2)
        with pytest.raises(TIME_OUTS):
            with_http_client(ycimages, 5)
        ends["impatient"] = ycimages_time.elapsed

    threads = [threading.Thread(target=target) for target in (patient, impatient)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {"impatient": 7, "patient": 10}


@ask_with
def test_many_clients_at_once(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """Eight threads, one answer each after ten seconds, all at the same moment."""
    ycimages.latency = 10
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: ask(ycimages, 15), range(8))) == [200] * 8
    assert ycimages_time.elapsed == 10


def test_an_answer_at_the_very_limit_comes_or_not_but_nothing_hangs(
    ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """The client began to wait first or the double did: either is right."""
    ycimages.latency = 10
    for _ in range(10):
        before = ycimages_time.elapsed
        with suppress(TimeoutError):
            assert with_http_client(ycimages, 10) == 200
        assert ycimages_time.elapsed - before == 10


def test_a_client_without_a_limit_waits_as_long_as_it_takes(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """For hours, and it knows nothing of that."""
    ycimages.latency = 5 * 3600
    with closing(http.client.HTTPConnection(ycimages.host, ycimages.port)) as connection:
        connection.request("GET", PATH, headers=HEADERS)
        assert connection.getresponse().read()
    assert ycimages_time.elapsed == 5 * 3600


@ask_with
def test_a_double_that_is_too_late_for_the_horizon_is_not_to_blame(
    ask: Callable[[Double, float], int], ycimages_time: VirtualTime, ycimages: Double
) -> None:
    """Whoever waits for it is; the double can be closed, and nothing in it has failed."""
    ycimages.latency = 10**6
    ycimages_time.horizon = 3600
    with pytest.raises(VirtualTimeError, match="The client still waits after 3600 virtual seconds: "):
        ask(ycimages, 10**9)
    ycimages.close()
    ycimages.check()
    assert ycimages_time.elapsed == 0


def test_every_way_to_receive_has_the_limit(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """What clients write themselves, on the socket."""
    with socket.create_connection((ycimages.host, ycimages.port), timeout=3) as sock:
        room = bytearray(10)
        ways: list[Callable[[], object]] = [
            lambda: sock.recv(10),
            lambda: sock.recv_into(room, nbytes=5, flags=0),
            lambda: sock.recvfrom(10),
            lambda: sock.recvfrom_into(room, nbytes=5),
            lambda: sock.recvmsg(10),
            lambda: sock.recvmsg_into([room]),
            lambda: sock.makefile("rb").readline(),
        ]
        for number, receive in enumerate(ways, start=1):
            with pytest.raises(TimeoutError, match="timed out"):
                receive()
            assert ycimages_time.elapsed == 3 * number
        sock.settimeout(0)
        with pytest.raises(BlockingIOError):
            sock.recv(10)
    with socket.socket() as sock, pytest.raises(OSError, match="not connected"):
        sock.recv(10)


def test_closing_a_double_does_not_wait_for_a_late_answer(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """The client that is gone is not waited for, whatever time it would take; nothing has failed."""
    ycimages.latency = 10_000_000
    with pytest.raises(TIME_OUTS):
        with_http_client(ycimages, 5)
    ycimages.close()
    assert ycimages_time.elapsed == 5
    ycimages.check()


def test_a_double_may_be_closed_before_its_answer_waits(ycimages_time: VirtualTime) -> None:
    """Here by the call itself. Its answer never leaves, and time does not pass for it."""
    with Double(latency=100, on_call=lambda _: double.close()) as double:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            with_http_client(double, 50)
        assert len(double.calls) == 1
    assert ycimages_time.elapsed == 0


def test_a_client_whose_double_is_closed_meanwhile_is_told(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """As by a server that goes down: the connection ends without an answer."""
    ycimages.latency = 100
    threading.Timer(5, ycimages.close).start()
    with pytest.raises(http.client.RemoteDisconnected):
        with_http_client(ycimages, 50)
    assert ycimages_time.elapsed == 5


@ask_with
@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_a_double_listens_wherever_it_is_told(
    ask: Callable[[Double, float], int], host: str, ycimages_time: VirtualTime, ycimages_factory: Callable[..., Double]
) -> None:
    """The limit is virtual at every address."""
    with pytest.raises(TIME_OUTS):
        ask(ycimages_factory(host=host, latency=10), 5)
    assert ycimages_time.elapsed == 5


def test_what_is_no_http_does_not_stop_time(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """A connection that the double waits to be closed is no reason to wait for it."""
    with socket.create_connection((ycimages.host, ycimages.port), timeout=5) as sock:
        sock.sendall(b"\x00\x01\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
        time.sleep(60)
        other = with_http_client(ycimages, 5)
    assert other == 200
    assert ycimages_time.elapsed == 60
