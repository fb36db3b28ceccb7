"""A second opinion on the rules: plain lists and linear scans, written from the facts and the documentation alone.

It shares no code with the double. Where an answer holds ids, the model is told which ids the double drew; everything
else of an answer it works out by itself.
"""

from __future__ import annotations

import re
from typing import Any, Final

from .quotas import over
from .records import SECOND, Fields, Image, Operation, Refusal
from .sources import SEEDED, UNKNOWN, Disk, Sources, fields_of, fitted

UPDATABLE: Final = {"name": "", "description": "", "minDiskSize": 0, "labels": {}}
"""What an update can change, and what becomes of each field that is to be changed and not given."""

Answer = Operation | Refusal


class Model:
    """What the cloud should hold, and what it should answer.

    Args:
        folder: the double's own folder.
        now: when it begins.
        sources: what images can be made from.
        **rules: `timing`, `rollback`, `quotas`, `strict`, `reuse`, `contract` and `cancel`, as in the settings; `fails`
            says how every operation fails, None that it does not.
    """

    def __init__(self, folder: str, now: int, sources: Sources, **rules: Any) -> None:
        self.now = now
        self.timing: tuple[str, float] = rules["timing"]
        self.folders = {folder}
        self.sources = sources
        self.images: list[Image] = []
        self.operations: list[Operation] = []
        self._rules = rules
        self._keys: dict[tuple[str, str], dict[str, tuple[Operation, object]]] = {}

    # What there is now.

    def living(self) -> list[Image]:
        """The images that are there."""
        return [image for image in self.images if self.status(image) != "gone"]

    def operations_on(self, image: Image) -> list[Operation]:
        """The operations on an image, in the order in which they began."""
        return [operation for operation in self.operations if operation.image is image]

    def status(self, image: Image) -> str:
        """CREATING, READY, DELETING, or `gone`."""
        shown = "READY"
        for operation in self.operations_on(image):
            phase = operation.phase(self.now)
            if (operation.kind, phase) in {("create", "failed"), ("delete", "succeeded")}:
                return "gone"
            if phase in {"running", "failing"} and operation.kind != "update":
                shown = "CREATING" if operation.kind == "create" else "DELETING"
        return shown

    def fields(self, image: Image, after: Operation | None = None) -> Fields:
        """The image's fields, now or just after an operation: updates count in the order in which they ended."""
        ended = [each for each in self.operations_on(image) if each.phase(self.now) == "succeeded"]
        fields = dict(image.fields)
        for operation in sorted(ended, key=lambda each: each.ends or 0):
            fields |= operation.changes
            if operation is after:
                break
        return fields

    def names(self, image: Image) -> set[str]:
        """The names that an image has or is about to have."""
        coming = (each.changes for each in self.operations_on(image) if not each.is_done(self.now))
        return {self.fields(image)["name"], *(changes["name"] for changes in coming if "name" in changes)}

    def named(self, folder: str, name: str) -> list[Image]:
        """The images of a folder that have a name or are about to have it."""
        return [image for image in self.living() if image.folder == folder and name in self.names(image)]

    def find(self, image_id: str) -> Image | Refusal:
        """An image that is there."""
        found = [image for image in self.living() if image.id == image_id]
        return found[0] if found else Refusal(5, f'Image "{image_id}" not found')

    def find_ready(self, image_id: str) -> Image | Refusal:
        """An image that something can be done with."""
        found = self.find(image_id)
        if isinstance(found, Image) and self.status(found) == "DELETING":  # to name it is to look whether it is gone
            for operation in self.operations_on(found):
                operation.poll(self.now)
            found = self.find(image_id)
        if isinstance(found, Refusal) or self.status(found) == "READY":
            return found
        why = f"status {self.status(found)}"
        return Refusal(9, f'Image "{image_id}" has an invalid state for this operation: {why}')

    def find_operation(self, operation_id: str) -> Answer:
        """An operation, or why there is none."""
        found = [operation for operation in self.operations if operation.id == operation_id]
        if found:
            return found[0]
        if not re.fullmatch("[0-9a-v]{20}", operation_id):
            return Refusal(3, f"invalid operation id '{operation_id}'")
        return Refusal(5, f"Operation {operation_id} not found")

    def seed(self, folder: str, name: str, family: str) -> Image | None:
        """An image that is there from now on, unless its name is taken; its id is to be filled in."""
        fields = {**fields_of({"name": name, "family": family}, SEEDED, "page"), "pooled": False}
        fields["size"] = SEEDED.least if self._rules["contract"] == "current" else 0
        virtual = fields["size"] or SEEDED.data
        image = Image("", folder, len(self.images), self.now, virtual, known=True, fields=fields)
        if self._taken(folder, name, image):
            return None
        self.folders.add(folder)
        self.images.append(image)
        return image

    # The calls that change something; `who` is the account and the idempotency key, `ids` what the double drew.

    def create(self, body: Fields, who: tuple[str, str], ids: tuple[str, str]) -> Answer:
        """`images.create`."""
        if answer := self._seen("create", who, body):
            return answer
        if refusal := self.unknown_folder(body["folderId"]):
            return refusal
        disk = self._image_as_disk(body["imageId"]) if "imageId" in body else self.sources.find(body)
        if isinstance(disk, Refusal):
            return disk
        if disk.known and 0 < int(body.get("minDiskSize", 0)) < disk.data:
            return Refusal(3, "Illegal argument min_disk_size")
        fields = fields_of(body, disk, self._rules["contract"])
        virtual = disk.virtual if disk.known else min(disk.virtual, fields["minDiskSize"])
        image = Image(ids[1], body["folderId"], len(self.images), self.now, virtual, disk.known, fields)
        refusal = self._taken(image.folder, fields["name"], image) or self._full(fields) or self._busy(image.folder)
        if refusal:
            return refusal
        self.images.append(image)
        return self._start("create", image, who, ids, body, error=disk.error)

    def update(self, image_id: str, body: Fields, who: tuple[str, str], ids: tuple[str, str]) -> Answer:
        """`images.update`."""
        mask = [_camel_case(name) for name in body.get("updateMask", "").split(",") if name]
        if not mask and not UPDATABLE.keys() & body.keys():
            return Refusal(3, "Illegal argument update_mask")
        if answer := self._seen("update", who, (image_id, body)):
            return answer
        image = self.find_ready(image_id)
        if isinstance(image, Refusal):
            return image
        changes = {name: body.get(name, UPDATABLE[name]) for name in mask or UPDATABLE}
        if "minDiskSize" in changes:
            stored = self.fields(image)["storageSize"]
            least = max(stored, image.virtual)
            changes["minDiskSize"] = int(changes["minDiskSize"]) or least
            if changes["minDiskSize"] < least and image.known:
                return Refusal(3, "Illegal argument min_disk_size")
            if not image.known:
                changes["storageSize"] = fitted(stored, changes["minDiskSize"])
                changes["size"] = min(self.fields(image)["size"], changes["minDiskSize"])
        refusal = self._taken(image.folder, changes.get("name", ""), image) or self._busy(image.folder)
        return refusal or self._start("update", image, who, ids, (image_id, body), changes=changes)

    def delete(self, image_id: str, who: tuple[str, str], ids: tuple[str, str]) -> Answer:
        """`images.delete`."""
        if answer := self._seen("delete", who, image_id):
            return answer
        image = self.find_ready(image_id)
        if isinstance(image, Refusal):
            return image
        return self._busy(image.folder) or self._start("delete", image, who, ids, image_id)

    def cancel(self, operation_id: str) -> Answer:
        """`operations.cancel`: only the creation of an image can be cancelled, and only while it runs."""
        found = self.find_operation(operation_id)
        if isinstance(found, Refusal) or found.kind != "create" or found.phase(self.now) != "running":
            return found
        how = self._rules["cancel"]
        if how == "refused":
            return Refusal(9, "The operation cannot be cancelled")
        if how == "too_late":
            found.ends, found.polls, found.rollback = self.now, 0, 0
        elif how != "loses" and found.cancelled is None:
            found.cancelled = self.now + (5 * SECOND if how == "late" else 0)
        return found

    def _start(
        self, kind: str, image: Image, who: tuple[str, str], ids: tuple[str, str], request: object, **what: Any
    ) -> Operation:
        if self._rules["fails"]:
            what["error"] = self._rules["fails"]
        operation = Operation(ids[0], image, kind, who[0], self.now, round(self._rules["rollback"] * SECOND), **what)
        how, amount = self.timing
        if how == "polls":
            operation.polls = int(amount)
        elif how == "seconds":
            operation.ends = self.now + round(amount * SECOND)
        self.operations.append(operation)
        if who[1]:
            self._keys.setdefault(who, {})[kind] = operation, request
        return operation

    def _seen(self, kind: str, who: tuple[str, str], request: object) -> Answer | None:
        """What an idempotency key has made already, by the method that it came with."""
        used = self._keys.get(who, {})
        others = [first for made, (_, first) in used.items() if made != kind or first != request]
        if others and self._rules["reuse"] == "reject":
            return Refusal(3, f"The idempotency key '{who[1]}' was used for another request")
        return used[kind][0] if kind in used else None

    # Why not.

    def unknown_folder(self, folder: str) -> Refusal | None:
        """Compute answers code 9 for a folder that is not there."""
        known = not self._rules["strict"] or folder in self.folders
        return None if known else Refusal(9, f'Folder "{folder}" not found')

    def _image_as_disk(self, image_id: str) -> Disk | Refusal:
        if not self._rules["strict"] and image_id not in {image.id for image in self.images}:
            return UNKNOWN
        image = self.find_ready(image_id)
        if isinstance(image, Refusal):
            return Refusal(9, image.message)
        fields = self.fields(image)
        licences = tuple(fields["productIds"])
        return Disk(
            image.virtual, fields["storageSize"], fields["minDiskSize"], fields["os"]["type"], licences, image.known
        )

    def _taken(self, folder: str, name: str, by: Image) -> Refusal | None:
        others = [image for image in self.named(folder, name) if image is not by]
        return Refusal(6, f'Image with name "{name}" already exists') if name and others else None

    def _full(self, more: Fields) -> Refusal | None:
        """The quotas of the whole cloud."""
        there = [self.fields(image) for image in self.living()]
        return (
            over(self._rules["quotas"], "images", len(there), 1)
            or over(
                self._rules["quotas"], "total_size", sum(each["storageSize"] for each in there), more["storageSize"]
            )
            or over(self._rules["quotas"], "pooled_images", sum(each["pooled"] for each in there), int(more["pooled"]))
        )

    def _busy(self, folder: str) -> Refusal | None:
        """The quota of running operations, which counts for each folder."""
        running = [each for each in self.operations if each.image.folder == folder and not each.is_done(self.now)]
        return over(self._rules["quotas"], "running_operations", len(running), 1)


def _camel_case(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)
