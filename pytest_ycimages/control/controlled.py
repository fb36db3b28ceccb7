"""What the control API may do to a double."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ycimages.api.image import Image
    from pytest_ycimages.api.operation import Operation
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.planner import NextOperation
    from pytest_ycimages.faults.account import Account
    from pytest_ycimages.faults.fault import Commit, Fault
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.rule import On, Per
    from pytest_ycimages.faults.when import When
    from pytest_ycimages.journal import Calls
    from pytest_ycimages.settings import Settings


class Controlled(Protocol):
    """A double, as far as the control API knows it; each name means what it means to a test that holds the double."""

    settings: Settings

    @property
    def clock(self) -> Clock:
        """Its time."""

    @property
    def token(self) -> str:
        """A token that is valid."""

    @property
    def folder_id(self) -> str:
        """A folder that exists."""

    @property
    def images(self) -> Mapping[str, Image]:
        """All images as they are now."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations as they truly are now."""

    @property
    def calls(self) -> Calls:
        """The journal."""

    @property
    def upcoming(self) -> Sequence[NextOperation]:
        """What is asked for operations that have not begun."""

    @property
    def injections(self) -> Sequence[Injection]:
        """Every fault that was ever injected."""

    @property
    def accounts(self) -> Sequence[Account]:
        """What each of them has done by now."""

    def inject(  # noqa: PLR0913 - what may be said of a fault, each by its name
        self,
        fault: Fault,
        *,
        on: On,
        when: When | None,
        commit: Commit | None,
        per: Per,
        where: Mapping[str, str] | None,
        expect: bool,
    ) -> Injection:
        """Inject a fault."""

    @property
    def next_operation(self) -> Callable[..., None]:
        """Says what becomes of the next operation."""

    def reset(self) -> None:
        """Forget everything."""

    @property
    def add_folder(self) -> Callable[..., str]:
        """Adds a folder."""

    @property
    def add_disk(self) -> Callable[..., str]:
        """Adds a disk."""

    @property
    def add_snapshot(self) -> Callable[..., str]:
        """Adds a snapshot."""

    @property
    def add_image(self) -> Callable[..., str]:
        """Adds an image."""

    @property
    def add_object(self) -> Callable[..., str]:
        """Adds a file in Object Storage."""
