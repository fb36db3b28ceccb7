"""Whether a call costs more when much has happened before: in process, through `double.app`, without a socket."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Final

from pytest_ycimages import Double
from pytest_ycimages.server.http import HttpRequest

from .asks import Ask
from .broken import BrokenError
from .goals import Goal, Sheet
from .peers import asks_of
from .stopwatch import ratio, timed, turns

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

LIMIT: Final = 1.2
"""How many times of an empty double's time a full one may take: flat, but for the processor's caches."""

_BATCH: Final = 25
_OK: Final = 200
_METHODS: Final = ("images.create", "images.get", "operations.get")


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet, a row for each method."""
    present, rounds = (10_000, 20) if quick else (100_000, 60)
    full = _Cloud(seed=0)
    old, filled = timed(lambda: [full.create() for _ in range(present)])
    step = present // (rounds * _BATCH)
    took: dict[str, dict[str, list[float]]] = {method: {"empty": [], "full": []} for method in _METHODS}
    for number in range(rounds):
        looked_at = old[number * _BATCH * step : (number + 1) * _BATCH * step : step]
        rivals: tuple[tuple[str, _Cloud, list[bytes]], ...] = (
            ("empty", _Cloud(seed=number + 1), []),
            ("full", full, looked_at),
        )
        for name, cloud, answers in turns(rivals, number):
            for method, spent in cloud.batch(answers).items():
                took[method][name].append(spent)
    yield _sheet(took, present, filled)


class _Cloud:
    """A double that is never started, so that a call is a function call."""

    def __init__(self, *, seed: int) -> None:
        double = Double(unknown_fields="ignore", seed=seed)
        self._app = double.app
        self._create, self._poll = asks_of(double)

    def create(self) -> bytes:
        """Create an image; the answer."""
        return self._answer(self._create)

    def batch(self, old: Sequence[bytes]) -> dict[str, float]:
        """Create images, then look for the first time at `old` ones, or at the new where there are none.

        Returns:
            The median of each method, in microseconds.
        """
        created = [timed(self.create) for _ in range(_BATCH)]
        answers = old or [answer for answer, _ in created]
        polls = [self._poll(answer) for answer in answers]
        paths = [f"/compute/v1/images/{json.loads(answer)['metadata']['imageId']}" for answer in answers]
        gets = [Ask("GET", path, polls[0].headers) for path in paths]
        return {
            "images.create": median(spent for _, spent in created),
            "images.get": median(self._timed(ask) for ask in gets),
            "operations.get": median(self._timed(ask) for ask in polls),
        }

    def _timed(self, ask: Ask) -> float:
        return timed(lambda: self._answer(ask))[1]

    def _answer(self, ask: Ask) -> bytes:
        headers = {name.lower(): value for name, value in ask.headers.items()}
        reply = self._app.answer(HttpRequest(ask.verb, ask.path, "", headers, ask.body or b""))
        if reply.status != _OK:
            raise BrokenError(f"{ask.verb} {ask.path} was answered {reply.status}: {reply.body!r}")
        return reply.body


def _sheet(took: dict[str, dict[str, list[float]]], present: int, filled: float) -> Sheet:
    sheet = Sheet(
        f"A call with {present:,} images present and with none, microseconds, in process by double.app.answer",
        ("method", "none", "full", "full / none"),
        note=f"medians of batches of {_BATCH} calls; filling took {filled / present:.0f} us for each image",
    )
    for method, of in took.items():
        grown = ratio(of, "full", "empty")
        goals = [Goal(f"{method}, {present:,} images", "full / none", grown, LIMIT, "x")]
        sheet.row(method, median(of["empty"]), median(of["full"]), grown, goals=goals)
    return sheet
