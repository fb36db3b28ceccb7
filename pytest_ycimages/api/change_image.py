"""Requests that change an image or remove it (api-facts.md, sections 1.1 and 2.1)."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_snake
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.create_image import CurrentName, Description, DiskSize, Id, Labels, PageName
from pytest_ycimages.api.message import String
from pytest_ycimages.api.request_message import RequestMessage

UPDATABLE: Final = ("name", "description", "min_disk_size", "labels")
"""What an update can change, in the message's order."""


def _mask(mask: str) -> str:
    for path in fields_of(mask):
        if path not in UPDATABLE:
            raise PydanticCustomError(
                "update_mask",
                "Fields that can be updated: {known}",
                {"known": "name, description, minDiskSize, labels"},
            )
    return mask


def fields_of(mask: str) -> tuple[str, ...]:
    """The fields that an update mask names, in snake_case."""
    return tuple(to_snake(path.strip()) for path in mask.split(",") if path.strip())


class UpdateImageRequest(RequestMessage):
    """Change an image: the fields in the mask, or without a mask all of them."""

    image_id: Id
    update_mask: Annotated[String, AfterValidator(_mask)] = ""
    name: PageName = ""
    description: Description = ""
    min_disk_size: DiskSize = 0
    labels: Labels = Field(default_factory=dict)

    def changes(self) -> dict[str, Any]:
        """What the image's fields become: those of the mask, or all; a field that is not given falls to its default."""
        return {name: getattr(self, name) for name in fields_of(self.update_mask) or UPDATABLE}

    def is_empty(self) -> bool:
        """Whether the request asks for nothing at all: no mask and no field."""
        return not self.update_mask and not self.model_fields_set & set(UPDATABLE)


class CurrentUpdateImageRequest(UpdateImageRequest):
    """The same in contract revision `current`."""

    name: CurrentName = ""


class DeleteImageRequest(RequestMessage):
    """Remove an image."""

    image_id: Id
