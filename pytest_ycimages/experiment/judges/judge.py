"""What a judge is, how it registers itself, and how it is asked for its verdict."""

from __future__ import annotations

import inspect
import math
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.trial import VERBS, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.experiment.trial import Verb

Judge = Callable[[Trial], "Verdict | str | None"]
"""A judge takes a trial. It returns a `Verdict`, or the text of what is wrong; None or an empty text: nothing is.

It is a pure function of the trial. Its name is its `__name__`, or else its `str`.
"""
Function = TypeVar("Function", bound=Callable[..., Any])


class Registered(NamedTuple):
    """A judge of this package.

    Attributes:
        function: the judge itself, or the function that makes it from its limits.
        limits: the parameters of the function that makes it; None for a judge that has no limits.
        rank: its place among the default judges, the gravest first; None for an optional judge.
        verbs: the verbs of the clients that it judges; it is refused for any other.
    """

    function: Callable[..., Any]
    limits: tuple[inspect.Parameter, ...] | None
    rank: int | None
    verbs: tuple[Verb, ...] = VERBS

    @property
    def maker(self) -> Callable[..., Judge]:
        """Return the function that makes the judge; for a judge that has no limits, one without parameters."""
        return self.function if self.limits is not None else lambda: self.function

    @property
    def needs_limits(self) -> bool:
        """Return whether one of its limits has no default."""
        return any(each.default is each.empty and each.kind is not each.VAR_POSITIONAL for each in self.limits or ())

    @property
    def parameters(self) -> str:
        """Return its limits as text, such as `(within=3600)`; empty when it has none."""
        limits = (
            str(each).partition(":")[0] if each.default is each.empty else f"{each.name}={each.default:g}"
            for each in self.limits or ()
        )
        return "" if self.limits is None else f"({', '.join(limits)})"


REGISTERED: Final[dict[str, Registered]] = {}
"""All judges of this package, by name."""


def default_judge(rank: int, *verbs: Verb) -> Callable[[Function], Function]:
    """Register a judge, or a function that makes one, as a default one, at this place: the gravest first.

    Args:
        rank: its place.
        verbs: the verbs of the clients that it judges; without any, it judges all.
    """
    return lambda function: _registered(function, rank, verbs)


def optional_judge(function: Function) -> Function:
    """Register a judge, or a function that makes one, that is asked only by its name."""
    return _registered(function, None)


def _registered(function: Function, rank: int | None, verbs: tuple[Verb, ...] = ()) -> Function:
    name = function.__name__
    if name in REGISTERED:
        raise ValueError(f"two judges are called {name}: {REGISTERED[name].function.__module__}, {function.__module__}")
    parameters = tuple(inspect.signature(function).parameters.values())
    is_judge = [each.name for each in parameters] == ["trial"]
    REGISTERED[name] = Registered(function, None if is_judge else parameters, rank, verbs or VERBS)
    return function


def name_of(judge: Judge) -> str:
    """Return the judge as text, such as `finishes(within=600)`."""
    return str(getattr(judge, "__name__", None) or judge)


def passed(judge: object, explanation: str, proof: tuple[int, ...] = ()) -> Verdict:
    """Return the verdict that the client did as it should."""
    return Verdict(str(judge), passed=True, explanation=explanation, proof=proof)


def failed(judge: object, explanation: str, proof: tuple[int, ...], cause: str) -> Verdict:
    """Return the verdict that the client did not, with the cause of the flaw."""
    return Verdict(str(judge), passed=False, explanation=explanation, proof=proof, cause=cause)


def check_positive(judge: str, **values: float) -> None:
    """Raise UsageError unless all limits of a judge are finite numbers above zero."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:  # type: ignore[redundant-expr] # mypy believes callers
            raise UsageError(f"invalid {judge}({name}={value!r}): expected a finite number above zero.")


def judged(judge: Judge, trial: Trial) -> Verdict | None:
    """Return the verdict of a judge on a trial, or None; raise UsageError if it raises or returns something else."""
    try:
        said = judge(trial)
    except Exception as error:
        raise UsageError(
            f"The judge {name_of(judge)} raised {type(error).__name__}: {error}{_place(error)}, where this went wrong: "
            f"{trial.scenario}. A judge is given every trial, those that did not end and those without calls as well."
        ) from error
    if said is None or isinstance(said, Verdict):
        return said
    if not isinstance(said, str):
        raise UsageError(
            f"The judge {name_of(judge)} returned {said!r}. Return a Verdict, the text of what is wrong, or None."
        )
    return Verdict(name_of(judge), passed=not said, explanation=said)


def verbs_of(judge: Judge) -> tuple[Verb, ...]:
    """Return the verbs of the clients that a judge judges; one of the user's judges all."""
    registered = REGISTERED.get(name_of(judge).partition("(")[0])
    if registered is None or registered.function.__module__ != getattr(judge, "__module__", ""):
        return VERBS
    return registered.verbs


def _place(error: Exception) -> str:
    """Return the line of the judge that raised."""
    stack = traceback.extract_tb(error.__traceback__, limit=2)
    return f" at {stack[1].filename}:{stack[1].lineno}" if len(stack) > 1 else ""


def failures(judges: Iterable[Judge], trial: Trial) -> tuple[Verdict, ...]:
    """Return the verdicts of the judges that the trial fails, in their order."""
    said = (judged(judge, trial) for judge in judges)
    return tuple(verdict for verdict in said if verdict is not None and not verdict.passed)
