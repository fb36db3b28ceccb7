"""Tells a trial in words: what the client asked and was told beside what the server did, call by call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ycimages.api.resources import CreateImageMetadata
from pytest_ycimages.api.status import Code
from pytest_ycimages.call import shown
from pytest_ycimages.experiment.excerpt import shown_moments
from pytest_ycimages.experiment.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ycimages.experiment.excerpt import Shown
    from pytest_ycimages.experiment.report import Finding
    from pytest_ycimages.experiment.trial import Trial, Verdict


class Row(NamedTuple):
    """One moment of a trial.

    Attributes:
        at: seconds since the trial began.
        asked: what the client asked.
        told: what it was told.
        happened: what the server did.
        proves: whether a verdict rests on it.
        place: the call's place in the journal, counted from 0; None for the end.
    """

    at: float
    asked: str
    told: str
    happened: str
    proves: bool
    place: int | None


def rows_of(trial: Trial, verdicts: Iterable[Verdict] = ()) -> list[Row]:
    """The story of a trial, call by call, and its end."""
    read = Reading(trial)
    proof = {place for verdict in verdicts for place in verdict.proof}
    rows = [
        Row(call.came_at, call.line, _told(read, place), _truth(read, place), place in proof, place)
        for place, call in enumerate(trial.calls)
    ]
    return [*rows, Row(trial.seconds, f"the client {trial.outcome}", "", _end(trial), proves=False, place=None)]


def _told(read: Reading, place: int) -> str:
    call, planned = read.calls[place], read.strikes.get(place)
    if planned is not None and read.is_lost(place):
        return f"no whole answer: {planned.fault}"
    if not read.told(place):
        return "nothing in time"
    if call.status is not Code.OK:
        return f"{call.status.name}{f': {planned.fault}' if planned else ''}"
    return _state(call.note) or "OK"


def _truth(read: Reading, place: int) -> str:
    call, planned = read.calls[place], read.strikes.get(place)
    is_unsaid = planned is not None and (read.is_lost(place) or call.status is not Code.OK)
    if planned is not None and is_unsaid and planned.commit == "before":
        return "nothing happened"
    words = [f"{word} {id_}" for word, id_ in (("operation", call.operation_id), ("image", call.image_id)) if id_]
    if not words:
        return "done" if call.status is Code.OK else "refused"
    if call.status is Code.OK:
        words.append(_state(call.note))
    if planned is not None:
        words.append("done all the same" if is_unsaid else str(planned.fault))
    return ", ".join(filter(None, words))


def _state(note: str) -> str:
    """What a note says of the operation or image, without the fault that it begins with."""
    return note.rpartition("commit: ")[2]


def _end(trial: Trial) -> str:
    images = [f"image {image.id} {image.status.name}" for image in trial.images]
    running = [
        f"operation {each.id} runs"
        for each in trial.operations
        if isinstance(each.metadata, CreateImageMetadata) and not each.done and each.error is None
    ]
    return ", ".join([*images, *running]) or "no image"


def timeline_of(trial: Trial, verdicts: Iterable[Verdict] = ()) -> str:
    """The story as a table of text; `>` marks the calls that prove the verdicts."""
    head = ("", "", "the client asked", "it was told", "what happened")
    return _table([head, *map(_cells, shown_moments(rows_of(trial, verdicts)))])


def _cells(line: Shown[Row]) -> tuple[str, ...]:
    row = line.moment
    if row is None:
        return "", "", f"... {line.words}", "", ""
    return ">" if row.proves else "", f"+{shown(row.at)}", row.asked, row.told, row.happened


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def told(finding: Finding) -> str:
    """A finding for people: the verdict, what goes wrong, the timeline, and the test."""
    verdict, trial = finding.verdict, finding.trial
    parts = [
        f"{verdict.judge}: {verdict.explanation}",
        f"What goes wrong: {trial.scenario}.",
        timeline_of(trial, (verdict, *finding.also)),
        *(f"Also {each.judge}: {each.explanation}" for each in finding.also),
    ]
    if finding.others:
        parts.append(f"{finding.others} other scenario(s) show the same.")
    if finding.test:
        parts.append(f"A test that fails for this reason, ready to be pasted:\n\n{finding.test}")
    return "\n".join(parts)
