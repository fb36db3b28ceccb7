"""Requests and answers of all methods but `images.create` (api-facts.md, sections 1.1, 1.4 and 1.5)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.create_image import CurrentName, Description, DiskSize, Family, Id, Labels, PageName
from pytest_ycimages.api.message import INT64_MIN, Int64, Message, OneOf, RequestMessage, String, Timestamp
from pytest_ycimages.api.resources import Image, Operation

_STRING: Final = r"""("([^"\\]|\\[^\n])*"|'([^'\\]|\\[^\n])*')"""
_SPACE: Final = r"[ \t\f\r\n]"
_VALUES: Final = rf"\({_SPACE}*{_STRING}({_SPACE}*,{_SPACE}*{_STRING})*{_SPACE}*\)"
_OPERATION: Final = rf"({_SPACE}*!?={_SPACE}*{_STRING}|{_SPACE}+(NOT{_SPACE}*)?IN{_SPACE}*{_VALUES})"
_CONDITION: Final = rf"name{_OPERATION}"

FILTER: Final = rf"({_SPACE}*|{_SPACE}*{_CONDITION}({_SPACE}*AND{_SPACE}*{_CONDITION})*{_SPACE}*)"
"""A filter of images by name, as a regular expression: what `cloud/listing.py` reads by default."""

ORDER: Final = r"( *| *(id|createdAt|created_at)( +([aA][sS][cC]|[dD][eE][sS][cC]))? *)"
"""An order of images, as a regular expression."""

DIGITS: Final = 20
"""The digits of the number in a page token, enough for the nanoseconds of the year 9999."""

PLACE: Final = rf"(|[0-9a-f]{{{DIGITS}}}([A-Za-z0-9_-]{{4}})*([A-Za-z0-9_-]{{2,3}})?)"
"""A page token, as a regular expression: empty, or a number and an id in base64url."""

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


class ImageRequest(RequestMessage):
    """A request about an image.

    Attributes:
        image_id: the image. At most 50 characters.
    """

    image_id: Id


class GetImageRequest(ImageRequest):
    """Ask for an image."""


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
        page_size: the maximum number of images: 100 by default, at most 1000; zero and less mean the default.
        page_token: the `nextPageToken` of the page before. At most 100 characters.
        filter: `<field> <op> <value> [AND ...]` with the operators `=`, `!=`, `IN (...)` and `NOT IN (...)`, values in
            quotes. At most 1000 characters.
        order_by: `id` or `createdAt`, followed by `asc` or `desc`. At most 100 characters.
    """

    folder_id: FolderId
    page_size: PageSize = 0
    page_token: PageToken = ""
    filter: Filter = ""
    order_by: OrderBy = ""


class ListImagesResponse(Message):
    """A page of images.

    Attributes:
        images: the images; absent when empty.
        next_page_token: the `pageToken` of the next page; absent on the last.
    """

    images: tuple[Image, ...] = ()
    next_page_token: str = ""


class ListImageOperationsRequest(ImageRequest):
    """Ask for a page of the operations on an image.

    Attributes:
        page_size: the maximum number of operations: 100 by default, at most 1000; zero and less mean the default.
        page_token: the `nextPageToken` of the page before. At most 100 characters.
    """

    page_size: PageSize = 0
    page_token: PageToken = ""


class ListImageOperationsResponse(Message):
    """A page of operations.

    Attributes:
        operations: the operations, newest first.
        next_page_token: the `pageToken` of the next page; absent on the last.
    """

    operations: tuple[Operation, ...] = ()
    next_page_token: str = ""


class OperationRequest(RequestMessage):
    """A request about an operation.

    Attributes:
        operation_id: the operation: 20 characters.
    """

    operation_id: Id


class GetOperationRequest(OperationRequest):
    """Ask for an operation."""


class CancelOperationRequest(OperationRequest):
    """Ask for an operation to be cancelled."""


class AccessBindingsRequest(RequestMessage):
    """List, set or change the access bindings of an image.

    Attributes:
        resource_id: the image. At most 50 characters.
    """

    resource_id: Id


UPDATABLE: Final = ("name", "description", "min_disk_size", "labels")
"""The fields that an update can change, in the message's order."""


_PATHS: Final = "|".join(dict.fromkeys(spelling for name in UPDATABLE for spelling in (name, to_camel(name))))
MASK: Final = f"(|({_PATHS})( *, *({_PATHS}))*)"
"""An update mask, as a regular expression."""


def _mask(mask: str) -> str:
    if not re.fullmatch(MASK, mask):
        known = ", ".join(map(to_camel, UPDATABLE))
        raise PydanticCustomError("update_mask", "Fields that can be updated: {known}", {"known": known})
    return mask


def fields_of(mask: str) -> tuple[str, ...]:
    """Return the fields that an update mask names, in snake_case."""
    return tuple(to_snake(path.strip()) for path in mask.split(",") if path.strip())


class UpdateImageRequest(ImageRequest):
    """Update the fields in the mask, or all fields without a mask. An empty request is refused.

    Attributes:
        update_mask: the fields to change, separated by commas; an absent one gets its default.
        name: the image's name, unique in its folder unless empty.
        description: free text. At most 256 characters.
        min_disk_size: the least size, in bytes, of a disk made from the image: 4194304 to 4398046511104, inclusive, and
            no less than the size of the image. 0 counts as absent.
        labels: all labels: no more than 64 pairs. Keys have 1 to 63 characters, values at most 63.
    """

    at_least_one = MappingProxyType({"update_mask": {"minLength": 1}, **{name: {} for name in UPDATABLE}})

    update_mask: Annotated[String, AfterValidator(_mask), Field(json_schema_extra={"pattern": f"^{MASK}$"})] = ""
    name: PageName = ""
    description: Description = ""
    min_disk_size: DiskSize = 0
    labels: Labels = Field(default_factory=dict)

    def changes(self) -> dict[str, Any]:
        """Return the new values of the fields in the mask, or of all; an absent field gets its default."""
        return {name: getattr(self, name) for name in fields_of(self.update_mask) or UPDATABLE}

    def is_empty(self) -> bool:
        """Return whether the request has neither a mask nor a field."""
        return not self.update_mask and not self.model_fields_set & set(UPDATABLE)


class CurrentUpdateImageRequest(UpdateImageRequest):
    """Update the fields in the mask, or all fields without a mask. An empty request is refused."""

    name: CurrentName = ""


class DeleteImageRequest(ImageRequest):
    """Delete an image."""


class CreateTokenRequest(RequestMessage):
    """Exchange an OAuth token or a JWT for an IAM token.

    Attributes:
        yandex_passport_oauth_token: the OAuth token of a Yandex account.
        jwt: a JWT that a service account has signed.
    """

    oneofs = (OneOf("identity", ("yandex_passport_oauth_token", "jwt"), required=True),)

    yandex_passport_oauth_token: Annotated[String, Field(min_length=1, max_length=4000)] | None = Field(
        None, repr=False
    )
    jwt: Annotated[String, Field(min_length=1, max_length=8000)] | None = Field(None, repr=False)


class CreateTokenForServiceAccountRequest(RequestMessage):
    """Ask for an IAM token of a service account.

    Attributes:
        service_account_id: the service account. At most 50 characters.
    """

    service_account_id: Annotated[String, Field(min_length=1, max_length=50)]


class CreateTokenResponse(Message):
    """An IAM token.

    Attributes:
        iam_token: the token for the header `Authorization`, after `Bearer`.
        expires_at: the end of its validity (RFC 3339).
    """

    iam_token: str = Field(repr=False)
    expires_at: Timestamp


class RevokeTokenRequest(RequestMessage):
    """Ask for an IAM token to become invalid.

    Attributes:
        iam_token: the token.
    """

    iam_token: Annotated[String, Field(min_length=1)] = Field(repr=False)


class RevokeTokenResponse(Message):
    """Whose token it was.

    Attributes:
        subject_id: the user or service account.
    """

    subject_id: str


class ListEndpointsRequest(RequestMessage):
    """Ask for the endpoints of all services."""


class GetEndpointRequest(RequestMessage):
    """Ask for the endpoint of one service.

    Attributes:
        api_endpoint_id: the service's id, such as `compute`.
    """

    api_endpoint_id: String


class ApiEndpoint(Message):
    """The endpoint of a service.

    Attributes:
        id: the service's id, such as `compute`.
        address: its `host:port`.
    """

    id: str
    address: str


class ListEndpointsResponse(Message):
    """The endpoints of all services.

    Attributes:
        endpoints: one for each service, sorted by id.
    """

    endpoints: tuple[ApiEndpoint, ...] = ()
