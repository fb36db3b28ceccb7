"""A cassette that is replayed: it answers, and nothing leaves this machine."""

from __future__ import annotations

import shlex
import warnings
from typing import TYPE_CHECKING

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.api.image import Image
from pytest_ycimages.api.operation import Operation
from pytest_ycimages.backing.backing import Backing
from pytest_ycimages.backing.shown import Shown
from pytest_ycimages.cassette.age import expired_text
from pytest_ycimages.cassette.cassette import Cassette, opened
from pytest_ycimages.cassette.maintenance import ForReplay, for_replay
from pytest_ycimages.cassette.player import Player
from pytest_ycimages.cassette.pseudonyms import Pseudonyms
from pytest_ycimages.cassette.reading import read_tape
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.cassette.redaction_rules import redaction_rules
from pytest_ycimages.cassette.replaying import Replaying
from pytest_ycimages.cassette.secret_shapes import IAM_TOKEN
from pytest_ycimages.cassette.translation import json_of
from pytest_ycimages.cassette.unused import unused_error
from pytest_ycimages.cloud.clock import machine_time
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.errors import (
    CassetteExpiredError,
    CassetteMissingError,
    CassetteWarning,
    UsageError,
    YCImagesError,
)
from pytest_ycimages.server.passing import PlayingApp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_ycimages.cassette.interaction import Tape
    from pytest_ycimages.cassette_settings import Severity
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.control.controlled import Controlled
    from pytest_ycimages.settings import Settings


class Replay(Backing):
    """Answers from a cassette, whose time and states the double's clock and the client's polls move along.

    Attributes:
        path: the file.
        tape: what is in it.
    """

    path: Path
    tape: Tape

    _player: Player | None = None
    _scrubbed: ForReplay
    _expired: Sequence[YCImagesError] = ()

    def _service(self, ids: Ids) -> Replaying:
        settings = self.settings
        rules = redaction_rules(settings.scrub, keep=settings.keep)
        if self._player is None:
            self.path = path_of(settings)
            opened.add(self.path.absolute())
            rerecord = how_to_record(self.name, self.path)
            try:
                self.tape = read_tape(self.path)
            except CassetteMissingError as error:
                error.add_note(f"This one: {rerecord}")
                raise
            self._scrubbed = for_replay(self.tape, rules)
            self._player = Player(
                self._scrubbed.tape,
                volatile=settings.volatile,
                pace=settings.replay_pace,
                name=str(self.path),
                rerecord=rerecord,
            )
            old = expired_text(self.path, self.tape.label, machine_time(), settings.max_age, rerecord)
            self._expired = _judged(CassetteExpiredError(old), settings.expired) if old else ()
        else:
            self._player = self._player.rewound()
        self._replaying = Replaying(
            player=self._player,
            clock=self.clock,
            scrubber=Redactor(self._scrubbed.known, rules),
            pseudonyms=self._pseudonyms(),
            ids=ids,
            unused=Service(ids, CONTRACTS[settings.contract], settings.rules()),
        )
        return self._replaying

    def _pseudonyms(self) -> Pseudonyms | None:
        pseudonyms = Pseudonyms()
        return pseudonyms if pseudonyms.are_in(self.tape) else None

    def _app(self, controlled: Controlled) -> App:
        return PlayingApp(self.pipeline, CONTRACTS[self.settings.contract], controlled)

    @property
    def token(self) -> str:
        """A token: a cassette takes any."""
        return IAM_TOKEN

    @property
    def folder_id(self) -> str:
        """The folder that was recorded, under the name that it has in the cassette."""
        return self.tape.label.folder_id or _folder_in(self.tape)

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
        return Cassette(self.path, self.tape.label, lambda: self.tape.interactions, player.unused)

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Requests that the cassette has no answer for, and that it has expired."""
        return (*self._replaying.problems, *self._expired)

    def check_end(self) -> None:
        """Raise, or warn, unless all of the cassette had a part.

        Raises:
            CassetteUnusedError: interactions that nobody asked for.
        """
        unused = self._replaying.player.unused()
        if unused:
            error = unused_error(str(self.path), self._scrubbed.tape, unused)
            for judged in _judged(error, self.settings.unused_interactions):
                raise judged


def path_of(settings: Settings) -> Path:
    """The file of the cassette.

    Raises:
        UsageError: the settings name none.
    """
    if settings.cassette is None:
        raise UsageError(
            f"mode={settings.mode!r} takes a cassette: give cassette='PATH.yaml'. With pytest, a test's own cassette "
            "is in the folder of --ycimages-cassette-dir, and needs no name."
        )
    return settings.cassette


def how_to_record(name: str, path: Path) -> str:
    """The command that records a cassette anew, for the double `name`."""
    if "::" in name:
        return f"pytest {shlex.quote(name.partition(' #')[0])} --ycimages-mode=record"
    return f"ycimages record {shlex.quote(str(path))}"


def _judged(error: YCImagesError, severity: Severity) -> tuple[YCImagesError, ...]:
    """The error, if it is one; a warning is given at once."""
    if severity == "warn":
        warnings.warn(str(error), CassetteWarning, stacklevel=2)
    return (error,) if severity == "fail" else ()


def _folder_in(tape: Tape) -> str:
    """A folder that is asked for in a cassette that does not say whose it is; empty for none."""
    for interaction in tape.interactions:
        folder_id = json_of(interaction.request.body).get("folderId")
        if isinstance(folder_id, str):
            return folder_id
    return ""
