"""Clients that delete or change what exists, or create several images: right ones, and others wrong in one way each."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from .flawed_clients import BODY, Baker, CreationFailedError, RefusedError
from .later_clients import Labels

if TYPE_CHECKING:
    from pytest_ycimages import Double

KEPT: Final = "base-4"
"""The newest of the images that exist."""
_LIST: Final = f"/compute/v1/images?folderId={BODY['folderId']}"


def four_images(double: Double) -> None:
    """Add a family of four images, one a day."""
    double.add_images(4, every="1d", folder_id=BODY["folderId"], family="base", name="base-{n}")


class Cleaner(Baker):
    """Deletes all images of a folder but the newest."""

    def clean(self) -> Any:
        """Delete them, wait for each, and return their ids."""
        with closing(self.connection):
            return [self.delete(image["id"]) for image in self.old_images()]

    def old_images(self) -> list[Any]:
        """Look for the images that are to go."""
        images = self.call("GET", _LIST).get("images", [])
        return sorted(images, key=lambda image: image["createdAt"])[:-1]

    def delete(self, id_: str) -> str:
        """Delete an image; one that is gone, or on its way, is fine."""
        try:
            operation = self.ask_for_deletion(id_)
        except RefusedError as error:
            if error.status not in {400, 404} or not self.is_going(id_):
                raise
            return id_
        self.result(self.wait(operation))
        return id_

    def ask_for_deletion(self, id_: str) -> Any:
        """Start the deletion."""
        return self.call("DELETE", f"/compute/v1/images/{id_}")

    def is_going(self, id_: str) -> bool:
        """Whether an image is gone, or on its way."""
        try:
            return bool(self.call("GET", f"/compute/v1/images/{id_}")["status"] == "DELETING")
        except RefusedError as error:
            return error.status == 404


class _DeletesTheNewest(Cleaner):
    def old_images(self) -> list[Any]:
        images = self.call("GET", _LIST).get("images", [])
        return sorted(images, key=lambda image: image["createdAt"], reverse=True)[:-1]


class _CountsDeletions(Cleaner):
    """Deletes the oldest so often that three deletions were confirmed."""

    attempts = 1

    def clean(self) -> Any:
        with closing(self.connection):
            count = len(self.call_again("GET", _LIST)["images"]) - 1
            while count:
                images = [each for each in self.call_again("GET", _LIST)["images"] if each["status"] == "READY"]
                oldest = min(images, key=lambda image: image["createdAt"])
                try:
                    self.ask_for_deletion(oldest["id"])
                except (OSError, http.client.HTTPException, ValueError, RefusedError):
                    continue
                count -= 1

    def call_again(self, verb: str, path: str) -> Any:
        """Call, with retries."""
        self.attempts = 8
        try:
            return self.call(verb, path)
        finally:
            self.attempts = 1


class _IgnoresErrors(Cleaner):
    def result(self, operation: Any) -> str:
        return str(operation["metadata"]["imageId"])


class _ForgetsTheOldest(Cleaner):
    def old_images(self) -> list[Any]:
        return super().old_images()[1:]


class _DeletesUntilGone(Cleaner):
    def delete(self, id_: str) -> str:
        self.wait(self.ask_for_deletion(id_))
        try:
            self.ask_for_deletion(id_)
        except RefusedError:
            return id_
        return id_


class _LabelsCarelessly(Labels):
    def labelled(self, image_id: str) -> Any:
        return self.wait(self.label(image_id))


class _LabelsCarefully(Labels):
    def labelled(self, image_id: str) -> Any:
        operation = super().labelled(image_id)
        if "error" in operation:
            raise CreationFailedError("it has no labels")


class _BakesThree(Baker):
    """Creates three images, one after the other, each with its own key."""

    def bake_all(self) -> list[str]:
        """Create them, and return their ids."""
        with closing(self.connection):
            return [self.bake_one(number) for number in range(3)]

    def bake_one(self, number: int) -> str:
        """Create one of them."""
        self.key = self.new_key()
        operation = self.call("POST", "/compute/v1/images", json.dumps({**BODY, "labels": {"n": str(number)}}))
        return self.result(self.wait(operation))


class _BakesThreeWithManyKeys(_BakesThree):
    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        self.key = self.new_key()
        return super().exchange(verb, path, body)


class _BakesThreeInAHurry(_BakesThree):
    def bake_one(self, number: int) -> str:
        if number < 2:
            return super().bake_one(number)
        self.key = self.new_key()
        return str(self.create()["metadata"]["imageId"])


class _Ensures(Baker):
    """Creates an image unless a list shows it, and looks again when the creation is done."""

    looks = 5

    def bake_if_missing(self) -> str:
        """Return the id of the image of the family."""
        with closing(self.connection):
            made = ""
            for _ in range(self.looks):
                listed = [each["id"] for each in self.call("GET", _LIST).get("images", [])]
                if listed:
                    return str(listed[0])
                if not made:
                    self.key = self.new_key()
                    made = self.result(self.wait(self.create()))
            return made


class _EnsuresByTheList(_Ensures):
    """Creates whenever the list shows nothing."""

    def bake_if_missing(self) -> str:
        with closing(self.connection):
            while not (listed := self.call("GET", _LIST).get("images", [])):
                self.key = self.new_key()
                self.result(self.wait(self.create()))
            return str(listed[0]["id"])


class _Replaces(Cleaner):
    """Creates an image, and then deletes all others, once a list shows the new one."""

    checks = True

    def replace(self) -> None:
        """Create the new one, and delete the old ones."""
        with closing(self.connection):
            self.key = self.new_key()
            made = self.result(self.wait(self.create()))
            images = self.call("GET", _LIST)["images"]
            while self.checks and made not in [each["id"] for each in images]:
                images = self.call("GET", _LIST)["images"]
            for image in sorted(images, key=lambda each: each["createdAt"])[:-1]:
                self.delete(image["id"])


class _ReplacesByTheList(_Replaces):
    """Takes the first list as it is."""

    checks = False


def ensures(url: str, token: str) -> str:
    """Is right."""
    return _Ensures(url, token).bake_if_missing()


def ensures_by_the_list(url: str, token: str) -> str:
    """Creates again when the list does not show the image yet."""
    return _EnsuresByTheList(url, token).bake_if_missing()


def replaces(url: str, token: str) -> None:
    """Is right."""
    _Replaces(url, token).replace()


def replaces_by_the_list(url: str, token: str) -> None:
    """Deletes by a list that does not show the new image yet."""
    _ReplacesByTheList(url, token).replace()


def cleans(url: str, token: str) -> Any:
    """Is right."""
    return Cleaner(url, token).clean()


def cleans_silently(url: str, token: str) -> None:
    """Is right as well, and returns nothing."""
    Cleaner(url, token).clean()


def deletes_the_newest(url: str, token: str) -> Any:
    """Sorts the wrong way round."""
    return _DeletesTheNewest(url, token).clean()


def counts_deletions(url: str, token: str) -> Any:
    """Takes a deletion whose answer was lost for one that has not happened."""
    return _CountsDeletions(url, token).clean()


def ignores_errors(url: str, token: str) -> Any:
    """Does not look at how a deletion ended."""
    return _IgnoresErrors(url, token).clean()


def forgets_the_oldest(url: str, token: str) -> Any:
    """Leaves an image that it should delete."""
    return _ForgetsTheOldest(url, token).clean()


def deletes_until_gone(url: str, token: str) -> Any:
    """Deletes what it was told is deleted."""
    return _DeletesUntilGone(url, token).clean()


def labels_carelessly(url: str, token: str) -> str:
    """Does not look at how the update ended."""
    return _LabelsCarelessly(url, token).bake()


def labels_carefully(url: str, token: str) -> str:
    """Looks at it."""
    return _LabelsCarefully(url, token).bake()


def bakes_three(url: str, token: str) -> list[str]:
    """Is right."""
    return _BakesThree(url, token).bake_all()


def bakes_three_with_many_keys(url: str, token: str) -> list[str]:
    """Uses a new key for each attempt."""
    return _BakesThreeWithManyKeys(url, token).bake_all()


def bakes_three_in_a_hurry(url: str, token: str) -> list[str]:
    """Does not wait for the last one."""
    return _BakesThreeInAHurry(url, token).bake_all()
