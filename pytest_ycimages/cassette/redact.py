"""Redaction of interactions by allow-list: declared fields stay, everything else becomes a placeholder.

Recordings and the requests that a replay looks for pass through the same rules, so that both sides of a match stay
alike. What has been redacted stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.cassette.detector import check_before_saving, line_without_secrets
from pytest_ycimages.cassette.file import head_text, item_text
from pytest_ycimages.cassette.model import ENCODING, RecordedRequest, UnreadableBodyError, decoded, text_of
from pytest_ycimages.errors import SecretFoundError
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
    RedactionRules,
    fields_of,
)
from pytest_ycimages.redaction.shapes import SCRUBBED
from pytest_ycimages.redaction.text import Redaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, Headers, Interaction, RecordedResponse
    from pytest_ycimages.redaction.rules import Fields

_MESSAGE: Final = re.compile(r"(?=[\t\r\n\x20-\x7e]{1,1024}\Z)(?!\s*[{\[<])(?!.*(?:</|/>|form-data))", re.DOTALL)
"""A short message such as a refusal of the gateway."""
_PLACEHOLDER: Final = re.compile(re.escape(SCRUBBED) + r"(?: \([0-9]+ bytes\))?")
_EMPTY: Final = frozenset({"", "null", "true", "false"})

_ALIAS: Final = "alias"
_LAYERS: Final = 4
"""Layers of percent-encoding in which an id is found."""

_ESCAPES: Final = "|".join(
    (
        *(rf"(?<=%{'25' * layer}[0-9A-Fa-f]{{2}})" for layer in range(_LAYERS)),
        *(r"(?<=\\[bfnrtv0])", r"(?<=\\x[0-9A-Fa-f]{2})", r"(?<=\\u[0-9A-Fa-f]{4})"),
    )
)
"""Escaped characters that may precede an id and end with a letter or a digit."""
_ID: Final = re.compile(rf"(?:(?<![0-9A-Za-z])|{_ESCAPES})(?:b1g|aje|bpf|dn2)[0-9a-v]{{17}}(?![0-9A-Za-z])")
"""The ids of clouds and folders, accounts, organizations, and billing accounts."""
_DIGITS: Final = bytes(b"0123456789abcdefghijklmnopqrstuv"[byte % 32] for byte in range(256))
_DRAWN: Final = 17 - len(_ALIAS)


class Redactor:
    """Redacts interactions, and remembers every credential in them, to remove it wherever it occurs later.

    One for each recording or replay. Safe for threads.

    Args:
        known: credentials known from the start, such as the one from the environment. Those of fewer than 8 characters
            are only removed where their place or their shape gives them away.
        rules: rules of the user.
        pseudonyms: whether ids of folders, clouds and accounts are replaced by pseudonyms.
        hides_unreadable: whether a body that cannot be decoded becomes a placeholder, instead of an error.

    Attributes:
        known: the known credentials.
    """

    def __init__(
        self,
        known: Iterable[str] = (),
        rules: RedactionRules = NO_RULES,
        *,
        pseudonyms: bool = False,
        hides_unreadable: bool = False,
    ) -> None:
        self._lock = Lock()
        self.known = frozenset[str]()
        self._allowed = rules.allowed
        self._rules = rules
        self._pseudonyms = pseudonyms
        self._hides_unreadable = hides_unreadable
        self._request_headers = REQUEST_HEADERS | rules.headers
        self._response_headers = RESPONSE_HEADERS | rules.headers
        self._learn(worth_knowing(known))

    def __repr__(self) -> str:
        """Show the number of known credentials, never their text."""
        return f"Redactor(<{len(self.known)} known>)"

    def _learn(self, credentials: frozenset[str]) -> bool:
        """Remember credentials; return whether one of them was new."""
        if credentials <= self.known:
            return False
        with self._lock:
            self.known |= credentials
            self._rules = self._rules._replace(known=pattern_of(self.known))
        return True

    def check(self, saved: bytes, cassette: str, interaction: Interaction | None = None) -> None:
        """Raise if a text that is about to be written to a cassette holds a secret; see `check_before_saving`."""
        check_before_saving(saved, cassette=cassette, interaction=interaction, known=self.known, allow=self._allowed)

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
            if not pass_.found or not self._learn(worth_knowing(pass_.found)):
                reason = pass_.text(response.reason)
                reason = pseudonymized(reason) if self._pseudonyms else reason
                answer = response._replace(reason=reason, headers=headers, body=body)
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
            if not pass_.found or not self._learn(worth_knowing(pass_.found)):
                uri = pseudonymized(uri) if self._pseudonyms else uri
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
        body = _body(pass_, body, fields, is_request=isinstance(message, RecordedRequest)) if body else body
        if self._pseudonyms:
            kept = [(name, pseudonymized(value)) for name, value in kept]
            body = pseudonymized(body.decode("latin-1")).encode("latin-1")  # in any encoding that contains ASCII
        return tuple(kept), body


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


# Whole cassettes.


def scrub_cassette(
    cassette: CassetteData, *, name: str, rules: RedactionRules = NO_RULES, pseudonyms: bool = False
) -> CassetteData:
    """Return a cassette without secrets; a credential is removed everywhere, also before the call that reveals it.

    Args:
        cassette: what the cassette holds.
        name: its name, for the text of the error.
        rules: what to redact beyond the contract.
        pseudonyms: whether ids of folders, clouds and accounts are replaced by pseudonyms.

    Raises:
        SecretFoundError: something in it still looks like a secret, or a body cannot be decoded.
    """
    redactor = Redactor(rules=rules, pseudonyms=pseudonyms)
    for number, each in enumerate(cassette.interactions, 1):
        try:
            redactor.scrub(each)
        except UnreadableBodyError as error:
            raise SecretFoundError(
                f"{name}, interaction {number}, {line_without_secrets(each)}: {error.what} The file is left as it "
                "is. Record it decoded, with vcrpy's decode_compressed_response=True, or take this interaction out by "
                "hand."
            ) from None
    interactions = tuple(map(redactor.scrub, cassette.interactions))
    metadata = scrub_metadata(cassette.metadata, pseudonyms=pseudonyms)
    clean = cassette._replace(metadata=metadata, interactions=interactions)
    redactor.check(head_text(clean.metadata), name)
    for each in clean.interactions:
        redactor.check(item_text(each), name, each)
    return clean


def changes(before: CassetteData, after: CassetteData) -> Iterator[str]:
    """Yield what redaction changed: number, call and parts of each interaction, never their content."""
    if before.metadata != after.metadata:
        yield "the metadata"
    for number, (old, new) in enumerate(zip(before.interactions, after.interactions, strict=True), 1):
        parts = (
            ("the request's address", old.request.uri != new.request.uri),
            ("the request's headers", old.request.headers != new.request.headers),
            ("the request's body", old.request.body != new.request.body),
            ("the answer's headers", old.response._replace(body=b"") != new.response._replace(body=b"")),
            ("the answer's body", old.response.body != new.response.body),
        )
        changed = ", ".join(part for part, is_changed in parts if is_changed)
        if changed:
            yield f"{number}. {line_without_secrets(new)}: {changed}"


def scrub_metadata(metadata: CassetteMetadata, *, pseudonyms: bool = False) -> CassetteMetadata:
    """Return the metadata of a cassette without secrets in its address and its note, and with pseudonyms if wanted."""
    without_secrets = Redaction().text  # by the built-in rules
    clean = metadata._replace(upstream=without_secrets(metadata.upstream), note=without_secrets(metadata.note))
    if not pseudonyms:
        return clean
    return clean._replace(folder_id=pseudonymized(clean.folder_id), note=pseudonymized(clean.note))


class ForReplay(NamedTuple):
    """A cassette prepared for replay.

    Attributes:
        played: redacted requests with the recorded responses.
        clean: responses redacted as well: what errors may show.
        known: credentials found in it, for the redactor of the requests.
    """

    played: CassetteData
    clean: CassetteData
    known: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<ForReplay of {len(self.played.interactions)} interactions>"


def for_replay(cassette: CassetteData, rules: RedactionRules = NO_RULES) -> ForReplay:
    """Return a cassette redacted by `rules`, unless this version recorded it without others. Safe for threads."""
    if cassette.metadata.tool and cassette.metadata.tool == _this_version() and not (rules.fields or rules.patterns):
        return ForReplay(cassette, cassette)
    return _scrubbed(cassette, rules)


@lru_cache(maxsize=1)
def _this_version() -> str:
    return version("pytest-ycimages")


@lru_cache(maxsize=256)
def _scrubbed(cassette: CassetteData, rules: RedactionRules) -> ForReplay:
    redactor = Redactor(rules=rules, hides_unreadable=True)
    for each in cassette.interactions:  # learn all credentials before redacting
        redactor.scrub(each)
    clean = tuple(map(redactor.scrub, cassette.interactions))
    pairs = zip(cassette.interactions, clean, strict=True)
    played = cassette._replace(interactions=tuple(each._replace(request=new.request) for each, new in pairs))
    return ForReplay(played, cassette._replace(interactions=clean), redactor.known)


# Pseudonyms.


def pseudonymized(text: str) -> str:
    """Return a text with a pseudonym for each id of a folder, cloud or account; other ids, and `standard-images`, stay.

    A pseudonym is a pure function of the id, so it is the same in every cassette. It has the prefix and the length of
    the id, and the letters `alias` by which it is recognized. The pseudonym of a pseudonym is itself.
    """
    return _ID.sub(_pseudonym, text)


def is_pseudonym(id_: str) -> bool:
    """Return whether an id is a pseudonym; one id of the service in 33 million looks like one."""
    return id_[3:].startswith(_ALIAS)


def has_pseudonyms(cassette: CassetteData) -> bool:
    """Return whether a cassette holds pseudonyms, so that requests need theirs before they are matched."""
    requests = (each.request for each in cassette.interactions)
    texts = (text for each in requests for text in (each.uri, each.body.decode("latin-1")))
    return is_pseudonym(cassette.metadata.folder_id) or any(
        is_pseudonym(match[0]) for text in texts for match in _ID.finditer(text)
    )


def _pseudonym(match: re.Match[str]) -> str:
    id_ = match[0]
    if is_pseudonym(id_):
        return id_
    digest = hashlib.blake2b(id_.encode(), digest_size=_DRAWN, person=b"ycimages").digest()
    return id_[:3] + _ALIAS + digest.translate(_DIGITS).decode()
