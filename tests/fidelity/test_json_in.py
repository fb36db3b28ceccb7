"""The JSON that comes in: what the gateway takes, and what it refuses in plain text (api-facts.md, section 2.1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import UnknownFieldWarning
from tests.client import DISK, GIB, IMAGES

if TYPE_CHECKING:
    from tests.client import Cloud


def refused(cloud: Cloud, **fields: Any) -> str:
    """The text with which the gateway refuses a request."""
    answer = cloud.create(**fields)
    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain")
    return answer.text


@pytest.mark.fidelity("json.int64-in")
@pytest.mark.parametrize("size", [7 * GIB, str(7 * GIB), float(7 * GIB)])
def test_an_int64_comes_in_as_a_number_or_a_string(cloud: Cloud, size: object) -> None:
    """The vendor's documentation sends both."""
    assert cloud.image(cloud.made(minDiskSize=size))["minDiskSize"] == str(7 * GIB)


@pytest.mark.fidelity("json.enum-in")
def test_an_enum_comes_in_as_a_name_or_a_number(cloud: Cloud) -> None:
    """Names in their own case only."""
    for os in ("WINDOWS", 2):
        assert cloud.image(cloud.made(os={"type": os}))["os"] == {"type": "WINDOWS"}
    assert refused(cloud, os={"type": "windows"}) == 'os.type: invalid value "windows" for type TYPE_ENUM'
    assert refused(cloud, os={"type": 3}) == "os.type: invalid value 3 for type TYPE_ENUM"


@pytest.mark.fidelity("json.snake-case")
def test_fields_come_in_like_the_proto_as_well(cloud: Cloud) -> None:
    """And are the same fields."""
    body = {"folder_id": cloud.double.folder_id, "disk_id": DISK, "min_disk_size": 7 * GIB, "product_ids": ["f2e1"]}
    operation = cloud.post(IMAGES, body).json
    image = cloud.operation(operation["id"])["response"]
    assert (image["minDiskSize"], image["productIds"]) == (str(7 * GIB), ["f2e1"])


@pytest.mark.fidelity("json.null")
def test_null_is_a_field_left_out(cloud: Cloud) -> None:
    """On every level."""
    body: dict[str, Any] = {"folderId": cloud.double.folder_id, "diskId": DISK, "imageId": None, "name": None}
    body["os"] = {"type": None}
    assert cloud.post(IMAGES, body).status == 200


@pytest.mark.fidelity("json.any-content-type")
@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain", "application/xml"])
def test_a_body_is_json_whatever_its_type(cloud: Cloud, content_type: str | None) -> None:
    """As plain `curl -d` sends it."""
    body = json.dumps({"folderId": cloud.double.folder_id, "diskId": DISK}).encode()
    assert cloud.using(Content_Type=content_type).post(IMAGES, body).status == 200


@pytest.mark.fidelity("json.empty-body")
@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_an_empty_body_is_an_empty_request(cloud: Cloud, body: bytes) -> None:
    """It lacks what is required, and is no malformed JSON."""
    assert cloud.post(IMAGES, body).refused_fields == ["folderId", "source"]


@pytest.mark.fidelity("json.wrong-type")
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"description": 12345}, "description: invalid value 12345 for type TYPE_STRING"),
        ({"description": True}, "description: invalid value true for type TYPE_STRING"),
        ({"minDiskSize": "big"}, 'min_disk_size: invalid value "big" for type TYPE_INT64'),
        ({"minDiskSize": 1.5}, "min_disk_size: invalid value 1.5 for type TYPE_INT64"),
        ({"minDiskSize": 2**63}, "min_disk_size: invalid value 9223372036854775808 for type TYPE_INT64"),
    ],
)
def test_a_wrong_json_type_is_refused_in_plain_text(cloud: Cloud, fields: dict[str, Any], text: str) -> None:
    """With the path, the value and the type, in the recorded form."""
    assert refused(cloud, **fields) == text
    assert not cloud.double.operations


@pytest.mark.fidelity("json.malformed")
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"name": }', 'Unexpected token.\n{"name": }\n         ^'),
        (b'{"name": "x', 'Unexpected end of string.\n{"name": "x\n          ^'),
    ],
)
def test_malformed_json_is_refused_in_plain_text(cloud: Cloud, body: bytes, text: str) -> None:
    """With a mark under the place."""
    answer = cloud.post(IMAGES, body)
    assert (answer.status, answer.headers["content-type"], answer.text) == (400, "text/plain", text)


@pytest.mark.fidelity("json.no-object")
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null"])
def test_a_body_that_is_no_object_is_refused_in_plain_text(cloud: Cloud, body: bytes) -> None:
    """There is no message in it."""
    answer = cloud.post(IMAGES, body)
    text = ": Root element must be a message."
    assert (answer.status, answer.headers["content-type"], answer.text) == (400, "text/plain", text)


@pytest.mark.fidelity("json.gateway-first")
def test_the_gateway_refuses_before_anybody_asks_for_a_token(cloud: Cloud) -> None:
    """And without the details that the service attaches."""
    answer = cloud.using(Authorization=None).post(IMAGES, {"description": 1})
    assert (answer.status, answer.text) == (400, "description: invalid value 1 for type TYPE_STRING")
    assert "x-request-id" not in answer.headers


@pytest.mark.fidelity("json.unknown-ignored")
@pytest.mark.ycimages(unknown_fields="ignore")
def test_unknown_fields_are_ignored(cloud: Cloud) -> None:
    """Whatever they hold."""
    image = cloud.image(cloud.made(**{"os.type": "WINDOWS", "nonsense": {"a": [1]}}))
    assert image["os"] == {"type": "LINUX"}


@pytest.mark.fidelity("json.unknown-warned")
def test_the_test_is_warned_of_unknown_fields(cloud: Cloud) -> None:
    """The client is not."""
    assert cloud.create(nonsense=1, os={"colour": "red"}).status == 200
    with pytest.warns(UnknownFieldWarning, match=r"images\.create was sent unknown fields.*: nonsense, os\.colour\."):
        cloud.double.check()


@pytest.mark.fidelity("json.unknown-rejected")
@pytest.mark.ycimages(unknown_fields="reject")
def test_unknown_fields_can_be_refused(cloud: Cloud) -> None:
    """Each by its path."""
    assert cloud.create(nonsense=1, os={"colour": "red"}).refused_fields == ["nonsense", "os.colour"]
