"""Pages: an opaque token says behind which item the next page begins.

A token names the last item of the page before, so that a page costs what it holds, not what lies before it; items
that come or go between two pages neither repeat nor hide others. It names a place, not a list: every token that is
well formed is a place in every list, so the OpenAPI document can say what is accepted.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pytest_ycimages.api.lookups import PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = TypeVar("Item")

DEFAULT_PAGE_SIZE: Final = 100


class PageTokenError(ValueError):
    """A page token that no list has given."""


class Place(NamedTuple):
    """An item on a page: a number by which it is ordered, and its id."""

    number: int
    id: str


def page_size_of(asked: int) -> int:
    """The size of a page: what was asked; zero and less mean the default (observed for VPC)."""
    return asked if asked > 0 else DEFAULT_PAGE_SIZE


def token_of(place: Place) -> str:
    """The token of the page behind `place`."""
    return f"{place.number:016x}{base64.urlsafe_b64encode(place.id.encode()).decode().rstrip('=')}"


def place_of(token: str) -> Place | None:
    """The place behind which a page begins; None for the first page.

    Raises:
        PageTokenError: the token is garbage.
    """
    if not token:
        return None
    if not re.fullmatch(PLACE, token):
        raise PageTokenError("page_token")
    number, id_ = token[:16], token[16:]
    return Place(int(number, 16), base64.urlsafe_b64decode(id_ + "=" * (-len(id_) % 4)).decode(errors="replace"))


def first_page(items: Iterator[Item], size: int) -> tuple[list[Item], bool]:
    """The first `size` items, and whether there are more."""
    page: list[Item] = []
    for item in items:
        if len(page) == size:
            return page, True
        page.append(item)
    return page, False
