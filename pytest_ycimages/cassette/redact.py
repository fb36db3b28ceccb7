"""Redaction of interactions by allow-list: declared fields stay, everything else becomes a placeholder.

Recordings and the requests that a replay looks for pass through the same rules, so that both sides of a match stay
alike. What has been redacted stays as it is.
"""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.bodies import ENCODING, UnreadableBodyError, decoded, text_of
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.redaction.credentials import (
    credentials_in_headers,
    credentials_in_text,
    pattern_of,
    without_credential,
    worth_knowing,
)
from pytest_ycimages.redaction.rules import (
    HEAD_HEADERS,
    NO_RULES,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    fields_of,
)
from pytest_ycimages.redaction.shapes import SCRUBBED
from pytest_ycimages.redaction.text import Redaction, TextRules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.model import Headers, Interaction, RecordedResponse
    from pytest_ycimages.redaction.rules import Fields, RedactionRules

_MESSAGE: Final = re.compile(r"(?=[\t\r\n\x20-\x7e]{1,1024}\Z)(?!\s*[{\[<])(?!.*(?:</|/>|form-data))", re.DOTALL)
"""A short message such as a refusal of the gateway."""
_PLACEHOLDER: Final = re.compile(re.escape(SCRUBBED) + r"(?: \([0-9]+ bytes\))?")
_EMPTY: Final = frozenset({"", "null", "true", "false"})


class Redactor:
    """Redacts interactions, and remembers every credential in them, to remove it wherever it occurs later.

    One for each recording or replay. Safe for threads.

    Args:
        known: credentials known from the start, such as the one from the environment. Those of fewer than 8 characters
            are only removed where their place or their shape gives them away.
        rules: rules of the user.
        hides_unreadable: whether a body that cannot be decoded becomes a placeholder, instead of an error.

    Attributes:
        known: the known credentials, for the detector.
        allowed: expressions for text that the detector accepts.
    """

    def __init__(
        self, known: Iterable[str] = (), rules: RedactionRules = NO_RULES, *, hides_unreadable: bool = False
    ) -> None:
        self._lock = Lock()
        self.known = frozenset[str]()
        self.allowed = rules.allowed
        self._rules = TextRules(fields=rules.fields, patterns=rules.patterns, keep=rules.keep)
        self._hides_unreadable = hides_unreadable
        self._request_headers = REQUEST_HEADERS | rules.headers
        self._response_headers = RESPONSE_HEADERS | rules.headers
        self.learn(known)

    def __repr__(self) -> str:
        """Show the number of known credentials, never their text."""
        return f"Redactor(<{len(self.known)} known>)"

    def learn(self, credentials: Iterable[str]) -> bool:
        """Remember credentials that are worth knowing; return whether one of them was new."""
        return self._learn(worth_knowing(credentials))

    def _learn(self, credentials: frozenset[str]) -> bool:
        if credentials <= self.known:
            return False
        with self._lock:
            self.known |= credentials
            self._rules = self._rules._replace(known=pattern_of(self.known))
        return True

    def scrub(self, interaction: Interaction) -> Interaction:
        """Return the interaction without secrets, its bodies decoded.

        Raises:
            UnreadableBodyError: a body has an encoding that cannot be decoded.
        """
        request, response = interaction.request, interaction.response
        self._learn(credentials_in_headers(response.headers))
        fields = fields_of(request.uri)
        names = self._response_headers | HEAD_HEADERS if request.method == "HEAD" else self._response_headers
        while True:
            clean, pass_ = self.scrub_request(request), Redaction(self._rules)
            headers, body = self._message(pass_, response, names, fields and fields.response)
            if not pass_.found or not self.learn(pass_.found):
                answer = response._replace(reason=pass_.text(response.reason), headers=headers, body=body)
                return interaction._replace(request=clean, response=answer)

    def scrub_request(self, request: RecordedRequest) -> RecordedRequest:
        """Return a request without secrets, to look for it in a cassette.

        Raises:
            UnreadableBodyError: its body has an encoding that cannot be decoded.
        """
        self._learn(credentials_in_headers(request.headers))
        exchange = fields_of(request.uri)
        fields = exchange and exchange.request
        while True:
            pass_ = Redaction(self._rules)
            uri = pass_.uri(request.uri, fields)
            headers, body = self._message(pass_, request, self._request_headers, fields)
            if not pass_.found or not self.learn(pass_.found):
                return request._replace(uri=uri, headers=headers, body=body)

    def _message(
        self,
        pass_: Redaction,
        message: RecordedRequest | RecordedResponse,
        names: frozenset[str],
        fields: Fields | None,
    ) -> tuple[Headers, bytes]:
        """Return headers and body without secrets."""
        body, headers = message.body, message.headers
        if ENCODING in dict(headers):
            try:
                body, headers = decoded(body, headers)
            except UnreadableBodyError:
                if not self._hides_unreadable:
                    raise
                return (), SCRUBBED.encode()
        kept = [
            (name, without_credential(value) if name == "authorization" else pass_.text(value))
            for name, value in headers
            if name in names
        ]
        return tuple(kept), _body(
            pass_, body, fields, is_request=isinstance(message, RecordedRequest)
        ) if body else body


def _body(pass_: Redaction, body: bytes, fields: Fields | None, *, is_request: bool) -> bytes:
    """Return a body without secrets: JSON by its fields, a short message as text, anything else as a placeholder."""
    text, charset = text_of(body)
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["} and fields is not None:
        clean = pass_.json(text, fields)
        if clean is not None:
            return body if clean is text else clean.encode(charset, "surrogatepass")
    pass_.found += credentials_in_text(text)
    if text.strip() in _EMPTY or _PLACEHOLDER.fullmatch(text):
        return body
    if is_request or not _MESSAGE.match(text):
        return f"{SCRUBBED} ({len(body)} bytes)".encode()
    return pass_.text(text).encode()
