"""How late one call is answered: drawn from the seed, and waited for on the double's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.ids import fraction
from pytest_ycimages.latency import NO_LATENCY, Latency, per_method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cloud.clock import Clock


class Delay(NamedTuple):
    """The time between a request and the end of its answer.

    Attributes:
        began_at: when it began, in nanoseconds since the epoch.
        length: nanoseconds.
        over_body: whether the answer's body leaves in pieces meanwhile.
        clock: the time to wait on.
        pause: waits for real, for so many seconds.
    """

    began_at: int
    length: int
    over_body: bool
    clock: Clock
    pause: Callable[[float], object]

    def moment(self, part: float = 1) -> int:
        """When a part of it is over, from 0 for none of it to 1 for all of it, in nanoseconds since the epoch."""
        return self.began_at + round(self.length * part)

    def wait(self, part: float = 1) -> None:
        """Come back when a part of it is over."""
        self.clock.wait_until(self.moment(part), self.pause)


class Delays:
    """Draws a delay for every call that has one.

    A draw is a pure function of the seed, the method, what makes the call the same call when it is made again, and
    the attempt: neither the order of calls nor other calls change it.

    Attributes:
        by_method: what is drawn from, by method word; empty while nothing is late.
        pause_for_real: waits for so many seconds of the machine's own time.
    """

    def __init__(self, seed: str, clock: Clock, pause: Callable[[float], object]) -> None:
        self._seed = seed
        self._clock = clock
        self.pause_for_real = pause
        self.latency = NO_LATENCY

    @property
    def latency(self) -> Latency | Mapping[str, Latency]:
        """The latency in force, as it was set."""
        return self._latency

    @latency.setter
    def latency(self, latency: Latency | Mapping[str, Latency]) -> None:
        self._latency = latency
        self.by_method = per_method(latency)

    def longer(self, delay: Delay | None, seconds: float, now: int) -> Delay:
        """The same delay and so many seconds more; without one, just these."""
        if delay is None:
            return Delay(now, round(seconds * SECOND), over_body=False, clock=self._clock, pause=self.pause_for_real)
        return delay._replace(length=delay.length + round(seconds * SECOND))

    def pause(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._clock.wait_until(self._clock.now() + round(seconds * SECOND), self.pause_for_real)

    def of(self, request: Request, attempt: int, now: int) -> Delay | None:
        """The delay that begins `now`, in nanoseconds since the epoch; None for a call that has none."""
        latency = self.by_method.get(request.method)
        if latency is None:
            return None
        drawn = fraction(self._seed, "latency", request.method, request.identity, attempt)
        return Delay(now, round(latency.at(drawn) * SECOND), latency.over_body, self._clock, self.pause_for_real)
