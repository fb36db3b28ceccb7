"""The fake: a cloud with a state of its own, and read-only views of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.api.gateway import Wording
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.api.texts import words_of
from pytest_ycimages.backing.backing import Backing, R, ResourceView
from pytest_ycimages.cloud.inventory import Inventory
from pytest_ycimages.cloud.plan import phases
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.faults.fault import EFFECTS
from pytest_ycimages.server.app import App

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.resources import Image, Operation
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.lifecycle import Phase
    from pytest_ycimages.cloud.plan import Planner
    from pytest_ycimages.server.app import Control


class Fake(Backing):
    """Answers as the service would, from a state of its own."""

    effects = EFFECTS

    def _service(self, ids: Ids) -> Service:
        settings = self.settings
        self._cloud = Service(ids, CONTRACTS[settings.contract], settings.rules())
        self._inventory = Inventory(self._cloud, self.clock)
        return self._cloud

    def _headers(self) -> Callable[[int], Mapping[str, str]]:
        return self._cloud.headers

    def _app(self, control: Control) -> App:
        settings = self.settings
        wording = Wording(settings.violation_paths, words_of(settings.texts))
        return App(self.pipeline, CONTRACTS[settings.contract], control, wording)

    @property
    def token(self) -> str:
        """Return a valid IAM token."""
        return self._cloud.token

    def instance_token(self) -> str:
        """Return a fresh IAM token, which expires."""
        with self.pipeline.lock:
            return self._cloud.instance_token(self.clock.now())

    @property
    def folder_id(self) -> str:
        """Return a folder that exists."""
        return self._cloud.folder_id

    @property
    def images(self) -> Mapping[str, Image]:
        """Return all images as they are now, by id."""
        state, clock = self._cloud.state, self.clock
        return self._view("image", state.images, lambda id_: state.image_at(id_, clock.now()))

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return all operations as they are now, by id."""
        state, clock = self._cloud.state, self.clock
        return self._view("operation", state.operations, lambda id_: state.operation_at(id_, clock.now()))

    def phases(self, operation_id: str) -> tuple[tuple[Phase, int], ...]:
        """Return the phases of an operation, each with when it begins; none if it does not exist."""
        with self.pipeline.lock:
            record = self._cloud.state.operations.get(operation_id)
        return () if record is None else phases(record.plan)

    def _view(self, kind: str, records: Mapping[str, object], at: Callable[[str], R | None]) -> Mapping[str, R]:
        return ResourceView(f"no {kind} {{!r}} now; there are: {{}}", self.pipeline.lock, records, at)

    @property
    def inventory(self) -> Inventory:
        """Return the inventory, which seeds resources."""
        return self._inventory

    @property
    def planner(self) -> Planner:
        """Return the planner, which decides the outcomes of operations."""
        return self._cloud.planner
