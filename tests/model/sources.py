"""What images are made from in the model, and what they take over (api-facts.md, section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from .records import Fields, Refusal

GIB: Final = 2**30
CHUNK: Final = 4 * 2**20
LEGACY: Final = {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V1"}}


class Disk(NamedTuple):
    """A disk, a snapshot, a file or an image, as far as images take after it. Sizes are bytes.

    `virtual` is what its disk takes, `data` what is stored, and `least` the minDiskSize of images made from it.
    `known` is False for a source that nobody added: its sizes bind nobody.
    """

    virtual: int
    data: int
    least: int
    os: str = "LINUX"
    licences: tuple[str, ...] = ()
    known: bool = True
    error: Refusal | None = None


UNKNOWN: Final = Disk(virtual=5 * GIB, data=GIB, least=5 * GIB, known=False)
"""What the double takes a source for of which it knows nothing (the double's figures, not the service's)."""

SEEDED: Final = UNKNOWN._replace(known=True)
"""What an image is like that was added and of which nothing was said."""

NOT_FOUND: Final = Refusal(3, "url source not found")


@dataclass
class Sources:
    """The disks, snapshots and files that were added."""

    strict: bool
    disks: dict[str, Disk]
    snapshots: dict[str, Disk]
    files: dict[str, Disk]

    def find(self, body: Fields) -> Disk | Refusal:
        """The source of a create request that names no image."""
        if "uri" in body:
            return self._file(body["uri"])
        kind, shelf = ("Disk", self.disks) if "diskId" in body else ("Snapshot", self.snapshots)
        id_ = body.get("diskId") or body["snapshotId"]
        if id_ not in shelf and self.strict:
            return Refusal(9, f'{kind} "{id_}" not found')
        return shelf.get(id_, UNKNOWN)

    def _file(self, uri: str) -> Disk | Refusal:
        """A file, by its link without what signs it: only links to Object Storage are read."""
        address = uri.partition("?")[0]
        if not address.startswith("https://storage.yandexcloud.net/"):
            return Refusal(3, "Illegal argument uri")
        if address in self.files:
            return self.files[address]
        ending = address.rpartition(".")[2]
        if self.strict:
            return UNKNOWN._replace(error=NOT_FOUND)
        supported = ending in {"qcow2", "vmdk", "vhd"}
        return UNKNOWN if supported else UNKNOWN._replace(error=unsupported(ending))


def unsupported(ending: str) -> Refusal:
    """What becomes of a file whose format the service does not read."""
    return Refusal(3, f"unsupported image format: {ending}")


def fields_of(body: Fields, disk: Disk, contract: str) -> Fields:
    """The image that a request asks for."""
    least = int(body.get("minDiskSize", 0)) or disk.least
    licences = [*disk.licences, *(each for each in body.get("productIds", ()) if each not in disk.licences)]
    return {
        "name": body.get("name", ""),
        "description": body.get("description", ""),
        "labels": body.get("labels", {}),
        "family": body.get("family", ""),
        "os": {"type": body.get("os", {}).get("type", disk.os)},
        "productIds": licences,
        "storageSize": disk.data if disk.known else fitted(disk.data, least),
        "minDiskSize": least,
        "pooled": contract == "current" and body.get("pooled", False),
        "hardwareGeneration": LEGACY if contract == "current" else {},
        "size": (disk.virtual if disk.known else min(disk.virtual, least)) if contract == "current" else 0,
    }


def fitted(data: int, size: int) -> int:
    """Made up data: no more than fits on a disk, in whole chunks."""
    return min(data, size // CHUNK * CHUNK)
