"""The words for methods, as users write them in tests: `images.create`, globs such as `images.*`, and `*`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from pytest_ycimages.errors import unknown_word

METHODS: Final = (
    "images.create",
    "images.get",
    "images.list",
    "images.latestByFamily",
    "images.update",
    "images.delete",
    "images.listOperations",
    "images.listAccessBindings",
    "images.setAccessBindings",
    "images.updateAccessBindings",
    "operations.get",
    "operations.cancel",
    "tokens.create",
    "endpoints.get",
    "endpoints.list",
)

PREFIX: Final = "/_ycimages/"
"""The first part of every path of the control API. The service has no such path."""

UNROUTED: Final = "unrouted"
"""The word that the journal has for a call which no method serves."""


def matching(pattern: str) -> frozenset[str]:
    """All method words that `pattern` names.

    Args:
        pattern: a word, a glob over words, or `unrouted`.

    Raises:
        UsageError: `pattern` names no method; the text says which word is nearest.
    """
    words = (*METHODS, UNROUTED)
    found = frozenset(word for word in words if fnmatchcase(word, pattern))
    if not found:
        raise unknown_word("method", pattern, words)
    return found
