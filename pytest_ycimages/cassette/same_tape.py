"""A tape as the key of what is made of it once in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ycimages.cassette.interaction import Tape


class SameTape:
    """A tape as a key: it is equal to itself alone, which is known without looking at what it holds."""

    __slots__ = ("tape",)

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameTape) and other.tape is self.tape

    def __hash__(self) -> int:
        return id(self.tape)
