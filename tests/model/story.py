"""An agreement whose verbs need only what a story is about, and are short to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .agreement import Agreement

if TYPE_CHECKING:
    from .records import Fields

AT_ONCE: Final = ("seconds", 0)
DISK: Final = "epd00000000000000new"
SOURCES: Final = {"imageId", "diskId", "snapshotId", "uri"}


class Story(Agreement):
    """A double and its model, checked after every verb that changes something."""

    @property
    def home(self) -> str:
        """The double's own folder."""
        return self.folders[0]

    def create(self, key: str = "", person: int = 0, **fields: Any) -> str:
        """Create an image; the id of the operation, or empty."""
        body: Fields = {"folderId": self.home, **({} if fields.keys() & SOURCES else {"diskId": DISK}), **fields}
        operation_id = self.change("create", "", body, person=person, key=key)
        self.check()
        return operation_id

    def update(self, image_id: str, key: str = "", **fields: Any) -> str:
        """Update an image, those fields and no others; the id of the operation, or empty."""
        operation_id = self.change("update", image_id, {"updateMask": ",".join(fields), **fields}, key=key)
        self.check()
        return operation_id

    def delete(self, image_id: str, key: str = "") -> str:
        """Delete an image; the id of the operation, or empty."""
        operation_id = self.change("delete", image_id, {}, key=key)
        self.check()
        return operation_id

    def made(self, **fields: Any) -> str:
        """The id of an image that is READY."""
        timing = self.model.timing
        self.take(AT_ONCE)
        self.create(**fields)
        self.take(timing)
        return self.model.images[-1].id

    def polls(self, operation_id: str, times: int) -> None:
        """Poll an operation."""
        for _ in range(times):
            self.get_operation(operation_id)
            self.check()
