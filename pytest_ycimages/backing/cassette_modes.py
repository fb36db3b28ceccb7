"""The modes replay and record: a double that answers from a cassette, or passes calls on to the service and records."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ycimages.api.message import resource_time
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.api.resources import Image, Operation
from pytest_ycimages.backing.backing import Backing
from pytest_ycimages.cassette.exchange import ReplayService
from pytest_ycimages.cassette.file import CassetteWriter, read_cassette
from pytest_ycimages.cassette.handle import Cassette, expired_text, opened
from pytest_ycimages.cassette.maintenance import ForReplay, for_replay, scrub_label
from pytest_ycimages.cassette.model import CassetteMetadata, Origin
from pytest_ycimages.cassette.no_match import unused_error
from pytest_ycimages.cassette.player import Player
from pytest_ycimages.cassette.pseudonyms import Pseudonyms
from pytest_ycimages.cassette.recorder import Recorder
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.cassette.redaction_rules import redaction_rules
from pytest_ycimages.cassette.requests import json_object
from pytest_ycimages.cassette.secret_shapes import IAM_TOKEN
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.cloud.clock import machine_time
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.errors import (
    CassetteExpiredError,
    CassetteMissingError,
    CassetteWarning,
    UsageError,
    YCImagesError,
)
from pytest_ycimages.latency import NO_LATENCY
from pytest_ycimages.server.app import RecordingApp, ReplayApp

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.cassette.answers import ShownResources
    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.pipeline import Pipeline
    from pytest_ycimages.server.app import App, Control
    from pytest_ycimages.settings import Settings, Severity

TOKEN, FOLDER = "YC_TOKEN", "YC_FOLDER_ID"
"""The environment variables with the credential and the folder of a recording."""
_SERVICE: Final = "https://api.cloud.yandex.net"

Resource = TypeVar("Resource", bound=BaseModel)


class ClientView(Mapping[str, Resource], Generic[Resource]):
    """The resources in the answers that the client received, each in its latest state.

    Args:
        kind: their kind, for people.
        model: the model to read them into. Resources that do not fit are left out, such as operations of another API.
        shown: their JSON by id; it grows.
        lock: held while it is read.
    """

    def __init__(self, kind: str, model: type[Resource], shown: Mapping[str, Wire], lock: threading.Lock) -> None:
        self._kind = kind
        self._model = model
        self._shown = shown
        self._lock = lock

    def _now(self) -> dict[str, Resource]:
        with self._lock:
            shown = dict(self._shown)
        return {id_: read for id_, wire in shown.items() if (read := self._read(wire)) is not None}

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


class _CassetteBacking(Backing):
    """A backing that knows only the answers that the client received."""

    @property
    def images(self) -> Mapping[str, Image]:
        """Return the images that the client was shown."""
        return ClientView("image", Image, self._shown.images, self.pipeline.lock)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return the operations that the client was shown."""
        return ClientView("operation", Operation, self._shown.operations, self.pipeline.lock)

    @property
    def _shown(self) -> ShownResources:
        raise NotImplementedError


class Replay(_CassetteBacking):
    """Answers from a cassette, whose states follow the double's clock and the client's polls.

    Attributes:
        path: the file.
        tape: its contents.
    """

    path: Path
    tape: CassetteData

    _player: Player | None = None
    _scrubbed: ForReplay
    _expired: Sequence[YCImagesError] = ()

    def _service(self, ids: Ids) -> ReplayService:
        settings = self.settings
        rules = redaction_rules(settings.scrub, keep=settings.keep)
        self._player = self._open(settings) if self._player is None else self._player.rewound()
        self._replaying = ReplayService(
            player=self._player,
            clock=self.clock,
            scrubber=Redactor(self._scrubbed.known, rules),
            pseudonyms=self._pseudonyms(),
            ids=ids,
            unused=Service(ids, CONTRACTS[settings.contract], settings.rules()),
        )
        return self._replaying

    def _open(self, settings: Settings) -> Player:
        """Read the cassette.

        Raises:
            CassetteMissingError: the file does not exist.
        """
        self.path = path_of(settings)
        opened.add(self.path.absolute())
        rerecord = how_to_record(self.name, self.path)
        try:
            self.tape = read_cassette(self.path)
        except CassetteMissingError as error:
            error.add_note(f"This one: {rerecord}")
            raise
        self._scrubbed = for_replay(self.tape, redaction_rules(settings.scrub, keep=settings.keep))
        old = expired_text(self.path, self.tape.metadata, machine_time(), settings.max_age, rerecord)
        self._expired = _judged(CassetteExpiredError(old), settings.expired) if old else ()
        return Player(
            self._scrubbed.tape,
            volatile=settings.volatile,
            pace=settings.replay_pace,
            name=str(self.path),
            rerecord=rerecord,
        )

    def _pseudonyms(self) -> Pseudonyms | None:
        pseudonyms = Pseudonyms()
        return pseudonyms if pseudonyms.are_in(self.tape) else None

    def _app(self, control: Control) -> App:
        return ReplayApp(self.pipeline, CONTRACTS[self.settings.contract], control)

    @property
    def _shown(self) -> ShownResources:
        return self._replaying.player.shown

    @property
    def token(self) -> str:
        """Return a token; a cassette accepts any."""
        return IAM_TOKEN

    @property
    def folder_id(self) -> str:
        """Return the recorded folder, by its name in the cassette."""
        return self.tape.metadata.folder_id or _folder_in(self.tape)

    @property
    def cassette(self) -> Cassette:
        """Return the cassette that is replayed."""
        player = self._replaying.player
        return Cassette(self.path, self.tape.metadata, lambda: self.tape.interactions, player.unused)

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Return the errors of requests that are not in the cassette, and of an expired cassette."""
        return (*self._replaying.problems, *self._expired)

    def check_end(self) -> None:
        """Raise, or warn, unless every interaction was used.

        Raises:
            CassetteUnusedError: interactions that were not requested.
        """
        unused = self._replaying.player.unused()
        if unused:
            error = unused_error(str(self.path), self._scrubbed.tape, unused)
            for judged in _judged(error, self.settings.unused_interactions):
                raise judged


class Record(_CassetteBacking):
    """Passes calls on to the service, and records them."""

    effects = ()

    def _service(self, ids: Ids) -> Service:
        settings = self.settings
        path = path_of(settings)
        opened.add(path.absolute())
        upstream = Upstream(settings.upstream)
        credential, self._folder_id = credentials(upstream)
        self._token = ids.iam_token()
        origin, pseudonyms = upstream.origin, Pseudonyms() if settings.pseudonyms else None
        metadata = CassetteMetadata(
            origin=origin,
            upstream="" if origin is Origin.FAKE else settings.upstream or _SERVICE,
            recorded_at=resource_time(self.clock.now()),
            contract=upstream.double.contract if upstream.double else "current",
            tool=version("pytest-ycimages"),
            folder_id=self._folder_id,
        )
        self._metadata = scrub_label(pseudonyms.label(metadata) if pseudonyms else metadata)
        self._recorder = Recorder(
            upstream=upstream,
            writer=CassetteWriter(path, self._metadata),
            clock=self.clock,
            scrubber=Redactor((credential,) if credential else (), redaction_rules(settings.scrub, keep=settings.keep)),
            pseudonyms=pseudonyms,
            stand_in=self._token,
            credential=credential,
        )
        return Service(ids, CONTRACTS[settings.contract], settings.rules())  # it answers no call

    def _begun(self) -> Pipeline:
        pipeline = super()._begun()
        pipeline.delays.latency = NO_LATENCY  # the service has its own
        return pipeline

    def _app(self, control: Control) -> App:
        contract = CONTRACTS[self.settings.contract]
        return RecordingApp(self.pipeline, contract, control, self._recorder.forward)

    @property
    def _shown(self) -> ShownResources:
        return self._recorder.shown

    def reset(self) -> None:
        """Refuse: the changes in the service cannot be undone.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "A double that records cannot be reset: what the service has done stays done, and what was recorded is in "
            'the cassette. Let each test have its own double; or pin this one with mode="fake".'
        )

    @property
    def token(self) -> str:
        """Return a stand-in, which the real token replaces on the way to the service, so that logs do not have it."""
        return self._token

    @property
    def folder_id(self) -> str:
        """Return the folder of the environment, or that of a double in place of the service."""
        return self._folder_id

    @property
    def cassette(self) -> Cassette:
        """Return the cassette that is recorded."""
        recorder = self._recorder
        return Cassette(path_of(self.settings), self._metadata, lambda: recorder.recorded, recorder=recorder)

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Return the errors of calls that could not be recorded."""
        return tuple(self._recorder.problems)

    def close(self, *, whole: bool = True) -> None:
        """End the recording."""
        self._recorder.close(whole=whole)


def path_of(settings: Settings) -> Path:
    """Return the file of the cassette.

    Raises:
        UsageError: the settings have none.
    """
    if settings.cassette is None:
        raise UsageError(
            f"mode={settings.mode!r} takes a cassette: give cassette='PATH.yaml'. With pytest, a test's own cassette "
            "is in the folder of --ycimages-cassette-dir, and needs no name."
        )
    return settings.cassette


def how_to_record(name: str, path: Path) -> str:
    """Return the command that records a cassette anew, for the double `name`."""
    if "::" in name:
        return f"pytest {shlex.quote(name.partition(' #')[0])} --ycimages-mode=record"
    return f"ycimages record {shlex.quote(str(path))}"


def credentials(upstream: Upstream) -> tuple[str, str]:
    """Return the token and the folder for `upstream`, from the environment or from a double in place of the service.

    Raises:
        UsageError: the environment lacks the credentials for the service.
    """
    token, folder_id = os.environ.get(TOKEN, ""), os.environ.get(FOLDER, "")
    if upstream.double is not None:
        return token or upstream.double.token, folder_id or upstream.double.folder_id
    missing = [name for name, value in ((TOKEN, token), (FOLDER, folder_id)) if not value]
    if missing:
        raise UsageError(
            f"To ask {upstream.name} takes credentials, from the environment and from nowhere else; not set: "
            f"{', '.join(missing)}. For example: export {TOKEN}=$(yc iam create-token) "
            f"{FOLDER}=$(yc config get folder-id)"
        )
    return token, folder_id


def _judged(error: YCImagesError, severity: Severity) -> tuple[YCImagesError, ...]:
    """Return the error if it fails the test; give a warning at once."""
    if severity == "warn":
        warnings.warn(str(error), CassetteWarning, stacklevel=2)
    return (error,) if severity == "fail" else ()


def _folder_in(tape: CassetteData) -> str:
    """Return the first folder in the requests of a cassette; empty for none."""
    for interaction in tape.interactions:
        folder_id = json_object(interaction.request.body).get("folderId")
        if isinstance(folder_id, str):
            return folder_id
    return ""
