"""One run of a client under one scenario, as a value: its calls, its outcome, and the state of the cloud at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from pytest_ycimages.api.resources import CreateImageMetadata, ImageStatus
from pytest_ycimages.experiment.scenario import TRANSPORTS
from pytest_ycimages.words import choose, exact

if TYPE_CHECKING:
    from pytest_ycimages.api.resources import Image, Operation
    from pytest_ycimages.call import Call
    from pytest_ycimages.experiment.scenario import Scenario, Transport
    from pytest_ycimages.journal import Calls

Ending = Literal["returned", "raised", "unended"]
"""How a client ends: with an image id, with an exception (a command: with an exit code), or not at all."""

Verb = Literal["create", "create_many", "update", "delete", "cleanup"]
"""What a client is for: to create one image or several, to change or to delete images, or to clear up old ones."""

VERBS: Final[tuple[Verb, ...]] = get_args(Verb)
CREATING: Final[frozenset[Verb]] = frozenset({"create", "create_many"})
"""The verbs of clients that return the ids of the images that they created."""


def scope_of(verbs: tuple[Verb, ...]) -> str:
    """Return verbs as text, such as `delete, cleanup`; `every verb` for all."""
    return "every verb" if set(verbs) == set(VERBS) else ", ".join(verbs)


Limit = Literal["seconds", "calls", "stuck"]
"""What ended a trial whose client did not: its virtual seconds, its calls, or that the client did nothing for long."""


@exact
@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client reported.

    Attributes:
        ending: how it ended.
        image_id: what it returned, as text, ids of several images with commas between them; None for any other ending,
            and for a client that returned None.
        error: the exception that it raised, as `TypeError: its text`; empty for any other ending.
        limit: what ended the trial when the client did not; None for any other ending.
        traceback: where the exception came from. It names files of this machine, so it is not compared or reported.
    """

    ending: Ending
    image_id: str | None = None
    error: str = ""
    limit: Limit | None = None
    traceback: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        choose(self, ending=get_args(Ending), limit=get_args(Limit))

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Return the ids that it returned."""
        return tuple(each.strip() for each in self.image_id.split(",")) if self.image_id else ()

    def __str__(self) -> str:
        if self.ending == "returned":
            return f"returned {self.image_id!r}"
        if self.ending == "raised":
            return f"raised {self.error}"
        return {
            "seconds": "did not end within the time that a trial has",
            "calls": "did not end within the calls that a trial has",
            "stuck": "did not end, and neither called nor waited any more",
        }[self.limit or "seconds"]


def transport_of(call: Call) -> Transport:
    """Return what a call came over."""
    return "REST" if call.grpc is None else "gRPC"


@exact
@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a client.

    Attributes:
        scenario: what was planned to go wrong.
        outcome: what the client reported.
        calls: the journal up to the moment at which the client ended. Not compared: it has the double's port.
        images: the images that existed at that moment, in the order of their creation.
        operations: all operations that were started, in that order, in their true state at that moment.
        seconds: how long the client took on the double's clock.
        refused: how many connections the client was refused. They are not calls.
        struck: for each fault of the scenario, whether it struck.
        before: the images that existed when the client began.
        verb: what the client is for.
        real_seconds: what the trial cost in real time. Not compared.
    """

    scenario: Scenario
    outcome: Outcome
    calls: Calls = field(compare=False)
    images: tuple[Image, ...]
    operations: tuple[Operation, ...]
    seconds: float
    refused: int = 0
    struck: tuple[bool, ...] = ()
    real_seconds: float = field(default=0.0, compare=False)
    before: tuple[Image, ...] = ()
    verb: Verb = "create"

    def __post_init__(self) -> None:
        choose(self, verb=VERBS)

    @property
    def succeeded(self) -> bool:
        """Return whether the client returned, and, if its verb is to create, images are READY: those of `reported`."""
        if self.outcome.ending != "returned":
            return False
        ready = {image.id for image in self.images if image.status is ImageStatus.READY}
        return self.verb not in CREATING or (bool(self.reported) and ready.issuperset(self.reported))

    @property
    def reported(self) -> tuple[str, ...]:
        """Return the ids that the client returned; if it returned None and is to create, those of what it created."""
        if self.outcome.image_id is not None or self.verb not in CREATING or self.outcome.ending != "returned":
            return self.outcome.image_ids
        there = {image.id for image in self.images}
        created = [each for each in self.operations if isinstance(each.metadata, CreateImageMetadata)]
        kept = [each for each in created if each.error is None and each.metadata.image_id in there]
        return tuple(each.metadata.image_id for each in kept or created)

    @property
    def gone(self) -> tuple[Image, ...]:
        """Return the images that existed when the client began, and not when it ended."""
        there = {image.id for image in self.images}
        return tuple(image for image in self.before if image.id not in there)

    @property
    def transports(self) -> tuple[Transport, ...]:
        """Return what the client spoke, by its journal."""
        spoken = set(map(transport_of, self.calls))
        return tuple(each for each in TRANSPORTS if each in spoken)

    @property
    def failed(self) -> bool:
        """Return whether the client reported failure. One that did not end has reported nothing."""
        return self.outcome.ending == "raised"


@exact
@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of a trial.

    Attributes:
        judge: the judge as text, such as `finishes(within=600)`.
        passed: whether the client did as it should.
        explanation: why, in a sentence or two.
        proof: the calls that prove it: their places in `Trial.calls`, counted from 0.
        cause: what the same flaw gives in every scenario, such as `created again after images.create failed`; without
            ids, moments and numbers. Verdicts of one judge with equal causes are one finding.
    """

    judge: str
    passed: bool
    explanation: str
    proof: tuple[int, ...] = ()
    cause: str = ""
