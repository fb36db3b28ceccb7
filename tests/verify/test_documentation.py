"""The create reply that the vendor's guide shows is what the fake answers, in form; which proves nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.verify.fake_target import verify_fake
from pytest_ycimages.verify.verify import worth

from .taping import COMPUTE, IMAGES

SHIPPED: Final = sorted(Path(__file__).parents[2].glob("cassettes/*.yaml"))
GUIDE: Final = (
    '{"done":false,"metadata":{"@type":"type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",'
    '"imageId":"fd8g5p4hllq8********"},"id":"fd8m1tfm92kr********","description":"Create image",'
    '"createdAt":"2025-12-05T16:41:54.452564354Z","createdBy":"ajeol2afu1js********",'
    '"modifiedAt":"2025-12-05T16:41:54.452564354Z"}'
)
ASKED: Final = {"folderId": "b1gvmob95yys********", "uri": "https://storage.yandexcloud.net/bucket/ubuntu.qcow2"}


def transcribed(answer: str) -> CassetteData:
    """A cassette of one create, as somebody wrote it down from the guide."""
    request = RecordedRequest("POST", f"{COMPUTE}{IMAGES}", (), json.dumps(ASKED).encode())
    interaction = Interaction(request, RecordedResponse(200, "OK", (), answer.encode()))
    return CassetteData(CassetteMetadata(Origin.DOCUMENTATION, note="guide, 2025-12-05"), (interaction,))


def test_the_reply_of_the_guide_agrees_in_form() -> None:
    """Ids that are masked, no headers, and white space that was lost in print."""
    verification = verify_fake(transcribed(GUIDE))
    assert [each.difference for each in verification.findings] == []
    assert {each.behaviour for each in verification.behaviours} >= {
        "operation.created-by", "operation.description", "operation.fields", "operation.modified-at-start",
        "json.any-type-first", "json.done-printed", "json.operation-time", "json.order-operation", "id.operation",
    }  # fmt: skip
    assert not {"json.whitespace", "json.content-type"} & {each.behaviour for each in verification.behaviours}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_cassettes_that_are_shipped_agree(path: Path) -> None:
    """Also the one from the guide, which tells one header of several."""
    verification = verify_fake(read_cassette(path))
    assert [(each.number, *each.difference) for each in verification.findings] == []
    assert verification.compared


def test_a_reply_that_the_guide_never_showed_is_found() -> None:
    """So the agreement is not for want of looking."""
    other = GUIDE.replace('"done":false,', "").replace("Create image", "Image creation")
    findings = verify_fake(transcribed(other)).findings
    assert [each.behaviour for each in findings] == ["operation.description", "json.done-printed"]


def test_what_the_evidence_is_worth_depends_on_where_it_is_from() -> None:
    """Only the service's own answers are evidence about the service."""
    said = {origin: worth("bake.yaml", CassetteMetadata(origin)) for origin in Origin}
    nothing = "so it proves nothing about the service."
    assert said == {
        Origin.SERVICE: "bake.yaml was recorded from the service itself: it is evidence of what the service does.",
        Origin.FAKE: f"bake.yaml was recorded from the fake, {nothing}",
        Origin.DOCUMENTATION: f"bake.yaml was transcribed from the documentation, {nothing}",
        Origin.UNKNOWN: f"bake.yaml does not say whose answers it holds, {nothing}",
    }
