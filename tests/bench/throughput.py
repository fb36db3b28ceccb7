"""Calls per second with one client thread and with many, all in one process: a create, its poll, and again."""

from __future__ import annotations

import threading
from http.client import HTTPException
from statistics import median
from typing import TYPE_CHECKING, Final

from .asks import StandardClient
from .goals import Goal, Sheet
from .peers import DOUBLE, FLOOR, running
from .stopwatch import ratio, seconds, turns

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from .asks import Peer

_THREADS: Final = (1, 8, 32)


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet, a column for each number of threads."""
    rounds, span = (2, 0.1) if quick else (6, 0.3)
    with running() as peers:
        rates: dict[tuple[str, int], list[float]] = {(peer.name, n): [] for peer in peers for n in _THREADS}
        broken = dict.fromkeys((peer.name for peer in peers), 0)
        for threads in _THREADS:
            for number in range(rounds):
                for peer in turns(peers, number):
                    peer.forget()
                    load = _Load(peer, threads, span)
                    rates[peer.name, threads].append(load.rate)
                    broken[peer.name] += load.broken
        yield _sheet(peers, rates, broken)


class _Load:
    """What client threads got out of a peer in a span of time.

    Attributes:
        rate: calls answered in a second.
        broken: connections that the peer broke.
    """

    def __init__(self, peer: Peer, threads: int, span: float) -> None:
        self.broken = 0
        self._calls = [0] * threads
        self._failure: Exception | None = None
        self._ends_at = float("inf")
        self._start = threading.Barrier(threads + 1)
        workers = [threading.Thread(target=self._work, args=(peer, number)) for number in range(threads)]
        for worker in workers:
            worker.start()
        self._start.wait()
        start = seconds()
        self._ends_at = start + span
        for worker in workers:
            worker.join()
        if self._failure:
            raise self._failure
        self.rate = sum(self._calls) / (seconds() - start)

    def _work(self, peer: Peer, number: int) -> None:
        client = StandardClient(peer.host, peer.port)
        self._start.wait()
        try:
            while seconds() < self._ends_at:
                self._pair(client, peer, number)
        except Exception as error:  # noqa: BLE001 - the main thread raises it
            self._failure = error
        finally:
            client.close()

    def _pair(self, client: StandardClient, peer: Peer, number: int) -> None:
        try:
            answer = client.ask(peer.create)
            self._calls[number] += 1
            client.ask(peer.poll(answer))
            self._calls[number] += 1
        except (OSError, HTTPException):
            self.broken += 1
            client.close()


def _sheet(peers: list[Peer], rates: Mapping[tuple[str, int], list[float]], broken: dict[str, int]) -> Sheet:
    columns = [f"{threads} client{'s' if threads > 1 else ''}" for threads in _THREADS]
    sheet = Sheet(
        "Throughput, calls per second, http.client threads as the clients",
        ("server", *columns, "32 / 1", "1 / floor", "broken"),
        note="medians over rounds; `broken` counts connections that a server broke",
    )
    for peer in peers:
        figures = [median(rates[peer.name, threads]) for threads in _THREADS]
        sheet.row(
            peer.name,
            *figures,
            figures[-1] / figures[0],
            _times(rates, peer.name, FLOOR, _THREADS[0]),
            str(broken[peer.name]),
            goals=_goals(peers, rates) if peer.name == DOUBLE else (),
        )
    return sheet


def _goals(peers: list[Peer], rates: Mapping[tuple[str, int], list[float]]) -> Generator[Goal]:
    rivals = [peer.name for peer in peers if peer.name not in {DOUBLE, FLOOR}]
    for threads in _THREADS:
        least = min(_times(rates, DOUBLE, rival, threads) for rival in rivals)
        yield Goal(f"calls per second, {threads} client thread(s)", "double / best peer", least, 1, "x", least=True)


def _times(rates: Mapping[tuple[str, int], list[float]], subject: str, to: str, threads: int) -> float:
    return ratio({name: rates[name, threads] for name in (subject, to)}, subject, to)
