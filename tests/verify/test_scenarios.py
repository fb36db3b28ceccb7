"""What a client of a fake was told, an equal fake tells again: nothing differs, and what was shown is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic.alias_generators import to_snake

from pytest_ycimages.verify.fake_target import verify_fake

from .taping import IMAGES, Taping

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.verify.verify import Verification

GIB: Final = 2**30
KEY: Final = "00000000-0000-4000-8000-00000000000"
STORAGE: Final = "https://storage.yandexcloud.net/bucket/"


def clean(taping: Taping, **settings: Any) -> set[str]:
    """The behaviours that a tape shows, of which nothing differs."""
    verification = verify_fake(taping.tape(), settings)
    assert findings(verification) == []
    assert not verification.skipped
    assert verification.compared == len(taping.interactions)
    return {judged.behaviour for judged in verification.behaviours}


def findings(verification: Verification) -> list[tuple[Any, ...]]:
    """What differs, as a list that pytest can show."""
    return [(each.number, each.line, *each.difference, each.behaviour) for each in verification.findings]


def from_disk(taping: Taping) -> dict[str, str]:
    """A disk that the client knows."""
    licences = ["f2e00000000000000win"]
    disk = taping.double.add_disk(size=10 * GIB, data_size=3 * GIB, os="WINDOWS", product_ids=licences)
    return {"diskId": disk}


def from_snapshot(taping: Taping) -> dict[str, str]:
    """A snapshot that the client knows."""
    return {"snapshotId": taping.double.add_snapshot(size=8 * GIB)}


def from_image(taping: Taping) -> dict[str, str]:
    """An image that the client knows."""
    return {"imageId": taping.double.add_image(name="base", min_disk_size=20 * GIB)}


def from_file(taping: Taping) -> dict[str, str]:
    """A file that the client knows."""
    return {"uri": taping.double.add_object(f"{STORAGE}disk.qcow2", size=2 * GIB)}


def from_somewhere(_: Taping) -> dict[str, str]:
    """A disk of which the double knows nothing."""
    return {"diskId": "epd00000000000000dsk"}


@pytest.mark.parametrize("contract", ["page", "current"])
@pytest.mark.parametrize("source", [from_disk, from_snapshot, from_image, from_file, from_somewhere])
@pytest.mark.parametrize("timing", ["AfterPolls(1)", "AfterPolls(3)", 0, 12.5])
def test_a_create_from_every_source_agrees(
    source: Callable[[Taping], dict[str, str]], timing: Any, contract: str
) -> None:
    """Sizes, systems and licences that the image has of its source are told by the image."""
    taping = Taping(timing=timing, contract=contract)
    image_id = taping.bake(**source(taping), name="web", labels={"env": "test"})
    taping.look(image_id)
    assert clean(taping) >= {"operation.description", "json.order-operation", "image.as-asked", "json.whitespace"}


def test_an_update_and_a_delete_agree() -> None:
    """Also where nobody polled the operation, if the image tells that it has ended."""
    taping = Taping(timing=5)
    image_id = taping.bake(name="web")
    taping("PATCH", f"{IMAGES}/{image_id}", {"updateMask": "description", "description": "mended"})
    taping.look(image_id)
    taping.wait(6)
    taping.look(image_id)
    deleted = taping("DELETE", f"{IMAGES}/{image_id}")
    taping.look(image_id)
    taping("DELETE", f"{IMAGES}/{image_id}")
    taping.wait(5)
    taping.poll(deleted)
    taping.look(image_id)
    assert clean(taping) >= {"update.description", "delete.status", "delete.twice", "delete.response", "delete.gone"}


def test_a_name_that_is_taken_again_tells_that_its_holder_was_gone() -> None:
    """Many clients delete and create anew, and poll neither the delete nor a create that failed."""
    taping = Taping(timing=5)
    image_id = taping.bake(name="web")
    taping("DELETE", f"{IMAGES}/{image_id}")
    taping.wait(5)
    taping.double.next_operation("images.create", outcome="Failure('UNAVAILABLE')")
    taping.create(name="web")
    taping.wait(5)
    taping.bake(name="web")
    clean(taping)


@pytest.mark.parametrize("cancel", ["wins", "late", "loses", "too_late", "refused"])
@pytest.mark.parametrize("rollback", [0, 3])
def test_a_cancel_of_every_kind_agrees(cancel: str, rollback: float) -> None:
    """What the cancel did is read from what was shown after it."""
    taping = Taping(timing=20, cancel=cancel, rollback=rollback)
    operation = taping.create()
    for _ in range(4):
        taping.wait(4)
        taping.cancel(operation)
        taping.poll(operation)
    taping.wait(20)
    taping.poll(operation)
    taping.cancel(operation)
    clean(taping)


@pytest.mark.parametrize("rollback", [0, 4])
def test_a_failure_agrees(rollback: float) -> None:
    """What an operation fails with is nothing that a fake could know: it is told."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NO_SPACE"}]
    taping = Taping(timing=5, rollback=rollback)
    taping.double.outcome = f"Failure('UNAVAILABLE', 'no space', details={details!r})"
    operation = taping.create()
    for _ in range(5):
        taping.wait(2.5)
        taping.poll(operation)
        taping.look(operation["metadata"]["imageId"])
    assert "operation.failed-image-gone" in clean(taping)


def test_a_failure_that_the_request_brings_with_it_is_the_fakes_own() -> None:
    """A file in a format that is none fails by itself, so its words are evidence."""
    taping = Taping(timing=5)
    operation = taping.create(uri=f"{STORAGE}disk.vdi")
    taping.wait(5)
    taping.poll(operation)
    assert clean(taping) >= {"source.uri-unsupported", "text.uri"}
    verification = verify_fake(taping.tape(), {"texts": {"uri_format": "cannot read {format}"}})
    assert [each.behaviour for each in verification.findings] == ["text.uri"]


def test_lists_with_pages_agree() -> None:
    """Other ids sort otherwise, so that other images are on a page; that is no difference."""
    taping = Taping(timing=0)
    taping.double.add_image(name="was-there", family="web", description="before")
    ids = [taping.bake(name=f"web-{number}", family="web") for number in range(7)]
    token = ""
    while True:
        page = taping("GET", IMAGES, folderId=taping.folder_id, pageSize=3, pageToken=token)
        token = page.get("nextPageToken", "")
        if not token:
            break
    taping("GET", IMAGES, folderId=taping.folder_id)
    taping("GET", IMAGES, folderId=taping.folder_id, orderBy="createdAt desc")
    taping("GET", IMAGES, folderId=taping.folder_id, filter='name="web-3"')
    taping("GET", IMAGES, folderId=taping.folder_id, filter=f'id="{ids[2]}"')
    taping("GET", IMAGES, folderId="b1g00000000000000000")
    taping("GET", f"{IMAGES}:latestByFamily", folderId=taping.folder_id, family="web")
    taping("GET", f"{IMAGES}/{ids[0]}/operations")
    assert clean(taping) >= {
        "filter.equal", "latest.newest", "list.empty", "list.operations", "list.order-by-age", "list.order-default",
        "list.page-token",
    }  # fmt: skip


def test_repeats_with_one_key_agree() -> None:
    """They are answered with the operation that the key made first, as it is by now."""
    taping = Taping(timing=20)
    taping.create(key=f"{KEY}1", name="web")
    taping.create(key=f"{KEY}2")
    taping.wait(1)
    taping.create(key=f"{KEY}1", name="web")
    taping.wait(20)
    taping.create(key=f"{KEY}1", name="web")
    assert clean(taping) >= {"idempotency.same-key", "idempotency.current-state"}


def test_operations_that_interleave_agree() -> None:
    """Each has a time and an end of its own."""
    taping = Taping(timing="Uniform(2, 30)", seed=3)
    operations = [taping.create(name=f"web-{number}") for number in range(5)]
    taping.cancel(operations[2])
    for _ in range(8):
        taping.wait(4)
        for operation in operations:
            taping.poll(operation)
            taping.look(operation["metadata"]["imageId"])
    clean(taping)


REFUSALS: Final[dict[str, Callable[[Taping], object]]] = {
    "create.folder-required": lambda taping: taping.create(folderId=""),
    "create.name-pattern": lambda taping: taping.create(name="Upper"),
    "create.description-length": lambda taping: taping.create(description="d" * 257),
    "create.family-pattern": lambda taping: taping.create(family="ab"),
    "create.min-disk-size-limits": lambda taping: taping.create(minDiskSize="1"),
    "create.product-id-length": lambda taping: taping.create(productIds=["p" * 51]),
    "create.source-missing": lambda taping: taping("POST", IMAGES, {"folderId": taping.folder_id}),
    "create.two-sources": lambda taping: taping.create(uri=f"{STORAGE}a.qcow2", imageId="fd800000000000000000"),
    "source.uri-host": lambda taping: taping.create(uri="https://example.com/a"),
    "source.disk-not-found": lambda taping: taping.create(diskId="epd00000000000000000"),
    "source.snapshot-not-found": lambda taping: taping.create(snapshotId="fd800000000000000000"),
    "source.image-not-found": lambda taping: taping.create(imageId="fd800000000000000000"),
    "source.folder-not-found": lambda taping: taping.create(folderId="b1g00000000000000000"),
    "name.unique": lambda taping: [taping.create(name="web", **from_disk(taping)) for _ in range(2)],
    "update.nothing": lambda taping: taping("PATCH", f"{IMAGES}/fd800000000000000000", {}),
    "update.not-found": lambda taping: taping("PATCH", f"{IMAGES}/fd800000000000000000", {"name": "web"}),
    "delete.not-found": lambda taping: taping("DELETE", f"{IMAGES}/fd800000000000000000"),
    "route.get-image": lambda taping: taping.look("fd800000000000000000"),
    "route.unknown-path": lambda taping: taping("GET", "/compute/v2/images"),
    "route.wrong-verb": lambda taping: taping("PUT", IMAGES, {}),
    "operation.not-found": lambda taping: taping.poll({"id": "fd800000000000000000"}),
    "operation.id-malformed": lambda taping: taping.poll({"id": "nonsense"}),
    "cancel.unknown": lambda taping: taping.cancel({"id": "fd800000000000000000"}),
    "latest.nothing": lambda taping: taping(
        "GET", f"{IMAGES}:latestByFamily", folderId=taping.folder_id, family="none"
    ),
    "list.folder-required": lambda taping: taping("GET", IMAGES),
    "list.page-size-limit": lambda taping: taping("GET", IMAGES, folderId=taping.folder_id, pageSize=1001),
    "list.page-token-garbage": lambda taping: taping("GET", IMAGES, folderId=taping.folder_id, pageToken="?"),
    "list.order-unknown": lambda taping: taping("GET", IMAGES, folderId=taping.folder_id, orderBy="size"),
    "filter.garbage": lambda taping: taping("GET", IMAGES, folderId=taping.folder_id, filter="name"),
    "json.malformed": lambda taping: taping("POST", IMAGES, b'{"name": '),
    "json.no-object": lambda taping: taping("POST", IMAGES, b"[]"),
    "json.wrong-type": lambda taping: taping.create(description=5),
    "token.missing": lambda taping: taping("GET", f"{IMAGES}/x", token=""),
    "token.strict": lambda taping: taping("GET", f"{IMAGES}/x", token="t1.wrong"),  # noqa: S106 - a wrong one
    "endpoint.get": lambda taping: taping("GET", "/endpoints/none"),
    "endpoint.list": lambda taping: taping("GET", "/endpoints"),
}


@pytest.mark.parametrize("behaviour", REFUSALS)
def test_a_refusal_of_every_kind_agrees(behaviour: str) -> None:
    """The tape is evidence for the behaviour, which it would not be if nothing of it were compared."""
    strict = {"auth": "strict"} if behaviour == "token.strict" else {}
    taping = Taping(unknown_resources="not_found", **strict)
    REFUSALS[behaviour](taping)
    assert behaviour in clean(taping)


def test_a_quota_is_the_recorded_service_s_and_must_be_set() -> None:
    """Nothing in a cassette says how much was there before, so the fake has the quotas that it is given."""
    taping = Taping(quotas={"images": 1}, timing=0)
    taping.bake()
    taping.create()
    assert clean(taping, quotas={"images": 1}) >= {"quota.images", "error.quota-failure", "text.quotas"}
    without = verify_fake(taping.tape())
    assert [(each.difference.field, each.behaviour) for each in without.findings] == [("status", "quota.images")]


def test_a_cassette_that_does_not_say_when_agrees_as_well() -> None:
    """As one that plain vcrpy recorded: its requests come a second apart."""
    taping = Taping(timing=12.5)
    taping.look(taping.bake(name="web"))
    tape = taping.tape()
    timeless = tape._replace(interactions=tuple(each._replace(at=None) for each in tape.interactions))
    assert findings(verify_fake(timeless)) == []


def test_a_cassette_without_interactions_shows_nothing() -> None:
    """And nothing of it differs."""
    verification = verify_fake(Taping().tape())
    assert (verification.compared, verification.behaviours, verification.differs) == (0, (), False)


def _spelled(taping: Taping, spell: Callable[[str], str]) -> set[str]:
    """The behaviours that a recording shows whose client spells names in its own way."""

    def named(**fields: Any) -> dict[str, Any]:
        return {spell(name): value for name, value in fields.items()}

    folder = taping.folder_id
    for number in range(4):
        taping.double.add_image(name=f"base-{number}")
    base = taping.double.add_image(name="other", min_disk_size=20 * GIB)
    taping("GET", IMAGES, folderId=folder, **named(orderBy="createdAt desc"))
    page = taping("GET", IMAGES, folderId=folder, **named(pageSize="2"))
    taping("GET", IMAGES, folderId=folder, **named(pageSize="2", pageToken=page["nextPageToken"]))
    made = taping("POST", IMAGES, named(folderId=folder, imageId=base, name="made", minDiskSize=str(30 * GIB)))
    taping.wait(60)
    taping.poll(made)
    taping.look(made["metadata"]["imageId"])
    taping("POST", IMAGES, named(folderId=folder, imageId="fd8nosuchimage000000"))
    taping("POST", IMAGES, named(folderId=folder, imageId=base, diskId="epd00000000000000dsk"))
    return clean(taping, contract="page")


@pytest.mark.parametrize("seed", range(3))
def test_names_may_be_spelled_in_either_way(seed: int) -> None:
    """The service reads `folder_id` as it reads `folderId`, in a body and in a query."""
    tapes = [Taping(seed=seed, timing=5, contract="page", unknown_resources="not_found") for _ in range(2)]
    shown = _spelled(tapes[0], str)
    assert shown == _spelled(tapes[1], to_snake)
    assert {"list.order-by-age", "source.image-not-found", "image.as-asked"} <= shown
