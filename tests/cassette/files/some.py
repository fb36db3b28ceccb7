"""A few interactions, and cassettes made of them."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)

METADATA: Final = CassetteMetadata(
    Origin.FAKE, "http://127.0.0.1:41233", "2026-11-25T03:10:48Z", "page", "0.1.0", "b1g00000000000000000"
)
_JSON: Final = (("content-type", "application/json"),)


def poll(number: int, *, done: bool = False) -> Interaction:
    """A poll of an operation, the `number`-th."""
    request = RecordedRequest("GET", "https://operation.api.cloud.yandex.net/operations/fd8a", (("accept", "*/*"),))
    body = b'{"id": "fd8a", "done": true}' if done else b'{"id": "fd8a"}'
    return Interaction(request, RecordedResponse(200, "OK", _JSON, body), float(number), 0.25, number)


def cassette(length: int = 3) -> CassetteData:
    """A cassette of polls."""
    return CassetteData(METADATA, tuple(poll(number) for number in range(length)))
