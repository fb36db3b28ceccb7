"""What a test holds of its cassette: where it is, what is in it, and what of it nobody asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages.cassette.interaction import Interaction, Label

opened: Final = set[Path]()
"""The files of all cassettes that were in doubles of this process: of these nobody shall say that no test uses them."""


class Cassette:
    """A cassette that is in a double.

    Args:
        path: the file.
        label: what it says of itself.
        interactions: tells what is in it, by now.
        unused: tells the indexes of what nobody has asked for.
        discard: ends the recording, if it is one.
        replaces: whether it is a recording that takes the place of an older one.

    Attributes:
        path: the file; in mode `record`, the file that will be there once the recording is complete.
        replaces: whether it is a recording that takes the place of an older file, once it is complete.
        label: what it says of itself: whose answers it holds, since when, and more.
    """

    def __init__(  # noqa: PLR0913 - what there is to know of it, each by its name
        self,
        path: Path,
        label: Label,
        interactions: Callable[[], Sequence[Interaction]],
        unused: Callable[[], Sequence[int]] = tuple,
        *,
        discard: Callable[[], object] | None = None,
        replaces: bool = False,
    ) -> None:
        self.path = path
        self.label = label
        self._interactions = interactions
        self._unused = unused
        self._discard = discard
        self.replaces = replaces

    @property
    def interactions(self) -> Sequence[Interaction]:
        """What is in it; in mode `record`, what has been recorded by now."""
        return self._interactions()

    @property
    def unused(self) -> Sequence[int]:
        """The indexes of the interactions that have had no part in any answer by now; in mode `record`, none."""
        return self._unused()

    def discard(self) -> None:
        """Let a recording go: an older file stays as it was, and a new one is removed.

        Raises:
            UsageError: this cassette is not being recorded.
        """
        if self._discard is None:
            raise UsageError(f"{self.path} is not being recorded, so there is nothing to discard.")
        self._discard()

    def __repr__(self) -> str:
        """Where it is, whose answers it holds, and how many."""
        return f"<Cassette {self.path}: {len(self.interactions)} interactions, origin {self.label.origin}>"
