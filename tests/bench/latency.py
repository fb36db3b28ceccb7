"""Microseconds for a create and for a poll, as a client in the same process sees them."""

from __future__ import annotations

import gc
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Final

from .asks import CLIENTS
from .goals import Goal, Sheet
from .moto_peer import MOTO
from .peers import DOUBLE, FLOOR, HTTPSERVER, running
from .stopwatch import ratio, timed, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from .asks import Client, Peer

_BATCH: Final = 10
_LIMITS: Final = {"http.client": 1.7, "urllib3": 1.4}
"""How many times the floor a create and a poll may take together."""
_SHORT_BATCH: Final = 2
"""For moto, whose calls take as long as a batch of the others."""


def measure(*, quick: bool) -> Generator[Sheet]:
    """Who answers what, then one sheet for each client."""
    with running() as peers:
        yield _work(peers)
        gc.collect()
        gc.freeze()  # what the peers have imported is none of the double's business
        try:
            for name, connect in CLIENTS.items():
                yield _sheet(name, peers, _Measured(peers, connect, rounds=10 if quick else 50))
        finally:
            gc.unfreeze()


class _Measured:
    """What each peer took, in microseconds by peer; `pairs` has a create and a poll together, one for each round."""

    def __init__(self, peers: Sequence[Peer], connect: Callable[[str, int], Client], *, rounds: int) -> None:
        self.creates: dict[str, list[float]] = {peer.name: [] for peer in peers}
        self.polls: dict[str, list[float]] = {peer.name: [] for peer in peers}
        self.pairs: dict[str, list[float]] = {peer.name: [] for peer in peers}
        clients = {peer.name: connect(peer.host, peer.port) for peer in peers}
        try:
            for number in range(rounds):
                for peer in turns(peers, number):
                    self._take(peer, clients[peer.name])
        finally:
            for client in clients.values():
                client.close()

    def _take(self, peer: Peer, client: Client) -> None:
        """Measure a batch; its first pair is not counted, since the peer before may still be tidying up."""
        peer.forget()
        creates, polls = [], []
        for _ in range(1 + (_SHORT_BATCH if peer.name == MOTO else _BATCH)):
            answer, create = timed(partial(client.ask, peer.create))
            _, poll = timed(partial(client.ask, peer.poll(answer)))
            creates.append(create)
            polls.append(poll)
        self.creates[peer.name] += creates[1:]
        self.polls[peer.name] += polls[1:]
        self.pairs[peer.name].append(median(creates[1:]) + median(polls[1:]))


def _work(peers: Sequence[Peer]) -> Sheet:
    sheet = Sheet("Who answers, in threads of this process", ("server", "to a create, then to a poll"))
    for peer in peers:
        sheet.row(peer.name, peer.work)
    return sheet


def _sheet(client: str, peers: Sequence[Peer], measured: _Measured) -> Sheet:
    sheet = Sheet(
        f"One call over a kept-alive connection, microseconds, {client} as the client",
        ("server", "create", "poll", "both", "/ floor", "/ httpserver"),
        note="medians; ratios are of both, and medians of the ratios within each round",
    )
    for peer in peers:
        name = peer.name
        sheet.row(
            name,
            median(measured.creates[name]),
            median(measured.polls[name]),
            median(measured.pairs[name]),
            ratio(measured.pairs, name, FLOOR),
            ratio(measured.pairs, name, HTTPSERVER),
            goals=_goals(client, peers, measured) if name == DOUBLE else (),
        )
    return sheet


def _goals(client: str, peers: Sequence[Peer], measured: _Measured) -> list[Goal]:
    subject = f"create + poll, {client}"
    fastest = min(ratio(measured.pairs, peer.name, DOUBLE) for peer in peers if peer.name not in {DOUBLE, FLOOR})
    return [
        Goal(subject, "double / floor", ratio(measured.pairs, DOUBLE, FLOOR), _LIMITS[client], "x"),
        Goal(subject, "httpserver / double", ratio(measured.pairs, HTTPSERVER, DOUBLE), 2, "x", least=True),
        Goal(subject, "fastest peer / double", fastest, 1, "x", least=True),
    ]
