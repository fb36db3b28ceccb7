"""Clients with the official Python SDK, as its documentation shows them: what the field report experiments on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from yandex.cloud.compute.v1.image_pb2 import Image
from yandex.cloud.compute.v1.image_service_pb2 import CreateImageMetadata, CreateImageRequest
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandexcloud._retry_policy import RetryPolicy
from yandexcloud._sdk import SDK

from pytest_ycimages import Double

FOLDER = "b1g0000000000000000a"
DISK = "epd0000000000000000a"


def bake(url: str, name: str = "base", **options: Any) -> str:
    """Make an image, and wait for it for five minutes."""
    sdk = SDK(endpoint=urlsplit(url).netloc, root_certificates=Double().root_certificates, **options)
    operation = sdk.client(ImageServiceStub).Create(CreateImageRequest(folder_id=FOLDER, disk_id=DISK, name=name))
    result: Any = sdk.wait_operation_and_get_result(
        operation, response_type=Image, meta_type=CreateImageMetadata, timeout=300
    )
    image_id: str = result.meta.image_id
    return image_id


def plain(url: str, token: str) -> str:
    """Make an image with the SDK's defaults."""
    return bake(url, iam_token=token)


def retrying(url: str, token: str) -> str:
    """Make an image without a name, with the SDK's retry policy."""
    return bake(url, name="", iam_token=token, retry_policy=RetryPolicy())


def exchanging(url: str, token: str) -> str:  # noqa: ARG001 - it gets its own
    """Make an image with an OAuth token, which the SDK exchanges for IAM tokens."""
    return bake(url, token="y0_AgAAAA")  # noqa: S106 - of no account
