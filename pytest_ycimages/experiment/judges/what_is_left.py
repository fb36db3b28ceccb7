"""Judges of what there is in the end, and of what the client says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.api.status import Code
from pytest_ycimages.experiment.judges.verdicts import failed, passed
from pytest_ycimages.experiment.reading import CREATE, Reading

if TYPE_CHECKING:
    from pytest_ycimages.experiment.trial import Trial, Verdict


def no_duplicates(trial: Trial) -> Verdict:
    """One logical create makes at most one image.

    An image that is being deleted, or whose creation is failing, does not count. What makes clients create two is an
    answer that is lost after the commit: they ask again, and not with the same `Idempotency-Key`.
    """
    read = Reading(trial)
    staying = read.staying
    proof = tuple(
        place for each in staying for place in read.about(each, CREATE)[:1] if trial.calls[place].method == CREATE
    )
    if len(staying) <= 1:
        return passed("no_duplicates", f"{len(staying)} image(s) stay", proof)
    ids = ", ".join(each.metadata.image_id for each in staying)
    before = trial.calls[proof[1] - 1].method if len(proof) > 1 and proof[1] else "nothing"
    return failed(
        "no_duplicates",
        f"The client made {len(staying)} images where one was asked for: {ids}.",
        proof,
        f"created again after {before}",
    )


def no_orphans(trial: Trial) -> Verdict | None:
    """A client that reports failure leaves no image and no running creation behind.

    It is not held to what it could not do: when it tried to cancel or to delete, or asked for the creation that it
    was never told of once more, and was refused in a way that no further try could change.
    """
    if not trial.failed:
        return None
    read = Reading(trial)
    for operation in read.staying:
        is_known = read.is_known(operation)
        tries = read.clearing_up(operation) if is_known else _creates(trial)
        known = read.about(operation) or tries
        if tries and read.is_hopeless(max(known[-1], tries[-1])):
            continue
        what = "keeps its image" if operation.done else "is still running"
        tried = "though the client asked for its end" if is_known and tries else "and nobody asked for its end"
        return failed(
            "no_orphans",
            f"The client reported failure ({trial.outcome.error}), yet operation {operation.id} {what} "
            f"(image {operation.metadata.image_id}), {tried}.",
            tuple(known),
            f"failed and left an image that it {'knew' if is_known else 'was not told'} of",
        )
    return passed("no_orphans", "Nothing is left behind")


def _creates(trial: Trial) -> list[int]:
    return [place for place, call in enumerate(trial.calls) if call.method == CREATE]


def truthful(trial: Trial) -> Verdict | None:
    """Success is reported if the image is READY, with its id; failure, unless the client was told of success.

    A client that was shown the end and asks for the image's deletion instead may report failure as well.
    """
    if trial.outcome.ending == "unended":
        return None
    read = Reading(trial)
    if trial.failed:
        return _falsely_failed(read)
    if trial.succeeded:
        return passed("truthful", f"Image {trial.outcome.image_id} is READY")
    id_ = trial.outcome.image_id
    operation = next((each for each in read.created if each.metadata.image_id == id_), None)
    if operation is None:
        real = ", ".join(image.id for image in trial.images) or "none"
        text = f"The client returned {id_!r}, which is the id of no image that it made; there are: {real}."
        return failed("truthful", text, tuple(_creates(trial)), "returned an id of no image")
    proof = tuple(read.about(operation))
    if operation.error is not None:
        text = f"operation {operation.id} failed: {operation.error.message or Code(operation.error.code).name}"
        cause = "reported success though the operation failed"
    else:
        status = next((image.status.name for image in trial.images if image.id == id_), "gone")
        text, cause = f"that image is {status}", "reported success before the image was READY"
    return failed("truthful", f"The client reported success with image {id_}, yet {text}.", proof, cause)


def _falsely_failed(read: Reading) -> Verdict:
    for operation in read.staying:
        end = read.shown_end(operation, failing=False)
        if end is not None and operation.done and end == read.about(operation)[-1]:
            text = f"The client reported failure ({read.trial.outcome.error}), though it was told that operation "
            text += f"{operation.id} had succeeded: image {operation.metadata.image_id} is READY."
            return failed("truthful", text, (end,), "reported failure though it was told of success")
    return passed("truthful", f"It failed, and says so: {read.trial.outcome.error}")
