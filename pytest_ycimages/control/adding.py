"""Adding what exists before the client's first call."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_ycimages.control.asked import Answered, read
from pytest_ycimages.control.bodies import Disk, Folder, ReadyImage, Snapshot, StoredFile
from pytest_ycimages.control.models import Added

if TYPE_CHECKING:
    from pytest_ycimages.control.asked import Asked


def folder(asked: Asked) -> Answered:
    """Add a folder."""
    return _added(asked.double.add_folder(read(Folder, asked.body).folder_id))


def disk(asked: Asked) -> Answered:
    """Add a disk."""
    return _added(asked.double.add_disk(**dict(read(Disk, asked.body))))


def snapshot(asked: Asked) -> Answered:
    """Add a snapshot."""
    return _added(asked.double.add_snapshot(**dict(read(Snapshot, asked.body))))


def image(asked: Asked) -> Answered:
    """Add an image that is READY."""
    body = read(ReadyImage, asked.body)
    return _added(asked.double.add_image(body.image_id, **body.fields()))


def stored_file(asked: Asked) -> Answered:
    """Add a file in Object Storage."""
    return _added(asked.double.add_object(**dict(read(StoredFile, asked.body))))


def _added(id_: str) -> Answered:
    return Answered(Added(id=id_), HTTPStatus.CREATED)
