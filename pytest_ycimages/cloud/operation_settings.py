"""Settings of operations: timing, outcome, rollback and cancel, which may differ by method.

The first pattern that names a method decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar, get_args

from pytest_ycimages.api.methods import matching
from pytest_ycimages.cloud.lifecycle import CANCELLABLE, METHOD_OF, CancelWord
from pytest_ycimages.cloud.outcome import Failure, Success, outcome_of
from pytest_ycimages.cloud.timing import AfterPolls, Timing, timing_of
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import read_literal, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable


Value = TypeVar("Value")

STARTING: Final = tuple(METHOD_OF.values())
"""The methods that start an operation."""

CANCELLED: Final = tuple(METHOD_OF[kind] for kind in METHOD_OF if kind in CANCELLABLE)
"""The methods whose operation can be cancelled."""


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
        """Return the value for a method that starts an operation."""
        return self._chosen[method]

    def __repr__(self) -> str:
        """Return the source text that creates it."""
        return repr(dict(self.patterns))


def per_method(
    name: str, value: object, read: Callable[[object], Value], default: Value, methods: tuple[str, ...] = STARTING
) -> Value | PerMethod[Value]:
    """Read a setting: one value for all methods, or a mapping of method words and globs to values.

    Args:
        name: the setting.
        value: the written value; a mapping may be text as well.
        read: reads one value.
        default: the value for a method that no pattern names.
        methods: the methods that the setting applies to.

    Raises:
        UsageError: a pattern names none of `methods` or is never used; or `read` refuses a value.
    """
    if isinstance(value, PerMethod):
        return value
    mapping = _mapping_in(value) if isinstance(value, str) else value
    if not isinstance(mapping, Mapping):
        return read(value)
    if not mapping:
        raise UsageError(f"{name}={{}} is empty. Give a value for some methods, such as {{{methods[0]!r}: ...}}.")
    named: dict[str, str] = {}
    for pattern in mapping:
        _name(name, pattern, methods, named)
    return PerMethod(tuple((pattern, read(each)) for pattern, each in mapping.items()), default)


def _mapping_in(text: str) -> object:
    """Read a text such as `{'images.create': 5, 'images.*': 'Never()'}` as a mapping; return other text unchanged."""
    try:
        said = read_literal(text)
    except ValueError:
        return text
    return said if isinstance(said, Mapping) else text


def named_by(pattern: object, methods: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Return the methods that a word or a glob names.

    Raises:
        UsageError: it names none of them; the text gives the nearest word.
    """
    words = matching(pattern) if isinstance(pattern, str) else frozenset[str]()
    found = tuple(method for method in methods if method in words)
    if not found:
        raise unknown_word(what, pattern, methods)
    return found


def _name(name: str, pattern: object, methods: tuple[str, ...], named: dict[str, str]) -> None:
    what = "method that starts an operation" if methods == STARTING else "method whose operation can be cancelled"
    found = named_by(pattern, methods, what)
    fresh = [method for method in found if method not in named]
    if not fresh:
        raise UsageError(
            f"{pattern!r} in {name} is never used: {named[found[0]]!r} before it matches the same methods, and the "
            "first match wins. Move it up, or remove it."
        )
    named.update(dict.fromkeys(fresh, str(pattern)))


if TYPE_CHECKING:
    TimingSetting = Timing | float | str | Mapping[str, Timing | float | str] | PerMethod[Timing]
    OutcomeSetting = Success | Failure | str | Mapping[str, Success | Failure | str] | PerMethod[Success | Failure]
    RollbackSetting = float | str | Mapping[str, float | str] | PerMethod[float]
    CancelSetting = CancelWord | Mapping[str, CancelWord] | PerMethod[CancelWord]
else:  # pydantic reads these with the functions below, and needs no types
    TimingSetting = OutcomeSetting = RollbackSetting = CancelSetting = object

DEFAULT_TIMING: Final = AfterPolls(1)
DEFAULT_OUTCOME: Final = Success()
DEFAULT_CANCEL: Final[CancelWord] = "wins"
DEFAULT_CANCEL_DELAY: Final = 5

_CANCELS: Final[tuple[CancelWord, ...]] = get_args(CancelWord)


def timing_setting(value: object) -> Timing | PerMethod[Timing]:
    """Read the setting `timing`.

    Raises:
        UsageError: the value is invalid; the text says what is accepted. The same holds for the other settings.
    """
    return per_method("timing", value, timing_of, DEFAULT_TIMING)


def outcome_setting(value: object) -> Success | Failure | PerMethod[Success | Failure]:
    """Read the setting `outcome`."""
    return per_method("outcome", value, outcome_of, DEFAULT_OUTCOME)


def rollback_setting(value: object) -> float | PerMethod[float]:
    """Read the setting `rollback`."""
    return per_method("rollback", value, rollback_of, 0.0)


def rollback_of(value: object) -> float:
    """Read one value of the setting."""
    return seconds_of("rollback", value)


def cancel_setting(value: object) -> CancelWord | PerMethod[CancelWord]:
    """Read the setting `cancel`, which applies to methods whose operation can be cancelled."""
    return per_method("cancel", value, cancel_of, DEFAULT_CANCEL, CANCELLED)


def cancel_of(value: object) -> CancelWord:
    """Read one value of the setting."""
    if value not in _CANCELS:
        raise unknown_word("cancel", value, _CANCELS)
    return value


def cancel_delay_setting(value: object) -> float:
    """Read the setting `cancel_delay`."""
    return seconds_of("cancel_delay", value)


def only_one(name: str, value: object) -> object:
    """Return `value`, which applies to one operation.

    Raises:
        UsageError: the value is a mapping of methods.
    """
    if isinstance(value, Mapping | PerMethod):
        raise UsageError(
            f"{name}={value!r} has values for several methods. The next operation takes one value; `on` says which "
            "methods may start it."
        )
    return value
