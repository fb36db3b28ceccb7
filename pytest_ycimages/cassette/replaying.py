"""A cassette in the place of the cloud: answers calls as they were answered when it was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.exchange import NO_METADATA
from pytest_ycimages.api.status import Status
from pytest_ycimages.cassette.bodies import UnreadableBodyError
from pytest_ycimages.cassette.no_match import NoMatch
from pytest_ycimages.cassette.translation import asked_of, reply_of
from pytest_ycimages.cloud.clock import kind_of
from pytest_ycimages.cloud.service import refusal
from pytest_ycimages.errors import SecretFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.cassette.player import Player
    from pytest_ycimages.cassette.pseudonyms import Pseudonyms
    from pytest_ycimages.cassette.redact import Redactor
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.cloud.service import Service
    from pytest_ycimages.cloud.state import State
    from pytest_ycimages.errors import YCImagesError


_MOVED: Final = frozenset({"manual", "virtual"})
"""The clocks that move while a client waits, or that the test moves; frozen time would let a client poll for ever."""


class Replaying:
    """Answers calls from a cassette. Callers hold the double's lock.

    Args:
        player: plays the cassette.
        clock: the double's time; where a test moves it, operations go on by it.
        scrubber: takes secrets out of what is asked, as they were taken out of what was recorded.
        pseudonyms: gives what is asked the ids that the cassette has; None: it has the real ones.
        ids: what the ids of calls are drawn from that a fault answers.
        unused: a cloud that nobody asks, for who wants to know what it plans: nothing.

    Attributes:
        player: plays the cassette.
        problems: requests that it had no answer for.
    """

    def __init__(  # noqa: PLR0913 - what a call goes through, each by its name
        self,
        *,
        player: Player,
        clock: Clock,
        scrubber: Redactor,
        pseudonyms: Pseudonyms | None,
        ids: Ids,
        unused: Service,
    ) -> None:
        self.player = player
        self.problems: list[YCImagesError] = []
        self._clock = clock
        self._scrubber = scrubber
        self._pseudonyms = pseudonyms
        self._ids = ids
        self._unused = unused

    @property
    def planner(self) -> Planner:
        """Plans nothing."""
        return self._unused.planner

    @property
    def state(self) -> State:
        """Nothing."""
        return self._unused.state

    def handle(self, request: Request, now: int) -> Reply:
        """Answer a call at `now`, in nanoseconds since the epoch; refuse what the cassette has no answer for."""
        try:
            asked = self._scrubber.scrub_request(asked_of(request))
        except UnreadableBodyError as error:  # so it cannot have been recorded
            return self._refused(SecretFoundError(f"{error.what} So no cassette has it, and it was not answered."))
        if self._pseudonyms is not None:
            asked = self._pseudonyms.request(asked)
        key = request.metadata.get("idempotency-key", "")
        played = self.player.play(asked, now, by_time=kind_of(self._clock) in _MOVED, idempotency_key=key)
        if isinstance(played, NoMatch):
            return self._refused(played.error())
        return reply_of(played.response, asked.method)

    def _refused(self, problem: YCImagesError) -> Reply:
        """A refusal that no client tries again, and that fails the test."""
        self.problems.append(problem)
        return self.refuse(Status(code=Code.FAILED_PRECONDITION, message=str(problem)))

    def refuse(self, error: Status, metadata: Mapping[str, str] = NO_METADATA) -> Reply:
        """A refusal that no cassette has."""
        return refusal(error, {"x-request-id": self._ids.request_id(), **metadata})

    def admits(self, request: Request, now: int) -> bool:  # noqa: ARG002 - a cassette lets everybody in
        """Whether the caller has shown who it is."""
        return True

    def not_found(self, kind: str, id_: str) -> Reply:
        """The refusal of an `image` or an `operation` that is not there."""
        return self.refuse(Status(code=Code.NOT_FOUND, message=f'{kind.capitalize()} "{id_}" not found'))
