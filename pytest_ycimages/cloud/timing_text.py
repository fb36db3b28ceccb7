"""Reading a timing as users may write it: a value, a number of seconds, or text."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.cloud.presets import PRESETS
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never, Timing, timing_or_none
from pytest_ycimages.cloud.timing_by_chance import LogNormal, Uniform
from pytest_ycimages.cloud.timing_by_source import PerGiB
from pytest_ycimages.errors import UsageError
from pytest_ycimages.text_values import Vocabulary, duration_in, read_text

TIMINGS: Final[dict[str, type[Timing]]] = {
    timing.__name__: timing for timing in (Immediate, After, AfterPolls, Uniform, LogNormal, PerGiB, Never)
}
"""Those that text can say; BySource and Script are for Python."""

_ONLY_IN_PYTHON: Final = ("BySource", "Script")
_TIMINGS: Final = Vocabulary(
    what="timing",
    makers=TIMINGS,
    expected=(
        "seconds such as 2.5, a duration such as '200ms', REALISTIC, "
        f"or one of {', '.join(TIMINGS)} with its arguments, such as AfterPolls(3)"
    ),
    examples={
        "Immediate": "Immediate()",
        "After": "After(5)",
        "AfterPolls": "AfterPolls(3)",
        "Uniform": "Uniform(1, 5)",
        "LogNormal": "LogNormal(12, 0.4)",
        "PerGiB": "PerGiB(7, base=2)",
        "Never": "Never()",
    },
    constants=PRESETS,
)


def timing_of(value: object) -> Timing:
    """Return the timing that a user gave: a timing, a number of seconds, or either of them as text.

    Text is for command lines and ini files: `2.5`, `200ms`, `AfterPolls(3)`, `Never()`, `REALISTIC`.

    Raises:
        UsageError: `value` is not a timing.
    """
    if isinstance(value, str) and value.strip().startswith(_ONLY_IN_PYTHON):
        raise UsageError(f"invalid timing {value!r}: give it in Python, such as Settings(timing=...)")
    found = value
    if isinstance(value, str):
        duration = duration_in(value)
        found = read_text(value, _TIMINGS) if duration is None else duration
    timing = timing_or_none(found)
    if timing is None:
        raise _TIMINGS.error(value)
    return timing
