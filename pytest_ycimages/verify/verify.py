"""Going through a cassette again: its requests are sent to whoever answers today, and the answers are compared.

A request is what was recorded, with the ids, the tokens of pages, the folder and the credential of today. What this
module does not know is who answers: a `Target` is the service itself, another double, or a fake of this process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pytest_ycimages.cassette.interaction import Origin
from pytest_ycimages.cassette.storyline import Step, state_of, steps_of
from pytest_ycimages.cassette.told import told_by
from pytest_ycimages.verify.diff import diff
from pytest_ycimages.verify.evidence_rows import Court
from pytest_ycimages.verify.evidence_table import EVIDENCE
from pytest_ycimages.verify.normalize import INVALID_TOKEN, IdMap, ids_in, is_scrubbed, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.interaction import Label, RecordedRequest, RecordedResponse, Tape
    from pytest_ycimages.verify.diff import Difference
    from pytest_ycimages.verify.evidence_rows import Judged

_UNAUTHORIZED: Final = 401


class Target(Protocol):
    """Whoever answers today.

    Attributes:
        name: who it is, for people.
        token: the credential to send; empty for none.
        folder_id: the folder to work in; empty: the recorded one.
        needs_secrets: whether it would judge what was scrubbed from the recorded requests.
    """

    name: str
    token: str
    folder_id: str
    needs_secrets: bool

    def ask(self, step: Step, request: RecordedRequest) -> RecordedResponse:
        """Let a request be answered.

        Args:
            step: what was recorded: when, and what the answer showed. A target may wait for as much.
            request: what to ask, in today's ids.

        Raises:
            UsageError: nobody answers.
        """


class Finding(NamedTuple):
    """A difference, where it was met, and what it speaks against.

    Attributes:
        number: the interaction, counted from 1.
        line: its request in one line.
        difference: what differs.
        behaviour: the id of the behaviour that it speaks against; empty: none that a recording can show.
    """

    number: int
    line: str
    difference: Difference
    behaviour: str


class Skipped(NamedTuple):
    """An interaction that was not compared, and why.

    Attributes:
        number: the interaction, counted from 1.
        line: its request in one line.
        why: in words.
    """

    number: int
    line: str
    why: str


class Verification(NamedTuple):
    """What came of going through a cassette again.

    Attributes:
        label: what the cassette says of itself.
        target: who answered, for people.
        compared: how many answers were compared.
        findings: every difference, in the order in which they were met.
        skipped: what was not compared.
        behaviours: each behaviour that the recording shows, and whether today's answers agree.
        created: ids of the images that the target has created.
    """

    label: Label
    target: str
    compared: int
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    behaviours: tuple[Judged, ...]
    created: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.findings)

    @property
    def unexplained(self) -> tuple[Finding, ...]:
        """The differences that speak against no behaviour of the table."""
        return tuple(each for each in self.findings if not each.behaviour)


def verify(tape: Tape, target: Target, *, mutate: bool = True) -> Verification:
    """Send a cassette's requests to `target`, in their order, and compare its answers with the recorded ones.

    Exchanges of tokens are not sent, nor what depends on something that the target never gave.

    Args:
        tape: the cassette.
        target: who answers.
        mutate: whether to send anything but what only reads.

    Raises:
        UsageError: the target cannot be reached.
    """
    return _Verifier(tape, target, mutate=mutate).run()


class _Verifier:
    """One way through a cassette."""

    def __init__(self, tape: Tape, target: Target, *, mutate: bool) -> None:
        self._tape = tape
        self._target = target
        self._mutate = mutate
        self._ids = IdMap()
        self._given: set[str] = set()
        self._court = Court(EVIDENCE)
        self._findings: list[Finding] = []
        self._skipped: list[Skipped] = []
        self._created: dict[str, None] = {}

    def run(self) -> Verification:
        steps = steps_of(self._tape)
        self._settle_folder(steps)
        compared = sum(self._check(step) for step in steps)
        return Verification(
            self._tape.label,
            self._target.name,
            compared,
            tuple(self._findings),
            tuple(self._skipped),
            self._court.verdicts(),
            tuple(self._created),
        )

    def _settle_folder(self, steps: tuple[Step, ...]) -> None:
        recorded = self._tape.label.folder_id or next(_folders_of(steps), "")
        if recorded and self._target.folder_id:
            self._ids.bind(recorded, self._target.folder_id)

    def _check(self, step: Step) -> bool:
        """Send one request and compare its answer; whether that could be done."""
        why = self._why_not(step)
        if not why:
            for id_ in self._ids_asked_for(step) - self._given:
                if self._ids.today(id_) is None:
                    self._ids.bind(id_, id_)
            answered = self._target.ask(step, self._ids.resend(step.interaction.request, self._credential(step)))
            self._note_created(step, answered)
            why = _went_on(step, answered)
            if not why:
                self._compare(step, answered)
        if why:
            self._skipped.append(Skipped(step.number, step.asked.line, why))
            self._court.pass_over(step)
        self._given |= ids_in([step.interaction.response.body.decode("utf-8", "replace")])
        return not why

    def _why_not(self, step: Step) -> str:
        """Why a request is not sent; empty if it is."""
        if step.asked.is_token_exchange:
            return "exchanges of tokens are not sent"
        if not self._mutate and not step.is_read:
            return "it changes something, and nothing that does is sent"
        lost = sorted(id_ for id_ in self._ids_asked_for(step) & self._given if self._ids.today(id_) is None)
        if lost:
            return f"it is about {lost[0]}, in whose place nothing was given today"
        if self._target.needs_secrets and is_scrubbed(step.interaction.request):
            return "a part of it was a secret, and has been scrubbed"
        return ""

    def _ids_asked_for(self, step: Step) -> set[str]:
        return ids_in(texts_of(step.interaction.request))

    def _credential(self, step: Step) -> str:
        """The token to send: none where a client was refused for sending none, and a wrong one where it sent such."""
        if step.interaction.response.status != _UNAUTHORIZED:
            return self._target.token
        return INVALID_TOKEN if "authorization" in dict(step.interaction.request.headers) else ""

    def _compare(self, step: Step, answered: RecordedResponse) -> None:
        whole = self._tape.label.origin is not Origin.DOCUMENTATION
        differences = diff(step.interaction, answered, self._ids, whole=whole)
        body = told_by(answered).body
        explained = self._court.hear(step, answered.status, body, differences, whole=whole)
        for difference, behaviour in zip(differences, explained, strict=True):
            self._findings.append(Finding(step.number, step.asked.line, difference, behaviour))

    def _note_created(self, step: Step, answered: RecordedResponse) -> None:
        told = told_by(answered)
        if step.method == "images.create" and told.worked and told.image_id:
            self._created[told.image_id] = None


def _went_on(step: Step, answered: RecordedResponse) -> str:
    """Why a poll cannot be compared that saw something on its way, which has meanwhile come further."""
    recorded, now = step.state, state_of(answered.status, told_by(answered).body)
    if step.is_read and recorded and now and recorded.is_on_the_way and recorded != now and not now.is_on_the_way:
        return "what was on its way when it was recorded had ended by then"
    return ""


def _folders_of(steps: tuple[Step, ...]) -> Iterator[str]:
    """The folders that requests name, in order."""
    for step in steps:
        body = step.asked.body if isinstance(step.asked.body, dict) else {}
        folder = body.get("folderId") or dict(step.asked.query).get("folderId")
        if isinstance(folder, str) and folder:
            yield folder
