"""The official SDK, recorded and replayed unchanged: discovery, tokens, the waiter, faults and latency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from yandex.cloud.compute.v1 import image_pb2
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandexcloud._sdk import SDK
from yandexcloud.operations import OperationError

from pytest_ycimages import After, Double, VirtualTime, first, hang, operation_fails, reset, stream_reset, unavailable
from tests.cassette.modes.speakers import bake as bake_over_rest
from tests.cassette.modes.speakers import with_requests
from tests.grpc.clients import DISK

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own parts
OAUTH = "y0_AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def sdk_of(double: Double, **options: Any) -> Any:
    """Return an SDK that knows the address of the double and its certificate, and nothing else."""
    return SDK(endpoint=f"localhost:{double.port}", root_certificates=double.root_certificates, **options)


def bake(sdk: Any, folder_id: str, timeout: float = 60) -> image_pb2.Image:
    """Create an image, and wait for it."""
    operation = sdk.client(ImageServiceStub).Create(api.CreateImageRequest(folder_id=folder_id, disk_id=DISK, name="a"))
    result: image_pb2.Image = sdk.wait_operation_and_get_result(
        operation, response_type=image_pb2.Image, meta_type=api.CreateImageMetadata, timeout=timeout
    ).response
    return result


def life(sdk: Any, folder_id: str) -> tuple[Any, ...]:
    """Bake an image, label it, and delete all that a list finds."""
    images = sdk.client(ImageServiceStub)
    image = bake(sdk, folder_id)
    change = api.UpdateImageRequest(
        image_id=image.id, update_mask=FieldMask(paths=["labels", "min_disk_size"]), labels={"made-by": "ci"}
    )
    updated = sdk.wait_operation_and_get_result(
        images.Update(change), response_type=image_pb2.Image, meta_type=api.UpdateImageMetadata, timeout=60
    ).response
    found = images.List(api.ListImagesRequest(folder_id=folder_id)).images
    for each in found:
        sdk.wait_operation_and_get_result(images.Delete(api.DeleteImageRequest(image_id=each.id)), timeout=60)
    return image, updated, list(found), list(images.List(api.ListImagesRequest(folder_id=folder_id)).images)


@pytest.fixture(scope="module")
def bake_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cassette of an image that took 20 seconds, recorded with an OAuth token."""
    path = tmp_path_factory.mktemp("recorded") / "bake.yaml"
    with (
        VirtualTime() as time,
        Double(timing=After(20)) as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url) as recording,
    ):
        assert bake(sdk_of(recording, token=OAUTH), recording.folder_id).status == image_pb2.Image.READY
        assert 20 <= time.elapsed < 22
        assert not [call for call in upstream.calls if call.grpc]
    assert OAUTH not in path.read_text()
    return path


@pytest.fixture
def recorded(bake_yaml: Path, ycimages_time: VirtualTime) -> Path:  # noqa: ARG001 - what is recorded is replayed in virtual time
    """Return the cassette, which is recorded once."""
    return bake_yaml


def test_a_whole_life_is_replayed(tmp_path: Path) -> None:
    """In real time; with the same answers, and none left over."""
    path = tmp_path / "life.yaml"
    with Double() as upstream, Double(mode="record", cassette=path, upstream=upstream.url) as recording:
        was = life(sdk_of(recording, token=OAUTH), recording.folder_id)
    with Double(mode="replay", cassette=path) as replay:
        assert life(sdk_of(replay, token="another"), replay.folder_id) == was  # noqa: S106 - of no account
        assert not replay.images
    assert was[1].labels == {"made-by": "ci"}
    assert (len(was[2]), was[3]) == (1, [])


def test_the_waiter_waits_as_long_as_it_was_recorded(recorded: Path, ycimages_time: VirtualTime) -> None:
    """In virtual time."""
    began = ycimages_time.elapsed
    with Double(mode="replay", cassette=recorded) as replay:
        bake(sdk_of(replay, token=OAUTH), replay.folder_id)
        assert 20 <= ycimages_time.elapsed - began < 22


def test_a_client_of_rest_replays_what_the_sdk_recorded(recorded: Path, ycimages_time: VirtualTime) -> None:
    """With another way to wait, and a body in other words."""
    began = ycimages_time.elapsed
    with (
        Double(mode="replay", cassette=recorded, unused_interactions="ignore", volatile={"name": "*"}) as replay,
        with_requests() as ask,
    ):
        headers = {"Authorization": "Bearer any"}
        body = {"folder_id": replay.folder_id, "diskId": DISK, "labels": {}, "name": "b"}
        operation = ask("POST", f"{replay.url}/compute/v1/images", headers, body)
        assert ask("GET", f"{replay.url}/operations/{operation['id']}", headers, None)["done"] is False
        ycimages_time.advance(20)
        operation = ask("GET", f"{replay.url}/operations/{operation['id']}", headers, None)
    assert (operation["done"], operation["response"]["name"]) == (True, "b")
    assert ycimages_time.elapsed - began == 20


@pytest.mark.parametrize("fault", [unavailable(), reset(), stream_reset(), hang()])
def test_faults_strike_a_replay(recorded: Path, fault: Any) -> None:
    """The client's second try finds the answer that the first would have found."""
    with Double(mode="replay", cassette=recorded, unused_interactions="ignore") as replay:
        replay.inject(fault, on="images.create", when=first(1), commit="before")
        images = sdk_of(replay, iam_token="t").client(ImageServiceStub)  # noqa: S106 - of no account
        request = api.CreateImageRequest(folder_id=replay.folder_id, disk_id=DISK, name="a")
        with pytest.raises(grpc.RpcError):
            images.Create(request, timeout=5)
        assert images.Create(request, timeout=5, wait_for_ready=True).description == "Create image"


def test_latency_delays_a_replay(recorded: Path, ycimages_time: VirtualTime) -> None:
    """And a deadline that is shorter ends the call."""
    began = ycimages_time.elapsed
    with Double(mode="replay", cassette=recorded, unused_interactions="ignore", latency=3) as replay:
        images = sdk_of(replay, iam_token="t").client(ImageServiceStub)  # noqa: S106 - of no account
        taken = ycimages_time.elapsed - began
        with pytest.raises(grpc.RpcError) as error:
            images.Create(api.CreateImageRequest(folder_id=replay.folder_id, disk_id=DISK, name="a"), timeout=2)
    told: Any = error.value
    assert told.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert ycimages_time.elapsed - began == taken + 2


def test_a_failed_operation_is_an_error_of_the_sdk(tmp_path: Path) -> None:
    """As it was when it was recorded."""
    path = tmp_path / "failed.yaml"
    texts = []
    with Double() as upstream, Double(mode="record", cassette=path, upstream=upstream.url) as recording:
        upstream.inject(operation_fails("RESOURCE_EXHAUSTED", "no room"), on="images.create")
        with pytest.raises(OperationError) as error:
            bake(sdk_of(recording, iam_token=recording.token), recording.folder_id)
        texts.append(str(error.value))
    with Double(mode="replay", cassette=path) as replay, pytest.raises(OperationError) as error:
        bake(sdk_of(replay, iam_token=replay.token), replay.folder_id)
    assert [*texts, "no room" in texts[0]] == [str(error.value), True]


def test_verify_compares_what_grpc_recorded_and_rest_records(recorded: Path) -> None:
    """With the fake, which has not changed since."""
    with Double(mode="verify", cassette=recorded) as verifying:
        bake(sdk_of(verifying, token=OAUTH), verifying.folder_id)


def test_what_rest_recorded_the_sdk_replays(tmp_path: Path) -> None:
    """It gets by without the discovery that was not recorded, if it is told the endpoint."""
    path = tmp_path / "rest.yaml"
    with (
        Double() as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url) as recording,
        with_requests() as ask,
    ):
        was = bake_over_rest(
            ask, lambda path: f"{recording.url}{path}", token=recording.token, folder_id=recording.folder_id
        )
    with (
        Double(mode="replay", cassette=path, unused_interactions="ignore") as replay,
        grpc.insecure_channel(replay.grpc_endpoint) as channel,
    ):
        request = api.CreateImageRequest(folder_id=replay.folder_id, disk_id=DISK, labels={"made-by": "matrix"})
        operation: Any = ImageServiceStub(channel).Create(request, timeout=20)
        about = api.CreateImageMetadata.FromString(operation.metadata.value)
        assert about.image_id == was["id"]
