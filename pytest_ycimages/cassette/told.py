"""What an answer tells of operations and images, whichever request it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cassette.asked import json_value

if TYPE_CHECKING:
    from pytest_ycimages.cassette.interaction import RecordedResponse

_ON_THE_WAY: Final = frozenset({"CREATING", "DELETING", "UPDATING", "PROVISIONING"})
_REFUSED: Final = 300


class Told(NamedTuple):
    """What an answer tells.

    Attributes:
        body: its body, as a JSON value; bytes if it is no JSON.
        worked: whether it is no refusal.
        operation_id: the operation that it is about; empty for none.
        image_id: the image that this operation is about; empty for none.
        done: whether the operation is; None if it is about none.
        waits: whether it shows something on its way, that one would ask for again.
    """

    body: Any
    worked: bool
    operation_id: str = ""
    image_id: str = ""
    done: bool | None = None
    waits: bool = False


def told_by(response: RecordedResponse) -> Told:
    """What `response` tells."""
    body = json_value(response.body) if response.body else None
    worked = response.status < _REFUSED
    if not worked or not isinstance(body, dict):
        return Told(body, worked)
    if isinstance(done := body.get("done"), bool):
        about = body.get("metadata")
        image = about.get("imageId") if isinstance(about, dict) else None
        return Told(body, worked, _text(body.get("id")), _text(image), done, not done)
    return Told(body, worked, waits=_text(body.get("status")) in _ON_THE_WAY)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
