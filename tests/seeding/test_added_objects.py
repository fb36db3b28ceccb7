"""`add_object`: files in Object Storage, what becomes of images made from them, and what it refuses."""

from __future__ import annotations

from typing import Any, Final

import pytest

from pytest_ycimages import Double, UsageError
from pytest_ycimages.text_values import SIZES
from tests.client import GIB, MIB, Cloud

BYTES: Final = f"bytes, zero or more, such as 5 * 2**30 for 5 GiB, or a text {SIZES}"


BUCKET: Final = "https://storage.yandexcloud.net/bucket"


def made(cloud: Cloud, uri: str) -> Any:
    """What comes of the operation that makes an image from a file."""
    return cloud.operation(cloud.create(uri=uri).json["id"])


def test_an_image_takes_over_the_sizes_of_its_file(cloud: Cloud) -> None:
    """The data in chunks of 4 MiB, and the size of the disk that it describes."""
    uri = cloud.double.add_object(f"{BUCKET}/disk.qcow2", size=9 * MIB, virtual_size=2 * GIB)
    image = made(cloud, uri)["response"]
    assert (image["storageSize"], image["minDiskSize"]) == (str(12 * MIB), str(2 * GIB))
    assert image["os"] == {"type": "LINUX"}


@pytest.mark.parametrize(("size", "virtual"), [(GIB, 5 * GIB), (5 * GIB + 4 * MIB, 5 * GIB + 4 * MIB)])
def test_a_file_describes_5_gib_or_its_own_size_when_that_is_more(cloud: Cloud, size: int, virtual: int) -> None:
    """Unless `virtual_size` says otherwise."""
    uri = cloud.double.add_object(f"{BUCKET}/disk.qcow2", size=size)
    assert made(cloud, uri)["response"]["minDiskSize"] == str(virtual)


@pytest.mark.parametrize("signature", ["", "?X-Amz-Signature=1", "#part"])
def test_a_link_may_be_signed(cloud: Cloud, signature: str) -> None:
    """What signs it is no part of the address, neither when it is added nor when it is used."""
    address = cloud.double.add_object(f"{BUCKET}/a/b.qcow2{signature}", virtual_size=7 * GIB)
    assert address == f"{BUCKET}/a/b.qcow2"
    assert made(cloud, f"{address}?other=2")["response"]["minDiskSize"] == str(7 * GIB)


@pytest.mark.parametrize(
    ("key", "form", "contract", "error"),
    [
        ("disk.qcow2", None, "page", None),
        ("disk.vmdk", None, "page", None),
        ("disk.vhd", None, "page", None),
        ("DISK.QCOW2", None, "page", None),
        ("disk.raw", None, "page", "unsupported image format: raw"),
        ("disk.img", None, "page", "unsupported image format: raw"),
        ("disk", None, "page", "unsupported image format: raw"),
        ("disk.raw", None, "current", None),
        ("disk", "QCOW2", "page", None),
        ("disk.qcow2", "vhdx", "page", "unsupported image format: vhdx"),
        ("disk.vdi", None, "current", "unsupported image format: vdi"),
    ],
)
def test_a_format_is_what_is_said_or_else_what_the_name_says(
    key: str, form: str | None, contract: str, error: str | None
) -> None:
    """And only some can be read: RAW is one of them in the current contract."""
    double = Double(clock="manual", contract=contract, timing="Immediate()")
    uri = double.add_object(f"{BUCKET}/{key}", format=form)
    operation = Cloud(double).create(uri=uri).json
    assert operation["done"]
    assert operation.get("error", {}).get("message") == error
    assert len(double.images) == (0 if error else 1)


def test_a_file_that_cannot_be_read_fails_the_operation(cloud: Cloud) -> None:
    """Not the call; and the image disappears."""
    operation = made(cloud, cloud.double.add_object(f"{BUCKET}/disk.qcow2", reachable=False))
    assert operation["error"] == {"code": 3, "message": "url source not found"}
    assert operation["done"]
    assert not cloud.double.images


def test_a_file_that_is_added_again_replaces_the_one_before(cloud: Cloud) -> None:
    """As an upload does."""
    uri = cloud.double.add_object(f"{BUCKET}/disk.qcow2", reachable=False)
    cloud.double.add_object(uri, virtual_size=3 * GIB)
    assert made(cloud, uri)["response"]["minDiskSize"] == str(3 * GIB)


@pytest.mark.parametrize(
    "uri",
    [
        "disk.qcow2",
        "https://example.com/bucket/disk.qcow2",
        "https://bucket.storage.yandexcloud.net/disk.qcow2",
        "https://storage.yandexcloud.net/bucket",
        "s3://bucket/disk.qcow2",
    ],
)
def test_a_link_to_elsewhere_is_refused(uri: str) -> None:
    """Only paths in the style of Object Storage name a file."""
    with pytest.raises(UsageError) as refusal:
        Double().add_object(uri)
    assert str(refusal.value) == (
        f"invalid uri {uri!r}: expected a file in Object Storage, such as https://storage.yandexcloud.net/bucket/key."
    )


@pytest.mark.parametrize(("name", "value"), [("size", -1), ("virtual_size", -1), ("virtual_size", "2G")])
def test_a_size_that_cannot_be_is_refused(name: str, value: object) -> None:
    """In words that say what would be right."""
    given: dict[str, Any] = {name: value}
    with pytest.raises(UsageError) as refusal:
        Double().add_object(f"{BUCKET}/disk.qcow2", **given)
    text = f"invalid {name}={value!r}: expected {BYTES}."
    assert str(refusal.value) == text
