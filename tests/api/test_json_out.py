"""The JSON form on its way out: what the service was recorded to send, key for key and blank for blank."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ycimages.api.requests import ApiEndpoint, CreateTokenResponse, ListEndpointsResponse
from pytest_ycimages.api.resources import (
    CreateImageMetadata,
    Generation2Features,
    HardwareGeneration,
    Image,
    ImageStatus,
    LegacyFeatures,
    Nvidia,
    Operation,
    Os,
    OsType,
    PciTopology,
)
from pytest_ycimages.api.status import Code, Status

RECORDED_OPERATION = """{
 "done": false,
 "metadata": {
  "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",
  "imageId": "fd8g5p4hllq8********"
 },
 "id": "fd8m1tfm92kr********",
 "description": "Create image",
 "createdAt": "2025-12-05T16:41:54.452564354Z",
 "createdBy": "ajeol2afu1js********",
 "modifiedAt": "2025-12-05T16:41:54.452564354Z"
}"""

IMAGE = Image(
    product_ids=("f2e1", "f2e2"),
    os=Os(type=OsType.WINDOWS),
    id="fd8image",
    folder_id="standard-images",
    created_at="2019-04-30T10:53:56Z",
    name="windows",
    description="Windows Server",
    family="windows-2016",
    storage_size=26344423424,
    min_disk_size=53687091200,
    status=ImageStatus.READY,
)
RECORDED_IMAGE = """{
 "productIds": [
  "f2e1",
  "f2e2"
 ],
 "os": {
  "type": "WINDOWS"
 },
 "id": "fd8image",
 "folderId": "standard-images",
 "createdAt": "2019-04-30T10:53:56Z",
 "name": "windows",
 "description": "Windows Server",
 "family": "windows-2016",
 "storageSize": "26344423424",
 "minDiskSize": "53687091200",
 "status": "READY"
}"""
BARE = Image(id="fd8image", folder_id="f", created_at="2026-01-01T00:00:00Z", status=ImageStatus.CREATING)


def _operation(**fields: Any) -> Operation:
    moment = "2025-12-05T16:41:54.452564354Z"
    known: dict[str, Any] = {
        "done": False,
        "metadata": CreateImageMetadata(image_id="fd8g5p4hllq8********"),
        "id": "fd8m1tfm92kr********",
        "description": "Create image",
        "created_at": moment,
        "created_by": "ajeol2afu1js********",
        "modified_at": moment,
    }
    return Operation(**(known | fields))


def test_a_fresh_operation_is_the_recorded_reply() -> None:
    """The one real answer to a create call that is known: `done` first and printed although false, `@type` first."""
    assert _operation().to_json().decode() == RECORDED_OPERATION


def test_an_image_is_printed_in_the_recorded_order() -> None:
    """Lists and objects first, then what is a string; one blank per level; int64 as strings."""
    assert IMAGE.to_json().decode() == RECORDED_IMAGE


def test_a_field_that_is_empty_is_not_printed() -> None:
    """No empty string, list, map, number or message; a reply never says null."""
    assert json.loads(BARE.to_json()) == {
        "id": "fd8image",
        "folderId": "f",
        "createdAt": "2026-01-01T00:00:00Z",
        "status": "CREATING",
    }


def test_what_is_empty_by_being_given_empty_is_not_printed_either() -> None:
    """Proto3 knows no difference."""
    empty = BARE.model_copy(update={"labels": {}, "product_ids": (), "name": "", "storage_size": 0, "pooled": False})

    assert empty.to_json() == BARE.to_json()


def test_labels_stand_with_the_other_objects_before_the_strings() -> None:
    """In the order in which the client gave them."""
    labelled = IMAGE.model_copy(update={"labels": {"z": "1", "a": "", "m": "ж"}})

    assert list(json.loads(labelled.to_json()))[:3] == ["labels", "productIds", "os"]
    assert list(json.loads(labelled.to_json())["labels"].items()) == [("z", "1"), ("a", ""), ("m", "ж")]


def test_the_fields_of_today_stand_before_the_strings() -> None:
    """They are a bool and an object; an empty message inside a oneof is printed, for it says which one."""
    today = BARE.model_copy(
        update={
            "pooled": True,
            "os": Os(type=OsType.LINUX, nvidia=Nvidia(driver="535")),
            "hardware_generation": HardwareGeneration(generation2_features=Generation2Features()),
        }
    )

    assert list(json.loads(today.to_json()).items())[:4] == [
        ("os", {"nvidia": {"driver": "535"}, "type": "LINUX"}),
        ("pooled", True),
        ("hardwareGeneration", {"generation2Features": {}}),
        ("id", "fd8image"),
    ]


def test_a_hardware_generation_names_the_topology() -> None:
    """Enums are printed by name."""
    generation = HardwareGeneration(legacy_features=LegacyFeatures(pci_topology=PciTopology.V1))

    assert json.loads(generation.to_json()) == {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V1"}}


def test_text_is_printed_as_it_is() -> None:
    """UTF-8, with JSON's own escapes only."""
    described = BARE.model_copy(update={"description": 'ж 😀 "quoted" \\ \n'})

    assert 'ж 😀 \\"quoted\\" \\\\ \\n"'.encode() in described.to_json()


def test_a_done_operation_holds_the_image_with_its_type_first() -> None:
    """`response` stands after `metadata`, and its image is printed as any other."""
    done = json.loads(_operation(done=True, response=IMAGE).to_json())

    assert list(done) == ["done", "metadata", "response", "id", "description", "createdAt", "createdBy", "modifiedAt"]
    assert done["done"] is True
    assert list(done["response"].items()) == [
        ("@type", "type.googleapis.com/yandex.cloud.compute.v1.Image"),
        *json.loads(RECORDED_IMAGE).items(),
    ]


@pytest.mark.parametrize("done", [True, False])
def test_a_failed_operation_holds_the_error_whether_done_or_not(*, done: bool) -> None:
    """An error may be there before the end; it is a status, and no `google.protobuf.Any`."""
    failed = json.loads(
        _operation(done=done, error=Status(code=Code.CANCELLED, message="Cancelled by client")).to_json()
    )

    assert list(failed) == ["done", "metadata", "error", "id", "description", "createdAt", "createdBy", "modifiedAt"]
    assert failed["done"] is done
    assert failed["error"] == {"code": 1, "message": "Cancelled by client"}


def test_a_list_of_nothing_is_an_empty_object() -> None:
    """Observed: `{}`, and not a key with an empty list."""
    assert ListEndpointsResponse().to_json() == b"{}"


def test_a_list_is_printed_element_by_element() -> None:
    """One blank per level, as recorded for the endpoints."""
    endpoint = ApiEndpoint(id="compute", address="compute.api.cloud.yandex.net:443")

    assert (
        ListEndpointsResponse(endpoints=(endpoint,)).to_json().decode()
        == """{
 "endpoints": [
  {
   "id": "compute",
   "address": "compute.api.cloud.yandex.net:443"
  }
 ]
}"""
    )


def test_a_token_is_printed_with_its_end() -> None:
    """`{iamToken, expiresAt}`."""
    token = CreateTokenResponse(iam_token="t1.a.b", expires_at="2026-01-01T12:00:00Z")  # noqa: S106

    assert token.to_json() == b'{\n "iamToken": "t1.a.b",\n "expiresAt": "2026-01-01T12:00:00Z"\n}'


def test_what_was_said_does_not_change() -> None:
    """Messages are frozen."""
    with pytest.raises(ValueError, match="frozen"):
        BARE.name = "other"  # type: ignore[misc]
