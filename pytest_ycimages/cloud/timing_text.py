"""Reading a timing as users may write it: a value, a number of seconds, or text."""

from __future__ import annotations

from typing import Final

from pytest_ycimages.cloud.presets import PRESETS
from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never, Timing, timing_or_none
from pytest_ycimages.cloud.timing_by_chance import LogNormal, Uniform
from pytest_ycimages.cloud.timing_by_source import PerGiB
from pytest_ycimages.cloud.written import Words, read_words
from pytest_ycimages.errors import UsageError

TIMINGS: Final[dict[str, type[Timing]]] = {
    timing.__name__: timing for timing in (Immediate, After, AfterPolls, Uniform, LogNormal, PerGiB, Never)
}
"""Those that text can say; BySource and Script are for Python."""

_WORDS: Final = Words(
    what="timing",
    makers=TIMINGS,
    examples={
        "Immediate": "Immediate()",
        "After": "After(5)",
        "AfterPolls": "AfterPolls(3)",
        "Uniform": "Uniform(1, 5)",
        "LogNormal": "LogNormal(12, 0.4)",
        "PerGiB": "PerGiB(7, base=2)",
        "Never": "Never()",
    },
    hint=(
        f"Write seconds, such as 2.5, or one of {', '.join(TIMINGS)} with its values, such as AfterPolls(3), "
        "or REALISTIC."
    ),
    constants=PRESETS,
)
_ONLY_IN_PYTHON: Final = ("BySource", "Script")


def timing_of(value: object) -> Timing:
    """Read a timing as users may write it: a timing, a number of seconds, or either of them as text.

    Text is for command lines and ini files: `2.5`, `AfterPolls(3)`, `After(seconds=5)`, `Never()`, `REALISTIC`.

    Raises:
        UsageError: `value` is none of these; the text says what would be.
    """
    if not isinstance(value, str):
        timing = timing_or_none(value)
        if timing is None:
            names = ", ".join((*TIMINGS, *_ONLY_IN_PYTHON))
            raise UsageError(f"{value!r} is no timing. Give seconds, or one of {names}, such as AfterPolls(3).")
        return timing
    if value.strip().startswith(_ONLY_IN_PYTHON):
        raise UsageError(f"{value!r} cannot be said as text: give it in Python, such as Settings(timing=...).")
    timing = timing_or_none(read_words(value, _WORDS))
    if timing is None:
        raise UsageError(f"{value!r} is no timing. {_WORDS.hint}")
    return timing
