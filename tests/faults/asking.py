"""Calls as a transport would hand them to the faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ycimages.api.exchange import Request
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.faults.injector import Injector

if TYPE_CHECKING:
    from pytest_ycimages.faults.injector import Decision

FIELDS: dict[str, dict[str, Any]] = {
    "images.create": {"folderId": "b1g", "diskId": "epd"},
    "images.get": {"imageId": "fd8"},
    "images.list": {"folderId": "b1g"},
    "operations.get": {"operationId": "fd8"},
    "endpoints.list": {},
}


def asked(
    method: str = "images.create",
    *,
    name: object = "",
    connection: int = 1,
    served: int = 0,
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Request:
    """A call; `name` tells it from others of its method."""
    message = CONTRACTS["page"].requests[method].model_validate({**FIELDS[method], **fields})
    return Request(
        method, f"{method} {name}", headers or {}, message, identity=name, connection=connection, served=served
    )


class Decider:
    """Faults, and the calls that they decide about, each attempt counted."""

    def __init__(self, *rules: Any, seed: str = "0") -> None:
        self.injector = Injector(seed)
        self.injections = [self.injector.add(rule) for rule in rules]
        self._attempts: dict[object, int] = {}

    def decide(self, request: Request, at: float = 0) -> Decision | None:
        """What strikes the next attempt of a call, so many seconds after the beginning."""
        key = request.method, request.identity
        self._attempts[key] = self._attempts.get(key, 0) + 1
        return self.injector.decide(request, self._attempts[key], round(at * SECOND), 0)

    def struck(self, *requests: Request) -> list[int]:
        """The numbers of the calls, counted from 1, that are struck."""
        return [number for number, request in enumerate(requests, 1) if self.decide(request)]
