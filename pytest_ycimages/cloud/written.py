"""Values as text, for command lines and ini files: `AfterPolls(3)`, `Failure('UNAVAILABLE')`. Nothing is ever run."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Words(NamedTuple):
    """What a text may say.

    Attributes:
        what: what the text is to be, such as `timing`.
        makers: name -> what makes the value of that name.
        examples: the same names -> how each may be written with its values.
        hint: what to write, for a text that is none.
        constants: name -> a value that needs none.
    """

    what: str
    makers: Mapping[str, Callable[..., object]]
    examples: Mapping[str, str]
    hint: str
    constants: Mapping[str, object] = {}


def read_call(text: str, words: Words) -> object:
    """The value that a text such as `AfterPolls(3)` says; a literal, such as a number, is what it is.

    Raises:
        UsageError: the text says nothing of that kind; the error says what would.
    """
    usage = UsageError(f"{text!r} is no {words.what}. {words.hint}")
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return _named(node.id, text, words, usage)
        if not isinstance(node, ast.Call):
            return ast.literal_eval(node)
        if not isinstance(node.func, ast.Name):
            raise usage
        if node.func.id not in words.makers:
            raise unknown_word(words.what, node.func.id, [*words.makers, *words.constants])
        arguments = [ast.literal_eval(argument) for argument in node.args]
        named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in node.keywords}
        return words.makers[node.func.id](*arguments, **named)
    except (SyntaxError, TypeError, ValueError):
        raise usage from None


def _named(name: str, text: str, words: Words, usage: UsageError) -> object:
    if name in words.constants:
        return words.constants[name]
    if name in words.makers:
        raise UsageError(f"{text!r} is no {words.what} without its values. Write {words.examples[name]}.")
    known = [*words.makers, *words.constants]
    raise unknown_word(words.what, name, known) if get_close_matches(name, known, cutoff=0.4) else usage


def read_mapping(text: str) -> dict[str, Any] | None:
    """What a text such as `{'images.create': After(5), 'images.*': 2}` says: literals as they are, the rest as text.

    None for a text that is no mapping.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(node, ast.Dict):
        return None
    return {_plain(key): _plain(value) for key, value in zip(node.keys, node.values, strict=True)}


def _plain(node: ast.expr | None) -> Any:
    """The value of a literal; anything else as its text."""
    if isinstance(node, ast.Constant):
        return node.value
    return ast.unparse(node) if node is not None else ""
