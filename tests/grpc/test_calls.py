"""Calls over gRPC: answers, refusals, metadata, deadlines, cancellation and compression."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2, status_pb2
from yandex.cloud.access import access_pb2
from yandex.cloud.compute.v1 import image_pb2
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.endpoint import api_endpoint_service_pb2 as endpoints
from yandex.cloud.iam.v1 import iam_token_service_pb2 as iam
from yandex.cloud.operation import operation_service_pb2 as operations

from pytest_ycimages import Code, Double, Latency, hang, rate_limited
from tests.grpc.clients import DISK, TIMEOUT, Http2, Stubs, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = "yandex.cloud.compute.v1.ImageService"
GET = f"{IMAGES}/Get"


def framed(message: Any) -> bytes:
    """Return the bytes of a message with its length."""
    data: bytes = message.SerializeToString()
    return b"\0" + len(data).to_bytes(4, "big") + data


def create(double: Double, **fields: Any) -> Any:
    """Return a request for an image from a disk."""
    return api.CreateImageRequest(folder_id=double.folder_id, **({"disk_id": DISK} | fields))


@pytest.mark.ycimages(timing="AfterPolls(1)")
def test_an_image_is_made_and_read(ycimages: Double, stubs: Stubs) -> None:
    """Create, poll, get, list: each answer is the official message."""
    operation = stubs.call(stubs.images.Create, create(ycimages, name="base", labels={"a": "b"}, min_disk_size=2**33))
    made = api.CreateImageMetadata()
    assert operation.metadata.Unpack(made)
    assert not operation.done
    for _ in range(2):
        operation = stubs.call(stubs.operations.Get, operations.GetOperationRequest(operation_id=operation.id))
    image = image_pb2.Image()
    assert operation.done
    assert operation.response.Unpack(image)
    assert (image.id, image.name, dict(image.labels)) == (made.image_id, "base", {"a": "b"})
    assert (image.status, image.min_disk_size) == (image_pb2.Image.READY, 2**33)
    assert image.created_at.seconds
    assert stubs.call(stubs.images.Get, api.GetImageRequest(image_id=image.id)) == image
    listed = stubs.call(stubs.images.List, api.ListImagesRequest(folder_id=ycimages.folder_id))
    assert list(listed.images) == [image]


@pytest.mark.ycimages(timing="Immediate()")
def test_every_unary_method_is_served(ycimages: Double, stubs: Stubs) -> None:
    """Whatever REST serves."""
    operation = stubs.call(stubs.images.Create, create(ycimages, name="a", family="base"))
    made = api.CreateImageMetadata()
    operation.metadata.Unpack(made)
    latest = stubs.call(
        stubs.images.GetLatestByFamily, api.GetImageLatestByFamilyRequest(folder_id=ycimages.folder_id, family="base")
    )
    assert latest.id == made.image_id
    update = api.UpdateImageRequest(
        image_id=made.image_id, description="d", update_mask=FieldMask(paths=["description"])
    )
    assert stubs.call(stubs.images.Update, update).id
    assert ycimages.images[made.image_id].description == "d"
    listed = stubs.call(stubs.images.ListOperations, api.ListImageOperationsRequest(image_id=made.image_id))
    assert len(listed.operations) == 2
    bindings = access_pb2.ListAccessBindingsRequest(resource_id=made.image_id)
    assert error_of(stubs.images.ListAccessBindings, bindings, metadata=stubs.metadata).code()
    assert stubs.call(stubs.images.Delete, api.DeleteImageRequest(image_id=made.image_id)).id
    assert made.image_id not in ycimages.images
    assert stubs.call(stubs.endpoints.List, endpoints.ListApiEndpointsRequest()).endpoints
    one = stubs.call(stubs.endpoints.Get, endpoints.GetApiEndpointRequest(api_endpoint_id="compute"))
    assert one.address == ycimages.grpc_endpoint
    exchanged = iam.CreateIamTokenRequest(yandex_passport_oauth_token="y0_x")  # noqa: S106 - of no one
    token = stubs.tokens.Create(exchanged, timeout=TIMEOUT)
    assert token.iam_token.startswith("t1.")


def test_a_violation_is_told_as_the_service_tells_it(ycimages: Double, stubs: Stubs) -> None:
    """INVALID_ARGUMENT with BadRequest and RequestInfo among the details."""
    error = error_of(stubs.images.Create, create(ycimages, name="No!"), metadata=stubs.metadata)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    bad, info = error_details_pb2.BadRequest(), error_details_pb2.RequestInfo()
    assert status.details[0].Unpack(bad)
    assert status.details[1].Unpack(info)
    assert [each.field for each in bad.field_violations] == ["name"]
    assert (status.code, status.message) == (3, error.details())
    assert info.request_id == trailers["x-request-id"]


@pytest.mark.ycimages(clock="manual")
def test_every_answer_has_the_headers_of_the_service(ycimages: Double, stubs: Stubs) -> None:
    """In the initial metadata of an answer, and among the trailers of a refusal."""
    asked = api.ListImagesRequest(folder_id=ycimages.folder_id)
    _, call = stubs.images.List.with_call(asked, timeout=TIMEOUT, metadata=stubs.metadata)
    refused = error_of(stubs.images.Get, api.GetImageRequest(image_id="fd8nobody"), metadata=stubs.metadata)
    for found in (dict(call.initial_metadata()), dict(refused.trailing_metadata())):
        trace, _, parent, flags = found["x-server-trace-id"].split(":")
        assert (trace, flags) == (parent, "1")
        assert (found["server"], found["date"]) == ("ycapi", "Thu, 01 Jan 2026 00:00:00 GMT")


def test_an_unknown_number_of_an_enum_is_a_violation(ycimages: Double, stubs: Stubs) -> None:
    """The gateway of REST is not in the way; the service says INVALID_ARGUMENT with the field."""
    error = error_of(stubs.images.Create, create(ycimages, os={"type": 9}), metadata=stubs.metadata)
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    bad = error_details_pb2.BadRequest()
    status.details[0].Unpack(bad)
    assert [each.field for each in bad.field_violations] == ["os.type"]


@pytest.mark.ycimages(unknown_fields="reject")
def test_an_unknown_field_is_told_by_its_number(ycimages: Double) -> None:
    """At any depth, as protobuf has no name for it."""
    data = create(ycimages).SerializeToString() + b"\xfa\x01\x01z"
    with Http2(ycimages) as client:
        answer = client.call(f"{IMAGES}/Create", b"\0" + len(data).to_bytes(4, "big") + data)
    assert answer.headers["grpc-status"] == "3"
    assert "#31" in answer.headers["grpc-message"].replace("%23", "#")


@pytest.mark.parametrize("rpc", ["yandex.cloud.compute.v1.ImageService/Fly", "a.B/C", "x"])
def test_what_is_not_served_is_unimplemented(ycimages: Double, rpc: str) -> None:
    """And is in the journal."""
    with Http2(ycimages) as client:
        answer = client.call(rpc, b"\0\0\0\0\0")
    assert answer.headers["grpc-status"] == "12"
    (call,) = ycimages.calls
    assert (call.method, call.status) == ("unrouted", Code.UNIMPLEMENTED)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"", (), "13", id="no message"),
        pytest.param(b"\0\0\0\0\0" * 2, (), "13", id="two messages"),
        pytest.param(b"\0\0\0\0\5ab", (), "13", id="half a message"),
        pytest.param(b"\0\0\0\0\2\x0a\xff", (), "13", id="not this message"),
        pytest.param(b"\0\0\0\0\3\x0a\1\xff", (), "13", id="not UTF-8"),
        pytest.param(b"\2\0\0\0\0", (), "13", id="unknown flag"),
        pytest.param(b"\1\0\0\0\1a", (), "13", id="compressed without a name"),
        pytest.param(b"\1\0\0\0\1a", (("grpc-encoding", "gzip"),), "13", id="not gzip"),
        pytest.param(b"\1\0\0\0\1a", (("grpc-encoding", "snappy"),), "12", id="unknown compression"),
        pytest.param(b"\0\xff\xff\xff\xff", (), "8", id="a length beyond the limit"),
        pytest.param(b"\0\0\x50\0\0" + bytes(5 * 2**20), (), "8", id="five mebibytes"),
    ],
)
def test_a_damaged_request_is_refused(
    ycimages: Double, body: bytes, headers: tuple[tuple[str, str], ...], status: str
) -> None:
    """With a status that says what is wrong, and the connection serves on."""
    with Http2(ycimages) as client:
        answer = client.call(GET, body, *headers)
        assert answer.headers["grpc-status"] == status, answer.headers.get("grpc-message")
        assert client.call(GET, framed(api.GetImageRequest(image_id="x"))).headers["grpc-status"] == "5"


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_requests_may_be_compressed(ycimages: Double, compression: grpc.Compression) -> None:
    """In both ways of grpcio."""
    with Stubs(ycimages, compression=compression) as stubs:
        assert stubs.call(stubs.images.Create, create(ycimages, description="x" * 200)).id
    assert ycimages.calls[0].status is Code.OK


def test_a_client_that_pings_is_served(ycimages: Double) -> None:
    """Keepalive, without a call and without an end: pings that each call makes good."""
    options = [
        ("grpc.keepalive_time_ms", 10),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    with Stubs(ycimages, options=options) as stubs:
        for _ in range(20):
            assert stubs.call(stubs.images.List, api.ListImagesRequest(folder_id=ycimages.folder_id)) is not None


def test_a_streaming_stub_may_call_a_unary_method(ycimages: Double) -> None:
    """With one message; with none or two it is refused."""
    message = api.ListImagesRequest(folder_id=ycimages.folder_id).SerializeToString()
    with Stubs(ycimages) as stubs:
        method: Any = stubs.channel.stream_stream("/yandex.cloud.compute.v1.ImageService/List")
        assert len(list(method(iter([message]), metadata=stubs.metadata, timeout=TIMEOUT))) == 1
        for number in (0, 2):
            with pytest.raises(grpc.RpcError, match=f"received: {number} messages"):
                list(method(iter([message] * number), metadata=stubs.metadata, timeout=TIMEOUT))


def test_the_journal_shows_transport_and_rpc(ycimages: Double, stubs: Stubs) -> None:
    """Beside the REST twin; metadata of the connection is not part of the call."""
    error_of(stubs.images.Get, api.GetImageRequest(image_id="a/b"), metadata=[*stubs.metadata, ("x-trace", "7")])
    (call,) = ycimages.calls
    assert call.line == "GET /compute/v1/images/a%2Fb"
    assert call.grpc is not None
    assert (call.grpc.rpc, call.grpc.previous_attempts, call.grpc.gave_up) == (GET, 0, "")
    assert call.grpc.deadline == pytest.approx(TIMEOUT, abs=1)
    assert call.metadata["x-trace"] == "7"
    assert not [name for name in call.metadata if name.startswith("grpc-") or name in {"te", "content-type"}]
    assert "gRPC" in str(call)


def test_attempts_of_the_library_are_counted(ycimages: Double) -> None:
    """By `grpc-previous-rpc-attempts`, which C-core sends with its own retries."""
    with Http2(ycimages) as client:
        client.call(GET, framed(api.GetImageRequest(image_id="x")), ("grpc-previous-rpc-attempts", "2"))
    (call,) = ycimages.calls
    assert call.grpc is not None
    assert call.grpc.previous_attempts == 2


@pytest.mark.ycimages(clock="manual")
@pytest.mark.parametrize("timeout", ["1S", "1500m", "2000000u", "1M", "100n"])
def test_a_deadline_ends_a_call_that_hangs(ycimages: Double, timeout: str) -> None:
    """On the double's clock, with DEADLINE_EXCEEDED; the journal says so."""
    ycimages.inject(hang(), on="images.get")
    with Http2(ycimages) as client:
        answer = client.call(GET, framed(api.GetImageRequest(image_id="x")), ("grpc-timeout", timeout))
    assert answer.headers["grpc-status"] == "4"
    (call,) = ycimages.calls
    assert call.grpc is not None
    assert call.grpc.gave_up == "deadline"
    assert "deadline exceeded" in str(call)


@pytest.mark.ycimages(clock="manual", latency=5)
@pytest.mark.parametrize(("timeout", "status"), [("4S", "4"), ("6S", "5")])
def test_latency_and_deadline_race_on_the_clock_of_the_double(ycimages: Double, timeout: str, status: str) -> None:
    """Whichever is earlier."""
    with Http2(ycimages) as client:
        answer = client.call(GET, framed(api.GetImageRequest(image_id="x")), ("grpc-timeout", timeout))
    assert answer.headers["grpc-status"] == status


def test_a_client_that_cancels_is_seen(ycimages: Double) -> None:
    """RST_STREAM ends the call, and the journal says so; other streams of the connection go on."""
    ycimages.inject(hang(), on="images.get", where={"image_id": "hangs"})
    with Http2(ycimages) as client:
        number = client.start_call(GET)
        client.conn.send_data(number, framed(api.GetImageRequest(image_id="hangs")), end_stream=True)
        client.flush()
        assert client.call(GET, framed(api.GetImageRequest(image_id="other"))).headers["grpc-status"] == "5"
        client.conn.reset_stream(number, 8)
        assert client.call(GET, framed(api.GetImageRequest(image_id="other"))).headers["grpc-status"] == "5"
    hung = ycimages.calls[0]
    assert hung.grpc is not None
    assert hung.grpc.gave_up == "cancelled"


@pytest.mark.ycimages(clock="manual", latency=10, latency_order="latency_first")
def test_a_call_cancelled_before_it_happens_never_happens(ycimages: Double) -> None:
    """With latency first, a cancelled create makes no image."""
    ycimages.latency = {"images.create": Latency.fixed(10)}
    with Http2(ycimages) as client:
        number = client.start_call(f"{IMAGES}/Create")
        client.conn.send_data(number, framed(create(ycimages)), end_stream=True)
        client.conn.reset_stream(number, 8)
        assert client.call(GET, framed(api.GetImageRequest(image_id="x"))).headers["grpc-status"] == "5"
    assert not ycimages.images


def test_retry_after_is_told_as_grpc_clients_obey_it(ycimages: Double, stubs: Stubs) -> None:
    """As `grpc-retry-pushback-ms` and as RetryInfo."""
    ycimages.inject(rate_limited(retry_after=3), on="images.get")
    error = error_of(stubs.images.Get, api.GetImageRequest(image_id="x"), metadata=stubs.metadata)
    trailers = dict(error.trailing_metadata())
    assert trailers["grpc-retry-pushback-ms"] == "3000"
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.retry_delay.seconds == 3
    (hint,) = ycimages.calls.hints
    assert hint.asked == 3


@pytest.mark.ycimages(texts={"image_not_found": 'nicht gefunden: "{id}" ü%\n'})
def test_a_text_beyond_ascii_arrives(stubs: Stubs) -> None:
    """`grpc-message` is percent-encoded UTF-8."""
    error = error_of(stubs.images.Get, api.GetImageRequest(image_id="x"), metadata=stubs.metadata)
    assert error.details() == 'nicht gefunden: "x" ü%\n'


def test_a_large_answer_is_sent_within_the_windows(ycimages: Double, stubs: Stubs) -> None:
    """900 images do not fit into the 64 KiB that a client opens with."""
    for number in range(900):
        ycimages.add_image(name=f"i{number}", description="x" * 200)
    request = api.ListImagesRequest(folder_id=ycimages.folder_id, page_size=1000)
    assert len(stubs.call(stubs.images.List, request).images) == 900


@pytest.mark.ycimages(latency=0.05)
def test_many_calls_at_once_wait_beside_each_other(ycimages: Double) -> None:
    """100 calls over one connection, each late; and as many answers."""

    async def run() -> list[Any]:
        async with grpc.aio.insecure_channel(ycimages.grpc_endpoint) as channel:
            images: Any = ImageServiceStub(channel)
            request = api.ListImagesRequest(folder_id=ycimages.folder_id)
            metadata = [("authorization", f"Bearer {ycimages.token}")]
            calls = [images.List(request, metadata=metadata, timeout=TIMEOUT) for _ in range(100)]
            return list(await asyncio.gather(*calls))

    assert len(asyncio.run(run())) == 100
    assert len(ycimages.calls) == 100


@pytest.mark.parametrize("send", [lambda stubs: stubs.metadata, lambda _: []], ids=["with a token", "without"])
@pytest.mark.ycimages(auth="strict")
def test_a_token_is_asked_for(stubs: Stubs, send: Callable[[Stubs], Any]) -> None:
    """As over REST."""
    error = error_of(stubs.images.Get, api.GetImageRequest(image_id="x"), metadata=send(stubs))
    wanted = grpc.StatusCode.NOT_FOUND if send(stubs) else grpc.StatusCode.UNAUTHENTICATED
    assert error.code() is wanted
