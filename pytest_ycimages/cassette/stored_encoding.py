"""The Content-Encoding of an answer in a cassette: taken off, whether the stored body still has it or not.

vcrpy stores what a client was given: from requests a body that has been decoded already, beside the header that it came
with; from httpx the bytes that were sent. A tape has bodies as they can be read, so that they can be played to whoever
asks, compared, scrubbed and shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_ycimages.cassette.model import with_body
from pytest_ycimages.cassette.scrub_encoding import UnreadableBodyError
from pytest_ycimages.cassette.scrub_encoding import decoded as read

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import Interaction, RecordedResponse

ENCODING: Final = "content-encoding"
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_GZIP: Final = b"\x1f\x8b"
_GZIPS: Final = ("gzip", "x-gzip")


def decoded(interaction: Interaction) -> Interaction:
    """The interaction with the answer's body decoded, and without the header.

    As it is, if the body can be neither read nor decoded, or if there is none: then the header is about another answer.
    """
    response = interaction.response
    if not response.body or ENCODING not in dict(response.headers):
        return interaction
    return interaction._replace(response=_decoded(response))


def _decoded(response: RecordedResponse) -> RecordedResponse:
    body, headers = response.body, tuple(header for header in response.headers if header[0] != ENCODING)
    if not _is_decoded(response):
        try:
            body, headers = read(body, response.headers)
        except UnreadableBodyError:
            return response
    return with_body(response._replace(headers=headers), body)


def _is_decoded(response: RecordedResponse) -> bool:
    """Whether whoever recorded the body has decoded it: text is never compressed, and what is by gzip says so."""
    encodings = [value.strip().lower() for name, value in response.headers if name == ENCODING]
    return _is_text(response.body) or (encodings[-1].endswith(_GZIPS) and not response.body.startswith(_GZIP))


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(body) is None
