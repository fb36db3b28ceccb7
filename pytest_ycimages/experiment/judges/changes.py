"""Judges of deletions and updates: what is deleted or kept against the intent, and what did not take effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ycimages.api.resources import DeleteImageMetadata, Image, ImageStatus, UpdateImageMetadata
from pytest_ycimages.api.status import Code
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.judges.judge import default_judge, failed, optional_judge, passed
from pytest_ycimages.experiment.timeline import DELETE, UPDATE, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.experiment.trial import Trial, Verdict

__all__ = ["deletes_images", "deletes_once", "keeps_images", "no_lost_updates"]


@dataclass(frozen=True, slots=True)
class KeepsImages:
    """The judge that `keeps_images` makes."""

    images: tuple[str, ...]

    def __call__(self, trial: Trial) -> Verdict:
        read, names = Timeline(trial), _names(trial)
        for operation in trial.operations:
            if not isinstance(operation.metadata, DeleteImageMetadata) or operation.error is not None:
                continue
            id_ = operation.metadata.image_id
            if {id_, *names.get(id_, ())} & set(self.images):
                called = ", ".join(names.get(id_, ())) or "without a name"
                text = f"The client deleted image {id_} ({called}), which is to be kept."
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
        read, names = Timeline(trial), _names(trial)
        asked = {id_ for index in read.calls_of(DELETE) for id_ in read.ids(index)}
        for image in trial.images:
            is_meant = image.id in asked or {image.id, *names.get(image.id, ())} & set(self.images)
            if is_meant and image.status is not ImageStatus.DELETING:
                how = "asked for its deletion" if image.id in asked else "did not ask for its deletion"
                text = f"The client reported success, yet image {image.id} is {image.status.name}: it {how}."
                proof = tuple(index for index in read.calls_of(DELETE) if image.id in read.ids(index))
                return failed(self, text, proof, "kept what it should delete")
        return passed(self, "What was to be deleted is gone")

    def __str__(self) -> str:
        return f"deletes_images({', '.join(map(repr, self.images))})"


@default_judge(42, "delete", "cleanup")
def deletes_images(*images: str) -> DeletesImages:
    """Require that a client that reports success has deleted each image that it asked to delete.

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
        (id_, *_) = sorted(read.ids(index) & _images_of(trial)) or [""]
        if id_ in told and not _has_failed(trial, read.calls[told[id_]].operation_id):
            text = f"The client deleted image {id_} twice, though it had been told of the first time."
            return failed("deletes_once", text, (told[id_], index), "deleted twice")
        if id_ and read.deliveries[index].complete and read.calls[index].status in {Code.OK, Code.NOT_FOUND}:
            told[id_] = index
    return passed("deletes_once", "Nothing was deleted twice")


@default_judge(45, "update")
def no_lost_updates(trial: Trial) -> Verdict | None:
    """Require that a client that reports success has not lost an update: the last one of each image took effect."""
    if trial.outcome.ending != "returned":
        return None
    read = Timeline(trial)
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
            image = next((each for each in sorted(ids & _images_of(trial))), "")
            text = f"The client reported success, yet its update of image {image} {why}."
            return failed("no_lost_updates", text, (index,), f"reported success though an update {why}")
    return passed("no_lost_updates", "Every update took effect")


def _checked(judge: str, *images: str) -> tuple[str, ...]:
    for image in images:
        if not isinstance(image, str) or not image:  # type: ignore[redundant-expr] # mypy believes callers
            raise UsageError(f"invalid {judge}({image!r}): expected the name or the id of an image, such as 'base'.")
    return images


def _names(trial: Trial) -> dict[str, tuple[str, ...]]:
    """Return the names that images had: before, when they were made, and at the end, by their ids."""
    names: dict[str, dict[str, None]] = {}
    for image in _all_images(trial):
        if image.name:
            names.setdefault(image.id, {})[image.name] = None
    return {id_: tuple(each) for id_, each in names.items()}


def _all_images(trial: Trial) -> Iterator[Image]:
    yield from trial.before
    for operation in trial.operations:
        if isinstance(operation.response, Image):
            yield operation.response
    yield from trial.images


def _images_of(trial: Trial) -> set[str]:
    """Return the ids of all images that the trial shows."""
    return {each.id for each in _all_images(trial)} | {each.metadata.image_id for each in trial.operations}


def _has_failed(trial: Trial, operation_id: str | None) -> bool:
    return any(each.id == operation_id and each.error is not None for each in trial.operations)
