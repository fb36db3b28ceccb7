"""Cassettes made by hand, and a client that asks a player for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.model import (
    UNKNOWN_METADATA,
    CassetteData,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cassette.no_match import NoMatch

if TYPE_CHECKING:
    from pytest_ycimages.cassette.player import Played, Player

COMPUTE: Final = "https://compute.api.cloud.yandex.net"
IMAGES: Final = "/compute/v1/images"
EPOCH: Final = 1_767_225_600 * SECOND


def operation_id(number: int) -> str:
    """The id of the operation that bakes image `number`."""
    return f"fd8op{number:015d}"


def image_id(number: int) -> str:
    """The id of image `number`."""
    return f"fd8im{number:015d}"


def bytes_of(value: Any) -> bytes:
    """A JSON value as a body; nothing for None, and text as it is."""
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else json.dumps(value, indent=1).encode()


def request(method: str, path: str, body: Any = None) -> RecordedRequest:
    """A request to the compute service, or to another host if `path` names one."""
    return RecordedRequest(method, path if "://" in path else COMPUTE + path, (), bytes_of(body))


def exchange(  # noqa: PLR0913 - what an exchange is, each by its name
    line: str, answer: Any, at: float | None = None, *, body: Any = None, status: int = 200, equal: int = 0
) -> Interaction:
    """A recorded request, such as `GET /endpoints`, and its answer."""
    method, _, path = line.partition(" ")
    response = RecordedResponse(status, "", (("content-type", "application/json"),), bytes_of(answer))
    return Interaction(request(method, path, body), response, at, 0, equal)


def operation(number: int, *, done: bool, **more: Any) -> dict[str, Any]:
    """The operation that bakes image `number`."""
    response = {"@type": "type.googleapis.com/yandex.cloud.compute.v1.Image", **image(number, "READY")}
    about = {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",
        "imageId": image_id(number),
    }
    ending = {"response": response} if done and "error" not in more else {}
    return {"done": done, "metadata": about, **ending, "id": operation_id(number), **more}


def image(number: int, status: str, **more: Any) -> dict[str, Any]:
    """Image `number`."""
    return {"id": image_id(number), "folderId": "b1g", "status": status, **more}


def create(number: int, at: float | None, body: Any = None, **more: Any) -> Interaction:
    """The request that started operation `number`."""
    body = {"folderId": "b1g", "name": f"bake-{number}"} if body is None else body
    return exchange(f"POST {IMAGES}", operation(number, done=False, **more), at, body=body)


def poll(number: int, at: float | None, *, done: bool = False, **more: Any) -> Interaction:
    """A poll of operation `number`."""
    line = f"GET https://operation.api.cloud.yandex.net/operations/{operation_id(number)}"
    return exchange(line, operation(number, done=done, **more), at)


def look(number: int, at: float | None, status: str, **more: Any) -> Interaction:
    """A look at image `number`."""
    return exchange(f"GET {IMAGES}/{image_id(number)}", image(number, status, **more), at)


def bake(number: int = 1, start: float = 0) -> list[Interaction]:
    """A loop of three polls, a second each, and a look at the image."""
    return [
        create(number, start),
        poll(number, start + 1),
        poll(number, start + 2),
        poll(number, start + 3, done=True),
        look(number, start + 3.5, "READY"),
    ]


def cassette(*interactions: Interaction) -> CassetteData:
    """A cassette of these."""
    return CassetteData(UNKNOWN_METADATA, interactions)


class Client:
    """Asks a player. Its clock tells seconds since some moment and moves when it is told to."""

    def __init__(self, player: Player, *, by_time: bool = False) -> None:
        self.player = player
        self.by_time = by_time
        self.now = 0.0

    def play(self, line: str, body: Any = None, key: str = "") -> Played | NoMatch:
        """What the player makes of a request, such as `GET /endpoints`."""
        method, _, path = line.partition(" ")
        now = EPOCH + round(self.now * SECOND)
        return self.player.play(request(method, path, body), now, by_time=self.by_time, idempotency_key=key)

    def played(self, line: str, body: Any = None, key: str = "") -> Played:
        """The answer that the player has."""
        played = self.play(line, body, key)
        assert not isinstance(played, NoMatch), str(played)
        return played

    def refused(self, line: str, body: Any = None, key: str = "") -> NoMatch:
        """What the player says that has no answer."""
        played = self.play(line, body, key)
        assert isinstance(played, NoMatch), played
        return played

    def ask(self, line: str, body: Any = None, key: str = "") -> Any:
        """The JSON value of the answer."""
        return json.loads(self.played(line, body, key).response.body)

    def create(self, number: int = 1, key: str = "") -> Any:
        """Ask for image `number`."""
        return self.ask(f"POST {IMAGES}", {"folderId": "b1g", "name": f"bake-{number}"}, key)

    def poll(self, number: int = 1) -> bool:
        """Ask for operation `number`: whether it is done."""
        done: bool = self.ask(f"GET /operations/{operation_id(number)}")["done"]
        return done

    def look(self, number: int = 1) -> str:
        """Ask for image `number`: its status."""
        status: str = self.ask(f"GET {IMAGES}/{image_id(number)}")["status"]
        return status
