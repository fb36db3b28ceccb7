"""Indexes over images: by folder, by name and by family. They may name images that are gone; readers leave those out.

Nothing here knows the time: an image that has gone for good is taken out by whoever notices.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sortedcontainers import SortedSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cloud.records import ImageRecord


class Catalog:
    """Finds images without looking at all of them."""

    def __init__(self) -> None:
        self._fresh: list[ImageRecord] = []
        self._by_id: defaultdict[str, SortedSet[Any]] = defaultdict(SortedSet)
        self._by_age: defaultdict[str, SortedSet[Any]] = defaultdict(SortedSet)
        self._names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._families: defaultdict[tuple[str, str], SortedSet[Any]] = defaultdict(SortedSet)

    def add(self, record: ImageRecord) -> None:
        """Take an image in. It is sorted in when somebody next asks for an order."""
        self._fresh.append(record)
        self.add_name(record.folder_id, record.name, record.id)

    def _sort_in(self) -> None:
        for record in self._fresh:
            self._by_id[record.folder_id].add(record.id)
            self._by_age[record.folder_id].add((record.created_at, record.id))
            self._families[record.folder_id, record.family].add((record.created_at, record.id))
        self._fresh.clear()

    def add_name(self, folder_id: str, name: str, image_id: str) -> None:
        """Note that an image may come to have this name."""
        if name:
            self._names[folder_id, name].add(image_id)

    def discard_name(self, folder_id: str, name: str, image_id: str) -> None:
        """Note that an image neither has this name nor will come to have it."""
        self._names[folder_id, name].discard(image_id)

    def discard(self, record: ImageRecord) -> None:
        """Take an image out that has gone for good."""
        self._sort_in()
        self._by_id[record.folder_id].discard(record.id)
        self._by_age[record.folder_id].discard((record.created_at, record.id))
        self._families[record.folder_id, record.family].discard((record.created_at, record.id))
        self._names[record.folder_id, record.name].discard(record.id)

    def named(self, folder_id: str, name: str) -> list[str]:
        """The images that may have this name."""
        return sorted(self._names.get((folder_id, name), ()))

    def newest_of_family(self, folder_id: str, family: str) -> Iterator[str]:
        """The images of a family, newest first."""
        self._sort_in()
        return (image_id for _, image_id in reversed(self._families.get((folder_id, family), ())))

    def by_id(self, folder_id: str, *, after: str | None, descending: bool) -> Iterator[str]:
        """The images of a folder in the order of their ids, from the one behind `after`."""
        self._sort_in()
        return _range(self._by_id.get(folder_id, SortedSet()), after, descending=descending)

    def by_age(self, folder_id: str, *, after: tuple[int, str] | None, descending: bool) -> Iterator[str]:
        """The images of a folder in the order of their creation, from the one behind `after`."""
        self._sort_in()
        ages = _range(self._by_age.get(folder_id, SortedSet()), after, descending=descending)
        return (image_id for _, image_id in ages)


def _range(keys: SortedSet[Any], after: object, *, descending: bool) -> Iterator[Any]:
    if after is None:
        return reversed(keys) if descending else iter(keys)
    if descending:
        return keys.irange(maximum=after, inclusive=(True, False), reverse=True)
    return keys.irange(minimum=after, inclusive=(False, True))
