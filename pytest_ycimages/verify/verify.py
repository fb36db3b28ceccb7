"""Verification of a cassette: its requests are sent again, and today's answers are compared with the recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pytest_ycimages.cassette.answers import progress_of, recorded_calls, summarize
from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.verify.diff import diff
from pytest_ycimages.verify.evidence import Evidence
from pytest_ycimages.verify.normalize import INVALID_TOKEN, IdMap, ids_in, is_scrubbed, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """A difference, where it was found, and the behaviour that it contradicts.

    Attributes:
        number: the interaction, counted from 1.
        line: its request in one line.
        difference: what differs.
        behaviour: the id of the behaviour; empty if the table has none for it.
    """

    number: int
    line: str
    difference: Difference
    behaviour: str


class Skipped(NamedTuple):
    """An interaction that was not compared.

    Attributes:
        number: the interaction, counted from 1.
        line: its request in one line.
        why: the reason.
    """

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
        calls = recorded_calls(self._cassette)
        metadata = self._cassette.metadata
        folder_id = metadata.folder_id or next(_folders_of(calls), "")
        if folder_id and self._target.folder_id:
            self._ids.bind(folder_id, self._target.folder_id)
        for call in calls:
            why = self._check(call)
            if why:
                self._skipped.append(Skipped(call.number, call.request.line, why))
                self._evidence.skip(call)
            self._shown |= ids_in([call.interaction.response.body.decode("utf-8", "replace")])
        return Verification(
            metadata,
            self._target.name,
            len(calls) - len(self._skipped),
            tuple(self._findings),
            tuple(self._skipped),
            self._evidence.results(),
            tuple(self._created),
        )

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
            self._findings.append(Finding(call.number, call.request.line, difference, behaviour))


def _folders_of(calls: tuple[RecordedCall, ...]) -> Iterator[str]:
    """Return the folders that requests name, in order."""
    for call in calls:
        body = call.request.body if isinstance(call.request.body, dict) else {}
        folder = body.get("folderId") or dict(call.request.query).get("folderId")
        if isinstance(folder, str) and folder:
            yield folder
