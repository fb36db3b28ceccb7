"""The service itself, or whoever answers at an address, as one whose answers are compared with a cassette."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.interaction import Origin
from pytest_ycimages.cassette.storyline import operations_in, state_of
from pytest_ycimages.cassette.told import told_by
from pytest_ycimages.cloud.clock import RealClock
from pytest_ycimages.verify.normalize import ids_in, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cassette.interaction import RecordedRequest, RecordedResponse
    from pytest_ycimages.cassette.storyline import Step
    from pytest_ycimages.cassette.upstream import Upstream
    from pytest_ycimages.cloud.clock import Clock

PATIENCE: Final = 600.0
"""Seconds to wait, from one recorded state to the next."""

_INTERVAL: Final = 1.0
"""Seconds between two polls, unless the answer says otherwise: what the SDKs wait."""
_OPERATIONS: Final = "https://operation.api.cloud.yandex.net/operations/"
_HEADER: Final = "x-operation-poll-interval"


class UpstreamTarget:
    """Asks whoever stands at an address, and polls on where the recording had come further.

    Args:
        upstream: who answers.
        token: the credential to send. A double that stands in for the service says its own.
        folder_id: the folder to work in, likewise; empty: the recorded one.
        patience: seconds to poll for a recorded state before what there is instead is compared with it.
        clock: the time to wait on.
        pause: waits for so many seconds of the machine's own time.

    Raises:
        UsageError: nobody can be reached there.
    """

    def __init__(  # noqa: PLR0913 - who is asked, as whom, and how it is waited for
        self,
        upstream: Upstream,
        *,
        token: str = "",
        folder_id: str = "",
        patience: float = PATIENCE,
        clock: Clock | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        stand = upstream.stand
        self.name = upstream.name
        self.token = token or (stand.token if stand else "")
        self.folder_id = folder_id or (stand.folder_id if stand else "")
        self.needs_secrets = upstream.origin is not Origin.FAKE
        self._upstream = upstream
        self._patience = patience
        self._clock = RealClock() if clock is None else clock
        self._pause = threading.Event().wait if pause is None else pause
        self._running: dict[str, str] = {}

    def ask(self, step: Step, request: RecordedRequest) -> RecordedResponse:
        """Send a request; a poll again and again, until it shows what was recorded, or nothing more will happen.

        Raises:
            UsageError: nobody answers.
        """
        if _comes_after_the_end(step):
            self._settle(request)
        return self._sent(request, lambda answered: _is_behind(step, answered))

    def _settle(self, request: RecordedRequest) -> None:
        """Let what runs on the images that a request names come to its end: it was no hindrance in the recording."""
        named = ids_in(texts_of(request))
        for operation_id in [id_ for id_, image_id in self._running.items() if image_id in named]:
            poll = request._replace(method="GET", uri=f"{_OPERATIONS}{operation_id}", body=b"")
            self._sent(poll, lambda answered: told_by(answered).done is False)

    def _sent(self, request: RecordedRequest, is_behind: Callable[[RecordedResponse], bool]) -> RecordedResponse:
        """Send a request until its answer is not behind any more, or patience is over."""
        until = self._clock.now() + round(self._patience * SECOND)
        while True:
            answered = self._upstream.send(request)
            self._note_running(answered)
            moment = self._clock.now() + round(_interval(answered) * SECOND)
            if not is_behind(answered) or moment > until:
                return answered
            self._clock.wait_until(moment, self._pause)

    def _note_running(self, answered: RecordedResponse) -> None:
        for operation in operations_in(told_by(answered).body):
            about = operation.get("metadata")
            if operation.get("done") is True or not isinstance(about, dict):
                self._running.pop(operation["id"], None)
            else:
                self._running[operation["id"]] = str(about.get("imageId"))


def _comes_after_the_end(step: Step) -> bool:
    """Whether what ran on the images that a request names had ended when it was recorded, as far as can be told."""
    if step.busy & ids_in(texts_of(step.interaction.request)) or step.method == "operations.cancel":
        return False
    if not step.is_read:
        return step.told.worked
    return step.method == "images.get" and step.state is not None and not step.state.is_on_the_way


def _is_behind(step: Step, answered: RecordedResponse) -> bool:
    """Whether an answer shows something on its way that was elsewhere when it was recorded."""
    if not step.is_read:
        return False
    now = state_of(answered.status, told_by(answered).body)
    return now is not None and now.is_on_the_way and now != step.state


def _interval(answered: RecordedResponse) -> float:
    said = dict(answered.headers).get(_HEADER, "")
    return float(said) if said.isdecimal() and int(said) else _INTERVAL
