"""Server reflection and health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from tests.grpc.clients import DISK, TIMEOUT, Stubs

if TYPE_CHECKING:
    from pytest_ycimages import Double


def test_a_client_learns_every_message(stubs: Stubs) -> None:
    """By the database that grpcio's own tools use."""
    database = ProtoReflectionDescriptorDatabase(stubs.channel)
    services = database.get_services()
    assert "yandex.cloud.compute.v1.ImageService" in services
    assert "grpc.reflection.v1.ServerReflection" in services
    for service in services:
        assert database.FindFileContainingSymbol(service).package
    assert database.FindFileByName("yandex/cloud/operation/operation.proto").dependency


@pytest.mark.parametrize(
    "asked",
    [
        {"file_by_filename": "nothing.proto"},
        {"file_containing_symbol": "no.Such"},
        {"file_containing_extension": {"containing_type": "a.B", "extension_number": 1}},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_what_is_not_there_is_an_error_of_the_answer(stubs: Stubs, asked: dict[str, Any]) -> None:
    """The stream goes on."""
    stub: Any = ServerReflectionStub(stubs.channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(**asked),
        reflection_pb2.ServerReflectionRequest(list_services=""),
    ]
    refused, listed = stub.ServerReflectionInfo(iter(requests), timeout=TIMEOUT)
    assert refused.error_response.error_code == 5
    assert listed.list_services_response.service


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "TLS"])
@pytest.mark.ycimages(auth="strict")
def test_a_client_without_stubs_makes_an_image(ycimages: Double, *, secure: bool) -> None:
    """It learns services, methods and messages by reflection, the messages within an Any too."""
    library = pytest.importorskip("grpc_requests")
    tls: dict[str, Any] = {"ssl": True, "credentials": {"root_certificates": ycimages.ca_path}} if secure else {}
    client = library.Client(f"localhost:{ycimages.port}", **tls)
    assert "yandex.cloud.compute.v1.ImageService" in client.service_names
    token = [("authorization", f"Bearer {ycimages.token}")]
    request = {"folder_id": ycimages.folder_id, "disk_id": DISK, "name": "base", "labels": {"a": "b"}}
    made = client.request("yandex.cloud.compute.v1.ImageService", "Create", request, metadata=token)
    image_id = made["metadata"]["image_id"]
    shown = client.request("yandex.cloud.compute.v1.ImageService", "Get", {"image_id": image_id}, metadata=token)
    assert (shown["id"], shown["name"], shown["labels"]) == (image_id, "base", {"a": "b"})
    client.channel.close()


def test_health(stubs: Stubs) -> None:
    """SERVING for what is served; a watch goes on until the client leaves."""
    stub: Any = HealthStub(stubs.channel)
    for service in ("", "yandex.cloud.compute.v1.ImageService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="other"), timeout=TIMEOUT)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()
    with pytest.raises(grpc.RpcError) as error:
        stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=TIMEOUT)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
