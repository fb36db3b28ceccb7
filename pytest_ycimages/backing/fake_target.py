"""A fake that goes through a cassette's requests: with the cassette's times, fates and sources, and its own answers."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.message import SECOND
from pytest_ycimages.backing.fake import Fake
from pytest_ycimages.backing.fates import fates_of
from pytest_ycimages.backing.sights import STARTING
from pytest_ycimages.backing.stocking import names_missing, stock
from pytest_ycimages.cassette.interaction import RecordedResponse
from pytest_ycimages.cassette.storyline import operations_in, steps_of
from pytest_ycimages.cassette.verification import Verification, verify
from pytest_ycimages.cloud.clock import ManualClock
from pytest_ycimages.cloud.ending import Failure
from pytest_ycimages.cloud.sources import EXTENSIONS
from pytest_ycimages.planning import Planning
from pytest_ycimages.seeding import Seeding
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.in_process.whole import answered
from pytest_ycimages.settings import Settings, merged

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from pytest_ycimages.backing.fates import Fate
    from pytest_ycimages.cassette.interaction import RecordedRequest, Tape
    from pytest_ycimages.cassette.storyline import Step
    from pytest_ycimages.cloud.inventory import Inventory
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.server.http import HttpRequest

_CONTRACTS: Final = frozenset({"page", "current"})
_UNREADABLE: Final = frozenset({"vhdx", "vdi"})
_UNAUTHORIZED: Final = 401


class FakeTarget(Planning, Seeding):
    """A fresh fake that is asked what a cassette asks.

    Its clock stands at each request where the recorder's did; its operations take as long, and fail, as the recorded
    ones, and what was there for the recorded client is there. All else it answers by itself.

    Args:
        tape: the cassette that it will be asked.
        settings: what else is in force. The contract is the cassette's, unless they say another.

    Raises:
        UsageError: a setting that cannot be.
    """

    name = "the fake"
    folder_id = ""
    needs_secrets = False

    def __init__(self, tape: Tape, settings: Settings | Mapping[str, Any] | None = None) -> None:
        steps = steps_of(tape)
        forced: dict[str, Any] = {"mode": "fake", "clock": "manual"}
        self._settings = merged(forced, settings or {}, _suited_to(tape, steps))
        self._fake = _OfThePast(self._settings, "verify", _no_pause, None)
        self._fake.open(_no_control)
        self._fates = fates_of(steps)
        self._clock = self._fake.clock
        self._clock.wait_until(_beginning(tape, steps), _no_pause)
        self._began = self._clock.now()
        self.token = self._fake.token
        stock(self, steps)

    def ask(self, step: Step, request: RecordedRequest) -> RecordedResponse:
        """Answer a request at the moment at which it was recorded."""
        self._clock.wait_until(self._began + round(step.at * SECOND), _no_pause)
        self._fake.planner.upcoming.clear()
        if step.number in self._fates:
            self._plan(step, self._fates[step.number])
        reply = answered(self._fake.app, request.method, request.uri, request.headers, request.body)
        headers = tuple((name.lower(), value) for name, value in reply.headers)
        return RecordedResponse(reply.status, "", headers, reply.body)

    def _plan(self, step: Step, fate: Fate) -> None:
        error = fate.error
        outcome = None if error is None or _fails_by_itself(step, error) else _failure(error)
        self.next_operation(
            fate.method,
            timing=fate.timing,
            outcome=outcome,
            rollback=fate.rollback,
            cancel=fate.cancel,
            cancel_delay=fate.cancel_delay,
        )

    @contextmanager
    def _planning(self) -> Generator[Planner]:
        yield self._fake.planner

    @contextmanager
    def _stocking(self) -> Generator[Inventory]:
        yield self._fake.inventory


class _OfThePast(Fake):
    """A fake whose time is that of the recording, whatever time it is for the test."""

    def _new_clock(self) -> ManualClock:
        return ManualClock()


def verify_fake(tape: Tape, settings: Settings | Mapping[str, Any] | None = None) -> Verification:
    """Compare what a cassette holds with what the fake answers to the same requests.

    Args:
        tape: the cassette.
        settings: what is in force in the fake. The contract is the cassette's, unless they say another.

    Raises:
        UsageError: a setting that cannot be.
    """
    return verify(tape, FakeTarget(tape, settings))


def _suited_to(tape: Tape, steps: tuple[Step, ...]) -> dict[str, Any]:
    """The settings without which the fake could not answer as was recorded."""
    suited: dict[str, Any] = {"unknown_fields": "ignore"}
    if tape.label.contract in _CONTRACTS:
        suited["contract"] = tape.label.contract
    if names_missing(steps):
        suited["unknown_resources"] = "not_found"
    if any(_was_refused_for_credential(step) for step in steps):
        suited["auth"] = "strict"
    return suited


def _was_refused_for_credential(step: Step) -> bool:
    request, response = step.interaction.request, step.interaction.response
    return response.status == _UNAUTHORIZED and "authorization" in dict(request.headers)


def _beginning(tape: Tape, steps: Iterable[Step]) -> int:
    """When the recording began, in nanoseconds since the epoch: what was there is older than what it made."""
    for step in steps:
        if step.method in STARTING and step.told.worked:
            for operation in operations_in(step.told.body):
                return _moment(str(operation.get("createdAt"))) - round(step.at * SECOND)
    return _moment(tape.label.recorded_at)


def _moment(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return 0


def _fails_by_itself(step: Step, error: Mapping[str, Any]) -> bool:
    """Whether the request names a file in a format that no contract has, and that is what the failure was about."""
    uri = step.asked.body.get("uri") if isinstance(step.asked.body, dict) else None
    suffix = str(uri).partition("?")[0].rpartition(".")[2].lower()
    return error.get("code") == Code.INVALID_ARGUMENT and EXTENSIONS.get(f".{suffix}") in _UNREADABLE


def _failure(error: Mapping[str, Any]) -> Failure:
    code = error.get("code")
    known = Code(code) if isinstance(code, int) and code in set(Code) - {Code.OK} else Code.UNKNOWN
    return Failure(known, str(error.get("message", "")), error.get("details", ()))


def _no_control(http: HttpRequest) -> HttpReply:  # noqa: ARG001 - the form that an app asks for
    """Refuse the control API: a cassette has no calls of it."""
    return HttpReply(404, (), b"")


def _no_pause(seconds: float) -> None:
    """Let no time pass: this clock is moved."""
