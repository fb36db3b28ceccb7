"""The verbs that say what exists before the client's first call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from pytest_ycimages.cloud.sources import UNKNOWN_DATA, UNKNOWN_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from pytest_ycimages.cloud.sources import Inventory


class Seeding(ABC):
    """Adds folders, disks, snapshots, images and files to a double."""

    @abstractmethod
    def _stocking(self) -> AbstractContextManager[Inventory]:
        """The double's inventory, while nobody else changes it."""

    def add_folder(self, folder_id: str | None = None) -> str:
        """Add a folder, and return its id. Matters with `unknown_resources="not_found"`."""
        with self._stocking() as inventory:
            return inventory.add_folder(folder_id)

    def add_disk(
        self,
        disk_id: str | None = None,
        *,
        size: int = UNKNOWN_SIZE,
        data_size: int = UNKNOWN_DATA,
        os: str = "LINUX",
        product_ids: Iterable[str] = (),
    ) -> str:
        """Add a disk that images can be made from, and return its id.

        Args:
            disk_id: its id; without one, it is drawn.
            size: bytes that it holds; the default of `min_disk_size`.
            data_size: bytes of data in it; stored in chunks of 4 MiB.
            os: `LINUX` or `WINDOWS`, which its images inherit.
            product_ids: licence ids, which its images inherit.

        Raises:
            UsageError: the id is taken, or the values contradict each other.
        """
        with self._stocking() as inventory:
            return inventory.add_source("disk", disk_id, size=size, data_size=data_size, os=os, product_ids=product_ids)

    def add_snapshot(
        self,
        snapshot_id: str | None = None,
        *,
        size: int = UNKNOWN_SIZE,
        data_size: int = UNKNOWN_DATA,
        os: str = "LINUX",
        product_ids: Iterable[str] = (),
    ) -> str:
        """Add a snapshot that images can be made from, and return its id. The arguments are those of `add_disk`."""
        with self._stocking() as inventory:
            return inventory.add_source(
                "snapshot", snapshot_id, size=size, data_size=data_size, os=os, product_ids=product_ids
            )

    def add_image(self, image_id: str | None = None, **fields: Any) -> str:
        """Add an image that is READY, and return its id.

        Args:
            image_id: its id; without one, it is drawn.
            **fields: fields of `Image`, such as `folder_id="standard-images"`, `family`, `name`, `min_disk_size`.

        Raises:
            UsageError: the id or the name is taken, or a field cannot be.
        """
        with self._stocking() as inventory:
            return inventory.add_image(image_id, fields)

    def add_object(
        self,
        uri: str,
        *,
        size: int = UNKNOWN_DATA,
        virtual_size: int | None = None,
        format: str | None = None,  # noqa: A002 - the word that everybody has for it
        reachable: bool = True,
    ) -> str:
        """Add a file in Object Storage that a `uri` may name, and return its address.

        Args:
            uri: `https://storage.yandexcloud.net/<bucket>/<key>`; what follows a `?` is left out.
            size: bytes of data in it.
            virtual_size: bytes that a disk made from it takes; by default 5 GiB, or `size` when that is more.
            format: `qcow2`, `vmdk`, `vhd`, `raw`, or one that the service refuses; by default, what its name says.
            reachable: whether the service can read it; if not, the operation fails.

        Raises:
            UsageError: the link leads elsewhere than to Object Storage.
        """
        with self._stocking() as inventory:
            return inventory.add_object(
                uri, size=size, virtual_size=virtual_size, image_format=format, reachable=reachable
            )
