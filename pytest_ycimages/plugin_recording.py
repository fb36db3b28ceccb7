"""The part of pytest's door that records: loaded when a test does. A recording counts once its test has ended well."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages.errors import CassetteInUseError
from pytest_ycimages.plugin_cassettes import cassette_path, fixtures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ycimages.double import Double

_RECORDING: pytest.StashKey[list[Double]] = pytest.StashKey()
"""The doubles that record a test of which it is not known yet whether it ends well."""
_TESTS: Final = pytest.StashKey[dict[str, list[str]]]()
"""Files -> the tests of this run that record them."""


def refuse_shared(item: pytest.Item, path: Path) -> None:
    """Let no two tests of a run record one file, for each would overwrite what the other has recorded.

    Raises:
        CassetteInUseError: another test has, or will, here or in another worker of pytest-xdist.
    """
    __tracebackhide__ = True
    tests = item.config.stash.get(_TESTS, None)
    if tests is None:
        tests = item.config.stash[_TESTS] = {}
        for each in filter(_will_record, item.session.items):
            tests.setdefault(str(cassette_path(each).absolute()), []).append(each.nodeid)
    sharing = tests.setdefault(str(path.absolute()), [])
    if item.nodeid not in sharing:
        sharing.append(item.nodeid)
    if len(sharing) > 1:
        raise CassetteInUseError(_shared_text(path, sharing))


def _will_record(item: pytest.Item) -> bool:
    """Whether it is plain before a test runs that it records: nobody knows what its fixtures will say."""
    marks = [*item.iter_markers("ycimages"), *item.iter_markers("ycimages_cassette")]
    modes = [mark.kwargs["mode"] for mark in marks if "mode" in mark.kwargs]
    for_all = item.config.option.ycimages_mode
    mode = "fake" if "fake" in modes else for_all or (modes or [item.config.getini("ycimages_mode")])[0]
    return mode == "record" and "ycimages_factory" in fixtures(item)


def _shared_text(path: Path, tests: Sequence[str]) -> str:
    lines = [f"{path} would be recorded by several tests of this run, each in the place of what another has recorded:"]
    lines += (f"  {test}" for test in tests)
    lines.append(
        "Give each test a cassette of its own: @pytest.mark.ycimages_cassette without a name names it after the test. "
        f"Or record one, which the others replay: pytest {shlex.quote(tests[0])} --ycimages-mode=record"
    )
    return "\n".join(lines)


def held(config: pytest.Config, double: Double) -> Double:
    """The double, whose recording ends when it is settled, whoever closes it, and whatever becomes of its test."""
    double.cassette.defer()
    config.stash.setdefault(_RECORDING, []).append(double)
    return double


def settle(config: pytest.Config, *, whole: bool) -> list[str]:
    """Let the recordings of a test take their places, or let go of those that would replace an older file.

    Args:
        config: that of the run.
        whole: whether the test has passed, with all its teardown.

    Returns:
        Why some could not be kept.
    """
    problems, doubles = [], config.stash.get(_RECORDING, [])
    while doubles:
        double = doubles.pop()
        double.close(whole=whole)  # which a test that was stopped in its teardown has not come to
        try:
            double.cassette.finish(whole=whole)
        except OSError as error:
            problems.append(f"{double.cassette.path} cannot be written: {error}")
    return problems
