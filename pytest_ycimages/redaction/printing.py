"""Redaction of what is printed of requests and answers: the rules of cassettes, and the credentials of this process."""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import RequestMessage
from pytest_ycimages.redaction.credentials import (
    credentials_in_headers,
    pattern_of,
    without_credential,
    worth_knowing,
)
from pytest_ycimages.redaction.rules import (
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    RedactionRules,
    fields_of,
    fields_of_model,
)
from pytest_ycimages.redaction.shapes import SCRUBBED, is_secret
from pytest_ycimages.redaction.text import Redaction

if TYPE_CHECKING:
    from collections.abc import Mapping


_HARMLESS: Final = (
    REQUEST_HEADERS
    | RESPONSE_HEADERS
    | {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te", "transfer-encoding"}
)
_PART: Final = 10
"""Characters of a remembered credential that are redacted, too: texts show long values cut off."""
_remembered: set[str] = set()
_parts: set[str] = set()


def remember(credential: str) -> None:
    """Redact a credential, and any part of it, from everything that this process prints from now on.

    One of fewer than 8 characters is redacted only where names tell that it is one.
    """
    for each in worth_knowing((credential,)):
        _remembered.add(each)
        _parts.update(each[start : start + _PART] for start in range(len(each) - _PART + 1))


class Printing:
    """Redaction of texts for people.

    Args:
        headers: the headers of the request that the texts are about; credentials in them are removed from all of them.
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        own = credentials_in_headers(headers.items()) if headers else frozenset()
        self._redaction = Redaction(_rules_with(own | _remembered | _of_environment()))

    def text(self, text: str) -> str:
        """Return a text, such as that of an error, without secrets and parts of remembered credentials."""
        return _without_parts(self._redaction.text(text))

    def line(self, line: str) -> str:
        """Return a request line, such as `GET /compute/v1/images`, with the values of declared parameters only."""
        verb, space, uri = line.partition(" ")
        if not space:
            return self.text(line)
        exchange = fields_of(uri)
        return _without_parts(f"{verb} {self._redaction.uri(uri, exchange and exchange.request)}")

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return headers with placeholders for the values that a cassette does not keep."""
        return {name: self._header(name, value) for name, value in headers.items()}

    def _header(self, name: str, value: str) -> str:
        if name == "authorization":
            return without_credential(value)
        return self.text(value) if name in _HARMLESS else SCRUBBED

    def message(self, message: RequestMessage) -> dict[str, Any]:
        """Return the JSON form of a message with the values of declared fields only."""
        clean: dict[str, Any] = self._redaction.value(message.to_wire(), fields_of_model(type(message)))
        return clean


RequestMessage.to_print = lambda message: Printing().message(message)


def printed(text: str) -> str:
    """Return a text without secrets."""
    return Printing().text(text)


def _without_parts(text: str) -> str:
    """Return a text without any ten characters of a remembered credential."""
    starts = [at for at in range(len(text) - _PART + 1) if text[at : at + _PART] in _parts] if _parts else []
    pieces: list[str] = []
    end = 0
    for start in starts:
        if start >= end:
            pieces += text[end:start], SCRUBBED
        end = start + _PART
    return "".join([*pieces, text[end:]])


@lru_cache(maxsize=64)
def _rules_with(known: frozenset[str]) -> RedactionRules:
    return RedactionRules(known=pattern_of(known))


@cache
def _of_environment() -> frozenset[str]:
    """Return the values of variables with telling names, such as `YC_TOKEN`, at the first use; paths are none."""
    return worth_knowing(
        value for name, value in os.environ.items() if is_secret(name) and not value.startswith(("/", "~", "."))
    )
