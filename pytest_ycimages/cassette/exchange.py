"""Conversion between calls and recorded interactions, and the service that answers calls from a cassette."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pytest_ycimages.api.exchange import NO_METADATA, Reply, Verbatim
from pytest_ycimages.api.methods import UNROUTED
from pytest_ycimages.api.status import Code, Status, error_code
from pytest_ycimages.cassette.answers import is_image, summarize
from pytest_ycimages.cassette.model import RecordedRequest, UnreadableBodyError
from pytest_ycimages.cassette.no_match import NoMatch
from pytest_ycimages.cassette.requests import json_object
from pytest_ycimages.cloud.service import refusal
from pytest_ycimages.errors import NoMatchError, SecretFoundError, UsageError, shortened
from pytest_ycimages.hosts import is_loopback, service_host, split_authority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import RecordedResponse
    from pytest_ycimages.cassette.player import Player
    from pytest_ycimages.cassette.redact import Redactor
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.errors import YCImagesError

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

_MOVED: Final = frozenset({"manual", "virtual"})
"""The clocks that move while a client waits, or that the test moves; under frozen time a client would poll for ever."""


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


class ReplayService:
    """Answers calls from a cassette, in the place of the cloud. Callers hold the double's lock.

    Args:
        player: the player of the cassette.
        clock: the double's time; where a test moves it, operations advance by it.
        scrubber: redacts requests as the recorded ones were.
        ids: the source of the ids of calls that a fault answers.

    Attributes:
        problems: requests without an answer.
    """

    def __init__(self, *, player: Player, clock: Clock, scrubber: Redactor, ids: Ids) -> None:
        self.player = player
        self.problems: list[YCImagesError] = []
        self._clock = clock
        self._scrubber = scrubber
        self._ids = ids

    def handle(self, request: Request, now: int) -> Reply:
        """Answer a call at `now`, which its clock has just shown; refuse one without a recorded answer."""
        try:
            asked = self._scrubber.scrub_request(recorded_request(request))
        except UnreadableBodyError as error:  # so it cannot have been recorded
            return self._refused(SecretFoundError(f"{error.what} So no cassette has it, and it was not answered."))
        key = request.metadata.get("idempotency-key", "")
        played = self.player.play(asked, now, by_time=self._clock.last_kind in _MOVED, idempotency_key=key)
        if isinstance(played, NoMatch):
            return self._refused(NoMatchError(str(played)))
        return reply_of(played.response, asked.method, played.answer, over_grpc=request.grpc is not None)

    def _refused(self, problem: YCImagesError) -> Reply:
        """Return a refusal that no client retries, and fail the test."""
        self.problems.append(problem)
        return self.refuse(Status(code=Code.FAILED_PRECONDITION, message=str(problem)))

    def refuse(self, error: Status, metadata: Mapping[str, str] = NO_METADATA) -> Reply:
        """Return a refusal that no cassette has."""
        return refusal(error, {"x-request-id": self._ids.request_id(), **metadata})
