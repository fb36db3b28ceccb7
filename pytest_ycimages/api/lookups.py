"""Requests that name a resource by its id, or ask for many of them (api-facts.md, sections 1.1 and 1.4)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_ycimages.api.create_image import Family, Id
from pytest_ycimages.api.image import Image
from pytest_ycimages.api.message import Int64, Message, String
from pytest_ycimages.api.operation import Operation
from pytest_ycimages.api.request_message import RequestMessage

FolderId = Annotated[String, Field(min_length=1, max_length=50)]
PageSize = Annotated[Int64, Field(le=1000)]
PageToken = Annotated[String, Field(max_length=100)]


class GetImageRequest(RequestMessage):
    """Ask for an image."""

    image_id: Id


class GetLatestByFamilyRequest(RequestMessage):
    """Ask for the newest image of a family in a folder."""

    folder_id: FolderId
    family: Family = ""


class ListImagesRequest(RequestMessage):
    """Ask for a page of the images in a folder."""

    folder_id: FolderId
    page_size: PageSize = 0
    page_token: PageToken = ""
    filter: Annotated[String, Field(max_length=1000)] = ""
    order_by: Annotated[String, Field(max_length=100)] = ""


class ListImagesResponse(Message):
    """A page of images."""

    images: tuple[Image, ...] = ()
    next_page_token: str = ""


class ListImageOperationsRequest(RequestMessage):
    """Ask for a page of the operations on an image."""

    image_id: Id
    page_size: PageSize = 0
    page_token: PageToken = ""


class ListImageOperationsResponse(Message):
    """A page of operations."""

    operations: tuple[Operation, ...] = ()
    next_page_token: str = ""


class GetOperationRequest(RequestMessage):
    """Ask how an operation is doing."""

    operation_id: Id


class CancelOperationRequest(RequestMessage):
    """Ask for an operation to be cancelled."""

    operation_id: Id


class AccessBindingsRequest(RequestMessage):
    """Ask for, set or change who may do what with an image."""

    resource_id: Id
