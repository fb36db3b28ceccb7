"""Sources of images: finding the source of a request (api-facts.md, section 5)."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.create_image import URI
from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud.records import Source, StoredObject
from pytest_ycimages.cloud.refusals import RefusedError, ready_image

if TYPE_CHECKING:
    from pytest_ycimages.api.create_image import CreateImageRequest
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.refusals import Texts
    from pytest_ycimages.cloud.rules import Rules
    from pytest_ycimages.cloud.state import State

CHUNK: Final = 4 * 2**20
"""Bytes in which images are stored: every observed storageSize is a multiple (api-facts.md, section 5)."""

UNKNOWN_SIZE: Final = 5 * 2**30
"""The size in bytes of a source of which nothing is known. The double's figure, not the service's."""

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


SOURCE_KINDS: Final = ("disk", "image", "snapshot", "uri")
"""The kinds of sources, as timings know them."""


def kind_of_source(message: CreateImageRequest) -> str:
    """Return the kind of the request's source: `image`, `disk`, `snapshot` or `uri`."""
    if message.uri is not None:
        return "uri"
    if message.disk_id is not None:
        return "disk"
    return "snapshot" if message.snapshot_id is not None else "image"


def chunked(size: int) -> int:
    """Return `size` bytes rounded up to whole chunks, as the service stores them."""
    return -(-size // CHUNK) * CHUNK


class FoundSource(NamedTuple):
    """A source, and the error that the operation will end with, if any.

    Attributes:
        source: the source of the image.
        failure: the error that shows only while the operation runs, such as for an unreadable file.
        known: whether the sizes come from an existing source, rather than being the double's figures.
    """

    source: Source
    failure: Status | None = None
    known: bool = True


class SourceFinder:
    """Finds the sources of create requests.

    Args:
        state: what exists.
        texts: the error texts.
        rules: whether a source that was not added is refused, and with which code.
        formats: the formats that a file may have.
    """

    def __init__(self, state: State, texts: Texts, rules: Rules, formats: frozenset[str]) -> None:
        self._state = state
        self._texts = texts
        self._accepts_unknown = not rules.refuses_unknown
        self._missing_code = Code[rules.missing_source.upper()]
        self._formats = formats

    def find(self, message: CreateImageRequest, now: int) -> FoundSource:
        """Return the source that `message` names.

        Raises:
            RefusedError: it does not exist, or is an image that is not READY.
        """
        if message.image_id is not None:
            return self._image(message.image_id, now)
        if message.disk_id is not None:
            return self._added("disk", message.disk_id)
        if message.snapshot_id is not None:
            return self._added("snapshot", message.snapshot_id)
        return self._file(message.uri or "")

    def _image(self, image_id: str, now: int) -> FoundSource:
        if image_id not in self._state.images and self._accepts_unknown:
            return FoundSource(_UNKNOWN, known=False)
        image = ready_image(self._state, image_id, now, missing=self._missing_code)
        record = self._state.images[image_id]
        return FoundSource(
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

    def _added(self, kind: str, id_: str) -> FoundSource:
        source = self._state.sources.get((kind, id_))
        if source is not None:
            return FoundSource(source)
        if self._accepts_unknown and (kind, id_) not in self._state.removed:
            return FoundSource(_UNKNOWN, known=False)
        raise RefusedError(f"{kind}_not_found", code=self._missing_code, id=id_)

    def _file(self, uri: str) -> FoundSource:
        address = address_of(uri)
        if address is None:
            raise RefusedError("illegal_argument", what="uri")
        stored = self._state.objects.get(address)
        known = stored is not None
        if stored is None:
            by_extension = EXTENSIONS.get(PurePosixPath(address).suffix.lower(), "qcow2")
            reachable = self._accepts_unknown
            stored = StoredObject(UNKNOWN_DATA, UNKNOWN_SIZE, by_extension, reachable=reachable)
        source = Source(stored.virtual_size, chunked(stored.size), stored.virtual_size)
        return FoundSource(source, self._failure(stored), known=known)

    def _failure(self, stored: StoredObject) -> Status | None:
        if not stored.reachable:
            return self._texts.error("uri_not_found")
        if stored.format not in self._formats:
            return self._texts.error("uri_format", format=stored.format)
        return None


def address_of(uri: str) -> str | None:
    """Return a link to Object Storage without its signature, or None for any other link."""
    if not re.fullmatch(URI, uri):
        return None
    _, _, path = re.split(r"[?#]", uri, maxsplit=1)[0].partition("://")
    return f"https://{path}"
