"""Seeding of a fake with the folders, images and sources that existed before a recording, as far as its answers show.

Sizes of sources are concluded from the images made of them, so a verification proves nothing about them.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic.alias_generators import to_snake

from pytest_ycimages.api.status import Code
from pytest_ycimages.cassette.answers import images_in, operation_image, operations_in
from pytest_ycimages.cloud.sources import CHUNK, EXTENSIONS, SEEDABLE, UNKNOWN_DATA, UNKNOWN_SIZE
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.seeding import Seeding

    Wire = dict[str, Any]

_ELSEWHERE: Final = "elsewhere"
"""The folder of source images that the cassette never shows."""


class _Source(NamedTuple):
    """A source, as far as the image made of it shows it."""

    size: int = UNKNOWN_SIZE
    data: int = UNKNOWN_DATA
    os: str = "LINUX"
    products: tuple[str, ...] = ()


_ASSUMED: Final = _Source()
"""What the fake assumes of an unknown source."""


def has_missing_names(calls: Iterable[RecordedCall]) -> bool:
    """Return whether a recorded refusal shows that a source or a folder did not exist."""
    made = frozenset(_made(calls))
    refused = (call for call in calls if _is_missing(call) and isinstance(call.request.body, dict))
    return any(_asked(call).get("imageId") not in made for call in refused)


def seed(fake: Seeding, calls: tuple[RecordedCall, ...]) -> None:
    """Add the folders, the images and the sources that the recorded answers show."""
    for folder in _folders(calls):
        fake.add_folder(folder)
    made = frozenset(_made(calls))
    there = made | frozenset(_add_images(fake, calls, made))
    must_exist = has_missing_names(calls)
    for call in calls:
        if call.method == "images.create" and call.answer.ok and isinstance(call.request.body, dict):
            source = _source(_asked(call), _result(call, calls))
            if must_exist or source != _ASSUMED:
                with suppress(UsageError):  # it exists already, or is invalid: the fake answers that by itself
                    _add_source(fake, _asked(call), source, there)


def _asked(call: RecordedCall) -> Wire:
    return call.request.body if isinstance(call.request.body, dict) else {}


def _is_missing(call: RecordedCall) -> bool:
    """Return whether a create or a list was refused because a resource does not exist."""
    body = call.answer.body
    if call.answer.ok or not isinstance(body, dict):
        return False
    if call.method == "images.create":
        not_found = body.get("code") == Code.NOT_FOUND
        return not_found or (body.get("code") == Code.FAILED_PRECONDITION and "not found" in str(body.get("message")))
    return call.method.startswith("images.l") and body.get("code") == Code.FAILED_PRECONDITION


def _folders(calls: Iterable[RecordedCall]) -> Iterator[str]:
    for call in calls:
        folder = _asked(call).get("folderId") or dict(call.request.query).get("folderId")
        message = str(call.answer.body.get("message")) if isinstance(call.answer.body, dict) else ""
        if isinstance(folder, str) and not (_is_missing(call) and "Folder" in message):
            yield folder


def _made(calls: Iterable[RecordedCall]) -> Iterator[str]:
    """Return the images that the cassette's own requests created."""
    for call in calls:
        if call.method == "images.create":
            yield from map(operation_image, operations_in(call.answer.body))


def _add_images(fake: Seeding, calls: Iterable[RecordedCall], made: frozenset[str]) -> Iterator[str]:
    """Add the images that existed, as they were shown first, and return their ids."""
    added: set[str] = set()
    for call in calls:
        for image in images_in(call.answer.body):
            if image["id"] not in added | made and image.get("status") == "READY":
                added.add(image["id"])
                fields = {to_snake(name): value for name, value in image.items()}
                with suppress(UsageError):
                    fake.add_image(image["id"], **{name: fields[name] for name in SEEDABLE & fields.keys()})
                    yield image["id"]


def _result(call: RecordedCall, calls: Iterable[RecordedCall]) -> Wire:
    """Return the image that a create made, as it was shown first; empty if it never was."""
    image_id = operation_image(call.answer.body) if isinstance(call.answer.body, dict) else ""
    for other in calls if image_id else ():
        shown = [*images_in(other.answer.body)]
        shown += [made for each in operations_in(other.answer.body) if isinstance(made := each.get("response"), dict)]
        found = next((image for image in shown if image.get("id") == image_id), None)
        if found is not None:
            return found
    return {}


def _source(asked: Wire, made: Wire) -> _Source:
    size = _size(made, "minDiskSize", _size(asked, "minDiskSize", UNKNOWN_SIZE) or UNKNOWN_SIZE)
    least = min(UNKNOWN_DATA, size // CHUNK * CHUNK)
    data = _size(made, "storageSize", 0) if made else least
    if data == least and size == _size(asked, "minDiskSize", UNKNOWN_SIZE):
        size, data = UNKNOWN_SIZE, UNKNOWN_DATA
    return _Source(
        max(size, data),
        data,
        "LINUX" if "os" in asked else str(made.get("os", {}).get("type", "LINUX")),
        tuple(each for each in made.get("productIds", ()) if each not in asked.get("productIds", ())),
    )


def _add_source(fake: Seeding, asked: Wire, source: _Source, there: frozenset[str]) -> None:
    size, data, os, products = source
    if "diskId" in asked:
        fake.add_disk(asked["diskId"], size=size, data_size=data, os=os, product_ids=products)
    elif "snapshotId" in asked:
        fake.add_snapshot(asked["snapshotId"], size=size, data_size=data, os=os, product_ids=products)
    elif "uri" in asked:
        suffix = PurePosixPath(urlsplit(asked["uri"]).path).suffix.lower()
        fake.add_object(asked["uri"], size=data, virtual_size=size, format=EXTENSIONS.get(suffix, "qcow2"))
    elif asked.get("imageId") not in there:
        fake.add_image(
            asked["imageId"],
            folder_id=_ELSEWHERE,
            os=os,
            product_ids=products,
            storage_size=data,
            min_disk_size=size,
        )


def _size(image: Wire, field: str, otherwise: int) -> int:
    try:
        return int(image[field])
    except (KeyError, TypeError, ValueError):
        return otherwise
