"""A value for each method that starts an operation: the first pattern that names the method decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pytest_ycimages.api.methods import matching
from pytest_ycimages.cloud.lifecycle import CANCELLABLE, METHOD_OF
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import read_literal

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")

STARTING: Final = tuple(METHOD_OF.values())
"""The methods that start an operation."""

CANCELLED: Final = tuple(METHOD_OF[kind] for kind in METHOD_OF if kind in CANCELLABLE)
"""Those whose operation can be cancelled."""


@dataclass(frozen=True, slots=True, repr=False)
class PerMethod(Generic[Value]):
    """A value for each method.

    Attributes:
        patterns: method words and globs, in order, each with its value.
        default: the value for a method that no pattern names.
    """

    patterns: tuple[tuple[str, Value], ...]
    default: Value
    _chosen: Mapping[str, Value] = field(init=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        named = [(matching(pattern), value) for pattern, value in self.patterns]
        chosen = {method: next((v for words, v in named if method in words), self.default) for method in STARTING}
        object.__setattr__(self, "_chosen", chosen)

    def of(self, method: str) -> Value:
        """The value for a method that starts an operation."""
        return self._chosen[method]

    def __repr__(self) -> str:
        """As it was written."""
        return repr(dict(self.patterns))


def of_method(value: Value | PerMethod[Value], method: str) -> Value:
    """The value that is in force for `method`."""
    return value.of(method) if isinstance(value, PerMethod) else value


def per_method(
    name: str, value: object, read: Callable[[object], Value], default: Value, methods: tuple[str, ...] = STARTING
) -> Value | PerMethod[Value]:
    """Read a setting as users may write it: one value for all, or a mapping of method words and globs to values.

    Args:
        name: the setting.
        value: what was written; a mapping may be text as well.
        read: reads one value.
        default: the value for a method that no pattern names.
        methods: the methods that the setting can be about.

    Raises:
        UsageError: a pattern that names none of `methods`, or that never counts; or a value that `read` refuses.
    """
    if isinstance(value, PerMethod):
        return value
    mapping = _mapping_in(value) if isinstance(value, str) else value
    if not isinstance(mapping, Mapping):
        return read(value)
    if not mapping:
        raise UsageError(f"{name}={{}} says nothing. Give a value for some methods, such as {{{methods[0]!r}: ...}}.")
    named: dict[str, str] = {}
    for pattern in mapping:
        _name(name, pattern, methods, named)
    return PerMethod(tuple((pattern, read(each)) for pattern, each in mapping.items()), default)


def _mapping_in(text: str) -> object:
    """The mapping that a text such as `{'images.create': 5, 'images.*': 'Never()'}` says; else the text itself."""
    try:
        said = read_literal(text)
    except ValueError:
        return text
    return said if isinstance(said, Mapping) else text


def named_by(pattern: object, methods: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Those of `methods` that a word or a glob names.

    Raises:
        UsageError: it names none of them, or no method at all; the text says which word is nearest.
    """
    words = matching(pattern) if isinstance(pattern, str) else frozenset[str]()
    found = tuple(method for method in methods if method in words)
    if not found:
        raise unknown_word(what, pattern, methods)
    return found


def _name(name: str, pattern: object, methods: tuple[str, ...], named: dict[str, str]) -> None:
    """Take note of the methods that `pattern` is the first to name."""
    what = "method that starts an operation" if methods == STARTING else "method whose operation can be cancelled"
    found = named_by(pattern, methods, what)
    fresh = [method for method in found if method not in named]
    if not fresh:
        raise UsageError(
            f"{pattern!r} in {name} never counts: {named[found[0]]!r} before it names the same, and the first one "
            "that matches wins. Put it further up, or take it out."
        )
    named.update(dict.fromkeys(fresh, str(pattern)))
