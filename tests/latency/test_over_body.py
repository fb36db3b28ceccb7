"""A body that takes its time: in which pieces it leaves, when, and what becomes of a client that leaves first."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import Double, Latency
from pytest_ycimages.server.connection import Connection
from pytest_ycimages.server.http import HttpReply, HttpRequest
from pytest_ycimages.server.transmission import Due, transmission
from tests.server.raw_client import Client, endpoint, request

if TYPE_CHECKING:
    from collections.abc import Callable


@given(body=st.binary(max_size=50))
def test_pieces_make_up_the_body(body: bytes) -> None:
    """At most five, none empty, each waited for until all of it is due; the last one for the whole time."""
    reply = HttpReply(200, (), body, lambda _: None)
    steps = list(transmission(b"head", body, reply))
    waits = [step.share for step in steps if isinstance(step, Due)]
    cut = [step for step in steps[1:] if isinstance(step, bytes)] if body else []
    assert b"".join(cut) == body
    assert all(cut)
    assert len(cut or b"1") == len(waits) <= 5
    assert waits == sorted(set(waits))
    assert waits[-1] == 1


def sent(answer: Callable[[HttpRequest], HttpReply], data: bytes) -> bytes:
    """What a connection sends back to a client that sends `data` and then listens."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        Connection(ours, answer).serve()
        return b"".join(iter(lambda: theirs.recv(65536), b""))


def test_the_head_leaves_at_once_and_then_each_piece_when_it_is_due() -> None:
    """What has been sent at each moment, as the client sees it."""
    seen: list[tuple[float, bytes]] = []
    ours, theirs = socket.socketpair()

    def wait(part: float) -> None:
        seen.append((part, theirs.recv(65536)))

    reply = HttpReply(200, (), b"0123456789", wait)
    with theirs:
        theirs.sendall(endpoint("iam"))
        theirs.shutdown(socket.SHUT_WR)
        Connection(ours, lambda _: reply).serve()
        assert theirs.recv(65536) == b"89"
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
    assert seen == [(0.2, head), (0.4, b"01"), (0.6, b"23"), (0.8, b"45"), (1.0, b"67")]


@pytest.mark.parametrize(("verb", "body"), [("HEAD", b"0123456789"), ("GET", b"")])
def test_an_answer_without_a_body_is_late_as_a_whole(verb: str, body: bytes) -> None:
    """There is nothing to spread the time over."""
    waits: list[float] = []
    reply = HttpReply(200, (), body, waits.append)
    answer = sent(lambda _: reply, request(verb, "/"))
    assert waits == [1]
    assert answer == b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)


def test_requests_on_one_connection_keep_their_order() -> None:
    """The second is answered when the first has been, to its last byte."""
    with Double(clock="manual", latency="fixed(4, over_body=True)") as double, Client(double) as client:
        client.send(endpoint("iam") + endpoint("compute"))
        assert [client.answer().json["id"] for _ in range(2)] == ["iam", "compute"]
    assert [call.at for call in double.calls] == [0, 4]


def test_a_client_that_leaves_in_the_middle_harms_nothing() -> None:
    """Over a socket its connection ends; in process what it does not read does not happen."""
    with Double(clock="manual", latency=Latency.fixed(60, over_body=True)) as double:
        for _ in range(5):
            leaving = Client(double)
            leaving.send(endpoint("iam"))
            leaving.vanish()
        with Client(double) as client:
            assert client.ask(endpoint("compute")).json["id"] == "compute"
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/endpoints", "QUERY_STRING": "", "wsgi.url_scheme": "http",
               "SERVER_NAME": "double", "SERVER_PORT": "80", "wsgi.input": None}  # fmt: skip
    double = Double(clock="manual", latency=Latency.fixed(60, over_body=True))
    body = iter(double.app(environ, lambda *_: bytes.__len__))
    assert next(body)
    assert double.clock.now() - double.clock.began_at < 30 * 10**9
    body.close()  # type: ignore[attr-defined]  # as a WSGI server does
    assert len(double.calls) == 1
