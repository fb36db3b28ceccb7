"""Failures in pytest: what the report of a failed test shows of its doubles.

Loaded for the first test that has one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages.cloud.clock import last_kind_of
from pytest_ycimages.errors import NoMatchError, RealHostRefusedError
from pytest_ycimages.journal import Calls
from pytest_ycimages.network import environment
from pytest_ycimages.plugin.doubles import doubles_of, shared_by
from pytest_ycimages.plugin.recordings import report_recordings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.double import Double


_SECTIONS: Final = pytest.StashKey[set[tuple[str, str]]]()
"""What the reports of a test show of its doubles."""
_SHOWN: Final = 100
"""The number of calls and of operations in a timeline."""


def note_result(
    item: pytest.Item, report: pytest.TestReport, excinfo: pytest.ExceptionInfo[BaseException] | None
) -> None:
    """Tell the doubles of a test how one of its phases went, and add their calls during this test to a failure."""
    for doubles in shared_by(item):
        doubles.note(item, report)
    if report.when == "teardown":
        report_recordings(item.config, report)
        environment.settle()
    if report.when == "setup":
        item.stash[_SECTIONS] = set()
    if report.failed:
        owned = [(doubles, double) for doubles in doubles_of(item) for double in doubles.all]
        _mark_shown(excinfo, [double for _, double in owned])
        for doubles, double in owned:
            text = timeline(double, doubles.calls_before(double))
            again = f"reproduce with: --ycimages-seed={double.settings.seed}"
            section = (f"ycimages: {double.name}", f"{text}\n{again}")
            shown = item.stash.setdefault(_SECTIONS, set())
            if section not in shown:  # else the test has failed before, and its report has it
                shown.add(section)
                report.sections.append(section)


def _mark_shown(excinfo: pytest.ExceptionInfo[BaseException] | None, doubles: Sequence[Double]) -> None:
    """Mark the problems that the report of a test shows, so that its double does not raise them again."""
    error = excinfo.value if excinfo else None
    lacking = [each for double in doubles for each in double.problems if isinstance(each, NoMatchError)]
    while error is not None:
        if isinstance(error, RealHostRefusedError):
            error.is_shown = True
        said = str(error)
        for each in lacking:  # of a client that raises what it was told, as text or as the JSON that it came in
            each.is_shown |= str(each) in said or json.dumps(str(each), ensure_ascii=False)[1:-1] in said
        error = error.__cause__ or error.__context__


def timeline(double: Double, before: int = 0) -> str:
    """Return the last calls of `double`, one a line, then the state and pacing of its operations.

    Args:
        double: the double.
        before: how many calls to leave out, with the operations that only they are about: those of earlier tests.
    """
    settings = double.settings
    calls, operations = double.calls, list(double.operations.values())
    behind = f"timing {double.timing}" if settings.mode == "fake" else f"mode {settings.mode}, {double.cassette}"
    since = ""
    if before:
        calls = Calls([call for _, call in calls.numbered(after=before)])
        touched = {call.operation_id for call in calls}
        operations = [each for each in operations if each.id in touched]
        since = f" in this test, after {before} in earlier ones"
    lines = [f"{len(calls)} calls{since}, {behind}, clock {last_kind_of(double.clock)}"]
    if len(calls) > _SHOWN:
        lines.append(f"... {len(calls) - _SHOWN} earlier calls; double.calls has them all")
    lines += map(str, calls[-_SHOWN:])
    pacing = calls.pacing
    for operation in operations[-_SHOWN:]:
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
