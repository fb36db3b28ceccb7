"""Redaction of interactions by allow-list: declared fields stay, everything else becomes a placeholder.

Recordings and the requests that a replay looks for pass through the same rules, so that both sides of a match stay
alike. What has been redacted stays as it is.
"""

from __future__ import annotations

import json
import re
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from pytest_ycimages.cassette.bodies import ENCODING, decoded, text_of
from pytest_ycimages.cassette.credentials import (
    credentials_in_headers,
    credentials_in_text,
    pattern_of,
    user_of,
    without_credential,
    worth_knowing,
)
from pytest_ycimages.cassette.free_text import (
    USER,
    TextRules,
    has_repeated_name,
    parameter_without_secrets,
    path_without_secrets,
    rules_for,
    text_without_secrets,
)
from pytest_ycimages.cassette.model import Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.cassette.redaction_rules import (
    EXPIRY,
    HEAD_HEADERS,
    NO_RULES,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    SECRET,
    TEXT,
    TOKEN,
    UNKNOWN,
    fields_at,
)
from pytest_ycimages.cassette.secret_shapes import EXPIRES_AT, IAM_TOKEN, SCRUBBED, is_credential, is_secret, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.model import Headers
    from pytest_ycimages.cassette.redaction_rules import Fields, RedactionRules

_PLAIN_TEXT: Final = re.compile(r"(?![\s\ufeff]*[{\[<])[\t\r\n\x20-\x7e]{1,1024}\Z")
"""A short message such as a refusal of the gateway."""
_MARKUP: Final = re.compile(r"</|/>|form-data")
_PLACEHOLDER: Final = re.compile(re.escape(SCRUBBED) + r"(?: \([0-9]+ bytes\))?")
_NAME: Final = re.compile(r'"\s*:')
_DEEPEST: Final = 100


class Redactor:
    """Redacts interactions, and remembers every credential in them, to remove it wherever it occurs later.

    One for each recording or replay. Safe for threads.

    Args:
        known: credentials known from the start, such as the one from the environment. Those of fewer than 8 characters
            are only removed where their place or their shape gives them away.
        rules: rules of the user.

    Attributes:
        allowed: expressions for text that the detector accepts.
    """

    def __init__(self, known: Iterable[str] = (), rules: RedactionRules = NO_RULES) -> None:
        self._lock = Lock()
        self._known = frozenset[str]()
        self.allowed = rules.allowed
        text_rules = TextRules(fields=rules.fields, patterns=rules.patterns, keep=rules.keep)
        self._rules = rules_for(text_rules, known=None)
        self._request_headers = REQUEST_HEADERS | rules.headers
        self._response_headers = RESPONSE_HEADERS | rules.headers
        self.learn(worth_knowing(known))

    def __repr__(self) -> str:
        """Show the number of known credentials, never their text."""
        return f"Redactor(<{len(self._known)} known>)"

    @property
    def known(self) -> frozenset[str]:
        """The known credentials, for the detector."""
        return self._known

    def learn(self, credentials: frozenset[str]) -> bool:
        """Remember credentials that are worth knowing; return whether one of them was new."""
        new = credentials - self._known
        if not new:
            return False
        with self._lock:
            known = self._known | new
            self._rules, self._known = rules_for(self._rules, pattern_of(known)), known
        return True

    def scrub(self, interaction: Interaction) -> Interaction:
        """Return the interaction without secrets, its bodies decoded.

        Raises:
            UnreadableBodyError: a body has an encoding that cannot be decoded.
        """
        request, response = interaction.request, interaction.response
        self.learn(credentials_in_headers(request.headers + response.headers))
        path = _path(request.uri)
        names = self._response_headers | HEAD_HEADERS if request.method == "HEAD" else self._response_headers
        while True:
            pass_ = _Pass(self._rules)
            clean = interaction._replace(
                request=pass_.request(request, self._request_headers, path),
                response=pass_.response(response, names, path),
            )
            if not (pass_.found and self.learn(worth_knowing(pass_.found))):
                return clean

    def scrub_request(self, request: RecordedRequest) -> RecordedRequest:
        """Return a request without secrets, to look for it in a cassette.

        Raises:
            UnreadableBodyError: its body has an encoding that cannot be decoded.
        """
        self.learn(credentials_in_headers(request.headers))
        path = _path(request.uri)
        while True:
            pass_ = _Pass(self._rules)
            clean = pass_.request(request, self._request_headers, path)
            if not (pass_.found and self.learn(worth_knowing(pass_.found))):
                return clean


def scrub(interaction: Interaction, rules: RedactionRules = NO_RULES) -> Interaction:
    """Redact a single interaction."""
    return Redactor(rules=rules).scrub(interaction)


def scrub_request(request: RecordedRequest, rules: RedactionRules = NO_RULES) -> RecordedRequest:
    """Redact a single request."""
    return Redactor(rules=rules).scrub_request(request)


def _path(uri: str) -> str:
    """Return the path of an address without escapes."""
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:
        return ""


class _Pass:
    """One pass over an interaction.

    Attributes:
        found: credentials that the pass has replaced; with new ones a second pass is due.
    """

    def __init__(self, rules: TextRules) -> None:
        self.found: list[str] = []
        self._rules = rules
        self._names = 0

    def request(self, request: RecordedRequest, names: frozenset[str], path: str) -> RecordedRequest:
        """Return a request without secrets."""
        exchange = fields_at(path)
        headers, body = self._message(request, names, exchange and exchange.request, is_request=True)
        return RecordedRequest(request.method, self._uri(request.uri, exchange and exchange.request), headers, body)

    def response(self, response: RecordedResponse, names: frozenset[str], path: str) -> RecordedResponse:
        """Return a response without secrets."""
        exchange = fields_at(path)
        headers, body = self._message(response, names, exchange and exchange.response, is_request=False)
        return response._replace(reason=self._text(response.reason), headers=headers, body=body)

    def _message(
        self,
        message: RecordedRequest | RecordedResponse,
        names: frozenset[str],
        fields: Fields | None,
        *,
        is_request: bool,
    ) -> tuple[Headers, bytes]:
        body, headers = message.body, message.headers
        if ENCODING in dict(headers):
            body, headers = decoded(body, headers)
        suspects = self._rules.suspects
        kept = [
            (name, self._header(name, value) if name == "authorization" or suspects(value) else value)
            for name, value in headers
            if name in names
        ]
        return tuple(kept), self._body(body, fields, is_request=is_request) if body else body

    def _header(self, name: str, value: str) -> str:
        return without_credential(value) if name == "authorization" else self._text(value)

    def _body(self, body: bytes, fields: Fields | None, *, is_request: bool) -> bytes:
        content = text_of(body)
        text = content.text
        document = _read(text) if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["} else None
        if document is None:
            self.found += credentials_in_text(text)
            return self._unstructured(body, text, is_request=is_request)
        self._names = 0
        clean = self._value(document, fields or UNKNOWN)
        if fields is None:
            self.found += credentials_in_text(text)
            return _hidden_body(body)
        if clean is document and not self._repeats(text):
            return body
        escapes = text.isascii() or "\\u" in text
        indent = 1 if "\n" in text.strip() else None
        rewritten = json.dumps(clean, ensure_ascii=escapes, indent=indent, separators=None if indent else (",", ":"))
        return content.encoded(rewritten)

    def _repeats(self, text: str) -> bool:
        """Return whether a name may stand twice in an object: the parsed document only has the last value."""
        return len(_NAME.findall(text)) != self._names and has_repeated_name(text)

    def _unstructured(self, body: bytes, text: str, *, is_request: bool) -> bytes:
        """Return a body other than JSON: a short message as text, anything else as a placeholder."""
        if not text.strip() or _PLACEHOLDER.fullmatch(text) or text.strip() in {"null", "true", "false"}:
            return body
        if is_request or not _PLAIN_TEXT.match(text) or _MARKUP.search(text):
            return _hidden_body(body)
        clean = self._text(text)
        return body if clean == text else clean.encode()

    def _text(self, text: str) -> str:
        rules = self._rules
        return text_without_secrets(text, rules) if rules.suspects(text) else text

    def _value(self, value: Any, fields: Fields) -> Any:
        """Return a value of a declared field; the very same object if it holds no secret."""
        if isinstance(value, dict):
            return self._object(value, fields)
        if isinstance(value, list):
            clean = [self._value(each, fields) for each in value]
            return value if all(map(_is, clean, value)) else clean
        if fields is TEXT or (fields is EXPIRY and isinstance(value, str)):
            return self._text(value) if isinstance(value, str) else value
        if fields is TOKEN and isinstance(value, str) and value:
            self.found.append(value)
            return _same(value, IAM_TOKEN)
        return self._hidden(value, is_credential=fields is SECRET)

    def _object(self, value: dict[str, Any], fields: Fields) -> dict[str, Any]:
        self._names += len(value)
        if fields.types and "@type" in value:
            fields = fields.types.get(str(value["@type"]), UNKNOWN)
        names, unknown = fields.names, TEXT if fields.is_map else UNKNOWN
        rules, clean, is_changed = self._rules, {}, False
        suspects = rules.suspects
        has_token = False
        for name, each in value.items():
            kind = names.get(name, unknown)
            if kind is not TEXT or fields.is_map or rules.fields:
                new = self._field(name, each, kind)
                has_token = has_token or kind is TOKEN
                key = self._text(name) if suspects(name) else name
            else:
                is_plain = each.__class__ in _PLAIN_TYPES or (each.__class__ is str and not suspects(each))
                new = each if is_plain else self._value(each, TEXT)
                key = name
            is_changed = is_changed or new is not each or key is not name
            clean[key] = new
        if has_token:
            clean = {
                name: _same(each, EXPIRES_AT) if names.get(name) is EXPIRY else each for name, each in clean.items()
            }
        return clean if is_changed or has_token else value

    def _field(self, name: str, value: Any, kind: Fields) -> Any:
        """Return the value of a field whose name decides: of a map, beyond the contract, or a credential."""
        rules, flat = self._rules, plain(name)
        if flat in rules.fields or kind is SECRET or (kind in {TEXT, UNKNOWN} and is_secret(name)):
            return self._hidden(value, is_credential=kind is SECRET or is_credential(name))
        if kind is UNKNOWN and name == "@type":
            return self._value(value, TEXT)
        if kind is UNKNOWN and flat in rules.keep:
            return self._kept(value)
        return self._value(value, kind)

    def _kept(self, value: Any) -> Any:
        """Return the value of a field that `keep` names, with everything inside of it that has no telling name."""
        if isinstance(value, dict):
            self._names += len(value)
            inner = {name: self._field(name, each, TEXT) for name, each in value.items() if not isinstance(each, dict)}
            inner |= {name: self._kept(each) for name, each in value.items() if isinstance(each, dict)}
            return {self._text(name): inner[name] for name in value}
        if isinstance(value, list):
            return [self._kept(each) for each in value]
        return self._text(value) if isinstance(value, str) else value

    def _hidden(self, value: Any, *, is_credential: bool = False) -> Any:
        """Return a value of the same JSON type in which no text and no number is left."""
        match value:
            case dict():
                self._names += len(value)
                return {
                    self._text(name): self._hidden(each, is_credential=is_credential) for name, each in value.items()
                }
            case list():
                return [self._hidden(each, is_credential=is_credential) for each in value]
            case str() if value and value != SCRUBBED:
                self.found += [value] if is_credential else credentials_in_text(value)
                return SCRUBBED
            case int() | float() if not isinstance(value, bool):
                return value if value == 0 else 0
        return value

    def _uri(self, uri: str, fields: Fields | None) -> str:
        """Return an address without user name and password, its query reduced to declared parameters."""
        user = USER.search(uri) if "@" in uri else None
        if user:
            self.found += user_of(user[0])
            uri = USER.sub("", uri, count=1)
        head, mark, rest = uri.partition("?")
        head = path_without_secrets(head, self._rules)
        if not mark:
            return head
        query, hash_, fragment = rest.partition("#")
        self.found += credentials_in_text(query)
        names = fields.names if fields else {}
        clean = "&".join(self._parameter(each, names) for each in query.split("&"))
        return f"{head}?{clean}{hash_}{self._text(fragment)}"

    def _parameter(self, parameter: str, names: dict[str, Fields]) -> str:
        name, equals, value = parameter.partition("=")
        plain_name = unquote(name)
        kind = names.get(plain_name, UNKNOWN)
        flat = plain(plain_name)
        if flat in self._rules.keep:
            kind = TEXT
        if kind is TEXT and flat not in self._rules.fields and not is_secret(plain_name):
            return f"{name}{equals}{parameter_without_secrets(value, self._rules)}"
        if not equals:
            return SCRUBBED if name else name
        return f"{path_without_secrets(name, self._rules)}={SCRUBBED if value else value}"


_PLAIN_TYPES: Final = frozenset({int, float, bool, type(None)})


def _is(one: object, other: object) -> bool:
    return one is other


def _same(value: str, placeholder: str) -> str:
    """Return the placeholder; the value itself if it is one, so that nothing counts as changed."""
    return value if value == placeholder else placeholder


def _hidden_body(body: bytes) -> bytes:
    if _PLACEHOLDER.fullmatch(body.decode("latin-1")):
        return body
    return f"{SCRUBBED} ({len(body)} bytes)".encode()


def _read(text: str) -> Any:
    """Return the object or list in a text; None for anything else, or for one too deep."""
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return None if text.count("[") + text.count("{") > _DEEPEST and _is_too_deep(value) else value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for children in inside for each in children if isinstance(each, dict | list)]
        if not level:
            return False
    return True
