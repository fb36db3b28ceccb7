"""Which item of an answered list is which of the recorded one, and how both lists are ordered."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ycimages.verify.normalize import Correspondence

    Pairs = tuple[tuple[int, int], ...]
    Items = list[dict[str, Any]]


def pairs_by_type(was: Items, now: Items) -> Pairs:
    """Pairs of packed messages of one type, each taken once: recorded place, answered place."""
    left = dict(enumerate(now))
    pairs = []
    for place, item in enumerate(was):
        found = next((number for number, other in left.items() if other["@type"] == item["@type"]), None)
        if found is not None:
            pairs.append((place, found))
            del left[found]
    return tuple(pairs)


def pairs_by_id(
    was: Items, now: Items, known: Correspondence, *, is_page: bool
) -> tuple[Pairs, tuple[frozenset[int], frozenset[int]]]:
    """Pairs of resources, and the places of those that must be on other pages.

    Ids of which nothing is known yet stand for each other in the order in which they come. Since other ids sort
    otherwise, a page may hold resources of which the other side's page holds as many others.
    """
    places = {item["id"]: place for place, item in enumerate(now)}
    stands_for = [known.answered_for(item["id"]) or (item["id"] if item["id"] in places else None) for item in was]
    pairs = [(place, places[id_]) for place, id_ in enumerate(stands_for) if id_ in places]
    paired = {after for _, after in pairs}
    fresh = [place for place, item in enumerate(now) if place not in paired and not known.is_taken(item["id"])]
    unknown = [place for place, id_ in enumerate(stands_for) if id_ is None]
    pairs += zip(unknown, fresh, strict=False)
    if not is_page:
        return tuple(sorted(pairs)), (frozenset(), frozenset())
    rest = tuple(
        [place for place in range(len(side)) if place not in {pair[which] for pair in pairs}]
        for which, side in enumerate((was, now))
    )
    common = min(map(len, rest))
    return tuple(sorted(pairs)), (frozenset(rest[0][:common]), frozenset(rest[1][:common]))


def orders_of(was: Items, now: Items, pairs: Pairs, field: str) -> tuple[frozenset[str], frozenset[str]]:
    """The orders that each list may be said to be in; without a field, whether the second is in that of the first."""
    if field:
        return _orders([item.get(field) for item in was], field), _orders([item.get(field) for item in now], field)
    as_recorded = frozenset({"as recorded"})
    answered = [after for _, after in pairs]
    return as_recorded, as_recorded if answered == sorted(answered) else frozenset({"in another order"})


def _orders(values: list[Any], field: str) -> frozenset[str]:
    texts = [str(value) for value in values]
    orders = {
        f"ascending by {field}": all(first <= second for first, second in pairwise(texts)),
        f"descending by {field}": all(first >= second for first, second in pairwise(texts)),
    }
    return frozenset(name for name, holds in orders.items() if holds) or frozenset({f"not by {field}"})
