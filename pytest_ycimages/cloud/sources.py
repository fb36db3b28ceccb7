"""What an image is made from: finds the source of a create request, or says why it cannot be one (api-facts.md, 5)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.create_image import URI
from pytest_ycimages.api.image import ImageStatus
from pytest_ycimages.api.status import Status
from pytest_ycimages.cloud.outcome import Outcome, refused
from pytest_ycimages.cloud.records import Source, StoredObject

if TYPE_CHECKING:
    from pytest_ycimages.api.create_image import CreateImageRequest
    from pytest_ycimages.cloud.state import State
    from pytest_ycimages.cloud.texts import Texts

UnknownResources = Literal["accept", "not_found"]

CHUNK: Final = 4 * 2**20
"""Bytes in which images are stored: every observed storageSize is a multiple (api-facts.md, section 5)."""

UNKNOWN_SIZE: Final = 5 * 2**30
"""Bytes that a source takes of which nothing is known. The double's figure, not the service's."""

UNKNOWN_DATA: Final = 2**30
"""Bytes of data in such a source. The double's figure, not the service's."""

OBJECT_STORAGE: Final = "storage.yandexcloud.net"

EXTENSIONS: Final = {
    ".qcow2": "qcow2",
    ".vmdk": "vmdk",
    ".vhd": "vhd",
    ".raw": "raw",
    ".img": "raw",
    ".vhdx": "vhdx",
    ".vdi": "vdi",
}
_UNKNOWN: Final = Source(virtual_size=UNKNOWN_SIZE, storage_size=UNKNOWN_DATA, min_disk_size=UNKNOWN_SIZE)


def kind_of_source(message: CreateImageRequest) -> str:
    """What `message` makes an image from: `image`, `disk`, `snapshot` or `uri`."""
    if message.uri is not None:
        return "uri"
    if message.disk_id is not None:
        return "disk"
    return "snapshot" if message.snapshot_id is not None else "image"


def chunked(size: int) -> int:
    """`size` bytes as the service stores them: rounded up to whole chunks."""
    return -(-size // CHUNK) * CHUNK


class Found(NamedTuple):
    """A source, and why the operation will fail all the same, if it will.

    Attributes:
        source: what the image takes after.
        failure: found out only once the operation runs, such as a file that cannot be read.
        known: whether the sizes are those of something that exists, rather than the double's figures.
    """

    source: Source
    failure: Status | None = None
    known: bool = True


class SourceFinder:
    """Finds sources.

    Args:
        state: what exists.
        texts: the words of refusals.
        unknown: `accept` takes a source that nobody has added, `not_found` refuses it.
        formats: the formats that a file may have.
    """

    def __init__(self, state: State, texts: Texts, unknown: UnknownResources, formats: frozenset[str]) -> None:
        self._state = state
        self._texts = texts
        self._unknown = unknown
        self._formats = formats

    def find(self, message: CreateImageRequest, now: int) -> Found | Outcome:
        """The source that `message` names, or the refusal of it."""
        if message.image_id is not None:
            return self._image(message.image_id, now)
        if message.disk_id is not None:
            return self._added("disk", message.disk_id)
        if message.snapshot_id is not None:
            return self._added("snapshot", message.snapshot_id)
        return self._file(message.uri or "")

    def _image(self, image_id: str, now: int) -> Found | Outcome:
        record = self._state.images.get(image_id)
        if record is None and self._unknown == "accept":
            return Found(_UNKNOWN, known=False)
        image = self._state.image_named(image_id, now)
        if record is None or image is None:
            return refused(Code.NOT_FOUND, self._texts("image_not_found", id=image_id))
        if image.status is not ImageStatus.READY:
            why = f"status {image.status}"
            return refused(Code.FAILED_PRECONDITION, self._texts("invalid_state", kind="Image", id=image_id, why=why))
        return Found(
            Source(
                virtual_size=record.virtual_size,
                storage_size=image.storage_size,
                min_disk_size=image.min_disk_size,
                os=image.os,
                product_ids=image.product_ids,
                hardware_generation=image.hardware_generation,
            ),
            known=record.known,
        )

    def _added(self, kind: str, id_: str) -> Found | Outcome:
        source = self._state.sources.get((kind, id_))
        if source is not None:
            return Found(source)
        if self._unknown == "accept":
            return Found(_UNKNOWN, known=False)
        return refused(Code.NOT_FOUND, self._texts(f"{kind}_not_found", id=id_))

    def _file(self, uri: str) -> Found | Outcome:
        address = address_of(uri)
        if address is None:
            return refused(Code.INVALID_ARGUMENT, self._texts("illegal_argument", what="uri"))
        stored = self._state.objects.get(address)
        known = stored is not None
        if stored is None:
            by_extension = EXTENSIONS.get(PurePosixPath(address).suffix.lower(), "qcow2")
            reachable = self._unknown == "accept"
            stored = StoredObject(UNKNOWN_DATA, UNKNOWN_SIZE, by_extension, reachable=reachable)
        source = Source(stored.virtual_size, chunked(stored.size), stored.virtual_size)
        return Found(source, self._failure(stored), known=known)

    def _failure(self, stored: StoredObject) -> Status | None:
        if not stored.reachable:
            return Status(code=Code.INVALID_ARGUMENT, message=self._texts("uri_not_found"))
        if stored.format not in self._formats:
            return Status(code=Code.INVALID_ARGUMENT, message=self._texts("uri_format", format=stored.format))
        return None


def address_of(uri: str) -> str | None:
    """A link to Object Storage without what signs it, or None for a link to elsewhere."""
    if not re.fullmatch(URI, uri):
        return None
    _, _, path = re.split(r"[?#]", uri, maxsplit=1)[0].partition("://")
    return f"https://{path}"
