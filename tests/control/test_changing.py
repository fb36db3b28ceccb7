"""Timing, the next operation, the clock, what exists, and a fresh start, over the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import After, AfterPolls, Failure, Immediate, Latency
from pytest_ycimages.text_values import DURATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from pytest_ycimages import Double
    from pytest_ycimages.virtual.time import VirtualTime

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]

SECONDS: Final = f"seconds, zero or more, such as 2.5, or a duration {DURATIONS}"


DEFAULTS = {
    "timing": "AfterPolls(polls=1)",
    "outcome": "Success()",
    "rollback": 0,
    "cancel": "wins",
    "cancel_delay": 5,
    "latency": "0",
}


def test_the_timing_is_what_the_double_has(ycimages: Double, control: Control) -> None:
    """All of it, as it may be written; and what was answered may be sent back."""
    answer = control("GET", "timing")
    assert answer.json() == DEFAULTS
    assert control("PUT", "timing", answer.json()).json() == DEFAULTS
    assert ycimages.timing == AfterPolls(1)


def test_some_of_the_timing_is_set(ycimages: Double, control: Control, create: Create) -> None:
    """What is left out stays; a mapping is one of methods; and it holds from the next operation on."""
    ycimages.rollback = 3
    given = {
        "timing": {"images.create": "Immediate()", "*": 2.5},
        "outcome": "Failure('ABORTED', 'x')",
        "cancel": "late",
        "latency": "uniform(0, 0)",
    }
    answer = control("PUT", "timing", given)
    assert answer.status_code == 200
    assert answer.json() == {
        **DEFAULTS,
        **given,
        "timing": {"images.create": "Immediate()", "*": "After(seconds=2.5)"},
        "outcome": "Failure('ABORTED', 'x')",
        "rollback": 3,
    }
    assert ycimages.outcome == Failure("ABORTED", "x")
    assert ycimages.latency == Latency.uniform(0, 0)
    assert control("PUT", "timing", {"outcome": "Success()", "timing": "Immediate()"}).json()["cancel"] == "late"
    assert ycimages.timing == Immediate()
    assert create().json()["done"] is True


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"timing": 5, "cancel": "lses"}, "Unknown cancel 'lses'. Did you mean 'loses'? Known: "),
        ({"timing": 5, "latency": True}, "invalid latency True: expected seconds or a duration such as "),
        ({"timing": None}, "invalid timing None: expected seconds such as 2.5, "),
        (
            {"timing": 5, "rollback": -1},
            f"invalid rollback=-1: expected {SECONDS}.",
        ),
        ({"timing": {"images.get": 5}}, "Unknown method that starts an operation 'images.get'. Did you mean "),
        ({"tming": 5}, "Unknown part of the timing 'tming'. Did you mean 'timing'? Known: "),
        ({}, "{} changes nothing. Give one or more of timing, outcome, rollback, cancel, cancel_delay, latency."),
        ([5], "invalid body [5]: expected an object with one or more of timing, outcome, "),
    ],
)
def test_a_timing_that_cannot_be_changes_nothing(control: Control, body: Any, error: str) -> None:
    """Not even what could be."""
    answer = control("PUT", "timing", body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert control("GET", "timing").json() == DEFAULTS


def test_the_next_operation(control: Control, create: Create) -> None:
    """It alone; the one after it comes from the settings."""
    asked = control("POST", "next-operation", {"on": "images.create", "timing": "Immediate()"})
    assert asked.status_code == 201
    assert asked.json() == {"upcoming": ["next_operation('images.create', timing=Immediate())"]}
    assert control("GET", "next-operation").json() == asked.json()
    assert [create().json()["done"] for _ in range(2)] == [True, False]
    assert control("GET", "next-operation").json() == {"upcoming": []}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "next_operation('*') has no values. Give timing, outcome, "),
        ({"tming": 5}, "Unknown part of an operation 'tming'. Did you mean 'timing'? Known: "),
        ({"on": 5, "timing": 5}, "Unknown method that starts an operation 5. "),
        ({"timing": {"*": 5}}, "timing={'*': 5} has values for several methods. "),
    ],
)
def test_a_next_operation_that_cannot_be(control: Control, ycimages: Double, body: Any, error: str) -> None:
    """Refused with the text of `next_operation`."""
    answer = control("POST", "next-operation", body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert not ycimages.upcoming


@pytest.mark.ycimages(clock="manual")
def test_the_clock_is_advanced(ycimages: Double, control: Control) -> None:
    """A manual clock, by whole seconds and by parts of one."""
    moved = control("POST", "clock/advance", {"seconds": 5})
    assert moved.json() == {"now": "2026-01-01T00:00:05Z", "elapsed": 5, "kind": "manual"}
    assert control("POST", "clock/advance", {"seconds": 0.25}).json()["elapsed"] == 5.25
    assert control("GET", "clock").json()["elapsed"] == 5.25
    assert ycimages.clock.now() - ycimages.clock.began_at == 5_250_000_000


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"seconds": -1}', "Cannot advance the clock by -1.0 seconds: time cannot go back."),
        (b'{"seconds": 1e300}', "Cannot advance the clock by 1e+300 seconds: its time ends with the year 9999."),
        (
            b'{"seconds": "5x"}',
            f"seconds='5x': Write seconds, zero or more, or a duration {DURATIONS}. The fields are seconds.",
        ),
        (b'{"seconds": true}', "seconds=True: Input should be a valid number. The fields are seconds."),
        (b"", "seconds is missing. The fields are seconds."),
        (b'{"second": 5}', "Unknown field 'second'. Did you mean 'seconds'? Known: seconds."),
        (
            b'{"seconds": NaN}',
            "The body is not valid JSON: expected value at line 1 column 13. Send an object, such as ",
        ),
        (b"{", "The body is not valid JSON: EOF while parsing an object at line 1 column 1. Send "),
        (b"\xff", "The body is not valid JSON: "),
        (b"[" * 100_000, "The body is not valid JSON: "),
        (b"[5]", "invalid body [5]: expected an object with one or more of seconds"),
    ],
)
@pytest.mark.ycimages(clock="manual")
def test_a_step_that_cannot_be(ycimages: Double, control: Control, body: bytes, error: str) -> None:
    """Refused, and the time stays."""
    answer = control("POST", "clock/advance", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert ycimages.clock.now() == ycimages.clock.began_at


def test_a_real_clock_is_not_moved(control: Control) -> None:
    """The text says what to do instead."""
    assert control("GET", "clock").json()["kind"] == "real"
    answer = control("POST", "clock/advance", {"seconds": 5})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Cannot advance the clock by 5.0 seconds: this double runs on the real ")


def test_virtual_time_is_moved(ycimages_time: VirtualTime, control: Control) -> None:
    """The client's time with it."""
    assert control("POST", "clock/advance", {"seconds": 60}).json()["kind"] == "virtual"
    assert ycimages_time.elapsed == 60


@pytest.mark.ycimages(unknown_resources="not_found", timing="Immediate()")
def test_what_exists_is_added(ycimages: Double, control: Control, session: requests.Session) -> None:
    """A folder, and one source of each kind; images are made of all of them."""
    folder = control("POST", "folders", {}).json()["id"]
    link = "https://storage.yandexcloud.net/bucket/base.qcow2"
    sources = {
        "diskId": control("POST", "disks", {"size": 2**30, "data_size": 2**20}).json()["id"],
        "snapshotId": control("POST", "snapshots", {"snapshot_id": "fd8snapshot", "os": "WINDOWS"}).json()["id"],
        "imageId": control("POST", "images", {"name": "base", "folder_id": folder}).json()["id"],
        "uri": control("POST", "objects", {"uri": link, "size": 2**20}).json()["id"],
    }
    assert (sources["snapshotId"], sources["uri"]) == ("fd8snapshot", link)
    assert ycimages.images[sources["imageId"]].name == "base"
    for name, source in sources.items():
        body = {"folderId": folder, name: source}
        headers = {"Authorization": f"Bearer {ycimages.token}"}
        operation = session.post(f"{ycimages.url}/compute/v1/images", json=body, headers=headers).json()
        assert operation["response"]["status"] == "READY", name


@pytest.mark.ycimages(timing=60, clock="manual")
def test_operations_in_flight_and_several_images_are_added(ycimages: Double, control: Control) -> None:
    """With ages as numbers or text, and in any status."""
    image_id = control("POST", "images", {"status": "CREATING", "age": 45.5, "operation_id": "making"}).json()["id"]
    assert ycimages.operations["making"].metadata.image_id == image_id
    running = control("POST", "operations", {"operation_id": "running", "age": "45s", "name": "web"})
    assert (running.status_code, running.json()) == (201, {"id": "running"})
    assert not ycimages.operations["running"].done
    body = {"images": 3, "every": "1d", "family": "base", "name": "base-{n}"}
    several = control("POST", "images/several", body)
    assert several.status_code == 201
    images = [ycimages.images[id_] for id_ in several.json()["ids"]]
    assert [(image.name, image.created_at[:10]) for image in images] == [
        ("base-1", "2025-12-30"),
        ("base-2", "2025-12-31"),
        ("base-3", "2026-01-01"),
    ]
    (failed,) = control("POST", "images/several", {"images": [{"status": "ERROR", "name": "broken"}]}).json()["ids"]
    assert ycimages.images[failed].status == "ERROR"


def test_a_disk_is_removed(ycimages: Double, control: Control, session: requests.Session) -> None:
    """It is refused from then on; added again, it is accepted."""
    assert control("POST", "disks/remove", {"disk_id": "epd0000000000000000a"}).json() == {"id": "epd0000000000000000a"}
    body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}
    headers = {"Authorization": f"Bearer {ycimages.token}"}
    url = f"{ycimages.url}/compute/v1/images"
    assert "not found" in session.post(url, json=body, headers=headers).json()["message"]
    control("POST", "disks", {"disk_id": "epd0000000000000000a"})
    assert session.post(url, json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("disks/remove", {}, "disk_id is missing. The fields are disk_id."),
        ("folders", {"folder_id": 5}, "folder_id=5: Input should be a valid string. The fields are folder_id."),
        ("disks", {"size": True}, "size.int=True: Input should be a valid integer; size.str="),
        ("disks", {"szie": 5}, "Unknown field 'szie'. Did you mean 'size'? Known: "),
        ("disks", {"size": 1, "data_size": 2}, "A disk of 1 bytes cannot hold 2 bytes of data."),
        ("snapshots", {"os": "BEOS"}, "Unknown operating system type 'BEOS'. Known: "),
        ("snapshots", {"product_ids": "a"}, "product_ids='a': Input should be a valid list. The fields are "),
        ("images", {"nme": "a"}, "Unknown image field 'nme'. Did you mean 'name'? Known: "),
        ("images", {"name": 5}, "invalid image: name=5: "),
        ("images", {"image_id": 5}, "image_id=5: Input should be a valid string. "),
        ("images", [], "invalid body []: expected an object with one or more of image_id"),
        (
            "images",
            {"age": "soon"},
            f"invalid age='soon': expected {SECONDS}.",
        ),
        ("images", {"age": [5]}, "age.float=[5]: Input should be a valid number; age.str=[5]: "),
        ("images/several", {}, "images is missing. The fields are images, every."),
        ("images/several", {"images": [{}, {"nme": "a"}]}, "Unknown image field 'nme'. Did you mean 'name'? Known: "),
        (
            "operations",
            {"method": "images.delete"},
            "The image None is not named: images.delete needs one that is READY.",
        ),
        ("objects", {}, "uri is missing. The fields are uri, size, virtual_size, format, reachable."),
        ("objects", {"uri": "http://x/y"}, "invalid uri 'http://x/y': expected a file in Object Storage"),
    ],
)
def test_what_cannot_exist_is_refused(control: Control, ycimages: Double, path: str, body: Any, error: str) -> None:
    """With the texts of `add_disk` and its like."""
    answer = control("POST", path, body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert not ycimages.images


@pytest.mark.ycimages(timing=7, faults=["internal(), when=first(1)"], clock="manual")
def test_a_fresh_start(ycimages: Double, control: Control, create: Create) -> None:
    """As new, with the settings that it was made with, at the same address; faults of the settings strike anew."""
    before = control("GET", "state").json()
    assert create().status_code == 500
    create()
    control("PUT", "timing", {"timing": 1})
    control("POST", "faults", "hang(), expect=False")
    control("POST", "next-operation", {"timing": 60})
    control("POST", "clock/advance", {"seconds": 60})
    answer = control("POST", "reset")
    assert answer.status_code == 200
    assert answer.json() == before
    assert control("GET", "calls").json()["last"] == 0
    assert ycimages.timing == After(7)
    assert create().status_code == 500
