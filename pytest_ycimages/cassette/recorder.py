"""Recorder: forwards calls, and writes each, redacted, before its client has the answer."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, TypeVar

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.answers import Compactor, ShownResources, summarize
from pytest_ycimages.cassette.exchange import check_translated, recorded_request, reply_of
from pytest_ycimages.cassette.file import item_text
from pytest_ycimages.cassette.model import Interaction, stored_decoded
from pytest_ycimages.cassette.requests import normalize
from pytest_ycimages.errors import CassetteError, YCImagesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.cassette.file import CassetteWriter
    from pytest_ycimages.cassette.model import CassetteMetadata
    from pytest_ycimages.cassette.redact import Redactor
    from pytest_ycimages.cassette.upstream import Upstream
    from pytest_ycimages.cloud.clock import Clock


class Recorder:
    """Forwards calls and records them. Safe for threads; calls do not wait for each other's answers.

    Args:
        upstream: the service, or a double in its place.
        writer: writes the cassette.
        clock: the time at which a call came.
        scrubber: redacts secrets, and replaces ids by pseudonyms.

    Attributes:
        shown: the resources that the clients were shown.
        problems: why something could not be written; then nothing is kept.
        is_whole: whether every call was answered and written, and the test went well. If not, an older cassette stays.
    """

    def __init__(self, *, upstream: Upstream, writer: CassetteWriter, clock: Clock, scrubber: Redactor) -> None:
        self.shown = ShownResources()
        self.problems: list[YCImagesError] = []
        self.is_whole = True
        self._is_deferred = False
        self._upstream = upstream
        self._writer = writer
        self._clock = clock
        self._began_at = clock.now()
        self._scrubber = scrubber
        self._compactor = Compactor()
        self._recorded: list[Interaction] = []
        self._lock = threading.Lock()

    @property
    def metadata(self) -> CassetteMetadata:
        """The metadata of the cassette."""
        return self._writer.metadata

    @property
    def recorded(self) -> Sequence[Interaction]:
        """The interactions written by now."""
        return tuple(self._recorded)

    @property
    def replaces(self) -> bool:
        """Whether an older cassette stays in place until this one is complete."""
        return self._writer.replaces

    def forward(self, request: Request) -> Reply:
        """Return the answer to a call, and write both. An error on the way leaves a gap in the recording.

        Raises:
            UsageError: the upstream cannot be reached.
        """
        try:
            return self._forward(request)
        except BaseException as error:  # noqa: BLE001 - raised below, without its frames
            failure = _without_frames(error)
        self.is_whole = False
        failure.add_note(f"So the recording of {self._writer.path} has a gap. An older cassette there stays.")
        raise failure

    def _forward(self, request: Request) -> Reply:
        check_translated(request)
        asked = recorded_request(request)
        at = self._clock.now()
        answer = self._upstream.send(asked)
        duration = (self._clock.now() - at) / SECOND
        interaction = Interaction(asked, answer, (at - self._began_at) / SECOND, duration)
        shown = stored_decoded(interaction).response
        summary = summarize(shown)
        with self._lock:
            self.shown.add(normalize(asked), summary, shown)
            if not self.problems:
                try:
                    self._write(interaction)
                except CassetteError as error:
                    self.problems.append(_without_frames(error))
                except OSError as error:
                    self.problems.append(CassetteError(f"{self._writer.path} cannot be written: {error}"))
        over_grpc = request.grpc is not None
        return reply_of(shown if over_grpc else answer, asked.method, summary, over_grpc=over_grpc)

    def close(self, *, whole: bool = True) -> None:
        """End the recording. If something could not be written, the old cassette stays, and the new one is removed.

        Args:
            whole: whether the test went well. If not, or if there is a gap, an old cassette stays as it was; without
                one, the new one is kept, but not marked as complete.
        """
        with self._lock:
            self.is_whole = self.is_whole and whole
            self._upstream.close()
            if self._is_deferred:
                return
            if self.problems:
                self._writer.discard()
            elif self.is_whole:
                self._writer.close()
            else:
                self._writer.cut_off()

    def defer(self) -> None:
        """Keep the recording open when it is closed, until `finish` is called."""
        self._is_deferred = True

    def finish(self, *, whole: bool) -> None:
        """End a deferred recording, as `close` does."""
        self._is_deferred = False
        self.close(whole=whole)

    def discard(self) -> None:
        """Drop the recording: an old cassette stays as it was, and the new one is removed."""
        with self._lock:
            self._writer.discard()

    def _write(self, interaction: Interaction) -> None:
        kept = self._compactor.add(self._scrubber.scrub(interaction))
        if kept is not None:
            self._scrubber.check(item_text(kept), str(self._writer.path), kept)
            self._writer.append(kept)
            self._recorded.append(kept)


_Error = TypeVar("_Error", bound=BaseException)


def _without_frames(error: _Error) -> _Error:
    """Return an error without its frames, whose variables reports of tests print: they hold what was answered.

    An error of this package says all in its text. For others, a note names the lines of code.
    """
    if isinstance(error, Exception) and not isinstance(error, YCImagesError):
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
