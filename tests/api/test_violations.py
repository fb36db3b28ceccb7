"""What the contract has against a request: all at once, in the page's order, each with its rule and what was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.gateway import Decoded

FAMILY = "(|[a-z][-a-z0-9]{1,61}[a-z0-9])"
KEY = r"[a-z][-_./\\@0-9a-z]*"
VALUE = r"[-_./\\@0-9a-z]*"

GOLDEN: dict[str, tuple[dict[str, object], tuple[str, str]]] = {
    "a required field is missing": (
        {"folderId": None},
        ("folderId", "The value is required; given: none"),
    ),
    "a required field is empty": (
        {"folderId": ""},
        ("folderId", 'The minimum string length in characters is 1; given: ""'),
    ),
    "an id is too long": (
        {"folderId": "f" * 51},
        ("folderId", f'The maximum string length in characters is 50; given: 51 characters, "{"f" * 51}"'),
    ),
    "a name is not a name": (
        {"name": "My image"},
        ("name", "invalid resource name"),
    ),
    "a long value is shown cut to 80 characters": (
        {"description": "d" * 257},
        ("description", f'The maximum string length in characters is 256; given: 257 characters, "{"d" * 78}…'),
    ),
    "there are too many labels": (
        {"labels": {f"k{number}": "" for number in range(65)}},
        ("labels", "No more than 64 per resource; given: 65"),
    ),
    "a label key is too long": (
        {"labels": {"k" * 64: ""}},
        (
            f"labels.{'k' * 64}",
            f'Key: The maximum string length in characters is 63; given: 64 characters, "{"k" * 64}"',
        ),
    ),
    "a label key is not a key": (
        {"labels": {"Env": "prod"}},
        ("labels.Env", f'Key: Value must match the regular expression `{KEY}`; given: "Env"'),
    ),
    "a label value is not a value": (
        {"labels": {"env": "Prod"}},
        ("labels.env", f'Value must match the regular expression `{VALUE}`; given: "Prod"'),
    ),
    "a label value is too long": (
        {"labels": {"env": "v" * 64}},
        ("labels.env", f'The maximum string length in characters is 63; given: 64 characters, "{"v" * 64}"'),
    ),
    "a family is too short": (
        {"family": "ab"},
        ("family", f'Value must match the regular expression `{FAMILY}`; given: "ab"'),
    ),
    "a size is too small": (
        {"minDiskSize": 10},
        ("minDiskSize", "Acceptable values are 4194304 to 4398046511104, inclusive; given: 10"),
    ),
    "a size is too large, given as a string": (
        {"minDiskSize": "4398046511105"},
        ("minDiskSize", 'Acceptable values are 4194304 to 4398046511104, inclusive; given: "4398046511105"'),
    ),
    "a licence id is too long": (
        {"productIds": ["fine", "p" * 51]},
        ("productIds[1]", f'The maximum string length in characters is 50; given: 51 characters, "{"p" * 51}"'),
    ),
    "there is no source": (
        {"uri": None},
        ("source", "Exactly one of imageId, diskId, snapshotId, uri is required; given: none"),
    ),
    "a source is empty": (
        {"uri": ""},
        ("uri", 'The minimum string length in characters is 1; given: ""'),
    ),
}

EVERYTHING_WRONG = {
    "uri": "",
    "os": {"type": "LINUX"},
    "productIds": ["p" * 51, "fine", "q" * 51],
    "minDiskSize": "4194303",
    "family": "ab",
    "labels": {"Env": "Prod", "fine": "fine", "long": "v" * 64},
    "description": "ж" * 257,
    "name": "1st",
    "folderId": "",
}
ALL_OF_IT = [
    ("folderId", 'The minimum string length in characters is 1; given: ""'),
    ("name", "invalid resource name"),
    ("description", f'The maximum string length in characters is 256; given: 257 characters, "{"ж" * 78}…'),
    ("labels.Env", f'Key: Value must match the regular expression `{KEY}`; given: "Env"'),
    ("labels.Env", f'Value must match the regular expression `{VALUE}`; given: "Prod"'),
    ("labels.long", f'The maximum string length in characters is 63; given: 64 characters, "{"v" * 64}"'),
    ("family", f'Value must match the regular expression `{FAMILY}`; given: "ab"'),
    ("minDiskSize", 'Acceptable values are 4194304 to 4398046511104, inclusive; given: "4194303"'),
    ("productIds[0]", f'The maximum string length in characters is 50; given: 51 characters, "{"p" * 51}"'),
    ("productIds[2]", f'The maximum string length in characters is 50; given: 51 characters, "{"q" * 51}"'),
    ("uri", 'The minimum string length in characters is 1; given: ""'),
]


def _listed(decoded: Decoded) -> list[tuple[str, str]]:
    return [(each.field, each.description) for each in decoded.violations]


@pytest.mark.parametrize(("fields", "violation"), GOLDEN.values(), ids=GOLDEN)
def test_a_violation_tells_the_field_the_rule_and_what_was_given(
    violations: Callable[..., list[tuple[str, str]]], fields: dict[str, object], violation: tuple[str, str]
) -> None:
    """The path is in camelCase, as the page spells fields; the rule is in the page's own words, but for names."""
    assert violations(**fields) == [violation]


def test_all_violations_come_at_once_in_the_order_of_the_page(read: Callable[..., Decoded]) -> None:
    """The body names its fields the other way round: its order does not matter."""
    decoded = read(EVERYTHING_WRONG)

    assert decoded.message is None
    assert _listed(decoded) == ALL_OF_IT


def test_a_missing_source_is_told_last_and_beside_all_others(read: Callable[..., Decoded]) -> None:
    """The source stands last on the page, and its absence hides nothing."""
    body = {name: value for name, value in EVERYTHING_WRONG.items() if name not in {"uri", "folderId"}}

    assert _listed(read(body)) == [
        ("folderId", "The value is required; given: none"),
        *ALL_OF_IT[1:-1],
        ("source", "Exactly one of imageId, diskId, snapshotId, uri is required; given: none"),
    ]


def test_the_current_revision_tells_the_same_in_the_same_order(read: Callable[..., Decoded]) -> None:
    """No text tells its own pattern of names."""
    assert _listed(read(EVERYTHING_WRONG, revision="current")) == ALL_OF_IT


def test_too_many_labels_hide_no_other_violation_in_labels(violations: Callable[..., list[tuple[str, str]]]) -> None:
    """The count is told beside the label that is wrong in itself."""
    labels = {f"k{number}": "" for number in range(64)} | {"env": "Prod"}

    assert {field for field, _ in violations(labels=labels)} == {"labels", "labels.env"}


def test_an_empty_body_lacks_what_is_required(read: Callable[..., Decoded]) -> None:
    """A folder and a source, and nothing else."""
    assert [field for field, _ in _listed(read(b""))] == ["folderId", "source"]


def test_what_the_gateway_refuses_hides_all_violations(refusal: Callable[..., str]) -> None:
    """The service never saw the request, so it has nothing against it."""
    assert refusal(folderId="", name="1st", uri=None, description=12345) == (
        "description: invalid value 12345 for type TYPE_STRING"
    )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"folder_id": "f" * 51, "folderId": None}, "folderId"),
        ({"min_disk_size": 1}, "minDiskSize"),
        ({"product_ids": ["p" * 51]}, "productIds[0]"),
        ({"uri": None, "snapshot_id": "s" * 51}, "snapshotId"),
    ],
    ids=["folder_id", "min_disk_size", "product_ids", "snapshot_id"],
)
def test_a_path_is_in_camel_case_however_the_client_spelt_the_field(
    violations: Callable[..., list[tuple[str, str]]], fields: dict[str, object], path: str
) -> None:
    """One field has one name in violations."""
    assert [field for field, _ in violations(**fields)] == [path]
