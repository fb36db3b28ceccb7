"""Shards of a search: what each of them gives to the report of all, as a file, and the report that they make together.

Every shard tries what decides the last wave of scenarios, and then its part of that wave. So a merge needs neither the
client nor its modules: all trials that the report shows have been made by a shard.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, TypeVar

from pydantic import Field

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.findings import UNREPEATED, fault_words, reported_scenario
from pytest_ycimages.experiment.printable import Count, ReportPart, Seconds
from pytest_ycimages.experiment.report import (
    SHARD_FORMAT,
    VERSION,
    FaultRow,
    Finding,
    Report,
    ReportedScenario,
    document_of,
)
from pytest_ycimages.experiment.search import Shard, mildness

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ycimages.experiment.search import Cause, Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(ReportPart):
    """A scenario that was tried, and what a report needs of its trial."""

    scenario: ReportedScenario
    ranks: tuple[Count, ...]
    """The rank of each of its faults: the mildest has 0."""
    row: str
    """The words of a fault that is alone; else empty."""
    struck: bool
    succeeded: bool
    seconds: Seconds
    judge: str
    """The gravest judge that failed the trial; empty for none."""
    cause: str

    @property
    def flaw(self) -> Cause | None:
        """Return the gravest judge that failed it, and the cause; None for a trial in which a fault never struck."""
        return (self.judge, self.cause) if self.struck and self.judge else None


def entry_of(tried: Tried) -> Entry:
    """Return what a report needs of a trial."""
    scenario, summary, ranks = tried
    judge, cause = summary.failures[0] if summary.failures else ("", "")
    return Entry(
        scenario=reported_scenario(scenario),
        ranks=ranks,
        row=fault_words(scenario.faults[0]) if len(scenario) == 1 else "",
        struck=summary.struck,
        succeeded=summary.succeeded,
        seconds=summary.seconds,
        judge=judge,
        cause=cause,
    )


_Attempt = TypeVar("_Attempt", "Tried", Entry)


def flaws_of(tried: Iterable[_Attempt]) -> dict[Cause, list[_Attempt]]:
    """Return the flaws, each with what shows it, the shortest and mildest scenario first.

    A trial that fails several judges counts for the first of them: the others see what follows from the same flaw.
    """
    found: dict[Cause, list[_Attempt]] = {}
    for each in sorted(tried, key=lambda each: mildness(each.scenario.faults, each.ranks)):
        if each.flaw is not None:
            found.setdefault(each.flaw, []).append(each)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinking(ReportPart):
    """The scenarios that were tried to shrink a random one, in their order."""

    start: str
    """The words of the random one."""
    tried: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(ReportPart):
    """What one shard of a search gives to the report of all shards."""

    verbatim: ClassVar = frozenset({"command"})
    format: Literal["pytest-ycimages experiment shard"] = SHARD_FORMAT
    version: Literal[1] = VERSION
    release: str
    """The version of pytest-ycimages."""
    number: Annotated[int, Field(ge=1)]
    count: Annotated[int, Field(ge=1)]
    about: Mapping[str, str]
    """Digests of what decides the results of trials."""
    command: str = ""
    """The command that repeats the search; empty for one of Python's."""
    wave: str | None
    """A digest of the wave that is split; null if the shard did not come to it."""
    shared: tuple[Entry, ...]
    """What every shard tries before that wave."""
    own: tuple[Entry, ...]
    """What this shard tries of that wave."""
    shrunk: tuple[Shrinking, ...]
    report: Report
    """What all shards have in common, and for each flaw the finding of the mildest scenario that this shard has."""

    @property
    def shard(self) -> Shard:
        """Return which part of the search it is."""
        return Shard(self.number, self.count)

    def __str__(self) -> str:
        return str(self.shard)


def digest(value: object) -> str:
    """Return a digest of a value that JSON can have."""
    return hashlib.blake2b(json.dumps(value).encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()


def report_of(parts: Sequence[Part]) -> Report:
    """Return the report that parts of one search make together, or that one makes alone."""
    parts = sorted(parts, key=lambda each: each.number)
    widest = max(parts, key=lambda each: len(each.shared))
    tried, waves = {each.scenario.words: each for each in widest.shared}, zip_longest(*(each.own for each in parts))
    before = flaws_of(tried.values()).keys()
    tried |= {each.scenario.words: each for row in waves for each in row if each is not None}
    shrunk = {each.start: each.tried for part in parts for each in part.shrunk}
    for cause, (first, *_) in flaws_of(tried.values()).items():
        if cause not in before:
            for each in shrunk.get(first.scenario.words, ()):
                tried.setdefault(each.scenario.words, each)
    known = [finding for part in parts for finding in part.report.findings]
    findings = tuple(_finding(cause, group, known) for cause, group in flaws_of(tried.values()).items())
    counts = replace(
        widest.report.counts,
        tried=len(tried),
        unreached=sum(not each.struck for each in tried.values()),
        failing=sum(each.flaw is not None for each in tried.values()),
        random=max(each.report.counts.random for each in parts),
    )
    return replace(
        widest.report,
        ok=not findings,
        complete=all(each.report.complete for each in parts),
        counts=counts,
        findings=findings,
        faults=tuple(_fault_rows(tried.values())),
        real_seconds=max(each.report.real_seconds for each in parts),
    )


def _finding(cause: Cause, group: Sequence[Entry], known: Iterable[Finding]) -> Finding:
    """Return the finding of the mildest scenario of a flaw, if one shows it again, of one that does."""
    places = {each.scenario.words: place for place, each in reversed(list(enumerate(group)))}
    alike = [each for each in known if (each.judge, each.cause) == cause and each.scenario.words in places]
    found = min(alike, key=lambda each: (each.explanation == UNREPEATED, places[each.scenario.words]))
    return replace(found, others=len(group) - 1)


def _fault_rows(tried: Iterable[Entry]) -> Iterable[FaultRow]:
    """Yield how the client fared under each fault alone, in the order in which they were tried."""
    rows: dict[str, list[Entry]] = {}
    for each in tried:
        if each.row and each.struck:
            rows.setdefault(each.row, []).append(each)
    for words, made in rows.items():
        seconds = tuple(each.seconds for each in made if each.succeeded)
        yield FaultRow(words, len(made), len(seconds), seconds)


# Merging.


def part_from_json(text: str | bytes) -> Part:
    """Read what a shard has written; raise UsageError, with the reason, if it is something else."""
    return document_of(Part, SHARD_FORMAT, text)


def shard_in(text: str) -> Shard | None:
    """Return which shard a file of JSON is; None if it is the report of a whole experiment."""
    document = json.loads(text)
    return Shard(document["number"], document["count"]) if document["format"] == SHARD_FORMAT else None


def merge_shards(*texts: str | bytes) -> Report:
    """Return the report of an experiment whose shards were tried apart: that of the same experiment in one run.

    Args:
        texts: what `report_json` has made of the report of each shard, in any order.

    Raises:
        UsageError: a shard is missing or given twice, or they are not of one experiment. The text names the shards.
    """
    return merged([(f"text {number}", part_from_json(text)) for number, text in enumerate(texts, 1)])


def merged(parts: Sequence[tuple[str, Part]]) -> Report:
    """Return the report of all shards, given with their names, such as those of files; see `merge_shards`."""
    if not parts:
        raise UsageError("A merge needs the shards of an experiment. Give the file of each.")
    (first, one), *others = parts
    for name, other in others:
        _check_alike(first, one, name, other)
    _check_all_given(parts)
    _check_same_search(parts)
    return report_of([part for _, part in parts])


_SHOWN: Final = ("client", "verb", "seed", "depth", "judges", "settings")
"""The fields of reports that must be equal."""
_ABOUT: Final = {"source": "file of the client"}
_MOST: Final = 5


def _check_alike(first: str, one: Part, name: str, other: Part) -> None:
    for (what, mine, ours), (_, another, theirs) in zip(_in_common(one), _in_common(other), strict=False):
        if mine != another:
            values = f": {ours} and {theirs}" if ours else ""
            raise UsageError(
                f"{first} and {name} are not shards of one experiment: the {what} differ(s){values}. Run all shards "
                "with the same options, the same files and the same version, and merge only these."
            )


def _in_common(part: Part) -> list[tuple[str, object, str]]:
    """Return what all shards of an experiment have in common: its name, its value, and the text that is shown of it."""
    shown = {"version of pytest-ycimages": part.release, "number of shards": part.count}
    shown |= {field: getattr(part.report, field) for field in _SHOWN}
    return [
        *((what, value, _shown(value)) for what, value in shown.items()),
        *((_ABOUT.get(name, name), each, "") for name, each in sorted(part.about.items())),
    ]


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in value.items()) or "none"
    return ", ".join(each.name for each in value) if isinstance(value, tuple) else str(value)


def _check_all_given(parts: Sequence[tuple[str, Part]]) -> None:
    names: dict[int, str] = {}
    for name, part in parts:
        if part.number in names:
            raise UsageError(
                f"{names[part.number]} and {name} are both shard {part}. Give one of them, of the latest run."
            )
        names[part.number] = name
    count = parts[0][1].count
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in names]
    if missing:
        more = f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
        raise UsageError(
            f"{len(missing)} of {count} shards missing: {', '.join(missing[:_MOST])}{more}. Give their files as well. "
            "A shard that was stopped has none: run it again, with --state to go on from where it was."
        )


def _check_same_search(parts: Sequence[tuple[str, Part]]) -> None:
    """Check that the shards have split the same wave; one whose budget ended before may have come less far."""
    waves = Counter(part.wave for _, part in parts if part.wave is not None)
    if len(waves) < 2:  # noqa: PLR2004 - two waves are one too many
        return
    usual = waves.most_common(1)[0][0]
    (name, odd) = next((name, part) for name, part in parts if part.wave not in {usual, None})
    (like, one) = next((name, part) for name, part in parts if part.wave == usual)
    differing = (
        f" They differ first under: {ours.scenario.words}."
        for ours, theirs in zip(one.shared, odd.shared, strict=False)
        if ours != theirs
    )
    raise UsageError(
        f"{like} and {name} have tried other scenarios than each other: the client did not behave the same in both."
        f"{next(differing, '')} A client that draws its pauses, or depends on its machine, is experimented on in one "
        "run: without shards."
    )
