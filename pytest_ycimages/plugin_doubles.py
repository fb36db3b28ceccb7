"""The part of pytest's door that makes the doubles of a test, and ends them: loaded when a test has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.double import Double
from pytest_ycimages.errors import CassetteUnusedError, YCImagesError
from pytest_ycimages.plugin_cassettes import DOUBLES, PASSED, note_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from pytest_ycimages.settings import Settings


def made_for(item: pytest.Item, settings: Settings, name: str) -> Double:
    """A double of a test.

    Raises:
        CassetteError: a cassette that cannot be replayed or recorded.
    """
    __tracebackhide__ = True
    if settings.mode != "record" or settings.cassette is None:
        return Double(settings, name=name)
    from pytest_ycimages.plugin_recording import held, refuse_shared  # noqa: PLC0415 - only for who records

    refuse_shared(item, settings.cassette)
    return held(item.config, Double(settings, name=name))


def finish(item: pytest.Item, doubles: Sequence[Double], refusals: Sequence[YCImagesError]) -> None:
    """Close and check every double, though another has failed.

    Raises:
        Exception: what is wrong, without a line of this package's code before it, unless that is what has failed.
    """
    __tracebackhide__ = True
    for double in doubles:
        double.close()
    wrong = [*filter(None, (_wrong_with(item, double) for double in doubles)), *refusals[:1]]
    if wrong:
        first, *others = wrong
        for other in others:
            first.add_note(f"\nAnd then: {type(other).__name__}: {other}")
        raise first.with_traceback(None) if isinstance(first, YCImagesError | Warning) else first


def _wrong_with(item: pytest.Item, double: Double) -> Exception | None:
    """What a double has to say against its test. Only one that passed has to have used all that there was."""
    wrong: Exception | None = None
    try:
        double.check(faults=item.stash.get(PASSED, False))
    except CassetteUnusedError as error:
        wrong = error
    except Exception as error:  # noqa: BLE001 - the others shall be checked too
        wrong = error
        item.stash[PASSED] = False
    note_use(item, double)
    return wrong


def settled(item: pytest.Item, report: pytest.TestReport) -> None:
    """Let the recordings of a test that has passed, with all its teardown, take their places; report it if one cannot.

    Args:
        item: the test.
        report: that of its teardown.
    """
    if any(double.settings.mode == "record" for double in item.stash[DOUBLES]):
        from pytest_ycimages.plugin_recording import settle  # noqa: PLC0415 - only for who records

        problems = settle(item.config, whole=report.passed and item.stash.get(PASSED, False))
        if problems and report.passed:
            report.outcome, report.longrepr = "failed", "\n".join(problems)
