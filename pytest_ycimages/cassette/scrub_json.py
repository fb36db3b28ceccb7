"""Scrubbing JSON: by the names of its fields, however deep, and every text in it. Its keys stay what they are.

A document in which nothing is a secret keeps the bytes it was sent with.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cassette.placeholders import EXPIRES_AT, IAM_TOKEN, SCRUBBED
from pytest_ycimages.cassette.scrub_names import EXPIRY_FIELDS, TOKEN_FIELDS, is_credential, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEEPEST: Final = 100
"""How deep objects and lists may be in each other to be read."""


class Rules(NamedTuple):
    """What is scrubbed in a document: what `names` a secret, and what `text` leaves of every other text in it."""

    names: Callable[[str], bool]
    text: Callable[[str], str]


class Document(NamedTuple):
    """JSON as it was sent, and what it says.

    Attributes:
        text: as it was sent.
        value: what it says.
        repeats: whether a name stands twice in an object, so that what the first one holds is only in the text.
    """

    text: str
    value: Any
    repeats: bool


def read_document(text: str) -> Document | None:
    """The JSON in a text: an object or a list; None if it is anything else."""
    if not text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    repeats = False

    def put_together(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeats
        found = dict(pairs)
        repeats = repeats or len(found) != len(pairs)
        return found

    try:
        value = json.loads(text.lstrip("\ufeff"), object_pairs_hook=put_together)
    except (ValueError, RecursionError):  # no JSON, or more of it than can be read: it is text like any other
        return None
    return None if _is_too_deep(value) else Document(text, value, repeats)


def credentials_in(value: Any, name: str = "") -> Iterator[str]:
    """The texts in fields that hold what opens something, also where a text is a document itself."""
    match value:
        case dict():
            for key, each in value.items():
                yield from credentials_in(each, key)
        case list():
            for each in value:
                yield from credentials_in(each, name)
        case str() if name and is_credential(name):
            yield value
        case str():
            inner = read_document(value)
            if inner:
                yield from credentials_in(inner.value)


def document_without_secrets(document: Document, rules: Rules) -> str:
    """The document's text without secrets, its numbers and the order of its names as they were."""
    clean = _clean(document.value, rules)
    if clean == document.value and not document.repeats:
        return document.text
    escapes = document.text.isascii() or "\\u" in document.text
    indent = 1 if "\n" in document.text.strip() else None
    return json.dumps(clean, ensure_ascii=escapes, indent=indent, separators=None if indent else (",", ":"))


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for children in inside for each in children if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def _clean(value: Any, rules: Rules) -> Any:
    match value:
        case str():
            return rules.text(value)
        case dict():
            clean = {rules.text(key): _field(key, each, rules) for key, each in value.items()}
            return _with_late_expiry(clean) if not TOKEN_FIELDS.isdisjoint(map(plain, clean)) else clean
        case list():
            return [_clean(each, rules) for each in value]
        case _:
            return value


def _field(name: str, value: Any, rules: Rules) -> Any:
    if plain(name) in TOKEN_FIELDS and isinstance(value, str) and value:
        return IAM_TOKEN
    return _hidden(value) if rules.names(name) else _clean(value, rules)


def _hidden(value: Any) -> Any:
    """Something of the same build, in which no text and no number is left."""
    match value:
        case dict():
            return {key: _hidden(each) for key, each in value.items()}
        case list():
            return [_hidden(each) for each in value]
        case "" | None | bool():
            return value
        case _:
            return SCRUBBED


def _with_late_expiry(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: EXPIRES_AT if plain(name) in EXPIRY_FIELDS and isinstance(value, str) else value
        for name, value in fields.items()
    }
