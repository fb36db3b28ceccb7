"""Clients of the official SDK, with a wait of their own limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yandex.cloud.compute.v1 import image_pb2
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.operation import operation_service_pb2 as operations
from yandex.cloud.operation.operation_service_pb2_grpc import OperationServiceStub
from yandexcloud._sdk import SDK

from .flawed_clients import CreationFailedError

if TYPE_CHECKING:
    from pytest_ycimages import Double

LIMIT: Final = 400
"""Seconds that they wait for an operation."""


class SdkBaker:
    """Creates an image with the SDK, and waits for it as long as its limit allows."""

    def __init__(self, ycimages: Double) -> None:
        endpoint, certificates = f"localhost:{ycimages.port}", ycimages.root_certificates
        self.sdk: Any = SDK(iam_token=ycimages.token, endpoint=endpoint, root_certificates=certificates)
        self.folder_id = ycimages.folder_id

    def __call__(self) -> Any:
        """Create the image, and return it."""
        request = api.CreateImageRequest(folder_id=self.folder_id, disk_id="epd0000000000000000a")
        operation = self.sdk.client(ImageServiceStub).Create(request)
        return self.result(
            self.sdk.wait_operation_and_get_result(
                operation, response_type=image_pb2.Image, meta_type=api.CreateImageMetadata, timeout=LIMIT
            )
        )

    def result(self, waited: Any) -> Any:
        """Trust the waiter."""
        return waited.meta.image_id


class CarefulSdkBaker(SdkBaker):
    """Looks at the operation, as the waiter does not say that its time was up; and cancels it then."""

    def result(self, waited: Any) -> Any:
        """Return the image if it is there."""
        stub, id_ = self.sdk.client(OperationServiceStub), waited.operation.id
        if not stub.Get(operations.GetOperationRequest(operation_id=id_)).done:
            stub.Cancel(operations.CancelOperationRequest(operation_id=id_))
            raise CreationFailedError(f"gave up on {id_}")
        return super().result(waited)
