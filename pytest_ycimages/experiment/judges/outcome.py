"""Judges of the outcome: what exists in the end, what the client says of it, and what it did when calls failed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.resources import ImageStatus
from pytest_ycimages.api.status import Code
from pytest_ycimages.call import between
from pytest_ycimages.experiment.judges import check_positive, default_judge, failed, optional_judge, passed
from pytest_ycimages.experiment.timeline import CANCEL, CREATE, HOPELESS, Timeline
from pytest_ycimages.faults.fault import Answer, Damaged, Hidden, Late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.experiment.scenario import PlannedFault
    from pytest_ycimages.experiment.trial import Trial, Verdict

__all__ = ["cancels", "cancels_within", "no_duplicates", "no_orphans", "no_useless_retry", "recovers", "truthful"]


@default_judge(30)
def no_duplicates(trial: Trial) -> Verdict:
    """Require that one logical create makes at most one image.

    An image that is being deleted, or whose creation is failing, does not count. What makes clients create two is an
    answer that is lost after the commit: they ask again, and not with the same `Idempotency-Key`.
    """
    read = Timeline(trial)
    staying = read.staying if trial.verb == "create" else _repeated(read)
    proof = tuple(index for each in staying for index in read.about(each, CREATE)[:1])
    if len(staying) <= 1:
        return passed("no_duplicates", f"{len(staying)} image(s) stay", proof)
    ids = ", ".join(each.metadata.image_id for each in staying)
    before = trial.calls[proof[1] - 1].method if len(proof) > 1 and proof[1] else "nothing"
    text = f"The client made {len(staying)} images where one was asked for: {ids}."
    return failed("no_duplicates", text, proof, f"created again after {before}")


def _repeated(read: Timeline) -> list[Operation]:
    """Return the creations whose images stay and that equal requests have started, of the first request that has."""
    created = {each.id: read.about(each, CREATE) for each in read.staying}
    asked = {id_: read.calls[calls[0]].message for id_, calls in created.items() if calls}
    for request in asked.values():
        same = [each for each in read.staying if request is not None and asked.get(each.id) == request]
        if len(same) > 1:
            return same
    return []


@default_judge(40, "create", "create_many")
def truthful(trial: Trial) -> Verdict | None:
    """Require that success is reported if the image is READY, with its id; failure, unless success was shown.

    Of several images, each whose id the client returned is READY, and it returned one at least. A client that returns
    None says that what it created is READY.

    A client that was shown the end and asks for the image's deletion instead may report failure as well.
    """
    if trial.outcome.ending == "unended":
        return None
    read = Timeline(trial)
    if trial.failed:
        return _falsely_failed(read) if trial.verb == "create" else None
    if trial.succeeded:
        return passed("truthful", f"Image {', '.join(trial.reported)} is READY")
    ready = {image.id for image in trial.images if image.status is ImageStatus.READY}
    id_ = next((each for each in trial.reported if each not in ready), trial.outcome.image_id)
    if id_ is None:
        return failed("truthful", "The client reported success, and made no image.", (), "reported success for nothing")
    operation = next((each for each in read.created if each.metadata.image_id == id_), None)
    if operation is None:
        real = ", ".join(image.id for image in trial.images) or "none"
        text = f"The client returned {id_!r}, which is not the id of an image that it made; there are: {real}."
        return failed("truthful", text, tuple(read.calls_of(CREATE)), "returned an id of no image")
    proof = tuple(read.about(operation))
    if operation.error is not None:
        text = f"operation {operation.id} failed: {operation.error.message or operation.error.code}"
        cause = "reported success though the operation failed"
    else:
        status = next((image.status.name for image in trial.images if image.id == id_), "gone")
        text, cause = f"that image is {status}", "reported success before the image was READY"
    return failed("truthful", f"The client reported success with image {id_}, yet {text}.", proof, cause)


def _falsely_failed(read: Timeline) -> Verdict:
    for operation in read.staying:
        end = read.shown_end(operation, failing=False)
        if end is not None and operation.done and end == read.about(operation)[-1]:
            text = f"The client reported failure ({read.trial.outcome.error}), though it was told that operation "
            text += f"{operation.id} had succeeded: image {operation.metadata.image_id} is READY."
            return failed("truthful", text, (end,), "reported failure though it was told of success")
    return passed("truthful", f"It failed, and says so: {read.trial.outcome.error}")


@default_judge(50, "create")
def no_orphans(trial: Trial) -> Verdict | None:
    """Require that a client that reports failure leaves no image and no running creation behind.

    It is not held to what it could not do: when it tried to cancel or to delete, or asked for the creation that it
    was never told of once more, and was refused in a way that no further try could change.
    """
    if not trial.failed:
        return None
    read = Timeline(trial)
    for operation in read.staying:
        is_known = read.is_known(operation)
        tries = read.clearing_up(operation) if is_known else read.calls_of(CREATE)
        known = read.about(operation) or tries
        if tries and read.deliveries[max(known[-1], tries[-1])].hopeless:
            continue
        what = "keeps its image" if operation.done else "is still running"
        tried = "though the client asked for its end" if is_known and tries else "and the client did not ask for it"
        return failed(
            "no_orphans",
            f"The client reported failure ({trial.outcome.error}), yet operation {operation.id} {what} "
            f"(image {operation.metadata.image_id}), {tried}.",
            tuple(known),
            f"failed and left an image that it {'knew' if is_known else 'was not told'} of",
        )
    return passed("no_orphans", "Nothing is left behind")


@default_judge(60)
def cancels(trial: Trial) -> Verdict | None:
    """Require that a client that gives up cancels what it started, and not what it was shown done or failed."""
    read = Timeline(trial)
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


@dataclass(frozen=True, slots=True)
class CancelsWithin:
    """The judge that `cancels_within` makes."""

    seconds: float

    def __call__(self, trial: Trial) -> Verdict | None:
        read = Timeline(trial)
        for operation in read.created:
            known = read.first_shown(operation)
            if known is None:
                continue
            deadline = trial.calls[known].answered_at + self.seconds
            end, asked = read.shown_end(operation), read.clearing_up(operation)
            reacted = [trial.calls[asked[0]].came_at] if asked else []
            reacted += [trial.calls[end].answered_at] if end is not None else []
            if between(deadline, min(reacted, default=trial.seconds)) > 0:
                text = f"The client waited for operation {operation.id} for more than {self.seconds:g} seconds."
                return failed(self, text, (known, *asked[:1]), "cancels too late")
        return passed(self, "Every creation ended in time or was cancelled")

    def __str__(self) -> str:
        return f"cancels_within({self.seconds:g})"


@optional_judge
def cancels_within(seconds: float) -> CancelsWithin:
    """Require that the client cancels a creation, or deletes the image, once it has waited so long for it.

    Args:
        seconds: virtual seconds from the first answer that names the operation on.
    """
    check_positive("cancels_within", seconds=seconds)
    return CancelsWithin(float(seconds))


@default_judge(70)
def no_useless_retry(trial: Trial) -> Verdict:
    """Require that what was refused for good is not asked again: codes 3, 7, 11, 12 and 16 with the same token.

    Only the next call counts: a client that asks for something else first, such as a cancel, does not merely retry.
    """
    read = Timeline(trial)
    for index, (call, again) in enumerate(pairwise(trial.calls)):
        same = again.series == call.series and _credentials(again.metadata) == _credentials(call.metadata)
        if same and call.status in HOPELESS and read.deliveries[index].complete:
            text = f"The client asked {call.line} again, though it had been refused for good: {call.status.name}."
            return failed("no_useless_retry", text, (index, index + 1), "asks again what was refused for good")
    return passed("no_useless_retry", "Nothing that was refused for good was asked again")


def _credentials(metadata: Mapping[str, str]) -> str:
    return metadata.get("authorization", "")


@default_judge(90)
def recovers(trial: Trial) -> Verdict | None:
    """Require that the client succeeds when the faults end, and when there are none, unless an operation fails.

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
    struck = Timeline(trial).strikes
    last = struck.get(max(struck, default=0)) or faults[-1]
    text = f"The client failed ({trial.outcome.error}), though all that went wrong has passed by itself."
    cause = f"gave up after {_KINDS.get(type(last.fault.effect), 'a fault of')} {last.method}"
    return failed("recovers", text, tuple(sorted(struck)), cause)


_KINDS: Final[Mapping[type, str]] = {
    Answer: "an error of",
    Damaged: "a lost or damaged answer to",
    Late: "a late answer to",
    Hidden: "what was not found yet after",
}
_TRANSIENT: Final = frozenset({Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED})
_SEEN_LATE: Final = frozenset({"operation_seen_late", "image_seen_late"})


def is_transient(planned: PlannedFault) -> bool:
    """Return whether the fault passes by itself, so that a retry succeeds. INTERNAL does not count: see `recovers`."""
    name, effect = planned.fault.name, planned.fault.effect
    if planned.lasts:
        return False
    if isinstance(effect, Answer):
        return effect.error.code in _TRANSIENT and name != "quota_exceeded"
    if isinstance(effect, Damaged):
        return name != "bad_request"
    return isinstance(effect, Late) or name in _SEEN_LATE
