"""Volatile values: fields of a request that differ from run to run, by the patterns that they fit.

The words are those of `where=` in faults: the path of a field of body or query, and a glob. Two values that both
fit it are equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.rule import text_of

if TYPE_CHECKING:
    from pytest_ycimages.cassette.asked import Asked


Values = tuple[tuple[str, str], ...]
"""Volatile values, each behind the path of its field."""


class Found(NamedTuple):
    """A request with patterns where its volatile values were, and those values."""

    asked: Asked
    values: Values


class _Rule(NamedTuple):
    path: str
    pattern: str
    fits: re.Pattern[str]


class Volatile:
    """The rules for volatile values.

    Args:
        rules: the path of a field of the body or the query, such as `labels.build` -> a glob, such as `*`.

    Raises:
        UsageError: there can be no such rule; the text says what would do.
    """

    def __init__(self, rules: Mapping[str, str] | None = None) -> None:
        self.rules = dict(_checked(rules or {}))
        self._rules = [_Rule(path, glob, re.compile(translate(glob))) for path, glob in self.rules.items()]

    def __repr__(self) -> str:
        """The rules as they are written."""
        return repr(self.rules)

    def found_in(self, asked: Asked) -> Found:
        """`asked` with the pattern of each value that fits one, and these values."""
        values: list[tuple[str, str]] = []
        for rule in self._rules:
            query = _in_query(asked.query, rule, values)
            asked = asked._replace(query=query, body=_in_body(asked.body, rule.path, rule, values))
        return Found(asked, tuple(values))


def _checked(rules: object) -> Mapping[str, str]:
    if not isinstance(rules, Mapping):
        raise UsageError(
            f"volatile={rules!r} cannot be: give a dict of fields and patterns, such as {{'name': 'bake-*'}}."
        )
    for path, glob in rules.items():
        if not isinstance(path, str) or not isinstance(glob, str) or not path:
            raise UsageError(
                f"volatile={{{path!r}: {glob!r}}} cannot be: field and pattern are text, such as {{'name': 'bake-*'}}."
            )
        if path.startswith("header."):
            raise UsageError(
                f"volatile={{{path!r}: {glob!r}}} cannot be: headers are never compared. "
                "Name a field of the body or the query."
            )
    return rules


def _in_query(
    query: tuple[tuple[str, str], ...], rule: _Rule, values: list[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    return tuple((name, _masked(value, rule, values) if name == rule.path else value) for name, value in query)


def _in_body(body: Any, path: str, rule: _Rule, values: list[tuple[str, str]]) -> Any:
    """`body` with the pattern in place of what is at `path`, if it fits; keys of a map may have dots themselves."""
    if not isinstance(body, dict):
        return body
    name, _, rest = path.partition(".")
    if path in body:
        return {**body, path: _masked_at(body[path], rule, values)}
    if rest and name in body:
        return {**body, name: _in_body(body[name], rest, rule, values)}
    return body


def _masked_at(value: Any, rule: _Rule, values: list[tuple[str, str]]) -> Any:
    if isinstance(value, list):
        return [_masked_at(each, rule, values) for each in value]
    return value if value is None or isinstance(value, dict) else _masked(value, rule, values)


def _masked(value: Any, rule: _Rule, values: list[tuple[str, str]]) -> Any:
    """The pattern, if the value fits it."""
    text = text_of(value)
    if not rule.fits.match(text):
        return value
    values.append((rule.path, text))
    return "volatile", rule.pattern  # no JSON value is a tuple


NOT_VOLATILE: Final = Volatile()
"""No rule: every value counts."""
