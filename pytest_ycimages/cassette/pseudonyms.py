"""Other ids for folders, clouds and accounts, for cassettes that shall not tell whose they are.

A pseudonym is a pure function of the id, so it is the same in every cassette; it has the id's shape and its prefix, and
then the letters `alias`, by which people and this module know it. A pseudonym's pseudonym is itself.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.cassette.model import (
        CassetteData,
        CassetteMetadata,
        Headers,
        Interaction,
        RecordedRequest,
        RecordedResponse,
    )

PREFIXES: Final = ("b1g", "aje", "bpf", "dn2")
"""Of clouds and folders, of accounts, of organizations, and of billing accounts."""

_ALIAS: Final = "alias"
_LAYERS: Final = 4
"""How often a text may be percent-encoded and an id in it still be found."""

_ESCAPES: Final = "|".join(
    (
        *(rf"(?<=%{'25' * layer}[0-9A-Fa-f]{{2}})" for layer in range(_LAYERS)),
        *(r"(?<=\\[bfnrtv0])", r"(?<=\\x[0-9A-Fa-f]{2})", r"(?<=\\u[0-9A-Fa-f]{4})"),
    )
)
"""What ends with a letter or a digit, and may stand before an id: a character that is written as an escape."""

_DIGITS: Final = bytes(b"0123456789abcdefghijklmnopqrstuv"[byte % 32] for byte in range(256))
_DRAWN: Final = 17 - len(_ALIAS)


class Pseudonyms:
    """Replaces ids. It has no state: any two of them, with the same prefixes, give the same pseudonyms.

    Args:
        prefixes: the first three characters of the ids to replace.
    """

    def __init__(self, prefixes: Iterable[str] = PREFIXES) -> None:
        kinds = "|".join(map(re.escape, prefixes))
        self._id = re.compile(rf"(?:(?<![0-9A-Za-z])|{_ESCAPES})({kinds})([0-9a-v]{{17}})(?![0-9A-Za-z])")
        self._id_in_bytes = re.compile(self._id.pattern.encode())

    def text(self, text: str) -> str:
        """The text with a pseudonym for each id in it. Ids of other kinds, and `standard-images`, stay."""
        return self._id.sub(lambda match: _pseudonym(match[1], match[2]), text)

    def body(self, body: bytes) -> bytes:
        """The same of bytes, in any encoding of which ASCII is a part."""
        return self._id_in_bytes.sub(lambda match: _pseudonym(match[1].decode(), match[2].decode()).encode(), body)

    def request(self, request: RecordedRequest) -> RecordedRequest:
        """A request with pseudonyms, wherever it names an id: for a cassette, and to look for it in one."""
        return request._replace(
            uri=self.text(request.uri), headers=self._headers(request.headers), body=self.body(request.body)
        )

    def response(self, response: RecordedResponse) -> RecordedResponse:
        """An answer with pseudonyms, its messages included."""
        return response._replace(headers=self._headers(response.headers), body=self.body(response.body))

    def interaction(self, interaction: Interaction) -> Interaction:
        """A request and its answer with pseudonyms."""
        return interaction._replace(
            request=self.request(interaction.request), response=self.response(interaction.response)
        )

    def label(self, label: CassetteMetadata) -> CassetteMetadata:
        """What a cassette says of itself, with pseudonyms."""
        return label._replace(folder_id=self.text(label.folder_id), note=self.text(label.note))

    def tape(self, tape: CassetteData) -> CassetteData:
        """A whole cassette with pseudonyms."""
        interactions = tuple(self.interaction(each) for each in tape.interactions)
        return tape._replace(metadata=self.label(tape.metadata), interactions=interactions)

    def are_in(self, tape: CassetteData) -> bool:
        """Whether a cassette has pseudonyms, so that requests need theirs before they are looked for in it."""
        texts = (text for each in tape.interactions for text in (each.request.uri.encode(), each.request.body))
        return is_pseudonym(tape.metadata.folder_id) or any(
            match[2].startswith(_ALIAS.encode()) for text in texts for match in self._id_in_bytes.finditer(text)
        )

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self.text(value)) for name, value in headers)


def is_pseudonym(id_: str) -> bool:
    """Whether an id is a pseudonym. One of the service is taken for one in one case of 33 million."""
    return id_[3:].startswith(_ALIAS)


def _pseudonym(prefix: str, rest: str) -> str:
    if rest.startswith(_ALIAS):
        return prefix + rest
    digest = hashlib.blake2b(f"{prefix}{rest}".encode(), digest_size=_DRAWN, person=b"ycimages").digest()
    return prefix + _ALIAS + digest.translate(_DIGITS).decode()
