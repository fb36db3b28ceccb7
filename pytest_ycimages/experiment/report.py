"""The report of an experiment: one tree of values that text, HTML and JSON read.

It has nothing that differs between runs with the same client, seed and options. The fields of these classes, with their
descriptions, are the JSON Schema of a report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import Field, GetPydanticSchema, TypeAdapter, ValidationError
from pydantic_core import core_schema

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.printable import Count, ReportPart, Seconds
from pytest_ycimages.experiment.scenario import Transport
from pytest_ycimages.experiment.timeline import Moment, timeline_text
from pytest_ycimages.experiment.trial import Ending, Limit, Trial, Verb, scope_of
from pytest_ycimages.faults.fault import Commit
from pytest_ycimages.journal import Calls

FORMAT: Final = "pytest-ycimages experiment report"
SHARD_FORMAT: Final = "pytest-ycimages experiment shard"
VERSION: Final = 1
"""The version of the form of both."""
_T = TypeVar("_T", bound=ReportPart)


def _refuse(_: object) -> object:
    raise ValueError("a report as JSON has no such field")


NOT_STORED: Final = (
    Field(exclude=True),
    GetPydanticSchema(lambda *_: core_schema.no_info_plain_validator_function(_refuse)),
)
"""Marks a field that differs between runs, and that JSON does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedVerdict(ReportPart):
    """What a judge says."""

    judge: Annotated[str, Field(description="The judge as text, such as `finishes(within=600)`.")]
    cause: Annotated[str, Field(description="The flaw, in the same words in every scenario. Empty if it has no name.")]
    explanation: Annotated[str, Field(description="Why the client failed.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFault(ReportPart):
    """One fault at one call."""

    fault: str
    """The fault as text, such as `reset()`."""
    method: str
    """The method whose call it strikes, such as `images.create`."""
    nth: Annotated[int, Field(ge=1)]
    """Which call of this method, counted from 1."""
    commit: Commit
    """Whether it strikes before the cloud does what it was asked, or after."""
    lasts: bool
    """Whether it strikes all later calls of the method as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedScenario(ReportPart):
    """What goes wrong in one trial."""

    words: str
    """The scenario in words."""
    faults: tuple[ReportedFault, ...]
    """The faults, in the order in which their calls come."""

    def __len__(self) -> int:
        return len(self.faults)

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedOutcome(ReportPart):
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

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedImage(ReportPart):
    """An image that existed when the client began, or had ended."""

    id: str
    name: str
    """Its name; empty if it had none."""
    status: str
    """Its status when the client had ended; `GONE` if it existed only when the client began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedTrial(ReportPart):
    """One run of the client."""

    outcome: ReportedOutcome
    """What the client reported."""
    succeeded: bool
    """Whether it returned, and what it was to create is READY."""
    seconds: Seconds
    """How long it took: virtual seconds; for a command, real ones."""
    images: tuple[ReportedImage, ...]
    """The images that existed at its end, in the order of their creation, and then those that were gone by then."""
    timeline: tuple[Moment, ...]
    """The client and the server, side by side: a moment for each call, and the end."""
    run: Annotated[Trial | None, *NOT_STORED] = field(default=None, compare=False, repr=False)
    """The trial itself, with its operations. None in a report that was read from JSON."""

    @property
    def calls(self) -> Calls:
        """Return the journal of the trial; empty in a report that was read from JSON."""
        return self.run.calls if self.run else Calls(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(FailedVerdict):
    """One flaw: the verdict, and the shortest and mildest scenario that shows it."""

    verbatim: ClassVar = frozenset({"test"})
    also: tuple[FailedVerdict, ...]
    """What other judges say of the same trial."""
    scenario: ReportedScenario
    """What goes wrong."""
    others: Count
    """How many other scenarios have shown the same."""
    trial: ReportedTrial
    """The run of the client in this scenario."""
    test: str
    """A pytest function that fails for the same reason, ready to be pasted; empty for a command."""

    def __str__(self) -> str:
        parts = [
            f"{self.judge}: {self.explanation}",
            f"What goes wrong: {self.scenario}.",
            timeline_text(self.trial.timeline),
            *(f"Also {each.judge}: {each.explanation}" for each in self.also),
        ]
        if self.others:
            parts.append(f"{self.others} other scenario(s) show the same.")
        if self.test:
            parts.append(f"A test that fails for this reason, ready to be pasted:\n\n{self.test}")
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class FaultRow(ReportPart):
    """How the client fared under one fault alone, wherever it struck."""

    fault: str
    """The fault, with `before` or `after` the commit where it may be both, and `for good` for one that lasts."""
    trials: Count
    """In how many scenarios of this one fault it struck."""
    succeeded: Count
    """In how many of them the client succeeded."""
    seconds: tuple[Seconds, ...]
    """The seconds that it took in each of these, in the order of the scenarios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts(ReportPart):
    """How far the search has come."""

    tried: Count
    """Scenarios that were tried."""
    unreached: Count
    """Of these, in how many a fault never struck."""
    unextended: Count
    """Scenarios that were not extended, because the client went on as in another one that was."""
    failing: Count
    """Scenarios that failed a judge."""
    random: Count
    """Of those tried, how many were random."""


@dataclass(frozen=True, slots=True)
class AskedJudge(ReportPart):
    """A judge that was asked."""

    name: str
    """The judge as text, such as `finishes(within=600)`."""
    verbs: tuple[Verb, ...]
    """The verbs of the clients that it judges."""

    @property
    def scope(self) -> str:
        """Return the verbs as text; `every verb` for all."""
        return scope_of(self.verbs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(ReportPart):
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
    verb: Verb
    """What the client is for."""
    transports: tuple[Transport, ...]
    """What the client spoke when nothing went wrong. Faults of HTTP/2 are tried at gRPC calls alone."""
    ok: bool
    """Whether the search found nothing."""
    complete: bool
    """Whether the search came to its end within its budget."""
    seed: int
    """The seed of ids and of random scenarios."""
    depth: Count
    """Up to how many faults at once every scenario was tried."""
    judges: tuple[AskedJudge, ...]
    """The judges, in the order in which they were asked."""
    settings: Mapping[str, str]
    """The settings of the doubles that differ from the defaults, as text; by name."""
    counts: Counts
    """How far the search has come."""
    findings: tuple[Finding, ...]
    """The flaws, those with the fewest faults first."""
    faults: tuple[FaultRow, ...]
    """How the client fared under each fault alone."""
    baseline: ReportedTrial
    """The trial in which nothing went wrong."""
    real_seconds: Annotated[float, *NOT_STORED] = field(default=0.0, compare=False)
    """What the search cost in real time."""
    part: Annotated[ReportPart | None, *NOT_STORED] = field(default=None, compare=False, repr=False)
    """What this shard of the search gives to the report of all shards; None in a report of the whole."""

    def assert_ok(self) -> None:
        """Raise AssertionError, with all findings, unless the search found nothing and came to its end."""
        __tracebackhide__ = True
        if self.findings or not self.complete:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        found = f"{len(self.findings)} finding(s)" if self.findings else "no finding"
        scenarios = f"{self.counts.tried} scenarios of up to {self.depth} fault(s)"
        of_shard = f" in shard {self.part}" if self.part else ""
        lines = [f"{self.client}: {found}{of_shard} in {scenarios}, seed {self.seed}."]
        if not self.complete:
            lines.append("The search was not over when its budget was: give it more, or a file to go on from (state=).")
        if self.part:
            lines += (f"{each.judge}: {each.explanation} What goes wrong: {each.scenario}." for each in self.findings)
            return "\n".join([*lines, "The report of all shards shows what happened, and has tests to paste."])
        lines += (f"\n{number}. {finding}" for number, finding in enumerate(self.findings, 1))
        return "\n".join(lines)


# As JSON.


@cache
def _form(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)  # takes long: not on import


def report_json(report: Report) -> str:
    """Return a report as JSON: the same text each time for the same client, seed and options.

    Of the report of a shard, it is what `merge_shards` reads.
    """
    value = report.part or report
    form: Any = type(value)
    document = _form(form).dump_python(value, mode="json")
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def report_from_json(text: str | bytes) -> Report:
    """Read a report that `report_json` wrote; raise UsageError, with the reason, if it is not one of this version."""
    return document_of(Report, FORMAT, text)


_NAMES: Final = {FORMAT: "report", SHARD_FORMAT: "shard"}
_INSTEAD: Final = {
    SHARD_FORMAT: "This is one shard of an experiment. Merge it with the others: ycimages experiment merge FILES.",
    FORMAT: "This is the report of a whole experiment, and not one of its shards: nothing is to be merged.",
}


def document_of(form: type[_T], wanted: str, text: str | bytes) -> _T:
    """Read a report or a shard that `report_json` wrote; raise UsageError if it is not one of this version."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"This is not JSON: {error}. Give a report that `--json FILE` has written.") from None
    known = document if isinstance(document, dict) else {}
    name = _NAMES[wanted]
    if known.get("format") != wanted:
        otherwise = (
            f'This is JSON, but not a {name} of an experiment: it has no "format": "{wanted}". Give one that '
            "`--json FILE` has written."
        )
        raise UsageError(_INSTEAD.get(str(known.get("format")), otherwise))
    if known.get("version") != VERSION:
        raise UsageError(
            f"This {name} has version {known.get('version')!r} of the form, and this release reads version {VERSION}. "
            "Run the experiment again."
        )
    try:
        own: Any = form
        read: _T = _form(own).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"This {name} has been changed: {place}: {first['msg']}. Run the experiment again.") from None
    return read


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what `report_json` writes."""
    schema: dict[str, Any] = json.loads((files(__package__) / "report.schema.json").read_text(encoding="utf-8"))
    return schema


def schema_text() -> str:
    """Return the text that the shipped schema must have."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Report of an experiment"}
    made = _form(Report).json_schema(mode="serialization")
    return json.dumps(schema | {key: made[key] for key in made if key != "title"}, indent=2, ensure_ascii=False) + "\n"
