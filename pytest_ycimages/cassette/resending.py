"""A recorded request as it is sent again: with the ids, the tokens of pages and the credential of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from pytest_ycimages.cassette.secret_shapes import PLACEHOLDERS

if TYPE_CHECKING:
    from pytest_ycimages.cassette.correspondence import Correspondence
    from pytest_ycimages.cassette.interaction import RecordedRequest
    from pytest_ycimages.cassette.storyline import Step

INVALID_TOKEN: Final = "invalid"  # noqa: S105 - which is what is wanted of it
"""What is sent where the recorded client was refused for its credential, which nobody wrote down."""

_PAGE_TOKENS: Final = frozenset({"pageToken", "page_token"})
_UNCHANGED: Final = "/:@!$&'()*+,;=-._~"


def resent(step: Step, known: Correspondence, token: str) -> RecordedRequest:
    """The request of a step, to be sent today.

    Args:
        step: what was recorded.
        known: which ids stand for the recorded ones.
        token: the credential; empty for none.
    """
    request = step.interaction.request
    parts = urlsplit(request.uri)
    query = "&".join(_parameter(each, known) for each in parts.query.split("&"))
    path = parts.path if "%" in parts.path else known.rewritten(parts.path)
    headers = tuple((name, value) for name, value in request.headers if name != "authorization")
    return request._replace(
        uri=parts._replace(path=path, query=query).geturl(),
        headers=(*headers, ("authorization", f"Bearer {token}")) if token else headers,
        body=known.rewritten(request.body.decode("latin-1")).encode("latin-1"),
    )


def _parameter(text: str, known: Correspondence) -> str:
    """A parameter of a query; one with nothing to change in it stays as it was written."""
    name, equals, value = text.partition("=")
    plain = unquote_plus(value)
    today = known.page(plain) if name in _PAGE_TOKENS else known.rewritten(plain)
    return text if today == plain else f"{name}{equals}{quote(today, safe='')}"


def texts_of(request: RecordedRequest) -> tuple[str, ...]:
    """Where a request may name ids."""
    parts = urlsplit(request.uri)
    return unquote(parts.path), unquote_plus(parts.query), request.body.decode("utf-8", "replace")


def is_scrubbed(step: Step) -> bool:
    """Whether a secret was a part of what was asked, its credential aside."""
    texts = texts_of(step.interaction.request)
    return any(placeholder in text for placeholder in PLACEHOLDERS for text in texts)
