"""What existed before a cassette's first request, as far as its answers tell: put into a fake that answers the same.

Nobody but the recording knows how large a disk was. So what comes of such values proves nothing, in either direction.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic.alias_generators import to_snake

from pytest_ycimages.api.code import Code
from pytest_ycimages.cassette.answers import images_in, operations_in
from pytest_ycimages.cloud.inventory import SEEDABLE
from pytest_ycimages.cloud.sources import CHUNK, EXTENSIONS, UNKNOWN_DATA, UNKNOWN_SIZE
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.seeding import Seeding

    Wire = dict[str, Any]

_ELSEWHERE: Final = "elsewhere"
"""The folder of source images of which nothing else was recorded."""


def names_missing(steps: Iterable[RecordedCall]) -> bool:
    """Whether a recorded refusal tells that something never was of which a create, or a list, speaks."""
    made = frozenset(_made(steps))
    sources = (
        step.request.body.get("imageId") for step in steps if _is_missing(step) and isinstance(step.request.body, dict)
    )
    return any(source not in made for source in sources)


def _is_missing(step: RecordedCall) -> bool:
    body = step.answer.body
    if step.answer.ok or not isinstance(body, dict):
        return False
    if step.method == "images.create":
        not_found = body.get("code") == Code.NOT_FOUND
        return not_found or (body.get("code") == Code.FAILED_PRECONDITION and "not found" in str(body.get("message")))
    return step.method.startswith("images.l") and body.get("code") == Code.FAILED_PRECONDITION


def stock(fake: Seeding, steps: tuple[RecordedCall, ...]) -> None:
    """Add the folders, the images and the sources that the recorded answers show to be there."""
    for folder in _folders(steps):
        fake.add_folder(folder)
    made = frozenset(_made(steps))
    there = frozenset(_add_images(fake, steps, made))
    must_exist = names_missing(steps)
    for step in steps:
        if step.method == "images.create" and isinstance(step.request.body, dict) and step.answer.ok:
            source = _source(step.request.body, _result(step, steps))
            if must_exist or source != _ASSUMED:
                with suppress(UsageError):  # one that is there already, or that cannot be, is for the fake to judge
                    _add_source(fake, step.request.body, source, made | there)


def _folders(steps: Iterable[RecordedCall]) -> Iterator[str]:
    for step in steps:
        body = step.request.body if isinstance(step.request.body, dict) else {}
        folder = body.get("folderId") or dict(step.request.query).get("folderId")
        message = str(step.answer.body.get("message")) if isinstance(step.answer.body, dict) else ""
        if isinstance(folder, str) and not (_is_missing(step) and "Folder" in message):
            yield folder


def _made(steps: Iterable[RecordedCall]) -> Iterator[str]:
    """The images that the cassette's own requests made."""
    for step in steps:
        for operation in operations_in(step.answer.body) if step.method == "images.create" else ():
            about = operation.get("metadata")
            if isinstance(about, dict):
                yield str(about.get("imageId"))


def _add_images(fake: Seeding, steps: Iterable[RecordedCall], made: frozenset[str]) -> Iterator[str]:
    """Add the images that were there, as they were shown first."""
    added: set[str] = set()
    for step in steps:
        for image in images_in(step.answer.body):
            if image["id"] not in added | made and image.get("status") == "READY":
                added.add(image["id"])
                fields = {to_snake(name): value for name, value in image.items()}
                with suppress(UsageError):  # likewise
                    fake.add_image(image["id"], **{name: fields[name] for name in SEEDABLE & fields.keys()})
                    yield image["id"]


def _result(step: RecordedCall, steps: Iterable[RecordedCall]) -> Wire:
    """The image that a create made, as it was shown first; empty if it never was."""
    about = step.answer.body.get("metadata") if isinstance(step.answer.body, dict) else None
    image_id = about.get("imageId") if isinstance(about, dict) else None
    for other in steps:
        shown = [*images_in(other.answer.body)]
        shown += [made for each in operations_in(other.answer.body) if isinstance(made := each.get("response"), dict)]
        found = next((image for image in shown if image_id and image.get("id") == image_id), None)
        if found is not None:
            return found
    return {}


class _Source(NamedTuple):
    """What an image was made from, as far as the image tells."""

    size: int = UNKNOWN_SIZE
    data: int = UNKNOWN_DATA
    os: str = "LINUX"
    products: tuple[str, ...] = ()


_ASSUMED: Final = _Source()
"""What the fake makes up of a source of which it knows nothing."""


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
