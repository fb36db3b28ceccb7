"""Texts of errors without a recording: the double's own, in one table (api-facts.md, section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Quotas
from tests.client import image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud

PATTERN: Final = "Value must match the regular expression"
URI: Final = "https://storage.yandexcloud.net/bucket/disk"


@pytest.mark.fidelity("text.override")
@pytest.mark.ycimages(texts={"name_taken": "{name} is taken", "cancelled": "Stopped"})
def test_words_can_be_replaced(cloud: Cloud) -> None:
    """With what they speak of, or without."""
    operation_id = cloud.create(name="one").json["id"]
    assert cloud.create(name="one").json["message"] == "one is taken"
    assert cloud.cancel(operation_id)["error"]["message"] == "Stopped"


@pytest.mark.fidelity("text.validation")
def test_the_words_for_a_broken_contract(cloud: Cloud) -> None:
    """The rule of the page, and what was given; but for a name, the two recorded words."""
    answer = cloud.create(name="N", folderId=None, family="F", productIds=["p" * 90])
    assert answer.json["message"] == (
        "Request validation error: FolderId: The value is required; given: none; Name: invalid resource name; "
        'Family: Value must match the regular expression `(|[a-z][-a-z0-9]{1,61}[a-z0-9])`; given: "F"; '
        f'ProductIds[0]: The maximum string length in characters is 50; given: 90 characters, "{"p" * 78}…'
    )


@pytest.mark.fidelity("text.name-pattern")
@pytest.mark.parametrize("name", ["PG-disk", "UPPER", "1st", "-a", "a-", "a" * 64, "two words", "имя", "a\n"])
def test_the_words_for_a_name_that_cannot_be(cloud: Cloud, name: str) -> None:
    """Neither the pattern nor the name is told, whatever the method."""
    image_id = cloud.double.add_image()
    text = "Request validation error: Name: invalid resource name"
    for answer in (cloud.create(name=name), cloud.patch(image_id, {"name": name})):
        assert answer.refusal == (400, 3, text)
        violations = [{"field": "name", "description": "invalid resource name"}]
        assert answer.detail("google.rpc.BadRequest")["fieldViolations"] == violations


@pytest.mark.ycimages(texts={"name_pattern": "Value must match the regular expression {pattern}; given: {given}"})
def test_the_words_for_a_name_may_name_the_pattern(cloud: Cloud) -> None:
    """A text that replaces them has its placeholders."""
    rule = 'Value must match the regular expression `(|[a-z]([-a-z0-9]{0,61}[a-z0-9])?)`; given: "N"'
    assert cloud.create(name="N").json["message"] == f"Request validation error: Name: {rule}"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"folderId": ""}, 'FolderId: The minimum string length in characters is 1; given: ""'),
        ({"labels": {f"a{n}": "" for n in range(65)}}, "Labels: No more than 64 per resource; given: 65"),
        ({"minDiskSize": 1}, "MinDiskSize: Acceptable values are 4194304 to 4398046511104, inclusive; given: 1"),
        (
            {"labels": {"Env": "x"}},
            f'Labels.Env: Key: {PATTERN} `[a-z][-_./\\\\@0-9a-z]*`; given: "Env"',
        ),
        ({"uri": ""}, 'Uri: The minimum string length in characters is 1; given: ""'),
    ],
)
def test_the_words_for_each_rule(cloud: Cloud, body: dict[str, object], rule: str) -> None:
    """Those of the page."""
    assert cloud.create(**body).json["message"] == f"Request validation error: {rule}"


def test_the_words_for_the_rules_of_other_methods(cloud: Cloud) -> None:
    """A page that is too large, and a mask that names what cannot be updated."""
    text = 'Request validation error: PageSize: The maximum value is 1000; given: "1001"'
    assert cloud.list(pageSize=1001).json["message"] == text
    answer = cloud.patch(cloud.double.add_image(), {"updateMask": "family"})
    assert "UpdateMask: Fields that can be updated: " in answer.json["message"]


@pytest.mark.fidelity("text.violation-paths")
@pytest.mark.parametrize("size", ["minDiskSize", "min_disk_size"])
def test_fields_are_spelled_like_the_json_the_proto_or_go(cloud: Cloud, size: str) -> None:
    """Whichever way the client spells them."""
    assert cloud.create(folderId=None, **{size: 1}).refused_fields == ["folderId", "minDiskSize"]
    proto = type(cloud)(type(cloud.double)(cloud.double.settings, violation_paths="snake_case"))
    assert proto.create(folderId=None, **{size: 1}).refused_fields == ["folder_id", "min_disk_size"]
    go = type(cloud)(type(cloud.double)(cloud.double.settings, violation_paths="GoCase"))
    assert go.create(folderId=None, **{size: 1}).refused_fields == ["FolderId", "MinDiskSize"]


@pytest.mark.fidelity("text.no-source")
def test_the_words_for_no_source(cloud: Cloud) -> None:
    """All four are named."""
    message = cloud.create(diskId=None).json["message"]
    rule = "Source: Exactly one of imageId, diskId, snapshotId, uri is required; given: none"
    assert message == f"Request validation error: {rule}"


@pytest.mark.fidelity("text.name-taken")
def test_the_words_for_a_taken_name(cloud: Cloud) -> None:
    """In quotes, as for instances."""
    cloud.create(name="one")
    assert cloud.create(name="one").json["message"] == 'Image with name "one" already exists'


@pytest.mark.fidelity("text.min-disk-size")
def test_the_words_for_a_disk_that_is_too_small(cloud: Cloud) -> None:
    """In the pattern of other illegal values."""
    disk = cloud.double.add_disk(data_size=2**30)
    assert cloud.create(diskId=disk, minDiskSize=2**29).json["message"] == "Illegal argument min_disk_size"


@pytest.mark.fidelity("text.invalid-state")
@pytest.mark.ycimages(timing="Never()")
def test_the_words_for_a_wrong_state(cloud: Cloud) -> None:
    """In the recorded pattern, with the status as the reason."""
    image_id = image_id_of(cloud.create())
    text = f'Image "{image_id}" has an invalid state for this operation: status CREATING'
    assert cloud.delete(image_id).json["message"] == text


@pytest.mark.fidelity("text.cancelled")
def test_the_words_for_a_cancelled_operation(cloud: Cloud) -> None:
    """Those of the backend."""
    operation = cloud.cancel(cloud.create().json["id"])
    assert operation["error"] == {"code": 1, "message": "Cancelled by client"}


@pytest.mark.fidelity("text.cancel-refused")
@pytest.mark.ycimages(cancel="refused")
def test_the_words_for_a_refused_cancel(cloud: Cloud) -> None:
    """In plain words."""
    answer = cloud.post(f"/operations/{cloud.create().json['id']}:cancel")
    assert answer.refusal == (400, 9, "The operation cannot be cancelled")


@pytest.mark.fidelity("text.uri")
def test_the_words_for_a_file_that_is_no_image(cloud: Cloud) -> None:
    """Those of the backend, and code 3."""
    cloud.double.add_object(f"{URI}.qcow2", reachable=False)
    errors = [cloud.operation(cloud.create(uri=f"{URI}.{end}").json["id"])["error"] for end in ("qcow2", "vhdx")]
    assert errors == [
        {"code": 3, "message": "url source not found"},
        {"code": 3, "message": "unsupported image format: vhdx"},
    ]


@pytest.mark.fidelity("text.no-token")
def test_the_words_for_a_missing_token(cloud: Cloud) -> None:
    """They say what to send."""
    text = "The token is missing: send the header `Authorization: Bearer <IAM token>`"
    assert cloud.using(Authorization=None).list().refusal == (401, 16, text)


@pytest.mark.fidelity("text.jwt-malformed")
@pytest.mark.ycimages(auth="strict")
def test_the_words_for_what_is_no_jwt(cloud: Cloud) -> None:
    """In plain words."""
    assert cloud.post("/iam/v1/tokens", {"jwt": "x"}).refusal == (401, 16, "The JWT is malformed")


@pytest.mark.fidelity("text.family")
def test_the_words_for_a_family_without_images(cloud: Cloud) -> None:
    """The family stands where an id would."""
    assert cloud.latest("numbers").refusal == (404, 5, 'Image "numbers" not found')


@pytest.mark.fidelity("text.endpoint")
def test_the_words_for_an_unknown_endpoint(cloud: Cloud) -> None:
    """Like those for an image."""
    assert cloud.get("/endpoints/lockbox").refusal == (404, 5, 'Endpoint "lockbox" not found')


@pytest.mark.fidelity("text.quotas")
@pytest.mark.ycimages(contract="current", timing="Never()")
@pytest.mark.parametrize(
    ("quotas", "text"),
    [
        (Quotas(images=0), "The limit on maximum number of images has exceeded."),
        (Quotas(total_size=1), "The limit on total size of images has exceeded."),
        (Quotas(pooled_images=0), "The limit on maximum number of disk pools has exceeded."),
    ],
)
def test_the_words_for_a_quota(cloud: Cloud, quotas: Quotas, text: str) -> None:
    """In the recorded pattern."""
    strict = type(cloud)(type(cloud.double)(cloud.double.settings, quotas=quotas))
    assert strict.create(pooled=True).refusal == (429, 8, text)
