"""The document is true in both directions: the double accepts what it allows, and refuses what it forbids.

Each case is a request at the edge of a rule, with the verdict that the specification asks for; the document and the
double must both come to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from werkzeug.test import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double

LEAST: Final = 4194304
MOST: Final = 4398046511104
FILE: Final = "https://storage.yandexcloud.net/bucket/disk.qcow2"
BOTH: Final = {"page": True, "current": True}
NEITHER: Final = {"page": False, "current": False}
TODAY: Final = {"page": False, "current": True}
BEYOND_THE_PAGE: Final = {"page": True, "current": False}
"""Wrong in a field that the page does not know, and so ignores."""

CREATE: Final[list[tuple[dict[str, Any], dict[str, bool]]]] = [
    ({}, BOTH),
    ({"folderId": "f" * 50}, BOTH),
    ({"folderId": "f" * 51}, NEITHER),
    ({"folderId": ""}, NEITHER),
    ({"folderId": None}, NEITHER),
    ({"folderId": 5}, NEITHER),
    ({"folderId": None, "folder_id": "f"}, BOTH),
    ({"folder_id": "f" * 51}, NEITHER),
    ({"name": ""}, BOTH),
    ({"name": "a" * 63}, BOTH),
    ({"name": "a" * 64}, NEITHER),
    ({"name": "a-"}, NEITHER),
    ({"name": "1a"}, NEITHER),
    ({"name": "a_b"}, TODAY),
    ({"name": "a\n"}, NEITHER),
    ({"name": None}, BOTH),
    ({"description": "ж" * 256}, BOTH),
    ({"description": "ж" * 257}, NEITHER),
    ({"description": 12345}, NEITHER),
    ({"labels": {f"k{number}": "" for number in range(64)}}, BOTH),
    ({"labels": {f"k{number}": "" for number in range(65)}}, NEITHER),
    ({"labels": {"k" * 63: "v" * 63}}, BOTH),
    ({"labels": {"k" * 64: "v"}}, NEITHER),
    ({"labels": {"k": "v" * 64}}, NEITHER),
    ({"labels": {"": "v"}}, NEITHER),
    ({"labels": {r"a-_./\@9": r"-_./\@9"}}, BOTH),
    ({"labels": {"K": "v"}}, NEITHER),
    ({"labels": {"k": "V"}}, NEITHER),
    ({"labels": {"k": None}}, NEITHER),
    ({"labels": []}, NEITHER),
    ({"family": "abc"}, BOTH),
    ({"family": "ab"}, NEITHER),
    ({"family": "a" * 63}, BOTH),
    ({"family": "a" * 64}, NEITHER),
    ({"family": "a_b"}, NEITHER),
    ({"family": ""}, BOTH),
    ({"minDiskSize": LEAST}, BOTH),
    ({"minDiskSize": LEAST - 1}, NEITHER),
    ({"minDiskSize": MOST}, BOTH),
    ({"minDiskSize": MOST + 1}, NEITHER),
    ({"minDiskSize": str(LEAST)}, BOTH),
    ({"minDiskSize": str(LEAST - 1)}, NEITHER),
    ({"minDiskSize": str(MOST)}, BOTH),
    ({"minDiskSize": str(MOST + 1)}, NEITHER),
    ({"minDiskSize": f"00{LEAST}"}, BOTH),
    ({"minDiskSize": 0}, BOTH),
    ({"minDiskSize": "0"}, BOTH),
    ({"minDiskSize": "-0"}, BOTH),
    ({"minDiskSize": -LEAST}, NEITHER),
    ({"minDiskSize": float(LEAST)}, BOTH),
    ({"minDiskSize": LEAST + 0.5}, NEITHER),
    ({"minDiskSize": f"{LEAST}.0"}, NEITHER),
    ({"minDiskSize": ""}, NEITHER),
    ({"minDiskSize": True}, NEITHER),
    ({"minDiskSize": LEAST, "min_disk_size": "x"}, NEITHER),
    ({"min_disk_size": "x", "minDiskSize": LEAST}, NEITHER),
    ({"min_disk_size": LEAST}, BOTH),
    ({"productIds": ["p" * 50] * 200}, BOTH),
    ({"productIds": ["p" * 51]}, NEITHER),
    ({"productIds": ["p", None]}, BOTH),
    ({"productIds": "p"}, NEITHER),
    ({"product_ids": [1]}, NEITHER),
    ({"os": {}}, BOTH),
    ({"os": {"type": "LINUX"}}, BOTH),
    ({"os": {"type": "linux"}}, NEITHER),
    ({"os": {"type": 2}}, BOTH),
    ({"os": {"type": 2.0}}, BOTH),
    ({"os": {"type": 3}}, NEITHER),
    ({"os": {"type": None}}, BOTH),
    ({"os": "LINUX"}, NEITHER),
    ({"os": {"nvidia": {"driver": "535"}}}, BOTH),
    ({"os": {"nvidia": {"driver": 535}}}, BEYOND_THE_PAGE),
    ({"uri": None}, NEITHER),
    ({"uri": None, "imageId": "i" * 50}, BOTH),
    ({"uri": None, "imageId": "i" * 51}, NEITHER),
    ({"uri": None, "imageId": ""}, NEITHER),
    ({"uri": None, "diskId": "d" * 50}, BOTH),
    ({"uri": None, "disk_id": "d" * 51}, NEITHER),
    ({"uri": None, "snapshotId": "s" * 50}, BOTH),
    ({"uri": None, "snapshotId": "s" * 51}, NEITHER),
    ({"imageId": "i"}, NEITHER),
    ({"disk_id": "d"}, NEITHER),
    ({"uri": None, "diskId": "d", "disk_id": "d"}, NEITHER),
    ({"uri": f"{FILE}?X-Amz-Signature=ж"}, BOTH),
    ({"uri": FILE.replace("https", "http")}, BOTH),
    ({"uri": "https://storage.yandexcloud.net/bucket"}, NEITHER),
    ({"uri": "https://storage.yandexcloud.net/bucket/"}, NEITHER),
    ({"uri": "https://bucket.storage.yandexcloud.net/disk.qcow2"}, NEITHER),
    ({"uri": f"{FILE} "}, NEITHER),
    ({"uri": f"{FILE}\n"}, NEITHER),
    ({"pooled": True}, BOTH),
    ({"pooled": "true"}, BEYOND_THE_PAGE),
    ({"hardwareGeneration": {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V2"}}}, BOTH),
    ({"hardwareGeneration": {"legacyFeatures": None, "generation2Features": {}}}, BOTH),
    ({"hardwareGeneration": {"legacyFeatures": {}, "generation2Features": {}}}, BEYOND_THE_PAGE),
    ({"hardwareGeneration": {"legacy_features": {"pci_topology": "V2"}}}, BEYOND_THE_PAGE),
    ({"os.type": "WINDOWS", "anything": [None, {}]}, BOTH),
]

UPDATE: Final[list[tuple[dict[str, Any], bool]]] = [
    ({}, False),
    ({"updateMask": ""}, False),
    ({"name": None}, False),
    ({"anything": 1}, False),
    ({"name": ""}, True),
    ({"updateMask": "", "name": "a"}, True),
    ({"updateMask": "name"}, True),
    ({"update_mask": "min_disk_size, labels"}, True),
    ({"updateMask": "name,,labels"}, False),
    ({"updateMask": "family"}, False),
    ({"updateMask": "Name"}, False),
    ({"description": "d" * 257}, False),
    ({"minDiskSize": LEAST}, True),
    ({"min_disk_size": LEAST - 1}, False),
    ({"labels": {}}, True),
    ({"imageId": 5, "name": "b"}, True),
]

TOKEN: Final[list[tuple[dict[str, Any], bool]]] = [
    ({}, False),
    ({"jwt": "j" * 8000}, True),
    ({"jwt": "j" * 8001}, False),
    ({"jwt": ""}, False),
    ({"yandexPassportOauthToken": "y" * 4000}, True),
    ({"yandex_passport_oauth_token": "y" * 4001}, False),
    ({"yandexPassportOauthToken": "y", "jwt": "j"}, False),
    ({"yandexPassportOauthToken": "y", "jwt": None}, True),
]

QUERY: Final[list[tuple[str, str, object, bool]]] = [
    ("images.list", "folderId", "f" * 50, True),
    ("images.list", "folderId", "f" * 51, False),
    ("images.list", "folderId", "", False),
    ("images.list", "pageSize", 1000, True),
    ("images.list", "pageSize", 1001, False),
    ("images.list", "pageSize", 0, True),
    ("images.list", "pageSize", -(2**63), True),
    ("images.list", "pageSize", -(2**63) - 1, False),
    ("images.list", "pageSize", "many", False),
    ("images.list", "pageSize", "", False),
    ("images.list", "pageToken", "", True),
    ("images.list", "pageToken", f"{2**64 - 1:x}{'A' * 84}", True),
    ("images.list", "pageToken", f"{2**64 - 1:x}{'A' * 88}", False),
    ("images.list", "pageToken", f"{2**64 - 1:x}A", False),
    ("images.list", "pageToken", "garbage", False),
    ("images.list", "filter", f'name = "{"a" * 991}"', True),
    ("images.list", "filter", f'name = "{"a" * 992}"', False),
    ("images.list", "filter", "", True),
    ("images.list", "filter", "name", False),
    ("images.list", "orderBy", f"id{' ' * 98}", True),
    ("images.list", "orderBy", f"id{' ' * 99}", False),
    ("images.list", "orderBy", "created_at DESC", True),
    ("images.list", "orderBy", "name", False),
    ("images.latestByFamily", "family", "abc", True),
    ("images.latestByFamily", "family", "ab", False),
    ("images.latestByFamily", "folderId", "f" * 51, False),
    ("images.listOperations", "imageId", "i" * 50, True),
    ("images.listOperations", "imageId", "i" * 51, False),
    ("images.listOperations", "pageSize", 1001, False),
    ("images.get", "imageId", "i" * 51, False),
    ("images.delete", "imageId", "i" * 51, False),
    ("operations.get", "operationId", "fd8" + "v" * 17, True),
    ("operations.get", "operationId", "fd8" + "w" * 17, False),
    ("operations.cancel", "operationId", "fd8", False),
]


def schema_of_body(document: dict[str, Any], verb: str, path: str) -> dict[str, Any]:
    """The schema of a request's body."""
    schema: dict[str, Any] = document["paths"][path][verb]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def accepted(status: int) -> bool:
    """Whether an answer says that the request was in order; what it names need not be there."""
    assert status in {200, 400, 404}
    return status != 400


@pytest.mark.parametrize(("fields", "verdicts"), CREATE, ids=[str(fields)[:60] for fields, _ in CREATE])
def test_a_create_is_judged_alike(  # noqa: PLR0913, PLR0917 - two judges and their verdict
    revision: str,
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    fields: dict[str, Any],
    verdicts: dict[str, bool],
) -> None:
    """By the document, by the double, and by the specification."""
    body = {"folderId": "b1g", "uri": FILE, **fields}
    answer = Client(ycimages.app).post("/compute/v1/images", json=body, headers={"Authorization": "Bearer x"})
    assert accepted(answer.status_code) is verdicts[revision], answer.text
    schema = schema_of_body(document, "post", "/compute/v1/images")
    assert (not objections(schema, body)) is verdicts[revision], objections(schema, body)


@pytest.mark.parametrize(("body", "verdict"), UPDATE, ids=[str(body)[:60] for body, _ in UPDATE])
def test_an_update_is_judged_alike(
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    body: dict[str, Any],
    verdict: bool,  # noqa: FBT001 - what the test expects
) -> None:
    """On an image of which nothing is known that forbids it."""
    client, headers = Client(ycimages.app), {"Authorization": "Bearer x"}
    made = client.post("/compute/v1/images", json={"folderId": "b1g", "diskId": "d"}, headers=headers)
    path = f"/compute/v1/images/{made.json['metadata']['imageId']}"  # type: ignore[index]
    client.get(path, headers=headers)
    answer = client.patch(path, json=body, headers=headers)
    assert accepted(answer.status_code) is verdict, answer.text
    schema = schema_of_body(document, "patch", "/compute/v1/images/{imageId}")
    assert (not objections(schema, body)) is verdict, objections(schema, body)


@pytest.mark.parametrize(("body", "verdict"), TOKEN, ids=[str(body)[:60] for body, _ in TOKEN])
def test_a_request_for_a_token_is_judged_alike(
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    body: dict[str, Any],
    verdict: bool,  # noqa: FBT001 - what the test expects
) -> None:
    """Exactly one of two."""
    answer = Client(ycimages.app).post("/iam/v1/tokens", json=body)
    assert accepted(answer.status_code) is verdict, answer.text
    assert (not objections(schema_of_body(document, "post", "/iam/v1/tokens"), body)) is verdict


@pytest.mark.parametrize(("method", "name", "value", "verdict"), QUERY)
def test_a_parameter_is_judged_alike(  # noqa: PLR0913, PLR0917 - two judges, one parameter and its verdict
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    method: str,
    name: str,
    value: object,
    verdict: bool,  # noqa: FBT001 - what the test expects
) -> None:
    """In a path or in a query, beside parameters that are in order."""
    (found,) = (
        (path, verb, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if operation["operationId"] == method
    )
    path, verb, operation = found
    (parameter,) = (each for each in operation["parameters"] if each["name"] == name)
    query = {"folderId": "b1g"} if any(each["name"] == "folderId" for each in operation["parameters"]) else {}
    if parameter["in"] == "query":
        query[name] = str(value)
    path = path.format_map({"imageId": "i", "operationId": "o", **({name: value} if "{" in path else {})})
    client = Client(ycimages.app)
    answer = client.open(path, method=verb.upper(), query_string=query, headers={"Authorization": "Bearer x"})
    assert accepted(answer.status_code) is verdict, answer.text
    assert (not objections(parameter["schema"], value)) is verdict
