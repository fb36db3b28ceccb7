"""The table of messages and methods, held to the official stubs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pool import Default

from pytest_ycimages.api.methods import METHODS
from pytest_ycimages.grpc.messages import pool, rpcs, table

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor, ServiceDescriptor

for _module in (
    "yandex.cloud.compute.v1.image_service_pb2",
    "yandex.cloud.endpoint.api_endpoint_service_pb2",
    "yandex.cloud.iam.v1.iam_token_service_pb2",
    "yandex.cloud.operation.operation_service_pb2",
    "google.rpc.error_details_pb2",
    "grpc_health.v1.health_pb2",
    "grpc_reflection.v1alpha.reflection_pb2",
):
    import_module(_module)  # which enters its file into the default pool

FILES = [each["path"] for each in table()]
OFFICIAL = [path for path in FILES if path != "grpc/reflection/v1/reflection.proto"]


def of_message(message: Descriptor) -> object:
    """Return what a message is, to be compared."""
    fields = {
        (
            field.name,
            field.number,
            field.type,
            field.is_repeated,
            field.json_name,
            field.message_type.full_name if field.message_type else "",
            field.enum_type.full_name if field.enum_type else "",
            field.containing_oneof.name if field.containing_oneof else "",
        )
        for field in message.fields
    }
    return fields, [of_message(each) for each in message.nested_types], [of_enum(each) for each in message.enum_types]


def of_enum(enum: EnumDescriptor) -> object:
    """Return what an enum is, to be compared."""
    return enum.name, {value.name: value.number for value in enum.values}


def of_service(service: ServiceDescriptor) -> dict[str, tuple[str, str, bool, bool]]:
    """Return what a service is, to be compared."""
    return {
        method.name: (
            method.input_type.full_name,
            method.output_type.full_name,
            method.client_streaming,
            method.server_streaming,
        )
        for method in service.methods
    }


@pytest.mark.parametrize("path", OFFICIAL)
def test_messages_are_those_of_the_official_stubs(path: str) -> None:
    """Names, numbers, types and oneofs of every field."""
    ours = pool().FindFileByName(path)
    theirs = Default().FindFileContainingSymbol(next(iter(ours.message_types_by_name.values())).full_name)
    assert ours.package == theirs.package
    for name, message in ours.message_types_by_name.items():
        assert of_message(message) == of_message(theirs.message_types_by_name[name]), name
    for name, enum in ours.enum_types_by_name.items():
        assert of_enum(enum) == of_enum(theirs.enum_types_by_name[name]), name
    for name, service in ours.services_by_name.items():
        official = of_service(theirs.services_by_name[name])
        assert {**official, **of_service(service)} == official, name


def test_every_method_of_rest_has_an_rpc() -> None:
    """One table serves both transports."""
    assert {rpc.method for rpc in rpcs().values() if rpc.verb} == set(METHODS)


def test_the_pool_is_apart_from_that_of_the_client() -> None:
    """So the stubs of a client keep their classes in the same process."""
    name = "yandex.cloud.compute.v1.Image"
    assert pool().FindMessageTypeByName(name) is not Default().FindMessageTypeByName(name)
