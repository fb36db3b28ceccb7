"""The two contract revisions: the page, and what today's API accepts beyond it. They differ in nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.api.image import PciTopology
from pytest_ycimages.api.methods import CONTRACTS, METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.create_image import CreateImageRequest

PAGE_FIELDS = [
    "folder_id",
    "name",
    "description",
    "labels",
    "family",
    "min_disk_size",
    "product_ids",
    "os",
    "image_id",
    "disk_id",
    "snapshot_id",
    "uri",
]
TODAY: dict[str, tuple[str, object]] = {
    "pooled": ("pooled", True),
    "hardwareGeneration": ("hardwareGeneration", {"generation2Features": {}}),
    "hardware_generation": ("hardware_generation", {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V2"}}),
}


def test_there_are_two_revisions_each_named_as_it_is_chosen() -> None:
    """`page` and `current`."""
    assert {name: contract.revision for name, contract in CONTRACTS.items()} == {"page": "page", "current": "current"}


def test_both_revisions_have_a_request_for_every_method() -> None:
    """And for no other word."""
    assert set(CONTRACTS["page"].requests) == set(CONTRACTS["current"].requests) == set(METHODS)


def test_the_page_has_the_fields_of_its_body_table_in_its_order() -> None:
    """Twelve rows, `os.type` within `os`."""
    assert list(CONTRACTS["page"].requests["images.create"].model_fields) == PAGE_FIELDS


def test_the_revisions_differ_where_an_image_is_described_alone() -> None:
    """To create and to update: every other method takes the same message in both."""
    page, current = CONTRACTS["page"].requests, CONTRACTS["current"].requests

    assert {method for method in page if page[method] is not current[method]} == {"images.create", "images.update"}
    assert list(current["images.create"].model_fields) == [*PAGE_FIELDS, "pooled", "hardware_generation"]


@pytest.mark.parametrize(("name", "value"), TODAY.values(), ids=TODAY)
def test_a_field_of_today_is_unknown_to_the_page(
    create: Callable[..., CreateImageRequest], name: str, value: object
) -> None:
    """Unknown, and so ignored, as the service of that day did; known to the current revision."""
    fields = {name: value}

    assert create(revision="page", **fields).unknown_fields() == [name]
    assert create(revision="current", **fields).unknown_fields() == []


def test_the_nvidia_driver_is_unknown_to_the_page(create: Callable[..., CreateImageRequest]) -> None:
    """The rest of `os` is known to both."""
    os = {"type": "LINUX", "nvidia": {"driver": "535"}}

    assert create(revision="page", os=os).unknown_fields() == ["os.nvidia"]
    assert create(revision="current", os=os).unknown_fields() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"pooled": "yes"},
        {"hardwareGeneration": 2},
        {"hardwareGeneration": {"legacyFeatures": {}, "generation2Features": {}}},
        {"os": {"nvidia": "535"}},
    ],
    ids=["pooled", "hardwareGeneration", "both features", "os.nvidia"],
)
def test_the_page_does_not_judge_the_type_of_what_it_does_not_know(
    create: Callable[..., CreateImageRequest], refusal: Callable[..., str], fields: dict[str, object]
) -> None:
    """What is a wrong type today was an unknown field then."""
    assert len(create(revision="page", **fields).unknown_fields()) == 1
    assert refusal(revision="current", **fields)


def test_the_current_revision_reads_what_the_page_does_not_know(create: Callable[..., CreateImageRequest]) -> None:
    """Enums by number too, unset ones as none."""
    message = create(
        revision="current",
        pooled=True,
        os={"nvidia": {"driver": "535"}},
        hardwareGeneration={"legacyFeatures": {"pciTopology": 2}},
    )

    known = message.model_dump(by_alias=False)
    assert known["pooled"] is True
    assert known["os"] == {"type": None, "nvidia": {"driver": "535"}}
    assert known["hardware_generation"]["legacy_features"] == {"pci_topology": PciTopology.V2}
    assert known["hardware_generation"]["generation2_features"] is None


@pytest.mark.parametrize("generation", [{}, {"legacyFeatures": {}}, {"legacyFeatures": {"pciTopology": 0}}, None])
def test_a_hardware_generation_may_be_left_open(
    create: Callable[..., CreateImageRequest], generation: dict[str, object] | None
) -> None:
    """Its oneof is not required, its topology neither."""
    assert create(revision="current", hardwareGeneration=generation).unknown_fields() == []


def test_unknown_fields_are_found_at_any_depth(create: Callable[..., CreateImageRequest]) -> None:
    """With their whole path, in camelCase as far as it is known."""
    message = create(
        revision="current",
        os={"nvidia": {"driver": "535", "cuda": "12"}, "arch": "arm64"},
        hardware_generation={"legacyFeatures": {"uefi": True}, "extra": None},
        zone="a",
    )

    assert message.unknown_fields() == [
        "zone",
        "os.arch",
        "os.nvidia.cuda",
        "hardwareGeneration.legacyFeatures.uefi",
    ]
