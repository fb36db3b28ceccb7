"""Requests that name one resource by its id (api-facts.md, sections 1.1 and 1.4)."""

from __future__ import annotations

from pytest_ycimages.api.create_image import Id
from pytest_ycimages.api.request_message import RequestMessage


class GetImageRequest(RequestMessage):
    """Ask for an image."""

    image_id: Id


class GetOperationRequest(RequestMessage):
    """Ask how an operation is doing."""

    operation_id: Id


class CancelOperationRequest(RequestMessage):
    """Ask for an operation to be cancelled."""

    operation_id: Id
