"""Every fault of the catalogue over gRPC, as each client sees it."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.message import DecodeError
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.exceptions import GRPCError, StreamTerminatedError
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.operation import operation_pb2

from pytest_ycimages import Double, first
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.rule import fault_of
from tests.grpc.clients import DISK, Stubs, error_of
from tests.grpc.fault_table import LONG, NAMES, PAGE, ROWS, Row, page, strike

if TYPE_CHECKING:
    from collections.abc import Callable

CREATE = "/yandex.cloud.compute.v1.ImageService/Create"
LIST = "/yandex.cloud.compute.v1.ImageService/List"


def of_grpcio(double: Double, row: Row) -> str:
    """Return what grpcio sees."""
    with Stubs(double) as stubs:
        stubs.call(stubs.images.List, api.ListImagesRequest(folder_id=double.folder_id))
        try:
            answer = stubs.call(stubs.images.Create, create(double), timeout=row.patience)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK" if answer is not None else "OK, no message"


def of_aio(double: Double, row: Row) -> str:
    """Return what grpc.aio sees."""

    async def run() -> str:
        async with grpc.aio.insecure_channel(double.grpc_endpoint) as channel:
            images: Any = ImageServiceStub(channel)
            metadata = [("authorization", f"Bearer {double.token}")]
            listed = api.ListImagesRequest(folder_id=double.folder_id)
            await images.List(listed, metadata=metadata, timeout=LONG)
            try:
                answer = await images.Create(create(double), metadata=metadata, timeout=row.patience)
            except grpc.RpcError as error:
                return str(error.code().name)
        return "OK" if answer is not None else "OK, no message"

    return asyncio.run(run())


def of_grpclib(double: Double, row: Row) -> str:
    """Return what grpclib sees."""

    async def run() -> str:
        async with Channel(double.host, double.port) as channel:
            metadata = {"authorization": f"Bearer {double.token}"}
            listing: Any = UnaryUnaryMethod(channel, LIST, api.ListImagesRequest, api.ListImagesResponse)
            await listing(api.ListImagesRequest(folder_id=double.folder_id), metadata=metadata, timeout=LONG)
            creating: Any = UnaryUnaryMethod(channel, CREATE, api.CreateImageRequest, operation_pb2.Operation)
            try:
                await creating(create(double), metadata=metadata, timeout=row.patience)
            except GRPCError as error:
                return error.status.name
            except (StreamTerminatedError, TimeoutError, DecodeError, AssertionError) as error:
                return type(error).__name__
        return "OK"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of grpclib, whose connection was reset
        return asyncio.run(run())


def create(double: Double) -> api.CreateImageRequest:
    """Return a request for an image from a disk."""
    return api.CreateImageRequest(folder_id=double.folder_id, disk_id=DISK)


CLIENTS: tuple[Callable[[Double, Row], str], ...] = (of_grpcio, of_aio, of_grpclib)


@pytest.mark.ycimages(timing="Never()")
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_a_client_sees_a_fault(ycimages: Double, row: Row, client: Callable[[Double, Row], str]) -> None:
    """As the table says; afterwards a new connection is served."""
    strike(ycimages, row)
    place = CLIENTS.index(client)
    assert client(ycimages, row) == row.seen[place]
    assert len(ycimages.calls.of("images.create")) == 1 + (NAMES[place] in row.repeated)


def test_the_journal_says_what_the_client_makes_of_a_http_status(ycimages: Double, stubs: Stubs) -> None:
    """A judge must not take it for a refusal that the client has not seen."""
    for fault in ("bad_request()", "bad_gateway()"):
        ycimages.inject(fault_of(fault), on="images.list", when=first(1))
        error = error_of(stubs.images.List, api.ListImagesRequest(folder_id=ycimages.folder_id))
        assert error.code().name == str(ycimages.calls[-1].status)


def test_every_fault_of_the_catalogue_is_in_the_table() -> None:
    """A new fault gets a row in `tests/grpc/fault_table.py`."""
    assert {fault_of(row.fault).name for row in ROWS} == set(CATALOGUE)


def test_the_reference_shows_the_table() -> None:
    """Write it anew with `python -m tests.grpc.fault_table`."""
    text = PAGE.read_text("utf-8")
    assert page(text) == text
