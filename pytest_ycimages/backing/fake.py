"""The fake: a cloud of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.backing.backing import Backing
from pytest_ycimages.cloud.inventory import Inventory
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.faults.fault import EFFECTS
from pytest_ycimages.server.app import App
from pytest_ycimages.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.image import Image
    from pytest_ycimages.api.operation import Operation
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.server.app import Control


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
        """An IAM token that is valid."""
        return self._cloud.token

    @property
    def folder_id(self) -> str:
        """A folder that exists."""
        return self._cloud.folder_id

    @property
    def images(self) -> Mapping[str, Image]:
        """All images as they are now, by id."""
        state = self._cloud.state
        return Truth("image", self.pipeline, self.clock, lambda: state.images, state.image_at)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations as they truly are now, by id."""
        state = self._cloud.state
        return Truth("operation", self.pipeline, self.clock, lambda: state.operations, state.operation_at)

    @property
    def inventory(self) -> Inventory:
        """What says what exists."""
        return self._inventory

    @property
    def planner(self) -> Planner:
        """What decides how operations go."""
        return self._cloud.planner
