"""The server's truth, as read-only mappings: what exists at the moment of looking. Looking counts as no poll."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.pipeline import Pipeline

Resource = TypeVar("Resource")


class Truth(Mapping[str, Resource]):
    """What exists at the moment of looking."""

    def __init__(
        self,
        kind: str,
        pipeline: Pipeline,
        clock: Clock,
        records: Callable[[], Mapping[str, object]],
        at: Callable[[str, int], Resource | None],
    ) -> None:
        self._kind = kind
        self._pipeline = pipeline
        self._clock = clock
        self._records = records
        self._at = at

    def _now(self) -> dict[str, Resource]:
        with self._pipeline.lock:
            now = self._clock.now()
            return {id_: seen for id_ in self._records() if (seen := self._at(id_, now)) is not None}

    def __getitem__(self, id_: str) -> Resource:
        with self._pipeline.lock:
            found = self._at(id_, self._clock.now())
        if found is None:
            raise KeyError(f"no {self._kind} {id_!r} now; there are: {', '.join(self._now()) or 'none'}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __repr__(self) -> str:
        return repr(self._now())
