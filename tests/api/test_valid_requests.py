"""Every valid create request survives being written and read, and one mistake planted in it is found alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.api.create_image import (
    MAX_DISK_SIZE,
    MIN_DISK_SIZE,
    CreateImageRequest,
    CurrentCreateImageRequest,
    CurrentRequestedOs,
    Generation2Features,
    LegacyFeatures,
    Nvidia,
    RequestedHardwareGeneration,
    RequestedOs,
)
from pytest_ycimages.api.gateway import decode, parse_body
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.api.resources import OsType, PciTopology

quickly = settings(derandomize=True, database=None, deadline=None, max_examples=100)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"


def _text(most: int, least: int = 0) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)


def _word(least: int, most: int, inside: str) -> st.SearchStrategy[str]:
    """A letter, then characters of `inside`, then a letter or digit."""
    ends = st.tuples(st.sampled_from(LETTERS), st.text(inside, min_size=least - 2, max_size=most - 2))
    return st.tuples(ends, st.sampled_from(LETTERS + DIGITS)).map(lambda parts: "".join((*parts[0], parts[1])))


def _name(inside: str) -> st.SearchStrategy[str]:
    return st.just("") | st.sampled_from(LETTERS) | _word(2, 63, inside)


ids = _text(50, 1)
label_keys = st.tuples(st.sampled_from(LETTERS), st.text(LETTERS + DIGITS + "-_./\\@", max_size=62)).map("".join)
label_values = st.text(LETTERS + DIGITS + "-_./\\@", max_size=63)
os_types = st.none() | st.sampled_from(OsType)
sources = (
    st.fixed_dictionaries({"image_id": ids})
    | st.fixed_dictionaries({"disk_id": ids})
    | st.fixed_dictionaries({"snapshot_id": ids})
    | st.fixed_dictionaries({"uri": _text(100, 1)})
)
common: dict[str, st.SearchStrategy[Any]] = {
    "folder_id": ids,
    "description": _text(256),
    "labels": st.dictionaries(label_keys, label_values, max_size=4),
    "family": st.just("") | _word(3, 63, LETTERS + DIGITS + "-"),
    "min_disk_size": st.just(0) | st.integers(MIN_DISK_SIZE, MAX_DISK_SIZE),
    "product_ids": st.lists(_text(50), max_size=3).map(tuple),
}
page_requests = st.builds(
    lambda source, **fields: CreateImageRequest(**source, **fields),
    source=sources,
    name=_name(LETTERS + DIGITS + "-"),
    os=st.none() | st.builds(RequestedOs, type=os_types),
    **common,
)
hardware_generations = (
    st.just(RequestedHardwareGeneration())
    | st.builds(
        RequestedHardwareGeneration,
        legacy_features=st.builds(LegacyFeatures, pci_topology=st.none() | st.sampled_from(PciTopology)),
    )
    | st.builds(RequestedHardwareGeneration, generation2_features=st.just(Generation2Features()))
)
current_requests = st.builds(
    lambda source, **fields: CurrentCreateImageRequest(**source, **fields),
    source=sources,
    name=_name(LETTERS + DIGITS + "-_"),
    os=st.none() | st.builds(CurrentRequestedOs, type=os_types, nvidia=st.none() | st.builds(Nvidia, driver=_text(20))),
    pooled=st.booleans(),
    hardware_generation=st.none() | hardware_generations,
    **common,
)
requests: dict[str, st.SearchStrategy[Any]] = {"page": page_requests, "current": current_requests}

bad_names = st.sampled_from(["1a", "-a", "a-", "A", "a b", "a.b", "a" * 64, "é", "_a", "a_"])
mistakes: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "folderId": ("folderId", st.just("") | _text(60, 51)),
    "name": ("name", bad_names),
    "description": ("description", _text(300, 257)),
    "label key": ("labels.BAD", st.just({"BAD": "fine"})),
    "label value": ("labels.fine", st.fixed_dictionaries({"fine": st.sampled_from(["BAD", "a b", "v" * 64])})),
    "labels": ("labels", st.integers(65, 300).map(lambda count: {f"k{number}": "" for number in range(count)})),
    "family": ("family", st.sampled_from(["a", "ab", "a_b", "1ab", "ab-", "f" * 64])),
    "minDiskSize": (
        "minDiskSize",
        (st.integers(-(2**63), MIN_DISK_SIZE - 1) | st.integers(MAX_DISK_SIZE + 1, 2**63 - 1)).filter(bool),
    ),
    "productIds": ("productIds[1]", st.tuples(_text(50), _text(60, 51), _text(50))),
}


@pytest.mark.costly
@pytest.mark.parametrize("revision", sorted(requests))
@quickly
@given(data=st.data())
def test_a_valid_request_is_read_back_as_it_was_written(revision: str, data: st.DataObject) -> None:
    """`to_json` and back: the same message, with nothing unknown about it."""
    message = data.draw(requests[revision])
    decoded = decode(CONTRACTS[revision].requests["images.create"], parse_body(message.to_json()))

    assert decoded.violations == ()
    assert decoded.message == message
    assert message.unknown_fields() == []


@pytest.mark.costly
@pytest.mark.parametrize("revision", sorted(requests))
@quickly
@given(data=st.data())
def test_a_valid_request_is_read_back_from_snake_case(revision: str, data: st.DataObject) -> None:
    """Names as protos spell them say the same."""
    message = data.draw(requests[revision])
    snake = message.model_dump_json(by_alias=False, exclude_defaults=True).encode()

    assert decode(CONTRACTS[revision].requests["images.create"], parse_body(snake)).message == message


@pytest.mark.parametrize("revision", sorted(requests))
@pytest.mark.parametrize("mistake", sorted(mistakes))
@settings(quickly, max_examples=25)
@given(data=st.data())
def test_one_mistake_in_a_valid_request_is_reported_and_nothing_else(
    revision: str, mistake: str, data: st.DataObject
) -> None:
    """Exactly the field that breaks its rule, whatever the others hold."""
    message = data.draw(requests[revision])
    path, wrong = mistakes[mistake]
    field = path.partition(".")[0].partition("[")[0]
    body = json.loads(message.to_json()) | {field: data.draw(wrong)}

    decoded = decode(CONTRACTS[revision].requests["images.create"], parse_body(json.dumps(body).encode()))

    assert decoded.message is None
    assert [each.field for each in decoded.violations] == [path]


@pytest.mark.parametrize("revision", sorted(requests))
@settings(quickly, max_examples=25)
@given(data=st.data())
def test_a_valid_request_without_its_source_lacks_a_source_and_nothing_else(revision: str, data: st.DataObject) -> None:
    """The rule that belongs to no single field."""
    body = json.loads(data.draw(requests[revision]).to_json())
    for source in ("imageId", "diskId", "snapshotId", "uri"):
        body.pop(source, None)

    decoded = decode(CONTRACTS[revision].requests["images.create"], parse_body(json.dumps(body).encode()))

    assert [each.field for each in decoded.violations] == ["source"]
