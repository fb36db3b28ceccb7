"""What a client has been shown of operations and images, which is all that a replay knows of the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.interaction import RecordedResponse
    from pytest_ycimages.cassette.told import Told

_IMAGES: Final = "/compute/v1/images"
_IMAGE: Final = "type.googleapis.com/yandex.cloud.compute.v1.Image"
_NOT_FOUND: Final = 404


class Seen:
    """The latest that was shown of each operation and each image.

    Attributes:
        operations: id -> the operation in its JSON form.
        images: id -> the image in its JSON form. An image that was deleted, or is not found any more, is not here.
        answers: id -> the answer that showed the operation.
    """

    def __init__(self) -> None:
        self.operations: dict[str, Wire] = {}
        self.images: dict[str, Wire] = {}
        self.answers: dict[str, RecordedResponse] = {}
        self._gone: set[str] = set()

    def add(self, asked: Asked, told: Told, response: RecordedResponse) -> None:
        """Take in what an answer shows."""
        if told.operation_id:
            self.answers[told.operation_id] = response
            self._operation(told.body)
        elif not asked.path.startswith(_IMAGES):
            return
        elif not told.worked:
            if response.status == _NOT_FOUND:
                self._ends(asked.image_id)
        elif isinstance(told.body, dict):
            self._image(told.body)
            for image in _list(told.body.get("images")):
                self._image(image)
            for operation in _list(told.body.get("operations")):
                self._operation(operation)

    def _operation(self, operation: Wire) -> None:
        if isinstance(operation.get("id"), str):
            self.operations[operation["id"]] = operation
        if not operation.get("done"):
            return
        about = operation.get("metadata")
        made = operation.get("response")
        if isinstance(made, dict) and made.get("@type") == _IMAGE:
            if made.get("id") not in self._gone:  # an operation tells of how its image was when it ended
                self._image({name: value for name, value in made.items() if name != "@type"})
        elif isinstance(about, dict) and _ends_image(str(about.get("@type")), operation):
            self._ends(str(about.get("imageId")))

    def _ends(self, image_id: str) -> None:
        self.images.pop(image_id, None)
        self._gone.add(image_id)

    def _image(self, image: Wire) -> None:
        if isinstance(image.get("id"), str) and "status" in image:
            self.images[image["id"]] = image


def _ends_image(what: str, operation: Wire) -> bool:
    """Whether a done operation leaves no image: a delete that worked, a create that did not."""
    return what.endswith(".DeleteImageMetadata" if "response" in operation else ".CreateImageMetadata")


def _list(value: Any) -> list[Wire]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
