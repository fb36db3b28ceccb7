"""What faults of the connection do to the bytes of an answer, and to the socket that carries them."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from pytest_ycimages import (
    Double,
    Latency,
    between,
    close,
    first,
    garble,
    hang,
    nth,
    refuse,
    reset,
    stale,
    stall,
    token_expired,
    trickle,
    truncate,
    unavailable,
)
from tests.server.raw_client import CREATE, CREATE_BODY, HEAD_OF_CREATE_IN_CHUNKS, PATIENCE, chunked, endpoint, request

if TYPE_CHECKING:
    from pytest_ycimages.virtual.time import VirtualTime

ASK = endpoint("iam")


class Raw:
    """A socket, and all that it is sent until it is closed or reset."""

    def __init__(self, double: Double) -> None:
        self.sock = socket.create_connection((double.host, double.port), timeout=PATIENCE)

    def read(self) -> tuple[bytes, type[Exception] | None]:
        """The bytes, and the error that ended them; None when they were ended in good order."""
        found = b""
        try:
            with self.sock:
                while data := self.sock.recv(2**16):
                    found += data
        except OSError as error:
            return found, type(error)
        return found, None


def told(double: Double, data: bytes) -> tuple[bytes, type[Exception] | None]:
    """What comes back for `data`."""
    raw = Raw(double)
    raw.sock.sendall(data)
    return raw.read()


@pytest.fixture
def whole(ycimages: Double) -> bytes:
    """A whole answer, as it is without a fault."""
    return told(ycimages, endpoint("iam", "Connection: close"))[0]


@pytest.mark.parametrize("after", [0, 1, 17, 100, 10**6])
@pytest.mark.parametrize(("fault", "error"), [(reset, ConnectionResetError), (close, None)])
def test_exactly_so_many_bytes_arrive_first(
    ycimages: Double, fault: type, after: int, error: type[Exception] | None
) -> None:
    """Then RST, or the end; what is more than there is, is all of it."""
    plain, _ = told(ycimages, endpoint("iam", "Connection: close"))
    plain = plain.replace(b"connection: close\r\n", b"")
    ycimages.inject(fault(after=after))
    found, ended = told(ycimages, ASK)
    assert (len(found), ended) == (min(after, len(found)), error)
    assert found == b"" or found.startswith(b"HTTP/1.1 503"[: len(found)])
    ycimages.injections[0].remove()
    ycimages.inject(fault(after=after), commit="after")
    found, ended = told(ycimages, ASK)
    assert (_without_ids(found), ended) == (_without_ids(plain[:after]), error)


def _without_ids(answer: bytes) -> bytes:
    """The answer without what differs from call to call."""
    return re.sub(rb"(?<=\n)(x-request-id|x-server-trace-id|date): [^\r]*", b"", answer)


def test_all_of_a_long_answer_arrives_before_a_reset(ycimages: Double) -> None:
    """Also what had not left yet."""
    for number in range(300):
        ycimages.add_image(name=f"image-{number}", description="x" * 256)
    ycimages.inject(reset(after=150_000), on="images.list", commit="after")
    found, ended = told(ycimages, request("GET", f"/compute/v1/images?folderId={ycimages.folder_id}&pageSize=1000"))
    assert (len(found), ended) == (150_000, ConnectionResetError)


@pytest.mark.parametrize("length", [0, 1, 50, 10**6, None])
def test_a_truncated_body_is_shorter_than_it_says(ycimages: Double, length: int | None) -> None:
    """However much is to arrive of it, and never all."""
    ycimages.inject(truncate(length=length), commit="after")
    found, ended = told(ycimages, ASK)
    head, _, body = found.partition(b"\r\n\r\n")
    said = int(head.partition(b"content-length: ")[2])
    assert len(body) == (said // 2 if length is None else min(length, said - 1))
    assert ended is None


@pytest.mark.parametrize(
    ("how", "error"),
    [("bytes", UnicodeDecodeError), ("utf8", UnicodeDecodeError), ("json", json.JSONDecodeError)],
)
def test_a_garbled_body_is_what_it_says_it_is(ycimages: Double, how: str, error: type[Exception]) -> None:
    """Even when it is as short as can be; and the connection goes on."""
    ycimages.inject(garble(how), on="images.list", when=first(1))  # type: ignore[arg-type]
    empty = request("GET", f"/compute/v1/images?folderId={ycimages.folder_id}")
    raw = Raw(ycimages)
    raw.sock.sendall(empty + endpoint("iam", "Connection: close"))
    found, _ = raw.read()
    head, _, rest = found.partition(b"\r\n\r\n")
    size = int(head.partition(b"content-length: ")[2])
    with pytest.raises(error):
        json.loads(rest[:size].decode())
    assert rest[size:].startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("fault", [reset(), close(), truncate(), garble(), stall(seconds=0), trickle(10**6)], ids=str)
def test_head_may_be_struck(ycimages: Double, fault: object) -> None:
    """Its answer has no body to be damaged."""
    ycimages.inject(fault, on="endpoints.get", commit="after")  # type: ignore[arg-type]
    found, _ = told(ycimages, request("HEAD", "/endpoints/iam", "Connection: close"))
    assert found == b"" or found.endswith(b"\r\n\r\n")


def test_a_fault_strikes_one_of_several_requests_that_came_together(ycimages: Double) -> None:
    """Those before it are answered, and those after it never are."""
    ycimages.inject(close(after=30), on="endpoints.get", when=nth(2), commit="after")
    found, ended = told(ycimages, endpoint("iam") + endpoint("compute") + endpoint("storage"))
    answers = found.split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in answers] == [b"", b"200", b"200"]
    assert (len(answers[2]), ended) == (30 - len(b"HTTP/1.1 "), None)
    assert len(ycimages.calls) == 2


def test_a_request_in_chunks_may_be_struck(ycimages: Double) -> None:
    """Like any other, once it has come in whole."""
    ycimages.inject(reset(), on="images.create", commit="after")
    found, ended = told(ycimages, HEAD_OF_CREATE_IN_CHUNKS + chunked(CREATE_BODY[:20], CREATE_BODY[20:]))
    assert (found, ended, len(ycimages.images)) == (b"", ConnectionResetError, 1)


@pytest.mark.parametrize("fault", [hang(), stall(after=20), stall(after=20, seconds=0.001), trickle(5000)], ids=str)
def test_a_client_may_leave_in_the_middle(ycimages: Double, fault: object) -> None:
    """Its thread ends, and the next client is answered."""
    ycimages.inject(fault, on="endpoints.*", where={"header.x-rude": "*"})  # type: ignore[arg-type]
    raw = Raw(ycimages)
    raw.sock.sendall(endpoint("iam", "X-Rude: 1"))
    raw.sock.close()
    assert told(ycimages, endpoint("iam", "Connection: close"))[0].startswith(b"HTTP/1.1 200")
    for thread in threading.enumerate():
        if thread.name == f"ycimages:{ycimages.port}:client":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_a_hang_holds_no_thread_after_the_double_has_stopped() -> None:
    """Nor does a stall, a trickle, or a port that is refused."""
    before = set(threading.enumerate())
    with Double(faults=["hang(), when=nth(1)", "stall(after=5, seconds=900), when=nth(2)", "trickle(0.1)"]) as double:
        clients = [Raw(double) for _ in range(3)]
        for number, client in enumerate(clients, 1):
            client.sock.sendall(ASK)
            while len(double.calls) < number:
                client.sock.settimeout(PATIENCE)
    assert set(threading.enumerate()) == before
    for client in clients:
        client.sock.close()


def test_a_stale_connection_is_one_of_a_pool(ycimages: Double) -> None:
    """The next call on it is reset, and the one after that has a connection of its own."""
    ycimages.inject(stale(), when=first(1))
    with requests.Session() as session:
        assert session.get(f"{ycimages.url}/endpoints", timeout=10).ok
        with pytest.raises(requests.ConnectionError):
            session.get(f"{ycimages.url}/endpoints", timeout=10)
        assert session.get(f"{ycimages.url}/endpoints", timeout=10).ok


def test_a_trickle_has_its_rate(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """To the microsecond, in virtual time."""
    ycimages.inject(trickle(100))
    raw = Raw(ycimages)
    raw.sock.sendall(endpoint("iam", "Connection: close"))
    found, _ = raw.read()
    assert ycimages_time.elapsed == pytest.approx(len(found) / 100, abs=1e-4)


@pytest.mark.real_clock
def test_a_trickle_has_its_rate_on_the_real_clock(ycimages: Double) -> None:
    """At least the rate's time, and at most a fifth more; a busy machine gets ten tries."""
    ycimages.inject(trickle(4000))
    times = []
    for _ in range(10):
        began = time.perf_counter()  # noqa: TID251 - what the rate is measured with
        found, _ = told(ycimages, endpoint("iam", "Connection: close"))
        times.append((time.perf_counter() - began) / (len(found) / 4000))  # noqa: TID251 - measured again
        if times[-1] <= 1.2:
            break
    assert 0.99 <= min(times) <= 1.2


def test_a_port_that_is_refused_stays_taken(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """Two refusals at once are one after the other, and nobody is let in before both are over."""
    with requests.Session() as one, requests.Session() as other:
        for session in (one, other):
            assert session.get(f"{ycimages.url}/endpoints", timeout=10).ok
        ycimages.inject(refuse(5), when=first(2))
        for session in (one, other):
            with pytest.raises(requests.ConnectionError):
                session.get(f"{ycimages.url}/endpoints", timeout=10)
        with socket.socket() as taker, pytest.raises(OSError, match="in use"):
            taker.bind((ycimages.host, ycimages.port))
        ycimages_time.advance(4)
        with pytest.raises(requests.ConnectionError):
            one.get(f"{ycimages.url}/endpoints", timeout=10)
        ycimages_time.advance(7)
        assert one.get(f"{ycimages.url}/endpoints", timeout=10).ok


def test_latency_comes_before_the_damage(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """And what stalls is later still, in the journal as well."""
    ycimages.latency = 3
    ycimages.inject(reset(), when=first(1), commit="after")
    ycimages.inject(stall(after=20, seconds=5), when=nth(2))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{ycimages.url}/endpoints", timeout=10)
    assert ycimages_time.elapsed == 3
    assert requests.get(f"{ycimages.url}/endpoints", timeout=10).ok
    assert ycimages_time.elapsed == 11
    assert [call.latency for call in ycimages.calls] == [3, 8]


def test_latency_over_the_body_comes_with_the_damage(ycimages_time: VirtualTime, ycimages: Double) -> None:
    """Each byte that arrives does so when it would have arrived."""
    ycimages.latency = Latency.fixed(10, over_body=True)
    for fault, elapsed in ((reset(), 0), (reset(after=10**6), 10), (truncate(), 6)):
        injected = ycimages.inject(fault, commit="after")
        began = ycimages_time.elapsed
        told(ycimages, ASK)
        assert ycimages_time.elapsed - began == pytest.approx(elapsed, abs=1)
        injected.remove()


def test_faults_strike_where_no_token_is_asked_for(ycimages: Double) -> None:
    """Tokens may be hard to come by."""
    ycimages.inject(token_expired(), on="tokens.create")
    body = {"yandexPassportOauthToken": "y0_x"}
    assert requests.post(f"{ycimages.url}/iam/v1/tokens", json=body, timeout=10).status_code == 401


def test_time_may_be_moved_by_hand() -> None:
    """An outage begins and ends with the double's clock."""
    with Double(clock="manual") as double:
        double.inject(unavailable(), when=between(10, 20))
        seen = []
        for _ in range(3):
            seen.append(requests.get(f"{double.url}/endpoints", timeout=10).status_code)
            double.clock.advance(10)
        double.inject(stall(after=20, seconds=900))
        assert requests.get(f"{double.url}/endpoints", timeout=10).ok
    assert seen == [200, 503, 200]
    assert double.clock.now() - double.clock.began_at == 930 * 10**9


def test_a_create_is_struck_as_it_was_sent(ycimages: Double) -> None:
    """A raw client sees ECONNRESET, and the image is there."""
    ycimages.inject(reset(after=12), on="images.create", commit="after")
    assert told(ycimages, CREATE) == (b"HTTP/1.1 200", ConnectionResetError)
    assert len(ycimages.images) == 1
