"""What faults cost a call that none of them strikes, and whether ten thousand of them leave anything behind."""

from __future__ import annotations

import gc
import os
import threading
from contextlib import ExitStack, closing
from http.client import HTTPException
from statistics import median
from typing import TYPE_CHECKING, Final

from pytest_ycimages import Double, always, close, every, reset, truncate, unavailable

from .asks import CLIENTS, StandardClient
from .broken import BrokenError
from .goals import Goal, Sheet
from .peers import asks_of
from .stopwatch import ratio, timed, turns

if TYPE_CHECKING:
    from collections.abc import Generator

_RULES: Final = 100
_MOST: Final = 1.2
"""How many times of a call without rules one may take with a hundred that are about it and do not match."""
_NONE: Final = 2.0
"""Percent of a call that it may take to find that there are no rules."""
_BATCH: Final = 25
_DESCRIPTORS: Final = "/proc/self/fd"


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet for the cost, one for what is left behind."""
    yield _cost(20 if quick else 100)
    yield _leaks(1_000 if quick else 10_000)


def _cost(rounds: int) -> Sheet:
    spent: dict[str, list[float]] = {"none": [], "hundred": []}
    with ExitStack() as stack:
        doubles = {name: stack.enter_context(Double(unknown_fields="ignore")) for name in spent}
        for number in range(_RULES):
            rule = {"operationId": f"no-such-operation-{number}"}
            doubles["hundred"].inject(unavailable(), on="operations.get", where=rule, expect=False)
        clients = {
            name: stack.enter_context(closing(CLIENTS["http.client"](double.host, double.port)))
            for name, double in doubles.items()
        }
        polls = {}
        for name, double in doubles.items():
            create, poll = asks_of(double)
            polls[name] = poll(clients[name].ask(create))
        for number in range(rounds):
            for name in turns(list(spent), number):
                client, poll_ask = clients[name], polls[name]
                batch = [timed(lambda client=client, ask=poll_ask: client.ask(ask))[1] for _ in range(_BATCH)]  # type: ignore[misc]
                spent[name].append(median(batch))
        injector = doubles["none"]._backing.pipeline.injector  # noqa: SLF001 - the one look that a call without rules pays for
        look = timed(lambda: [injector.is_armed for _ in range(100_000)])[1] / 100_000
    sheet = Sheet("A poll over the socket, microseconds, http.client as the client", ("rules", "each", "of a call"))
    call = median(spent["none"])
    share = 100 * look / call
    goal = Goal("no fault", "the look whether there is one", share, _NONE, " %")
    sheet.row("none", call, f"{share:.2f} %", goals=[goal])
    grown = ratio(spent, "hundred", "none")
    goal = Goal(f"{_RULES} faults that do not match", "with / without", grown, _MOST, "x")
    sheet.row(f"{_RULES} that do not match", median(spent["hundred"]), grown, goals=[goal])
    return sheet


def _leaks(faults: int) -> Sheet:
    sheet = Sheet(f"{faults:,} damaged answers", ("what", "before", "after"))
    before = _left()
    with Double(unknown_fields="ignore") as double:
        kinds = (reset(), reset(after=50), close(after=10), truncate())
        for fault, when in zip(kinds, (every(4), every(3), every(2), always()), strict=True):
            double.inject(fault, on="endpoints.list", when=when)
        for _ in range(faults):
            _lose(double)
    gc.collect()
    after = _left()
    for name, count in before.items():
        goals = [Goal(f"{name} after {faults:,} faults", "left behind", after[name] - count, 0, "")]
        sheet.row(name, float(count), float(after[name]), goals=goals)
    return sheet


def _lose(double: Double) -> None:
    with closing(StandardClient(double.host, double.port)) as client:
        create, _ = asks_of(double)
        try:
            client.ask(create._replace(verb="GET", path="/endpoints", body=None))
        except (OSError, HTTPException):
            return
    raise BrokenError("a call that was to be lost was answered")


def _left() -> dict[str, int]:
    files = len(os.listdir(_DESCRIPTORS)) if os.path.isdir(_DESCRIPTORS) else 0  # noqa: PTH112, PTH208 - a count
    return {"file descriptors": files, "threads": threading.active_count()}
