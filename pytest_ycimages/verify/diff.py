"""Differences between a recorded response and today's, field by field, after normalization."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from operator import eq
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.api.status import error_code
from pytest_ycimages.cassette.requests import json_value, normalize
from pytest_ycimages.verify.normalize import EXACT, NEXT_PAGE, TIMES, UUID, Kind, layouts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ycimages.cassette.model import Interaction, RecordedResponse
    from pytest_ycimages.verify.normalize import IdMap

    Wire = dict[str, Any]
    Items = list[Any]
    Pairs = list[tuple[int, int]]


class Difference(NamedTuple):
    """A field that differs.

    Attributes:
        field: such as `status`, `headers.content-type`, `body.metadata.imageId`, `body.images[0]`.
        recorded: the recorded value, as JSON or in words; empty if it is missing.
        answered: today's value in the same form.
        kind: what is different.
    """

    field: str
    recorded: str
    answered: str
    kind: Kind


_REFUSED: Final = 400
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
_REQUEST_ID: Final = "x-request-id"
_TRACE_ID: Final = "x-server-trace-id"
_TRACE: Final = re.compile(r"([0-9a-f]{1,16}):[0-9a-f]{1,16}:\1:1")
_UNORDERED: Final = "labels"

_SAME: Final[dict[str, Callable[[str, str], bool]]] = {
    "content-type": eq,
    "allow": eq,
    "retry-after": lambda was, now: was == now or not (_NUMBER.fullmatch(was) or _NUMBER.fullmatch(now)),
    "x-operation-poll-interval": eq,
    _REQUEST_ID: lambda was, now: not UUID.fullmatch(was) or UUID.fullmatch(now) is not None,
    _TRACE_ID: lambda was, now: bool(_TRACE.fullmatch(was)) is bool(_TRACE.fullmatch(now)),
}
HEADERS: Final = tuple(_SAME)
"""The headers that are compared: some by value, dates and ids by form, and those that differ each time by presence."""


def diff(
    interaction: Interaction, answered: RecordedResponse, ids: IdMap, *, whole: bool = True
) -> tuple[Difference, ...]:
    """Return the differences between the recorded response and today's, in the order of the response.

    Args:
        interaction: the recorded request and response.
        answered: today's response to the same request.
        ids: the counterparts of recorded ids; it learns the new ones.
        whole: whether the recording has every header and the white space of the body.
    """
    recorded = interaction.response
    status = _diff_status(recorded, answered)
    if (recorded.status < _REFUSED) is not (answered.status < _REFUSED):
        return status
    return (
        *status,
        *_diff_headers(recorded, answered, whole=whole),
        *_diff_bodies(interaction, answered, ids, whole=whole),
    )


def _diff_status(recorded: RecordedResponse, answered: RecordedResponse) -> tuple[Difference, ...]:
    if recorded.status == answered.status:
        return ()
    return (Difference("status", _status_text(recorded), _status_text(answered), Kind.VALUE),)


def _status_text(response: RecordedResponse) -> str:
    """Return the status of a response, and the code and message of a refusal."""
    body = json_value(response.body)
    if not isinstance(body, dict) or response.status < _REFUSED:
        return str(response.status)
    code = error_code(body)
    return f"{response.status}{f' {code}' if code else ''} {body.get('message', '')}".rstrip()


def _diff_headers(recorded: RecordedResponse, answered: RecordedResponse, *, whole: bool) -> Iterator[Difference]:
    was, now = dict(recorded.headers), dict(answered.headers)
    for name, are_same in _SAME.items() if was else ():  # a recording may have no headers at all
        field, before, after = f"headers.{name}", was.get(name), now.get(name)
        if before is None:
            if after is not None and whole:
                yield Difference(field, "", after, Kind.EXTRA)
        elif after is None:
            yield Difference(field, before, "", Kind.MISSING)
        elif not are_same(before, after):
            yield Difference(field, before, after, Kind.FORM if name in {_REQUEST_ID, _TRACE_ID} else Kind.VALUE)


def _diff_bodies(
    interaction: Interaction, answered: RecordedResponse, ids: IdMap, *, whole: bool
) -> Iterator[Difference]:
    recorded = interaction.response
    before, after = json_value(recorded.body), json_value(answered.body)
    if isinstance(before, bytes) or isinstance(after, bytes):
        was, now = _body_text(before), _body_text(after)
        if type(before) is not type(after):
            yield Difference("body", was, now, Kind.TYPE)
        elif ids.rewrite(was) != now:
            yield Difference("body", was, now, Kind.VALUE)
        return
    yield from _JsonDiff(interaction, answered, ids).value("body", "", before, after)
    if whole and isinstance(before, dict | list):
        was_laid, now_laid = layouts_of(recorded.body, before), layouts_of(answered.body, after)
        if not {*was_laid} & {*now_laid}:
            yield Difference("body", was_laid[0], now_laid[0], Kind.WHITESPACE)


def _body_text(body: Any) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else as_text(body)


class _JsonDiff:
    """The comparison of the JSON bodies of a recorded and of today's response."""

    def __init__(self, interaction: Interaction, answered: RecordedResponse, ids: IdMap) -> None:
        query, responses = normalize(interaction.request).parameters, (interaction.response, answered)
        bodies = [json_value(each.body) for each in responses]
        self._ids = ids
        self._request_ids: Any = [dict(each.headers).get(_REQUEST_ID, "") for each in responses]
        self._order = query.get("orderBy", "").partition(" ")[0].replace("created_at", "createdAt") or "id"
        # Other pages of a list may have the items that one of them lacks.
        self._is_page = any(
            (query.get("pageToken"), *(each.get(NEXT_PAGE) for each in bodies if isinstance(each, dict)))
        )

    def value(self, path: str, name: str, was: Any, now: Any) -> Iterator[Difference]:
        """Return the differences between two values of the field `name`."""
        if _type(was) != _type(now):
            yield Difference(path, as_text(was), as_text(now), Kind.TYPE)
        elif isinstance(was, dict):
            yield from self._objects(path, name, was, now)
        elif isinstance(was, list):
            yield from self._lists(path, name, was, now)
        elif isinstance(was, str):
            normal = self._ids.normalize(name, was, now, self._request_ids)
            if normal.recorded != normal.answered:
                yield Difference(path, as_text(was), as_text(now), normal.kind)
        elif was != now:
            yield Difference(path, as_text(was), as_text(now), Kind.VALUE)

    def _objects(self, path: str, name: str, was: Wire, now: Wire) -> Iterator[Difference]:
        exact = TIMES if "modifiedAt" in was else ()
        for key in {**was, **now}:
            if key not in now:
                yield Difference(f"{path}.{key}", as_text(was[key]), "", Kind.MISSING)
            elif key not in was:
                yield Difference(f"{path}.{key}", "", as_text(now[key]), Kind.EXTRA)
            else:
                yield from self.value(f"{path}.{key}", EXACT if key in exact else key, was[key], now[key])
        if relation := self._ids.time_relation(was, now):
            yield Difference(f"{path}.{relation[0]}", *relation[1:], Kind.FORM)
        before, after = [key for key in was if key in now], [key for key in now if key in was]
        if before != after and name != _UNORDERED:
            yield Difference(path, ", ".join(before), ", ".join(after), Kind.ORDER)

    def _lists(self, path: str, name: str, was: Items, now: Items) -> Iterator[Difference]:
        if not _all_have("id", was, now):
            by_type = _all_have("@type", was, now)
            pairs = _pairs_by_type(was, now) if by_type else [(each, each) for each in range(min(len(was), len(now)))]
            yield from self._items(path, was, now, pairs)
            return
        pairs = _pairs_by_id(was, now, self._ids)
        yield from self._items(path, was, now, pairs, is_page=self._is_page)
        if name != "operations":
            before, after = _orders_by(self._order, was), _orders_by(self._order, now)
            if not before & after:
                yield Difference(path, min(before), min(after), Kind.ORDER)
        elif any(first > second for (_, first), (_, second) in pairwise(pairs)):
            yield Difference(path, "as recorded", "in another order", Kind.ORDER)

    def _items(self, path: str, was: Items, now: Items, pairs: Pairs, *, is_page: bool = False) -> Iterator[Difference]:
        """Return the differences within pairs, and the items without a pair.

        Ids sort differently today, so of a page as many items on each side may have their counterparts on other pages.
        """
        for before, after in pairs:
            yield from self.value(f"{path}[{before}]", "", was[before], now[after])
        sides = zip((was, now), ([before for before, _ in pairs], [after for _, after in pairs]), strict=True)
        alone = [sorted({*range(len(items))} - set(paired)) for items, paired in sides]
        elsewhere = min(map(len, alone)) if is_page else 0
        for number in alone[0][elsewhere:]:
            yield Difference(f"{path}[{number}]", as_text(was[number]), "", Kind.MISSING)
        for number in alone[1][elsewhere:]:
            yield Difference(f"{path}[{number}]", "", as_text(now[number]), Kind.EXTRA)


def as_text(value: Any) -> str:
    """Return a JSON value in one line."""
    return json.dumps(value, ensure_ascii=False)


def _type(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__


def _all_have(key: str, *lists: Items) -> bool:
    return all(isinstance(item, dict) and key in item for items in lists for item in items)


def _pairs_by_type(was: Items, now: Items) -> Pairs:
    """Return pairs of places of messages of one type, each message in one pair only."""
    pairs: Pairs = []
    rest = dict(enumerate(now))
    for place, item in enumerate(was):
        found = next((number for number, other in rest.items() if other["@type"] == item["@type"]), None)
        if found is not None:
            pairs.append((place, found))
            del rest[found]
    return pairs


def _pairs_by_id(was: Items, now: Items, ids: IdMap) -> Pairs:
    """Return pairs of places of resources; unknown ids are paired in their order of appearance."""
    places = {item["id"]: place for place, item in enumerate(now)}
    today = [ids.today(item["id"]) or (item["id"] if item["id"] in places else None) for item in was]
    pairs = [(place, places[id_]) for place, id_ in enumerate(today) if id_ in places]
    paired = {after for _, after in pairs}
    fresh = [place for place, item in enumerate(now) if place not in paired and not ids.is_taken(item["id"])]
    unknown = [place for place, id_ in enumerate(today) if id_ is None]
    return sorted([*pairs, *zip(unknown, fresh, strict=False)])


def _orders_by(field: str, items: Items) -> frozenset[str]:
    """Return the orders that a list is in."""
    values = [str(item.get(field)) for item in items]
    orders = {
        f"ascending by {field}": all(first <= second for first, second in pairwise(values)),
        f"descending by {field}": all(first >= second for first, second in pairwise(values)),
    }
    return frozenset(name for name, holds in orders.items() if holds) or frozenset({f"not by {field}"})
