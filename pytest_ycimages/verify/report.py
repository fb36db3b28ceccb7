"""Reports of a verification, as text and as data: what the evidence is worth, what differs, and the next step."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cassette.model import Origin, shortened
from pytest_ycimages.fidelity import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.model import CassetteMetadata
    from pytest_ycimages.verify.verify import Finding, Verification

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
    return "\n".join(_lines(name, verification, next_step))


def _lines(name: str, verification: Verification, next_step: str) -> Iterator[str]:
    yield worth(name, verification.metadata)
    yield summary(verification)
    for (number, line), findings in groupby(grouped(verification), lambda each: (each[0].number, each[0].line)):
        yield f"  interaction {number}: {line}"
        for finding, (_, *others) in findings:
            recorded, answered, kind = finding.difference[1:]
            sides = f"recorded {shortened(recorded) or NOTHING}, answered {shortened(answered) or NOTHING}"
            yield f"    {finding.difference.field}: {sides} ({kind})"
            yield f"      {_behaviour_text(finding)}"
            if others:
                yield f"      the same in interaction{'s' * (len(others) > 1)} {', '.join(map(str, others))}"
    for skipped in verification.skipped:
        yield f"  interaction {skipped.number}: {skipped.line}: not compared, since {skipped.why}"
    yield next_step


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
