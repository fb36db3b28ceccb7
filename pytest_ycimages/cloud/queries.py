"""Read-only calls of ImageService, and OperationService (api-facts.md, 1.1, 1.4, 4 and 5)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.requests import ORDER
from pytest_ycimages.api.resources import ImageStatus
from pytest_ycimages.cloud.listing import (
    FILTER_FIELDS,
    Place,
    exact_name,
    first_page,
    matcher,
    place_of,
)
from pytest_ycimages.cloud.refusals import Outcome, RefusedError, operation_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.requests import (
        AccessBindingsRequest,
        CancelOperationRequest,
        GetImageRequest,
        GetLatestByFamilyRequest,
        GetOperationRequest,
        ListImageOperationsRequest,
        ListImagesRequest,
    )
    from pytest_ycimages.api.resources import Image
    from pytest_ycimages.cloud.records import OperationRecord
    from pytest_ycimages.cloud.refusals import Context, Texts
    from pytest_ycimages.cloud.rules import Rules
    from pytest_ycimages.cloud.state import State

_FIELDS: Final = {"id": "id", "createdAt": "createdAt", "created_at": "createdAt"}


class ImageQueries:
    """Answers read-only calls about images and their operations."""

    def __init__(self, state: State, rules: Rules) -> None:
        self._state = state
        self._strict_folders = rules.refuses_unknown
        self._filter_fields = FILTER_FIELDS[rules.filter_fields]

    def get(self, message: GetImageRequest, call: Context) -> Outcome:
        """Return an image. This counts as a poll of the operations on it."""
        self._state.poll_image(message.image_id, call.now)
        wire = self._state.image_wire(message.image_id, call.now)
        if wire is None:
            raise RefusedError("image_not_found", id=message.image_id)
        return Outcome(wire, image_id=message.image_id, note=wire["status"])

    def latest_by_family(self, message: GetLatestByFamilyRequest, call: Context) -> Outcome:
        """Return the newest READY image of a family."""
        self._check_folder(message.folder_id)
        family = self._state.catalog.newest_of_family(message.folder_id, message.family) if message.family else ()
        images = self._state.existing(family, call.now)
        newest = next((image for image in images if image.status is ImageStatus.READY), None)
        if newest is None:
            raise RefusedError("family_not_found", family=message.family, folder_id=message.folder_id)
        return Outcome(newest.to_wire(), image_id=newest.id, note=str(newest.status))

    def list_page(self, message: ListImagesRequest, call: Context) -> Outcome:
        """Return a page of the images in a folder. This counts as a poll of each image on it."""
        self._check_folder(message.folder_id)
        order = _order(message.order_by)
        wanted = matcher(message.filter, self._filter_fields)
        after = place_of(message.page_token)
        images = self._state.existing(self._polled(message, order, after, call.now), call.now)
        page, token = first_page(filter(wanted, images), message.page_size, self._place)
        return Outcome(_page("images", (image.to_wire() for image in page), token), note=f"{len(page)} images")

    def _polled(
        self, message: ListImagesRequest, order: tuple[str, str], after: Place | None, now: int
    ) -> Iterator[str]:
        """Yield the images of a folder in order, each after a poll of the operations on it."""
        catalog = self._state.catalog
        name = exact_name(message.filter)
        descending = order[1] == "desc"
        if name:
            ids = iter(self._state.holders(message.folder_id, name, now) if after is None else ())
        elif order[0] == "id":
            ids = catalog.by_id(message.folder_id, after=after.id if after else None, descending=descending)
        else:
            ids = catalog.by_age(message.folder_id, after=after, descending=descending)
        for image_id in ids:
            self._state.poll_image(image_id, now)
            yield image_id

    def _place(self, image: Image) -> Place:
        return Place(self._state.images[image.id].created_at, image.id)

    def list_operations(self, message: ListImageOperationsRequest, call: Context) -> Outcome:
        """Return a page of the operations on an image, newest first. This counts as a poll of each."""
        self._state.poll_image(message.image_id, call.now)
        record = self._state.images.get(message.image_id)
        if record is None or self._state.image_at(message.image_id, call.now) is None:
            raise RefusedError("image_not_found", id=message.image_id)
        after = place_of(message.page_token)
        older = _older(record.operation_ids, after)
        operations = (operation for id_ in older if (operation := self._state.operation(id_, call.now)))
        there = (each for each in operations if not each.is_vanished(call.now))
        page, token = first_page(
            there, message.page_size, lambda each: Place(record.operation_ids.index(each.id), each.id)
        )
        shown = (self._state.operation_wire(operation, operation.at(call.now)) for operation in page)
        wire = _page("operations", shown, token)
        return Outcome(wire, image_id=message.image_id, note=f"{len(page)} operations")

    def access_bindings(self, message: AccessBindingsRequest, call: Context) -> Outcome:  # noqa: ARG002 - never used
        """Refuse: the double does not implement access bindings."""
        raise RefusedError("not_implemented", method="access bindings of images")

    def _check_folder(self, folder_id: str) -> None:
        if self._strict_folders and folder_id not in self._state.folders:
            raise RefusedError("folder_not_found", id=folder_id)


def _page(name: str, items: Iterable[Wire], token: str) -> Wire:
    wire = {name: list(items), "nextPageToken": token}
    return {key: value for key, value in wire.items() if value}


def _older(ids: tuple[str, ...], after: Place | None) -> Iterable[str]:
    """Return the operations that began before the last one of a page, or all; newest first."""
    if after is None:
        return reversed(ids)
    end = ids.index(after.id) if after.id in ids else after.number
    return reversed(ids[:end])


def _order(text: str) -> tuple[str, str]:
    """Return the field and the direction of an `orderBy`."""
    if not re.fullmatch(ORDER, text):
        raise RefusedError("illegal_argument", what="order_by")
    field, _, direction = text.strip().partition(" ")
    return _FIELDS.get(field, "id"), direction.strip().lower() or "asc"


_ID: Final = re.compile(r"[0-9a-v]{20}")
"""Twenty base32hex digits, the form of every recorded id."""


class OperationService:
    """Answers and cancels operations."""

    def __init__(self, state: State, texts: Texts) -> None:
        self._state = state
        self._texts = texts

    def get(self, message: GetOperationRequest, call: Context) -> Outcome:
        """Return an operation. This counts as a poll."""
        self._state.poll(message.operation_id, call.now)
        record = self._state.operation(message.operation_id, call.now)
        if record is not None and record.is_vanished(call.now):
            raise RefusedError("operation_not_found", id=record.id, record=record, note="vanished: ")
        return self._shown(record, message.operation_id, call.now)

    def cancel(self, message: CancelOperationRequest, call: Context) -> Outcome:
        """Cancel an operation and return it; one that has ended is unchanged. This does not count as a poll."""
        record = self._state.operation(message.operation_id, call.now)
        if record is not None and record.refuses_cancel(call.now):
            raise RefusedError("cancel_refused", record=record)
        if record is not None:
            record = self._state.cancel(record.id, call.now, self._texts.error("cancelled"))
        return self._shown(record, message.operation_id, call.now)

    def _shown(self, record: OperationRecord | None, operation_id: str, now: int) -> Outcome:
        if record is not None:
            return operation_outcome(self._state, record, now)
        if not _ID.fullmatch(operation_id):
            raise RefusedError("operation_id_malformed", id=operation_id)
        raise RefusedError("operation_not_found", id=operation_id)
