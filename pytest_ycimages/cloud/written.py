"""Reading a value as text where a few words have meanings: `AfterPolls(3)`, `Failure('UNAVAILABLE')`, `REALISTIC`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.literals import Worded, read_literal

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


def read_words(text: str, words: Words) -> object:
    """Return the value that a text such as `AfterPolls(3)` says; a literal, such as a number, is what it is.

    Raises:
        UsageError: the text says nothing of that kind; the error says what would.
    """
    try:
        said = read_literal(text)
        if not isinstance(said, Worded):
            return said
        if said.arguments is None:
            return _alone(said.word, text, words)
        if said.word in words.makers:
            return words.makers[said.word](*said.arguments, **said.named)
    except (TypeError, ValueError):
        raise UsageError(f"{text!r} is no {words.what}. {words.hint}") from None
    raise unknown_word(words.what, said.word, [*words.makers, *words.constants])


def _alone(word: str, text: str, words: Words) -> object:
    """Return what a word says that has no values."""
    if word in words.constants:
        return words.constants[word]
    if word in words.makers:
        raise UsageError(f"{text!r} is no {words.what} without its values. Write {words.examples[word]}.")
    known = [*words.makers, *words.constants]
    if get_close_matches(word, known, cutoff=0.4):
        raise unknown_word(words.what, word, known)
    raise ValueError(word)
