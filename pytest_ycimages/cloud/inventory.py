"""Seeding: what exists before the client's first call. Mistakes here are the test's, so they raise."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from pytest_ycimages.api.image import Image, ImageStatus, Os, OsType
from pytest_ycimages.api.message import resource_time
from pytest_ycimages.cloud.ids import FOLDER, IMAGE
from pytest_ycimages.cloud.records import ImageRecord, Source, StoredObject
from pytest_ycimages.cloud.sources import EXTENSIONS, OBJECT_STORAGE, UNKNOWN_DATA, UNKNOWN_SIZE, address_of, chunked
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.state import State

DISK: Final = "epd"
"""The prefix of disks in the zone `b` (observed)."""


class Inventory:
    """Adds what exists. Callers hold the double's lock."""

    def __init__(self, state: State, ids: Ids, folder_id: str, clock: Clock) -> None:
        self._state = state
        self._ids = ids
        self._folder_id = folder_id
        self._clock = clock

    def add_folder(self, folder_id: str | None) -> str:
        """A folder."""
        id_ = folder_id or self._ids.resource("folder", FOLDER)
        self._state.folders.add(id_)
        return id_

    def add_source(  # noqa: PLR0913 - what an image takes over from a disk or a snapshot
        self, kind: str, id_: str | None, *, size: int, data_size: int, os: str, product_ids: Iterable[str]
    ) -> str:
        """A disk or a snapshot."""
        id_ = id_ or self._ids.resource(kind, IMAGE if kind == "snapshot" else DISK)
        if id_ in self._state.sources:
            raise UsageError(f"The {kind} {id_!r} is there already: give each a different id, or none.")
        if not 0 <= data_size <= size:
            raise UsageError(f"A {kind} of {size} bytes cannot hold {data_size} bytes of data.")
        self._state.sources[id_] = Source(
            virtual_size=size,
            storage_size=chunked(data_size),
            min_disk_size=size,
            os=Os(type=_os_type(os)),
            product_ids=tuple(product_ids),
        )
        return id_

    def add_image(self, image_id: str | None, fields: dict[str, Any]) -> str:
        """A READY image."""
        now = self._clock.now()
        id_ = image_id or self._ids.resource("image", IMAGE)
        if id_ in self._state.images:
            raise UsageError(f"The image {id_!r} is there already: give each a different id, or none.")
        fields = {
            "folder_id": self._folder_id,
            "os": {"type": OsType.LINUX},
            "storage_size": UNKNOWN_DATA,
            "min_disk_size": UNKNOWN_SIZE,
            "created_at": resource_time(now),
            **fields,
        }
        try:
            image = Image(**fields, id=id_, status=ImageStatus.READY)
        except ValidationError as error:
            raise UsageError(f"No image can be like this: {error}") from None
        names = (self._state.names_of(other, now) for other in self._state.catalog.named(image.folder_id, image.name))
        if image.name and any(image.name in each for each in names):
            raise UsageError(f"The name {image.name!r} is taken in the folder {image.folder_id!r}: names are unique.")
        self._state.folders.add(image.folder_id)
        self._state.add_image(ImageRecord(image, image.to_wire(), now, virtual_size=image.storage_size))
        return id_

    def add_object(
        self, uri: str, *, size: int, virtual_size: int | None, image_format: str | None, reachable: bool
    ) -> str:
        """A file in Object Storage."""
        address = address_of(uri)
        if address is None:
            raise UsageError(
                f"{uri!r} is no file in Object Storage. A link to one looks like https://{OBJECT_STORAGE}/bucket/key."
            )
        by_extension = EXTENSIONS.get(PurePosixPath(urlsplit(address).path).suffix.lower(), "raw")
        self._state.objects[address] = StoredObject(
            size=size,
            virtual_size=virtual_size or max(size, UNKNOWN_SIZE),
            format=image_format.lower() if image_format else by_extension,
            reachable=reachable,
        )
        return address


def _os_type(name: str) -> OsType:
    try:
        return OsType(name)
    except ValueError:
        raise UsageError(f"Unknown operating system type {name!r}. Known: {', '.join(OsType)}.") from None
