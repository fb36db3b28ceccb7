"""Verification of a cassette: its requests are sent again, and today's answers compared with the recorded ones.

The reports, as text and as data, say what the evidence is worth, what differs, and the next step.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pytest_ycimages.cassette.answers import progress_of, recorded_calls, summarize
from pytest_ycimages.cassette.model import Origin, shortened
from pytest_ycimages.fidelity import read_table
from pytest_ycimages.redaction.printing import printed
from pytest_ycimages.verify.diff import diff
from pytest_ycimages.verify.evidence import Evidence
from pytest_ycimages.verify.normalize import INVALID_TOKEN, IdMap, ids_in, is_scrubbed, texts_of

if TYPE_CHECKING:
    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.cassette.model import CassetteData, CassetteMetadata, RecordedRequest, RecordedResponse
    from pytest_ycimages.verify.diff import Difference
    from pytest_ycimages.verify.evidence import BehaviourResult

_UNAUTHORIZED: Final = 401


class Target(Protocol):
    """A backend that answers the requests of a cassette today.

    Attributes:
        name: its name for people.
        token: the credential to send; empty for none.
        folder_id: the folder to work in; empty for the recorded one.
        needs_secrets: whether it refuses requests from which secrets were removed.
    """

    name: str
    token: str
    folder_id: str
    needs_secrets: bool

    def answer(self, call: RecordedCall, request: RecordedRequest) -> RecordedResponse:
        """Return the answer to a request.

        Args:
            call: the recorded call. A target may wait until its own state is the recorded one.
            request: the request with today's ids.

        Raises:
            UsageError: the target cannot be reached.
        """


class Finding(NamedTuple):
    """A difference in the interaction of a number and request line, and the behaviour that it contradicts, if any."""

    number: int
    line: str
    difference: Difference
    behaviour: str


class Skipped(NamedTuple):
    """An interaction, by its number and request line, that was not compared, and the reason."""

    number: int
    line: str
    why: str


class Verification(NamedTuple):
    """The result of a verification.

    Attributes:
        metadata: the metadata of the cassette.
        target: the name of the target.
        compared: the number of answers that were compared.
        findings: the differences, in the order of the cassette.
        skipped: the interactions that were not compared.
        behaviours: the behaviours that the cassette shows, and whether today's answers agree.
        created: the ids of the images that the target has created.
    """

    metadata: CassetteMetadata
    target: str
    compared: int
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    behaviours: tuple[BehaviourResult, ...]
    created: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Return whether any field differs."""
        return bool(self.findings)


def verify(cassette: CassetteData, target: Target, *, mutate: bool = True) -> Verification:
    """Send the requests of a cassette to `target`, in order, and compare its answers with the recorded ones.

    Token exchanges are not sent, nor requests about resources that the target did not create.

    Args:
        cassette: the cassette.
        target: the backend that answers.
        mutate: whether to send requests that change something.

    Raises:
        UsageError: the target cannot be reached.
    """
    return _Verifier(cassette, target, mutate=mutate).run()


class _Verifier:
    """One pass through a cassette."""

    def __init__(self, cassette: CassetteData, target: Target, *, mutate: bool) -> None:
        self._cassette = cassette
        self._target = target
        self._mutate = mutate
        self._ids = IdMap()
        self._shown: set[str] = set()
        self._evidence = Evidence()
        self._findings: list[Finding] = []
        self._skipped: list[Skipped] = []
        self._created: dict[str, None] = {}

    def run(self) -> Verification:
        calls, metadata, target = recorded_calls(self._cassette), self._cassette.metadata, self._target
        folder_id = metadata.folder_id or next((call.folder_id for call in calls if call.folder_id), "")
        if folder_id and target.folder_id:
            self._ids.bind(folder_id, target.folder_id)
        for call in calls:
            why = self._check(call)
            if why:
                self._skipped.append(Skipped(call.number, call.request.line, why))
                self._evidence.skip(call)
            self._shown |= ids_in([call.interaction.response.body.decode("utf-8", "replace")])
        found, skipped = tuple(self._findings), tuple(self._skipped)
        compared, created = len(calls) - len(skipped), tuple(self._created)
        return Verification(metadata, target.name, compared, found, skipped, self._evidence.results(), created)

    def _check(self, call: RecordedCall) -> str:
        """Send one request and compare its answer; return why that was not possible, or an empty text."""
        request = call.interaction.request
        asked = ids_in(texts_of(request))
        why = self._why_not_sent(call, asked)
        if why:
            return why
        for id_ in asked - self._shown:
            if self._ids.today(id_) is None:
                self._ids.bind(id_, id_)
        answered = self._target.answer(call, self._ids.resend(request, self._credential(call)))
        today = summarize(answered)
        if call.method == "images.create" and today.ok and today.image_id:
            self._created[today.image_id] = None
        recorded, now = call.progress, progress_of(answered.status, today.body)
        if call.is_read and recorded and now and recorded.in_progress and recorded != now and not now.in_progress:
            return "what was on its way when it was recorded had ended by then"
        self._compare(call, answered, today.body)
        return ""

    def _why_not_sent(self, call: RecordedCall, asked: set[str]) -> str:
        if call.request.is_token_exchange:
            return "exchanges of tokens are not sent"
        if not self._mutate and not call.is_read:
            return "it changes something, and nothing that does is sent"
        unknown = sorted(id_ for id_ in asked & self._shown if self._ids.today(id_) is None)
        if unknown:
            return f"it is about {unknown[0]}, in whose place nothing was given today"
        if self._target.needs_secrets and is_scrubbed(call.interaction.request):
            return "a part of it was a secret, and has been scrubbed"
        return ""

    def _credential(self, call: RecordedCall) -> str:
        """Return the token to send: none, or an invalid one, where the recorded client was refused for that."""
        if call.interaction.response.status != _UNAUTHORIZED:
            return self._target.token
        return INVALID_TOKEN if "authorization" in dict(call.interaction.request.headers) else ""

    def _compare(self, call: RecordedCall, answered: RecordedResponse, today: object) -> None:
        whole = self._cassette.metadata.origin is not Origin.DOCUMENTATION
        differences = diff(call.interaction, answered, self._ids, whole=whole)
        behaviours = self._evidence.collect(call, answered.status, today, differences, whole=whole)
        for difference, behaviour in zip(differences, behaviours, strict=True):
            shown = difference._replace(recorded=printed(difference.recorded), answered=printed(difference.answered))
            self._findings.append(Finding(call.number, printed(call.request.line), shown, behaviour))


# Reports.

NOTHING: Final = "nothing"
"""The word for a field that is absent."""

_ORIGINS: Final = {
    Origin.FAKE: "was recorded from the fake, so it proves nothing about the service",
    Origin.DOCUMENTATION: "was transcribed from the documentation, so it proves nothing about the service",
    Origin.UNKNOWN: "does not say whose answers it holds, so it proves nothing about the service",
}


def worth(name: str, metadata: CassetteMetadata) -> str:
    """Return what the evidence of the cassette `name` is worth, in a sentence."""
    if metadata.origin is not Origin.SERVICE:
        return f"{name} {_ORIGINS[metadata.origin]}."
    when = f" at {metadata.recorded_at}" if metadata.recorded_at else ""
    return f"{name} was recorded from the service itself{when}: it is evidence of what the service does."


def summary(verification: Verification) -> str:
    """Return how much differs, in a sentence."""
    count = len(verification.findings)
    differs = f"{count} field{'s differ' if count > 1 else ' differs'}" if count else "nothing differs"
    answers = f"{verification.compared} answer{'' if verification.compared == 1 else 's'}"
    skipped = f"; {len(verification.skipped)} not compared" if verification.skipped else ""
    return f"Compared {answers} with those of {verification.target}: {differs}{skipped}."


def error_text(name: str, verification: Verification, next_step: str) -> str:
    """Return what differs, field by field, for an error.

    Args:
        name: the name of the cassette.
        verification: its verification.
        next_step: what to do about the differences.
    """
    lines = [worth(name, verification.metadata), summary(verification)]
    for (number, line), findings in groupby(grouped(verification), lambda each: (each[0].number, each[0].line)):
        lines.append(f"  interaction {number}: {line}")
        for finding, (_, *others) in findings:
            recorded, answered, kind = finding.difference[1:]
            sides = f"recorded {shortened(recorded) or NOTHING}, answered {shortened(answered) or NOTHING}"
            lines.append(f"    {finding.difference.field}: {sides} ({kind})")
            lines.append(f"      {_behaviour_text(finding)}")
            if others:
                lines.append(f"      the same in interaction{'s' * (len(others) > 1)} {', '.join(map(str, others))}")
    skipped = [
        f"  interaction {number}: {line}: not compared, since {why}" for number, line, why in verification.skipped
    ]
    return "\n".join([*lines, *skipped, next_step])


def grouped(verification: Verification) -> tuple[tuple[Finding, tuple[int, ...]], ...]:
    """Return each different finding once, with the numbers of all the interactions that have it."""
    found: dict[tuple[str, ...], tuple[Finding, list[int]]] = {}
    for finding in verification.findings:
        key = (*finding.difference, finding.behaviour)
        found.setdefault(key, (finding, []))[1].append(finding.number)
    return tuple((finding, tuple(numbers)) for finding, numbers in found.values())


def _behaviour_text(finding: Finding) -> str:
    """Return the behaviour that a difference contradicts, how it is known, and what it says."""
    row = next((each for each in read_table().behaviours if each.id == finding.behaviour), None)
    if row is None:
        return "no behaviour of the table says anything about this"
    return f"{row.id} [{row.mark}]: {row.does}"


def as_json(name: str, verification: Verification) -> dict[str, Any]:
    """Return a verification of the cassette `name` as JSON values."""
    return {
        "worth": worth(name, verification.metadata),
        "cassette": name,
        "origin": str(verification.metadata.origin),
        "target": verification.target,
        "compared": verification.compared,
        "differences": [
            {
                "interaction": finding.number,
                "request": finding.line,
                **finding.difference._asdict(),
                "behaviour": finding.behaviour or None,
            }
            for finding in verification.findings
        ],
        "behaviours": [
            {**each._asdict(), "agrees": not each.differs, "differs": list(each.differs)}
            for each in verification.behaviours
        ],
        "skipped": [skipped._asdict() for skipped in verification.skipped],
        "created": list(verification.created),
    }
