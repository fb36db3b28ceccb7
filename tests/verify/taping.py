"""Tapes made by calling a double in process: what a recorder in front of it would have written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from pytest_ycimages import Double
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.server.in_process.wsgi import request_once

if TYPE_CHECKING:
    from collections.abc import Callable


COMPUTE: Final = "https://compute.api.cloud.yandex.net"
OPERATION: Final = "https://operation.api.cloud.yandex.net"
IMAGES: Final = "/compute/v1/images"
SCRUBBED: Final = "~SCRUBBED~"


class Taping:
    """A client of a double of its own, all of whose calls are taped.

    Args:
        **settings: the double's; its clock is manual unless they say otherwise.
    """

    def __init__(self, **settings: Any) -> None:
        self.double = Double({"clock": "manual", "unknown_fields": "ignore", **settings}, name="recorded")
        self.folder_id = self.double.folder_id
        self.interactions: list[Interaction] = []
        self._began = self.double.clock.now()

    def __call__(
        self, verb: str, path: str, body: Any = None, *, key: str = "", token: str | None = None, **query: object
    ) -> Any:
        """Make a call, and tape it without its credential; the JSON value of its answer, or its text.

        Args:
            verb: such as `GET`.
            path: such as `/endpoints`.
            body: a JSON value; bytes are sent as they are.
            key: the idempotency key.
            token: another one than the double's; empty for none.
            **query: what is asked for behind the path.
        """
        headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
        token = self.double.token if token is None else token
        credential = {"authorization": f"Bearer {token}"} if token else {}
        uri = f"{self._host(path)}{path}{f'?{urlencode(query)}' if query else ''}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        at = (self.double.clock.now() - self._began) / SECOND
        reply = request_once(self.double.app.endpoint, verb, uri, tuple((headers | credential).items()), content)
        kept = headers | ({"authorization": f"Bearer {SCRUBBED}"} if token else {})
        request = RecordedRequest(verb, uri, tuple(kept.items()), content)
        response = RecordedResponse(reply.status, "", tuple(reply.headers), reply.body)
        self.interactions.append(Interaction(request, response, at))
        try:
            return json.loads(reply.body)
        except ValueError:
            return reply.body.decode()

    def _host(self, path: str) -> str:
        if path.startswith("/endpoints"):
            return "https://api.cloud.yandex.net"
        return OPERATION if path.startswith("/operations") else COMPUTE

    def create(self, *, key: str = "", **fields: Any) -> Any:
        """Create an image, of a disk unless the fields say otherwise; the answer."""
        source = {} if {"imageId", "snapshotId", "uri"} & fields.keys() else {"diskId": "epd00000000000000dsk"}
        return self("POST", IMAGES, {"folderId": self.folder_id, **source, **fields}, key=key)

    def poll(self, operation: Any) -> Any:
        """Poll an operation; the answer."""
        return self("GET", f"/operations/{operation['id']}")

    def cancel(self, operation: Any) -> Any:
        """Cancel an operation; the answer."""
        return self("POST", f"/operations/{operation['id']}:cancel")

    def look(self, image_id: str) -> Any:
        """Get an image; the answer."""
        return self("GET", f"{IMAGES}/{image_id}")

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.double.clock.advance(seconds)

    def bake(self, **fields: Any) -> str:
        """Create an image and poll until it is there; its id."""
        operation = self.create(**fields)
        while not operation["done"]:
            self.wait(1)
            operation = self.poll(operation)
        image_id: str = operation["metadata"]["imageId"]
        return image_id

    def tape(self, origin: Origin = Origin.FAKE) -> CassetteData:
        """What was taped."""
        contract = self.double.settings.contract
        label = CassetteMetadata(
            origin, "http://127.0.0.1:1", "2026-01-01T00:00:00Z", contract, "0.1.0", self.folder_id
        )
        return CassetteData(label, tuple(self.interactions))


def altered(tape: CassetteData, number: int, change: Callable[[Any], Any]) -> CassetteData:
    """The tape with the answer of one interaction, counted from 1, changed: `change` is given its JSON value."""
    interactions = list(tape.interactions)
    chosen = interactions[number - 1]
    value = json.loads(chosen.response.body)
    changed = change(value)
    body = json.dumps(value if changed is None else changed, indent=1, ensure_ascii=False).encode()
    interactions[number - 1] = chosen._replace(response=chosen.response._replace(body=body))
    return tape._replace(interactions=tuple(interactions))
