"""What a test holds of its cassette: where it is, what is in it, and what of it nobody asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages.cassette.model import CassetteMetadata, Interaction
    from pytest_ycimages.cassette.recorder import Recorder

opened: Final = set[Path]()
"""The files of all cassettes that were in doubles of this process: of these nobody shall say that no test uses them."""


class Cassette:
    """A cassette that is in a double.

    Args:
        path: the file.
        metadata: what it says of itself.
        interactions: tells what is in it, by now.
        unused: tells the indexes of what nobody has asked for.
        recorder: who records it, if it is being recorded.

    Attributes:
        path: the file; in mode `record`, the file that will be there once the recording is complete.
        metadata: what it says of itself: whose answers it holds, since when, and more.
    """

    def __init__(
        self,
        path: Path,
        metadata: CassetteMetadata,
        interactions: Callable[[], Sequence[Interaction]],
        unused: Callable[[], Sequence[int]] = tuple,
        *,
        recorder: Recorder | None = None,
    ) -> None:
        self.path = path
        self.metadata = metadata
        self._interactions = interactions
        self._unused = unused
        self._recorder = recorder

    @property
    def interactions(self) -> Sequence[Interaction]:
        """What is in it; in mode `record`, what has been recorded by now."""
        return self._interactions()

    @property
    def replaces(self) -> bool:
        """Whether it is a recording that takes the place of an older file, once it is complete."""
        return self._recorder is not None and self._recorder.replaces

    @property
    def unused(self) -> Sequence[int]:
        """The indexes of the interactions that have had no part in any answer by now; in mode `record`, none."""
        return self._unused()

    def discard(self) -> None:
        """Let a recording go: an older file stays as it was, and a new one is removed.

        Raises:
            UsageError: this cassette is not being recorded.
        """
        self._recording("discard").discard()

    def hold(self) -> None:
        """Let the recording not end when its double is closed, but when it is known whether all went well.

        Raises:
            UsageError: this cassette is not being recorded.
        """
        self._recording("hold").hold()

    def settle(self, *, whole: bool) -> None:
        """End a recording that was held, now that it is known whether all went well.

        Args:
            whole: whether it did. If not, an older file stays as it was.

        Raises:
            UsageError: this cassette is not being recorded.
            OSError: the file cannot be written.
        """
        self._recording("settle").settle(whole=whole)

    def _recording(self, what: str) -> Recorder:
        if self._recorder is None:
            raise UsageError(f"{self.path} is not being recorded, so there is nothing to {what}.")
        return self._recorder

    def __repr__(self) -> str:
        """Where it is, whose answers it holds, and how many."""
        return f"<Cassette {self.path}: {len(self.interactions)} interactions, origin {self.metadata.origin}>"
