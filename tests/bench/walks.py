"""The walks of a call through the package: calls of Python functions, modules entered, and switches between rooms.

Traced with `sys.setprofile` on a warm double, so that the figures do not depend on the machine.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages import Double, always, truncate
from pytest_ycimages.server.http1 import RequestReader, encoded
from pytest_ycimages.server.transmission import transmission

from .goals import Goal, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_ycimages.server.app import App

_WARM: Final = 20
_PACKAGE: Final = "pytest_ycimages"
_BODY: Final = b'{"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}'
_CREATE: Final = (
    b"POST /compute/v1/images HTTP/1.1\r\nHost: api.cloud.yandex.net\r\nAuthorization: Bearer t1.a.b\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_LIMITS: Final = {"create": 22, "create, struck": 26, "record": 40, "open a replay": 34, "replay": 24}
"""The most modules that each walk may enter: two thirds of those before the rooms were merged."""
_CALLS: Final = {"replay": 106}
"""The most calls of functions in a walk: half of those before the rooms were merged."""


class Walk(NamedTuple):
    """What one walk went through."""

    calls: int
    modules: int
    switches: int


def measure(*, quick: bool) -> Generator[Sheet]:  # noqa: ARG001 - tracing needs no rounds
    """One sheet, a row for each walk."""
    sheet = Sheet("Walks through the package", ("walk", "calls", "modules", "room switches"))
    for name, walk in walks().items():
        goals = [Goal(f"walk: {name}", "modules entered", walk.modules, _LIMITS[name], "")]
        if name in _CALLS:
            goals.append(Goal(f"walk: {name}", "calls", walk.calls, _CALLS[name], ""))
        sheet.row(name, walk.calls, walk.modules, walk.switches, goals=goals)
    yield sheet


def walks() -> dict[str, Walk]:
    """Trace every walk."""
    threading.setprofile(_note)  # the threads of the recorded fake
    try:
        return _walks()
    finally:
        threading.setprofile(None)


def _walks() -> dict[str, Walk]:
    found: dict[str, Walk] = {}
    with closing(Double(unknown_fields="ignore")) as double:
        app = _app(double)
        found["create"] = _warm(lambda: _served(app))
        double.inject(truncate(), on="images.create", when=always(), commit="after", expect=False)
        found["create, struck"] = _warm(lambda: _served(app))
    with tempfile.TemporaryDirectory() as folder, Double(unknown_fields="ignore") as fake:
        cassette = Path(folder, "create.yaml")
        recorded: dict[str, Any] = {"cassette": str(cassette), "upstream": fake.url}
        with closing(Double(mode="record", **recorded)) as recording:
            recorder = _app(recording)
            found["record"] = _warm(lambda: _served(recorder))
        single: dict[str, Any] = {"cassette": str(Path(folder, "one.yaml")), "upstream": fake.url}
        with closing(Double(mode="record", **single)) as recording:
            _served(_app(recording))
        for _ in range(2):
            Double(mode="replay", cassette=single["cassette"]).close()
        opened: list[Double] = []
        found["open a replay"] = traced(lambda: opened.append(Double(mode="replay", cassette=single["cassette"])))
        player = _app(opened[0])
        found["replay"] = traced(lambda: _served(player))
        opened[0].close()
    return found


def _app(double: Double) -> App:
    app: App = double.app.endpoint.app
    return app


def _served(app: App) -> bytes:
    """One create from the bytes of its request to those of its reply, as a connection serves it."""
    (request,) = RequestReader().feed(_CREATE)
    reply = app.answer(request)
    head, body = encoded(reply, request)
    if reply.damage is None:
        return head + body
    return b"".join(step for step in transmission(head, body, reply) if isinstance(step, bytes))


def _warm(walk: Callable[[], object]) -> Walk:
    for _ in range(_WARM):
        walk()
    return traced(walk)


_entered: list[str] = []


def _note(frame: Any, event: str, _: object) -> None:
    """Note the module of a function of this package."""
    if event == "call" and (name := str(frame.f_globals.get("__name__"))).startswith(f"{_PACKAGE}."):
        _entered.append(name)


def traced(walk: Callable[[], object]) -> Walk:
    """Count the calls of this package's functions while `walk` runs, here and on threads that are traced."""
    _entered.clear()
    sys.setprofile(_note)
    try:
        walk()
    finally:
        sys.setprofile(None)
    modules = list(_entered)
    rooms = [_room(module) for module in modules]
    switches = sum(before != after for before, after in pairwise(rooms))
    return Walk(len(modules), len(set(modules)), switches)


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 2 else "(root)"


if __name__ == "__main__":
    for title, each in walks().items():
        print(f"{title:16} {each.calls:5} calls {each.modules:4} modules {each.switches:4} room switches")  # noqa: T201
