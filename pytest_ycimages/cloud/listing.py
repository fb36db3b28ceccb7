"""Filters and pages of list calls (api-facts.md, section 5).

A filter reads `name = "x" AND status IN ("READY", "CREATING")`. A page token names the last item of the page before, so
a page costs only its own items, and items that come or go between two pages neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pytest_ycimages.api.requests import DIGITS, PLACE
from pytest_ycimages.cloud.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lark import Lark, Token, Tree

    from pytest_ycimages.api.resources import Image
    from pytest_ycimages.cloud.rules import FilterFields

FILTER_FIELDS: Final[Mapping[FilterFields, tuple[str, ...]]] = {
    "documented": ("name",),
    "all": ("id", "name", "family", "status", "description"),
}
"""The fields that a filter may name; the service documents that their number is limited, and `name` by name."""

_SPACE: Final = " \t\f\r\n"
_OPERATORS: Final = {"equal", "unequal", "among", "not_among"}
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_GRAMMAR: Final = r"""
    filter: condition ("AND" condition)*
    condition: FIELD "=" STRING            -> equal
             | FIELD "!=" STRING           -> unequal
             | FIELD "IN" values           -> among
             | FIELD "NOT" "IN" values     -> not_among
    values: "(" STRING ("," STRING)* ")"
    FIELD: /[a-zA-Z_.]+/
    STRING: /"(\\.|[^"\\])*"/ | /'(\\.|[^'\\])*'/
    %import common.WS
    %ignore WS
"""


def matcher(text: str, fields: tuple[str, ...]) -> Callable[[Image], bool]:
    """Read a filter; an empty one matches every image.

    Args:
        text: the filter.
        fields: those that it may name.

    Raises:
        RefusedError: the text is not a filter, or names another field.
    """
    conditions = _conditions(text) if text.strip(_SPACE) else ()
    for field, _, _ in conditions:
        if field not in fields:
            raise RefusedError("illegal_argument", what=f"filter field {field!r}; known: {', '.join(fields)}")
    return lambda image: all((str(getattr(image, field)) in values) is wanted for field, values, wanted in conditions)


def exact_name(text: str) -> str | None:
    """Return the name of a filter that asks only for one exact name, which needs no search."""
    conditions = _conditions(text) if text.strip(_SPACE) else ()
    if len(conditions) == 1 and conditions[0][0] == "name" and conditions[0][2] and len(conditions[0][1]) == 1:
        return next(iter(conditions[0][1]))
    return None


@lru_cache(maxsize=256)
def _conditions(text: str) -> tuple[tuple[str, frozenset[str], bool], ...]:
    """Yield each condition: a field, the values to compare, and whether it must be one of them."""
    from lark.exceptions import UnexpectedInput  # noqa: PLC0415 - only for lists that filter

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        what = f"filter at character {error.pos_in_stream}: {text!r}"
        raise RefusedError("illegal_argument", what=what) from None
    return tuple(_condition(condition) for condition in tree.iter_subtrees() if condition.data in _OPERATORS)


def _condition(condition: Tree[Token]) -> tuple[str, frozenset[str], bool]:
    field, *values = map(str, condition.scan_values(lambda _: True))
    texts = frozenset(_ESCAPED.sub(r"\1", value[1:-1]) for value in values)
    return field, texts, condition.data in {"equal", "among"}


@lru_cache(maxsize=1)
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415 - only for lists that filter

    return Lark(_GRAMMAR, start="filter", parser="lalr")


Item = TypeVar("Item")

DEFAULT_PAGE_SIZE: Final = 100


class Place(NamedTuple):
    """A position in a list: the number that orders an item, and its id."""

    number: int
    id: str


def token_of(place: Place) -> str:
    """Return the token of the page after `place`."""
    return f"{place.number:0{DIGITS}x}{base64.urlsafe_b64encode(place.id.encode()).decode().rstrip('=')}"


def place_of(token: str) -> Place | None:
    """Return the place after which a page begins; None for the first page.

    Raises:
        RefusedError: the token is garbage.
    """
    if not token:
        return None
    if not re.fullmatch(PLACE, token):
        raise RefusedError("illegal_argument", what="page_token")
    number, id_ = token[:DIGITS], token[DIGITS:]
    return Place(int(number, 16), base64.urlsafe_b64decode(id_ + "=" * (-len(id_) % 4)).decode(errors="replace"))


def first_page(items: Iterator[Item], size: int, place: Callable[[Item], Place]) -> tuple[list[Item], str]:
    """Return the first `size` items, and the token of the next page; empty on the last.

    Args:
        items: the items from the place where the page begins.
        size: the requested size; zero and less mean the default (observed for VPC).
        place: returns the position of an item.
    """
    size = size if size > 0 else DEFAULT_PAGE_SIZE
    page = list(islice(items, size + 1))
    return page[:size], token_of(place(page[size - 1])) if len(page) > size else ""
