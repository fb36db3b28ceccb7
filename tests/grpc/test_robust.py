"""HTTP/2 that is broken or hostile: the listener serves on, and no thread raises."""

from __future__ import annotations

import gc
import socket
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, ResponseReceived, StreamReset
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, hang
from pytest_ycimages.grpc.messages import rpcs
from pytest_ycimages.grpc.wire import framed
from pytest_ycimages.server.http2 import Http2Session
from tests.grpc.clients import TIMEOUT, Http2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO: Final = PREFACE + SettingsFrame(0).serialize()
CALL: Final = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/yandex.cloud.compute.v1.ImageService/Get"),
    (":authority", "localhost"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
)


@pytest.fixture(autouse=True)
def no_thread_raises(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in which a thread of the double raises."""
    raised: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    yield
    assert not raised, raised[0].exc_value


def sent(double: Double, data: bytes) -> bytes:
    """Send bytes, and return what the double answers until it closes the connection."""
    with socket.create_connection((double.host, double.port), TIMEOUT) as sock:
        received = b""
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(65536):
                received += part
        except ConnectionError:  # closed while bytes were on their way
            pass
        return received


def frames(data: bytes) -> list[Frame]:
    """Return the frames in what the double has sent."""
    found = []
    while data:
        frame, length = Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        found.append(frame)
        data = data[9 + length :]
    return found


def goaway(data: bytes) -> int:
    """Return the error code of the GOAWAY that ends what the double has sent."""
    (last,) = [frame for frame in frames(data) if isinstance(frame, GoAwayFrame)][-1:]
    return int(last.error_code)


def told(data: bytes) -> set[tuple[str, int]]:
    """Return what h2 as a client reads in an answer: error codes, and the streams that are answered."""
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    for number in (1, 3):
        client.send_headers(number, CALL, end_stream=True)
    found: set[tuple[str, int]] = set()
    for event in client.receive_data(data):
        match event:
            case ConnectionTerminated():
                found.add(("GOAWAY", int(event.error_code or 0)))
            case StreamReset():
                found.add(("RST_STREAM", int(event.error_code or 0)))
            case ResponseReceived():
                found.add(("answer", int(event.stream_id or 0)))
            case _:
                pass
    return found


def serves(double: Double) -> bool:
    """Return whether a good client is served."""
    with Http2(double) as client:
        return client.answer(client.start("/endpoints", method="GET", end=True)).headers[":status"] == "200"


def headers(number: int, *flags: str, block: bytes | None = None) -> bytes:
    """Return the frame that begins a call."""
    return HeadersFrame(number, Encoder().encode(CALL) if block is None else block, flags=flags).serialize()


def frame_of(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame, whatever it says."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


WHOLE: Final = ("END_HEADERS", "END_STREAM")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(headers(2, *WHOLE), 1, id="even stream"),
        pytest.param(headers(5, *WHOLE) + headers(3, *WHOLE), 1, id="stream that does not grow"),
        pytest.param(b"\0\0\1\0\0\0\0\0\0x", 1, id="data on the connection"),
        pytest.param(DataFrame(7, b"x").serialize(), 1, id="data on an idle stream"),
        pytest.param(headers(1, *WHOLE, block=b"\xff\xff\xff\xff"), 9, id="damaged HPACK"),
        pytest.param(headers(1, *WHOLE, block=b"\xbf"), 9, id="unknown index of HPACK"),
        pytest.param(headers(1, "END_HEADERS") + frame_of(0, 0, 1, bytes(20_000)), 6, id="frame beyond the limit"),
        pytest.param(b"\0\0\7\6\0\0\0\0\0" + bytes(7), 6, id="PING of seven bytes"),
        pytest.param(WindowUpdateFrame(0, window_increment=2**31 - 1).serialize() * 2, 3, id="window that overflows"),
        pytest.param(SettingsFrame(0, {4: 2**31}).serialize(), 3, id="window of a setting that overflows"),
        pytest.param(SettingsFrame(0, {5: 1}).serialize(), 1, id="invalid setting"),
        pytest.param(headers(1) + PingFrame(0, bytes(8)).serialize(), 1, id="PING within headers"),
        pytest.param(ContinuationFrame(1, b"").serialize(), 1, id="continuation of nothing"),
        pytest.param(b"\0\0\4\x05\4\0\0\0\1\0\0\0\2", 1, id="PUSH_PROMISE of a client"),
        pytest.param(frame_of(4, 0, 0, b"12345"), 6, id="SETTINGS of five bytes"),
        pytest.param(frame_of(4, 0, 1, b""), 1, id="SETTINGS of a stream"),
        pytest.param(SettingsFrame(0, {2: 2}).serialize(), 1, id="setting that is neither 0 nor 1"),
        pytest.param(frame_of(8, 0, 0, bytes(4)), 1, id="WINDOW_UPDATE by nothing"),
        pytest.param(frame_of(8, 0, 0, b"123"), 6, id="WINDOW_UPDATE of three bytes"),
        pytest.param(frame_of(8, 0, 7, b"\0\0\0\1"), 1, id="WINDOW_UPDATE of an idle stream"),
        pytest.param(frame_of(3, 0, 7, bytes(4)), 1, id="RST_STREAM of an idle stream"),
        pytest.param(frame_of(3, 0, 0, bytes(4)), 1, id="RST_STREAM of the connection"),
        pytest.param(headers(1, "END_HEADERS") + frame_of(3, 0, 1, b"123"), 6, id="RST_STREAM of three bytes"),
        pytest.param(frame_of(2, 0, 0, bytes(5)), 1, id="PRIORITY of the connection"),
        pytest.param(headers(1, "END_HEADERS") + frame_of(2, 0, 1, b"123"), 6, id="PRIORITY of three bytes"),
        pytest.param(frame_of(7, 0, 1, bytes(8)), 1, id="GOAWAY of a stream"),
        pytest.param(frame_of(7, 0, 0, bytes(4)), 6, id="GOAWAY of four bytes"),
        pytest.param(frame_of(6, 0, 1, bytes(8)), 1, id="PING of a stream"),
        pytest.param(frame_of(1, 4, 0, b"\x82"), 1, id="headers of the connection"),
        pytest.param(frame_of(1, 4 | 8, 1, b"\xff\x82"), 1, id="headers with too much padding"),
        pytest.param(headers(1, "END_HEADERS") + frame_of(0, 8, 1, b"\xff12"), 1, id="data with too much padding"),
        pytest.param(headers(1, "END_HEADERS") * 2, 1, id="trailers that do not end the stream"),
        pytest.param(headers(1) + ContinuationFrame(3, b"").serialize(), 1, id="continuation of another stream"),
        pytest.param(headers(1, *WHOLE, block=b"\x80"), 9, id="index 0 of HPACK"),
        pytest.param(headers(1, *WHOLE, block=b"\xff" * 30 + b"\x7f"), 9, id="endless number of HPACK"),
        pytest.param(headers(1, *WHOLE, block=b"\x3f\xff\xff\x7f"), 9, id="table of HPACK that is too large"),
        pytest.param(headers(1, *WHOLE, block=b"\x82\x20"), 9, id="late size of HPACK's table"),
        pytest.param(headers(1, *WHOLE, block=b"\0\x84\xff\xff\xff\xff\0"), 9, id="end within Huffman's code"),
    ],
)
def test_a_violation_of_the_protocol_ends_in_goaway(ycimages: Double, data: bytes, code: int) -> None:
    """With the code that RFC 9113 says; h2 as a client reads the answer, and the listener serves on."""
    received = sent(ycimages, HELLO + data)
    assert goaway(received) == code
    assert ("GOAWAY", code) in told(received)
    assert serves(ycimages)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PREFACE + PingFrame(0, bytes(8)).serialize(), id="PING"),
        pytest.param(PREFACE + SettingsFrame(0, flags=["ACK"]).serialize(), id="acknowledgement"),
        pytest.param(PREFACE + headers(1, *WHOLE), id="headers"),
    ],
)
def test_the_first_frame_is_settings(ycimages: Double, data: bytes) -> None:
    """Any other ends the connection, however its bytes come."""
    assert goaway(sent(ycimages, data)) == 1
    assert serves(ycimages)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(headers(1, "END_HEADERS") + frame_of(8, 0, 1, b"\x7f\xff\xff\xff") * 2, 3, id="window"),
        pytest.param(headers(1, *WHOLE) + DataFrame(1, b"x").serialize(), 5, id="data behind the end"),
        pytest.param(headers(1, *WHOLE) * 2, 5, id="headers behind the end"),
        pytest.param(
            headers(1, "END_HEADERS") + RstStreamFrame(1, 8).serialize() + DataFrame(1, b"x").serialize(),
            5,
            id="data behind RST_STREAM",
        ),
    ],
)
def test_a_violation_of_a_stream_ends_the_stream(ycimages: Double, data: bytes, code: int) -> None:
    """With its code; the next request of the connection is answered."""
    answered = told(sent(ycimages, HELLO + data + headers(3, *WHOLE)))
    assert ("RST_STREAM", code) in answered
    assert ("answer", 3) in answered
    assert "GOAWAY" not in {kind for kind, _ in answered}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PriorityFrame(9, depends_on=3).serialize(), id="PRIORITY of an idle stream"),
        pytest.param(b"\0\0\3\xc8\0\0\0\0\1abc", id="unknown frame"),
        pytest.param(b"", id="nothing"),
        pytest.param(PingFrame(0, b"12345678").serialize(), id="PING"),
    ],
)
def test_what_is_allowed_is_let_pass(ycimages: Double, data: bytes) -> None:
    """And the call after it is answered."""
    answered = frames(sent(ycimages, HELLO + data + headers(1, *WHOLE)))
    assert any(isinstance(frame, HeadersFrame) for frame in answered)
    assert not any(isinstance(frame, GoAwayFrame) for frame in answered)


def test_a_bomb_of_headers_is_refused(ycimages: Double) -> None:
    """One entry of 4 KiB in the table, named 10,000 times."""
    encoder = Encoder()
    block = encoder.encode([*CALL, ("x-bomb", "b" * 4000)]) + b"\xbe" * 10_000
    parts = [block[start : start + 16_000] for start in range(0, len(block), 16_000)]
    data = HeadersFrame(1, parts[0], flags=["END_STREAM"]).serialize()
    data += b"".join(ContinuationFrame(1, part).serialize() for part in parts[1:])
    data += ContinuationFrame(1, b"", flags=["END_HEADERS"]).serialize()
    assert goaway(sent(ycimages, HELLO + data)) in {1, 9, 11}
    assert serves(ycimages)


def test_a_flood_of_continuations_is_refused(ycimages: Double) -> None:
    """Headers that never end."""
    data = headers(1) + ContinuationFrame(1, b"").serialize() * 1000
    assert goaway(sent(ycimages, HELLO + data)) in {1, 11}


@pytest.mark.costly
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(PingFrame(0, bytes(8)).serialize(), id="PING"),
        pytest.param(SettingsFrame(0).serialize(), id="SETTINGS"),
        pytest.param(PriorityFrame(1, depends_on=3).serialize(), id="PRIORITY"),
        pytest.param(WindowUpdateFrame(0, window_increment=1).serialize(), id="WINDOW_UPDATE"),
    ],
)
def test_a_flood_is_refused(ycimages: Double, frame: bytes) -> None:
    """With ENHANCE_YOUR_CALM, after ten thousand frames that ask for nothing."""
    assert goaway(sent(ycimages, HELLO + frame * 10_100)) == 11
    assert serves(ycimages)


@pytest.mark.costly
def test_rapid_reset_is_refused(ycimages: Double) -> None:
    """Requests that are taken back at once, again and again."""
    encoder = Encoder()
    pairs = (
        HeadersFrame(number, encoder.encode(CALL), flags=["END_HEADERS"]).serialize()
        + RstStreamFrame(number, 8).serialize()
        for number in range(1, 20_300, 2)
    )
    assert goaway(sent(ycimages, HELLO + b"".join(pairs))) == 11
    assert serves(ycimages)


@pytest.mark.costly
def test_too_many_streams_are_refused(ycimages: Double) -> None:
    """One at a time, with REFUSED_STREAM, or the connection; the others are not lost to another connection."""
    data = HELLO + b"".join(headers(2 * number + 1, "END_HEADERS") for number in range(1100))
    assert frames(sent(ycimages, data))
    assert serves(ycimages)


def test_a_hanging_call_holds_up_no_other_and_ends_with_the_double() -> None:
    """Closing the double ends everything at once."""
    with Double() as double:
        double.inject(hang(), on="images.get")
        with Http2(double) as client:
            client.start_call("yandex.cloud.compute.v1.ImageService/Get")
            number = client.start_call("yandex.cloud.compute.v1.ImageService/Get")
            client.conn.send_data(number, b"\0\0\0\0\0", end_stream=True)
            assert client.answer(client.start("/endpoints", method="GET", end=True)).headers[":status"] == "200"
            double.close()
            with pytest.raises(ConnectionError):
                client.answer(number)
    assert not [thread for thread in threading.enumerate() if str(double.port) in thread.name]


GOOD: Final = HELLO + headers(1, "END_HEADERS") + DataFrame(1, b"\0\0\0\0\0", flags=["END_STREAM"]).serialize()


def damaged(changes: dict[int, int]) -> bytes:
    """Return the bytes of a good call with some of them changed."""
    data = bytearray(GOOD)
    for place, value in changes.items():
        data[place] = value
    return bytes(data)


BYTE: Final = st.integers(0, 255)
GOOD_FRAMES: Final = [
    headers(3, *WHOLE),
    DataFrame(1, b"\0\0\0\0\0").serialize(),
    DataFrame(1, b"", flags=["END_STREAM"]).serialize(),
    RstStreamFrame(1, 8).serialize(),
    WindowUpdateFrame(1, window_increment=9).serialize(),
    PingFrame(0, bytes(8)).serialize(),
    SettingsFrame(0, {4: 0}).serialize(),
]
"""Frames that may follow the headers of a call."""
ANY_FRAME: Final = st.builds(
    frame_of,
    st.one_of(st.integers(0, 10), BYTE),
    st.one_of(st.sampled_from([0, 1, 4, 5]), BYTE),
    st.sampled_from([0, 1, 2, 3, 5, 2**31 - 1]),
    st.one_of(st.sampled_from([b"", bytes(4), bytes(5), bytes(8)]), st.binary(max_size=100)),
)
BLOCK: Final = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\x82", b"\x86", b"\x84", b"\x41\x01a", b"\x20", b"\x3f\xe1\x1f", b"\xff\x80\x01", b"\xbe" * 900]
        ),
        st.builds(
            lambda name, value: b"\x40" + name + value, *[st.sampled_from([b"\x01a", b"\x82\x1f\xff", b"\x7f\x00"])] * 2
        ),
        st.just(b"\x40\x01b\x7f\xa1\x1e" + b"b" * 4000),
        st.binary(max_size=8),
    ),
    max_size=12,
).map(b"".join)
"""Blocks of HPACK: fields by index and by text, sizes of the table, entries that fill it and are named again."""


def split(block: bytes, size: int) -> bytes:
    """Return a block in HEADERS and CONTINUATION frames."""
    parts = [block[start : start + size] for start in range(0, len(block), size)] or [b""]
    sent = HeadersFrame(1, parts[0], flags=["END_STREAM"]).serialize()
    sent += b"".join(ContinuationFrame(1, part).serialize() for part in parts[1:])
    return HELLO + sent + ContinuationFrame(1, b"", flags=["END_HEADERS"]).serialize()


NOISE: Final = st.one_of(
    st.builds(split, BLOCK, st.sampled_from([100, 16_000])),
    st.lists(ANY_FRAME, min_size=1, max_size=12).map(lambda frames: HELLO + b"".join(frames)),
    st.builds(
        lambda good, bad: HELLO + headers(1, "END_HEADERS") + b"".join(good) + bad,
        st.lists(st.sampled_from(GOOD_FRAMES), max_size=6),
        ANY_FRAME,
    ),
    st.dictionaries(st.integers(len(PREFACE), len(GOOD) - 1), BYTE, min_size=1, max_size=6).map(damaged),
    st.builds(lambda length, rest: PREFACE[:length] + rest, st.integers(1, len(PREFACE)), st.binary(max_size=80)),
    st.binary(max_size=80).map(lambda rest: b"\x16" + rest),
)
"""Frames at random, good bytes with errors, and what is neither HTTP/2 nor TLS."""


@pytest.fixture(scope="module")
def target() -> Iterator[Double]:
    """Return a double that has served each protocol once."""
    with Double() as double:
        assert serves(double)
        sent(double, b"\x16")
        yield double


def open_files() -> int:
    """Return how many descriptors the process has open, as far as the system tells."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.is_dir() else 0


def sessions() -> int:
    """Return how many connections over HTTP/2 are in memory."""
    return sum(isinstance(each, Http2Session) for each in gc.get_objects())


@pytest.mark.costly
def test_nothing_is_kept_of_broken_connections(target: Double) -> None:
    """Neither threads, nor descriptors, nor memory."""
    gc.collect()
    threads, files, kept = len(serving()), open_files(), sessions()
    for number in range(60):
        sent(target, HELLO + headers(1, "END_HEADERS") + (headers(2) if number % 2 else b"\0" * 20))
    assert serves(target)
    until(lambda: len(serving()) <= threads)
    until(lambda: open_files() < files + 30)  # half of them: clients of other tests may open some meanwhile
    gc.collect()
    assert sessions() <= kept + 1  # the thread of the last one may still be ending


def serving() -> list[threading.Thread]:
    """Return the threads of doubles."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("ycimages:")]


def until(condition: Callable[[], bool]) -> None:
    """Wait for what threads of doubles that are ending bring about."""
    for thread in serving():
        if not condition():
            thread.join(0.2)
    assert condition()


ANY_CALL: Final = st.tuples(
    st.sampled_from(sorted(rpcs())),
    st.binary(max_size=60) | st.binary(max_size=60).map(framed),
    st.dictionaries(
        st.sampled_from(["grpc-timeout", "grpc-encoding", "grpc-previous-rpc-attempts", "x-a-bin", "idempotency-key"]),
        st.sampled_from(["", "1S", "99999999H", "x", "gzip", "identity", "snappy", "\xe4", "-1", "9" * 300]),
        max_size=2,
    ),
)


@given(calls=st.lists(ANY_CALL, min_size=1, max_size=5))
@settings(deadline=None, max_examples=20)
def test_any_bytes_are_answered_with_a_status(target: Double, calls: list[tuple[str, bytes, dict[str, str]]]) -> None:
    """By every method, whatever the metadata; the double itself does not fail."""
    with Http2(target) as client:
        for path, data, metadata in calls:
            if not path.endswith("/Watch"):  # which goes on
                assert client.call(path.removeprefix("/"), data, *metadata.items()).headers["grpc-status"].isdecimal()
    assert target._backing.pipeline.failure is None  # noqa: SLF001 - what would fail the test of its owner


def bear(double: Double, data: bytes) -> None:
    """Send noise; the listener serves on, and nothing leaks."""
    before = open_files()
    sent(double, data)
    assert serves(double)
    assert open_files() <= before + 2  # the thread of a closed connection may still be ending
    assert double._backing.pipeline.failure is None  # noqa: SLF001 - what would fail the test of its owner


_borne: Final = count(1)
_KEPT: Final = 5
"""How many sessions may be in memory: those of threads that are ending."""


@given(data=NOISE)
@settings(deadline=None, max_examples=40)
def test_noise(target: Double, data: bytes) -> None:
    """Of some connections; the test below has ten thousand."""
    bear(target, data)


@pytest.mark.slow
@pytest.mark.timeout(900)
@given(data=NOISE)
@settings(deadline=None, max_examples=10_000)
def test_much_noise(target: Double, data: bytes) -> None:
    """Ten thousand connections; a good client looks in between, and at most a few are still in memory."""
    number = next(_borne)
    if number % 10:
        sent(target, data)
    else:
        bear(target, data)
    if number % 1000 == 0:
        gc.collect()
        assert sessions() <= _KEPT
