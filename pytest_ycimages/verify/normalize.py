"""Which id of a recording stands for which of the one who answers today, and what is known of their times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.verify.forms import ID, ID_IN_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from re import Match

TIMES: Final[tuple[str, ...]] = ("createdAt", "modifiedAt")
"""The times of a resource that may be asked whether they have changed."""


class Correspondence:
    """Learns, from answers, pairs of ids, and holds to them: one stands for one, in every answer and every request.

    Args:
        pairs: ids known from the start, such as the folders.
    """

    def __init__(self, pairs: Mapping[str, str] | None = None) -> None:
        self._answered: dict[str, str] = {}
        self._recorded: dict[str, str] = {}
        self._pages: dict[str, str] = {}
        self._times: dict[str, tuple[Times, Times]] = {}
        for recorded, answered in (pairs or {}).items():
            self.pin(recorded, answered)

    def pin(self, recorded: str, answered: str) -> None:
        """Let an id stand for another."""
        self._answered[recorded] = answered
        self._recorded[answered] = recorded

    def answered_for(self, recorded: str) -> str | None:
        """The id that stands for a recorded one; None: that is not known yet."""
        return self._answered.get(recorded)

    def is_taken(self, answered: str) -> bool:
        """Whether an id stands for a recorded one already."""
        return answered in self._recorded

    def agrees(self, recorded: str, answered: str) -> bool:
        """Whether one id may stand for the other, which it does from now on if neither has had a part yet."""
        expected = self._answered.get(recorded)
        if expected is not None or answered in self._recorded:
            return expected == answered
        self.pin(recorded, answered)
        return True

    def learn_page(self, recorded: str, answered: str) -> None:
        """Remember which token leads to a page."""
        self._pages[recorded] = answered

    def page(self, recorded: str) -> str:
        """The token to send instead of a recorded one."""
        return self._pages.get(recorded, recorded)

    def rewritten(self, text: str) -> str:
        """The text with the ids in it that stand for the recorded ones."""
        return ID_IN_TEXT.sub(lambda found: self._answered.get(found[0], found[0]), text)

    def same_text(self, recorded: str, answered: str) -> bool:
        """Whether two texts say the same, each about its own ids."""
        if ID_IN_TEXT.sub(_kind_of, recorded) != ID_IN_TEXT.sub(_kind_of, answered):
            return False
        pairs = zip(ID_IN_TEXT.finditer(recorded), ID_IN_TEXT.finditer(answered), strict=True)
        return all(self._may_stand_for(was[0], now[0]) for was, now in pairs)

    def _may_stand_for(self, recorded: str, answered: str) -> bool:
        expected = self._answered.get(recorded)
        return recorded == answered if expected is None else expected == answered

    def moved(self, id_: str, recorded: Times, answered: Times) -> dict[str, tuple[bool, bool]]:
        """Which times have changed since a resource was shown before: for each, whether in the recording, and today.

        Empty for one that is shown for the first time.
        """
        before = self._times.get(id_)
        self._times[id_] = recorded, answered
        if before is None:
            return {}
        return {
            name: (recorded[name] != before[0][name], answered[name] != before[1][name])
            for name in TIMES
            if all(name in each for each in (recorded, answered, *before))
        }

    def forget_times(self, id_: str) -> None:
        """Ask no more whether the times of a resource have changed: what is wrong with them has been told."""
        self._times.pop(id_, None)


Times = dict[str, str]


def _kind_of(found: Match[str]) -> str:
    return found[1]


def ids_in(texts: Iterable[str]) -> set[str]:
    """The ids that texts hold."""
    return {found[0] for text in texts for found in ID_IN_TEXT.finditer(text)}


def same_kind(recorded: str, answered: str) -> bool:
    """Whether two ids have the same shape and prefix."""
    was, now = ID.fullmatch(recorded), ID.fullmatch(answered)
    return was is not None and now is not None and was[1] == now[1]
