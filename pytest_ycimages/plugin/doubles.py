"""Doubles in pytest: making, closing and checking those of a test, and those that several tests share.

Loaded for the first test that has one.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages.cloud.clock import kind_of, travelled_moment
from pytest_ycimages.double import Double
from pytest_ycimages.errors import (
    CassetteError,
    CassetteInUseError,
    CassetteUnusedError,
    YCImagesError,
    note_others,
    raise_first,
)
from pytest_ycimages.network import environment
from pytest_ycimages.network.guard import network_refused
from pytest_ycimages.plugin.cassettes import REFUSED, cassette_path, record_usage, settings_of_markers
from pytest_ycimages.plugin.modes import announce, asks_for_cassette, is_missing, mode_of
from pytest_ycimages.plugin.nodes import (
    DOUBLES,
    PASSED,
    SHARED,
    Node,
    label,
    node_of,
    part_of,
    place_of,
    scopes_of,
    settings_definition,
    suffix,
    tests_sharing,
)
from pytest_ycimages.plugin.recordings import add_recording, refuse_part, refuse_shared
from pytest_ycimages.plugin.settings import ini, name_of, seed_option
from pytest_ycimages.settings import merged

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from pytest_ycimages.journal import Calls
    from pytest_ycimages.settings import Settings


class Doubles:
    """The doubles of one test, or those that the tests of a class, a module or the session share.

    Args:
        item: the test that asks for them first.
        scope: the scope of their fixture.
        fixture: the settings that the fixture `ycimages_settings` gives.

    Attributes:
        node: what owns them: the test, its class, its module, or the session.
        all: the doubles, in the order of their making.
        is_closed: whether their scope has ended.
    """

    def __init__(self, item: pytest.Item, scope: str, fixture: Settings | Mapping[str, Any]) -> None:
        self.scope = scope
        self.node = node_of(item, scope)
        self.all: list[Double] = []
        self.is_closed = False
        self._fixture = fixture
        self._settings_from = settings_definition(item)
        self._part = part_of(item, scope)
        self._refusals: list[YCImagesError] = []
        self._guards = ExitStack()
        self._marks: dict[Double, tuple[Calls, int]] = {}
        self._passed: set[str] = set()
        self._has_failed = False
        self.node.stash.setdefault(DOUBLES, {})[scope] = self
        if scope != "function":
            for owner in (item, item.session):
                owner.stash.setdefault(SHARED, {})[self] = None

    def make(self, **settings: Any) -> Double:
        """Start another double.

        Raises:
            CassetteError: its cassette cannot be replayed or recorded.
        """
        __tracebackhide__ = True
        double = self._new(settings)
        self.all.append(double)
        self._guard(double)
        return double.start()

    def _new(self, settings: Mapping[str, Any]) -> Double:
        __tracebackhide__ = True
        node, number = self.node, len(self.all) + 1
        if REFUSED in node.stash:
            raise CassetteInUseError(node.stash[REFUSED])
        made = merged(*self._sources(settings))
        if made.mode != "fake" and made.cassette is None:
            made = merged({"cassette": cassette_path(node, number, self._part)}, made)
        if made.mode == "missing" and made.cassette is not None and is_missing(node, made.cassette):
            made = made.model_copy(update={"mode": "record"})
        name = f"{name_of(node)}{self._part}"
        try:
            return self._make(made.decided(), name if number == 1 else f"{name} #{number}")
        except CassetteError as error:  # its text is complete without a traceback
            if not asks_for_cassette(node, settings, self._fixture):
                error.add_note(
                    "It asks for no cassette: mark it with @pytest.mark.ycimages_cassette, or record it with "
                    "--ycimages-mode=record-all"
                )
            raise error.with_traceback(None) from None

    def _sources(self, settings: Mapping[str, Any]) -> list[Settings | Mapping[str, Any]]:
        """Return the settings of a double by precedence: command line > marker > fixture > ini."""
        node, config = self.node, self.node.config
        mode = {"mode": mode_of(node, settings, self._fixture)}
        upstream = config.option.ycimages_upstream
        command_line = seed_option(config) | ({"upstream": upstream} if upstream else {})
        return [mode, settings, command_line, *settings_of_markers(node), self._fixture, ini(config)]

    def _make(self, settings: Settings, name: str) -> Double:
        __tracebackhide__ = True
        if settings.mode == "record" or (settings.mode == "verify" and settings.upstream):
            announce(self.node, settings)
        if settings.mode != "record" or settings.cassette is None:
            return Double(settings, name=name)
        refuse_shared(self.node, settings.cassette)
        refuse_part(self.node, self.scope, settings.cassette)
        double = Double(settings, name=name)
        double.cassette.defer()  # until its tests have passed, even if it is closed before
        add_recording(self)
        return double

    def _guard(self, double: Double) -> None:
        if double.settings.mode in {"replay", "verify"}:
            self._guards.enter_context(network_refused(double.settings.allowed_hosts, self._refusals.append))

    def is_used_by(self, item: pytest.Item) -> bool:
        """Return whether a test is known to use them."""
        return self.scope in scopes_of(item) and node_of(item, self.scope) is self.node

    def begin(self, item: pytest.Item) -> None:
        """Record that a test begins, while these doubles are open already."""
        self._marks = {each: (each.calls, each.calls.dropped + len(each.calls)) for each in self.all}
        if self.is_used_by(item):
            self._check_reach(item)
            environment.ensure()  # an earlier test may have changed the environment
            for double in self.all:
                self._guard(double)

    def _check_reach(self, item: pytest.Item) -> None:
        definition = settings_definition(item)
        if definition is not self._settings_from:
            fixture = f"ycimages{suffix(self.scope)}"
            pytest.fail(
                f"{item.nodeid} uses {fixture}, which was started with the ycimages_settings of "
                f"{place_of(self._settings_from)}, but the ycimages_settings of {place_of(definition)} holds for "
                "this test. Define ycimages_settings once for all tests that share a double, or use a double of a "
                "narrower scope.",
                pytrace=False,
            )

    def note(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Record how a phase of a test that shares them went."""
        if not report.passed:
            self._has_failed = True
        elif report.when == "call" and self.is_used_by(item):
            self._passed.add(item.nodeid)

    @property
    def has_passed(self) -> bool:
        """Whether all tests that share them are in this run, and have passed."""
        if self.scope == "function":
            return self.node.stash.get(PASSED, False)
        return not self._has_failed and len(self._passed) == tests_sharing(self.node, self.scope)

    def take_problems(self, *, ends: bool = False) -> list[Exception]:
        """Return what has gone wrong since the last time. At the end, faults and interactions must have been used."""
        problems = (self._problem(double, ends=ends and self.has_passed) for double in self.all)
        found = [*filter(None, problems), *self._refusals[:1]]
        self._refusals.clear()
        return found

    def _problem(self, double: Double, *, ends: bool) -> Exception | None:
        """Return what is wrong with a double."""
        try:
            double.check_since_last_time()
            if ends:
                double.check_end()
        except CassetteUnusedError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the other doubles are checked too
            self._has_failed = True
            if self.scope == "function":
                self.node.stash[PASSED] = False
            return error
        return None

    def calls_before(self, double: Double) -> int:
        """Return how many calls a double had answered when the present test, or the last one, began."""
        calls, count = self._marks.get(double, (None, 0))
        return count if calls is double.calls else 0  # a reset begins another journal

    def suspend(self) -> None:
        """Let other tests connect where they like."""
        self._guards.close()

    def close(self) -> None:
        """Close and check every double, even if another has failed.

        Raises:
            Exception: what is wrong, without a traceback of this package unless it is what has failed.
        """
        __tracebackhide__ = True
        self._guards.close()
        self.is_closed = True
        self.node.session.stash.get(SHARED, {}).pop(self, None)
        for double in self.all:
            double.close()
        wrong = self.take_problems(ends=True)
        if self.has_passed:
            for double in self.all:
                record_usage(self.node.config, double)
        if wrong and self.scope != "function":
            wrong[0].add_note(
                f"\nFound at the end of {label(self.node)}, whose tests share the double of "
                f"ycimages{suffix(self.scope)}; pytest reports it with the last of them."
            )
        raise_first(wrong)


@contextmanager
def checking_shared(item: pytest.Item) -> Generator[None]:
    """Raise what has gone wrong in the doubles that a test shares with others, after its teardown."""
    __tracebackhide__ = True
    wrong = [each for doubles in shared_by(item) for each in doubles.take_problems()]
    try:
        yield
    except Exception as error:
        note_others(error, wrong)
        raise
    finally:
        still_open = shared_by(item.session)
        wrong += [each for doubles in still_open for each in doubles.take_problems()]
        for doubles in still_open:
            doubles.suspend()
    raise_first(wrong)


def shared_by(node: Node) -> list[Doubles]:
    """Return the doubles of wider scopes that were open while a test ran; of the session, those that are."""
    return [each for each in node.stash.get(SHARED, {}) if isinstance(each, Doubles)]


def doubles_of(item: pytest.Item) -> list[Doubles]:
    """Return the doubles of a test, and those of wider scopes that it was to use, or has called."""
    shared = [
        each
        for each in shared_by(item)
        if each.node is not item
        and (each.is_used_by(item) or any(len(double.calls) > each.calls_before(double) for double in each.all))
    ]
    return [*(each for each in item.stash.get(DOUBLES, {}).values() if isinstance(each, Doubles)), *shared]


def latest_moment(item: pytest.Item) -> datetime | None:
    """Return the time of the doubles that a test shares, as none may go back; None: none has the machine's time."""
    shared = (each for each in shared_by(item.session) if each.is_used_by(item))
    clocks = [double.clock for each in shared for double in each.all if kind_of(double.clock) == "real"]
    if not clocks or travelled_moment() is not None:
        return None
    latest = max(clock.now() for clock in clocks)
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=latest // 1000 + 1)
