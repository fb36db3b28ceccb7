"""The JSON that goes out: its numbers, times, enums, order and spaces (api-facts.md, section 2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.client import GIB, image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud

ORDER: Final = ["done", "metadata", "id", "description", "createdAt", "createdBy", "modifiedAt"]


@pytest.mark.fidelity("json.int64-out")
def test_an_int64_goes_out_as_a_string(cloud: Cloud) -> None:
    """In images as in errors."""
    image = cloud.image(cloud.made(minDiskSize=7 * GIB))
    assert (image["storageSize"], image["minDiskSize"]) == (str(GIB), str(7 * GIB))


@pytest.mark.fidelity("json.resource-time")
def test_an_image_is_created_at_a_whole_second(cloud: Cloud) -> None:
    """Cut, not rounded."""
    cloud.double.clock.advance(1.999999999)
    assert cloud.image(cloud.made())["createdAt"] == "2026-01-01T00:00:01Z"


@pytest.mark.fidelity("json.operation-time")
def test_an_operation_is_created_to_the_nanosecond(cloud: Cloud) -> None:
    """With as many groups of three digits as protobuf prints; a whole second has none."""
    times = {
        0.0: "00Z",
        0.452: "00.452Z",
        0.000_564: "00.452564Z",
        0.000_000_354: "00.452564354Z",
        0.547_435_646: "01Z",
    }
    for step, end in times.items():
        cloud.double.clock.advance(step)
        operation = cloud.create().json
        assert operation["createdAt"] == operation["modifiedAt"] == f"2026-01-01T00:00:{end}"


@pytest.mark.fidelity("json.empty-omitted")
def test_empty_fields_are_left_out(cloud: Cloud) -> None:
    """Empty texts, lists and maps."""
    image = cloud.image(cloud.made(name="", description="", labels={}, family="", productIds=[]))
    assert sorted(image) == ["createdAt", "folderId", "id", "minDiskSize", "os", "status", "storageSize"]


@pytest.mark.fidelity("json.done-printed")
def test_done_is_there_when_it_is_false(cloud: Cloud) -> None:
    """Although other empty fields are left out."""
    assert cloud.create().json["done"] is False


@pytest.mark.fidelity("json.pooled-omitted")
@pytest.mark.ycimages(contract="current")
def test_pooled_is_left_out_when_it_is_false(cloud: Cloud) -> None:
    """Like any other empty field."""
    assert "pooled" not in cloud.image(cloud.made(pooled=False))


@pytest.mark.fidelity("json.enums-out")
def test_an_enum_goes_out_as_its_name(cloud: Cloud) -> None:
    """Whatever came in."""
    image = cloud.image(cloud.made(os={"type": 2}))
    assert (image["status"], image["os"]) == ("READY", {"type": "WINDOWS"})


@pytest.mark.fidelity("json.any-type-first")
def test_a_packed_message_begins_with_its_type(cloud: Cloud) -> None:
    """In the metadata and in the response."""
    operation = cloud.operation(cloud.create().json["id"])
    assert [next(iter(operation[field])) for field in ("metadata", "response")] == ["@type", "@type"]


@pytest.mark.fidelity("json.order-operation")
def test_an_operation_has_the_recorded_order(cloud: Cloud) -> None:
    """First what is no text."""
    assert list(cloud.create().json) == ORDER


@pytest.mark.fidelity("json.order-result")
def test_a_result_stands_behind_the_metadata(cloud: Cloud) -> None:
    """A response and an error alike."""
    for verb, result in (("operations/{}", "response"), ("operations/{}:cancel", "error")):
        operation = cloud.get(f"/{verb.format(cloud.create().json['id'])}").json
        assert list(operation) == [*ORDER[:2], result, *ORDER[2:]]


@pytest.mark.fidelity("json.order-image")
def test_an_image_has_the_recorded_order(cloud: Cloud) -> None:
    """First what is no text; labels, which the sample lacks, before it."""
    image_id = cloud.made(name="a", description="b", family="cde", labels={"f": "g"}, productIds=["f2e1"])
    assert list(cloud.image(image_id)) == [
        "labels",
        "productIds",
        "os",
        "id",
        "folderId",
        "createdAt",
        "name",
        "description",
        "family",
        "storageSize",
        "minDiskSize",
        "status",
    ]


@pytest.mark.fidelity("json.order-error")
def test_an_error_has_the_recorded_order(cloud: Cloud) -> None:
    """Code, message, details."""
    assert list(cloud.get("/operations/x").json) == ["code", "message", "details"]


@pytest.mark.fidelity("json.whitespace")
def test_json_is_indented_by_one_space(cloud: Cloud) -> None:
    """Down to the last level."""
    operation = cloud.create()
    image_id = image_id_of(operation)
    assert operation.text.startswith(
        '{\n "done": false,\n "metadata": {\n'
        '  "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",\n'
        f'  "imageId": "{image_id}"\n }},\n "id": '
    )


@pytest.mark.fidelity("json.content-type")
def test_json_is_typed_as_such(cloud: Cloud) -> None:
    """Without a charset, for errors of every kind as well."""
    answers = cloud.create(), cloud.create(name="N"), cloud.get("/nowhere"), cloud.call("PUT", "/endpoints")
    assert [answer.status for answer in answers] == [200, 400, 404, 405]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
