"""A fresh fake with the times, outcomes and sources of a cassette, as a target of a verification."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.status import Code
from pytest_ycimages.backing.fake import Fake
from pytest_ycimages.cassette.answers import operations_in, recorded_calls
from pytest_ycimages.cassette.model import RecordedResponse
from pytest_ycimages.cloud.clock import ManualClock
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.sources import EXTENSIONS
from pytest_ycimages.planning import Planning
from pytest_ycimages.seeding import Seeding
from pytest_ycimages.server.in_process.connection import Endpoint
from pytest_ycimages.server.in_process.wsgi import request_once
from pytest_ycimages.settings import Settings, merged
from pytest_ycimages.verify.recorded_operations import STARTING, outcomes_of
from pytest_ycimages.verify.seeding import has_missing_names, seed
from pytest_ycimages.verify.verify import Verification, verify

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.cassette.model import CassetteData, RecordedRequest
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.cloud.sources import Inventory
    from pytest_ycimages.server.control.controlled import Controlled
    from pytest_ycimages.verify.recorded_operations import OperationOutcome

_CONTRACTS: Final = frozenset({"page", "current"})
_UNREADABLE: Final = frozenset({"vhdx", "vdi"})
_UNAUTHORIZED: Final = 401


class FakeTarget(Planning, Seeding):
    """A fresh fake that answers the requests of a cassette.

    Its clock has the recorded time of each request, its operations take as long and fail as the recorded ones, and the
    resources of the recorded client exist. It decides everything else by itself.

    Args:
        cassette: the cassette.
        settings: further settings of the fake. By default its contract is that of the cassette.

    Raises:
        UsageError: an invalid setting.
    """

    name = "the fake"
    folder_id = ""
    needs_secrets = False

    def __init__(self, cassette: CassetteData, settings: Settings | Mapping[str, Any] | None = None) -> None:
        calls = recorded_calls(cassette)
        forced: dict[str, Any] = {"mode": "fake", "clock": "manual"}
        self._settings = merged(forced, settings or {}, _settings_for(cassette, calls))
        self._fake = _RecordedTimeFake(self._settings, "verify", _no_pause, None)
        self._fake.open(cast("Controlled", self))  # the control API is not used
        self._endpoint = Endpoint(self._fake.app)
        self._outcomes = outcomes_of(calls)
        self._clock = self._fake.clock
        self._clock.wait_until(_beginning(cassette, calls), _no_pause)
        self._began = self._clock.now()
        self.token = self._fake.token
        seed(self, calls)

    def answer(self, call: RecordedCall, request: RecordedRequest) -> RecordedResponse:
        """Answer a request at its recorded time."""
        self._clock.wait_until(self._began + round(call.at * SECOND), _no_pause)
        self._fake.planner.upcoming.clear()
        if call.number in self._outcomes:
            self._plan(call, self._outcomes[call.number])
        reply = request_once(self._endpoint, request.method, request.uri, request.headers, request.body)
        headers = tuple((name.lower(), value) for name, value in reply.headers)
        return RecordedResponse(reply.status, "", headers, reply.body)

    def _plan(self, call: RecordedCall, planned: OperationOutcome) -> None:
        error = planned.error
        self.next_operation(
            planned.method,
            timing=planned.timing,
            outcome=None if error is None or _fails_by_itself(call, error) else _failure(error),
            rollback=planned.rollback,
            cancel=planned.cancel,
            cancel_delay=planned.cancel_delay,
        )

    @contextmanager
    def _planning(self) -> Generator[Planner]:
        yield self._fake.planner

    @contextmanager
    def _stocking(self) -> Generator[Inventory]:
        yield self._fake.inventory


class _RecordedTimeFake(Fake):
    """A fake on a clock of its own, also in virtual time."""

    def _new_clock(self) -> ManualClock:
        return ManualClock()


def verify_fake(cassette: CassetteData, settings: Settings | Mapping[str, Any] | None = None) -> Verification:
    """Return the verification of a cassette against a fresh fake.

    Args:
        cassette: the cassette.
        settings: further settings of the fake. By default its contract is that of the cassette.

    Raises:
        UsageError: an invalid setting.
    """
    return verify(cassette, FakeTarget(cassette, settings))


def _settings_for(cassette: CassetteData, calls: tuple[RecordedCall, ...]) -> dict[str, Any]:
    """Return the settings that the fake needs to answer as was recorded."""
    settings: dict[str, Any] = {"unknown_fields": "ignore"}
    if cassette.metadata.contract in _CONTRACTS:
        settings["contract"] = cassette.metadata.contract
    if has_missing_names(calls):
        settings["unknown_resources"] = "not_found"
    if any(_was_refused_for_credential(call) for call in calls):
        settings["auth"] = "strict"
    return settings


def _was_refused_for_credential(call: RecordedCall) -> bool:
    request, response = call.interaction.request, call.interaction.response
    return response.status == _UNAUTHORIZED and "authorization" in dict(request.headers)


def _beginning(cassette: CassetteData, calls: Iterable[RecordedCall]) -> int:
    """Return when the recording began, in nanoseconds since the epoch; seeded resources are older than created ones."""
    for call in calls:
        if call.method in STARTING and call.answer.ok:
            for operation in operations_in(call.answer.body):
                return _moment(str(operation.get("createdAt"))) - round(call.at * SECOND)
    return _moment(cassette.metadata.recorded_at)


def _moment(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return 0


def _fails_by_itself(call: RecordedCall, error: Mapping[str, Any]) -> bool:
    """Return whether the fake fails by itself, since the file of the request is in an unreadable format."""
    uri = call.request.body.get("uri") if isinstance(call.request.body, dict) else None
    suffix = str(uri).partition("?")[0].rpartition(".")[2].lower()
    return error.get("code") == Code.INVALID_ARGUMENT and EXTENSIONS.get(f".{suffix}") in _UNREADABLE


def _failure(error: Mapping[str, Any]) -> Failure:
    code = error.get("code")
    known = Code(code) if isinstance(code, int) and code in set(Code) - {Code.OK} else Code.UNKNOWN
    return Failure(known, str(error.get("message", "")), error.get("details", ()))


def _no_pause(seconds: float) -> None:
    """Return at once: the clock is moved, not waited for."""
