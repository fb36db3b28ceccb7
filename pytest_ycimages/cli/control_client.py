"""A client of the control API of a running double, which may be in another process or container."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from pytest_ycimages.errors import YCImagesError, printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPResponse

_PREFIX: Final = "/_ycimages/"
"""The path of the control API; `api/methods.py` has it too, but takes long to import."""

_TIMEOUT: Final = 30
"""Seconds to wait for each part of an answer. A stream of events is never silent for so long."""

_LONGEST: Final = 500
"""Characters of another server's answer that an error quotes."""


class ControlError(YCImagesError):
    """The double cannot be reached, or has refused the request. The text says what to do."""


class UnreachableError(ControlError):
    """No double answers at this address."""


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Makes calls of the control API. It passes by proxies, as a double is most often on this machine.

    Attributes:
        origin: where the double is served, such as `http://127.0.0.1:41233`.
        token: the token of the control API, if the double has one.
    """

    origin: str
    token: str | None = None

    def call(
        self, verb: str, path: str, body: object = None, *, accepted: int | None = None, **query: object
    ) -> dict[str, Any]:
        """Return the JSON answer of one call.

        Args:
            verb: the HTTP verb.
            path: what follows `/_ycimages/`.
            body: the JSON body; None for no body.
            accepted: an HTTP status of 400 or more whose answer is returned too.
            **query: query parameters; those that are None are left out.

        Raises:
            UnreachableError: no double answers.
            ControlError: the double has refused the request; the text is the double's own.
        """
        status, text = self._exchange(verb, path, body, {name: value for name, value in query.items() if value})
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or ("message" in answer and "code" in answer):
            raise UnreachableError(
                f"{self.origin} answers, but is not a double with a control API: {verb} {_PREFIX}{path} got "
                f"{status} {printable(shortened(text, _LONGEST))!r}. Give the address that `ycimages serve` "
                "printed first."
            )
        if status < _BAD_REQUEST or status == accepted:
            return answer
        problem = str(answer.get("error", answer))
        if status == _UNAUTHORIZED:
            given = "another token" if self.token else "no token"
            problem = f"{problem}\nThis command sent {given}: give --token, or set YCIMAGES_CONTROL_TOKEN."
        raise ControlError(problem)

    def calls(self, *, method: str | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the calls of the journal, page by page: those of `method`, after the call of this number."""
        token = ""
        while True:
            page = self.call("GET", "calls", method=method, after=after, page_token=token)
            yield from page["calls"]
            if not (token := page["next_page_token"]):
                return

    def events(self) -> Iterator[tuple[str, Any]]:
        """Yield what happens to the double from now on, and before: the kind of each event, and its data.

        The end is that of the double, or of the connection to it.

        Raises:
            UnreachableError: no double answers.
            ControlError: the double has refused the request.
        """
        self.call("GET", "health")
        self.call("GET", "clock")  # whose refusals are JSON
        try:
            with self._opened("GET", "events", None, {}) as stream:
                kind = ""
                for line in stream:
                    field, _, value = line.decode("utf-8", "replace").rstrip("\n").partition(": ")
                    if field == "event":
                        kind = value
                    elif field == "data":
                        yield kind, json.loads(value)
        except (OSError, HTTPException):
            return

    def _exchange(self, verb: str, path: str, body: object, query: Mapping[str, object]) -> tuple[int, str]:
        """Send one request, and return status and text of the answer."""
        try:
            with self._opened(verb, path, body, query) as response:
                return response.status, response.read().decode("utf-8", "replace")
        except HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"{self.origin} cannot be reached: {reason}. Is `ycimages serve` running there, and without a fault "
                "`refuse`? Give the address that it printed first by --url or YCIMAGES_URL."
            ) from None

    def _opened(self, verb: str, path: str, body: object, query: Mapping[str, object]) -> HTTPResponse:
        """Send one request, and return the open answer."""
        url = f"{self.origin}{_PREFIX}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        request = Request(url, data, headers, method=verb)  # noqa: S310 - `origin_of` has checked the scheme
        opened: HTTPResponse = build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT)
        return opened


_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401


def origin_of(address: str) -> str:
    """Return the origin of a double's address: a URL of any path of it, or host and port.

    Raises:
        ValueError: the address is neither; the text says what is expected.
    """
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError(
            f"invalid address {address!r}: expected the address of a double, such as http://127.0.0.1:41233"
        )
    try:
        parts.port  # noqa: B018 - it raises
    except ValueError as error:
        raise ValueError(f"invalid address {address!r}: {error}") from None
    return f"{parts.scheme}://{parts.netloc}"
