"""A report as it is stored: plain values with nothing that differs from run to run. Its fields are its JSON schema."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytest_ycimages.experiment.trial import Ending, Limit
from pytest_ycimages.faults.fault import Commit

FORMAT: Final = "pytest-ycimages experiment report"
VERSION: Final = 1

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Stored(BaseModel):
    """What all parts have in common: they do not change, and have no fields but these."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class StoredVerdict(Stored):
    """What a judge says."""

    judge: str
    """The judge, as it may be written, such as `finishes(within=600)`."""
    cause: str
    """What the same flaw gives in every scenario: without ids, moments and numbers. Empty if the judge names none."""
    explanation: str
    """Why the client failed."""


class StoredFault(Stored):
    """One fault at one call."""

    fault: str
    """What goes wrong, as it may be written, such as `reset()`."""
    method: str
    """The method whose call it strikes, such as `images.create`."""
    nth: Annotated[int, Field(ge=1)]
    """Which call of this method, counted from 1."""
    commit: Commit
    """Whether it strikes before the cloud does what it was asked, or after."""
    lasts: bool
    """Whether it strikes all later calls of the method as well."""


class StoredScenario(Stored):
    """What goes wrong in one trial."""

    words: str
    """The scenario in words."""
    faults: tuple[StoredFault, ...]
    """The faults, in the order in which their calls come."""


class StoredOutcome(Stored):
    """What the client reported."""

    words: str
    """The outcome in words, such as `returned 'fd8…'`."""
    ending: Ending
    """How the client ended: it returned, raised, or did not end."""
    image_id: str | None
    """What it returned; null when it did not, or returned nothing."""
    error: str
    """The first line of the exception that it raised; empty when it raised none."""
    limit: Limit | None
    """What ended the trial when the client did not."""


class StoredMoment(Stored):
    """One call of a trial, or its end: what the client saw, and beside it what the server did."""

    at: Seconds
    """Seconds since the trial began."""
    asked: str
    """What the client asked, such as `POST /compute/v1/images`; in the last moment, how it ended."""
    told: str
    """What the client was told."""
    happened: str
    """What the server did; in the last moment, what it was left with."""
    proves: bool
    """Whether a verdict rests on it."""


class StoredImage(Stored):
    """An image that there was when the client had ended."""

    id: str
    status: str


class StoredTrial(Stored):
    """One run of the client."""

    outcome: StoredOutcome
    """What the client reported."""
    succeeded: bool
    """Whether it returned the id of an image that is READY."""
    seconds: Seconds
    """How long it took: virtual seconds; for a command, real ones."""
    images: tuple[StoredImage, ...]
    """The images that there were at its end, in the order of their creation."""
    timeline: tuple[StoredMoment, ...]
    """The client and the server, side by side: a moment for each call, and the end."""


class StoredFinding(StoredVerdict):
    """One flaw: the verdict, and the shortest and mildest scenario that shows it."""

    also: tuple[StoredVerdict, ...]
    """What other judges say of the same trial."""
    scenario: StoredScenario
    """What goes wrong."""
    others: Count
    """How many other scenarios have shown the same."""
    trial: StoredTrial
    """What came of it."""
    test: str
    """A pytest function that fails for the same reason, ready to be pasted; empty for a command."""


class StoredFaultRow(Stored):
    """How the client fared under one fault alone, wherever it struck."""

    fault: str
    """The fault, with `before` or `after` the commit where it may be both, and `for good` for one that lasts."""
    trials: Count
    """In how many scenarios of this one fault it struck."""
    succeeded: Count
    """In how many of them the client succeeded."""
    seconds: tuple[Seconds, ...]
    """The seconds that it took in each of these, in the order of the scenarios."""


class StoredCounts(Stored):
    """How far the search has come."""

    tried: Count
    """Scenarios that were tried."""
    unreached: Count
    """Of these, in how many a fault never struck."""
    unextended: Count
    """Scenarios that were not extended, because the client went on as in another one that was."""
    failing: Count
    """Scenarios in which a judge was not content."""
    random: Count
    """Of those tried, how many were drawn."""


class StoredReport(Stored):
    """What an experiment has found.

    The same client, seed and options give the same bytes each time, in however many processes. A client that is a
    command has real time, so its seconds differ.
    """

    format: Literal["pytest-ycimages experiment report"] = FORMAT
    """What this is."""
    version: Literal[1] = VERSION
    """The version of the form. A field that is added, removed or changed makes another one."""
    client: str
    """The client, as `module:function`, or the command."""
    ok: bool
    """Whether there is no finding."""
    complete: bool
    """Whether the search came to its end within its budget."""
    seed: int
    """What ids, and the scenarios that were drawn, come from."""
    depth: Count
    """Up to how many faults at once every scenario was tried."""
    judges: tuple[str, ...]
    """The judges, as they may be written."""
    settings: dict[str, str]
    """The settings of the doubles that differ from the defaults, as they may be written; by name."""
    counts: StoredCounts
    """How far the search has come."""
    findings: tuple[StoredFinding, ...]
    """The flaws, those with the fewest faults first."""
    faults: tuple[StoredFaultRow, ...]
    """How the client fared under each fault alone."""
    baseline: StoredTrial
    """The trial in which nothing went wrong."""
