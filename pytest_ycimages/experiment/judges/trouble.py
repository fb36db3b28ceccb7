"""Judges of what a client owes when things go wrong."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pytest_ycimages.experiment.judges.verdicts import failed, passed
from pytest_ycimages.experiment.reading import CANCEL, HOPELESS, Reading, is_transient
from pytest_ycimages.faults.fault import Answer, Damaged, Hidden, Late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.experiment.scenario import PlannedFault
    from pytest_ycimages.experiment.trial import Trial, Verdict


def no_useless_retry(trial: Trial) -> Verdict:
    """What was refused for good is not asked again: codes 3, 7, 11, 12 and 16 with the same token.

    The next call is what counts: who asks for something else first, such as a cancel, does not merely repeat himself.
    """
    for place, (call, again) in enumerate(pairwise(trial.calls)):
        same = again.series == call.series and _credentials(again.metadata) == _credentials(call.metadata)
        if same and call.status in HOPELESS and Reading(trial).told(place):
            text = f"The client asked {call.line} again, though it had been refused for good: {call.status.name}."
            return failed("no_useless_retry", text, (place, place + 1), "asks again what was refused for good")
    return passed("no_useless_retry", "Nothing that was refused for good was asked again")


def cancels(trial: Trial) -> Verdict | None:
    """A client that gives up asks for a cancel of what it started, and not of what it was shown done or failed."""
    read = Reading(trial)
    for operation in trial.operations:
        asked, end = read.of(operation, CANCEL), read.shown_end(operation)
        if end is not None and asked and asked[-1] > end:
            text = f"The client cancelled operation {operation.id}, though it had been shown its end."
            return failed("cancels", text, (end, asked[-1]), "cancels what is over")
    for operation in read.created:
        gave_up = trial.failed and not operation.done and operation.error is None and read.is_known(operation)
        if gave_up and not read.clearing_up(operation):
            text = f"The client gave up ({trial.outcome.error}) and left operation {operation.id} running, uncancelled."
            return failed("cancels", text, tuple(read.about(operation)), "gives up without a cancel")
    return passed("cancels", "Nothing is left running") if trial.failed else None


def recovers(trial: Trial) -> Verdict | None:
    """When the faults end, the client succeeds; and so it does when there are none, unless an operation fails.

    It judges only trials in which something went wrong that passes by itself, and nothing else did: errors 8 and 14
    and the pages of a gateway, lost, late and damaged answers, connections that cannot be had for a while, and what
    is not found yet. Not among them is INTERNAL, which may mean anything.
    """
    faults = trial.scenario.faults
    if not all(map(is_transient, faults)) or trial.outcome.ending == "unended":
        return None
    if not trial.failed:
        return passed("recovers", f"The client {trial.outcome}") if faults else None
    if not faults:
        if any(operation.error for operation in trial.operations):
            return None
        text = f"The client failed ({trial.outcome.error}), though nothing went wrong."
        return failed("recovers", text, (), "fails without a fault")
    struck = Reading(trial).strikes
    last = max(struck, default=0)
    text = f"The client failed ({trial.outcome.error}), though all that went wrong has passed by itself."
    return failed("recovers", text, tuple(sorted(struck)), f"gave up after {_kind(struck.get(last), faults)}")


def _kind(planned: PlannedFault | None, faults: tuple[PlannedFault, ...]) -> str:
    fault = planned or faults[-1]
    return f"{_KINDS.get(type(fault.fault.effect), 'a fault of')} {fault.method}"


_KINDS: Final[Mapping[type, str]] = {
    Answer: "an error of",
    Damaged: "a lost or damaged answer to",
    Late: "a late answer to",
    Hidden: "what was not found yet after",
}


def _credentials(metadata: Mapping[str, str]) -> str:
    return metadata.get("authorization", "")
