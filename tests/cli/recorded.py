"""A recording of the fake, as a tape: an image is created, looked at, and not found."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from pytest_ycimages import Double
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "http://127.0.0.1:41233"
HOST = "https://compute.api.cloud.yandex.net"


def tape(**settings: Any) -> CassetteData:
    """A recording of a double with these settings; its ids are always the same."""
    settings = {"name": "recorded", "clock": "manual", "timing": "AfterPolls(2)"} | settings
    with Double(**settings) as double, closing(HTTPConnection(double.host, double.port)) as connection:
        label = CassetteMetadata(
            Origin.FAKE, URL, "2026-11-25T03:10:48Z", double.settings.contract, "0.1.0", double.folder_id
        )
        return CassetteData(label, tuple(_calls(double, connection)))


def _calls(double: Double, connection: HTTPConnection) -> Iterator[Interaction]:
    source = json.dumps({"folderId": double.folder_id, "name": "demo", "diskId": "epd0000000000000000a"}).encode()
    created = _call(connection, "POST", "/compute/v1/images", source, at=0)
    operation = json.loads(created.response.body)
    image = operation["metadata"]["imageId"]
    yield created
    yield _call(connection, "GET", f"/operations/{operation['id']}", at=1)
    yield _call(connection, "GET", f"/operations/{operation['id']}", at=2)._replace(skipped_polls=3)
    yield _call(connection, "GET", f"/compute/v1/images/{image}", at=3)
    yield _call(connection, "GET", f"/compute/v1/images?folderId={double.folder_id}", at=4)
    yield _call(connection, "GET", "/compute/v1/images/fd800000000000000000", at=5)


def _call(connection: HTTPConnection, verb: str, target: str, body: bytes = b"", *, at: float) -> Interaction:
    connection.request(verb, target, body or None, {"Authorization": "Bearer any"})
    response = connection.getresponse()
    headers = (("content-type", response.headers["content-type"]),)
    return Interaction(
        RecordedRequest(verb, f"{HOST}{target}", (("accept", "*/*"),), body),
        RecordedResponse(response.status, response.reason, headers, response.read()),
        at,
        0.25,
    )
