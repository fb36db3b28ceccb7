"""Substitution of volatile values: a value of the recorded client, in later answers, becomes this client's value.

Only whole words are replaced, in the strings of a JSON body and in paths and queries: never part of an id or of another
name. A value that is too short to be unique, such as `7`, is only replaced in fields of its own name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import RecordedResponse
    from pytest_ycimages.cassette.requests import NormalizedRequest, Values

_WORD: Final = re.compile(r"[0-9A-Za-z_-]+")
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')
_AMBIGUOUS: Final = re.compile(r"[-_]*[0-9]*[-_]*|.{1,2}")
_FIXED: Final = frozenset({"@type", "status", "createdAt", "modifiedAt", "expiresAt"})
"""Fields that never hold a client's value."""


class Words:
    """Replacements of words, of phrases, and of values of single fields."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._of_field: dict[tuple[str, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self._words or self._phrases or self._of_field)

    def add(self, field: str, old: str, new: str) -> None:
        """Replace `old`, which a client sent in `field`, by `new`."""
        if not old:
            return
        if _AMBIGUOUS.fullmatch(old):
            self._of_field[field, old] = new
        elif _WORD.fullmatch(old):
            self._words[old] = new
        else:
            self._phrases[old] = new

    def in_text(self, text: str, field: str = "") -> str:
        """Return `text`, a value of `field`, with everything replaced at once: a replacement is not replaced again."""
        if (field, text) in self._of_field:
            return self._of_field[field, text]
        for phrase, new in self._phrases.items():
            if phrase in text:
                parts = re.split(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", text)
                if len(parts) > 1:
                    return new.join(map(self.in_text, parts))
        return _WORD.sub(lambda word: self._words.get(word[0], word[0]), text) if self._words else text

    def in_value(self, value: Any, field: str = "") -> Any:
        """Return a JSON value with everything replaced."""
        if isinstance(value, dict):
            return {name: self.in_value(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.in_value(each, field) for each in value]
        return self.in_text(value, field) if isinstance(value, str) and field not in _FIXED else value

    def in_json(self, text: str) -> str:
        """Return the text of a JSON value with everything replaced in its strings, and otherwise unchanged."""
        field = ""

        def replaced(found: re.Match[str]) -> str:
            nonlocal field
            if found[2]:
                field = found[1]
            elif field not in _FIXED:
                old = json.loads(f'"{found[1]}"', strict=False)
                new = self.in_text(old, field)
                if new != old:
                    return json.dumps(new, ensure_ascii=False)
            return found[0]

        return _JSON_STRING.sub(replaced, text)


class Substitution:
    """This client's values for those of the recorded client, so far."""

    def __init__(self) -> None:
        self._sent = Words()
        self._recorded = Words()

    def add(self, recorded: Values, sent: Values) -> None:
        """Pair each of the values `recorded` with the one of `sent`."""
        for (path, old), (_, new) in zip(recorded, sent, strict=False):
            field = path.rpartition(".")[2]
            self._sent.add(field, old, new)
            self._recorded.add(field, new, old)

    def recorded(self, request: NormalizedRequest) -> NormalizedRequest | None:
        """Return the request that the recorded client would have made; None: the same."""
        if not self._recorded:
            return None
        there = request._replace(
            path=self._recorded.in_text(request.path),
            query=tuple(sorted((name, self._recorded.in_text(value, name)) for name, value in request.query)),
            body=self._recorded.in_value(request.body),
        )
        return None if there == request else there

    def sent(self, response: RecordedResponse) -> RecordedResponse:
        """Return the answer for this client."""
        if not self._sent or not response.body:
            return response
        try:
            text = response.body.decode()
        except UnicodeDecodeError:
            return response
        new = (self._sent.in_json if text.lstrip()[:1] in {"{", "["} else self._sent.in_text)(text)
        if new == text:
            return response
        return with_body(response, new.encode())


def with_body(response: RecordedResponse, body: bytes) -> RecordedResponse:
    """Return `response` with another body, and with its length if there is such a header."""
    headers = tuple((name, str(len(body)) if name == "content-length" else value) for name, value in response.headers)
    return response._replace(body=body, headers=headers)
