"""Every verb of every path of the control API: what serves it, what it takes and what it answers.

Routing and the document are both made from this table, so neither has a path that the other lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from werkzeug.routing import Map, Rule

from pytest_ycimages.control import adding, changing, faulting, handlers
from pytest_ycimages.control.bodies import (
    Disk,
    FaultsToInject,
    Folder,
    OperationToAsk,
    ReadyImage,
    Snapshot,
    Step,
    StoredFile,
    TimingToSet,
)
from pytest_ycimages.control.models import (
    Added,
    AllPacing,
    ClockNow,
    Journal,
    OneFault,
    Refused,
    SomeFaults,
    State,
    TimingNow,
    Upcoming,
    Verdict,
)
from pytest_ycimages.server.app import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from pytest_ycimages.control.asked import Answered, Asked
    from pytest_ycimages.control.models import Answer

OPENAPI: Final = f"{PREFIX}openapi.json"
"""Where the document of the service's API is served."""

CONTROL: Final = f"{PREFIX}control.json"
"""Where the document of the control API is served."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A verb of a path.

    Attributes:
        verb: the HTTP verb.
        path: what follows `PREFIX`; a part in `<>` is a parameter.
        serve: what answers; its docstring says what it does, and its name is the operation's.
        answer: what it answers when all is well.
        status: the HTTP status of that.
        body: what it is sent, if anything.
        example: such a body.
        refusals: what else it may answer, by HTTP status.
    """

    verb: str
    path: str
    serve: Callable[[Asked], Answered]
    answer: type[Answer]
    status: int = 200
    body: type[BaseModel] | None = None
    example: object = None
    refusals: tuple[tuple[int, type[Answer]], ...] = ()


_GONE: Final = ((404, Refused),)
_RULE: Final = {"fault": "reset()", "on": "images.create", "when": "first(1)", "commit": "after"}
_FILE: Final = {"uri": "https://storage.yandexcloud.net/images/base.qcow2"}

ROUTES: Final = (
    Route("GET", "state", handlers.state, State),
    Route("GET", "calls", handlers.calls, Journal, refusals=((400, Refused),)),
    Route("GET", "pacing", handlers.pacing, AllPacing),
    Route("GET", "faults", faulting.faults, SomeFaults),
    Route("POST", "faults", faulting.inject, SomeFaults, 201, FaultsToInject, _RULE),
    Route("DELETE", "faults", faulting.remove_all, SomeFaults),
    Route("GET", "faults/check", faulting.check, Verdict, refusals=((409, Verdict),)),
    Route("GET", "faults/<int:number>", faulting.fault, OneFault, refusals=_GONE),
    Route("DELETE", "faults/<int:number>", faulting.remove, OneFault, refusals=_GONE),
    Route("GET", "timing", changing.timing, TimingNow),
    Route("PUT", "timing", changing.set_timing, TimingNow, 200, TimingToSet, {"timing": "AfterPolls(3)", "latency": 0}),
    Route("GET", "next-operation", changing.upcoming, Upcoming),
    Route("POST", "next-operation", changing.next_operation, Upcoming, 201, OperationToAsk, {"timing": 60}),
    Route("GET", "clock", handlers.clock, ClockNow),
    Route("POST", "clock/advance", changing.advance, ClockNow, 200, Step, {"seconds": 5}),
    Route("POST", "reset", changing.reset, State),
    Route("POST", "folders", adding.folder, Added, 201, Folder, {}),
    Route("POST", "disks", adding.disk, Added, 201, Disk, {"size": 10 * 2**30}),
    Route("POST", "snapshots", adding.snapshot, Added, 201, Snapshot, {"os": "WINDOWS"}),
    Route("POST", "images", adding.image, Added, 201, ReadyImage, {"name": "base", "family": "ubuntu"}),
    Route("POST", "objects", adding.stored_file, Added, 201, StoredFile, _FILE),
)

MAP: Final = Map(
    [
        *(Rule(f"{PREFIX}{route.path}", endpoint=route, methods=[route.verb]) for route in ROUTES),
        *(Rule(path, endpoint=path, methods=["GET"]) for path in (OPENAPI, CONTROL)),
    ],
    strict_slashes=True,
    merge_slashes=False,
    redirect_defaults=False,
)

PATHS: Final = tuple(dict.fromkeys([*(f"{PREFIX}{route.path}" for route in ROUTES), OPENAPI, CONTROL]))
"""Every path."""
