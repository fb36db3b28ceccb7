"""Recordings in pytest: one file is recorded by one test, or by all tests that share a double.

A recording replaces an older file once its tests have passed, teardown included.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages.errors import CassetteError, CassetteInUseError
from pytest_ycimages.plugin.cassettes import cassette_path
from pytest_ycimages.plugin.modes import NOT_WHOLE, records
from pytest_ycimages.plugin.nodes import Node, SharedDoubles, defined_name, is_selected, label, owners

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


_RECORDING: pytest.StashKey[list[SharedDoubles]] = pytest.StashKey()
"""The doubles that record, of scopes whose result is not known yet."""
_RECORDED_BY: Final = pytest.StashKey[dict[str, list[tuple[str, str]]]]()
"""Files -> the node ids and names of the tests of this run that record them, or of classes and modules."""


def add_recording(doubles: SharedDoubles) -> None:
    """Record that a scope has a double that records."""
    recording = doubles.node.config.stash.setdefault(_RECORDING, [])
    if doubles not in recording:
        recording.append(doubles)


def report_recordings(config: pytest.Config, report: pytest.TestReport) -> None:
    """Put the recordings of scopes that have ended in place, and fail the teardown if one cannot be written.

    Args:
        config: the configuration of the run.
        report: the report of the teardown of a test, with which these scopes have ended.
    """
    problems = finish_recordings(config, has_passed=report.passed)
    if problems and report.passed:
        report.outcome, report.longrepr = "failed", "\n".join(problems)


def finish_recordings(config: pytest.Config, *, has_passed: bool, at_once: bool = False) -> list[str]:
    """Put recordings in place if their tests have passed, or drop those that would replace an older file.

    Args:
        config: the configuration of the run.
        has_passed: whether the teardown has passed, too.
        at_once: whether to drop also those of scopes that have not ended.

    Returns:
        The errors of those that could not be written.
    """
    problems, recording = [], config.stash.get(_RECORDING, [])
    for doubles in [each for each in recording if each.is_closed or at_once]:
        recording.remove(doubles)
        whole = has_passed and doubles.has_passed
        not_whole = doubles.node.stash.setdefault(NOT_WHOLE, set())
        for double in doubles.all:
            double.close(whole=whole)  # a test that was stopped in its teardown has not closed it
            if double.settings.mode == "record":
                (not_whole.discard if whole else not_whole.add)(double.settings.cassette)
                try:
                    double.cassette.finish(whole=whole)
                except OSError as error:
                    problems.append(f"{double.cassette.path} cannot be written: {error}")
    return problems


def refuse_part(node: Node, scope: str, path: Path) -> None:
    """Refuse to record by only some of the tests that share a double.

    Raises:
        CassetteError: the run has only a part of them.
    """
    __tracebackhide__ = True
    if scope != "function" and not is_selected(node, scope):
        raise CassetteError(
            f"{path} is the recording of {label(node)}, and this run has only a part of its tests: the calls of the "
            f"others would be lost. Record all of them: pytest {shlex.quote(node.nodeid)} --ycimages-mode=record"
        )


def refuse_shared(node: Node, path: Path) -> None:
    """Refuse to record one file by two tests of a run, of which the second would overwrite the first.

    Raises:
        CassetteInUseError: another test records it, in this process or in another worker of pytest-xdist.
    """
    __tracebackhide__ = True
    recorded_by = node.config.stash.get(_RECORDED_BY, None)
    if recorded_by is None:
        recorded_by = node.config.stash[_RECORDED_BY] = {}
        owning = dict.fromkeys(owner for item in node.session.items for owner in owners(item))
        for each in filter(records, owning):
            recorded_by.setdefault(str(cassette_path(each).absolute()), []).append(_recorder(each))
    tests = recorded_by.setdefault(str(path.absolute()), [])
    if _recorder(node) not in tests:
        tests.append(_recorder(node))
    names = {name for _, name in tests}
    if len(names) > 1:
        raise CassetteInUseError(_shared_text(path, sorted(names)))
    if len(set(tests)) > 1:
        raise CassetteInUseError(
            f"{path} would be recorded by {len(set(tests))} repetitions of one test, in several workers at once. "
            f"Record it in one process, and repeat the replay: pytest {shlex.quote(names.pop())} "
            "--ycimages-mode=record -n 0"
        )


def _recorder(node: Node) -> tuple[str, str]:
    """Return the node id and the name of a test that records; in one process, its repetitions do so in turn."""
    name = str(defined_name(node))
    return node.nodeid if hasattr(node.config, "workerinput") else name, name


def _shared_text(path: Path, tests: Sequence[str]) -> str:
    lines = [f"{path} would be recorded by several tests of this run, each in the place of what another has recorded:"]
    lines += (f"  {test}" for test in tests)
    lines.append(
        "Give each test a cassette of its own: @pytest.mark.ycimages_cassette without a name names it after the test. "
        f"Or record one, which the others replay: pytest {shlex.quote(tests[0])} --ycimages-mode=record"
    )
    return "\n".join(lines)
