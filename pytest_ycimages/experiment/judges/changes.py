"""Judges of deletions and updates: what is deleted or kept against the intent, and what did not take effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ycimages.api.message import declared_text
from pytest_ycimages.api.resources import DeleteImageMetadata, ImageStatus, UpdateImageMetadata
from pytest_ycimages.api.status import Code
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.judges import default_judge, failed, optional_judge, passed
from pytest_ycimages.experiment.timeline import CREATE, DELETE, LIST, UPDATE, Timeline

if TYPE_CHECKING:
    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.experiment.trial import Trial, Verdict

__all__ = ["deletes_images", "deletes_once", "keeps_images", "no_lost_updates", "no_stale_lists"]


@dataclass(frozen=True, slots=True)
class KeepsImages:
    """The judge that `keeps_images` makes."""

    images: tuple[str, ...]

    def __call__(self, trial: Trial) -> Verdict:
        read = Timeline(trial)
        for operation in trial.operations:
            if not isinstance(operation.metadata, DeleteImageMetadata) or operation.error is not None:
                continue
            id_ = operation.metadata.image_id
            if {id_, *read.names.get(id_, ())} & set(self.images):
                text = f"The client deleted image {read.called(id_)}, which is to be kept."
                proof = tuple(index for index in read.calls_of(DELETE) if id_ in read.ids(index))
                return failed(self, text, proof, "deleted what it should keep")
        return passed(self, "What is to be kept was not deleted")

    def __str__(self) -> str:
        return f"keeps_images({', '.join(map(repr, self.images))})"


@optional_judge
def keeps_images(image: str, *images: str) -> KeepsImages:
    """Require that the client does not delete certain images, whatever happens and whatever it reports.

    A deletion that failed does not count.

    Args:
        image: the name or the id of an image.
        images: those of more images.
    """
    return KeepsImages(_checked("keeps_images", image, *images))


@dataclass(frozen=True, slots=True)
class DeletesImages:
    """The judge that `deletes_images` makes."""

    images: tuple[str, ...] = ()

    def __call__(self, trial: Trial) -> Verdict | None:
        if trial.outcome.ending != "returned":
            return None
        read = Timeline(trial)
        asked = {id_ for index in read.calls_of(DELETE) for id_ in read.ids(index)}
        returned = trial.outcome.image_ids
        meant = {*self.images, *asked, *returned}
        for image in trial.images:
            is_meant = meant & {image.id, *read.names.get(image.id, ())}
            if is_meant and image.status is not ImageStatus.DELETING:
                how = "asked for its deletion" if image.id in asked else "did not ask for its deletion"
                text = (
                    f"The client reported success{', and returned its id' if image.id in returned else ''}, yet image "
                )
                text += f"{read.called(image.id)} is {image.status.name}: it {how}."
                proof = tuple(index for index in read.calls_of(DELETE) if image.id in read.ids(index))
                return failed(self, text, proof, "kept what it should delete")
        return passed(self, "What was to be deleted is gone")

    def __str__(self) -> str:
        return f"deletes_images({', '.join(map(repr, self.images))})"


@default_judge(42, "delete", "cleanup")
def deletes_images(*images: str) -> DeletesImages:
    """Require that a client that reports success has deleted what it asked to delete, and what it returned the id of.

    Args:
        images: the names or ids of images that it has to delete as well, asked or not.
    """
    return DeletesImages(_checked("deletes_images", *images))


@default_judge(65, "delete", "cleanup")
def deletes_once(trial: Trial) -> Verdict:
    """Require that the client does not delete an image again, once it was told that this is deleted or gone.

    After a deletion that failed, another one is right.
    """
    read = Timeline(trial)
    told: dict[str, int] = {}
    for index in read.calls_of(DELETE):
        (id_, *_) = sorted(read.ids(index) & read.images) or [""]
        if id_ in told and not _has_failed(trial, read.calls[told[id_]].operation_id):
            text = f"The client deleted image {read.called(id_)} twice, though it had been told of the first time."
            return failed("deletes_once", text, (told[id_], index), "deleted twice")
        if id_ and read.deliveries[index].complete and read.calls[index].status in {Code.OK, Code.NOT_FOUND}:
            told[id_] = index
    return passed("deletes_once", "Nothing was deleted twice")


@default_judge(45, "update")
def no_lost_updates(trial: Trial) -> Verdict | None:
    """Require that a client that reports success has not lost an update: the last one of each image took effect.

    An image whose id it returned has to be there.
    """
    if trial.outcome.ending != "returned":
        return None
    read = Timeline(trial)
    there = {image.id for image in trial.images if image.status is not ImageStatus.DELETING}
    lost = next((each for each in trial.outcome.image_ids if each in read.images - there), None)
    if lost is not None:
        text = f"The client reported success with image {read.called(lost)}, which is gone."
        return failed(
            "no_lost_updates", text, tuple(read.calls_of(DELETE)), "reported success with an image that is gone"
        )
    for index in read.calls_of(UPDATE):
        ids = read.ids(index)
        updates = [
            each
            for each in trial.operations
            if isinstance(each.metadata, UpdateImageMetadata) and each.metadata.image_id in ids
        ]
        why = "was never accepted"
        if updates:
            last = updates[-1]
            why = "failed" if last.error is not None else "" if last.done else "is still running"
        if why:
            image = next((each for each in sorted(ids & read.images)), "")
            text = f"The client reported success, yet its update of image {read.called(image)} {why}."
            return failed("no_lost_updates", text, (index,), f"reported success though an update {why}")
    return passed("no_lost_updates", "Every update took effect")


@optional_judge
def no_stale_lists(trial: Trial) -> Verdict:
    """Require that the client does not create again, or delete, by a list that leaves out what it has created.

    Faults such as `image_seen_late` make lists stale. A client that was told of its image can see that the list lacks
    it, and look again.
    """
    read = Timeline(trial)
    for stale in read.calls_of(LIST):
        made = next((each for each in read.created if each.metadata.image_id == read.calls[stale].image_id), None)
        if made is None or not read.deliveries[stale].complete:
            continue
        done = _done_by(read, stale, made)
        if done is not None:
            what = "created the image again" if read.calls[done].method == CREATE else "deleted another image"
            text = f"The client {what} by a list that did not show image {read.called(made.metadata.image_id)} yet."
            cause = f"{'created again' if read.calls[done].method == CREATE else 'deleted'} by a stale list"
            return failed("no_stale_lists", text, (stale, done), cause)
    return passed("no_stale_lists", "Nothing was created or deleted by a stale list")


def _done_by(read: Timeline, stale: int, made: Operation) -> int | None:
    """Return the first call that creates again or deletes by a stale list, before the client has looked again."""
    asked = [read.calls[index].message for index in read.about(made, CREATE)]
    shown = read.first_shown(made)
    for index in range(stale + 1, len(read.calls)):
        call = read.calls[index]
        is_about = bool({made.id, made.metadata.image_id} & read.ids(index))
        if call.method == CREATE and call.message in asked and not is_about and call.image_id:
            return index
        if call.method == DELETE and not is_about and shown is not None and shown < stale and call.operation_id:
            return index
        is_new_list = call.method == LIST and not declared_text(call.message, "page_token")
        if (is_about or is_new_list) and read.deliveries[index].complete:
            return None
    return None


def _checked(judge: str, *images: str) -> tuple[str, ...]:
    for image in images:
        if not isinstance(image, str) or not image:  # type: ignore[redundant-expr] # mypy believes callers
            raise UsageError(f"invalid {judge}({image!r}): expected the name or the id of an image, such as 'base'.")
    return images


def _has_failed(trial: Trial, operation_id: str | None) -> bool:
    return any(each.id == operation_id and each.error is not None for each in trial.operations)
