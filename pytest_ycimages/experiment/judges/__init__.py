"""The judges of experiments: what a judge is, which ones there are, and how they are asked.

A module of this package registers the judges that it defines with `default_judge` or `optional_judge`. A function whose
only parameter is `trial` is a judge; any other function makes one from its limits.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.trial import VERBS, Trial, Verdict, scope_of
from pytest_ycimages.text_values import Vocabulary, is_number, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        if not is_number(value) or not 0 < value < math.inf:
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


# Which judges there are.

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

_RANKED: Final = sorted((each.rank, name) for name, each in REGISTERED.items() if each.rank is not None)
JUDGES_OF: Final[Mapping[Verb, tuple[Judge, ...]]] = {
    verb: tuple(REGISTERED[name].maker() for _, name in _RANKED if verb in REGISTERED[name].verbs) for verb in VERBS
}
"""The judges that are asked of clients with a verb unless others are named, the gravest first."""
DEFAULT_JUDGES: Final[tuple[Judge, ...]] = JUDGES_OF["create"]
"""Those of clients that create an image.

A client passes them all under any two default faults if it retries with one `Idempotency-Key` and growing pauses, has a
deadline, and cancels when it gives up.
"""

OPTIONAL_JUDGES: Final[Mapping[str, Registered]] = {
    name: each for name, each in sorted(REGISTERED.items()) if each.rank is None
}
"""The judges that are asked only when they are named."""


def judges_of(value: object, verb: Verb = "create") -> tuple[Judge, ...]:
    """Return one judge or several, each given as itself or as text such as `finishes(600)`; None: those of the verb.

    Raises:
        UsageError: one of them is not a judge, or does not judge clients with this verb.
    """
    if value is None:
        return JUDGES_OF[verb]
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    found = tuple(map(_judge, several))
    if not found:
        raise UsageError("judges=[] is empty: an experiment needs a judge. Leave it out for the default judges.")
    for judge in found:
        if verb not in verbs_of(judge):
            raise UsageError(
                f"The judge {name_of(judge)} is for clients that {scope_of(verbs_of(judge))}, and this one has "
                f"verb={verb!r}. Give another verb, or judges of this one: {', '.join(map(name_of, JUDGES_OF[verb]))}."
            )
    return found


def _judge(value: Any) -> Judge:
    if isinstance(value, str):
        found = read_text(value, _VOCABULARY)
        if not callable(found):
            raise _VOCABULARY.error(value)
        return found
    if not callable(value):
        raise UsageError(
            f"invalid judge {value!r}: expected a function of a Trial, or one of {', '.join(sorted(REGISTERED))}."
        )
    registered = next((each for each in REGISTERED.values() if each.function is value), None)
    return registered.maker() if registered else value


_CALLS: Final = {name: name + each.parameters for name, each in sorted(REGISTERED.items())}
_VOCABULARY: Final = Vocabulary(
    what="judge",
    makers={name: each.maker for name, each in REGISTERED.items()},
    expected=f"one of {', '.join(_CALLS.values())}",
    examples=_CALLS,
    constants={name: each.maker() for name, each in REGISTERED.items() if not each.needs_limits},
)
