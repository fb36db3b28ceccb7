"""Between calls as every transport has them and interactions as a cassette holds them. Pure functions."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pytest_ycimages.api.code import HTTP_STATUS, Code
from pytest_ycimages.api.exchange import Reply, Verbatim
from pytest_ycimages.cassette.answers import is_image, summarize
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.requests import is_loopback, json_value, service_host, split_authority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import RecordedResponse

_SAFE: Final = "/:@!$&'()*+,;=-._~"
_BRACKETS: Final = str.maketrans({"[": "%5B", "]": "%5D"})
"""In a host they stand around an IPv6 address or nowhere, so a client's nonsense would be no address."""
_HTTP: Final = "80"
_HTTPS: Final = "443"

_CONNECTION: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
"""The headers that belong to a connection, and not to what it carried."""

_CODES: Final = {
    **{status: code for code, status in reversed(HTTP_STATUS.items())},
    400: Code.INVALID_ARGUMENT,
    409: Code.ALREADY_EXISTS,
    500: Code.INTERNAL,
}
"""The code that an HTTP status stands for when the body says none."""


def asked_of(request: Request) -> RecordedRequest:
    """What a cassette says was asked, before anything is scrubbed from it.

    A client that spoke to the double's own address has spoken to the service: the path says to which host of it.
    """
    verb, _, target = request.line.partition(" ")
    path, mark, query = target.partition("?")
    uri = f"{_origin(request.authority, path)}{quote(path, safe=_SAFE)}{mark}{query}"
    return RecordedRequest(verb, uri, tuple(request.metadata.items()), request.body)


def _origin(authority: str, path: str) -> str:
    host, port = split_authority(authority)
    if not host or is_loopback(host):
        return f"https://{service_host(path)}"
    host = host.translate(_BRACKETS)
    if port == _HTTP:
        return f"http://{host}"
    return f"https://{host}{f':{port}' if port not in {'', _HTTPS} else ''}"


def reply_of(response: RecordedResponse, verb: str = "GET") -> Reply:
    """The answer to a `verb` as the journal understands it, and word for word for a transport that speaks HTTP."""
    told = summarize(response)
    body = told.body if isinstance(told.body, dict) else {}
    headers = tuple((name, value) for name, value in response.headers if name not in _CONNECTION)
    is_head = verb == "HEAD"
    image_id = str(body["id"]) if is_image(body) else told.image_id
    return Reply(
        _code(response.status, body),
        body,
        dict(headers),
        told.operation_id or None,
        image_id or None,
        _note(told, body),
        verbatim=Verbatim(
            response.status, (*headers, *_length(response)) if is_head else headers, response.body, is_head
        ),
    )


def _length(response: RecordedResponse) -> tuple[tuple[str, str], ...]:
    """The length that an answer to HEAD tells, which is that of another answer's body."""
    told = dict(response.headers).get("content-length", "")
    return (("content-length", told),) if told.isascii() and told.isdecimal() else ()


def json_of(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is; an empty one for any other body."""
    read = json_value(body)
    return read if isinstance(read, dict) else {}


def _code(status: int, body: Mapping[str, Any]) -> Code:
    if status < HTTPStatus.BAD_REQUEST:
        return Code.OK
    said = body.get("code")
    if isinstance(said, int) and said in Code.__members__.values() and said != Code.OK:
        return Code(said)
    return _CODES.get(status, Code.UNKNOWN)


def _note(told: AnswerSummary, body: dict[str, Any]) -> str:
    """What an answer says of its operation or image, in a word; what a refusal says, in its own."""
    if told.operation_id:
        error = body.get("error")
        return str(error.get("message", "failed")) if isinstance(error, dict) else "done" if told.done else "running"
    return str(body.get("status", "") if is_image(body) else body.get("message", ""))
