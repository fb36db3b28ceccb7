"""Compaction of polls: of equal answers to one request that only reads, the first is kept.

Two answers are equal if their status and JSON body are; while an operation is not done, a moved `modifiedAt` does not
count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.cassette.answers import summarize
from pytest_ycimages.cassette.requests import canonical, key_of, normalize

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from pytest_ycimages.cassette.answers import AnswerSummary
    from pytest_ycimages.cassette.model import Interaction


def visible_state(status: int, answer: AnswerSummary) -> Hashable:
    """Return what an answer shows, equal for answers that show the same."""
    body = answer.body
    if answer.done is False:
        body = {name: value for name, value in body.items() if name != "modifiedAt"}
    return status, canonical(body)


class LatestStates:
    """The latest kept state of each request."""

    def __init__(self) -> None:
        self._states: dict[Hashable, tuple[Hashable, int]] = {}

    def changes(self, key: Hashable, state: Hashable, skipped: int = 0) -> bool:
        """Return whether `state` differs from the latest of this request, of which `skipped` more came between."""
        latest, before = self._states.get(key, (None, 0))
        if state == latest:
            self._states[key] = state, before + skipped + 1
            return False
        self._states[key] = state, 0
        return True

    def skipped(self, key: Hashable) -> int:
        """Return how many equal polls followed the latest state of this request."""
        return self._states[key][1] if key in self._states else 0


class Compactor:
    """Drops equal polls as they come. Each is compared with the latest kept of the same request.

    Attributes:
        dropped: how many were dropped, of all requests.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._latest = LatestStates()

    def add(self, interaction: Interaction) -> Interaction | None:
        """Return `interaction` with the number of equal polls dropped before it; None if it is dropped itself."""
        request = normalize(interaction.request)
        if not request.is_poll:
            return interaction
        key = key_of(request).key
        skipped = self._latest.skipped(key)
        state = visible_state(interaction.response.status, summarize(interaction.response))
        if self._latest.changes(key, state, interaction.skipped_polls):
            return interaction._replace(skipped_polls=interaction.skipped_polls + skipped) if skipped else interaction
        self.dropped += 1
        return None


def compact(interactions: Iterable[Interaction]) -> tuple[Interaction, ...]:
    """Return the interactions without the polls that show nothing new. A second compaction changes nothing."""
    compactor = Compactor()
    return tuple(kept for interaction in interactions if (kept := compactor.add(interaction)) is not None)
