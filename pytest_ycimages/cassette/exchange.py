"""Conversion between calls and recorded interactions, and the recorder, which writes each call, redacted."""

from __future__ import annotations

import re
import threading
import traceback
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from pytest_ycimages.api.exchange import Reply, Verbatim
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Code, error_code
from pytest_ycimages.cassette.answers import Compactor, ShownResources, is_image, summarize
from pytest_ycimages.cassette.file import item_text
from pytest_ycimages.cassette.model import Interaction, RecordedRequest, stored_decoded
from pytest_ycimages.cassette.requests import json_object, normalize
from pytest_ycimages.errors import CassetteError, UsageError, YCImagesError, shortened
from pytest_ycimages.hosts import is_loopback, service_host, split_authority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.file import CassetteWriter
    from pytest_ycimages.cassette.model import RecordedResponse
    from pytest_ycimages.cassette.redact import Redactor
    from pytest_ycimages.cassette.upstream import Upstream
    from pytest_ycimages.cloud.clock import Clock

_SAFE: Final = "/:@!$&'()*+,;=-._~"
_PLAIN: Final = re.compile(r"[\w/:@!$&'()*+,;=.~-]*", re.ASCII)
_NUMBERED: Final = re.compile(r"#[0-9]+")
_BRACKETS: Final = str.maketrans({"[": "%5B", "]": "%5D"})
"""In a host they are part of an IPv6 address or invalid."""
_PORTS: Final = {"http": "80", "https": "443"}

_CONNECTION: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
"""The headers that belong to a connection, and not to its contents."""

_CODES: Final = {
    **{code.http_status: code for code in reversed(Code)},
    400: Code.INVALID_ARGUMENT,
    409: Code.ALREADY_EXISTS,
    500: Code.INTERNAL,
}
"""The code of an HTTP status when the body has none."""

_GRPC_CODES: Final = {
    400: Code.INTERNAL,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    **dict.fromkeys((429, 502, 503, 504), Code.UNAVAILABLE),
}
"""The code of an HTTP status for a client of gRPC without a message in the body: the table of gRPC itself."""


def recorded_request(request: Request) -> RecordedRequest:
    """Return a request as a cassette holds it, before it is redacted.

    A client that called the double's own address has called the service: the path says which of its hosts.
    """
    verb, _, target = request.line.partition(" ")
    path, mark, query = target.partition("?")
    word = path.removeprefix("/").partition("/")[0]
    quoted = path if _PLAIN.fullmatch(path) else quote(path, safe=_SAFE)
    uri = f"{_origin(request.authority, word)}{'' if quoted.startswith('/') else '/'}{quoted}{mark}{query}"
    headers = tuple(request.metadata.items())
    if request.grpc is not None and request.body:  # the metadata has none: over gRPC it is that of the hop
        headers = (("content-type", "application/json"), *headers)
    return RecordedRequest(verb, uri, headers, request.body)


def check_translated(request: Request) -> None:
    """Raise if a call over gRPC says what the REST gateway cannot be asked.

    Raises:
        UsageError: its method has no REST twin, or it has a field that the messages of the double do not know.
    """
    if request.grpc is None:
        return
    if request.method == UNROUTED:
        problem = "the double knows no REST request that asks for the same"
    elif unknown := _numbered(json_object(request.body)):
        problem = f"its request has fields that the double's messages do not know, by number: {', '.join(unknown)}"
    else:
        return
    raise UsageError(
        f"{request.grpc.rpc} cannot be recorded, and was not sent: {problem}. A call over gRPC is recorded against the "
        'service\'s REST gateway. Send it over REST; or pin the test with mode="fake".'
    )


def _numbered(fields: Mapping[str, Any]) -> list[str]:
    """Return the fields that are named by their numbers, such as `#19`, at any depth."""
    found = [name for name in fields if _NUMBERED.fullmatch(name)]
    inner = [value for name, value in fields.items() if name != "labels" and isinstance(value, dict)]
    return found + [name for each in inner for name in _numbered(each)]


@lru_cache(maxsize=256)
def _origin(authority: str, word: str) -> str:
    """Return scheme and host of a request, by its authority and the first word of its path."""
    host, port = split_authority(authority)
    if authority.startswith("[") is not (":" in host):  # neither a name nor an address
        return f"https://{quote(authority)}"
    if not host or is_loopback(host):
        return f"https://{service_host(word)}"
    host = host.translate(_BRACKETS)
    if port == _PORTS["http"]:
        return f"http://{host}"
    return f"https://{host}{f':{port}' if port not in {'', _PORTS['https']} else ''}"


def reply_of(
    response: RecordedResponse, verb: str = "GET", answer: AnswerSummary | None = None, *, over_grpc: bool = False
) -> Reply:
    """Return the reply that a response is: for the journal, and verbatim for HTTP.

    Args:
        response: the response.
        verb: that of its request.
        answer: its summary, if it is known.
        over_grpc: whether the client gets it over gRPC, where the status of HTTP says something else.
    """
    answer = answer or summarize(response)
    body = answer.body if isinstance(answer.body, dict) else {}
    headers = tuple(
        [
            (name, value if value.isascii() else _as_sent(value))
            for name, value in response.headers
            if name not in _CONNECTION
        ]
    )
    is_head = verb == "HEAD"
    image_id = str(body["id"]) if is_image(body) else answer.image_id
    sent = (*headers, *_length(response)) if is_head else headers
    code = Code.OK if response.status < HTTPStatus.BAD_REQUEST else _error_code(response.status, body)
    note = _note(answer, body)
    is_message = answer.body is body and (answer.ok or error_code(body) is not None)
    if over_grpc and not is_message:  # of the gateway itself, or of what stands before it
        code = _GRPC_CODES.get(response.status, Code.UNKNOWN)
        note = note or _plain_text(response) or f"The gateway answered with the HTTP status {response.status}"
    return Reply(
        code,
        body,
        dict(headers),
        answer.operation_id or None,
        image_id or None,
        note,
        verbatim=Verbatim(response.status, sent, response.body, is_head),
    )


def _as_sent(value: str) -> str:
    """Return the value of a header as HTTP has it: a character for each byte. Some recorders decode UTF-8."""
    return value if max(value) <= "\xff" else value.encode("utf-8", "replace").decode("latin-1")


def _length(response: RecordedResponse) -> tuple[tuple[str, str], ...]:
    """Return the length of an answer to HEAD: that of the body of another answer."""
    length = dict(response.headers).get("content-length", "")
    return (("content-length", length),) if length.isascii() and length.isdecimal() else ()


def _plain_text(response: RecordedResponse) -> str:
    """Return the text of a response that is plain text."""
    is_text = dict(response.headers).get("content-type", "").startswith("text/plain")
    return shortened(response.body.decode("utf-8", "replace").strip()) if is_text else ""


def _error_code(status: int, body: Mapping[str, Any]) -> Code:
    code = error_code(body)
    return _CODES.get(status, Code.UNKNOWN) if code is None else code


def _note(answer: AnswerSummary, body: dict[str, Any]) -> str:
    """Return the state of the operation or image in a word; the message of a refusal."""
    if answer.operation_id:
        error = body.get("error")
        return str(error.get("message", "failed")) if isinstance(error, dict) else "done" if answer.done else "running"
    return str(body.get("status", "") if is_image(body) else body.get("message", ""))


# Recording.


class Recorder:
    """Forwards calls and records them. Safe for threads; calls do not wait for each other's answers.

    Args:
        upstream: the service, or a double in its place.
        writer: writes the cassette.
        clock: the time at which a call came.
        scrubber: redacts secrets, and replaces ids by pseudonyms.

    Attributes:
        metadata: the metadata of the cassette.
        replaces: whether an older cassette stays in place until this one is complete.
        shown: the resources that the clients were shown.
        problems: why something could not be written; then nothing is kept.
        is_whole: whether every call was answered and written, and the test went well. If not, an older cassette stays.
    """

    def __init__(self, *, upstream: Upstream, writer: CassetteWriter, clock: Clock, scrubber: Redactor) -> None:
        self.metadata = writer.metadata
        self.replaces = writer.replaces
        self.shown = ShownResources()
        self.problems: list[YCImagesError] = []
        self.is_whole = True
        self._is_deferred = False
        self._upstream = upstream
        self._writer = writer
        self._clock = clock
        self._began_at = clock.now()
        self._scrubber = scrubber
        self._compactor = Compactor()
        self._recorded: list[Interaction] = []
        self._lock = threading.Lock()

    @property
    def recorded(self) -> Sequence[Interaction]:
        """The interactions written by now."""
        return tuple(self._recorded)

    def forward(self, request: Request) -> Reply:
        """Return the answer to a call, and write both. An error on the way leaves a gap in the recording.

        Raises:
            UsageError: the upstream cannot be reached.
        """
        try:
            return self._forward(request)
        except BaseException as error:  # noqa: BLE001 - raised below, without its frames
            failure = _without_frames(error)
        self.is_whole = False
        failure.add_note(f"So the recording of {self._writer.path} has a gap. An older cassette there stays.")
        raise failure

    def _forward(self, request: Request) -> Reply:
        check_translated(request)
        asked = recorded_request(request)
        at = self._clock.now()
        answer = self._upstream.send(asked)
        duration = (self._clock.now() - at) / SECOND
        interaction = Interaction(asked, answer, (at - self._began_at) / SECOND, duration)
        shown = stored_decoded(interaction).response
        summary = summarize(shown)
        with self._lock:
            self.shown.add(normalize(asked), summary, shown)
            if not self.problems:
                try:
                    self._write(interaction)
                except CassetteError as error:
                    self.problems.append(_without_frames(error))
                except OSError as error:
                    self.problems.append(CassetteError(f"{self._writer.path} cannot be written: {error}"))
        over_grpc = request.grpc is not None
        return reply_of(shown if over_grpc else answer, asked.method, summary, over_grpc=over_grpc)

    def close(self, *, whole: bool = True) -> None:
        """End the recording. If something could not be written, the old cassette stays, and the new one is removed.

        Args:
            whole: whether the test went well. If not, or if there is a gap, an old cassette stays as it was; without
                one, the new one is kept, but not marked as complete.
        """
        with self._lock:
            self.is_whole = self.is_whole and whole
            self._upstream.close()
            if self._is_deferred:
                return
            if self.problems:
                self._writer.discard()
            elif self.is_whole:
                self._writer.close()
            else:
                self._writer.cut_off()

    def defer(self) -> None:
        """Keep the recording open when it is closed, until `finish` is called."""
        self._is_deferred = True

    def finish(self, *, whole: bool) -> None:
        """End a deferred recording, as `close` does."""
        self._is_deferred = False
        self.close(whole=whole)

    def discard(self) -> None:
        """Drop the recording: an old cassette stays as it was, and the new one is removed."""
        with self._lock:
            self._writer.discard()

    def _write(self, interaction: Interaction) -> None:
        kept = self._compactor.add(self._scrubber.scrub(interaction))
        if kept is not None:
            self._scrubber.check(item_text(kept), str(self._writer.path), kept)
            self._writer.append(kept)
            self._recorded.append(kept)


_Error = TypeVar("_Error", bound=BaseException)


def _without_frames(error: _Error) -> _Error:
    """Return an error without its frames, whose variables reports of tests print: they hold what was answered.

    An error of this package says all in its text. For others, a note names the lines of code.
    """
    if isinstance(error, Exception) and not isinstance(error, YCImagesError):
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
