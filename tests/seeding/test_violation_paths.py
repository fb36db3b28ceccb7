"""`violation_paths`: how violations spell the fields of a request. Nobody has recorded which way the service does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.client import DISK, IMAGES

if TYPE_CHECKING:
    from tests.client import Cloud

WRONG: Final[dict[str, Any]] = {
    "folderId": "",
    "name": "Upper",
    "labels": {"Env": "", "ok": "V"},
    "minDiskSize": "1",
    "productIds": ["ok", "p" * 51],
}

CAMEL: Final = ["folderId", "name", "labels.Env", "labels.ok", "minDiskSize", "productIds[1]"]
SNAKE: Final = ["folder_id", "name", "labels.Env", "labels.ok", "min_disk_size", "product_ids[1]"]


@pytest.mark.parametrize("body", [WRONG, {**WRONG, "min_disk_size": WRONG["minDiskSize"], "minDiskSize": None}])
@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(CAMEL, marks=pytest.mark.ycimages()),
        pytest.param(CAMEL, marks=pytest.mark.ycimages(violation_paths="camelCase")),
        pytest.param(SNAKE, marks=pytest.mark.ycimages(violation_paths="snake_case")),
    ],
)
def test_fields_are_spelled_as_the_setting_says(cloud: Cloud, body: dict[str, Any], paths: list[str]) -> None:
    """However the request spelled them; the keys of a map are the client's own words."""
    answer = cloud.create(**body)
    assert answer.refused_fields == paths
    assert answer.refusal[2].startswith(f"Request validation error: {paths[0]}: ")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("source", marks=pytest.mark.ycimages(violation_paths="camelCase")),
        pytest.param("source", marks=pytest.mark.ycimages(violation_paths="snake_case")),
    ],
)
def test_a_missing_source_is_named_after_its_oneof(cloud: Cloud, path: str) -> None:
    """A oneof has one spelling."""
    answer = cloud.post(IMAGES, {"folderId": cloud.double.folder_id})
    assert answer.refused_fields == [path]


@pytest.mark.parametrize(
    ("folder", "size"),
    [
        pytest.param("folderId", "pageSize", marks=pytest.mark.ycimages(violation_paths="camelCase")),
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
