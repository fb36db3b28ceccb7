"""Polls and their states: of a hundred equal answers to one question, the first is kept.

A poll is a request that reads. Two answers to it show the same state if their status and JSON body are equal; while an
operation is not done, a `modifiedAt` that has moved is no change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ycimages.cassette.asked import asked_by
from pytest_ycimages.cassette.matching import canonical, match_of
from pytest_ycimages.cassette.told import told_by

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from pytest_ycimages.cassette.asked import Asked
    from pytest_ycimages.cassette.interaction import Interaction
    from pytest_ycimages.cassette.told import Told


def is_poll(asked: Asked) -> bool:
    """Whether a request only reads, so that it may be made any number of times."""
    return not asked.changes and not asked.is_token_exchange


def state_of(status: int, told: Told) -> Hashable:
    """What an answer shows, equal for answers that show the same."""
    body: Any = told.body
    if told.done is False:
        body = {name: value for name, value in body.items() if name != "modifiedAt"}
    return status, canonical(body)


class Latest:
    """The latest kept state of each request."""

    def __init__(self) -> None:
        self._states: dict[Hashable, tuple[Hashable, int]] = {}

    def changes(self, key: Hashable, state: Hashable, equal: int = 0) -> bool:
        """Whether `state` is another one than the latest of this request; `equal` more of the latter came between."""
        latest, before = self._states.get(key, (None, 0))
        if state == latest:
            self._states[key] = state, before + equal + 1
            return False
        self._states[key] = state, 0
        return True

    def equal(self, key: Hashable) -> int:
        """How many equal ones came after the latest of this request."""
        return self._states[key][1] if key in self._states else 0


class Compactor:
    """Leaves out polls as they come. Each is compared with the latest kept of the same request.

    Attributes:
        left_out: how many were left out, of all requests.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._latest = Latest()

    def add(self, interaction: Interaction) -> Interaction | None:
        """`interaction`, with the number of equal polls left out before it; None if it is left out itself."""
        asked = asked_by(interaction.request)
        if not is_poll(asked):
            return interaction
        key = match_of(asked).key
        equal = self._latest.equal(key)
        state = state_of(interaction.response.status, told_by(interaction.response))
        if self._latest.changes(key, state, interaction.equal):
            return interaction._replace(equal=interaction.equal + equal) if equal else interaction
        self.left_out += 1
        return None


def compact(interactions: Iterable[Interaction]) -> tuple[Interaction, ...]:
    """The interactions without the polls that show nothing new. Compacting them again changes nothing."""
    compactor = Compactor()
    return tuple(kept for interaction in interactions if (kept := compactor.add(interaction)) is not None)
