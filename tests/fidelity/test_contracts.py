"""What today's API accepts and the specification page does not (api-facts.md, section 6)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from pytest_ycimages import Double
from tests.client import GIB, Cloud

V1: Final = {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V1"}}
V2: Final = {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V2"}}
GENERATION2: Final[dict[str, Any]] = {"generation2Features": {}}
RAW: Final = "https://storage.yandexcloud.net/bucket/disk.raw"


@pytest.mark.fidelity("contract.page")
@pytest.mark.ycimages(unknown_fields="ignore")
def test_the_page_is_in_force(cloud: Cloud) -> None:
    """What it does not know is an unknown field, whatever that holds."""
    plain = cloud.image(cloud.made())
    for more in ({"pooled": True}, {"pooled": "x"}, {"hardwareGeneration": V2}, {"os": {"nvidia": {"driver": "550"}}}):
        image = cloud.image(cloud.made(**more))
        assert (image.keys(), image["os"]) == (plain.keys(), {"type": "LINUX"})
    assert cloud.create(name="a_b").refused_fields == ["name"]


@pytest.mark.fidelity("contract.underscore")
@pytest.mark.ycimages(contract="current")
def test_a_name_may_hold_an_underscore_today(cloud: Cloud) -> None:
    """Inside, and neither first nor last; an update has the same rule."""
    image_id = cloud.made(name="a_b")
    for wrong in ("_a", "a_", "A"):
        assert cloud.create(name=wrong).refused_fields == ["name"]
        assert cloud.patch(image_id, {"name": wrong}).refused_fields == ["name"]
    assert cloud.patch(image_id, {"name": "b_c"}).status == 200
    assert cloud.create(family="a_b").refused_fields == ["family"]


@pytest.mark.fidelity("contract.pooled")
@pytest.mark.ycimages(contract="current")
def test_an_image_may_be_pooled_today(cloud: Cloud) -> None:
    """And shows it; anything but a boolean is refused by the gateway."""
    assert cloud.image(cloud.made(pooled=True))["pooled"] is True
    assert cloud.create(pooled="x").text == 'pooled: invalid value "x" for type TYPE_BOOL'


@pytest.mark.fidelity("contract.nvidia")
@pytest.mark.ycimages(contract="current")
def test_an_os_may_have_an_nvidia_driver_today(cloud: Cloud) -> None:
    """Beside its type, which stays LINUX unless given."""
    first = cloud.made(os={"nvidia": {"driver": "550"}})
    assert cloud.image(first)["os"] == {"type": "LINUX", "nvidia": {"driver": "550"}}
    assert cloud.image(cloud.made(imageId=first))["os"] == {"type": "LINUX", "nvidia": {"driver": "550"}}


@pytest.mark.fidelity("contract.hardware-default")
@pytest.mark.ycimages(contract="current")
@pytest.mark.parametrize("hardware", [None, {}, {"legacyFeatures": {}}, {"legacyFeatures": {"pciTopology": 0}}])
def test_an_image_is_for_the_first_hardware_generation_today(cloud: Cloud, hardware: object) -> None:
    """Unless the request or the source says otherwise."""
    assert cloud.image(cloud.made(hardwareGeneration=hardware))["hardwareGeneration"] == V1


@pytest.mark.fidelity("contract.hardware-asked")
@pytest.mark.ycimages(contract="current")
@pytest.mark.parametrize("hardware", [V1, V2, GENERATION2])
def test_an_image_is_for_the_hardware_that_was_asked_for(cloud: Cloud, hardware: dict[str, Any]) -> None:
    """One generation, not two."""
    assert cloud.image(cloud.made(hardwareGeneration=hardware))["hardwareGeneration"] == hardware
    text = "oneof field 'features' is already set. Cannot set 'generation2Features'"
    both = cloud.create(hardwareGeneration={**V1, **GENERATION2})
    assert (both.status, both.text) == (400, f"hardware_generation: invalid value {text} for type oneof")


@pytest.mark.fidelity("contract.hardware-inherited")
@pytest.mark.ycimages(contract="current")
def test_the_hardware_generation_is_inherited(cloud: Cloud) -> None:
    """From an image, unless the request overrides it."""
    first = cloud.made(hardwareGeneration=GENERATION2)
    assert cloud.image(cloud.made(imageId=first))["hardwareGeneration"] == GENERATION2
    assert cloud.image(cloud.made(imageId=first, hardwareGeneration=V2))["hardwareGeneration"] == V2


@pytest.mark.fidelity("contract.raw")
@pytest.mark.ycimages(contract="current")
@pytest.mark.parametrize("extension", ["qcow2", "vmdk", "vhd", "raw", "img"])
def test_a_file_may_be_raw_today(cloud: Cloud, extension: str) -> None:
    """Beside the three of the page."""
    operation = cloud.create(uri=f"https://storage.yandexcloud.net/bucket/disk.{extension}").json
    assert "response" in cloud.operation(operation["id"])


@pytest.mark.fidelity("contract.size")
@pytest.mark.parametrize(
    ("given", "size"), [({}, 10), ({"minDiskSize": str(20 * GIB)}, 10), ({"minDiskSize": str(3 * GIB)}, 10)]
)
def test_an_image_shows_its_size_today(given: dict[str, str], size: int) -> None:
    """That of its disk, whatever the request asks for; the page knows no such field."""
    for contract, shown in (("current", str(size * GIB)), ("page", None)):
        cloud = Cloud(Double(clock="manual", contract=contract))
        image_id = cloud.made(diskId=cloud.double.add_disk(size=10 * GIB, data_size=2 * GIB), **given)
        image = cloud.image(image_id)
        assert image.get("size") == shown
        assert cloud.operation(cloud.create(imageId=image_id).json["id"])["response"].get("size") == shown
        if shown:
            assert list(image)[-2:] == ["status", "size"]


@pytest.mark.ycimages(contract="current")
def test_sizes_that_are_made_up_agree(cloud: Cloud) -> None:
    """Of an unknown source and of a seeded image: neither is `size` more than `minDiskSize`, nor an update of that."""
    unknown = cloud.made(minDiskSize=str(2 * GIB))
    seeded, given = cloud.double.add_image(min_disk_size=7 * GIB), cloud.double.add_image(size=6 * GIB)
    assert [cloud.image(id_)["size"] for id_ in (unknown, seeded, given)] == [str(each * GIB) for each in (2, 7, 6)]
    cloud.operation(cloud.patch(unknown, {"updateMask": "minDiskSize", "minDiskSize": str(GIB)}).json["id"])
    image = cloud.image(unknown)
    assert image["size"] == image["minDiskSize"] == str(GIB)
    assert cloud.patch(given, {"updateMask": "minDiskSize", "minDiskSize": str(5 * GIB)}).status == 400
