"""The inventory: resources and operations that exist before the first call of a client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from pytest_ycimages.api.message import nanoseconds, resource_time
from pytest_ycimages.api.resources import Image, ImageStatus, Os, OsType
from pytest_ycimages.cloud.clock import moment_of
from pytest_ycimages.cloud.ids import DISK, FOLDER, IMAGE
from pytest_ycimages.cloud.lifecycle import METHOD_OF, Kind
from pytest_ycimages.cloud.records import NO_CHANGES, ImageRecord, OperationRecord, Source, StoredObject
from pytest_ycimages.cloud.sources import (
    EXTENSIONS,
    OBJECT_STORAGE,
    SOURCE_KINDS,
    UNKNOWN_DATA,
    UNKNOWN_SIZE,
    address_of,
    chunked,
)
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import SIZES, bytes_in, is_text, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.service import Service

_LARGEST: Final = 2**60
"""Bytes of the largest disk or file: sizes that are derived from it are still int64."""

SEEDABLE: Final = frozenset(Image.model_fields) - {"id", "status"}
"""The fields of a seeded image that have no argument of their own."""

_CHANGEABLE: Final = ("name", "description", "labels", "min_disk_size")
_SIZES: Final = ("storage_size", "min_disk_size")
_KINDS: Final = {method: kind for kind, method in METHOD_OF.items()}
_IN_FLIGHT: Final = {ImageStatus.CREATING: Kind.CREATE, ImageStatus.DELETING: Kind.DELETE}
_OPERATION_ID: Final = re.compile(r"[-\w]{1,50}", re.ASCII)


class Inventory:
    """Seeds folders, disks, snapshots, images, files and operations. Callers hold the double's lock.

    Args:
        service: the cloud that they are added to.
        clock: its time.
    """

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._state = service.state
        self._ids = service.ids
        self._clock = clock

    def add_folder(self, folder_id: str | None) -> str:
        """Add a folder and return its id."""
        id_ = folder_id or self._ids.resource("folder", FOLDER)
        self._state.folders.add(id_)
        return id_

    def add_source(  # noqa: PLR0913 - the properties that an image inherits
        self, kind: str, id_: str | None, *, size: int | str, data_size: int | str, os: str, product_ids: Iterable[str]
    ) -> str:
        """Add a disk or a snapshot and return its id."""
        id_ = id_ or self._ids.resource(kind, IMAGE if kind == "snapshot" else DISK)
        if (kind, id_) in self._state.sources:
            raise UsageError(f"The {kind} {id_!r} exists already: give each a different id, or none.")
        size, data_size = _bytes("size", size), _bytes("data_size", data_size)
        if data_size > size:
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
        self._state.removed.discard((kind, id_))
        return id_

    def remove_source(self, kind: str, id_: str) -> None:
        """Remove a disk or a snapshot, whether it was added or not."""
        self._state.sources.pop((kind, id_), None)
        self._state.removed.add((kind, id_))

    def add_object(
        self, uri: str, *, size: int | str, virtual_size: int | str | None, image_format: str | None, reachable: bool
    ) -> str:
        """Add a file in Object Storage and return its URI."""
        address = address_of(uri)
        if address is None:
            raise UsageError(
                f"invalid uri {uri!r}: expected a file in Object Storage, such as https://{OBJECT_STORAGE}/bucket/key."
            )
        size = _bytes("size", size)
        by_extension = EXTENSIONS.get(PurePosixPath(urlsplit(address).path).suffix.lower(), "raw")
        self._state.objects[address] = StoredObject(
            size=size,
            virtual_size=max(size, UNKNOWN_SIZE) if virtual_size is None else _bytes("virtual_size", virtual_size),
            format=image_format.lower() if image_format else by_extension,
            reachable=reachable,
        )
        return address

    def add_image(
        self, image_id: str | None, fields: Mapping[str, Any], *, status: str, age: object, operation_id: str | None
    ) -> str:
        """Add an image and return its id; one that is CREATING or DELETING with the operation on it."""
        if status not in set(ImageStatus):
            raise unknown_word("image status", status, map(str, ImageStatus))
        kind = _IN_FLIGHT.get(ImageStatus(status))
        if operation_id is not None and kind is None:
            raise UsageError(
                f"invalid operation_id={operation_id!r}: an image that is {status} has no operation in flight. Add one "
                "with status='CREATING' or 'DELETING', or with `add_operation`."
            )
        if kind:
            operation_id = self._new_operation_id(operation_id, DISK if kind is Kind.CREATE else IMAGE)
        record = self._image(image_id, fields, age, ImageStatus.ERROR if status == "ERROR" else ImageStatus.READY)
        if kind and operation_id:
            self._start(kind, operation_id, record.id, record.created_at if kind is Kind.CREATE else self._clock.now())
        return record.id

    def add_images(
        self, images: int | Iterable[Mapping[str, Any]], every: object, common: Mapping[str, Any]
    ) -> list[str]:
        """Add several images, or none if one of them is invalid; return their ids, oldest first."""
        before = set(self._state.folders), list(self._service.planner.upcoming)
        ids: list[str] = []
        try:
            for fields in _each(images, every, common):
                given = {"image_id": None, "status": ImageStatus.READY, "age": None, "operation_id": None, **fields}
                arguments = {name: given.pop(name) for name in ("image_id", "status", "age", "operation_id")}
                ids.append(self.add_image(fields=given, **arguments))
        except UsageError:
            for added in ids:
                self._state.remove_image(added)
            self._state.folders, self._service.planner.upcoming[:] = before
            raise
        return ids

    def add_operation(  # noqa: PLR0913 - what a client knows of an operation, each by its name
        self,
        method: str,
        image_id: str | None,
        fields: Mapping[str, Any],
        *,
        operation_id: str | None,
        age: object,
        source: str,
        created_by: str | None,
    ) -> str:
        """Add an operation in flight and return its id; a create with the image that it makes."""
        if method not in _KINDS:
            raise unknown_word("method that starts an operation", method, _KINDS)
        if source not in SOURCE_KINDS:
            raise unknown_word("source of an image", source, SOURCE_KINDS)
        kind, now = _KINDS[method], self._clock.now()
        changes: Mapping[str, Any] = NO_CHANGES
        id_ = self._new_operation_id(operation_id, DISK if kind is Kind.CREATE and source == "disk" else IMAGE)
        if kind is Kind.CREATE:
            record = self._image(image_id, fields, age, ImageStatus.READY)
            image_id, started = record.id, record.created_at
        else:
            started = now - nanoseconds(seconds_of("age", age or 0))
            image_id, changes = self._target(kind, image_id, fields, now)
        return self._start(kind, id_, image_id, started, source=source, created_by=created_by, changes=changes)

    def _target(
        self, kind: Kind, image_id: str | None, fields: Mapping[str, Any], now: int
    ) -> tuple[str, Mapping[str, Any]]:
        """Return the image of an update or a delete, and the changes of an update.

        Raises:
            UsageError: the image does not exist or is not READY, or it cannot have these values.
        """
        image = self._state.image_at(image_id, now) if image_id else None
        if image is None or image.status is not ImageStatus.READY:
            what = f"is {image.status}" if image else "does not exist" if image_id else "is not named"
            raise UsageError(f"The image {image_id!r} {what}: {METHOD_OF[kind]} needs one that is READY.")
        if kind is Kind.DELETE:
            if fields:
                raise UsageError(f"{METHOD_OF[kind]} takes no fields of an image, and was given {', '.join(fields)}.")
            return image.id, NO_CHANGES
        for name in fields:
            if name not in _CHANGEABLE:
                raise unknown_word(f"field of {METHOD_OF[kind]}", name, _CHANGEABLE)
        if not fields:
            raise UsageError(f"{METHOD_OF[kind]} changes nothing. Give one or more of {', '.join(_CHANGEABLE)}.")
        changed = _validated({**dict(image), **fields})
        name = changed.name if "name" in fields else ""
        if name and set(self._state.holders(image.folder_id, name, now)) - {image.id}:
            raise _taken(name, image.folder_id)
        self._state.catalog.add_name(image.folder_id, name, image.id)
        return image.id, MappingProxyType({each: getattr(changed, each) for each in fields})

    def _image(self, image_id: str | None, fields: Mapping[str, Any], age: object, status: ImageStatus) -> ImageRecord:
        """Add an image, and its folder; return its record."""
        now = self._clock.now()
        id_ = image_id or self._ids.resource("image", IMAGE)
        if id_ in self._state.images:
            raise UsageError(f"The image {id_!r} exists already: give each a different id, or none.")
        for name in fields:
            if name not in SEEDABLE:
                raise unknown_word("image field", name, SEEDABLE | {"age", "operation_id", "status"})
        if age is not None and "created_at" in fields:
            raise UsageError(f"age={age!r} and created_at={fields['created_at']!r} say the same. Give one of them.")
        created_at = moment_of("created_at", fields["created_at"]) if "created_at" in fields else now - _age(age, now)
        given = {
            "folder_id": self._service.folder_id,
            "os": {"type": OsType.LINUX},
            "storage_size": UNKNOWN_DATA,
            "min_disk_size": UNKNOWN_SIZE,
            **{name: _sized(name, value) for name, value in fields.items()},
            "created_at": resource_time(created_at),
        }
        if isinstance(given["os"], str):
            given["os"] = Os(type=_os_type(given["os"]))
        if self._service.contract.shows_size:
            given.setdefault("size", given["min_disk_size"])
        image = _validated({**given, "id": id_, "status": status})
        if image.name and self._state.holders(image.folder_id, image.name, now):
            raise _taken(image.name, image.folder_id)
        record = ImageRecord(image.to_wire(), created_at, virtual_size=image.size or image.storage_size)
        self._state.folders.add(record.folder_id)
        self._state.add_image(record)
        return record

    def _new_operation_id(self, given: object, prefix: str) -> str:
        if given is None:
            return self._ids.resource("operation", prefix)
        if not is_text(given) or not _OPERATION_ID.fullmatch(given):
            raise UsageError(
                f"invalid operation_id={given!r}: expected 1 to 50 letters, digits, '-' and '_', such as "
                "'fd80000000000000000a'."
            )
        if given in self._state.operations:
            raise UsageError(f"The operation {given!r} exists already: give each a different id, or none.")
        return given

    def _start(  # noqa: PLR0913 - an operation is all of these
        self,
        kind: Kind,
        id_: str,
        image_id: str,
        at: int,
        *,
        source: str = "disk",
        created_by: str | None = None,
        changes: Mapping[str, Any] = NO_CHANGES,
    ) -> str:
        size = int(self._state.images[image_id].wire.get("storageSize", 0))
        plan = self._service.planner.plan(METHOD_OF[kind], at, size=size, source=source * (kind is Kind.CREATE))
        self._state.start(OperationRecord(id_, kind, created_by or self._service.account, image_id, plan, changes))
        return id_


def _each(
    images: int | Iterable[Mapping[str, Any]], every: object, common: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of `add_image` for each of several images, oldest first."""
    if isinstance(images, bool) or (isinstance(images, int) and images < 1):
        raise UsageError(f"invalid images={images!r}: expected how many to add, 1 or more, or a list of their fields.")
    own = [{} for _ in range(images)] if isinstance(images, int) else list(map(_given, images))
    if every is not None and "created_at" in common:
        raise UsageError(
            "`every` counts back from `age`, the age of the last image: give that instead of `created_at`."
        )
    step = 0 if every is None else seconds_of("every", every)
    newest = seconds_of("age", common["age"]) if common.get("age") is not None else 0
    for number, given in enumerate(own, 1):
        fields = {**common, **given}
        if "created_at" in given and "age" not in given:
            fields.pop("age", None)
        elif "age" not in given and every is not None:
            fields["age"] = newest + step * (len(own) - number)
        yield {
            name: value.replace("{n}", str(number)) if isinstance(value, str) else value
            for name, value in fields.items()
        }


def _given(own: object) -> Mapping[str, Any]:
    if isinstance(own, Mapping):
        return own
    raise UsageError(f"invalid image {own!r}: expected a dict of its fields, such as {{'name': 'base', 'age': '3d'}}.")


def _validated(fields: Mapping[str, Any]) -> Image:
    try:
        image = Image.model_validate(dict(fields))
        image.to_json()
    except PydanticSerializationError as error:
        raise UsageError(f"invalid image: {error}.") from None
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}={each['input']!r}: {each['msg']}" for each in error.errors())
        raise UsageError(f"invalid image: {'; '.join(wrong)}.") from None
    return image


def _taken(name: str, folder_id: str) -> UsageError:
    return UsageError(f"The name {name!r} is taken in the folder {folder_id!r}: names are unique.")


def _sized(name: str, value: object) -> object:
    """Return the bytes of a size as text; other values as they are, for the field to refuse."""
    size = bytes_in(value) if name in _SIZES and isinstance(value, str) else None
    return value if size is None else size


def _bytes(name: str, given: int | str) -> int:
    size = bytes_in(given) if isinstance(given, str) else given
    if type(size) is not int or size < 0:
        raise UsageError(
            f"invalid {name}={given!r}: expected bytes, zero or more, such as 5 * 2**30 for 5 GiB, or a text {SIZES}."
        )
    if size > _LARGEST:
        raise UsageError(f"invalid {name}={given!r}: expected at most 2**60 bytes.")
    return size


def _age(age: object, now: int) -> int:
    """Return an age in nanoseconds."""
    old = nanoseconds(seconds_of("age", 0 if age is None else age))
    if old > now:
        raise UsageError(f"invalid age={age!r}: expected a moment after 1970, and it is {resource_time(now)} now.")
    return old


def _os_type(name: str) -> OsType:
    if name not in set(OsType):
        raise unknown_word("operating system type", name, map(str, OsType))
    return OsType(name)
