"""Requests that name a resource by its id, or ask for many of them (api-facts.md, sections 1.1 and 1.4)."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, WithJsonSchema

from pytest_ycimages.api.create_image import Family, Id
from pytest_ycimages.api.image import Image
from pytest_ycimages.api.message import INT64_MIN, Int64, Message, String
from pytest_ycimages.api.operation import Operation
from pytest_ycimages.api.request_message import RequestMessage

_STRING: Final = r"""("([^"\\]|\\[^\n])*"|'([^'\\]|\\[^\n])*')"""
_SPACE: Final = r"[ \t\f\r\n]"
_VALUES: Final = rf"\({_SPACE}*{_STRING}({_SPACE}*,{_SPACE}*{_STRING})*{_SPACE}*\)"
_OPERATION: Final = rf"({_SPACE}*!?={_SPACE}*{_STRING}|{_SPACE}+(NOT{_SPACE}*)?IN{_SPACE}*{_VALUES})"
_CONDITION: Final = rf"(id|name|family|status|description){_OPERATION}"

FILTER: Final = rf"({_SPACE}*|{_SPACE}*{_CONDITION}({_SPACE}*AND{_SPACE}*{_CONDITION})*{_SPACE}*)"
"""A filter of images, as a regular expression: what `cloud/filters.py` can read."""

ORDER: Final = r" *((id|createdAt|created_at)( +([aA][sS][cC]|[dD][eE][sS][cC]))?)? *"
"""An order of images, as a regular expression."""

PLACE: Final = r"(|[0-9a-f]{16}([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2,3})?)"
"""A page token, as a regular expression: none, or a number and an id in base64url."""

FolderId = Annotated[String, Field(min_length=1, max_length=50)]
MAX_PAGE_SIZE: Final = 1000
PageSize = Annotated[
    Int64,
    Field(le=MAX_PAGE_SIZE),
    WithJsonSchema({"type": "integer", "format": "int64", "minimum": INT64_MIN, "maximum": MAX_PAGE_SIZE}),
]
PageToken = Annotated[String, Field(max_length=100, json_schema_extra={"pattern": f"^{PLACE}$"})]
Filter = Annotated[String, Field(max_length=1000, json_schema_extra={"pattern": f"^{FILTER}$"})]
OrderBy = Annotated[String, Field(max_length=100, json_schema_extra={"pattern": f"^{ORDER}$"})]


class GetImageRequest(RequestMessage):
    """Ask for an image.

    Attributes:
        image_id: the image. At most 50 characters.
    """

    image_id: Id


class GetLatestByFamilyRequest(RequestMessage):
    """Ask for the newest image of a family in a folder.

    Attributes:
        folder_id: the folder; `standard-images` holds the public images. At most 50 characters.
        family: the image family.
    """

    folder_id: FolderId
    family: Family = ""


class ListImagesRequest(RequestMessage):
    """Ask for a page of the images in a folder.

    Attributes:
        folder_id: the folder. At most 50 characters.
        page_size: how many images at most: 100 unless given, and never more than 1000; zero and less mean the default.
        page_token: the `nextPageToken` of the page before. At most 100 characters.
        filter: `<field> <op> <value> [AND ...]` with the operators `=`, `!=`, `IN (...)` and `NOT IN (...)`, values in
            quotes. At most 1000 characters.
        order_by: `id` or `createdAt`, with `asc` or `desc` behind it. At most 100 characters.
    """

    folder_id: FolderId
    page_size: PageSize = 0
    page_token: PageToken = ""
    filter: Filter = ""
    order_by: OrderBy = ""


class ListImagesResponse(Message):
    """A page of images.

    Attributes:
        images: the images; absent when there is none.
        next_page_token: the `pageToken` of the page behind this one; absent on the last.
    """

    images: tuple[Image, ...] = ()
    next_page_token: str = ""


class ListImageOperationsRequest(RequestMessage):
    """Ask for a page of the operations on an image.

    Attributes:
        image_id: the image. At most 50 characters.
        page_size: how many operations at most: 100 unless given, and never more than 1000; zero and less mean the
            default.
        page_token: the `nextPageToken` of the page before. At most 100 characters.
    """

    image_id: Id
    page_size: PageSize = 0
    page_token: PageToken = ""


class ListImageOperationsResponse(Message):
    """A page of operations.

    Attributes:
        operations: the operations, in the order in which they began.
        next_page_token: the `pageToken` of the page behind this one; absent on the last.
    """

    operations: tuple[Operation, ...] = ()
    next_page_token: str = ""


class GetOperationRequest(RequestMessage):
    """Ask how an operation is doing.

    Attributes:
        operation_id: the operation: 20 characters.
    """

    operation_id: Id


class CancelOperationRequest(RequestMessage):
    """Ask for an operation to be cancelled.

    Attributes:
        operation_id: the operation: 20 characters.
    """

    operation_id: Id


class AccessBindingsRequest(RequestMessage):
    """Ask for, set or change who may do what with an image.

    Attributes:
        resource_id: the image. At most 50 characters.
    """

    resource_id: Id
