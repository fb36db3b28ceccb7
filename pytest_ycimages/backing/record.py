"""Mode record: a double that passes calls on to the service, or to a double in its place, and records them."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_ycimages.api.message import resource_time
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.backing.replay import CassetteBacking, ReplayApp, path_of
from pytest_ycimages.cassette.exchange import Recorder
from pytest_ycimages.cassette.file import CassetteWriter
from pytest_ycimages.cassette.handle import Cassette, opened
from pytest_ycimages.cassette.model import CassetteMetadata, Origin
from pytest_ycimages.cassette.redact import Redactor, scrub_metadata
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.clock import MachineClock, sending
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.errors import UsageError, YCImagesError
from pytest_ycimages.hosts import DOMAINS, LOOPBACK
from pytest_ycimages.latency import NO_LATENCY
from pytest_ycimages.redaction.rules import redaction_rules
from pytest_ycimages.server import activity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.api.methods import Contract
    from pytest_ycimages.call import Call
    from pytest_ycimages.cassette.answers import ShownResources
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.pipeline import Pipeline, Replying
    from pytest_ycimages.server.app import App, Control
    from pytest_ycimages.settings import Settings

_SERVICE: Final = f"https://{DOMAINS[0]}"


class Record(CassetteBacking):
    """Passes calls on to the service, and records them."""

    effects = ()
    decides = "the service that is being recorded decides"

    def _new_clock(self) -> Clock:
        upstream = self.settings.upstream
        check_real_time(upstream)
        if shares_time(upstream):
            return super()._new_clock()
        return MachineClock()

    def open(self, control: Control) -> None:
        """Create the app; from now on virtual time must not start, unless the upstream shares it."""
        super().open(control)
        if isinstance(self.clock, MachineClock):
            sending.add(self.clock)

    def _service(self, ids: Ids) -> Service:
        settings = self.settings
        opened.add(path_of(settings).absolute())
        self._upstream = Upstream(settings.upstream)
        self._recorder = recorder_of(self._upstream, settings, self.clock)
        return Service(ids, CONTRACTS[settings.contract], settings.rules())  # it answers no call

    def _begun(self, on_call: Callable[[Call], None] | None) -> Pipeline:
        pipeline = super()._begun(on_call)
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
        return self._upstream.stand_in

    @property
    def folder_id(self) -> str:
        """Return the folder of the environment, or that of a double in place of the service."""
        return self._upstream.account.folder_id

    @property
    def cassette(self) -> Cassette:
        """Return the cassette that is recorded."""
        recorder = self._recorder
        return Cassette(path_of(self.settings), recorder.metadata, lambda: recorder.recorded, recorder=recorder)

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Return the errors of calls that could not be recorded."""
        return tuple(self._recorder.problems)

    def close(self, *, whole: bool = True) -> None:
        """End the recording."""
        if isinstance(self.clock, MachineClock):
            sending.discard(self.clock)
        self._recorder.close(whole=whole)


def recorder_of(upstream: Upstream, settings: Settings, clock: Clock) -> Recorder:
    """Return a recorder of an upstream into a new cassette.

    Args:
        upstream: the server to record.
        settings: the file, what is redacted and replaced, and the name of the upstream.
        clock: the time at which calls come.

    Raises:
        UsageError: the environment lacks the credentials, or the upstream cannot be reached.
        CassetteError: the file cannot be recorded.
    """
    origin, pseudonyms = upstream.origin, settings.pseudonyms
    credential, folder_id = upstream.account
    metadata = CassetteMetadata(
        origin=origin,
        upstream="" if origin is Origin.FAKE else settings.upstream or _SERVICE,
        recorded_at=resource_time(clock.now()),
        contract=upstream.double.contract if upstream.double else "current",
        tool=version("pytest-ycimages"),
        folder_id=folder_id,
    )
    metadata = scrub_metadata(metadata, pseudonyms=pseudonyms)
    rules = redaction_rules(settings.scrub, keep=settings.keep)
    return Recorder(
        upstream=upstream,
        writer=CassetteWriter(path_of(settings), metadata),
        clock=clock,
        scrubber=Redactor((credential.reveal(), upstream.stand_in), rules, pseudonyms=pseudonyms),
    )


def shares_time(upstream: str | None) -> bool:
    """Return whether an upstream is a double in this process, which follows the time of the test."""
    try:
        host, port = urlsplit(upstream or "").hostname, urlsplit(upstream or "").port
    except ValueError:
        return False
    return host in LOOPBACK and port in {each for _, each in activity.addresses()}


def check_real_time(upstream: str | None) -> None:
    """Refuse virtual time with a service in another process, which a client would then poll without a pause.

    Raises:
        UsageError: virtual time is in force.
    """
    if clock.shared is not None and not shares_time(upstream):
        raise UsageError(
            f"Virtual time is in force, and {upstream or 'the service'} runs on real time: a client that skips its "
            "waits would send it thousands of requests. Use the fixture `ycimages_time`, which is real time in a test "
            "that the command line or a marker lets record or verify; or leave `VirtualTime` out."
        )


class RecordingApp(ReplayApp):
    """Passes every request on to the service that is recorded, and puts the call into the journal.

    Args:
        pipeline: keeps the journal.
        contract: the revision.
        control: answers the control API.
        pass_on: returns the reply of the service.
    """

    def __init__(
        self, pipeline: Pipeline, contract: Contract, control: Control, pass_on: Callable[[Request], Reply]
    ) -> None:
        from pytest_ycimages.server.workers import Workers  # noqa: PLC0415 - only for recordings

        super().__init__(pipeline, contract, control)
        self._pass_on = pass_on
        self.workers = Workers()

    def replying(self, request: Request) -> Replying:
        """Pass a call on, and put it into the journal."""
        return self.pipeline.write(request, self._pass_on(request))
