"""Records: passes calls on, and writes down what may be written down of each, before its client has the answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cassette.asked import asked_by
from pytest_ycimages.cassette.detector import check_before_saving
from pytest_ycimages.cassette.interaction import Interaction
from pytest_ycimages.cassette.layout import item_text
from pytest_ycimages.cassette.seen import Seen
from pytest_ycimages.cassette.states import Compactor
from pytest_ycimages.cassette.told import told_by
from pytest_ycimages.cassette.translation import asked_of, reply_of
from pytest_ycimages.errors import CassetteError, YCImagesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.cassette.interaction import RecordedRequest
    from pytest_ycimages.cassette.pseudonyms import Pseudonyms
    from pytest_ycimages.cassette.redact import Redactor
    from pytest_ycimages.cassette.upstream import Upstream
    from pytest_ycimages.cassette.writing import CassetteWriter
    from pytest_ycimages.cloud.clock import Clock


class Recorder:
    """Passes calls on and records them. Safe for threads; nobody waits for another's answer.

    Args:
        upstream: who answers.
        writer: writes the cassette.
        clock: the time at which a call came.
        scrubber: takes out what is secret.
        pseudonyms: gives ids that others shall not know other ids; None: all keep theirs.
        stand_in: the token that the client has in the place of the real one.
        credential: the real one; it is put in its place on the way out.

    Attributes:
        seen: what the clients were told.
        problems: why something could not be written down; then nothing is kept.
        is_whole: whether every call has been answered and written down, and all went well. If not, an older cassette
            stays.
    """

    def __init__(  # noqa: PLR0913 - what a call goes through, each by its name
        self,
        *,
        upstream: Upstream,
        writer: CassetteWriter,
        clock: Clock,
        scrubber: Redactor,
        pseudonyms: Pseudonyms | None,
        stand_in: str,
        credential: str,
    ) -> None:
        self.seen = Seen()
        self.problems: list[YCImagesError] = []
        self.is_whole = True
        self._is_held = False
        self._upstream = upstream
        self._writer = writer
        self._clock = clock
        self._began_at = clock.now()
        self._scrubber = scrubber
        self._pseudonyms = pseudonyms
        self._stand_in = stand_in
        self._credential = credential
        self._compactor = Compactor()
        self._recorded: list[Interaction] = []
        self._lock = threading.Lock()

    @property
    def recorded(self) -> Sequence[Interaction]:
        """What has been written down by now."""
        return tuple(self._recorded)

    @property
    def replaces(self) -> bool:
        """Whether an older cassette is in its place until it is complete."""
        return self._writer.replaces

    def pass_on(self, request: Request) -> Reply:
        """Get the answer to a call, and write both down. What is raised on the way leaves a gap in the recording.

        Raises:
            UsageError: nobody answers.
        """
        try:
            return self._pass_on(request)
        except BaseException as error:
            self.is_whole = False
            error.add_note(f"So the recording of {self._writer.path} has a gap. An older cassette there stays.")
            raise

    def _pass_on(self, request: Request) -> Reply:
        asked = self._with_credential(asked_of(request))
        at = self._clock.now()
        answer = self._upstream.send(asked)
        interaction = Interaction(asked, answer, _seconds(at - self._began_at), _seconds(self._clock.now() - at))
        with self._lock:
            self.seen.add(asked_by(asked), told_by(answer), answer)
            if not self.problems:
                try:
                    self._write(interaction)
                except CassetteError as error:
                    self.problems.append(error)
                except OSError as error:
                    self.problems.append(CassetteError(f"{self._writer.path} cannot be written: {error}"))
        return reply_of(answer, asked.method)

    def close(self, *, whole: bool = True) -> None:
        """End the recording. What could not be written down leaves the old cassette as it was, and no new one.

        Args:
            whole: whether it has come to its good end. If not, or if it has a gap, an old cassette stays as it was; if
                there was none, the new one is kept, and does not say that it is complete.
        """
        with self._lock:
            self.is_whole = self.is_whole and whole
            if self._is_held:
                return
            if self.problems:
                self._writer.discard()
            elif self.is_whole:
                self._writer.close()
            else:
                self._writer.cut_off()

    def hold(self) -> None:
        """Let the recording not end when it is closed, but when it is settled."""
        self._is_held = True

    def settle(self, *, whole: bool) -> None:
        """End a recording that was held, as `close` does."""
        self._is_held = False
        self.close(whole=whole)

    def discard(self) -> None:
        """End the recording without keeping it: an old cassette stays as it was, and there is no new one."""
        with self._lock:
            self._writer.discard()

    def _write(self, interaction: Interaction) -> None:
        clean = self._scrubber.scrub(interaction)
        kept = self._compactor.add(self._pseudonyms.interaction(clean) if self._pseudonyms else clean)
        if kept is not None:
            text = item_text(kept)
            check_before_saving(
                text,
                cassette=str(self._writer.path),
                interaction=kept,
                known=self._scrubber.known,
                allow=self._scrubber.allowed,
            )
            self._writer.append(kept)
            self._recorded.append(kept)

    def _with_credential(self, asked: RecordedRequest) -> RecordedRequest:
        """The request with the real credential where the client has put its stand-in."""
        if not self._credential:
            return asked
        headers = tuple(
            (name, value.replace(self._stand_in, self._credential) if name == "authorization" else value)
            for name, value in asked.headers
        )
        return asked._replace(headers=headers)


def _seconds(nanoseconds: int) -> float:
    return nanoseconds / SECOND
