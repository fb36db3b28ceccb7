"""images.create: the limits of the request's fields, one by one (images-create.md, Body parameters)."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

import pytest

from tests.client import GIB

if TYPE_CHECKING:
    from tests.client import Cloud

URI: Final = "https://storage.yandexcloud.net/bucket/disk.qcow2"


@pytest.mark.fidelity("create.folder-required")
@pytest.mark.parametrize("folder_id", [None, ""])
def test_a_folder_is_required(cloud: Cloud, folder_id: str | None) -> None:
    """Left out or empty."""
    assert cloud.create(folderId=folder_id).refused_fields == ["folderId"]


@pytest.mark.fidelity("create.folder-length")
def test_a_folder_id_has_at_most_50_characters(cloud: Cloud) -> None:
    """The limit itself is allowed."""
    assert cloud.create(folderId="f" * 50).status == 200
    assert cloud.create(folderId="f" * 51).refused_fields == ["folderId"]


@pytest.mark.fidelity("create.name-pattern")
@pytest.mark.parametrize("wrong", ["A", "1a", "-a", "a-", "a_b", "a" * 64, "a\n", "\u0430"])
def test_a_name_matches_its_pattern(cloud: Cloud, wrong: str) -> None:
    """1 to 63 characters, or empty."""
    for name in ("", "a", "a-1", "a" * 63):
        assert cloud.create(name=name).status == 200
    assert cloud.create(name=wrong).refused_fields == ["name"]


@pytest.mark.fidelity("create.description-length")
def test_a_description_has_at_most_256_characters(cloud: Cloud) -> None:
    """Characters, not bytes."""
    assert cloud.create(description="\u0451" * 256).status == 200
    assert cloud.create(description="d" * 257).refused_fields == ["description"]


@pytest.mark.fidelity("create.labels-count")
def test_there_are_at_most_64_labels(cloud: Cloud) -> None:
    """The limit itself is allowed."""
    labels = {f"key{number}": "value" for number in range(65)}
    assert cloud.create(labels=dict(list(labels.items())[:64])).status == 200
    assert cloud.create(labels=labels).refused_fields == ["labels"]


@pytest.mark.fidelity("create.label-key-length")
def test_a_label_key_has_1_to_63_characters(cloud: Cloud) -> None:
    """An empty key is none."""
    assert cloud.create(labels={"k" * 63: "", "k": ""}).status == 200
    assert cloud.create(labels={"k" * 64: ""}).refused_fields == [f"labels.{'k' * 64}"]
    assert cloud.create(labels={"": "v"}).refused_fields == ["labels."]


@pytest.mark.fidelity("create.label-key-pattern")
def test_a_label_key_matches_its_pattern(cloud: Cloud) -> None:
    """The backslash is one of its characters."""
    assert cloud.create(labels={"k-_./\\@0": ""}).status == 200
    for wrong in ("K", "0k", "-k", "k k", "k:", "k\n"):
        assert cloud.create(labels={wrong: ""}).refused_fields == [f"labels.{wrong}"]


@pytest.mark.fidelity("create.label-value-length")
def test_a_label_value_has_at_most_63_characters(cloud: Cloud) -> None:
    """It may be empty."""
    assert cloud.create(labels={"a": "v" * 63, "b": ""}).status == 200
    assert cloud.create(labels={"a": "v" * 64}).refused_fields == ["labels.a"]


@pytest.mark.fidelity("create.label-value-pattern")
def test_a_label_value_matches_its_pattern(cloud: Cloud) -> None:
    """Any of its characters may come first."""
    for character in f"-_./\\@{string.digits}{string.ascii_lowercase}":
        assert cloud.create(labels={"k": character}).status == 200
    for wrong in ("V", "v v", "v:", "v\n"):
        assert cloud.create(labels={"k": wrong}).refused_fields == ["labels.k"]


@pytest.mark.fidelity("create.family-pattern")
@pytest.mark.parametrize("wrong", ["ab", "a" * 64, "Abc", "1bc", "ab-", "a_b", "abc\n"])
def test_a_family_matches_its_pattern(cloud: Cloud, wrong: str) -> None:
    """3 to 63 characters, or empty."""
    for family in ("", "abc", "a-0", "a" * 63):
        assert cloud.create(family=family).status == 200
    assert cloud.create(family=wrong).refused_fields == ["family"]


@pytest.mark.fidelity("create.min-disk-size-limits")
def test_min_disk_size_has_its_limits(cloud: Cloud) -> None:
    """4 MiB and 4 TiB are allowed themselves."""
    for size in (4194304, 4398046511104):
        assert cloud.create(minDiskSize=size).status == 200
    for size in (4194303, 4398046511105, 1, -1):
        assert cloud.create(minDiskSize=size).refused_fields == ["minDiskSize"]


@pytest.mark.fidelity("create.min-disk-size-zero")
def test_a_min_disk_size_of_zero_is_none(cloud: Cloud) -> None:
    """As if it were left out: it is the size of the disk."""
    disk = cloud.double.add_disk(size=20 * GIB)
    assert cloud.image(cloud.made(diskId=disk, minDiskSize=0))["minDiskSize"] == str(20 * GIB)


@pytest.mark.fidelity("create.product-id-length")
def test_a_product_id_has_at_most_50_characters(cloud: Cloud) -> None:
    """Each of them; the refusal says which."""
    assert cloud.create(productIds=["p" * 50]).status == 200
    assert cloud.create(productIds=["p", "p" * 51]).refused_fields == ["productIds[1]"]


@pytest.mark.fidelity("create.os-type")
@pytest.mark.parametrize("os", ["LINUX", "WINDOWS"])
def test_an_os_type_is_linux_or_windows(cloud: Cloud, os: str) -> None:
    """Anything else is refused by the gateway."""
    assert cloud.image(cloud.made(os={"type": os}))["os"] == {"type": os}
    assert cloud.create(os={"type": "PLAN9"}).text == 'os.type: invalid value "PLAN9" for type TYPE_ENUM'


@pytest.mark.fidelity("create.source-id-length")
@pytest.mark.parametrize("field", ["imageId", "diskId", "snapshotId"])
def test_a_source_id_has_at_most_50_characters(cloud: Cloud, field: str) -> None:
    """Of whatever kind."""
    assert cloud.create(**{"diskId": None, field: "s" * 50}).status == 200
    assert cloud.create(**{"diskId": None, field: "s" * 51}).refused_fields == [field]


@pytest.mark.fidelity("create.source-missing")
def test_a_source_is_required(cloud: Cloud) -> None:
    """The oneof is blamed, by its name."""
    assert cloud.create(diskId=None).refused_fields == ["source"]


@pytest.mark.fidelity("create.source-empty")
@pytest.mark.parametrize("field", ["imageId", "diskId", "snapshotId", "uri"])
def test_an_empty_source_is_refused(cloud: Cloud, field: str) -> None:
    """It is given, and it is nothing."""
    assert cloud.create(**{"diskId": None, field: ""}).refused_fields == [field]


@pytest.mark.fidelity("create.two-sources")
def test_two_sources_are_refused_by_the_gateway(cloud: Cloud) -> None:
    """In plain text: the service never sees them."""
    answer = cloud.create(diskId="epd1", uri=URI)
    text = ": invalid value oneof field 'source' is already set. Cannot set 'uri' for type oneof"
    assert (answer.status, answer.headers["content-type"], answer.text) == (400, "text/plain", text)


@pytest.mark.fidelity("create.uri-length")
def test_a_uri_may_be_long(cloud: Cloud) -> None:
    """A signed link is."""
    assert cloud.create(uri=f"{URI}?signature={'s' * 5000}").status == 200


@pytest.mark.fidelity("create.all-violations")
def test_all_violations_come_at_once(cloud: Cloud) -> None:
    """In the page's order, not in the request's."""
    answer = cloud.create(family="F", name="N", folderId=None, diskId="")
    assert answer.refused_fields == ["folderId", "name", "family", "diskId"]
