"""A client of a double whose clock stands still: it creates an image, and polls after the pauses that it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages import Call, Calls, Code
from tests.client import Cloud

if TYPE_CHECKING:
    from pytest_ycimages import Double, Pacing

BODY: Final = {"folderId": "b1g", "diskId": "epd"}


class Waiting:
    """A client that waits for its image.

    Attributes:
        double: the double that it talks to.
        operation: the answer to the create.
    """

    def __init__(self, double: Double) -> None:
        self.double = double
        self._cloud = Cloud(double)
        self.operation: Any = self.ask("POST", "/compute/v1/images", BODY)

    @property
    def id(self) -> str:
        """The operation."""
        return str(self.operation["id"])

    @property
    def image_id(self) -> str:
        """The image."""
        return str(self.operation["metadata"]["imageId"])

    @property
    def pacing(self) -> Pacing:
        """How it paced itself."""
        return self.double.calls.pacing[self.id]

    def ask(self, verb: str, path: str, body: object = None, *, authorization: str = "Bearer t1.a.b") -> Any:
        """Make a call; its answer as JSON."""
        return self._cloud.using(Authorization=authorization).call(verb, path, body).json

    def poll(self, *pauses: float) -> Waiting:
        """Poll the operation after each of these pauses."""
        for pause in pauses:
            self.double.clock.advance(pause)
            self.ask("GET", f"/operations/{self.id}")
        return self

    def look(self, *pauses: float) -> Waiting:
        """Look at the image after each of these pauses."""
        for pause in pauses:
            self.double.clock.advance(pause)
            self.ask("GET", f"/compute/v1/images/{self.image_id}")
        return self


def call(at: float, **fields: Any) -> Call:
    """A poll written by hand: of operation `fd8`, answered at once that it is running."""
    attempt = fields.setdefault("attempt", 1)
    values: dict[str, Any] = {
        "method": "operations.get",
        "gap": None if attempt == 1 else 0,
        "status": Code.OK,
        "operation_id": "fd8",
        "image_id": None,
        "line": "GET /operations/fd8",
        "note": "running",
        "message": None,
        "metadata": {},
        "done": False,
    }
    return Call(at=at, **{**values, **fields})


def polls(*times: float, **fields: Any) -> Calls:
    """Polls written by hand, one after another."""
    return Calls([call(at, attempt=number, **fields) for number, at in enumerate(times, 1)])
