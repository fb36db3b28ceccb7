"""`texts`: the words of errors that nobody has recorded, replaced by the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Double, Quotas, UsageError
from pytest_ycimages.api.texts import TEXTS
from tests.client import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client import Answer

LOST: Final = "https://storage.yandexcloud.net/bucket/lost.vdi"
NOBODY: Final = "fd80000000000000none"


def error_of(cloud: Cloud, **fields: Any) -> str:
    """How the operation of a create request fails."""
    return str(cloud.operation(cloud.create(**fields).json["id"])["error"]["message"])


def twice(cloud: Cloud, **fields: Any) -> str:
    """The refusal of the second of two create requests."""
    cloud.create(**fields)
    return cloud.create(**fields).refusal[2]


def deleted_twice(cloud: Cloud) -> str:
    """The refusal of the second of two delete requests."""
    image_id = cloud.double.add_image("fd8-mine")
    cloud.delete(image_id)
    return cloud.delete(image_id).refusal[2]


def keyed(cloud: Cloud) -> str:
    """The refusal of a key that comes again with another request."""
    client = cloud.using(Idempotency_Key="key")
    client.create(name="first")
    return client.create(name="second").refusal[2]


def rule(answer: Answer) -> str:
    """What is told of the one broken rule."""
    (violation,) = answer.detail("google.rpc.BadRequest")["fieldViolations"]
    return str(violation["description"])


def token(cloud: Cloud, jwt: str) -> str:
    """The refusal of a JWT."""
    return cloud.post("/iam/v1/tokens", {"jwt": jwt}).refusal[2]


def expired(cloud: Cloud) -> str:
    """The refusal of a token that the double gave, and that ran out."""
    given = cloud.post("/iam/v1/tokens", {"yandexPassportOauthToken": "y0_x"}).json["iamToken"]
    cloud.double.clock.advance(12 * 3600)
    return cloud.using(Authorization=f"Bearer {given}").delete("x").refusal[2]


ACCOUNT: Final = str(Cloud(Double(clock="manual")).create().json["createdBy"])

SAID: Final[dict[str, tuple[dict[str, Any], Callable[[Cloud], str], dict[str, str]]]] = {
    "image_not_found": ({}, lambda cloud: cloud.delete(NOBODY).refusal[2], {"id": NOBODY}),
    "operation_not_found": ({}, lambda cloud: cloud.operation(NOBODY)["message"], {"id": NOBODY}),
    "operation_id_malformed": ({}, lambda cloud: cloud.operation("x")["message"], {"id": "x"}),
    "folder_not_found": ({}, lambda cloud: cloud.create(folderId="b1g").refusal[2], {"id": "b1g"}),
    "token_invalid": ({}, lambda cloud: cloud.using(Authorization="Bearer t1.x").delete("x").refusal[2], {}),
    "token_expired": ({}, expired, {}),
    "oauth_too_new": (
        {"oauth": "too_new"},
        lambda cloud: cloud.post("/iam/v1/tokens", {"yandexPassportOauthToken": "y0_x"}).refusal[2],
        {"id": ACCOUNT},
    ),
    "oauth_invalid": (
        {"oauth": "invalid"},
        lambda cloud: cloud.post("/iam/v1/tokens", {"yandexPassportOauthToken": "y0_x"}).refusal[2],
        {},
    ),
    "jwt_without_kid": ({}, lambda cloud: token(cloud, "e30.e30.x"), {}),
    "jwt_malformed": ({}, lambda cloud: token(cloud, "no-jwt"), {}),
    "running_operations_quota": ({"quotas": Quotas(running_operations=0)}, twice, {}),
    "images_quota": ({"quotas": Quotas(images=0)}, twice, {}),
    "size_quota": ({"quotas": Quotas(total_size=0)}, twice, {}),
    "pooled_quota": ({"quotas": Quotas(pooled_images=0)}, lambda cloud: twice(cloud, pooled=True), {}),
    "validation": (
        {},
        lambda cloud: cloud.create(folderId="").refusal[2],
        {"violations": 'FolderId: The minimum string length in characters is 1; given: ""'},
    ),
    "name_pattern": (
        {},
        lambda cloud: rule(cloud.create(name="N")),
        {"pattern": "`(|[a-z]([-_a-z0-9]{0,61}[a-z0-9])?)`", "given": '"N"'},
    ),
    "rule_required": ({}, lambda cloud: rule(cloud.create(folderId=None)), {}),
    "rule_min_length": ({}, lambda cloud: rule(cloud.create(folderId="")), {"min_length": "1", "given": '""'}),
    "rule_max_length": (
        {},
        lambda cloud: rule(cloud.create(description="d" * 257)),
        {"max_length": "256", "given": f'257 characters, "{"d" * 78}…'},
    ),
    "rule_pattern": (
        {},
        lambda cloud: rule(cloud.create(family="F")),
        {"pattern": "`(|[a-z][-a-z0-9]{1,61}[a-z0-9])`", "given": '"F"'},
    ),
    "rule_count": (
        {},
        lambda cloud: rule(cloud.create(labels={f"a{n}": "" for n in range(65)})),
        {"max_length": "64", "given": "65"},
    ),
    "rule_range": (
        {},
        lambda cloud: rule(cloud.create(minDiskSize=1)),
        {"least": "4194304", "most": "4398046511104", "given": "1"},
    ),
    "rule_maximum": ({}, lambda cloud: rule(cloud.list(pageSize=1001)), {"le": "1000", "given": '"1001"'}),
    "rule_update_mask": (
        {},
        lambda cloud: rule(cloud.patch(NOBODY, {"updateMask": "family"})),
        {"known": "name, description, minDiskSize, labels", "given": '"family"'},
    ),
    "rule_one_of": (
        {},
        lambda cloud: rule(cloud.create(diskId=None)),
        {"names": "imageId, diskId, snapshotId, uri"},
    ),
    "illegal_argument": ({}, lambda cloud: cloud.patch(NOBODY, {}).refusal[2], {"what": "update_mask"}),
    "disk_not_found": ({}, lambda cloud: cloud.create(diskId=NOBODY).refusal[2], {"id": NOBODY}),
    "snapshot_not_found": ({}, lambda cloud: cloud.create(snapshotId=NOBODY).refusal[2], {"id": NOBODY}),
    "invalid_state": (
        {"timing": "Never()"},
        deleted_twice,
        {"kind": "Image", "id": "fd8-mine", "why": "status DELETING"},
    ),
    "name_taken": ({}, lambda cloud: twice(cloud, name="web"), {"name": "web"}),
    "cancelled": (
        {"timing": "Never()"},
        lambda cloud: str(cloud.cancel(cloud.create().json["id"])["error"]["message"]),
        {},
    ),
    "cancel_refused": (
        {"timing": "Never()", "cancel": "refused"},
        lambda cloud: cloud.post(f"/operations/{cloud.create().json['id']}:cancel").refusal[2],
        {},
    ),
    "uri_not_found": ({}, lambda cloud: error_of(cloud, uri=LOST), {}),
    "uri_format": (
        {},
        lambda cloud: error_of(cloud, uri=cloud.double.add_object(LOST)),
        {"format": "vdi"},
    ),
    "no_token": ({}, lambda cloud: cloud.using(Authorization=None).delete("x").refusal[2], {}),
    "endpoint_not_found": ({}, lambda cloud: cloud.get("/endpoints/x").refusal[2], {"id": "x"}),
    "family_not_found": (
        {},
        lambda cloud: cloud.latest("webs", "standard-images").refusal[2],
        {"family": "webs", "folder_id": "standard-images"},
    ),
    "key_malformed": (
        {"idempotency_key_format": "uuid"},
        lambda cloud: cloud.using(Idempotency_Key="x").create().refusal[2],
        {"key": "x"},
    ),
    "key_reused": ({"idempotency_key_reuse": "reject"}, keyed, {"key": "key"}),
    "not_implemented": (
        {},
        lambda cloud: cloud.get(f"/compute/v1/images/{NOBODY}:listAccessBindings").refusal[2],
        {"method": "access bindings of images"},
    ),
}
"""For each text: the settings that it needs, what makes the double say it, and what fills its placeholders."""


def said(key: str, **texts: Any) -> str:
    """What the double says where it says this text."""
    settings, say, _ = SAID[key]
    strict: dict[str, Any] = {"auth": "strict", "unknown_resources": "not_found", "contract": "current"}
    double = Double(**strict, clock="manual", **settings, **texts)
    double.add_folder("standard-images")
    double.add_disk("epd0000000000000000a")
    return say(Cloud(double))


def test_every_text_has_its_place() -> None:
    """Each can be met, and none is left over."""
    assert set(SAID) == set(TEXTS)
    for key, text in TEXTS.items():
        assert text.placeholders == tuple(sorted(SAID[key][2]))


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_is_said_with_its_placeholders_filled(key: str) -> None:
    """As it stands in the table."""
    assert said(key) == TEXTS[key].words.format_map(SAID[key][2])


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_is_replaced_wherever_it_is_said(key: str) -> None:
    """With the same placeholders."""
    own = "Own words" + "".join(f" {name}={{{name}}}" for name in SAID[key][2])
    assert said(key, texts={key: own}) == own.format_map(SAID[key][2])


KNOWN: Final = ", ".join(sorted(TEXTS))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"nme_taken": "x"}, f"Unknown text 'nme_taken'. Did you mean 'name_taken'? Known: {KNOWN}."),
        ({"xyz": "x"}, f"Unknown text 'xyz'. Known: {KNOWN}."),
        (
            {"name_taken": "{id} is taken"},
            "invalid text '{id} is taken' for 'name_taken' (KeyError('id')). Its placeholders: {name}.",
        ),
        (
            {"cancelled": "{name}"},
            "invalid text '{name}' for 'cancelled' (KeyError('name')). Its placeholders: none.",
        ),
        (
            {"family_not_found": "{x}"},
            "invalid text '{x}' for 'family_not_found' (KeyError('x')). Its placeholders: {family}, {folder_id}.",
        ),
        (
            {"name_taken": "{"},
            (
                "invalid text '{' for 'name_taken' (ValueError(\"Single '{' encountered in format string\")). "
                "Its placeholders: {name}."
            ),
        ),
        (
            {"name_taken": "{name.first}"},
            (
                "invalid text '{name.first}' for 'name_taken' (AttributeError(\"'str' object has no attribute "
                "'first'\")). Its placeholders: {name}."
            ),
        ),
    ],
)
def test_a_text_that_cannot_be_is_refused(texts: dict[str, str], words: str) -> None:
    """When the double is made, not when the text is first said."""
    with pytest.raises(UsageError) as refusal:
        Double(texts=texts)
    assert str(refusal.value) == words
