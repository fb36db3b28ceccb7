"""Stories that a random walk seldom tells. Each verb is held against the model, and a story says what is at stake."""

from __future__ import annotations

from typing import Any, Final

import pytest

from .agreement import STORAGE
from .looking import Condition, Listing
from .sources import GIB
from .story import AT_ONCE, DISK, Story

SOON: Final = ("seconds", 0.25)
LATER: Final = ("seconds", 5)
THIRD_POLL: Final = ("polls", 3)
KEY: Final = "00000000-0000-4000-8000-000000000001"


def test_updates_take_effect_when_they_end_not_when_they_begin() -> None:
    """The first of two ends last, so its description is the one that stays, and each response shows its own."""
    story = Story()
    image_id = story.made(description="old")
    story.take(LATER)
    first = story.update(image_id, description="first", labels={"by": "first"})
    story.take(SOON)
    second = story.update(image_id, description="second")
    for shown, pause in (("old", 0.25), ("second", 4.75), ("first", 1)):
        assert story.double.images[image_id].description == shown
        story.polls(first, 1)
        story.polls(second, 1)
        story.advance(pause)


def test_updates_that_end_together_take_effect_in_the_order_in_which_they_began() -> None:
    """And the response of the first shows nothing of the second."""
    story = Story(LATER)
    image_id = story.made()
    first, second = (story.update(image_id, description=text) for text in ("first", "second"))
    story.advance(5)
    story.polls(first, 1)
    story.polls(second, 1)
    assert story.double.images[image_id].description == "second"


def test_an_image_that_is_gone_cannot_be_looked_at() -> None:
    """Asking for it polls nothing any more, so an update that was under way waits for polls of its own."""
    story = Story(THIRD_POLL)
    image_id = story.made()
    update = story.update(image_id, description="new")
    story.take(AT_ONCE)
    story.delete(image_id)
    for _ in range(3):
        story.get_image(image_id)
        story.walk(Listing(story.home))
        story.list_operations(image_id)
    assert not story.double.operations[update].done
    story.polls(update, 3)
    assert story.double.operations[update].done


def test_a_name_is_held_from_its_request_until_it_is_given_up() -> None:
    """By an image that is being created or renamed; a failed creation and a finished renaming free it."""
    story = Story(LATER, rollback=2)
    creation = story.create(name="a")
    assert not story.create(name="a")
    other = story.made(name="b")
    assert not story.update(other, name="a")
    story.cancel(creation)
    assert not story.create(name="a"), "it is being rolled back"
    story.advance(2)
    assert story.update(other, name="a")
    assert not story.create(name="a")
    assert not story.create(name="b")
    assert not story.add_image(story.home, "b")
    story.advance(5)
    assert story.create(name="b")
    assert not story.create(name="a")
    assert story.create(name="a", folderId=story.folders[1])


def test_an_image_may_be_given_the_name_that_it_has() -> None:
    """As every update without a mask does."""
    story = Story(AT_ONCE)
    image_id = story.made(name="a")
    assert story.update(image_id, name="a")
    assert story.change("update", image_id, {"name": "a", "description": "new"})
    story.check()


def test_every_kind_of_operation_counts_as_running() -> None:
    """In the folder of its image."""
    story = Story(LATER, {"running_operations": 3})
    ids = [story.add_image(story.home) for _ in range(3)]
    assert story.update(ids[0], description="new")
    assert story.delete(ids[1])
    assert story.create()
    assert not story.update(ids[2], description="new")
    assert not story.delete(ids[2])
    assert not story.create()
    assert story.create(folderId=story.folders[1])
    story.advance(5)
    assert story.delete(ids[2])


@pytest.mark.parametrize("reuse", ["first", "reject"])
def test_a_key_that_comes_again_means_the_first_operation(reuse: str) -> None:
    """In its current state; with another body or on another image it follows the setting, and by another method."""
    story = Story(THIRD_POLL, reuse=reuse)
    image_ids = [story.add_image(story.home) for _ in range(2)]
    first = story.create(key=KEY, name="a")
    story.polls(first, 3)
    assert story.create(key=KEY, name="a") == first
    assert story.create(key=KEY, name="b") == (first if reuse == "first" else "")
    update = story.update(image_ids[0], key=KEY, name="c")
    assert update != first
    assert bool(update) is (reuse == "first"), "a key belongs to its method"
    other_key = KEY[:-1] + "2"
    deletion = story.delete(image_ids[0], key=other_key)
    assert story.delete(image_ids[1], key=other_key) == (deletion if reuse == "first" else "")
    assert story.create(key=KEY, name="d", person=1) not in {first, ""}, "a key belongs to its account"


def test_a_key_of_a_refused_request_is_still_new() -> None:
    """Nothing was made, so nothing is remembered."""
    story = Story()
    story.made(name="a")
    assert not story.create(key=KEY, name="a")
    assert story.create(key=KEY, name="b")


def test_a_key_outlives_the_image() -> None:
    """The operation that it made is history, and stays."""
    story = Story(AT_ONCE)
    creation = story.create(key=KEY)
    story.delete(story.model.images[-1].id)
    assert story.create(key=KEY) == creation
    assert not story.double.images


def test_sizes_that_the_double_made_up_bind_nobody() -> None:
    """Nor do those of images made from such an image."""
    story = Story(AT_ONCE)
    story.create(diskId="epd0000000000000none", minDiskSize=str(2 * GIB))
    first = story.model.images[-1].id
    story.create(imageId=first, minDiskSize="4194304")
    second = story.model.images[-1].id
    for image_id in (first, second):
        assert story.update(image_id, minDiskSize="8388608")
        assert story.change("update", image_id, {"description": "reset"})
        assert story.change("update", image_id, {"minDiskSize": str(3 * GIB)})
        story.check()
    story.create(diskId="epd00000000000000big")
    assert not story.update(story.model.images[-1].id, minDiskSize=str(9 * GIB)), "these sizes are known"


@pytest.mark.parametrize("order", ["id", "id desc", "createdAt", "createdAt desc"])
def test_images_that_come_and_go_between_pages_neither_repeat_nor_hide_others(order: str) -> None:
    """The last one of a page may be deleted: the next page begins behind the place where it was."""
    story = Story(AT_ONCE)
    for _ in range(5):
        story.create()
    listing = Listing(story.home, order=order, page_size=2)
    token, last = story.page(listing)
    assert last is not None
    story.delete(last.id)
    story.create()
    token, last = story.page(listing, token, last)
    story.page(listing, token, last)


@pytest.mark.parametrize("size", [4, 5, 6])
def test_a_page_that_holds_the_rest_is_the_last(size: int) -> None:
    """There is no empty page behind it."""
    story = Story(AT_ONCE)
    for _ in range(5):
        story.create()
    token, _ = story.page(Listing(story.home, page_size=size))
    assert bool(token) is (size < 5)


def test_a_client_may_wait_by_listing() -> None:
    """Even for a status, and even behind a page that is full."""
    story = Story(THIRD_POLL)
    for _ in range(3):
        story.create(name="", family="web")
    listing = Listing(story.home, (Condition("status", "=", ("READY",)),), page_size=1)
    for _ in range(4):
        story.walk(listing)
        story.check()
    assert {image.status for image in story.double.images.values()} == {"READY"}


def test_to_find_one_name_a_list_looks_at_no_other_image() -> None:
    """Nor at an image that had the name once."""
    story = Story(("polls", 1))
    named, other = story.create(name="a"), story.create(name="b")
    listing = Listing(story.home, (Condition("name", "=", ("a",)),))
    story.page(listing)
    assert story.double.operations[named].done
    assert not story.double.operations[other].done
    image_id = story.model.images[0].id
    story.take(AT_ONCE)
    story.update(image_id, name="c")
    story.take(THIRD_POLL)
    waiting = story.update(image_id, description="new")
    for _ in range(3):
        story.page(listing)
    assert not story.double.operations[waiting].done


@pytest.mark.parametrize("source", [{"diskId": DISK}, {"uri": f"{STORAGE}lost.vmdk"}], ids=["good", "bad"])
@pytest.mark.parametrize("moment", [0, 4.75, 5, 6, 7, 8])
def test_a_creation_is_cancelled_only_while_it_runs(source: dict[str, Any], moment: float) -> None:
    """Not once it has succeeded, fails already or has failed; and to cancel again changes nothing."""
    story = Story(LATER, rollback=2)
    operation_id = story.create(**source)
    story.advance(moment)
    for pause in (0, 1, 1, 5):
        story.cancel(operation_id)
        story.check()
        story.advance(pause)
        story.check()


@pytest.mark.parametrize("kind", ["update", "delete"])
def test_an_update_and_a_deletion_cannot_be_cancelled(kind: str) -> None:
    """The reference marks only creation so; they go on, and are answered as they are."""
    story = Story(LATER, rollback=2)
    image_id = story.made()
    operation_id = story.update(image_id, name="a") if kind == "update" else story.delete(image_id)
    for pause in (1, 4, 5):
        story.cancel(operation_id)
        story.advance(pause)
        story.check()
    assert story.double.operations[operation_id].response is not None
