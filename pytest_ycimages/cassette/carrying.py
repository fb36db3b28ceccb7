"""Carries volatile values over: what the recorded client sent, in what was recorded later, becomes what this one sent.

Only whole words are replaced, in the strings of a JSON body and in paths and queries: never part of an id or of another
name. A value that says little, such as `7`, is only replaced in fields of its own name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.interaction import RecordedResponse
    from pytest_ycimages.cassette.volatile import Values

_WORD: Final = re.compile(r"[0-9A-Za-z_-]+")
_JSON_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?')
_SAYS_LITTLE: Final = re.compile(r"[-_]*[0-9]*[-_]*|.{1,2}")
_FIXED: Final = frozenset({"@type", "status", "createdAt", "modifiedAt", "expiresAt"})
"""Fields that no client's value ever gets into."""


class Words:
    """What stands for what."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._of_field: dict[tuple[str, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self._words or self._phrases or self._of_field)

    def add(self, field: str, old: str, new: str) -> None:
        """Let `new` stand for `old`, which a client sent in `field`."""
        if not old:
            return
        if _SAYS_LITTLE.fullmatch(old):
            self._of_field[field, old] = new
        elif _WORD.fullmatch(old):
            self._words[old] = new
        else:
            self._phrases[old] = new

    def in_text(self, text: str, field: str = "") -> str:
        """`text`, which stands in `field`, with everything replaced at once: what has been put in stays as it is."""
        if (field, text) in self._of_field:
            return self._of_field[field, text]
        for phrase, new in self._phrases.items():
            if phrase in text:
                parts = re.split(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", text)
                if len(parts) > 1:
                    return new.join(map(self.in_text, parts))
        return _WORD.sub(lambda word: self._words.get(word[0], word[0]), text) if self._words else text

    def in_value(self, value: Any, field: str = "") -> Any:
        """A JSON value with everything replaced."""
        if isinstance(value, dict):
            return {name: self.in_value(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.in_value(each, field) for each in value]
        return self.in_text(value, field) if isinstance(value, str) and field not in _FIXED else value

    def in_json(self, text: str) -> str:
        """The text of a JSON value with everything replaced in its strings, and otherwise as it is."""
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


class Carrying:
    """What this client has sent for what the recorded one had sent, so far."""

    def __init__(self) -> None:
        self._sent = Words()
        self._recorded = Words()

    def add(self, recorded: Values, sent: Values) -> None:
        """Note that for each of the values `recorded` there came the one of `sent`."""
        for (path, old), (_, new) in zip(recorded, sent, strict=False):
            field = path.rpartition(".")[2]
            self._sent.add(field, old, new)
            self._recorded.add(field, new, old)

    def recorded(self, asked: Asked) -> Asked | None:
        """What the recorded client would have asked, if that is something else."""
        if not self._recorded:
            return None
        there = asked._replace(
            path=self._recorded.in_text(asked.path),
            query=tuple(sorted((name, self._recorded.in_text(value, name)) for name, value in asked.query)),
            body=self._recorded.in_value(asked.body),
        )
        return None if there == asked else there

    def sent(self, response: RecordedResponse) -> RecordedResponse:
        """The answer that this client gets instead of the recorded one."""
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
    """`response` with another body, and with its length if it tells that."""
    headers = tuple((name, str(len(body)) if name == "content-length" else value) for name, value in response.headers)
    return response._replace(body=body, headers=headers)
