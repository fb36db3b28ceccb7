"""The double answers what the document says: each status with its content type, headers, schema and codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from pytest_ycimages import Double, Never, Quotas
from tests.openapi.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES: Final = "/compute/v1/images"
FILE: Final = "https://storage.yandexcloud.net/bucket/disk.qcow2"
NOBODY: Final = "fd800000000000000000"
TOO_LARGE: Final = b"{" + b" " * (4 * 2**20) + b"}"
TOKENS = "/iam/v1/tokens"
TOKEN_PATHS = (TOKENS, f"{TOKENS}:createForServiceAccount", f"{TOKENS}:revoke")
BINDINGS: Final = [("GET", "listAccessBindings"), ("POST", "setAccessBindings"), ("POST", "updateAccessBindings")]


@pytest.fixture
def witness(document: dict[str, Any], objections: Callable[..., list[str]]) -> Witness:
    """A client that holds every answer against the document of the revision."""
    return Witness(document, objections)


@pytest.fixture
def double(revision: str) -> Callable[..., Double]:
    """Make a double of the revision."""

    def made(**settings: Any) -> Double:
        return Double({"contract": revision, "unknown_fields": "ignore", "clock": "manual", **settings})

    return made


@pytest.mark.costly
def test_every_answer_that_is_documented_can_be_had_and_no_other(
    witness: Witness, double: Callable[..., Double]
) -> None:
    """Each status of each operation, from calls that ask for it."""
    for part in (good_calls, bad_calls, missing, unauthorised, over_quota, too_large, busy):
        part(witness, double)
    expected = set(witness.documented())
    assert {(method, status) for method, seen in witness.seen.items() for status, _ in seen} == expected
    assert witness.seen["images.create"] == {
        (200, 0),
        (400, 0),
        (400, 3),
        (400, 9),
        (401, 16),
        (409, 6),
        (413, 8),
        (429, 8),
    }


def good_calls(witness: Witness, double: Callable[..., Double]) -> None:
    """A life of images: created in every way, shown, listed, changed and removed; calls for tokens and services."""
    here = double(timing=0)
    full = {"name": "one", "family": "family", "description": "d", "labels": {"a": "b"}, "productIds": ["f2e"]}
    hardware = {"pooled": True, "hardwareGeneration": {"generation2Features": {}}, "os": {"nvidia": {"driver": "535"}}}
    made = witness.call(here, "POST", IMAGES, json={"folderId": "f", "uri": FILE, **full, **hardware})
    image = f"{IMAGES}/{made['metadata']['imageId']}"
    witness.call(here, "POST", IMAGES, json={"folder_id": "f", "image_id": made["metadata"]["imageId"]})
    witness.call(here, "POST", IMAGES, json={"folderId": "f", "uri": f"{FILE}.vdi", "os": {"type": 2}})
    for query in ({}, {"pageSize": 1}, {"filter": 'name = "one"', "orderBy": "createdAt desc"}):
        witness.call(here, "GET", IMAGES, query_string={"folderId": "f", **query})
    witness.call(here, "GET", IMAGES, query_string={"folderId": "empty"})
    witness.call(here, "GET", f"{IMAGES}:latestByFamily", query_string={"folderId": "f", "family": "family"})
    witness.call(here, "GET", image)
    witness.call(here, "PATCH", image, json={"name": "two"})
    witness.call(here, "GET", f"{image}/operations", query_string={"pageSize": 1})
    witness.call(here, "DELETE", image)
    for verb, path in (("GET", ""), ("GET", ":cancel"), ("POST", ":cancel")):
        witness.call(here, verb, f"/operations/{made['id']}{path}")
    witness.call(here, "POST", TOKENS, json={"jwt": "j"}, token=None)
    token = witness.call(here, "POST", f"{TOKENS}:createForServiceAccount", json={"serviceAccountId": "aje"})
    witness.call(here, "POST", f"{TOKENS}:revoke", json={"iamToken": token["iamToken"]})
    witness.call(here, "GET", "/endpoints", token=None)
    witness.call(here, "GET", "/endpoints/iam", token=None)


def test_an_operation_is_described_in_every_state(witness: Witness, double: Callable[..., Double]) -> None:
    """Running, cancelled and rolled back or still rolling back, failed, done; with an image or without."""
    here = double(timing=10, rollback=5)
    good, bad = ({"folderId": "f", "uri": FILE}, {"folderId": "f", "uri": f"{FILE}.vdi"})
    made = [witness.call(here, "POST", IMAGES, json=body) for body in (good, good, bad)]
    paths = [f"/operations/{each['id']}" for each in made]
    states = [witness.call(here, "POST", f"{paths[1]}:cancel")]
    for _ in range(4):
        states += [witness.call(here, "GET", path) for path in paths]
        witness.call(here, "GET", IMAGES, query_string={"folderId": "f"})
        here.clock.advance(5)
    gone = witness.call(here, "DELETE", f"{IMAGES}/{made[0]['metadata']['imageId']}")
    here.clock.advance(10)
    states.append(witness.call(here, "GET", f"/operations/{gone['id']}"))
    kinds = {(each["done"], "error" in each, "response" in each) for each in states}
    assert kinds == {(False, False, False), (False, True, False), (True, True, False), (True, False, True)}


def bad_calls(witness: Witness, double: Callable[..., Double]) -> None:
    """Everything that breaks the contract, as the gateway and as the service say it."""
    here, strict = double(), double(unknown_fields="reject", unknown_resources="not_found")
    for body in (b"{", b"[]", b'{"description": 1}', b'{"uri": "u", "diskId": "d"}', b'{"minDiskSize": "x"}'):
        witness.call(here, "POST", IMAGES, data=body)
    witness.call(here, "POST", IMAGES, json={})
    witness.call(strict, "POST", IMAGES, json={"folderId": "nowhere", "uri": FILE})
    witness.call(here, "PATCH", f"{IMAGES}/{NOBODY}", json={})
    witness.call(here, "PATCH", f"{IMAGES}/{NOBODY}", data=b"{")
    witness.call(here, "GET", IMAGES, query_string={"folderId": "f", "pageSize": "x"})
    for query in ({"pageToken": "x"}, {"filter": "x"}, {"orderBy": "x"}, {"pageSize": 1001}, {"folderId": ""}):
        witness.call(here, "GET", IMAGES, query_string={"folderId": "f", **query})
    for path in ("", ":latestByFamily"):
        witness.call(strict, "GET", f"{IMAGES}{path}", query_string={"folderId": "nowhere"})
    witness.call(here, "GET", f"{IMAGES}:latestByFamily")
    for verb, path in (("GET", ""), ("DELETE", ""), ("GET", "/operations")):
        witness.call(here, verb, f"{IMAGES}/{'i' * 51}{path}")
    for verb, word in BINDINGS:
        witness.call(here, verb, f"{IMAGES}/{'i' * 51}:{word}")
        witness.call(here, verb, f"{IMAGES}/{NOBODY}:{word}")
    for verb, path in (
        ("GET", "/operations/nonsense"),
        ("GET", "/operations/nonsense:cancel"),
        ("POST", "/operations/nonsense:cancel"),
        *(("POST", path) for path in TOKEN_PATHS),
    ):
        witness.call(here, verb, path, json={} if verb == "POST" else None)
    for path in ("/endpoints", "/endpoints/iam"):
        witness.call(strict, "GET", path, query_string={"unknown": "1"})


def missing(witness: Witness, double: Callable[..., Double]) -> None:
    """Everything that can be looked for in vain."""
    here = double(unknown_resources="not_found")
    for source in ({"imageId": NOBODY}, {"diskId": "d"}, {"snapshotId": "s"}):
        witness.call(here, "POST", IMAGES, json={"folderId": here.folder_id, **source})
    witness.call(here, "GET", f"{IMAGES}:latestByFamily", query_string={"folderId": here.folder_id, "family": "abc"})
    for verb, path in (("GET", ""), ("DELETE", ""), ("GET", "/operations")):
        witness.call(here, verb, f"{IMAGES}/{NOBODY}{path}")
    witness.call(here, "PATCH", f"{IMAGES}/{NOBODY}", json={"name": "a"})
    for verb, path in (("GET", ""), ("GET", ":cancel"), ("POST", ":cancel")):
        witness.call(here, verb, f"/operations/{NOBODY}{path}")
    witness.call(here, "GET", "/endpoints/nowhere", token=None)


def unauthorised(witness: Witness, double: Callable[..., Double]) -> None:
    """No token, and one that is not valid."""
    for here, token in ((double(), None), (double(auth="strict"), "x")):
        for verb, path in (("POST", ""), ("GET", ""), ("GET", ":latestByFamily")):
            witness.call(here, verb, f"{IMAGES}{path}", token=token)
        for verb, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/operations")):
            witness.call(here, verb, f"{IMAGES}/{NOBODY}{path}", token=token)
        for verb, word in BINDINGS:
            witness.call(here, verb, f"{IMAGES}/{NOBODY}:{word}", token=token)
        for verb, path in (("GET", ""), ("GET", ":cancel"), ("POST", ":cancel")):
            witness.call(here, verb, f"/operations/{NOBODY}{path}", token=token)
        for path in TOKEN_PATHS[1:]:
            witness.call(here, "POST", path, token=token)
    witness.call(double(auth="strict"), "POST", TOKENS, json={"jwt": "j"}, token=None)


def over_quota(witness: Witness, double: Callable[..., Double]) -> None:
    """One image too many, and one operation too many."""
    witness.call(double(quotas=Quotas(images=0)), "POST", IMAGES, json={"folderId": "f", "uri": FILE})
    here = double(quotas=Quotas(running_operations=0))
    image = f"{IMAGES}/{here.add_image()}"
    witness.call(here, "DELETE", image)
    witness.call(here, "PATCH", image, json={"name": "a"})


def too_large(witness: Witness, double: Callable[..., Double]) -> None:
    """A body of more than 4 MiB, wherever there may be a body."""
    here = double()
    for verb, path in (
        ("POST", IMAGES),
        ("PATCH", f"{IMAGES}/{NOBODY}"),
        ("POST", f"{IMAGES}/{NOBODY}:setAccessBindings"),
        ("POST", f"{IMAGES}/{NOBODY}:updateAccessBindings"),
        ("POST", f"/operations/{NOBODY}:cancel"),
        *(("POST", path) for path in TOKEN_PATHS),
    ):
        witness.call(here, verb, path, data=TOO_LARGE)


def busy(witness: Witness, double: Callable[..., Double]) -> None:
    """A name that is taken, and an image that is still being created."""
    here = double(timing=Never())
    made = witness.call(here, "POST", IMAGES, json={"folderId": "f", "uri": FILE, "name": "taken"})
    creating = made["metadata"]["imageId"]
    witness.call(here, "POST", IMAGES, json={"folderId": "f", "uri": FILE, "name": "taken"})
    witness.call(here, "POST", IMAGES, json={"folderId": "f", "imageId": creating})
    witness.call(here, "PATCH", f"{IMAGES}/{creating}", json={"name": "a"})
    witness.call(here, "DELETE", f"{IMAGES}/{creating}")
    ready = here.add_image(folder_id="f", name="ready")
    witness.call(here, "PATCH", f"{IMAGES}/{ready}", json={"name": "taken"})


def test_a_head_that_is_too_large_is_answered_as_documented(
    document: dict[str, Any], objections: Callable[..., list[str]], ycimages: Double
) -> None:
    """Every operation can be answered so, as nobody reads such a request to its end."""
    answer = httpx.get(f"{ycimages.url}/endpoints", headers={"x-large": "x" * 70_000})
    assert answer.status_code == 431
    for item in document["paths"].values():
        for operation in item.values():
            media = operation["responses"]["431"]["content"][answer.headers["content-type"]]
            assert not objections(media["schema"], answer.json())
