"""The frames of one HTTP/2 connection, by h2: its settings and limits, what comes in, and what goes out."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import DenialOfServiceError, H2Error, ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import HPACKError
from hyperframe.frame import GoAwayFrame, SettingsFrame

from pytest_ycimages.server.http1 import WHOLE_PREFACE
from pytest_ycimages.server.http2_headers import Decoder, Encoder
from pytest_ycimages.server.http2_stream import Head, Stream

if TYPE_CHECKING:
    from h2.events import DataReceived, Event

MAX_STREAMS: Final = 1024
"""The streams that a client may have open at once."""
MAX_HEADERS: Final = 64 * 2**10
"""Bytes of the headers of a request."""
MAX_HELD: Final = 64 * 2**20
"""Bytes of requests that a connection holds before it answers them."""
_WINDOW: Final = 2**20
"""Bytes that a stream may send before the double has read them."""
_ACKNOWLEDGES: Final = 1
"""The flag of SETTINGS that acknowledge those of the other side."""
_CODE: Final = 4
"""Bytes of the error code at the end of GOAWAY."""


class Frames:
    """The server's side of a connection, in frames."""

    def __init__(self) -> None:
        config = H2Configuration(  # what the double sends is in order, and what it receives is judged in http2_headers
            client_side=False,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
        )
        self._opening: bytes | None = b""
        self._read = 0
        self._conn = H2Connection(config)
        self._conn.encoder, self._conn.decoder = Encoder(), Decoder(MAX_HEADERS)
        self._conn.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADERS,
                SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
            },
        )
        self._conn.initiate_connection()
        self._conn.increment_flow_control_window(MAX_HELD)
        self.taken = self._conn.data_to_send
        """Return the bytes to send, since the last time."""

    def events(self, data: bytes) -> list[Event]:
        """Return what the client says.

        Raises:
            ProtocolError: it has broken the protocol.
        """
        return self._conn.receive_data(data if self._opening is None else self._opened(data))

    def _opened(self, data: bytes) -> bytes:
        """Hold back the first bytes until they show that the client begins with its settings, which h2 does not check.

        Raises:
            ProtocolError: it does not.
        """
        opening, length = (self._opening or b"") + data, len(WHOLE_PREFACE)
        kind, flags = opening[length + 3 : length + 4], opening[length + 4 : length + 5]
        if WHOLE_PREFACE.startswith(opening[:length]) and not flags:
            self._opening = opening
            return b""
        self._opening = None
        if opening.startswith(WHOLE_PREFACE) and (kind[0] != SettingsFrame.type or flags[0] & _ACKNOWLEDGES):
            self._conn.close_connection(ErrorCodes.PROTOCOL_ERROR)
            raise ProtocolError("the first frame of a client is SETTINGS")
        return opening

    def acknowledge(self, event: DataReceived) -> None:
        """Let the client send as many bytes again: behind the end of a stream, other streams, and not each time."""
        length = event.flow_controlled_length or 0
        with suppress(H2Error):  # it has reset the stream, or ended the connection
            if event.stream_ended is None:
                self._conn.acknowledge_received_data(length, event.stream_id or 0)
                return
            self._read += length
            if self._read >= _WINDOW:
                self._conn.increment_flow_control_window(self._read)
                self._read = 0

    def send(self, stream: Stream) -> bool:
        """Send the next frame of an answer, as far as the client's windows allow; return whether one left.

        Raises:
            H2Error: the client has reset the stream.
        """
        segment, number, conn = stream.segments[0], stream.number, self._conn
        is_last = len(stream.segments) == 1 and not stream.is_open_ended
        if isinstance(segment, Head):
            if stream.allowance is not None and not stream.may_send(segment.size()):
                return False
            stream.has_head = True
            stream.segments.popleft()
            conn.send_headers(number, ((b"", segment.block),), end_stream=is_last)
        else:
            room = min(conn.local_flow_control_window(number), conn.max_outbound_frame_size)
            part = segment[: room if stream.allowance is None else min(room, stream.allowance)]
            if not part or not stream.may_send(len(part)):
                return False
            stream.segments[0] = rest = segment[len(part) :]
            if not rest:
                stream.segments.popleft()
            is_last = is_last and not rest
            conn.send_data(number, bytes(part), end_stream=is_last)
        if is_last:
            if not stream.has_ended:  # the answer came before the end of the request
                conn.reset_stream(number, ErrorCodes.NO_ERROR)
            stream.is_over = True
        return True

    def reset(self, number: int, code: int) -> None:
        """End a stream with RST_STREAM."""
        with suppress(H2Error):  # the client has reset it
            self._conn.reset_stream(number, code)

    def close(self, code: ErrorCodes) -> None:
        """End the connection with GOAWAY."""
        with suppress(H2Error):  # it is closed already
            self._conn.close_connection(code)

    def refusal(self, error: ProtocolError) -> bytes:
        """Return the GOAWAY that h2 has written for an error, with the code that HPACK's errors have."""
        sent = self.taken()
        if isinstance(error.__cause__, HPACKError) and not isinstance(error, DenialOfServiceError):
            sent = sent[:-_CODE] + ErrorCodes.COMPRESSION_ERROR.to_bytes(_CODE, "big")
        return sent


def goaway(code: int, last: int) -> bytes:
    """Return a GOAWAY beside h2, which sends nothing after one: the streams up to `last` go on."""
    return GoAwayFrame(0, last_stream_id=last, error_code=code).serialize()
