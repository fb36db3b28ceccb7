"""Doubles of a test in pytest: making, closing, checking and reporting them. Loaded for the first test that has one.

A recording replaces an older file once its test has passed, teardown included.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.cloud.clock import last_kind_of
from pytest_ycimages.double import Double
from pytest_ycimages.errors import CassetteError, CassetteInUseError, CassetteUnusedError, YCImagesError
from pytest_ycimages.plugin_cassettes import DOUBLES, PASSED, cassette_path, record_usage
from pytest_ycimages.plugin_modes import NOT_WHOLE, announce, asks_for_cassette, is_missing, mode_of, records
from pytest_ycimages.plugin_names import defined_name
from pytest_ycimages.plugin_settings import ini, markers, name_of, seed_option
from pytest_ycimages.settings import merged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.settings import Settings

_RECORDING: pytest.StashKey[list[Double]] = pytest.StashKey()
"""The doubles that record a test whose result is not known yet."""
_RECORDED_BY: Final = pytest.StashKey[dict[str, list[tuple[str, str]]]]()
"""Files -> the node ids and names of the tests of this run that record them."""


def new_double(
    item: pytest.Item, number: int, settings: Mapping[str, Any], fixture: Settings | Mapping[str, Any]
) -> Double:
    """Return the n-th double of a test.

    Raises:
        CassetteError: its cassette cannot be replayed or recorded.
    """
    __tracebackhide__ = True

    made = merged(*_sources(item, settings, fixture))
    if made.mode != "fake" and made.cassette is None:
        made = merged({"cassette": cassette_path(item, number)}, made)
    if made.mode == "missing" and made.cassette is not None and is_missing(item, made.cassette):
        made = made.model_copy(update={"mode": "record"})
    try:
        return _make_double(item, made.decided(), name_of(item) if number == 1 else f"{name_of(item)} #{number}")
    except CassetteError as error:  # its text is complete without a traceback
        if not asks_for_cassette(item, settings, fixture):
            error.add_note(
                "It asks for no cassette: mark it with @pytest.mark.ycimages_cassette, or record it with "
                "--ycimages-mode=record-all"
            )
        raise error.with_traceback(None) from None


def _sources(
    item: pytest.Item, settings: Mapping[str, Any], fixture: Settings | Mapping[str, Any]
) -> list[Settings | Mapping[str, Any]]:
    """Return the settings of a test's double by precedence: command line > marker > fixture > ini."""
    mode = {"mode": mode_of(item, settings, fixture)}
    upstream = item.config.option.ycimages_upstream
    command_line = seed_option(item.config) | ({"upstream": upstream} if upstream else {})
    return [mode, settings, command_line, *markers(item), fixture, ini(item.config)]


def _make_double(item: pytest.Item, settings: Settings, name: str) -> Double:
    """Return a new double of a test.

    Raises:
        CassetteError: its cassette cannot be replayed or recorded.
    """
    __tracebackhide__ = True
    if settings.mode == "record" or (settings.mode == "verify" and settings.upstream):
        announce(item, settings)
    if settings.mode != "record" or settings.cassette is None:
        return Double(settings, name=name)
    _refuse_shared(item, settings.cassette)
    double = Double(settings, name=name)
    double.cassette.defer()  # until its test has passed, even if it is closed before
    item.config.stash.setdefault(_RECORDING, []).append(double)
    return double


def finish(item: pytest.Item, doubles: Sequence[Double], refusals: Sequence[YCImagesError]) -> None:
    """Close and check every double, even if another has failed.

    Raises:
        Exception: what is wrong, without a traceback of this package unless it is what has failed.
    """
    __tracebackhide__ = True
    for double in doubles:
        double.close()
    wrong = [*filter(None, (_check(item, double) for double in doubles)), *refusals[:1]]
    if wrong:
        first, *others = wrong
        for other in others:
            first.add_note(f"\nAnd then: {type(other).__name__}: {other}")
        raise first.with_traceback(None) if isinstance(first, YCImagesError | Warning) else first


def _check(item: pytest.Item, double: Double) -> Exception | None:
    """Return what is wrong with a double. Faults and interactions must have been used only if its test has passed."""
    wrong: Exception | None = None
    try:
        double.check(faults=item.stash.get(PASSED, False))
    except CassetteUnusedError as error:
        wrong = error
    except Exception as error:  # noqa: BLE001 - the other doubles are checked too
        wrong = error
        item.stash[PASSED] = False
    record_usage(item, double)
    return wrong


def report_recordings(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the recordings of a test that has passed in place, and fail its teardown if one cannot be written.

    Args:
        item: the test.
        report: the report of its teardown.
    """
    if any(double.settings.mode == "record" for double in item.stash[DOUBLES]):
        whole = report.passed and item.stash.get(PASSED, False)
        problems = finish_recordings(item.config, whole=whole)
        recorded = {double.settings.cassette for double in item.stash[DOUBLES] if double.settings.mode == "record"}
        item.stash[NOT_WHOLE] = set() if whole else recorded
        if problems and report.passed:
            report.outcome, report.longrepr = "failed", "\n".join(problems)


def finish_recordings(config: pytest.Config, *, whole: bool) -> list[str]:
    """Put the recordings of a test in place, or drop those that would replace an older file.

    Args:
        config: the configuration of the run.
        whole: whether the test has passed, with all its teardown.

    Returns:
        The errors of those that could not be written.
    """
    problems, doubles = [], config.stash.get(_RECORDING, [])
    while doubles:
        double = doubles.pop()
        double.close(whole=whole)  # a test that was stopped in its teardown has not closed it
        try:
            double.cassette.finish(whole=whole)
        except OSError as error:
            problems.append(f"{double.cassette.path} cannot be written: {error}")
    return problems


def _refuse_shared(item: pytest.Item, path: Path) -> None:
    """Refuse to record one file by two tests of a run, of which the second would overwrite the first.

    Raises:
        CassetteInUseError: another test records it, in this process or in another worker of pytest-xdist.
    """
    __tracebackhide__ = True
    recorded_by = item.config.stash.get(_RECORDED_BY, None)
    if recorded_by is None:
        recorded_by = item.config.stash[_RECORDED_BY] = {}
        for each in filter(records, item.session.items):
            recorded_by.setdefault(str(cassette_path(each).absolute()), []).append(_recorder(each))
    tests = recorded_by.setdefault(str(path.absolute()), [])
    if _recorder(item) not in tests:
        tests.append(_recorder(item))
    names = {name for _, name in tests}
    if len(names) > 1:
        raise CassetteInUseError(_shared_text(path, sorted(names)))
    if len(set(tests)) > 1:
        raise CassetteInUseError(
            f"{path} would be recorded by {len(set(tests))} repetitions of one test, in several workers at once. "
            f"Record it in one process, and repeat the replay: pytest {shlex.quote(names.pop())} "
            "--ycimages-mode=record -n 0"
        )


def _recorder(item: pytest.Item) -> tuple[str, str]:
    """Return the node id and the name of a test that records; in one process, its repetitions do so in turn."""
    name = str(defined_name(item))
    return item.nodeid if hasattr(item.config, "workerinput") else name, name


def _shared_text(path: Path, tests: Sequence[str]) -> str:
    lines = [f"{path} would be recorded by several tests of this run, each in the place of what another has recorded:"]
    lines += (f"  {test}" for test in tests)
    lines.append(
        "Give each test a cassette of its own: @pytest.mark.ycimages_cassette without a name names it after the test. "
        f"Or record one, which the others replay: pytest {shlex.quote(tests[0])} --ycimages-mode=record"
    )
    return "\n".join(lines)


_SHOWN: Final = 100
"""The number of calls and of operations in a timeline."""


def timeline(double: Double) -> str:
    """Return the last calls of `double`, one a line, then the state and pacing of its operations."""
    calls = double.calls
    settings = double.settings
    behind = f"timing {double.timing}" if settings.mode == "fake" else f"mode {settings.mode}, {double.cassette}"
    lines = [f"{len(calls)} calls, {behind}, clock {last_kind_of(double.clock)}"]
    if len(calls) > _SHOWN:
        lines.append(f"... {len(calls) - _SHOWN} earlier calls; double.calls has them all")
    lines += map(str, calls[-_SHOWN:])
    pacing = calls.pacing
    for operation in list(double.operations.values())[-_SHOWN:]:
        lines.append(f"operation {_state(operation)}")
        if operation.id in pacing and pacing[operation.id].polls:
            lines.append(f"    {pacing[operation.id].summary}")
    lines += map(str, (injection.report() for injection in double.injections))
    lines += (f"never used: {asked}" for asked in double.upcoming)
    return "\n".join(lines)


def _state(operation: Operation) -> str:
    target = f"{operation.id} ({operation.description}, image {operation.metadata.image_id})"
    if operation.error:
        progress = "failed" if operation.done else "failing"
        return f"{target}: {progress}, code {operation.error.code}: {operation.error.message}"
    return f"{target}: {'done' if operation.done else 'running'}"
