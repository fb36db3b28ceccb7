"""Pages: an opaque token says behind which key the next page begins, and for which list it was given.

A token names the last item of the page before, so that a page costs what it holds, not what lies before it; items
that come or go between two pages neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

DEFAULT_PAGE_SIZE: Final = 100


class PageTokenError(ValueError):
    """A page token that this list has not given."""


def page_size_of(asked: int) -> int:
    """The size of a page: what was asked; zero and less mean the default (observed for VPC)."""
    return asked if asked > 0 else DEFAULT_PAGE_SIZE


def token_of(key: str, *scope: str) -> str:
    """The token of the page behind `key` in the list that `scope` describes."""
    return base64.urlsafe_b64encode(f"{_digest(scope)}{key}".encode()).decode().rstrip("=")


def key_of(token: str, *scope: str) -> str | None:
    """The key behind which a page begins; None for the first page.

    Raises:
        PageTokenError: the token is garbage, or of another list.
    """
    if not token:
        return None
    digest = _digest(scope)
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise PageTokenError("page_token") from None
    if not text.startswith(digest):
        raise PageTokenError("page_token")
    return text.removeprefix(digest)


def _digest(scope: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(scope).encode(errors="surrogatepass"), digest_size=4).hexdigest()


def first_page(items: Iterator[Item], size: int) -> tuple[list[Item], bool]:
    """The first `size` items, and whether there are more."""
    page: list[Item] = []
    for item in items:
        if len(page) == size:
            return page, True
        page.append(item)
    return page, False
