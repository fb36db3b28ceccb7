"""Scrubbing an interaction: what goes into a cassette, and what is looked for in one, holds no secret.

Both sides of a match come through here, so that they stay alike; what has been scrubbed stays as it is. This is the
first of two rules. The second, in `secrets.py`, shares nothing with it and looks at what would be saved.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette import scrub_headers, scrub_json
from pytest_ycimages.cassette.bodies import Text, decoded, text_of
from pytest_ycimages.cassette.free_text import TextRules, json_without_secrets, without_secrets
from pytest_ycimages.cassette.interaction import Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.cassette.scrub_form import (
    credentials_in_form,
    form_without_secrets,
    uri_without_secrets,
    user_in,
)
from pytest_ycimages.cassette.scrub_headers import REQUEST_HEADERS, RESPONSE_HEADERS
from pytest_ycimages.cassette.scrub_literals import pattern_of, worth_knowing
from pytest_ycimages.cassette.scrub_markup import credentials_in_parts
from pytest_ycimages.cassette.scrub_names import is_credential
from pytest_ycimages.cassette.scrub_rules import NO_RULES, ScrubRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.interaction import Headers

_FORM: Final = "application/x-www-form-urlencoded"


class Scrubber:
    """Scrubs, and remembers every credential that it has seen, so that it goes wherever else it appears later.

    One for each recording or replay. Threads may share it.

    Args:
        known: credentials to begin with, such as the one from the environment. Those of fewer than 8 characters are
            only removed where their place or their shape gives them away.
        rules: what else is to be scrubbed.

    Attributes:
        allowed: expressions for what is no secret, for the detector to let pass.
    """

    def __init__(self, known: Iterable[str] = (), rules: ScrubRules = NO_RULES) -> None:
        self._lock = Lock()
        self._known = frozenset[str]()
        self.allowed = rules.allowed
        self._rules = TextRules(fields=rules.fields, patterns=rules.patterns)
        self._request_headers = REQUEST_HEADERS | rules.headers
        self._response_headers = RESPONSE_HEADERS | rules.headers
        self.learn(known)

    def __repr__(self) -> str:
        """How many credentials it knows; never which."""
        return f"Scrubber(<{len(self._known)} known>)"

    @property
    def known(self) -> frozenset[str]:
        """The credentials that it knows, for the detector to look for."""
        return self._known

    def learn(self, credentials: Iterable[str]) -> None:
        """Remember credentials."""
        new = worth_knowing(credentials) - self._known
        if new:
            with self._lock:
                known = self._known | new
                self._rules, self._known = self._rules._replace(known=pattern_of(known)), known

    def scrub(self, interaction: Interaction) -> Interaction:
        """The interaction without secrets, its bodies decoded.

        Raises:
            SecretFoundError: a body is encoded in a way that cannot be looked through.
        """
        request, response = _read(interaction.request), _read(interaction.response)
        self.learn(_credentials_of_request(interaction.request, request))
        self.learn(_credentials_of_response(interaction.response, response))
        return interaction._replace(
            request=self._clean_request(interaction.request, request),
            response=self._clean_response(interaction.response, response, interaction.request.method),
        )

    def scrub_request(self, request: RecordedRequest) -> RecordedRequest:
        """A request without secrets, to look for it in a cassette.

        Raises:
            SecretFoundError: its body is encoded in a way that cannot be looked through.
        """
        read = _read(request)
        self.learn(_credentials_of_request(request, read))
        return self._clean_request(request, read)

    def _clean_request(self, request: RecordedRequest, read: _Read) -> RecordedRequest:
        rules = self._rules
        return RecordedRequest(
            method=request.method,
            uri=uri_without_secrets(request.uri, rules),
            headers=_headers(read.headers, self._request_headers, rules),
            body=read.clean(rules),
        )

    def _clean_response(self, response: RecordedResponse, read: _Read, verb: str) -> RecordedResponse:
        rules = self._rules
        names = self._response_headers | scrub_headers.HEAD_HEADERS if verb == "HEAD" else self._response_headers
        return RecordedResponse(
            status=response.status,
            reason=without_secrets(response.reason, rules),
            headers=_headers(read.headers, names, rules),
            body=read.clean(rules),
        )


def scrub(interaction: Interaction, rules: ScrubRules = NO_RULES) -> Interaction:
    """An interaction without secrets, of which nothing is known but itself.

    Raises:
        SecretFoundError: a body is encoded in a way that cannot be looked through.
    """
    return Scrubber(rules=rules).scrub(interaction)


def scrub_request(request: RecordedRequest, rules: ScrubRules = NO_RULES) -> RecordedRequest:
    """A request without secrets, of which nothing is known but itself.

    Raises:
        SecretFoundError: its body is encoded in a way that cannot be looked through.
    """
    return Scrubber(rules=rules).scrub_request(request)


class _Read(NamedTuple):
    """A body as far as it can be read."""

    headers: Headers
    body: bytes
    content: Text
    document: scrub_json.Document | None
    is_form: bool

    def clean(self, rules: TextRules) -> bytes:
        """The body without secrets; the very same bytes, if there are none in it."""
        text = self.content.text
        if self.document:
            clean = json_without_secrets(self.document, rules)
        elif self.is_form:
            clean = form_without_secrets(text, rules)
        else:
            clean = without_secrets(text, rules)
        return self.body if clean == text else self.content.encoded(clean)

    def credentials(self) -> Iterator[str]:
        text = self.content.text
        if not text:
            return
        if self.document:
            yield from scrub_json.credentials_in(self.document.value)
            return
        if self.is_form or len(text.split(None, 1)) == 1:  # one word may be a form that does not say so
            yield from credentials_in_form(text)
        yield from credentials_in_parts(text, is_credential)


def _read(message: RecordedRequest | RecordedResponse) -> _Read:
    body, headers = decoded(message.body, message.headers)
    content = text_of(body)
    is_form = any(name == "content-type" and value.lower().startswith(_FORM) for name, value in headers)
    return _Read(headers, body, content, scrub_json.read_document(content.text), is_form)


def _headers(headers: Headers, names: frozenset[str], rules: TextRules) -> Headers:
    return tuple((name, without_secrets(value, rules)) for name, value in scrub_headers.kept(headers, names))


def _credentials_of_request(request: RecordedRequest, read: _Read) -> Iterator[str]:
    yield from scrub_headers.credentials_in(request.headers)
    yield from user_in(request.uri)
    yield from credentials_in_form(request.uri)
    yield from read.credentials()


def _credentials_of_response(response: RecordedResponse, read: _Read) -> Iterator[str]:
    yield from scrub_headers.credentials_in(response.headers)
    yield from read.credentials()
