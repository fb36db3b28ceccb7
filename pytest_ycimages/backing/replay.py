"""A cassette that is replayed: it answers, and nothing leaves this machine."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.backing.backing import Backing
from pytest_ycimages.backing.shown import Shown
from pytest_ycimages.cassette.age import expired
from pytest_ycimages.cassette.cassette import Cassette
from pytest_ycimages.cassette.player import Player
from pytest_ycimages.cassette.pseudonyms import pseudonyms_for
from pytest_ycimages.cassette.reading import read_tape
from pytest_ycimages.cassette.replaying import Replaying
from pytest_ycimages.cassette.scrub import Scrubber
from pytest_ycimages.cassette.scrub_rules import ScrubRules
from pytest_ycimages.cassette.unused import unused_error
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.cloud.rules import Rules
from pytest_ycimages.errors import CassetteExpiredError, CassetteWarning, UsageError
from pytest_ycimages.server.passing import PlayingApp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.api.image import Image
    from pytest_ycimages.api.operation import Operation
    from pytest_ycimages.cassette.interaction import Tape
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.control.controlled import Controlled


class Replay(Backing):
    """Answers from a cassette, whose time and states the double's clock and the client's polls move along."""

    _player: Player | None = None

    def _service(self, ids: Ids) -> Replaying:
        settings = self.settings
        if self._player is None:
            self._path = cassette_path(settings)
            self._tape = read_tape(self._path)
            self._player = Player(
                self._tape,
                volatile=settings.volatile,
                pace=settings.replay_pace,
                name=str(self._path),
                rerecord=how_to_record(self.name, self._path),
            )
        else:
            self._player = self._player.rewound()
        self._replaying = Replaying(
            player=self._player,
            clock=self.clock,
            scrubber=Scrubber(rules=ScrubRules(fields=settings.scrub)),
            pseudonyms=Pseudonyms.of_tape(self._tape),
            ids=ids,
            unused=Service(ids, CONTRACTS[settings.contract], settings.rules()),
        )
        return self._replaying

    def _app(self, controlled: Controlled) -> App:
        return PlayingApp(self.pipeline, CONTRACTS[self.settings.contract], controlled)

    @property
    def token(self) -> str:
        """A token: a cassette takes any."""
        return PLACEHOLDER_TOKEN

    @property
    def folder_id(self) -> str:
        """The folder that was recorded, under the name that it has in the cassette."""
        return self._tape.label.folder_id or folder_in(self._tape)

    @property
    def images(self) -> Mapping[str, Image]:
        """The images that the client has been shown, as it was shown them last."""
        return Shown("image", Image, self._replaying.player.seen.images, self.pipeline.lock)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """The operations that the client has been shown, as it was shown them last."""
        return Shown("operation", Operation, self._replaying.player.seen.operations, self.pipeline.lock)

    @property
    def cassette(self) -> Cassette:
        """The cassette that is in."""
        player = self._replaying.player
        return Cassette(self._path, self._tape.label, lambda: self._tape.interactions, player.unused)

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Requests that the cassette has no answer for."""
        return tuple(self._replaying.problems)
