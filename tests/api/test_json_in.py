"""The JSON form on its way in: spellings, nulls, numbers, and fields that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.create_image import CreateImageRequest
    from pytest_ycimages.api.gateway import Decoded

CAMEL: dict[str, object] = {
    "folderId": "b1gfolder",
    "name": "name",
    "description": "text",
    "labels": {"a_key": "value"},
    "family": "family",
    "minDiskSize": "4194304",
    "productIds": ["f2e1", "f2e2"],
    "os": {"type": "WINDOWS"},
    "snapshotId": "fd8snapshot",
}
SNAKE = {
    "folderId": "folder_id",
    "minDiskSize": "min_disk_size",
    "productIds": "product_ids",
    "snapshotId": "snapshot_id",
}
VALID = b'{"folderId": "f", "uri": "u"'


def _without(message: CreateImageRequest) -> dict[str, object]:
    """The fields that the contract knows."""
    return {name: getattr(message, name) for name in type(message).model_fields}


def test_snake_case_says_the_same_as_camel_case(read: Callable[..., Decoded]) -> None:
    """The gateway resolves both, and calls neither unknown."""
    camel = read(CAMEL).message
    snake = read({SNAKE.get(name, name): value for name, value in CAMEL.items()}).message

    assert camel is not None
    assert camel == snake
    assert snake.unknown_fields() == []


@pytest.mark.parametrize(("first", "second"), [("folderId", "folder_id"), ("folder_id", "folderId")])
def test_of_the_two_spellings_of_a_field_the_later_counts(
    read: Callable[..., Decoded], first: str, second: str
) -> None:
    """They are one field given twice; in proto3 the last value wins, and neither is unknown."""
    message = read({first: "one", second: "two", "uri": "u"}).message

    assert message is not None
    assert getattr(message, "folder_id", None) == "two"
    assert message.unknown_fields() == []


def test_keys_of_labels_are_not_spellings(create: Callable[..., CreateImageRequest]) -> None:
    """What a client puts in a map is data: no case is changed, no name resolved."""
    labels = {"folder_id": "a", "a_b": "b", "uri": "c"}

    assert create(labels=labels).labels == labels


def test_a_null_is_an_absent_field(read: Callable[..., Decoded]) -> None:
    """Of every kind, and inside objects too."""
    nulls = dict.fromkeys(name for name in CAMEL if name != "folderId")
    message = read({**nulls, "os": {"type": None}, "folderId": "f", "imageId": None, "uri": "u"}).message

    assert message is not None
    assert message == read({"folderId": "f", "os": {}, "uri": "u"}).message


def test_a_null_source_is_not_given(read: Callable[..., Decoded]) -> None:
    """So it takes part in no oneof, and does for no source either."""
    sources = {"imageId": None, "diskId": None, "snapshotId": None}

    assert read({"folderId": "f", "uri": "u", **sources}).message is not None
    assert [each.field for each in read({"folderId": "f", "uri": None, **sources}).violations] == ["source"]


def test_a_null_for_a_required_field_is_its_absence(read: Callable[..., Decoded]) -> None:
    """Like any other null."""
    [violation] = read({"folderId": None, "uri": "u"}).violations

    assert (violation.field, violation.description) == ("folderId", "The value is required; given: none")


def test_a_null_in_a_list_is_no_element(create: Callable[..., CreateImageRequest]) -> None:
    """The gateway renders nothing for a null, in a list too (XC, protostream_objectwriter.cc RenderDataPiece)."""
    assert create(productIds=["a", None, "b"]).product_ids == ("a", "b")


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"imageName": "x"}, ["imageName"]),
        ({"os.type": "WINDOWS"}, ["os.type"]),
        ({"os": {"type": "LINUX", "version": 22}}, ["os.version"]),
        ({"os": {"deep": {"er": 1}}}, ["os.deep"]),
        ({"FolderId": "x", "foldeRid": "y"}, ["FolderId", "foldeRid"]),
        ({"": "", " ": 1, "ж": 2}, ["", " ", "ж"]),
        ({"zones": ["a", {"b": None}], "size": 1.5, "on": True, "os": {"x": []}}, ["zones", "size", "on", "os.x"]),
        ({"copy": 1, "json": 2, "model_extra": 3, "model_fields_set": 4}, None),
        ({"__class__": 1, "__dict__": {}, "_private": 2, "__pydantic_extra__": []}, None),
        ({"to_json": 1, "unknown_fields": 2, "oneofs": 3, "source": 4}, None),
    ],
    ids=[
        "one",
        "the vendor's stray key",
        "nested",
        "an object",
        "other case",
        "odd names",
        "several",
        "names of methods",
        "names that Python uses",
        "names of ours",
    ],
)
def test_unknown_fields_are_reported_and_change_nothing(
    create: Callable[..., CreateImageRequest], fields: dict[str, object], paths: list[str] | None
) -> None:
    """The service ignores them (the vendor's own guides post some); the double can tell of them."""
    message = create(**fields)

    assert message.unknown_fields() == (list(fields) if paths is None else paths)
    plain = _without(create())
    assert {**_without(message), "os": None} == {**plain, "os": None}


def test_an_unknown_field_with_null_is_not_worth_a_word(create: Callable[..., CreateImageRequest]) -> None:
    """A null is an absent field, known or not."""
    assert create(os={"nothing": None}).unknown_fields() == []


@pytest.mark.parametrize("spelling", ["5000000", '"5000000"', "5000000.0", "5e6", "0.5e7", "50000000e-1", '"05000000"'])
def test_an_int64_may_be_spelt_in_any_way_that_is_whole(read: Callable[..., Decoded], spelling: str) -> None:
    """A number or a decimal string; a fraction of zero does no harm."""
    message = read(VALID + b', "minDiskSize": ' + spelling.encode() + b"}").message

    assert getattr(message, "min_disk_size", None) == 5000000


def test_a_field_given_twice_has_its_last_value(read: Callable[..., Decoded]) -> None:
    """As everywhere in proto3."""
    message = read(b'{"folderId": "one", "folderId": "two", "uri": "u"}').message

    assert getattr(message, "folder_id", None) == "two"


@pytest.mark.parametrize("body", [b"", b" ", b"\n\t \r\n"], ids=["none", "a blank", "white space"])
def test_a_body_of_nothing_is_an_empty_object(read: Callable[..., Decoded], body: bytes) -> None:
    """Methods without required fields can be called without a body."""
    assert read(body) == read({})
    assert read(body, method="endpoints.list").message is not None


def test_white_space_and_escapes_are_those_of_json(read: Callable[..., Decoded]) -> None:
    """Surrogate pairs make one character."""
    escaped = rb' { "folder\u0049d" : "\ud83d\ude00\u0436\/" ,' + b'\r\n\t"uri":"u" } '

    assert getattr(read(escaped).message, "folder_id", None) == "😀ж/"
