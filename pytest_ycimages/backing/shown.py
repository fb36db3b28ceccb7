"""What a client was shown, as the server's truth: with a cassette, replayed or recorded, no more is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    import threading

    from pytest_ycimages.api.message import Wire

Resource = TypeVar("Resource", bound=BaseModel)


class Shown(Mapping[str, Resource], Generic[Resource]):
    """The resources that a client was shown, each as it was shown last.

    Args:
        kind: what they are, for people.
        model: what they are read into. One that it cannot be is left out: another service has operations too.
        seen: their JSON form by id; it grows.
        lock: held while it is read.
    """

    def __init__(self, kind: str, model: type[Resource], seen: Mapping[str, Wire], lock: threading.Lock) -> None:
        self._kind = kind
        self._model = model
        self._seen = seen
        self._lock = lock

    def _now(self) -> dict[str, Resource]:
        with self._lock:
            seen = dict(self._seen)
        return {id_: read for id_, wire in seen.items() if (read := self._read(wire)) is not None}

    def _read(self, wire: Wire) -> Resource | None:
        try:
            return self._model.model_validate(wire)
        except ValidationError:
            return None

    def __getitem__(self, id_: str) -> Resource:
        found = self._now()
        if id_ not in found:
            raise KeyError(f"no {self._kind} {id_!r} was shown; shown were: {', '.join(found) or 'none'}")
        return found[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __repr__(self) -> str:
        return repr(self._now())
