"""Connections that are kept: none survives a change of sides, neither to a double nor back to the real service."""

from __future__ import annotations

import gc
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests

from pytest_ycimages import Double, VirtualTime, refuse, stale, stall
from tests.clients.sessions import HEADERS, KEEPING, Question, ask_all
from tests.faults_in_process.test_same_as_over_a_socket import CREATE, LIST
from tests.intercept.conftest import REAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.sessions import Session

EVERY_SESSION = pytest.mark.parametrize("session", KEEPING.values(), ids=KEEPING)
TOKEN = Question("POST", "/iam/v1/tokens", b'{"yandexPassportOauthToken": "y0_a"}')
"""A POST: clients do not repeat it when a kept connection turns out to be dead."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    """What stands for the real service: the real host names lead to it over a socket."""
    look_up = socket.getaddrinfo

    def here(host: Any, *more: Any, **options: Any) -> Any:
        is_real = host in {"compute.api.cloud.yandex.net", b"compute.api.cloud.yandex.net"}
        return look_up("127.0.0.1" if is_real else host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with Double() as service:
        yield service


@EVERY_SESSION
def test_a_session_changes_sides_with_every_interception(session: Session, service: Double) -> None:
    """One that was made before, with a connection that it keeps: to the service, to a double, back, and to another."""
    first, second = Double(), Double()
    with session(f"http://compute.api.cloud.yandex.net:{service.port}") as ask:
        for calls, double in ((1, first), (2, second), (3, first)):
            assert [ask(TOKEN).status, ask(TOKEN).status] == [200, 200]
            assert len(service.calls) == 2 * calls
            with double.intercept():
                assert [ask(TOKEN).status, ask(TOKEN).status, ask(TOKEN).status] == [200, 200, 200]
            assert len(service.calls) == 2 * calls
        assert ask(TOKEN).status == 200
    assert (len(first.calls), len(second.calls), len(service.calls)) == (6, 3, 7)


@EVERY_SESSION
def test_a_session_that_is_made_meanwhile_finds_the_service_later(session: Session, service: Double) -> None:
    """It keeps no connection to a double that answers no more."""
    double = Double()
    with ExitStack() as stack:
        with double.intercept():
            ask = stack.enter_context(session(f"http://compute.api.cloud.yandex.net:{service.port}"))
            assert ask(TOKEN).status == 200
        assert ask(TOKEN).status == 200
    assert (len(double.calls), len(service.calls)) == (1, 1)


@EVERY_SESSION
@pytest.mark.usefixtures("offline")
def test_a_session_over_tls_keeps_no_connection_either(session: Session) -> None:
    """From one double to the next, as from one test to the next."""
    first, second = Double(), Double()
    with session(REAL) as ask:
        for double in (first, second):
            with double.intercept():
                assert [ask(TOKEN).status, ask(TOKEN).status] == [200, 200]
        with pytest.raises(AssertionError, match="Somebody asked the network for"):
            ask(TOKEN)
    assert (len(first.calls), len(second.calls)) == (2, 2)


@pytest.mark.costly
@EVERY_SESSION
@pytest.mark.usefixtures("offline")
def test_a_session_may_be_forgotten_open(session: Session) -> None:
    """Nothing complains of sockets that nobody closed, since there are none, whether it is closed later or never."""
    with session(REAL) as ask, Double().intercept():
        assert ask(TOKEN).status == 200
    with Double().intercept(), session(REAL) as ask:
        assert ask(TOKEN).status == 200
    gc.collect()


@EVERY_SESSION
def test_a_connection_is_kept_and_used_again(session: Session, intercepted: Double) -> None:
    """The second request comes over a connection that has served the first."""
    injection = intercepted.inject(stale(), on="images.create")
    assert ask_all(session, REAL, [CREATE])[0].status == 200
    assert injection.struck == 0
    assert [seen.status for seen in ask_all(session, REAL, [LIST, CREATE])] == [200, 0]
    assert injection.struck == 1


def test_a_double_that_lets_nobody_in_does_so_for_every_client(intercepted: Double) -> None:
    """`refuse` counts on the double's clock, for connections of any kind."""
    intercepted.inject(refuse(30))
    for session in KEEPING.values():
        assert ask_all(session, REAL, [LIST])[0].status == 0
    assert len(intercepted.calls) == 1


def test_what_is_still_being_read_ends_with_the_interception() -> None:
    """The client has what had arrived, and finds the connection closed."""
    double = Double(clock="manual")
    double.inject(stall(after=350), on="images.create", commit="after")
    with requests.Session() as session, httpx.Client(trust_env=False) as client:
        with double.intercept():
            body = CREATE.body or b""
            answer = session.post(f"{REAL}{CREATE.path}", data=body, headers=HEADERS, stream=True, timeout=5)
            with client.stream("POST", f"{REAL}{CREATE.path}", content=body, headers=HEADERS) as streamed:
                pass
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            _ = answer.content
        assert streamed.status_code == 200
    assert len(double.images) == 2


def test_a_request_that_was_sent_has_an_answer() -> None:
    """Though its client asks for it only when the interception is over; and then it connects again."""
    double = Double()
    connection = HTTPSConnection("compute.api.cloud.yandex.net", timeout=5)
    with double.intercept():
        connection.request("GET", "/endpoints")
    with connection.getresponse() as answer:
        assert b'"compute"' in answer.read()
    connection.close()
    with double.intercept():
        connection.request("GET", "/endpoints")
        with connection.getresponse() as answer:
            assert answer.status == 200
    assert len(double.calls) == 2


def test_a_thread_that_waits_is_let_go_when_the_interception_ends() -> None:
    """It finds the connection closed, at the latest when what it waited for would have come."""
    with VirtualTime() as time:
        double = Double(latency=30)
        asking = threading.Event()
        with ThreadPoolExecutor(1) as threads:
            with double.intercept():

                def ask() -> None:
                    asking.set()
                    requests.get(f"{REAL}/endpoints", timeout=60)

                answer = threads.submit(ask)
                asking.wait()
                time.advance(1)
            with pytest.raises(requests.ConnectionError):
                answer.result()


@EVERY_SESSION
@pytest.mark.usefixtures("offline")
def test_many_threads_are_answered_at_once(session: Session, intercepted: Double) -> None:
    """Each of them is, with sessions of their own."""

    def ask_often() -> list[int]:
        with session(REAL) as ask:
            return [ask(TOKEN).status for _ in range(20)]

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(ask_often) for _ in range(8)]
        assert all(answer.result() == [200] * 20 for answer in answers)
    assert len(intercepted.calls) == 160


@pytest.mark.costly
@pytest.mark.usefixtures("offline")
def test_many_threads_share_a_session(intercepted: Double) -> None:
    """Its pool hands each of them a connection."""
    with requests.Session() as session, httpx.Client(trust_env=False) as client:

        def ask(_: int) -> tuple[int, int]:
            return session.get(f"{REAL}/endpoints").status_code, client.get(f"{REAL}/endpoints").status_code

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(ask, range(100))) == {(200, 200)}
    assert len(intercepted.calls) == 200


def test_threads_that_ask_on_come_to_no_harm_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call is answered, or it fails as calls do when a server goes; then names are looked up again."""

    def nowhere(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    for _ in range(20):
        double, begun, end = Double(), threading.Event(), threading.Event()

        def ask_on(begun: threading.Event = begun, end: threading.Event = end) -> set[str]:
            seen = set()
            with requests.Session() as session:
                session.trust_env = False
                while not end.is_set():
                    try:
                        seen.add(str(session.get(f"{REAL}/endpoints", timeout=5).status_code))
                    except requests.ConnectionError as error:
                        seen.add(type(error).__name__)
                    begun.set()
            return seen

        with ThreadPoolExecutor(2) as threads:
            with double.intercept():
                askers = [threads.submit(ask_on) for _ in range(2)]
                begun.wait()
            end.set()
            assert all(asker.result() <= {"200", "ConnectionError"} for asker in askers)
