"""The live view of a double: its calls, its settings, and what has changed since the last look; server-sent events.

A stream reads the journal and keeps no queue: its place there is a number, so a reader that is slow or was away goes on
where it was, and a call costs the same whether it is watched or not. A resource that can no longer change by itself is
not read again until a call concerns it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from pydantic import RootModel
from pydantic_core import to_json

from pytest_ycimages.api.message import SECOND, operation_time
from pytest_ycimages.cloud.clock import kind_of, machine_time
from pytest_ycimages.cloud.ids import random_token
from pytest_ycimages.cloud.rules import PerMethod, Quotas
from pytest_ycimages.control.models import CHANGEABLE, OneCall, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.api.resources import Image, Operation
    from pytest_ycimages.backing.backing import ResourceView
    from pytest_ycimages.call import Call, Metadata
    from pytest_ycimages.control.models import Answer
    from pytest_ycimages.double import Double
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.journal import Calls

MEDIA: Final = "text/event-stream"
"""The media type of server-sent events."""
BATCH: Final = 250
"""The most calls in one event."""
_SHARE: Final = 20
"""A look that took a second is followed by the next one so many seconds later."""
_LONGEST: Final = 5 * SECOND
_SILENCE: Final = 15 * SECOND
"""After so long without an event, a comment says that the double is still there."""
_SETTLED: Final = frozenset({"READY", "ERROR"})
_journals: Final[WeakKeyDictionary[Calls, str]] = WeakKeyDictionary()
"""A name for each journal that was watched: a reset begins another one, whose numbers begin with 1 again."""


def shown_call(number: int, call: Call) -> Answer:
    """Return a call of the journal as it is shown, without secrets."""
    metadata, reply = cast("Metadata", call.metadata), cast("Metadata", call.reply_metadata)
    to_print = metadata.printing
    return shown(
        OneCall,
        call,
        number=number,
        message=None if call.message is None else to_print.message(call.message),
        metadata=metadata.redacted(to_print),
        reply_metadata=reply.redacted(to_print),
    )


def written(value: object) -> Any:
    """Return the written form of a setting: JSON where JSON has a form for it, else text."""
    if isinstance(value, PerMethod):
        return {pattern: written(each) for pattern, each in value.patterns}
    if isinstance(value, Mapping):
        return {str(name): written(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    if isinstance(value, Quotas):
        return asdict(value)
    plain = value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else str(value)


class Events(RootModel[str]):
    """Server-sent events: `calls`, `state` and `reset`, each with an object of JSON."""


class Changes:
    """What has changed in the state of a double since the last look: the first look finds everything.

    Args:
        double: the double.
    """

    def __init__(self, double: Double) -> None:
        self._double = double
        self._shown: dict[str, Any] = {}
        self._faults: dict[int, tuple[object, ...]] = {}
        self._settled: set[str] = set()

    def look(self, fresh: list[Call]) -> dict[str, Any]:
        """Return each part of the state that differs from the last look, by its name; None for one that is gone.

        Args:
            fresh: the calls since then.
        """
        named = {id_ for call in fresh for id_ in (call.operation_id, call.image_id) if id_}
        self._settled -= named
        clock = _clock(self._double)
        found = dict(self._parts(has_calls=bool(fresh) or not self._shown))
        if clock["kind"] != "real":  # otherwise it is never the same
            found["clock"] = clock
        changed = {name: value for name, value in found.items() if self._shown.get(name) != value}
        for name, value in changed.items():
            self._shown[name] = value
            if value is None:
                del self._shown[name]
        return {**changed, "clock": clock} if changed else {}

    def _parts(self, *, has_calls: bool) -> Iterator[tuple[str, Any]]:
        double, settings = self._double, self._double.settings
        yield (
            "double",
            {
                "name": double.name,
                "mode": settings.mode,
                "contract": settings.contract,
                "seed": settings.seed,
                "folder_id": double.folder_id,
                "token": double.token,
            },
        )
        changeable = CHANGEABLE if settings.mode == "fake" else ("latency",)
        yield "timing", {name: written(getattr(double, name)) for name in changeable}
        yield "upcoming", list(map(str, double.upcoming))
        yield "problems", [_text_of(error) for error in double.problems]
        if has_calls and settings.mode != "fake":
            yield "cassette", _cassette(double)
        yield from self._injected(has_calls=has_calls)
        yield from self._resources()

    def _injected(self, *, has_calls: bool) -> Iterator[tuple[str, Any]]:
        for number, injection in enumerate(self._double.injections, 1):
            counts = (injection.considered, injection.struck, injection.is_removed)
            if self._faults.get(number) != counts or (has_calls and not injection.is_removed):
                self._faults[number] = counts
                yield f"fault/{number}", _fault(number, injection)

    def _resources(self) -> Iterator[tuple[str, Any]]:
        operations = cast("ResourceView[Operation]", self._double.operations)
        images = cast("ResourceView[Image]", self._double.images)
        there = {f"operation/{id_}" for id_ in operations.ids} | {f"image/{id_}" for id_ in images.ids}
        for id_ in self._unsettled(operations.ids):
            operation = operations.get(id_)
            if operation is None or operation.done:
                self._settled.add(id_)
            if operation is not None:
                self._settled.discard(operation.metadata.image_id)
                yield f"operation/{id_}", {**operation.to_wire(), "phases": self._double.phases(id_)}
        for id_ in self._unsettled(images.ids):
            image = images.get(id_)
            if image is None or image.status in _SETTLED:
                self._settled.add(id_)
            yield f"image/{id_}", None if image is None else image.to_wire()
        yield from ((name, None) for name in self._shown.keys() - there if name.startswith(("operation/", "image/")))

    def _unsettled(self, ids: list[str]) -> list[str]:
        return [id_ for id_ in ids if id_ not in self._settled]


def _clock(double: Double) -> dict[str, Any]:
    clock = double.clock
    now = clock.now()
    return {
        "kind": kind_of(clock),
        "began": operation_time(clock.began_at),
        "now": operation_time(now),
        "elapsed": (now - clock.began_at) / SECOND,
    }


def _text_of(error: YCImagesError) -> str:
    cause = f": {type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ else ""
    return f"{error}{cause}"


def _cassette(double: Double) -> dict[str, Any]:
    cassette = double.cassette
    return {
        "path": str(cassette.path),
        "origin": str(cassette.metadata.origin),
        "interactions": len(cassette.interactions),
        "unused": len(cassette.unused),
    }


def _fault(number: int, injection: Injection) -> dict[str, Any]:
    rule = injection.rule
    expect = "" if rule.expect else ", expect=False"
    return {
        "number": number,
        "rule": str(rule),
        "ini": "" if callable(rule.on) else f"{rule.words}{expect}",
        "expect": rule.expect,
        "in_force": not injection.is_removed,
        "considered": injection.considered,
        "struck": injection.struck,
        "passed": dict(injection.passed),
        "nearest": "" if injection.struck else injection.nearest,
    }


def snapshot(double: Double, *, after: int = 0, most: int = 1000) -> dict[str, Any]:
    """Return all that the live page shows of a double at this moment, but its token, as values of JSON.

    Args:
        double: the double, open or closed.
        after: leave out the calls up to this number, such as those of earlier tests.
        most: how many of the latest calls to show.
    """
    calls = double.calls
    last = calls.dropped + len(calls)
    numbered = list(calls.numbered(after=max(after, last - most)))
    state = Changes(double).look([])
    state["double"]["token"] = ""
    shown = [shown_call(number, call).model_dump(mode="json") for number, call in numbered]
    return {"calls": shown, "last": last, "dropped": last - len(numbered), "state": state}


class Stream:
    """The server-sent events of one reader.

    Args:
        double: the double.
        last_event: the id of the last event that the reader has; empty for none.
    """

    def __init__(self, double: Double, last_event: str = "") -> None:
        self._double = double
        self._calls = double.calls
        self._changes = Changes(double)
        self._number = 0
        self._fresh: list[Call] = []
        self._due = self._said_at = 0
        journal, _, number = last_event.partition(".")
        self._is_new = journal != _name_of(self._calls) or not number.isdecimal()
        if not self._is_new:
            self._number = int(number)

    def more(self) -> bytes:
        """Return the events since the last time; nothing if there are none."""
        text = b"".join(self._events())
        now = machine_time()
        if not text and 0 <= now - self._said_at < _SILENCE:
            return b""
        self._said_at = now
        return text or b": still here\n\n"

    def _events(self) -> Iterator[bytes]:
        if self._calls is not self._double.calls:
            self._calls = self._double.calls
            self._changes = Changes(self._double)
            self._number, self._fresh, self._due, self._is_new = 0, [], 0, True
        if self._is_new:
            self._is_new = False
            yield self._event("reset", {})
        batch = list(islice(self._calls.numbered(after=self._number), BATCH))
        if batch:
            self._number = batch[-1][0]
            self._fresh += (call for _, call in batch)
            shown = [shown_call(number, call).model_dump(mode="json") for number, call in batch]
            yield self._event("calls", {"calls": shown, "last": self._number, "dropped": self._calls.dropped})
        if changed := self._changed():
            yield self._event("state", changed)

    def _changed(self) -> dict[str, Any]:
        """Return what has changed in the state, unless it is too soon: a look at a full double takes a while."""
        began = machine_time()
        if 0 < self._due - began < _LONGEST:
            return {}
        fresh, self._fresh = self._fresh, []
        changed = self._changes.look(fresh)
        ended = machine_time()
        self._due = ended + min(_SHARE * (ended - began), _LONGEST - 1)
        return changed

    def _event(self, kind: str, data: Mapping[str, Any]) -> bytes:
        return b"id: %b.%d\nevent: %b\ndata: %b\n\n" % (
            _name_of(self._calls).encode(),
            self._number,
            kind.encode(),
            to_json(data),
        )


def _name_of(calls: Calls) -> str:
    return _journals.setdefault(calls, random_token()[:8])
