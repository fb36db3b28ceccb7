"""`violation_paths`: how violations spell the fields of a request. Only the case of the text is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.api.gateway import spelled
from tests.client import DISK, IMAGES

if TYPE_CHECKING:
    from pytest_ycimages.api.gateway import ViolationPaths
    from tests.client import Cloud

WRONG: Final[dict[str, Any]] = {
    "folderId": "",
    "name": "Upper",
    "labels": {"Env": "", "ok": "V"},
    "minDiskSize": "1",
    "productIds": ["ok", "p" * 51],
}

CAMEL: Final = ["folderId", "name", "labels.Env", "labels.ok", "minDiskSize", "productIds[1]"]
GO: Final = ["FolderId", "Name", "Labels.Env", "Labels.ok", "MinDiskSize", "ProductIds[1]"]
SNAKE: Final = ["folder_id", "name", "labels.Env", "labels.ok", "min_disk_size", "product_ids[1]"]


@pytest.mark.parametrize("body", [WRONG, {**WRONG, "min_disk_size": WRONG["minDiskSize"], "minDiskSize": None}])
@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(CAMEL, marks=pytest.mark.ycimages()),
        pytest.param(CAMEL, marks=pytest.mark.ycimages(violation_paths="camelCase")),
        pytest.param(GO, marks=pytest.mark.ycimages(violation_paths="GoCase")),
        pytest.param(SNAKE, marks=pytest.mark.ycimages(violation_paths="snake_case")),
    ],
)
def test_fields_are_spelled_as_the_setting_says(cloud: Cloud, body: dict[str, Any], paths: list[str]) -> None:
    """However the request spelled them; the keys of a map are the client's own words. Texts are in GoCase."""
    answer = cloud.create(**body)
    assert answer.refused_fields == paths
    assert answer.refusal[2].startswith("Request validation error: FolderId: ")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("source", marks=pytest.mark.ycimages(violation_paths="camelCase")),
        pytest.param("source", marks=pytest.mark.ycimages(violation_paths="snake_case")),
        pytest.param("Source", marks=pytest.mark.ycimages(violation_paths="GoCase")),
    ],
)
def test_a_missing_source_is_named_after_its_oneof(cloud: Cloud, path: str) -> None:
    """A oneof is spelled like a field."""
    answer = cloud.post(IMAGES, {"folderId": cloud.double.folder_id})
    assert answer.refused_fields == [path]


@pytest.mark.parametrize(
    ("folder", "size"),
    [
        pytest.param("folderId", "pageSize", marks=pytest.mark.ycimages(violation_paths="camelCase")),
        pytest.param("FolderId", "PageSize", marks=pytest.mark.ycimages(violation_paths="GoCase")),
        pytest.param("folder_id", "page_size", marks=pytest.mark.ycimages(violation_paths="snake_case")),
    ],
)
def test_a_query_is_no_exception(cloud: Cloud, folder: str, size: str) -> None:
    """Its parameters are fields of the request like any other."""
    assert cloud.get(IMAGES, pageSize=1001).refused_fields == [folder, size]


@pytest.mark.parametrize(
    "field",
    [
        pytest.param("minDiskSize", marks=pytest.mark.ycimages(violation_paths="camelCase")),
        pytest.param("min_disk_size", marks=pytest.mark.ycimages(violation_paths="snake_case")),
    ],
)
def test_an_update_is_no_exception(cloud: Cloud, field: str) -> None:
    """Whatever the request spelled."""
    image_id = cloud.made(diskId=DISK)
    for spelling in ("minDiskSize", "min_disk_size"):
        assert cloud.patch(image_id, {spelling: "1"}).refused_fields == [field]


@pytest.mark.parametrize(
    ("paths", "field"),
    [
        ("camelCase", "hardwareGeneration.legacyFeatures.pciTopology"),
        ("snake_case", "hardware_generation.legacy_features.pci_topology"),
        ("GoCase", "HardwareGeneration.LegacyFeatures.PciTopology"),
    ],
)
@pytest.mark.parametrize("given", ["hardwareGeneration.legacyFeatures.pciTopology", "labels.minDiskSize.dotted"])
def test_every_part_of_a_path_is_spelled_but_for_labels(paths: ViolationPaths, field: str, given: str) -> None:
    """The keys of labels may look like fields, and may have dots."""
    labels = "Labels" if paths == "GoCase" else "labels"
    expected = field if given.startswith("hardware") else given.replace("labels", labels)
    assert spelled(given, paths) == expected
    if paths == "GoCase":
        assert spelled(spelled(given, "snake_case"), paths) == spelled(expected, paths) == expected


@pytest.mark.ycimages(unknown_fields="reject")
def test_an_unknown_field_is_told_as_the_client_wrote_it(cloud: Cloud) -> None:
    """It is the field of no struct."""
    answer = cloud.create(fooBar=1)
    assert answer.refusal[2].startswith("Request validation error: fooBar: Unknown field")
    assert answer.refused_fields == ["fooBar"]
