"""Values written as text, on command lines and in ini files: `2.5`, `1h30m`, `10GiB`, `AfterPolls(3)`, `first(2)`.

The text is parsed, never evaluated: it can hold literals, the names of a `Vocabulary`, and their combinations.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import sys
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DURATIONS: Final = "such as '200ms', '1.5s' or '1h30m'"
SIZES: Final = "such as '512KiB' or '10GiB'"
"""What errors say about durations and sizes as text."""

_NUMBER: Final = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_DURATION: Final = rf"{_NUMBER}[ \t]*(?:us|µs|μs|ms|s|m|h|d)(?:[ \t]*{_NUMBER}[ \t]*(?:us|µs|μs|ms|s|m|h|d))*"
_SIZE: Final = rf"{_NUMBER}[ \t]*[kKmMgGtTpPeE]?[iI]?[bB]"
_WITH_UNIT: Final = re.compile(
    rf"""(?P<quoted>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(?<![\w.])(?:(?P<duration>{_DURATION})|(?P<size>{_SIZE}))(?![\w.])"""
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Vocabulary(NamedTuple):
    """The names that a text may use.

    Attributes:
        what: what the text describes, such as `timing`.
        makers: name -> the function that makes the value, given its arguments.
        expected: what errors say was expected, such as `seconds or AfterPolls(3)`.
        examples: name -> an example call, for errors about a name without arguments.
        constants: name -> a value that takes no arguments.
        operand: checks and returns an operand of `&`, `|` and `~`; None: no operators.
        names: what errors call an unknown name; `what` unless given.
    """

    what: str
    makers: Mapping[str, Callable[..., object]]
    expected: str
    examples: Mapping[str, str] = {}
    constants: Mapping[str, object] = {}
    operand: Callable[[object], Any] | None = None
    names: str = ""

    @property
    def known(self) -> list[str]:
        """Return the names of makers and constants."""
        return [*self.makers, *self.constants]

    def error(self, value: object, reason: str = "") -> UsageError:
        """Return the error that refuses `value`: what was given, why, and what was expected."""
        return UsageError(f"invalid {self.what} {value!r}: {reason and f'{reason}; '}expected {self.expected}")


def read_text(text: str, vocabulary: Vocabulary, *, call: str = "") -> object:
    """Return the value that a text such as `AfterPolls(3)` describes.

    Args:
        text: the text.
        vocabulary: the names that it may use.
        call: the maker that the text gives the arguments of; empty: the text is a whole expression.

    Raises:
        UsageError: the text is invalid.
    """
    stripped = _WITH_UNIT.sub(_literal_of, text.strip())
    source = f"{call}({stripped})" if call and not stripped.startswith(f"{call}(") else stripped
    try:
        return _Reader(text, vocabulary).value(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise vocabulary.error(text) from None


def is_text(value: object) -> TypeGuard[str]:
    """Return whether `value` is text that UTF-8 can express: without lone surrogates."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def read_literal(text: str) -> object:
    """Return the value of a Python literal.

    Raises:
        ValueError: the text is not a literal.
    """
    try:
        return _plain(ast.literal_eval(text.strip()))
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(text) from None


def _plain(value: object) -> object:
    """Return the value of a literal if all its texts are; an escape may have made a lone surrogate."""
    if isinstance(value, str) and not is_text(value):
        raise ValueError(value)
    if isinstance(value, dict):
        _plain([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for each in value:
            _plain(each)
    return value


def seconds_in(text: str) -> float | None:
    """Return the seconds of a number such as `2.5`, or of a duration such as `200ms` or `1h30m`; None for other text.

    The units are us, ms, s, m, h and d, as in Go; white space may be between the parts.
    """
    plain = text.strip()
    if re.fullmatch(_DURATION, plain):
        return _duration(plain)
    try:
        return float(plain) if math.isfinite(float(plain)) else None
    except ValueError:
        return None


def _duration(text: str) -> float | None:
    from durationpy import from_str  # noqa: PLC0415 - only for durations as text

    try:
        seconds: float = from_str("".join(text.split())).total_seconds()
    except (ValueError, OverflowError):  # too long for Python
        return None
    return seconds if seconds or not re.search("[1-9]", text) else None  # less than a microsecond would become zero


def bytes_in(text: str) -> int | None:
    """Return the bytes of a whole number such as `1024`, or of a size such as `512KiB` or `10GB`; None for other text.

    KiB, MiB, GiB and so on are powers of 1024, and kB, MB, GB those of 1000.
    """
    plain = text.strip()
    if plain.isascii() and plain.isdecimal():
        return int(plain) if len(plain) <= _DIGITS else None
    if not re.fullmatch(_SIZE, plain):
        return None
    from pydantic import ByteSize, TypeAdapter, ValidationError  # noqa: PLC0415 - only for sizes as text

    try:
        size = int(TypeAdapter(ByteSize).validate_python(plain))
    except (ValidationError, OverflowError):
        return None
    return size if size or not re.search("[1-9]", plain) else None  # less than a byte would become zero


_DIGITS: Final = 30


def _literal_of(found: re.Match[str]) -> str:
    """Return the seconds of a duration in an expression, and a size as text, so that it is not taken for seconds."""
    if found["duration"]:
        seconds = _duration(found[0])
        return found[0] if seconds is None else repr(seconds)
    return repr(found[0]) if found["size"] else found[0]


class _Reader(NamedTuple):
    """Reads the expressions of one text."""

    text: str
    vocabulary: Vocabulary

    def value(self, node: ast.expr) -> object:
        match node:
            case ast.Call(ast.Name(name), arguments, keywords) if all(each.arg for each in keywords):
                given = {str(each.arg): self.value(each.value) for each in keywords}
                return self._call(name, [self.value(each) for each in arguments], given)
            case ast.BinOp(_, ast.BitAnd() | ast.BitOr(), _) | ast.UnaryOp(ast.Invert(), _) if self.vocabulary.operand:
                return self._combination(node, self.vocabulary.operand)
            case ast.Name("inf") | ast.Attribute(ast.Name("math"), "inf"):
                return math.inf
            case ast.Name(name):
                return self._name(name)
            case _:
                return self._literal(node)

    def _combination(self, node: ast.BinOp | ast.UnaryOp, operand: Callable[[object], Any]) -> object:
        if isinstance(node, ast.UnaryOp):
            return ~operand(self.value(node.operand))
        left, right = operand(self.value(node.left)), operand(self.value(node.right))
        return left & right if isinstance(node.op, ast.BitAnd) else left | right

    def _literal(self, node: ast.expr) -> object:
        try:
            return _plain(ast.literal_eval(node))
        except (ValueError, TypeError):
            written = ast.unparse(node)
            part = written != self.text.strip()
            raise self.vocabulary.error(self.text, f"{written!r} is not a value" if part else "") from None

    def _name(self, name: str) -> object:
        vocabulary = self.vocabulary
        if name in vocabulary.constants:
            return vocabulary.constants[name]
        if name in vocabulary.makers:
            example = vocabulary.examples.get(name, f"{name}(...)")
            raise UsageError(f"invalid {vocabulary.what} {self.text!r}: {name} needs parentheses, such as {example}")
        if name == self.text.strip() and not get_close_matches(name, vocabulary.known, cutoff=0.4):
            raise vocabulary.error(self.text)
        raise unknown_word(vocabulary.names or vocabulary.what, name, vocabulary.known)

    def _call(self, name: str, arguments: list[object], named: dict[str, object]) -> object:
        vocabulary = self.vocabulary
        if name not in vocabulary.makers:
            raise unknown_word(vocabulary.names or vocabulary.what, name, vocabulary.known)
        make = vocabulary.makers[name]
        signature = inspect.signature(make)
        for word in named:
            if word not in signature.parameters:
                raise unknown_word(f"argument of {name}", word, signature.parameters)
        try:
            signature.bind(*arguments, **named)
        except TypeError as error:
            usage = f"{name}{_without_types(signature)}"
            raise UsageError(f"invalid {vocabulary.what} {self.text!r}: {error}; expected {usage}") from None
        return make(*arguments, **named)


def _without_types(signature: inspect.Signature) -> str:
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(bare))


class Written:
    """Shown in lists and by pretty printers (IPython, Hypothesis) as its `__str__`, the text that makes it again."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the text that makes it again."""
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002, FBT001 - IPython's protocol
        printer.text(repr(self))


LONGEST: Final = 10**11
"""Seconds, some three thousand years: the longest duration, so that every moment can be printed."""


def is_number(value: object) -> TypeGuard[float]:
    """Return whether `value` is a number and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_seconds(value: object) -> TypeGuard[float]:
    """Return whether `value` is a finite number of seconds, zero or more, that a float can hold."""
    return is_number(value) and 0 <= value <= sys.float_info.max


def seconds_of(name: str, value: object) -> float:
    """Read seconds: a number, a timedelta, or text such as `2.5`, `200ms` or `3d`.

    Raises:
        UsageError: `value` is not a duration; the text names it `name`.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(value, str):
        seconds = seconds_in(value)
    if not is_seconds(seconds):
        raise UsageError(
            f"invalid {name}={value!r}: expected seconds, zero or more, such as 2.5, or a duration {DURATIONS}."
        )
    return seconds
