"""Requests that change an image or remove it (api-facts.md, sections 1.1 and 2.1)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.create_image import CurrentName, Description, DiskSize, Id, Labels, PageName
from pytest_ycimages.api.message import String
from pytest_ycimages.api.request_message import RequestMessage

UPDATABLE: Final = ("name", "description", "min_disk_size", "labels")
"""What an update can change, in the message's order."""


_PATHS: Final = "|".join(dict.fromkeys(spelling for name in UPDATABLE for spelling in (name, to_camel(name))))
MASK: Final = f"(|({_PATHS})( *, *({_PATHS}))*)"
"""An update mask, as a regular expression."""


def _mask(mask: str) -> str:
    if not re.fullmatch(MASK, mask):
        known = ", ".join(map(to_camel, UPDATABLE))
        raise PydanticCustomError("update_mask", "Fields that can be updated: {known}", {"known": known})
    return mask


def fields_of(mask: str) -> tuple[str, ...]:
    """The fields that an update mask names, in snake_case."""
    return tuple(to_snake(path.strip()) for path in mask.split(",") if path.strip())


class UpdateImageRequest(RequestMessage):
    """Change an image: the fields in the mask, or without a mask all of them. To ask for nothing at all is refused.

    Attributes:
        image_id: the image. At most 50 characters.
        update_mask: the fields to change, with commas between them; one that is not given falls to its default.
        name: the image's name, unique in its folder unless empty.
        description: free text. At most 256 characters.
        min_disk_size: the least size, in bytes, of a disk made from the image: 4194304 to 4398046511104, inclusive, and
            no less than the image is large. 0 is as good as absent.
        labels: all labels: no more than 64 pairs. Keys have 1 to 63 characters, values at most 63.
    """

    at_least_one = MappingProxyType({"update_mask": {"minLength": 1}, **{name: {} for name in UPDATABLE}})

    image_id: Id
    update_mask: Annotated[String, AfterValidator(_mask), Field(json_schema_extra={"pattern": f"^{MASK}$"})] = ""
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
    """Change an image: the fields in the mask, or without a mask all of them. To ask for nothing at all is refused."""

    name: CurrentName = ""


class DeleteImageRequest(RequestMessage):
    """Remove an image.

    Attributes:
        image_id: the image. At most 50 characters.
    """

    image_id: Id
