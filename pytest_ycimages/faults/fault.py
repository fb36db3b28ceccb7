"""A fault: its name and arguments, and the one effect that it has. The functions of the catalogue make them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, wraps
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    ParamSpec,
    get_args,
    get_origin,
    get_type_hints,
)

from pytest_ycimages.api.exchange import Delivery
from pytest_ycimages.api.message import INT64_MAX
from pytest_ycimages.api.methods import METHODS
from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.timing import After, Timing, timing_of
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import DURATIONS, LONGEST, SIZES, Written, bytes_in, is_number, is_text, seconds_in
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Damage
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.cloud.plan import NextOperation

Commit = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The call is answered with an error.

    Attributes:
        error: the error.
        metadata: headers of the answer.
    """

    error: Status
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Damaged:
    """The answer is damaged on its way to the client.

    Attributes:
        damage: how.
        only_reused: strike only on a connection that has served a request before.
    """

    damage: Damage
    only_reused: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """The answer is late.

    Attributes:
        seconds: how late at first, on the double's clock.
        most: how late in the end; None: always `seconds`.
        over: the seconds in which it grows from `seconds` to `most`, from the first call that it strikes.
    """

    seconds: float
    most: float | None = None
    over: float = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """The operation that the call starts goes wrong.

    Attributes:
        asked: how the operation goes.
    """

    asked: NextOperation


@dataclass(frozen=True, slots=True)
class Hidden:
    """The operation or image that the call starts is not found for a while.

    Attributes:
        what: `operation`, as operations.get sees it, or `image`, as images.get does.
        reads: how many requests do not find it; None: `after` and `seconds` decide.
        after: seconds after its creation until it is hidden, on the double's clock.
        seconds: for how long it is hidden; infinite for good.
    """

    what: Literal["operation", "image"]
    reads: int | None
    after: float = 0
    seconds: float = math.inf


def delivery_under(effect: Effect) -> Delivery:
    """Return what a client receives of the answer to a call with this effect."""
    if isinstance(effect, Answer):
        return Delivery.REPLACED
    return effect.damage.delivery if isinstance(effect, Damaged) else Delivery.WHOLE


Effect = Answer | Damaged | Late | Planned | Hidden
EFFECTS: Final[tuple[type[Effect], ...]] = (Answer, Damaged, Late, Planned, Hidden)
OF_ANSWERS: Final[tuple[type[Effect], ...]] = (Answer, Damaged, Late)
"""The effects on answers, which any backend supports."""


@exact
@dataclass(frozen=True, slots=True, repr=False)
class Fault(Written):
    """One thing that goes wrong.

    Attributes:
        name: the function of the catalogue that made it.
        arguments: the arguments that the function was given.
        effect: the effect.
        commits: whether it may strike before the commit, after it, or both; the first is the default.
        methods: the methods that it can strike.
    """

    name: str
    arguments: Mapping[str, Any]
    effect: Effect
    commits: tuple[Commit, ...] = ("before", "after")
    methods: tuple[str, ...] = METHODS

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.name}({given})"


# The registry of the functions that make faults, and the kinds of their arguments.

_P = ParamSpec("_P")
_EMPTY: Final = (None, "", 0, (), math.inf)
"""The defaults that the text of a fault leaves out."""
REGISTERED: Final[dict[str, tuple[Callable[..., Fault], tuple[str, ...]]]] = {}
"""The functions that make faults and the methods that these can strike, by name."""


class Argument(NamedTuple):
    """A kind of argument, in the annotation of a parameter: `Annotated[int, Argument(...)]`.

    Attributes:
        read: takes the argument as text, for errors, and its value; returns the value as a fault shows it.
        values: values that clients may meet, the mildest first; strategies draw from them.
    """

    read: Callable[[str, Any], Any]
    values: Sequence[object]


def accepting(
    expected: str,
    accepts: Callable[[Any], bool],
    values: Sequence[object],
    parse: Callable[[str], object] = lambda text: text,
) -> Argument:
    """Return a kind of argument whose values are shown as they are, if `accepts` returns true for them.

    Args:
        expected: what errors say was expected.
        accepts: returns whether a value is valid.
        values: values that clients may meet, the mildest first.
        parse: returns the value that a text describes.
    """

    def read(given: str, value: object) -> object:
        found = parse(value) if isinstance(value, str) else value
        if not accepts(found):
            raise UsageError(f"invalid {given}: expected {expected}")
        return found

    return Argument(read, values)


def register(
    methods: tuple[str, ...] = METHODS, *, commits: tuple[Commit, ...] = ()
) -> Callable[[Callable[_P, Effect]], Callable[_P, Fault]]:
    """Enter a function that returns an effect into the catalogue, as one that makes a fault with this effect.

    Arguments are read by the `Argument` in their annotation before the function gets them.

    Args:
        methods: the methods that its faults can strike.
        commits: the sides of the commit on which they may strike, the default first; by default, those of the effect.
    """

    def enter(function: Callable[_P, Effect]) -> Callable[_P, Fault]:
        name = function.__name__

        @wraps(function)
        def make(*args: _P.args, **kwargs: _P.kwargs) -> Fault:
            arguments, shown = _read(function, inspect.signature(function).bind(*args, **kwargs).arguments)
            effect = function(**arguments)  # type: ignore[call-arg]  # the same arguments, by name
            return Fault(name, shown, effect, commits or _commits(effect), methods)

        function.__annotations__["return"] = Fault
        REGISTERED[name] = make, methods
        return make

    return enter


@cache
def arguments_of(function: Callable[..., Any]) -> Mapping[str, tuple[inspect.Parameter, Argument]]:
    """Return each parameter of a function that makes a fault, and its kind, by name."""
    hints = get_type_hints(function, include_extras=True)
    return {
        name: (parameter, _kind(function.__name__, name, hints[name]))
        for name, parameter in inspect.signature(function).parameters.items()
    }


def _kind(fault: str, name: str, hint: Any) -> Argument:
    if get_origin(hint) is Literal:
        return Argument(partial(_choice, f"{name} of {fault}", get_args(hint)), get_args(hint))
    for part in (hint, *get_args(hint)):  # the argument may be None as well
        for kind in getattr(part, "__metadata__", ()):
            if isinstance(kind, Argument):
                return kind
    raise TypeError(f"the parameter {name} of {fault} has no Argument in its annotation")


def _choice(what: str, known: tuple[str, ...], _: str, value: object) -> object:
    if value not in known:
        raise unknown_word(what, value, known)
    return value


def _read(function: Callable[..., Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return all arguments, and those that the text of the fault shows."""
    arguments: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    for name, (parameter, kind) in arguments_of(function).items():
        default = parameter.default
        value = given.get(name, default)
        always = isinstance(default, Code) or default not in _EMPTY
        if always or type(value) is not type(default) or value != default:
            value = kind.read(f"{function.__name__}({name}={value!r})", value)
        arguments[name] = value
        if always or value != default:
            shown[name] = value
    return arguments, shown


def _commits(effect: Effect) -> tuple[Commit, ...]:
    if isinstance(effect, Planned | Hidden):
        return ("before",)
    if isinstance(effect, Damaged) and effect.only_reused:
        return ("before",)
    slow = isinstance(effect, Late) or delivery_under(effect) is Delivery.SLOW
    return ("after",) if slow else ("before", "after")


# The kinds of arguments.

_SLOWEST: Final = 0.001


def _is_whole(value: object) -> bool:
    return type(value) is int and 0 <= value < INT64_MAX


def _code(given: str, value: Any) -> str:
    if isinstance(value, str) and value.upper() == "OK":
        raise UsageError(f"invalid {given}: OK is not an error; expected a code such as 'ABORTED'")
    return Failure(value).error.code.name


def _details(_: str, value: Any) -> Iterable[Mapping[str, Any]]:
    details: Iterable[Mapping[str, Any]] = Failure(Code.INTERNAL, "", value).error.to_wire().get("details", ())
    return details


def _timing(_: str, value: Any) -> float | str:
    timing = timing_of(value)
    return timing.seconds if isinstance(timing, After) else repr(timing)


_SECONDS: Final = accepting(
    f"seconds, from 0 to {LONGEST:.0e}, or a duration {DURATIONS}; without an end: hang(), stall() or "
    "operation_never_ends()",
    lambda value: is_number(value) and 0 <= value <= LONGEST,
    (0, 1, 2, 3, 5, 7, 10, 15, 30, 45, 60, 90, 120, 0.001, 0.05, 0.5, 1.5, 2.25, 59.999),
    seconds_in,
)
_SPAN: Final = accepting(
    f"seconds above zero, up to {LONGEST:.0e}, or a duration {DURATIONS}; to be late at once: slow(...)",
    lambda value: is_number(value) and 0 < value <= LONGEST,
    (60, 1, 0.5, 10, 3600),
    seconds_in,
)
_RATE: Final = accepting(
    f"bytes per second, {_SLOWEST} or more, such as 100 or '10KiB', or hang() for an answer that never comes",
    lambda value: is_number(value) and _SLOWEST <= value <= LONGEST,
    (1000, 10_000, 100, 10, 1),
    bytes_in,
)
_METRIC: Final = accepting(
    "the name of a quota, 'compute.images.count'",
    lambda value: is_text(value) and value != "",
    ("compute.images.count", "compute.images.size"),
)
_TIMINGS: Final = ("AfterPolls(2)", 5, 0, 600, "Uniform(1, 5)", "PerGiB(7, base=2)", "LogNormal(12, 0.4)", "Never()")

Flag = Annotated[bool, accepting("True or False", lambda value: isinstance(value, bool), (False, True))]
Bytes = Annotated[
    int, accepting(f"a whole number of bytes, zero or more, or a size {SIZES}", _is_whole, range(501), bytes_in)
]
Details = Annotated[Iterable[Mapping[str, Any]], Argument(_details, ((), [{"@type": "a/b", "x": [1]}]))]
Endless = Annotated[
    float, Argument(lambda given, value: value if value == math.inf else _SECONDS.read(given, value), _SECONDS.values)
]
ErrorCode = Annotated[Code | int | str, Argument(_code, [code.name for code in Code if code is not Code.OK])]
Limit = Annotated[int, accepting("a whole number, zero or more", _is_whole, (32, 0, 1, 100))]
Metric = Annotated[str, _METRIC]
OperationTiming = Annotated[Timing | float, Argument(_timing, _TIMINGS)]
Rate = Annotated[float, _RATE]
Reads = Annotated[int, accepting("a whole number, 1 or more", lambda value: _is_whole(value) and value > 0, (1, 2, 3))]
RetryAfter = Annotated[int, accepting("whole seconds, such as 5", _is_whole, range(61))]
Seconds = Annotated[float, _SECONDS]
Span = Annotated[float, _SPAN]
Text = Annotated[str, Argument(lambda _, value: Failure(Code.INTERNAL, value).message, ("", "no space", "it's"))]
