"""Whatever a client sends, reading it ends in a message, in violations or in a refusal, and never in anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from pytest_ycimages.api.gateway import GatewayRefusalError, decode, parse_body
from pytest_ycimages.api.methods import CONTRACTS

quickly = settings(derandomize=True, database=None, deadline=None, max_examples=60)

FIELDS = sorted(
    {name for contract in CONTRACTS.values() for model in contract.requests.values() for name in model.model_fields}
    | {"type", "nvidia", "driver", "legacy_features", "generation2_features", "pci_topology"}
)

numbers = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, 1, 2, 3, 4194304, 4398046511105, 1e400])
meaningful = st.sampled_from(["LINUX", "TYPE_UNSPECIFIED", "PCI_TOPOLOGY_V2", "4194304", "[key]"])
words = st.text(max_size=9) | st.text(st.characters(), max_size=3) | meaningful
scalars = st.none() | st.booleans() | numbers | words
keys = st.sampled_from(FIELDS).map(to_camel) | st.sampled_from(FIELDS) | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=5
)
objects = st.dictionaries(keys, values, max_size=5)
revisions = st.sampled_from(sorted(CONTRACTS))
methods = st.just("images.create") | st.sampled_from(sorted(CONTRACTS["page"].requests))


def _ends_well(body: bytes, revision: str, method: str) -> None:
    try:
        decoded = decode(CONTRACTS[revision].requests[method], parse_body(body))
    except GatewayRefusalError:
        return
    assert (decoded.message is None) == bool(decoded.violations)
    assert all(each.field and each.description for each in decoded.violations)
    if decoded.message is not None:
        assert all(isinstance(path, str) for path in decoded.message.unknown_fields())


@quickly
@given(value=objects | values, revision=revisions, method=methods)
def test_any_json_value_is_read_or_refused(value: Any, revision: str, method: str) -> None:
    """Field names and values that mean something are among what is tried."""
    _ends_well(json.dumps(value).encode(), revision, method)


@quickly
@given(name=st.sampled_from(FIELDS).map(to_camel), value=values, revision=revisions)
def test_any_value_in_any_known_field_is_read_or_refused(name: str, value: Any, revision: str) -> None:
    """The request is whole but for what stands in one of its fields."""
    body = {"folderId": "f", "uri": "u", name: value}

    _ends_well(json.dumps(body).encode(), revision, "images.create")


@quickly
@given(body=st.binary(max_size=200), revision=revisions, method=methods)
def test_any_bytes_are_read_or_refused(body: bytes, revision: str, method: str) -> None:
    """Most of them are no JSON at all."""
    _ends_well(body, revision, method)


@pytest.mark.costly
@quickly
@given(
    value=objects,
    place=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 1),
    put=st.binary(max_size=2),
    revision=revisions,
)
def test_a_body_with_one_byte_changed_is_read_or_refused(
    value: Any, place: float, cut: int, put: bytes, revision: str
) -> None:
    """Nearly JSON is the hardest: an escape cut short, a character split, a bracket lost."""
    body = json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
    at = int(place * len(body))

    _ends_well(body[:at] + put + body[at + cut :], revision, "images.create")
