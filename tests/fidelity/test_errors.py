"""Errors: their HTTP status, their body and their details (api-facts.md, section 2.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages.api.status import Code
from tests.client import IMAGES

if TYPE_CHECKING:
    from tests.client import Cloud

UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.mark.fidelity("error.http-status")
def test_every_code_has_its_http_status() -> None:
    """The vendor's table."""
    assert {code.name: code.http_status for code in Code} == {
        "OK": 200,
        "CANCELLED": 499,
        "UNKNOWN": 500,
        "INVALID_ARGUMENT": 400,
        "DEADLINE_EXCEEDED": 504,
        "NOT_FOUND": 404,
        "ALREADY_EXISTS": 409,
        "PERMISSION_DENIED": 403,
        "RESOURCE_EXHAUSTED": 429,
        "FAILED_PRECONDITION": 400,
        "ABORTED": 409,
        "OUT_OF_RANGE": 400,
        "UNIMPLEMENTED": 501,
        "INTERNAL": 500,
        "UNAVAILABLE": 503,
        "DATA_LOSS": 500,
        "UNAUTHENTICATED": 401,
    }
    assert [code.number for code in Code] == list(range(17))


@pytest.mark.fidelity("error.body")
def test_an_error_is_a_status(cloud: Cloud) -> None:
    """A code that is a number, a message, and details that say their type."""
    error = cloud.get(f"{IMAGES}/fd8nobody").json
    assert (error["code"], error["message"]) == (5, 'Image "fd8nobody" not found')
    assert [detail["@type"] for detail in error["details"]] == ["type.googleapis.com/google.rpc.RequestInfo"]


@pytest.mark.fidelity("error.request-info")
def test_an_error_names_the_call(cloud: Cloud) -> None:
    """By the id that is in the header as well."""
    answer = cloud.get(f"{IMAGES}/fd8nobody")
    request_id = answer.detail("google.rpc.RequestInfo")["requestId"]
    assert re.fullmatch(UUID, request_id)
    assert answer.headers["x-request-id"] == request_id


@pytest.mark.fidelity("error.request-id")
def test_every_answer_of_a_method_has_a_request_id(cloud: Cloud) -> None:
    """A new one each, whatever the client calls its own."""
    caller = cloud.using(x_request_id="mine", x_client_request_id="mine")
    ids = [answer.headers["x-request-id"] for answer in (caller.create(), caller.list(), caller.get("/operations/x"))]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(UUID, each) for each in ids)


@pytest.mark.fidelity("error.bad-request")
def test_a_broken_contract_is_told_field_by_field(cloud: Cloud) -> None:
    """Each with its path and what is wrong with it."""
    answer = cloud.create(folderId="f" * 51, minDiskSize=1)
    violations = answer.detail("google.rpc.BadRequest")["fieldViolations"]
    assert [sorted(violation) for violation in violations] == [["description", "field"]] * 2
    assert [violation["field"] for violation in violations] == ["folderId", "minDiskSize"]


@pytest.mark.fidelity("error.quota-failure")
@pytest.mark.ycimages(quotas="default", timing="Never()")
def test_a_quota_is_told_as_data(cloud: Cloud) -> None:
    """Limits as strings, usage as a number."""
    answers = [cloud.create() for _ in range(16)]
    assert answers[-1].detail("yandex.cloud.quota.QuotaFailure") == {
        "violations": [
            {"metric": {"name": "compute.operations.count", "limit": "15", "usage": 15}, "required": "16"},
        ]
    }


@pytest.mark.fidelity("error.validation-text")
def test_a_broken_contract_begins_with_the_recorded_words(cloud: Cloud) -> None:
    """The field follows, as Go spells it, and its rule."""
    assert cloud.create(description="d" * 257).json["message"].startswith("Request validation error: Description: ")


@pytest.mark.fidelity("error.synchronous")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_what_is_refused_makes_no_operation(cloud: Cloud) -> None:
    """Folder, name and target are looked at before there is one."""
    cloud.double.add_image(name="one")
    disk = cloud.double.add_disk()
    statuses = [
        cloud.create(folderId="b1g1", diskId=disk).status,
        cloud.create(name="one", diskId=disk).status,
        cloud.patch("fd8nobody", {"name": "two"}).status,
        cloud.delete("fd8nobody").status,
    ]
    assert statuses == [400, 409, 404, 404]
    assert (len(cloud.double.operations), len(cloud.double.images)) == (0, 1)


@pytest.mark.fidelity("error.order")
@pytest.mark.ycimages(unknown_resources="not_found")
def test_refusals_come_in_one_order(cloud: Cloud) -> None:
    """Token, contract, folder, source, name: each is only looked at when the one before is in order."""
    cloud.double.add_image(name="one")
    folder_id, disk_id = cloud.double.folder_id, cloud.double.add_disk()
    wrong = {"folderId": "b1g1", "diskId": "epd1", "name": "one", "family": "F"}
    codes = [cloud.using(Authorization=None).create(**wrong).json["code"]]
    for right in ({}, {"family": ""}, {"folderId": folder_id}, {"diskId": disk_id}, {"name": "two"}):
        wrong |= right
        codes.append(cloud.create(**wrong).json.get("code", 0))
    assert codes == [16, 3, 9, 9, 6, 0]
