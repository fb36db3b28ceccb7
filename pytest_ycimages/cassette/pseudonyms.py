"""Pseudonyms: ids that replace those of folders, clouds and accounts in a cassette.

A pseudonym is a pure function of the id, so it is the same in every cassette. It has the prefix and the length of the
id, and the letters `alias` by which it is recognized. The pseudonym of a pseudonym is itself.
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
"""Prefixes of clouds and folders, accounts, organizations, and billing accounts."""

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

_DIGITS: Final = bytes(b"0123456789abcdefghijklmnopqrstuv"[byte % 32] for byte in range(256))
_DRAWN: Final = 17 - len(_ALIAS)


class Pseudonyms:
    """Replaces ids with pseudonyms. It has no state.

    Args:
        prefixes: the first three characters of the ids to replace.
    """

    def __init__(self, prefixes: Iterable[str] = PREFIXES) -> None:
        kinds = "|".join(map(re.escape, prefixes))
        self._id = re.compile(rf"(?:(?<![0-9A-Za-z])|{_ESCAPES})({kinds})([0-9a-v]{{17}})(?![0-9A-Za-z])")
        self._id_in_bytes = re.compile(self._id.pattern.encode())

    def text(self, text: str) -> str:
        """Return the text with a pseudonym for each id in it; other ids, and `standard-images`, stay."""
        return self._id.sub(lambda match: _pseudonym(match[1], match[2]), text)

    def body(self, body: bytes) -> bytes:
        """Return a body with pseudonyms, in any encoding that contains ASCII."""
        return self._id_in_bytes.sub(lambda match: _pseudonym(match[1].decode(), match[2].decode()).encode(), body)

    def request(self, request: RecordedRequest) -> RecordedRequest:
        """Return a request with pseudonyms."""
        return request._replace(
            uri=self.text(request.uri), headers=self._headers(request.headers), body=self.body(request.body)
        )

    def response(self, response: RecordedResponse) -> RecordedResponse:
        """Return a response with pseudonyms, also in its messages."""
        return response._replace(headers=self._headers(response.headers), body=self.body(response.body))

    def interaction(self, interaction: Interaction) -> Interaction:
        """Return an interaction with pseudonyms."""
        return interaction._replace(
            request=self.request(interaction.request), response=self.response(interaction.response)
        )

    def metadata(self, metadata: CassetteMetadata) -> CassetteMetadata:
        """Return the metadata of a cassette with pseudonyms."""
        return metadata._replace(folder_id=self.text(metadata.folder_id), note=self.text(metadata.note))

    def cassette(self, cassette: CassetteData) -> CassetteData:
        """Return a cassette with pseudonyms."""
        interactions = tuple(self.interaction(each) for each in cassette.interactions)
        return cassette._replace(metadata=self.metadata(cassette.metadata), interactions=interactions)

    def are_in(self, cassette: CassetteData) -> bool:
        """Return whether a cassette holds pseudonyms, so that requests need theirs before they are matched."""
        texts = (text for each in cassette.interactions for text in (each.request.uri.encode(), each.request.body))
        return is_pseudonym(cassette.metadata.folder_id) or any(
            match[2].startswith(_ALIAS.encode()) for text in texts for match in self._id_in_bytes.finditer(text)
        )

    def _headers(self, headers: Headers) -> Headers:
        return tuple((name, self.text(value)) for name, value in headers)


def is_pseudonym(id_: str) -> bool:
    """Return whether an id is a pseudonym; one id of the service in 33 million looks like one."""
    return id_[3:].startswith(_ALIAS)


def _pseudonym(prefix: str, rest: str) -> str:
    if rest.startswith(_ALIAS):
        return prefix + rest
    digest = hashlib.blake2b(f"{prefix}{rest}".encode(), digest_size=_DRAWN, person=b"ycimages").digest()
    return prefix + _ALIAS + digest.translate(_DIGITS).decode()
