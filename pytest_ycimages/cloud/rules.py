"""Rules: the behaviour that users decide, and the readers of these settings.

Timing, outcome, rollback and cancel may differ by method: the first pattern that names a method decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar, get_args

from pytest_ycimages.api.methods import matching
from pytest_ycimages.cloud.lifecycle import CANCELLABLE, METHOD_OF, CancelWord
from pytest_ycimages.cloud.outcome import Failure, Success, outcome_of
from pytest_ycimages.cloud.timing import AfterPolls, Timing, timing_of
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import bytes_in, is_seconds, read_literal, seconds_in, seconds_of
from pytest_ycimages.words import choices

if TYPE_CHECKING:
    from collections.abc import Callable

Auth = Literal["any", "strict", "off"]
"""The callers admitted: with `any` token that was not revoked, with one issued by the double (`strict`), or all."""
OAuth = Literal["accept", "too_new", "invalid"]
"""What becomes of OAuth tokens: exchanged, refused as issued after 2026-06-01, or refused as invalid."""
FilterFields = Literal["documented", "all"]
KeyFormat = Literal["any", "uuid"]
KeyReuse = Literal["first", "reject"]
MissingSource = Literal["failed_precondition", "not_found"]
UnknownFields = Literal["ignore", "warn", "reject"]
UnknownResources = Literal["accept", "not_found"]

_CANCELS: Final[dict[str, CancelWord]] = choices("cancel", get_args(CancelWord))

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


if TYPE_CHECKING:
    TimingSetting = Timing | float | str | Mapping[str, Timing | float | str] | PerMethod[Timing]
    OutcomeSetting = Success | Failure | str | Mapping[str, Success | Failure | str] | PerMethod[Success | Failure]
    RollbackSetting = float | str | Mapping[str, float | str] | PerMethod[float]
    CancelSetting = CancelWord | Mapping[str, CancelWord] | PerMethod[CancelWord]
else:  # pydantic reads these with `per_method`, and needs no types
    TimingSetting = OutcomeSetting = RollbackSetting = CancelSetting = object


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of a cloud; None means unlimited.

    Attributes:
        images: the number of images.
        total_size: the bytes that all images store together, also as text such as `10GiB`.
        running_operations: the operations running in a folder at once.
        pooled_images: the number of pooled images.
    """

    images: int | None = None
    total_size: int | None = None
    running_operations: int | None = None
    pooled_images: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.total_size, str):
            object.__setattr__(self, "total_size", bytes_in(self.total_size) or self.total_size)
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is not None and (type(limit) is not int or limit < 0):
                raise UsageError(
                    f"invalid quota {name}={limit!r}: expected a whole number, zero or more, or None for no limit."
                )


DEFAULT_QUOTAS: Final = Quotas(images=32, total_size=1024 * 2**30, running_operations=15, pooled_images=0)
"""The service's own defaults for a new cloud (documented)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The behaviour that users decide, where neither the specification nor the facts do; see `Settings`."""

    auth: Auth = "any"
    oauth: OAuth = "accept"
    timing: Timing | PerMethod[Timing] = AfterPolls(1)  # noqa: RUF009 - immutable
    outcome: Success | Failure | PerMethod[Success | Failure] = Success()  # noqa: RUF009 - immutable
    rollback: float | PerMethod[float] = 0
    cancel: CancelWord | PerMethod[CancelWord] = _CANCELS["wins"]
    cancel_delay: float = 5
    unknown_resources: UnknownResources = "accept"
    unknown_fields: UnknownFields = "warn"
    idempotency_key_format: KeyFormat = "any"
    idempotency_key_reuse: KeyReuse = "first"
    poll_interval: int | None = None
    missing_source: MissingSource = "failed_precondition"
    filter_fields: FilterFields = "documented"
    operation_retention: float | None = 14 * 24 * 3600  # two weeks (documented)
    quotas: Quotas = Quotas()
    journal_limit: int | None = None
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def refuses_unknown(self) -> bool:
        """Whether sources and folders that were not added are refused."""
        return self.unknown_resources == "not_found"


DEFAULTS: Final = Rules()


# Readers of settings.


def per_method(name: str, value: object) -> Any:
    """Read a setting of operations: one value for all methods, or a mapping of method words and globs to values.

    Args:
        name: the setting: `timing`, `outcome`, `rollback` or `cancel`.
        value: the written value; a mapping may be text as well.

    Raises:
        UsageError: a value is invalid, or a pattern names none of the methods that have the setting or is never used.
    """
    if isinstance(value, PerMethod):
        return value
    read, methods = _PER_METHOD[name], CANCELLED if name == "cancel" else STARTING
    mapping = _mapping_in(value) if isinstance(value, str) else value
    if not isinstance(mapping, Mapping):
        return read(value)
    if not mapping:
        raise UsageError(f"{name}={{}} is empty. Give a value for some methods, such as {{{methods[0]!r}: ...}}.")
    named: dict[str, str] = {}
    for pattern in mapping:
        _name(name, pattern, methods, named)
    return PerMethod(tuple((pattern, read(each)) for pattern, each in mapping.items()), getattr(DEFAULTS, name))


def for_one_operation(name: str, value: object) -> Any:
    """Read a setting that applies to one operation: one of those of `per_method`, or `cancel_delay`.

    Raises:
        UsageError: the value is invalid, or a mapping of methods.
    """
    if name in _PER_METHOD and isinstance(value, Mapping | PerMethod):
        raise UsageError(
            f"{name}={value!r} has values for several methods. The next operation takes one value; `on` says which "
            "methods may start it."
        )
    return _PER_METHOD.get(name, cancel_delay_setting)(value)


def _mapping_in(text: str) -> object:
    """Read a text such as `{'images.create': 5, 'images.*': 'Never()'}` as a mapping; return other text unchanged."""
    try:
        said = read_literal(text)
    except ValueError:
        return text
    return said if isinstance(said, Mapping) else text


def named_by(pattern: object, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Return the methods that a word or a glob names.

    Args:
        pattern: the word or the glob.
        methods: `STARTING` or `CANCELLED`.

    Raises:
        UsageError: it names none of them; the text gives the nearest word.
    """
    words = matching(pattern) if isinstance(pattern, str) else frozenset[str]()
    found = tuple(method for method in methods if method in words)
    if not found:
        what = "that starts an operation" if methods == STARTING else "whose operation can be cancelled"
        raise unknown_word(f"method {what}", pattern, methods)
    return found


def _name(name: str, pattern: object, methods: tuple[str, ...], named: dict[str, str]) -> None:
    found = named_by(pattern, methods)
    fresh = [method for method in found if method not in named]
    if not fresh:
        raise UsageError(
            f"{pattern!r} in {name} is never used: {named[found[0]]!r} before it matches the same methods, and the "
            "first match wins. Move it up, or remove it."
        )
    named.update(dict.fromkeys(fresh, str(pattern)))


def _cancel(value: object) -> CancelWord:
    if not isinstance(value, str) or value not in _CANCELS:
        raise unknown_word("cancel", value, _CANCELS)
    return _CANCELS[value]


_PER_METHOD: Final[Mapping[str, Callable[[object], Any]]] = {
    "timing": timing_of,
    "outcome": outcome_of,
    "rollback": partial(seconds_of, "rollback"),
    "cancel": _cancel,
}
cancel_delay_setting: Final = partial(seconds_of, "cancel_delay")
"""Read the setting `cancel_delay`."""


def retention_setting(value: object) -> float | None:
    """Read the setting `operation_retention`."""
    return None if value is None or value == "none" else seconds_of("operation_retention", value)


def poll_interval_setting(value: object) -> int | None:
    """Read the setting `poll_interval`, whole seconds for a header.

    Raises:
        UsageError: the value is invalid; the text says what is accepted.
    """
    if value is None or value == "none":
        return None
    seconds = seconds_in(value) if isinstance(value, str) else value
    if not is_seconds(seconds) or seconds < 1 or seconds != int(seconds):
        raise UsageError(
            f"invalid poll_interval={value!r}: expected whole seconds, 1 or more, such as 5 or '1m', or None for no "
            "header."
        )
    return int(seconds)


def quotas_setting(value: object) -> object:
    """Return the quotas of a text or of a mapping, as in TOML; other values as they are.

    Raises:
        UsageError: a quota is unknown, or its value is invalid.
    """
    if value == "default":
        return DEFAULT_QUOTAS
    if isinstance(value, Mapping):
        for name in value:
            if name not in Quotas.__slots__:
                raise unknown_word("quota", name, Quotas.__slots__)
        return Quotas(**value)
    return Quotas() if value is None or value == "none" else value
