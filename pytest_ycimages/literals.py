"""Values that users write as text, on command lines and in ini files: `2.5`, or a word with values, `AfterPolls(3)`.

Text is read as literals, and nothing that it names is ever run. What a word means is for the reader's callers.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Worded(NamedTuple):
    """A word with its values.

    Attributes:
        word: such as `AfterPolls`.
        arguments: the values in their order; None when the word stands without parentheses.
        named: the values that have names.
    """

    word: str
    arguments: tuple[Any, ...] | None
    named: Mapping[str, Any]


def read_literal(text: str) -> Any:
    """What `text` says: the value of a Python literal, or a `Worded`.

    Raises:
        ValueError: it says neither.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return Worded(node.id, None, {})
        if not isinstance(node, ast.Call):
            return ast.literal_eval(node)
        if not isinstance(node.func, ast.Name) or any(keyword.arg is None for keyword in node.keywords):
            raise ValueError(text)
        arguments = tuple(ast.literal_eval(argument) for argument in node.args)
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        return Worded(node.func.id, arguments, named)
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(text) from None
