"""Mode replay: a double that answers from a cassette. It loads nothing that connects to the service."""

from __future__ import annotations

import shlex
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ycimages.api.exchange import NO_METADATA
from pytest_ycimages.api.gateway import GatewayRefusalError
from pytest_ycimages.api.methods import CONTRACTS, UNROUTED, NoRouteError, route
from pytest_ycimages.api.resources import Image, Operation
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.backing.backing import Backing, ResourceView
from pytest_ycimages.cassette.exchange import recorded_request, reply_of
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.handle import Cassette, expired_text, opened
from pytest_ycimages.cassette.model import UnreadableBodyError
from pytest_ycimages.cassette.no_match import NoMatch, unused_text
from pytest_ycimages.cassette.player import Player
from pytest_ycimages.cassette.redact import ForReplay, Redactor, for_replay, has_pseudonyms
from pytest_ycimages.cassette.requests import json_object
from pytest_ycimages.cloud.clock import machine_time
from pytest_ycimages.cloud.service import refusal
from pytest_ycimages.errors import (
    CassetteExpiredError,
    CassetteMissingError,
    CassetteUnusedError,
    CassetteWarning,
    NoMatchError,
    SecretFoundError,
    UsageError,
    YCImagesError,
)
from pytest_ycimages.redaction.rules import redaction_rules
from pytest_ycimages.redaction.shapes import IAM_TOKEN
from pytest_ycimages.server.app import App, http_reply, unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.api.message import Wire
    from pytest_ycimages.cassette.answers import ShownResources
    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.pipeline import Replying
    from pytest_ycimages.redaction.rules import RedactionRules
    from pytest_ycimages.server.app import Answering, Control
    from pytest_ycimages.server.http import HttpRequest
    from pytest_ycimages.settings import Settings, Severity

M = TypeVar("M", bound=BaseModel)

_MOVED: Final = frozenset({"manual", "virtual"})
"""The clocks that move while a client waits, or that the test moves; under frozen time a client would poll for ever."""


class CassetteBacking(Backing):
    """A backing that knows only the answers that the client received."""

    @property
    @abstractmethod
    def _shown(self) -> ShownResources:
        """Return the resources in the answers that the client received, each in its latest state."""

    @property
    def images(self) -> Mapping[str, Image]:
        """Return the images that the client was shown."""
        return self._view("image", Image, self._shown.images)

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return the operations that the client was shown."""
        return self._view("operation", Operation, self._shown.operations)

    def _view(self, kind: str, model: type[M], shown: Mapping[str, Wire]) -> Mapping[str, M]:
        """Return those of the resources that fit the model: operations of another API, for example, do not."""

        def read(id_: str) -> M | None:
            try:
                return model.model_validate(shown[id_])
            except (KeyError, ValidationError):
                return None

        return ResourceView(f"no {kind} {{!r}} was shown; shown were: {{}}", self.pipeline.lock, shown, read)


class Replay(CassetteBacking):
    """Answers from a cassette, whose states follow the double's clock and the client's polls.

    Attributes:
        path: the file.
        recorded: its contents.
    """

    path: Path
    recorded: CassetteData

    _player: Player | None = None
    _unused_before: frozenset[int] | None = None
    _scrubbed: ForReplay
    _expired: Sequence[YCImagesError] = ()

    def _service(self, ids: Ids) -> ReplayService:
        settings = self.settings
        rules = redaction_rules(settings.scrub, keep=settings.keep)
        if self._player is None:
            self._open(settings, rules)
        else:
            self._unused_before = frozenset(self.unused())
        self._player = Player(
            self._scrubbed.played,
            volatile=settings.volatile,
            pace=settings.replay_pace,
            name=str(self.path),
            rerecord=how_to_record(self.name, self.path),
        )
        self._replaying = ReplayService(
            player=self._player,
            clock=self.clock,
            scrubber=Redactor(self._scrubbed.known, rules, pseudonyms=has_pseudonyms(self.recorded)),
            ids=ids,
        )
        return self._replaying

    def _open(self, settings: Settings, rules: RedactionRules) -> None:
        """Read the cassette.

        Raises:
            CassetteMissingError: the file does not exist.
        """
        self.path = path_of(settings)
        opened.add(self.path.absolute())
        rerecord = how_to_record(self.name, self.path)
        try:
            self.recorded = read_cassette(self.path)
        except CassetteMissingError as error:
            error.add_note(f"This one: {rerecord}")
            raise
        self._scrubbed = for_replay(self.recorded, rules)
        old = expired_text(self.path, self.recorded.metadata, machine_time(), settings.max_age, rerecord)
        self._expired = _judged(CassetteExpiredError(old), settings.expired) if old else ()

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
        return self.recorded.metadata.folder_id or _folder_in(self.recorded)

    @property
    def cassette(self) -> Cassette:
        """Return the cassette that is replayed."""
        return Cassette(self.path, self.recorded.metadata, lambda: self.recorded.interactions, self.unused)

    def unused(self) -> Sequence[int]:
        """Return the indexes of the interactions that have had no part in any answer, before a reset neither."""
        unused = self._replaying.player.unused()
        before = self._unused_before
        return unused if before is None else [index for index in unused if index in before]

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Return the errors of requests that are not in the cassette, and of an expired cassette."""
        return (*self._replaying.problems, *self._expired)

    def check_end(self) -> None:
        """Raise, or warn, unless every interaction was used.

        Raises:
            CassetteUnusedError: interactions that were not requested.
        """
        unused = self.unused()
        if unused:
            error = CassetteUnusedError(unused_text(str(self.path), self._scrubbed.played, unused))
            for judged in _judged(error, self.settings.unused_interactions):
                raise judged


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
    """Return the command that records a cassette anew, for the double of a test, class, module or session `name`."""
    node = name.partition(" #")[0]
    if node == "session":
        return "pytest --ycimages-mode=record"
    if "::" in node or node.endswith(".py"):
        return f"pytest {shlex.quote(node)} --ycimages-mode=record"
    return f"ycimages record {shlex.quote(str(path))}"


def _judged(error: YCImagesError, severity: Severity) -> tuple[YCImagesError, ...]:
    """Return the error if it fails the test; give a warning at once."""
    if severity == "warn":
        warnings.warn(str(error), CassetteWarning, stacklevel=2)
    return (error,) if severity == "fail" else ()


def _folder_in(cassette: CassetteData) -> str:
    """Return the first folder in the requests of a cassette; empty for none."""
    for interaction in cassette.interactions:
        folder_id = json_object(interaction.request.body).get("folderId")
        if isinstance(folder_id, str):
            return folder_id
    return ""


class ReplayService:
    """Answers calls from a cassette, in the place of the cloud. Callers hold the double's lock.

    Args:
        player: the player of the cassette.
        clock: the double's time; where a test moves it, operations advance by it.
        scrubber: redacts requests as the recorded ones were.
        ids: the source of the ids of calls that a fault answers.

    Attributes:
        problems: requests without an answer.
    """

    def __init__(self, *, player: Player, clock: Clock, scrubber: Redactor, ids: Ids) -> None:
        self.player = player
        self.problems: list[YCImagesError] = []
        self._clock = clock
        self._scrubber = scrubber
        self._ids = ids

    def handle(self, request: Request, now: int) -> Reply:
        """Answer a call at `now`, which its clock has just shown; refuse one without a recorded answer."""
        try:
            asked = self._scrubber.scrub_request(recorded_request(request))
        except UnreadableBodyError as error:  # so it cannot have been recorded
            return self._refused(SecretFoundError(f"{error.what} So no cassette has it, and it was not answered."))
        key = request.metadata.get("idempotency-key", "")
        played = self.player.play(asked, now, by_time=self._clock.last_kind in _MOVED, idempotency_key=key)
        if isinstance(played, NoMatch):
            return self._refused(NoMatchError(str(played)))
        return reply_of(played.response, asked.method, played.answer, over_grpc=request.grpc is not None)

    def _refused(self, problem: YCImagesError) -> Reply:
        """Return a refusal that no client retries, and fail the test."""
        self.problems.append(problem)
        return self.refuse(Status(code=Code.FAILED_PRECONDITION, message=str(problem)))

    def refuse(self, error: Status, metadata: Mapping[str, str] = NO_METADATA) -> Reply:
        """Return a refusal that no cassette has."""
        return refusal(error, {"x-request-id": self._ids.request_id(), **metadata})


class ReplayApp(App):
    """Lets the pipeline answer every request, routed or not."""

    def refusing(self, request: Request, refusal: Reply) -> Replying:
        """Look in the cassette for a call whose method is not served."""
        return self.replying(request) if refusal.code is Code.UNIMPLEMENTED else super().refusing(request, refusal)

    def _answering(self, http: HttpRequest) -> Answering:
        return http_reply((yield from self.replying(self._as_understood(http))))

    def _as_understood(self, http: HttpRequest) -> Request:
        """Return the request with its method and message as far as it has them."""
        method = UNROUTED
        try:
            method, ids = route(http.path, http.method)
            return self._read(http, method, ids)
        except (NoRouteError, GatewayRefusalError):
            return unread(http, method, authority=http.headers.get("host", ""))
