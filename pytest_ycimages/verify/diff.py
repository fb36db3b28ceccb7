"""Two JSON values side by side: what differs at which path. See `comparison` for what is compared by its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.verify.difference import Difference, Kind, shown_value
from pytest_ycimages.verify.forms import ID, ID_FIELDS, TIME, UUID, time_form
from pytest_ycimages.verify.normalize import TIMES, same_kind
from pytest_ycimages.verify.pairing import orders_of, pairs_by_id, pairs_by_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.verify.normalize import Correspondence

    Wire = dict[str, Any]
    Differences = Iterator[Difference]

_SCRUBBED: Final = "SCRUBBED"
"""A part of what stands where a secret was."""
_UNORDERED: Final = "labels"
"""A map, whose keys are the user's."""
_MOVED: Final = {False: "as it was before", True: "another than before"}
_EQUAL: Final = {False: "later than createdAt", True: "equal to createdAt"}
_DRAWN: Final = frozenset({"nextPageToken", "iamToken"})
"""Fields that say something else each time, of no form that is known."""


class Sides(NamedTuple):
    """What must be known of the two answers as wholes. Of pairs, the recorded one comes first.

    Attributes:
        request_ids: their headers `x-request-id`.
        order: the field that a list was to be ordered by.
        is_page: whether other pages of a list may hold what one of them lacks.
    """

    request_ids: tuple[str, ...] = ("", "")
    order: str = "id"
    is_page: bool = False


def differences_of(recorded: Any, answered: Any, sides: Sides, known: Correspondence) -> Differences:
    """What differs between two JSON bodies."""
    return _Walk(sides, known).value("body", "", recorded, answered)


class _Walk:
    """A walk through two values at once."""

    def __init__(self, sides: Sides, known: Correspondence) -> None:
        self._sides = sides
        self._known = known

    def value(self, path: str, name: str, was: Any, now: Any) -> Differences:
        """What differs between two values; `name` is that of their field."""
        if _type(was) != _type(now):
            yield Difference(path, shown_value(was), shown_value(now), Kind.TYPE)
        elif isinstance(was, dict):
            yield from self._object(path, name, was, now)
        elif isinstance(was, list):
            yield from self._items(path, name, was, now)
        elif isinstance(was, str):
            yield from self._text(path, name, was, now)
        elif was != now:
            yield Difference(path, shown_value(was), shown_value(now), Kind.VALUE)

    def _object(self, path: str, name: str, was: Wire, now: Wire) -> Differences:
        for key, value in was.items():
            if key in now:
                yield from self.value(f"{path}.{key}", key, value, now[key])
            else:
                yield Difference(f"{path}.{key}", shown_value(value), "", Kind.MISSING)
        for key, value in now.items():
            if key not in was:
                yield Difference(f"{path}.{key}", "", shown_value(value), Kind.EXTRA)
        yield from self._times(path, was, now)
        before, after = [key for key in was if key in now], [key for key in now if key in was]
        if before != after and name != _UNORDERED:
            yield Difference(path, ", ".join(before), ", ".join(after), Kind.ORDER)

    def _text(self, path: str, name: str, was: str, now: str) -> Differences:
        found: Kind | None = None
        if _SCRUBBED in was or name in _DRAWN:
            if name == "nextPageToken":
                self._known.learn_page(was, now)
        elif name in ID_FIELDS and ID.fullmatch(was):
            found = self._id(was, now)
        elif TIME.fullmatch(was):
            found = None if time_form(was) == time_form(now) else Kind.FORM
        elif UUID.fullmatch(was):
            found = self._uuid(name, was, now)
        elif not self._known.same_text(was, now):
            found = Kind.VALUE
        if found is not None:
            yield Difference(path, shown_value(was), shown_value(now), found)

    def _id(self, was: str, now: str) -> Kind | None:
        is_new = self._known.answered_for(was) is None
        if not self._known.agrees(was, now):
            return Kind.IDENTITY
        return Kind.FORM if is_new and not same_kind(was, now) else None

    def _uuid(self, name: str, was: str, now: str) -> Kind | None:
        before, after = self._sides.request_ids
        if not UUID.fullmatch(now) or (name == "requestId" and before and (was == before) is not (now == after)):
            return Kind.FORM
        return None

    def _times(self, path: str, was: Wire, now: Wire) -> Differences:
        """What differs in how the times of a resource relate to each other, and to those that it had before."""
        id_ = str(was.get("id", ""))
        before, after = ({name: str(each[name]) for name in TIMES if name in each} for each in (was, now))
        if any(time_form(before[name]) != time_form(after[name]) for name in before.keys() & after.keys()):
            self._known.forget_times(id_)
            return
        found = [
            Difference(f"{path}.{name}", _MOVED[recorded], _MOVED[answered], Kind.FORM)
            for name, (recorded, answered) in (self._known.moved(id_, before, after) if before else {}).items()
            if recorded is not answered
        ]
        if len(before) == len(after) == len(TIMES) and not found:
            recorded, answered = (len(set(each.values())) == 1 for each in (before, after))
            if recorded is not answered:
                found.append(Difference(f"{path}.modifiedAt", _EQUAL[recorded], _EQUAL[answered], Kind.FORM))
        if found:
            self._known.forget_times(id_)
            yield found[0]

    def _items(self, path: str, name: str, was: list[Any], now: list[Any]) -> Differences:
        by_id, by_type = (
            all(isinstance(each, dict) and key in each for each in (*was, *now)) for key in ("id", "@type")
        )
        if not by_id:
            pairs = pairs_by_type(was, now) if by_type else tuple(zip(range(len(was)), range(len(now)), strict=False))
            yield from self._pairs(path, was, now, pairs)
            return
        pairs, elsewhere = pairs_by_id(was, now, self._known, is_page=self._sides.is_page)
        yield from self._pairs(path, was, now, pairs, elsewhere)
        before, after = orders_of(was, now, pairs, "" if name == "operations" else self._sides.order)
        if not before & after:
            yield Difference(path, min(before), min(after), Kind.ORDER)

    def _pairs(
        self,
        path: str,
        was: list[Any],
        now: list[Any],
        pairs: tuple[tuple[int, int], ...],
        elsewhere: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset()),
    ) -> Differences:
        """What differs within pairs of items, and the items that are in no pair and may be nowhere else."""
        for before, after in pairs:
            yield from self.value(f"{path}[{before}]", "", was[before], now[after])
        for number in set(range(len(was))) - {before for before, _ in pairs} - elsewhere[0]:
            yield Difference(f"{path}[{number}]", shown_value(was[number]), "", Kind.MISSING)
        for number in set(range(len(now))) - {after for _, after in pairs} - elsewhere[1]:
            yield Difference(f"{path}[{number}]", "", shown_value(now[number]), Kind.EXTRA)


def _type(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__
