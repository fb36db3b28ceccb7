"""A verification as text and as data: what the evidence is worth, what differs, and what to do about it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cassette.interaction import Origin
from pytest_ycimages.cassette.shown import shortened
from pytest_ycimages.fidelity import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cassette.interaction import Label
    from pytest_ycimages.verify.verify import Finding, Verification

_ORIGINS: Final = {
    Origin.FAKE: "was recorded from the fake, so it proves nothing about the service",
    Origin.DOCUMENTATION: "was transcribed from the documentation, so it proves nothing about the service",
    Origin.UNKNOWN: "does not say whose answers it holds, so it proves nothing about the service",
}
_TWO: Final = 2
_INTERACTIONS: Final = {False: "interaction", True: "interactions"}
NOTHING: Final = "nothing"
"""What stands for a field that is not there."""


def worth(name: str, label: Label) -> str:
    """What the evidence of a cassette is worth, in a sentence.

    Args:
        name: what the cassette is called.
        label: what it says of itself.
    """
    if label.origin is not Origin.SERVICE:
        return f"{name} {_ORIGINS[label.origin]}."
    when = f" at {label.recorded_at}" if label.recorded_at else ""
    return f"{name} was recorded from the service itself{when}: it is evidence of what the service does."


def differing(name: str, verification: Verification, next_step: str) -> str:
    """What differs, field by field, for an error.

    Args:
        name: what the cassette is called.
        verification: what came of going through it.
        next_step: what to do about it.
    """
    return "\n".join(_lines(name, verification, next_step))


def _lines(name: str, verification: Verification, next_step: str) -> Iterator[str]:
    yield worth(name, verification.label)
    yield summary(verification)
    for (number, line), findings in groupby(gathered(verification), lambda each: (each[0].number, each[0].line)):
        yield f"  interaction {number}: {line}"
        for finding, numbers in findings:
            yield f"    {finding.difference.field}: {told(finding)}"
            yield f"      {explained(finding)}"
            if len(numbers) > 1:
                yield f"      the same in {_INTERACTIONS[len(numbers) > _TWO]} {', '.join(map(str, numbers[1:]))}"
    for skipped in verification.skipped:
        yield f"  interaction {skipped.number}: {skipped.line}: not compared, since {skipped.why}"
    yield next_step


def summary(verification: Verification) -> str:
    """How much differs, in a sentence."""
    count = len(verification.findings)
    differs = f"{count} field{'s differ' if count > 1 else ' differs'}" if count else "nothing differs"
    answers = f"{verification.compared} answer{'' if verification.compared == 1 else 's'}"
    skipped = f"; {len(verification.skipped)} not compared" if verification.skipped else ""
    return f"Compared {answers} with those of {verification.target}: {differs}{skipped}."


def gathered(verification: Verification) -> tuple[tuple[Finding, tuple[int, ...]], ...]:
    """Each finding that is not the same as one before it, with the numbers of all the interactions that have it."""
    found: dict[tuple[str, ...], tuple[Finding, list[int]]] = {}
    for finding in verification.findings:
        key = (*finding.difference, finding.behaviour)
        found.setdefault(key, (finding, []))[1].append(finding.number)
    return tuple((finding, tuple(numbers)) for finding, numbers in found.values())


def told(finding: Finding) -> str:
    """A difference in words."""
    recorded, answered = (shortened(side) or NOTHING for side in finding.difference[1:3])
    return f"recorded {recorded}, answered {answered} ({finding.difference.kind})"


def explained(finding: Finding) -> str:
    """The behaviour that a difference speaks against, how it is known, and what it says."""
    row = next((each for each in read_table().behaviours if each.id == finding.behaviour), None)
    if row is None:
        return "no behaviour of the table says anything about this"
    return f"{row.id} [{row.mark}]: {row.does}"


def as_json(name: str, verification: Verification) -> dict[str, Any]:
    """The same as data.

    Args:
        name: what the cassette is called.
        verification: what came of going through it.
    """
    return {
        "worth": worth(name, verification.label),
        "cassette": name,
        "origin": str(verification.label.origin),
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
            {**judged._asdict(), "agrees": not judged.differs, "differs": list(judged.differs)}
            for judged in verification.behaviours
        ],
        "skipped": [skipped._asdict() for skipped in verification.skipped],
        "created": list(verification.created),
    }
