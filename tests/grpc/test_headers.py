"""Header fields of HTTP/2, against h2 and hpack as oracles: which requests are malformed, and HPACK both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import hpack
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ycimages.server.http2_frames import Decoder, Encoder, encoded, request_of
from tests.grpc.test_robust import CALL, HELLO, WHOLE, frames, headers, sent

if TYPE_CHECKING:
    from pytest_ycimages import Double

    Fields = list[tuple[bytes, bytes]]

GOOD: Final = [(name.encode(), value.encode()) for name, value in CALL]
NAMES: Final = (
    *(b":method", b":scheme", b":path", b":authority", b":status", b":protocol", b":", b"host", b"te", b"cookie"),
    *(b"connection", b"transfer-encoding", b"upgrade", b"keep-alive", b"proxy-connection"),
    *(b"x-a", b"X-a", b"x a", b"x:a", b"x\0", b"\xe4", b"", b"grpc-timeout", b"x-a"),
)
VALUES: Final = (
    *(b"", b"POST", b"CONNECT", b"/", b"http", b"localhost", b"other", b"trailers", b"Trailers", b"gzip", b"1S"),
    *(b" a", b"a ", b"\ta", b"a\n", b"a\rb", b"a\0b", b"a b", b"\xff", b"x" * 300, b"x" * 300 + b"\n"),
)
FIELD: Final = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES))


def is_malformed(fields: Fields) -> bool:
    """Return what h2 says of a request, which closes the connection for a malformed one."""
    server = H2Connection(H2Configuration(client_side=False, normalize_inbound_headers=False))
    server.initiate_connection()
    block = hpack.Encoder().encode(fields)
    try:
        server.receive_data(HELLO + HeadersFrame(1, block, flags=list(WHOLE)).serialize())
    except ProtocolError:
        return True
    return False


@pytest.mark.costly
@given(
    order=st.permutations(GOOD),
    more=st.lists(FIELD, max_size=3),
    place=st.integers(0, 6),
    without=st.sets(st.sampled_from(GOOD), max_size=2),
)
@example(order=GOOD, more=[], place=0, without=set())
@example(order=GOOD, more=[(b"host", b"localhost")], place=6, without=set())
@example(order=GOOD, more=[(b":method", b"CONNECT")], place=0, without=set(GOOD[:3]))
@settings(deadline=None, max_examples=150)
def test_a_request_is_malformed_when_h2_says_so(
    order: Fields, more: Fields, place: int, without: set[tuple[bytes, bytes]]
) -> None:
    """Names, values, fields of the connection, pseudo-header fields and their order, and the host."""
    fields = [field for field in order if field not in without]
    fields[place:place] = more
    assert (request_of(fields, 0, 0) is None) is is_malformed(fields)


def test_a_request_has_each_field_once() -> None:
    """Equal fields are joined, cookies by a semicolon, and the authority is the host."""
    http = request_of([*GOOD, (b"x-a", b"1"), (b"cookie", b"a=1"), (b"x-a", b"2"), (b"cookie", b"b=2")], 1, 2)
    assert http is not None
    assert (http.method, http.path, http.headers["host"]) == ("POST", CALL[2][1], "localhost")
    assert (http.headers["x-a"], http.headers["cookie"]) == ("1,2", "a=1; b=2")


MALFORMED: Final[dict[str, Any]] = {
    "upper case": [*CALL, ("X-A", "1")],
    "no path": [*CALL[:2], *CALL[3:]],
    "two methods": [CALL[0], *CALL],
    "pseudo-header behind a field": [*CALL[1:], CALL[0]],
    "field of the connection": [*CALL, ("connection", "close")],
    "te that is not trailers": [*CALL[:-1], ("te", "gzip")],
    "another host": [*CALL, ("host", "elsewhere")],
    "line feed": [*CALL, ("x-a", "1\n2")],
}


@pytest.mark.parametrize("fields", [pytest.param(fields, id=name) for name, fields in MALFORMED.items()])
def test_a_malformed_request_ends_its_stream(ycimages: Double, fields: Any) -> None:
    """With RST_STREAM and PROTOCOL_ERROR (RFC 9113, 8.1.1); the next request of the connection is answered."""
    bad = headers(1, *WHOLE, block=hpack.Encoder().encode(fields))
    answered = frames(sent(ycimages, HELLO + bad + headers(3, *WHOLE)))
    assert [(frame.stream_id, frame.error_code) for frame in answered if isinstance(frame, RstStreamFrame)] == [(1, 1)]
    assert [frame.stream_id for frame in answered if isinstance(frame, HeadersFrame)] == [3]
    assert not any(isinstance(frame, GoAwayFrame) for frame in answered)


def test_a_malformed_request_that_is_taken_back_at_once_is_let_pass(ycimages: Double) -> None:
    """Its stream is over when the double looks at it; the next request of the connection is answered."""
    bad = headers(1, "END_HEADERS", block=hpack.Encoder().encode(MALFORMED["upper case"]))
    trailed = headers(3, "END_HEADERS") + headers(3, *WHOLE, block=hpack.Encoder().encode([("X", "1")]))
    taken_back = bad + RstStreamFrame(1, 8).serialize() + trailed + RstStreamFrame(3, 8).serialize()
    answered = frames(sent(ycimages, HELLO + taken_back + headers(5, *WHOLE)))
    assert [frame.stream_id for frame in answered if isinstance(frame, HeadersFrame)] == [5]


@pytest.mark.parametrize("trailer", [(":path", "/"), ("X", "1")], ids=["pseudo-header", "upper case"])
def test_malformed_trailers_end_their_stream(ycimages: Double, trailer: tuple[str, str]) -> None:
    """Before the call happens."""
    data = headers(1, "END_HEADERS") + DataFrame(1, b"\0\0\0\0\0").serialize()
    data += headers(1, *WHOLE, block=hpack.Encoder().encode([trailer]))
    answered = frames(sent(ycimages, HELLO + data))
    assert [(frame.stream_id, frame.error_code) for frame in answered if isinstance(frame, RstStreamFrame)] == [(1, 1)]
    assert not [call for call in ycimages.calls if not (call.grpc and call.grpc.gave_up)]


TEXT: Final = st.one_of(st.sampled_from(["", "grpc-status", ":status", "200", "0", "x" * 300]), st.text(max_size=20))


@given(blocks=st.lists(st.lists(st.tuples(TEXT, TEXT), max_size=5), max_size=5), sizes=st.lists(st.integers(0, 5000)))
@settings(deadline=None, max_examples=50)
def test_what_is_encoded_is_decoded(blocks: list[list[tuple[str, str]]], sizes: list[int]) -> None:
    """By hpack, whatever was sent before, and whatever the client says of its table."""
    encoder, decoder = Encoder(), hpack.Decoder()
    for number, fields in enumerate(blocks):
        if number < len(sizes):
            encoder.header_table_size = decoder.max_allowed_table_size = sizes[number]
        data = encoder.encode([(b"", encoded(fields))])
        assert [(str(name), str(value)) for name, value in decoder.decode(data)] == fields


@given(st.lists(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "2"])), max_size=3)))
@settings(deadline=None, max_examples=50)
def test_what_a_client_encodes_is_decoded_as_by_hpack(blocks: list[list[tuple[str, str]]]) -> None:
    """With fields that fill its table, name each other by their index, and push each other out."""
    encoder, ours, theirs = hpack.Encoder(), Decoder(2**16), hpack.Decoder()
    encoder.header_table_size = 3 * 34  # room for three
    for block in blocks:
        data = encoder.encode(block)
        assert list(ours.decode(data, raw=True)) == list(theirs.decode(data, raw=True))
