"""When two requests are the same request: by a key, so that the size of a cassette has no part in what a look-up costs.

Bodies are compared as JSON: order, spaces and escapes mean nothing, and an int64 may be a number or a string. Where a
volatile value stands, the key has the pattern instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic.alias_generators import to_camel

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.cassette.volatile import NOT_VOLATILE

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.volatile import Values, Volatile

INT64: Final = frozenset(
    name
    for contract in CONTRACTS.values()
    for request in contract.requests.values()
    for field, about in request.model_fields.items()
    if about.annotation is int
    for name in (field, to_camel(field))
)
"""The fields of requests that the contract has as int64, in either spelling."""

_INTEGER: Final = re.compile(r"-?\d+", re.ASCII)


class Match(NamedTuple):
    """How a request is found.

    Attributes:
        key: equal for requests that are the same.
        volatile: the volatile values in it, in the order of the rules; requests with equal keys have equally many.
    """

    key: Hashable
    volatile: Values = ()


def match_of(asked: Asked, volatile: Volatile = NOT_VOLATILE) -> Match:
    """How `asked` is found."""
    if asked.is_token_exchange:
        return Match((asked.method, asked.host, asked.path))
    found = volatile.found_in(asked)
    key = asked.method, asked.host, found.asked.path, found.asked.query, _body(found.asked)
    return Match(key, found.values)


def _body(asked: Asked) -> Hashable:
    body = asked.body
    if isinstance(body, dict) and not INT64.isdisjoint(body):
        body = {name: _int64(value) if name in INT64 else value for name, value in body.items()}
    return canonical(body)


def _int64(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value


def canonical(value: Any) -> Hashable:
    """A JSON value as one that can be hashed, equal for values that are equal as JSON."""
    if isinstance(value, dict):
        return "{}", *((name, canonical(value[name])) for name in sorted(value))
    if isinstance(value, list):
        return "[]", *map(canonical, value)
    if isinstance(value, bool):  # for Python, true is 1
        return "bool", value
    scalar: Hashable = value
    return scalar


def flat(asked: Asked) -> Mapping[str, Any]:
    """Everything that is compared, one value for each path, such as `body.labels.env`: for saying what differs."""
    parts: dict[str, Any] = {"method": asked.method, "path": asked.path}
    if asked.host:
        parts["host"] = asked.host
    for name, value in asked.query:
        parts[_unlike(f"query.{name}", parts)] = value
    _flatten("body", asked.body, parts)
    return parts


def _flatten(path: str, value: Any, parts: dict[str, Any]) -> None:
    if isinstance(value, dict) and (value or path == "body"):
        for name, each in value.items():
            _flatten(f"{path}.{name}", _int64(each) if name in INT64 and path == "body" else each, parts)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            _flatten(f"{path}[{number}]", each, parts)
    else:
        parts[path] = value


def _unlike(name: str, parts: Mapping[str, Any]) -> str:
    """A name for a query parameter that comes again."""
    number = 2
    unlike = name
    while unlike in parts:
        unlike, number = f"{name} ({number})", number + 1
    return unlike
