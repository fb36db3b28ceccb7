"""Sources of images: seeding them, and finding the source of a request (api-facts.md, section 5)."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from pytest_ycimages.api.create_image import URI
from pytest_ycimages.api.message import LAST_SECOND, SECOND, resource_time
from pytest_ycimages.api.resources import Image, ImageStatus, Os, OsType
from pytest_ycimages.cloud.ids import FOLDER, IMAGE
from pytest_ycimages.cloud.records import ImageRecord, Source, StoredObject
from pytest_ycimages.cloud.refusals import Outcome
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import is_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.api.create_image import CreateImageRequest
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.refusals import Texts
    from pytest_ycimages.cloud.state import State

_LARGEST: Final = 2**60
"""Bytes of the largest disk or file: sizes that are derived from it are still int64."""

DISK: Final = "epd"
"""The prefix of disks in the zone `b` (observed)."""

SEEDABLE: Final = frozenset(Image.model_fields) - {"id", "status"}
"""The fields of a seeded image that have no argument: its id has one, and it is always READY."""


class Inventory:
    """Seeds folders, disks, snapshots, images and files. Callers hold the double's lock."""

    def __init__(self, state: State, ids: Ids, folder_id: str, clock: Clock) -> None:
        self._state = state
        self._ids = ids
        self._folder_id = folder_id
        self._clock = clock

    def add_folder(self, folder_id: str | None) -> str:
        """Add a folder and return its id."""
        id_ = folder_id or self._ids.resource("folder", FOLDER)
        self._state.folders.add(id_)
        return id_

    def add_source(  # noqa: PLR0913 - the properties that an image inherits
        self, kind: str, id_: str | None, *, size: int, data_size: int, os: str, product_ids: Iterable[str]
    ) -> str:
        """Add a disk or a snapshot and return its id."""
        id_ = id_ or self._ids.resource(kind, IMAGE if kind == "snapshot" else DISK)
        if (kind, id_) in self._state.sources:
            raise UsageError(f"The {kind} {id_!r} exists already: give each a different id, or none.")
        if _bytes("data_size", data_size) > _bytes("size", size):
            raise UsageError(f"A {kind} of {size} bytes cannot hold {data_size} bytes of data.")
        licences = tuple(product_ids)
        if isinstance(product_ids, str) or not all(map(is_text, licences)):
            example = [product_ids] if isinstance(product_ids, str) else ["f2e1"]
            raise UsageError(f"invalid product_ids={product_ids!r}: expected a list, such as {example!r}.")
        self._state.sources[kind, id_] = Source(
            virtual_size=size,
            storage_size=chunked(data_size),
            min_disk_size=size,
            os=Os(type=_os_type(os)),
            product_ids=licences,
        )
        return id_

    def add_image(self, image_id: str | None, fields: dict[str, Any]) -> str:
        """Add a READY image and return it."""
        now = self._clock.now()
        id_ = image_id or self._ids.resource("image", IMAGE)
        if id_ in self._state.images:
            raise UsageError(f"The image {id_!r} exists already: give each a different id, or none.")
        for name in fields:
            if name not in SEEDABLE:
                raise unknown_word("image field", name, SEEDABLE)
        created_at = _moment(fields["created_at"]) if "created_at" in fields else now
        fields = {
            "folder_id": self._folder_id,
            "os": {"type": OsType.LINUX},
            "storage_size": UNKNOWN_DATA,
            "min_disk_size": UNKNOWN_SIZE,
            **fields,
            "created_at": resource_time(created_at),
        }
        if isinstance(fields["os"], str):
            fields["os"] = Os(type=_os_type(fields["os"]))
        try:
            image = Image(**fields, id=id_, status=ImageStatus.READY)
            image.to_json()
        except PydanticSerializationError as error:
            raise UsageError(f"invalid image: {error}.") from None
        except ValidationError as error:
            wrong = (f"{'.'.join(map(str, each['loc']))}={each['input']!r}: {each['msg']}" for each in error.errors())
            raise UsageError(f"invalid image: {'; '.join(wrong)}.") from None
        if image.name and self._state.holders(image.folder_id, image.name, now):
            raise UsageError(f"The name {image.name!r} is taken in the folder {image.folder_id!r}: names are unique.")
        self._state.folders.add(image.folder_id)
        self._state.add_image(ImageRecord(image.to_wire(), created_at, virtual_size=image.storage_size))
        return id_

    def add_object(
        self, uri: str, *, size: int, virtual_size: int | None, image_format: str | None, reachable: bool
    ) -> str:
        """Add a file in Object Storage and return its URI."""
        address = address_of(uri)
        if address is None:
            raise UsageError(
                f"invalid uri {uri!r}: expected a file in Object Storage, such as https://{OBJECT_STORAGE}/bucket/key."
            )
        by_extension = EXTENSIONS.get(PurePosixPath(urlsplit(address).path).suffix.lower(), "raw")
        self._state.objects[address] = StoredObject(
            size=_bytes("size", size),
            virtual_size=max(size, UNKNOWN_SIZE) if virtual_size is None else _bytes("virtual_size", virtual_size),
            format=image_format.lower() if image_format else by_extension,
            reachable=reachable,
        )
        return address


def _bytes(name: str, size: int) -> int:
    if type(size) is not int or size < 0:
        raise UsageError(f"invalid {name}={size!r}: expected bytes, zero or more, such as 5 * 2**30 for 5 GiB.")
    if size > _LARGEST:
        raise UsageError(f"invalid {name}={size!r}: expected at most 2**60 bytes.")
    return size


def _moment(text: str) -> int:
    """Return nanoseconds since the epoch, truncated to whole seconds."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"invalid created_at={text!r}: expected RFC 3339, such as 2026-01-01T00:00:00Z.")
    seconds = int(moment.timestamp())
    if not 0 <= seconds <= LAST_SECOND:
        raise UsageError(f"invalid created_at={text!r}: expected a moment in the years 1970 to 9999 of UTC.")
    return seconds * SECOND


def _os_type(name: str) -> OsType:
    try:
        return OsType(name)
    except ValueError:
        raise UsageError(f"Unknown operating system type {name!r}. Known: {', '.join(OsType)}.") from None


UnknownResources = Literal["accept", "not_found"]

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
        unknown: `accept` accepts a source that was not added, `not_found` refuses it.
        formats: the formats that a file may have.
    """

    def __init__(self, state: State, texts: Texts, unknown: UnknownResources, formats: frozenset[str]) -> None:
        self._state = state
        self._texts = texts
        self._unknown = unknown
        self._formats = formats

    def find(self, message: CreateImageRequest, now: int) -> FoundSource | Outcome:
        """Return the source that `message` names, or a refusal."""
        if message.image_id is not None:
            return self._image(message.image_id, now)
        if message.disk_id is not None:
            return self._added("disk", message.disk_id)
        if message.snapshot_id is not None:
            return self._added("snapshot", message.snapshot_id)
        return self._file(message.uri or "")

    def _image(self, image_id: str, now: int) -> FoundSource | Outcome:
        if image_id not in self._state.images and self._unknown == "accept":
            return FoundSource(_UNKNOWN, known=False)
        image = self._texts.ready_image(self._state, image_id, now)
        if isinstance(image, Outcome):
            return image
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

    def _added(self, kind: str, id_: str) -> FoundSource | Outcome:
        source = self._state.sources.get((kind, id_))
        if source is not None:
            return FoundSource(source)
        if self._unknown == "accept":
            return FoundSource(_UNKNOWN, known=False)
        return self._texts.refuse(f"{kind}_not_found", id=id_)

    def _file(self, uri: str) -> FoundSource | Outcome:
        address = address_of(uri)
        if address is None:
            return self._texts.refuse("illegal_argument", what="uri")
        stored = self._state.objects.get(address)
        known = stored is not None
        if stored is None:
            by_extension = EXTENSIONS.get(PurePosixPath(address).suffix.lower(), "qcow2")
            reachable = self._unknown == "accept"
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
