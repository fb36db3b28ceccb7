"""What a judge is, which there are unless others are named, and how they are read from what users write."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.experiment.judges.pace import bounded, finishes, polite
from pytest_ycimages.experiment.judges.trouble import cancels, no_useless_retry, recovers
from pytest_ycimages.experiment.judges.what_is_left import no_duplicates, no_orphans, truthful
from pytest_ycimages.experiment.trial import Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

Judge = Callable[[Trial], "Verdict | str | None"]
"""A judge takes a trial. It returns a `Verdict`, or the text of what is wrong; None or no text: nothing is.

It is a pure function: of the trial alone, and the same each time. Its name is its `__name__`, or else what `str` makes
of it.
"""

_MADE: Final[Mapping[str, Callable[..., Judge]]] = {"finishes": finishes, "bounded": bounded}
_PLAIN: Final[Mapping[str, Judge]] = {
    judge.__name__: judge
    for judge in (no_duplicates, truthful, no_orphans, cancels, no_useless_retry, polite, recovers)
}

DEFAULT_JUDGES: Final[tuple[Judge, ...]] = (finishes(), bounded(), *_PLAIN.values())
"""All judges, the gravest first, with limits that leave a patient client room.

A client that retries what may be retried with one `Idempotency-Key` and longer and longer pauses, has a deadline, and
cancels when it gives up passes them all, whatever two faults of the usual catalogue strike it. Those that ask for more
than that do not judge what no client could mend: `recovers` only trials whose faults pass by themselves, `no_orphans`
and `cancels` not what a client was never told of or was kept from.
"""


def name_of(judge: Judge) -> str:
    """The judge as it may be written."""
    return str(getattr(judge, "__name__", None) or judge)


def judged(judge: Judge, trial: Trial) -> Verdict | None:
    """What a judge says of a trial; None when it has nothing to say.

    Raises:
        UsageError: it raised, or returned what is no verdict.
    """
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


def _place(error: Exception) -> str:
    """Where in the judge that was."""
    stack = traceback.extract_tb(error.__traceback__, limit=2)
    return f" at {stack[1].filename}:{stack[1].lineno}" if len(stack) > 1 else ""


def failures(judges: Iterable[Judge], trial: Trial) -> tuple[Verdict, ...]:
    """What the judges are not content with, in their order."""
    said = (judged(judge, trial) for judge in judges)
    return tuple(verdict for verdict in said if verdict is not None and not verdict.passed)


def judges_of(value: object) -> tuple[Judge, ...]:
    """Read judges: None for all there are, one, or several; each itself, or text such as `finishes(within=600)`.

    Raises:
        UsageError: one of them is none.
    """
    if value is None:
        return DEFAULT_JUDGES
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    found = tuple(_judge(each) for each in several)
    if not found:
        raise UsageError("judges=[] leaves nobody to judge. Leave it out for all judges that there are.")
    return found


def _judge(value: object) -> Judge:
    if isinstance(value, str):
        return _from_text(value)
    if value in _MADE.values() and callable(value):
        made: Judge = value()
        return made
    if not callable(value):
        raise UsageError(f"{value!r} is no judge. Give a function of a Trial, or one of {', '.join(_known())}.")
    judge: Judge = value
    return judge


def _known() -> list[str]:
    return sorted({*_PLAIN, *_MADE})


def _from_text(text: str) -> Judge:
    """Read a judge's name, with numbers by name if it takes any: no code is run."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise unknown_word("judge", text, _known()) from None
    match tree:
        case ast.Name(name) if name in _PLAIN:
            return _PLAIN[name]
        case ast.Name(name) if name in _MADE:
            return _MADE[name]()
        case ast.Call(ast.Name(name), [], keywords) if name in _MADE:
            try:
                return _MADE[name](**{str(each.arg): _number(each.value) for each in keywords})
            except (TypeError, ValueError) as error:
                raise UsageError(f"{text!r} cannot be: {error}. Write such as finishes(within=600).") from None
        case _:
            raise unknown_word("judge", text, _known())


def _number(written: ast.expr) -> object:
    try:
        return ast.literal_eval(written)
    except ValueError:
        raise ValueError(f"{ast.unparse(written)} is no number") from None
