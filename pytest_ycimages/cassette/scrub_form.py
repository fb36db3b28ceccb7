"""Scrubbing addresses and forms: by the names of their parameters, and what each of them holds, JSON included.

An address stays an address with the same path and the same parameters, so that it can be matched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, unquote_plus

from pytest_ycimages.cassette.free_text import (
    NO_MORE,
    USER,
    TextRules,
    encoded_without_secrets,
    without_encoded_secrets,
    without_expiry,
    without_known,
)
from pytest_ycimages.cassette.placeholders import SCRUBBED
from pytest_ycimages.cassette.scrub_json import credentials_in, read_document
from pytest_ycimages.cassette.scrub_names import is_credential
from pytest_ycimages.cassette.secret_shapes import without_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

_LAYERS: Final = 3
"""How often what a parameter holds may be percent-encoded once more and still be looked into."""

_PARAMETER: Final = re.compile(r"((?:^|[?&])([^?&=]+)=)([^&#]+)")


def uri_without_secrets(uri: str, rules: TextRules = NO_MORE) -> str:
    """The address of a request without secrets, and without the name and the password before its host."""
    return form_without_secrets(USER.sub("", uri, count=1), rules)


def form_without_secrets(text: str, rules: TextRules = NO_MORE) -> str:
    """An address or a form, of which nothing but parameters is expected, without secrets."""
    text = without_known(text, rules)
    if "=" in text:
        text = _PARAMETER.sub(lambda match: match[1] + _clean(match[2], match[3], rules), without_expiry(text))
    return without_shapes(without_encoded_secrets(text, rules))


def credentials_in_form(text: str) -> Iterator[str]:
    """What opens something in the parameters of an address or a form, decoded."""
    for match in _PARAMETER.finditer(text):
        value = unquote_plus(match[3])
        if is_credential(unquote_plus(match[2])):
            yield value
        else:
            document = read_document(value)
            yield from credentials_in(document.value) if document else ()


def user_in(uri: str) -> tuple[str, ...]:
    """The name and the password before the host of an address, together and apart, if there are any."""
    found = USER.search(uri)
    if found is None:
        return ()
    user = found[0][:-1]
    return user, unquote(user.partition(":")[2])


def _clean(name: str, value: str, rules: TextRules) -> str:
    """What a parameter holds, scrubbed. Its plus is a space to whoever reads a form."""
    if rules.names(unquote(name)):
        return SCRUBBED
    return value if value.isalnum() else encoded_without_secrets(value, rules, _LAYERS, plus=" ")
