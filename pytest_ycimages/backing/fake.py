"""The fake: a cloud with a state of its own, and read-only views of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.backing.backing import Backing
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.cloud.sources import Inventory
from pytest_ycimages.faults.fault import EFFECTS
from pytest_ycimages.server.app import App

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ycimages.api.resources import Image, Operation
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.pipeline import Pipeline
    from pytest_ycimages.server.app import Control


Resource = TypeVar("Resource")


class LiveView(Mapping[str, Resource]):
    """The resources that exist now, by id. Reading them does not count as a poll."""

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
            return {id_: found for id_ in self._records() if (found := self._at(id_, now)) is not None}

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


class Fake(Backing):
    """Answers as the service would, from a state of its own."""

    effects = EFFECTS

    def _service(self, ids: Ids) -> Service:
        settings = self.settings
        self._cloud = Service(ids, CONTRACTS[settings.contract], settings.rules())
        self._inventory = Inventory(self._cloud.state, ids, self._cloud.folder_id, self.clock)
        return self._cloud

    def _app(self, control: Control) -> App:
        snake_case = self.settings.violation_paths == "snake_case"
        return App(self.pipeline, CONTRACTS[self.settings.contract], control, snake_case=snake_case)

    @property
    def token(self) -> str:
        """Return a valid IAM token."""
        return self._cloud.token

    @property
    def folder_id(self) -> str:
        """Return a folder that exists."""
        return self._cloud.folder_id

    @property
    def images(self) -> Mapping[str, Image]:
        """Return all images as they are now, by id."""
        state = self._cloud.state
        return LiveView("image", self.pipeline, self.clock, lambda: state.images, state.image_at)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return all operations as they are now, by id."""
        state = self._cloud.state
        return LiveView("operation", self.pipeline, self.clock, lambda: state.operations, state.operation_at)

    @property
    def inventory(self) -> Inventory:
        """Return the inventory, which seeds resources."""
        return self._inventory

    @property
    def planner(self) -> Planner:
        """Return the planner, which decides the outcomes of operations."""
        return self._cloud.planner
