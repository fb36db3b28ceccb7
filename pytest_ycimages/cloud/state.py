"""The state of the cloud at any moment, and its indexes by folder, name and family.

Views change nothing; only the named verbs do. Indexes know no time and may name images that are gone: readers skip
those, and remove the ones that have gone for good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sortedcontainers import SortedSet

from pytest_ycimages.api.resources import Empty, Image, ImageStatus, Operation
from pytest_ycimages.cloud.lifecycle import CANCELLABLE, DONE, IMAGE_STATUS, Kind, Phase
from pytest_ycimages.cloud.plan import cancelled, polled
from pytest_ycimages.cloud.records import operation_wire, stage_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.plan import View
    from pytest_ycimages.cloud.records import ImageRecord, OperationRecord, Source, StoredObject


class Catalog:
    """Indexes over images. They are brought up to date when an order is next needed."""

    def __init__(self) -> None:
        self._fresh: dict[str, ImageRecord] = {}
        self._gone: dict[str, ImageRecord] = {}
        self._by_id: defaultdict[str, SortedSet[Any]] = defaultdict(SortedSet)
        self._by_age: defaultdict[str, SortedSet[Any]] = defaultdict(SortedSet)
        self._names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._families: defaultdict[tuple[str, str], SortedSet[Any]] = defaultdict(SortedSet)

    def add(self, record: ImageRecord) -> None:
        """Add an image."""
        self._fresh[record.id] = record
        self.add_name(record.folder_id, record.name, record.id)

    def _update(self) -> None:
        for record in tuple(self._gone.values()):
            self.discard(record)
        for record in self._fresh.values():
            self._by_id[record.folder_id].add(record.id)
            self._by_age[record.folder_id].add((record.created_at, record.id))
            self._families[record.folder_id, record.family].add((record.created_at, record.id))
        self._fresh.clear()

    def add_name(self, folder_id: str, name: str, image_id: str) -> None:
        """Record that an image may come to have this name."""
        if name:
            self._names[folder_id, name].add(image_id)

    def discard_name(self, folder_id: str, name: str, image_id: str) -> None:
        """Record that an image neither has this name nor will come to have it."""
        _discard(self._names, (folder_id, name), image_id)

    def discard(self, record: ImageRecord) -> None:
        """Remove an image that has gone for good."""
        self._fresh.pop(record.id, None)
        self._gone.pop(record.id, None)
        age = (record.created_at, record.id)
        _discard(self._by_id, record.folder_id, record.id)
        _discard(self._by_age, record.folder_id, age)
        _discard(self._families, (record.folder_id, record.family), age)
        self.discard_name(record.folder_id, record.name, record.id)

    def discard_later(self, record: ImageRecord) -> None:
        """Remove an image that has gone for good, when no order is being read."""
        self._gone[record.id] = record

    def named(self, folder_id: str, name: str) -> list[str]:
        """Return the images that may have this name."""
        return sorted(self._names.get((folder_id, name), ()))

    def newest_of_family(self, folder_id: str, family: str) -> Iterator[str]:
        """Return the images of a family, newest first."""
        self._update()
        return (image_id for _, image_id in reversed(self._families.get((folder_id, family), ())))

    def by_id(self, folder_id: str, *, after: str | None, descending: bool) -> Iterator[str]:
        """Return the images of a folder by id, starting after `after`."""
        self._update()
        return _range(self._by_id.get(folder_id, SortedSet()), after, descending=descending)

    def by_age(self, folder_id: str, *, after: tuple[int, str] | None, descending: bool) -> Iterator[str]:
        """Return the images of a folder by creation, starting after `after`."""
        self._update()
        ages = _range(self._by_age.get(folder_id, SortedSet()), after, descending=descending)
        return (image_id for _, image_id in ages)


def _discard(index: dict[Any, Any], key: object, item: object) -> None:
    """Remove an item from one of the sets of an index, and the set with its last item."""
    if key in index:
        index[key].discard(item)
        if not index[key]:
            del index[key]


def _range(keys: SortedSet[Any], after: object, *, descending: bool) -> Iterator[Any]:
    if after is None:
        return reversed(keys) if descending else iter(keys)
    if descending:
        return keys.irange(maximum=after, inclusive=(True, False), reverse=True)
    return keys.irange(minimum=after, inclusive=(False, True))


@dataclass(slots=True)
class State:
    """The state of the cloud.

    Attributes:
        retention: how long an operation is kept after its end, in nanoseconds; None: for ever.
    """

    retention: int | None = None
    images: dict[str, ImageRecord] = field(default_factory=dict)
    operations: dict[str, OperationRecord] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    removed: set[tuple[str, str]] = field(default_factory=set)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    catalog: Catalog = field(default_factory=Catalog)
    _unfinished: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _created: Counter[int] = field(default_factory=Counter)

    # Changes.

    def add_image(self, record: ImageRecord) -> None:
        """Add an image. Images of the same nanosecond are set one nanosecond apart, so that all have an order."""
        earlier = self._created[record.created_at]
        self._created[record.created_at] = earlier + 1
        if earlier:
            record = record._replace(created_at=record.created_at + earlier)
        self.images[record.id] = record
        self.catalog.add(record)

    def start(self, operation: OperationRecord) -> None:
        """Add an operation on an existing image."""
        self.operations[operation.id] = operation
        image = self.images[operation.image_id]
        self.images[operation.image_id] = image._replace(operation_ids=(*image.operation_ids, operation.id))
        self._unfinished[image.folder_id].add(operation.id)

    def remove_image(self, image_id: str) -> tuple[str, ...]:
        """Remove an image that has gone for good, and the operations on it; return their ids."""
        record = self.images.pop(image_id)
        self.catalog.discard(record)
        self._created.pop(record.created_at, None)
        for operation_id in record.operation_ids:
            changes = self.operations.pop(operation_id).changes
            self.catalog.discard_name(record.folder_id, changes.get("name", ""), image_id)
            self._unfinished[record.folder_id].discard(operation_id)
        return record.operation_ids

    def fold(self, operation: OperationRecord, now: int) -> bool:
        """Remove an ended operation from the history of an existing image, unless the image shows its changes.

        Its changes become a part of the next successful update, which shows the same then as before.
        """
        image = self.images[operation.image_id]
        if operation.changes and operation.at(now).phase is Phase.SUCCEEDED:
            updates = self._updates(image.operation_ids, now)
            if updates[-1] is operation:
                return False
            later = updates[updates.index(operation) + 1]
            self.operations[later.id] = later._replace(changes={**operation.changes, **later.changes})
        self.images[image.id] = image._replace(
            operation_ids=tuple(id_ for id_ in image.operation_ids if id_ != operation.id)
        )
        del self.operations[operation.id]
        self._unfinished[image.folder_id].discard(operation.id)
        name = operation.changes.get("name", "")
        if name and name not in {image.name, *self.names_of(image.id, now)}:
            self.catalog.discard_name(image.folder_id, name, image.id)
        return True

    def poll(self, operation_id: str, now: int) -> None:
        """Count a poll of an operation. Polls are counted only here."""
        record = self.operations.get(operation_id)
        if record is not None and record.plan.schedule.polls:
            self.operations[operation_id] = record._replace(plan=polled(record.plan, now))

    def poll_image(self, image_id: str, now: int) -> None:
        """Count a read of an existing image as a poll of every operation on it."""
        record = self.images.get(image_id)
        waiting = [id_ for id_ in record.operation_ids if self.operations[id_].plan.schedule.polls] if record else ()
        if waiting and self._progress(image_id, now)[0] is not None:
            for operation_id in waiting:
                self.poll(operation_id, now)

    def cancel(self, operation_id: str, now: int, error: Status) -> OperationRecord | None:
        """Cancel an operation if it exists, can be cancelled and has not ended; return its record."""
        record = self.operations.get(operation_id)
        if record is not None and record.kind in CANCELLABLE:
            record = self.operations[operation_id] = record._replace(plan=cancelled(record.plan, now, error))
        return record

    # Views.

    def image_at(self, image_id: str, now: int) -> Image | None:
        """Return the image at `now`, or None when it does not exist then."""
        status, changes = self._progress(image_id, now)
        if status is None:
            return None
        shown = changes if status is ImageStatus.READY else {**changes, "status": status}
        return self.images[image_id].after(shown)

    def image_wire(self, image_id: str, now: int) -> Wire | None:
        """Return the image at `now` in its JSON form."""
        status, changes = self._progress(image_id, now)
        if status is None:
            return None
        record = self.images[image_id]
        if changes:
            return record.after({**changes, "status": status}).to_wire()
        return record.wire if status is ImageStatus.READY else {**record.wire, "status": str(status)}

    def existing(self, ids: Iterable[str], now: int) -> Iterator[Image]:
        """Yield those of some images that exist at `now`. The others have gone for good, and leave the indexes."""
        for image_id in ids:
            image = self.image_at(image_id, now)
            if image is None:
                self.catalog.discard_later(self.images[image_id])
            else:
                yield image

    def _progress(self, image_id: str, now: int) -> tuple[ImageStatus | None, Mapping[str, Any]]:
        """Return the status and the changes that operations have given an image by `now`; None: it does not exist."""
        record = self.images.get(image_id)
        if record is None:
            return None, {}
        shown: ImageStatus | None = ImageStatus.READY
        is_updated = False
        for operation_id in record.operation_ids:
            operation = self.operations[operation_id]
            phase = operation.at(now).phase
            status = IMAGE_STATUS[operation.kind][phase]
            if status is None:
                return None, {}
            if status is not ImageStatus.READY:
                shown = status
            is_updated = is_updated or (phase is Phase.SUCCEEDED and bool(operation.changes))
        return shown, _changes(self._updates(record.operation_ids, now)) if is_updated else {}

    def _updates(self, operation_ids: Iterable[str], now: int) -> list[OperationRecord]:
        """Return the updates that have succeeded by `now`, in the order in which they ended."""
        updates = (each for id_ in operation_ids if (each := self.operations[id_]).changes)
        ended = [(seen.modified_at, each) for each in updates if (seen := each.at(now)).phase is Phase.SUCCEEDED]
        return [each for _, each in sorted(ended, key=itemgetter(0))]

    def operation(self, operation_id: str, now: int) -> OperationRecord | None:
        """Return the record of an operation, or None if it does not exist or has been forgotten."""
        record = self.operations.get(operation_id)
        return None if record is None or self.is_forgotten(record, now) else record

    def is_forgotten(self, record: OperationRecord, now: int) -> bool:
        """Return whether an operation has been forgotten."""
        if self.retention is None or now - record.plan.started_at < self.retention:
            return False
        seen = record.at(now)
        return seen.done and now - seen.modified_at >= self.retention

    def operation_at(self, operation_id: str, now: int) -> Operation | None:
        """Return the true state of an operation at `now`, or None when it does not exist."""
        record = self.operation(operation_id, now)
        if record is None:
            return None
        return Operation.model_validate(self.operation_wire(record, record.at(now)._replace(stage=None)))

    def operation_wire(self, record: OperationRecord, seen: View) -> Wire:
        """Return an operation as a view shows it, in its JSON form."""
        if seen.stage is not None:
            return stage_wire(record, seen, seen.stage, partial(self._response, record, seen.modified_at))
        phase, modified_at, _ = seen
        response = self._response(record, modified_at) if phase is Phase.SUCCEEDED else None
        error = None if phase is Phase.RUNNING else record.plan.failure
        return operation_wire(record, modified_at, done=phase in DONE, response=response, error=error)

    def _response(self, operation: OperationRecord, ended_at: int) -> Wire:
        """Return the operation's response: the image as it was at its end, or Empty."""
        if operation.kind is Kind.DELETE:
            return {"@type": Empty.type_url}
        record = self.images[operation.image_id]
        if operation.kind is Kind.CREATE:
            return {"@type": Image.type_url, **record.wire}
        updates = self._updates(record.operation_ids, ended_at)
        changes = _changes(updates[: updates.index(operation) + 1])
        return {"@type": Image.type_url, **record.after(changes).to_wire()}

    def names_of(self, image_id: str, now: int) -> set[str]:
        """Return the names that an image has or is about to have; none when it is gone."""
        image = self.image_at(image_id, now)
        if image is None:
            return set()
        coming = (self.operations[id_] for id_ in self.images[image_id].operation_ids)
        return {
            image.name,
            *(each.changes["name"] for each in coming if "name" in each.changes and not each.at(now).done),
        }

    def holders(self, folder_id: str, name: str, now: int) -> list[str]:
        """Return the images of a folder that have a name or are about to have it."""
        holders: list[str] = []
        for image_id in self.catalog.named(folder_id, name):
            if name in self.names_of(image_id, now):
                holders.append(image_id)
            else:
                self.catalog.discard_name(folder_id, name, image_id)
        return holders

    def running_in(self, folder_id: str, now: int) -> int:
        """Return the number of running operations in a folder."""
        unfinished = self._unfinished[folder_id]
        unfinished -= {id_ for id_ in unfinished if self.operations[id_].at(now).done}
        return len(unfinished)


def _changes(updates: Iterable[OperationRecord]) -> Mapping[str, Any]:
    changes: dict[str, Any] = {}
    for each in updates:
        changes |= each.changes
    return changes
