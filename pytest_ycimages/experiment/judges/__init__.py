"""The judges of experiments: those asked by default, the optional ones, and their names as text.

A module of this package registers the judges that it defines with `default_judge` or `optional_judge`. A function whose
only parameter is `trial` is a judge; any other function makes one from its limits.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.judges.judge import REGISTERED, Judge, name_of, verbs_of
from pytest_ycimages.experiment.trial import VERBS, scope_of
from pytest_ycimages.text_values import Vocabulary, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.experiment.judges.judge import Registered
    from pytest_ycimages.experiment.trial import Verb

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

_DEFAULT: Final = [each for each in REGISTERED.values() if each.rank is not None]
_BY_RANK: Final = sorted(_DEFAULT, key=lambda each: each.rank or 0)
JUDGES_OF: Final[Mapping[Verb, tuple[Judge, ...]]] = {
    verb: tuple(each.maker() for each in _BY_RANK if verb in each.verbs) for verb in VERBS
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
