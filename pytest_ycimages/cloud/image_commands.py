"""ImageService: create, update and delete (images-create.md; api-facts.md, 1.1, 5).

A request that can be refused at once is refused before an operation exists. A failure that only appears while the
operation runs becomes its error.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import RequestMessage, resource_time
from pytest_ycimages.api.resources import HardwareGeneration, Image, ImageStatus, Os, OsType
from pytest_ycimages.cloud.ids import IMAGE, operation_prefix
from pytest_ycimages.cloud.lifecycle import METHOD_OF, Kind
from pytest_ycimages.cloud.limits import IdempotencyKeys, QuotaKeeper, Retention
from pytest_ycimages.cloud.records import NO_CHANGES, ImageRecord, OperationRecord, Source
from pytest_ycimages.cloud.refusals import Outcome, RefusedError, operation_outcome, ready_image
from pytest_ycimages.cloud.sources import CHUNK, kind_of_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.api.create_image import CreateImageRequest
    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.api.methods import Contract
    from pytest_ycimages.api.requests import DeleteImageRequest, UpdateImageRequest
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.plan import Plan, Planner
    from pytest_ycimages.cloud.refusals import Context
    from pytest_ycimages.cloud.rules import Rules
    from pytest_ycimages.cloud.sources import SourceFinder
    from pytest_ycimages.cloud.state import State


_BY_MESSAGE: Final = frozenset({"os", "pooled", "hardware_generation"})
"""Fields of a request that are messages themselves, or that only one revision knows."""


class ImageService:
    """Creates, updates and deletes images."""

    def __init__(  # noqa: PLR0913 - the parts that a change of an image touches, each named
        self,
        *,
        state: State,
        ids: Ids,
        sources: SourceFinder,
        contract: Contract,
        planner: Planner,
        rules: Rules,
    ) -> None:
        self._state = state
        self._ids = ids
        self._sources = sources
        self._quotas = QuotaKeeper(rules.quotas, state)
        self._keys = IdempotencyKeys(rules.idempotency_key_format, rules.idempotency_key_reuse)
        self._contract = contract
        self._planner = planner
        self._strict_folders = rules.refuses_unknown
        self._retention = Retention(state, self._keys, rules.journal_limit)

    def create(self, message: CreateImageRequest, call: Context) -> Outcome:
        """Start an operation that creates an image."""
        seen = self._seen(message, call)
        if seen:
            return seen
        if self._strict_folders and message.folder_id not in self._state.folders:
            raise RefusedError("folder_not_found", id=message.folder_id)
        found = self._sources.find(message, call.now)
        if found.known and 0 < message.min_disk_size < found.source.storage_size:
            raise RefusedError("illegal_argument", what="min_disk_size")
        size = message.min_disk_size or found.source.min_disk_size
        stored, virtual_size = found.source.storage_size, found.source.virtual_size
        if not found.known:  # sizes that the double made up restrict no request
            stored, virtual_size = min(stored, size // CHUNK * CHUNK), min(virtual_size, size)
        wire = self._image(message, found.source, call.now, size=size, stored=stored)
        if self._contract.shows_size and virtual_size:
            wire["size"] = str(virtual_size)
        record = ImageRecord(wire, call.now, virtual_size, found.known)
        self._check_name(message.folder_id, message.name, call.now)
        self._quotas.check_image(stored, call.now, pooled="pooled" in wire)
        self._quotas.check_operation(message.folder_id, call.now)
        self._state.add_image(record)
        plan = self._planner.plan(
            METHOD_OF[Kind.CREATE], call.now, size=stored, source=kind_of_source(message), failure=found.failure
        )
        return self._start(Kind.CREATE, record.id, message, call, plan=plan, prefix=operation_prefix(message.disk_id))

    def update(self, message: UpdateImageRequest, call: Context) -> Outcome:
        """Start an operation that updates an image."""
        if message.is_empty():
            raise RefusedError("illegal_argument", what="update_mask")
        seen = self._seen(message, call)
        if seen:
            return seen
        image = ready_image(self._state, message.image_id, call.now)
        changes = message.changes()
        if "min_disk_size" in changes:
            sizes = _sizes(image, self._state.images[image.id], changes["min_disk_size"])
            if not sizes:
                raise RefusedError("illegal_argument", what="min_disk_size")
            changes |= sizes
        name = changes.get("name", "")
        self._check_name(image.folder_id, name, call.now, owner=image.id)
        self._quotas.check_operation(image.folder_id, call.now)
        self._state.catalog.add_name(image.folder_id, name, image.id)
        plan = self._planner.plan(METHOD_OF[Kind.UPDATE], call.now, size=image.storage_size)
        return self._start(Kind.UPDATE, image.id, message, call, plan=plan, changes=changes)

    def delete(self, message: DeleteImageRequest, call: Context) -> Outcome:
        """Start an operation that deletes an image."""
        seen = self._seen(message, call)
        if seen:
            return seen
        image = ready_image(self._state, message.image_id, call.now, or_in=ImageStatus.ERROR)
        self._quotas.check_operation(image.folder_id, call.now)
        plan = self._planner.plan(METHOD_OF[Kind.DELETE], call.now, size=image.storage_size)
        return self._start(Kind.DELETE, image.id, message, call, plan=plan)

    def _seen(self, message: RequestMessage, call: Context) -> Outcome | None:
        """Return the present state of the operation that the call's idempotency key started, if any."""
        seen = self._keys.seen(call, message) if call.idempotency_key else None
        if seen is None:
            return None
        record = self._state.operation(seen, call.now)
        if record is None:
            self._keys.forget(seen)
            return None
        return operation_outcome(self._state, record, call.now)

    def _start(  # noqa: PLR0913 - an operation is all of these
        self,
        kind: Kind,
        image_id: str,
        message: RequestMessage,
        call: Context,
        *,
        plan: Plan,
        prefix: str = IMAGE,
        changes: dict[str, Any] | None = None,
    ) -> Outcome:
        record = OperationRecord(
            id=self._ids.resource("operation", prefix),
            kind=kind,
            created_by=call.account,
            image_id=image_id,
            plan=plan,
            changes=MappingProxyType(changes) if changes else NO_CHANGES,
        )
        self._state.start(record)
        if call.idempotency_key:
            self._keys.remember(call, message, record.id)
        self._retention.started(record.id, call.now)
        return operation_outcome(self._state, record, call.now)

    def _check_name(self, folder_id: str, name: str, now: int, *, owner: str = "") -> None:
        if name and not set(self._state.holders(folder_id, name, now)) <= {owner}:
            raise RefusedError("name_taken", name=name)

    def _image(self, message: CreateImageRequest, source: Source, now: int, *, size: int, stored: int) -> Wire:
        """Return the requested image after the operation's success, in its JSON form."""
        asked = _said(message, _BY_MESSAGE & message.__pydantic_fields_set__)
        os = source.os.to_wire() if source.os else {"type": str(OsType.LINUX)}
        hardware = self._hardware(asked.get("hardware_generation"), source)
        fields = {
            "labels": dict(message.labels),
            "productIds": list(dict.fromkeys((*source.product_ids, *message.product_ids))),
            "os": _os_wire(os["type"], asked["os"]) if "os" in asked else os,
            "pooled": asked.get("pooled"),
            "hardwareGeneration": hardware.to_wire() if hardware else None,
            "id": self._ids.resource("image", IMAGE),
            "folderId": message.folder_id,
            "createdAt": resource_time(now),
            "name": message.name,
            "description": message.description,
            "family": message.family,
            "storageSize": str(stored) if stored else "",
            "minDiskSize": str(size) if size else "",
            "status": str(ImageStatus.READY),
        }
        return {name: value for name, value in fields.items() if value}

    def _hardware(self, asked: dict[str, Any] | None, source: Source) -> HardwareGeneration | None:
        """Return the hardware generation: the requested, else the source's, else the contract's default."""
        if not asked:
            return source.hardware_generation or self._contract.hardware_generation
        if asked.get("legacy_features") == {}:
            return self._contract.hardware_generation
        return HardwareGeneration.model_validate(asked)


def _os_wire(inherited: str, asked: dict[str, Any]) -> Wire:
    if asked.keys() == {"type"}:
        return {"type": str(asked["type"])}
    return Os.model_validate({"type": inherited, **asked}).to_wire()


def _sizes(image: Image, record: ImageRecord, asked: int) -> dict[str, int]:
    least = max(image.storage_size, record.virtual_size)
    size = asked or least
    if size >= least:
        return {"min_disk_size": size}
    if record.known:
        return {}
    sizes = {"min_disk_size": size, "storage_size": min(image.storage_size, size // CHUNK * CHUNK)}
    return sizes | ({"size": min(image.size, size)} if image.size else {})


def _said(message: RequestMessage, names: Iterable[str]) -> dict[str, Any]:
    """Return some fields of a message, without fields that the contract in force does not know."""
    said = ((name, getattr(message, name)) for name in names if name in type(message).__pydantic_fields__)
    return {
        name: _said(value, value.model_fields_set) if isinstance(value, RequestMessage) else value
        for name, value in said
        if value is not None
    }
