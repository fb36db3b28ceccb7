"""Mode verify: a cassette answers the test, and is compared with the fake or the service at the end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.backing.record import check_real_time, shares_time
from pytest_ycimages.backing.replay import Replay, how_to_record
from pytest_ycimages.cassette.answers import operation_image, operations_in, progress_of, summarize
from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.cloud.clock import MachineClock, RealClock
from pytest_ycimages.errors import CassetteDiffersError, UsageError
from pytest_ycimages.settings import CassetteSettings
from pytest_ycimages.verify.fake_target import FakeTarget
from pytest_ycimages.verify.normalize import ids_in, texts_of
from pytest_ycimages.verify.verify import error_text, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.cassette.model import CassetteData, RecordedRequest, RecordedResponse
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.verify.verify import Target

PATIENCE: Final = 600.0
"""The seconds to poll for a recorded state."""

_INTERVAL: Final = 1.0
"""The seconds between two polls without a header: those of the SDKs."""
_OPERATIONS: Final = "https://operation.api.cloud.yandex.net/operations/"
_HEADER: Final = "x-operation-poll-interval"


class ServiceTarget:
    """A target at an address, polled until it shows the recorded states.

    Args:
        upstream: the address.
        patience: the seconds to poll for a recorded state before another state is compared with it.
        clock: the time to wait on.
        pause: waits for that many seconds of real time.

    Raises:
        UsageError: the address cannot be reached.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        patience: float = PATIENCE,
        clock: Clock | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.name = upstream.name
        self.token = upstream.stand_in
        self.folder_id = upstream.account.folder_id
        self.needs_secrets = upstream.origin is not Origin.FAKE
        self._upstream = upstream
        self._patience = patience
        self._clock = RealClock() if clock is None else clock
        self._pause = threading.Event().wait if pause is None else pause
        self._running: dict[str, str] = {}

    def answer(self, call: RecordedCall, request: RecordedRequest) -> RecordedResponse:
        """Send a request. Repeat a poll until it shows the recorded state, or a final one.

        Raises:
            UsageError: the address cannot be reached.
        """
        if _comes_after_the_end(call):
            self._finish_operations(request)
        return self._send(request, lambda answered: _is_behind(call, answered))

    def _finish_operations(self, request: RecordedRequest) -> None:
        """Poll the operations on the images of a request until they end, as they had in the recording."""
        named = ids_in(texts_of(request))
        for operation_id in [id_ for id_, image_id in self._running.items() if image_id in named]:
            poll = request._replace(method="GET", uri=f"{_OPERATIONS}{operation_id}", body=b"")
            self._send(poll, lambda answered: summarize(answered).done is False)

    def _send(self, request: RecordedRequest, is_behind: Callable[[RecordedResponse], bool]) -> RecordedResponse:
        """Send a request until its answer has caught up with the recording, or patience ends."""
        until = self._clock.now() + round(self._patience * SECOND)
        while True:
            answered = self._upstream.send(request)
            self._note_running(answered)
            moment = self._clock.now() + round(_interval(answered) * SECOND)
            if not is_behind(answered) or moment > until:
                return answered
            self._clock.wait_until(moment, self._pause)

    def _note_running(self, answered: RecordedResponse) -> None:
        for operation in operations_in(summarize(answered).body):
            if operation.get("done") is True or not isinstance(operation.get("metadata"), dict):
                self._running.pop(operation["id"], None)
            else:
                self._running[operation["id"]] = operation_image(operation)


def _comes_after_the_end(call: RecordedCall) -> bool:
    """Return whether the operations on the images of a request had ended when it was recorded."""
    if call.busy & ids_in(texts_of(call.interaction.request)) or call.method == "operations.cancel":
        return False
    if not call.is_read:
        return call.answer.ok
    return call.method == "images.get" and call.progress is not None and not call.progress.in_progress


def _is_behind(call: RecordedCall, answered: RecordedResponse) -> bool:
    """Return whether an answer shows something in progress that had another state in the recording."""
    if not call.is_read:
        return False
    now = progress_of(answered.status, summarize(answered).body)
    return now is not None and now.in_progress and now != call.progress


def _interval(answered: RecordedResponse) -> float:
    said = dict(answered.headers).get(_HEADER, "")
    return float(said) if said.isdecimal() and int(said) else _INTERVAL


SERVICE: Final = "service"
"""The word for the service, in place of an address."""

_OF_THE_TEST: Final = frozenset(
    {
        *CassetteSettings.model_fields,
        "cancel", "cancel_delay", "clock", "faults", "host", "latency", "latency_order", "outcome", "port", "rollback",
        "timing",
    }
)  # fmt: skip
"""The settings of the test's own double, and those that the cassette decides."""


def target_of(
    cassette: CassetteData,
    upstream: str | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    patience: float = PATIENCE,
) -> Target:
    """Return the target that answers the requests of a cassette.

    Args:
        cassette: the cassette.
        upstream: an address, or `service`; None for a fresh fake.
        settings: the settings of the fake.
        patience: the seconds to poll an address for a recorded state.

    Raises:
        UsageError: the address cannot be reached, the environment lacks the credentials, a setting is invalid, or the
            cassette has a request for a host that must not get the credential.
    """
    if upstream is None:
        return FakeTarget(cassette, settings)
    check_real_time(upstream)
    at = Upstream(None if upstream == SERVICE else upstream)
    for number, interaction in enumerate(cassette.interactions, 1):
        try:
            at.destination(interaction.request)
        except UsageError as error:  # before anything is sent
            raise UsageError(f"interaction {number}: {error}") from None
    return ServiceTarget(at, patience=patience, clock=None if shares_time(upstream) else MachineClock())


class Verify(Replay):
    """Answers from a cassette, and compares it with `upstream`, or else with a fresh fake."""

    def check_end(self) -> None:
        """Raise, or warn, unless every interaction was used and today's answers are the recorded ones.

        Raises:
            CassetteUnusedError: interactions that were not requested.
            CassetteDiffersError: answers that differ from the recorded ones.
        """
        super().check_end()
        settings = self.settings
        cassette = self._scrubbed.clean
        target = target_of(cassette, settings.upstream, None if settings.upstream else self._fake_settings())
        verification = verify(cassette, target)
        if verification.differs:
            then = f"If that is right, record it anew: {how_to_record(self.name, self.path)}"
            raise CassetteDiffersError(error_text(str(self.path), verification, then))

    def _fake_settings(self) -> dict[str, Any]:
        """Return the settings that apply to the fake."""
        given = self.settings.model_fields_set - _OF_THE_TEST
        return {name: getattr(self.settings, name) for name in given}
