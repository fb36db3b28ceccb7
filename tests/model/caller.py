"""Calls a double in process: whole requests in, whole replies out, and no socket between them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from pytest_ycimages.server.http import HttpRequest

if TYPE_CHECKING:
    from pytest_ycimages import Double

IMAGES: Final = "/compute/v1/images"

STATUSES: Final = {3: 400, 5: 404, 6: 409, 8: 429, 9: 400, 12: 501, 16: 401}
"""The HTTP status that each code comes with (api-facts.md, section 2.2)."""


class Reply(NamedTuple):
    """An answer, its JSON read."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def request_id(self) -> str:
        """The id of the call."""
        return self.headers["x-request-id"]


class Caller:
    """Somebody with a token."""

    def __init__(self, double: Double, token: str) -> None:
        self._double = double
        self._token = token

    def __call__(
        self, verb: str, path: str, body: dict[str, Any] | None = None, *, key: str = "", **query: object
    ) -> Reply:
        """Make a call: `body` is sent as JSON, and `key` is an idempotency key."""
        headers = {"authorization": f"Bearer {self._token}", "host": "double"}
        if key:
            headers["idempotency-key"] = key
        content = b"" if body is None else json.dumps(body).encode()
        reply = self._double.app.answer(HttpRequest(verb, path, urlencode(query), headers, content))
        return Reply(reply.status, dict(reply.headers), json.loads(reply.body))

    def page(self, **query: Any) -> tuple[list[str], str]:
        """The ids on a page of images, and the token of the next."""
        body = self("GET", IMAGES, **query).body
        return [image["id"] for image in body.get("images", [])], body.get("nextPageToken", "")
