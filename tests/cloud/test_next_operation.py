"""For whom: settings for all operations, for each method, and for the next operation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from werkzeug.test import Client

from pytest_ycimages import After, AfterPolls, Double, Failure, Never, PerGiB, Success, UsageError
from pytest_ycimages.cloud.service import Service
from pytest_ycimages.plugin.failures import timeline
from pytest_ycimages.text_values import DURATIONS
from tests.client import Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS: Final = f"seconds, zero or more, such as 2.5, or a duration {DURATIONS}"


IMAGES = "/compute/v1/images"
KNOWN = "Known: images.create, images.delete, images.update."


@pytest.fixture
def double() -> Double:
    """A double whose clock stands still and whose operations take a minute."""
    return Double(clock="manual", name="test", timing=60)


def send(double: Double, method: str, path: str, body: object = None) -> Any:
    """Call `double`, and return the operation that it starts."""
    reply = Cloud(double).call(method, path, body)
    assert reply.status == 200, reply.text
    return reply.json


def create(double: Double) -> Any:
    """Create an image."""
    return send(double, "POST", IMAGES, {"folderId": "b1g", "diskId": "epd0000000000000000a"})


def update(double: Double) -> Any:
    """Update an image."""
    return send(double, "PATCH", f"{IMAGES}/{double.add_image()}", {"description": "new"})


def delete(double: Double) -> Any:
    """Delete an image."""
    return send(double, "DELETE", f"{IMAGES}/{double.add_image()}")


def ends(double: Double, operation: Any) -> int | None:
    """After how many seconds an operation is done, if it is within two minutes."""
    cloud = double._backing.pipeline.service  # noqa: SLF001 - looking at it takes no time
    assert isinstance(cloud, Service)
    plan = cloud.state.operations[operation["id"]].plan
    return None if plan.schedule.ends_at is None else (plan.schedule.ends_at - plan.started_at) // 10**9


def test_the_first_pattern_that_names_the_method_counts(double: Double) -> None:
    """In the order in which they were written; what none names has the default."""
    double.timing = {"images.create": PerGiB(7), "images.d*": 2}
    assert [ends(double, start(double)) for start in (create, delete, update)] == [7, 2, None]
    assert repr(double.timing) == "{'images.create': PerGiB(seconds=7, base=0), 'images.d*': After(seconds=2)}"
    double.timing = {"images.delete": 1, "*": 5}
    assert [ends(double, start(double)) for start in (create, delete, update)] == [5, 1, 5]


def test_every_setting_may_differ_by_method() -> None:
    """Outcomes and rollbacks as well as timings; only a create can be cancelled."""
    double = Double(
        clock="manual",
        timing="Immediate()",
        outcome={"images.delete": Failure("ABORTED", "busy")},
        rollback={"images.delete": 5, "images.create": 3},
        cancel={"images.*": "loses"},
    )
    assert "response" in create(double)
    deleted = delete(double)
    assert (deleted["done"], deleted["error"]) == (False, {"code": 10, "message": "busy"})
    double.clock.advance(5)
    assert double.operations[deleted["id"]].done
    assert double.images[deleted["metadata"]["imageId"]].status == "READY"
    double.timing = Never()
    operation = create(double)
    assert send(double, "POST", f"/operations/{operation['id']}:cancel") == operation


def test_the_settings_of_a_double_may_be_changed(double: Double) -> None:
    """For the operations that begin from then on; what has begun keeps to its plan."""
    first = create(double)
    double.timing, double.outcome, double.rollback, double.cancel, double.cancel_delay = 5, "Failure(8)", 2, "late", 9
    second = create(double)
    assert (double.timing, double.outcome, double.rollback) == (After(5), Failure("RESOURCE_EXHAUSTED"), 2)
    assert (double.cancel, double.cancel_delay) == ("late", 9)
    double.clock.advance(60)
    assert double.operations[first["id"]].response
    error = double.operations[second["id"]].error
    assert error
    assert error.code == "RESOURCE_EXHAUSTED"
    double.reset()
    assert (double.timing, double.outcome, double.cancel) == (After(60), Success(), "wins")


def test_the_next_operation_alone_may_be_different(double: Double) -> None:
    """What is not given comes from the settings, and the one after it is as ever."""
    double.next_operation(timing=5)
    double.next_operation(outcome=Failure("UNAVAILABLE"), rollback=1)
    first, second, third = (create(double) for _ in range(3))
    assert [ends(double, each) for each in (first, second, third)] == [5, 60, 60]
    double.clock.advance(60)
    errors = [double.operations[each["id"]].error is not None for each in (first, second, third)]
    assert errors == [False, True, False]
    assert not double.operations[second["id"]].done
    assert double.upcoming == ()


def test_what_is_asked_waits_for_the_operation_that_it_names(double: Double) -> None:
    """First in, first out among those that name the method."""
    double.next_operation("images.delete", timing=1)
    double.next_operation("images.*", timing=2)
    double.next_operation("images.create", timing=3)
    assert [ends(double, start(double)) for start in (create, create, update, delete)] == [2, 3, 60, 1]


def test_a_call_that_starts_nothing_uses_nothing_up(double: Double) -> None:
    """Neither a refusal nor a key that has been seen."""
    double.next_operation(timing=1)
    client = Client(double.app)
    headers = {"Authorization": "Bearer t1.a.b", "Idempotency-Key": "key"}
    body = {"folderId": "b1g", "diskId": "epd0000000000000000a"}
    assert client.post(IMAGES, json={"folderId": "b1g"}, headers=headers).status_code == 400
    first = client.post(IMAGES, json=body, headers=headers).json
    double.next_operation(timing=2)
    assert client.post(IMAGES, json=body, headers=headers).json == first
    assert ends(double, first) == 1
    assert [str(each) for each in double.upcoming] == ["next_operation('*', timing=After(seconds=2))"]


def test_a_cancel_of_the_next_operation_alone(double: Double) -> None:
    """Decided when it begins, and not when the cancel comes."""
    double.next_operation("images.create", cancel="late", cancel_delay=2)
    late, now = create(double), create(double)
    cancelled = [send(double, "POST", f"/operations/{each['id']}:cancel")["done"] for each in (late, now)]
    assert cancelled == [False, True]
    double.clock.advance(2)
    assert double.operations[late["id"]].done


def test_what_no_operation_took_is_in_the_timeline(double: Double) -> None:
    """A failing test shows it; it is no failure of its own."""
    double.next_operation("images.delete", timing=Never(), outcome=Failure("ABORTED", "busy"))
    double.next_operation(rollback=0)
    assert timeline(double).splitlines()[1:] == [
        "never used: next_operation('images.delete', timing=Never(), outcome=Failure('ABORTED', 'busy'))",
        "never used: next_operation('*', rollback=0)",
    ]
    double.check()
    double.reset()
    assert double.upcoming == ()


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (
            lambda double: double.next_operation(),
            (
                "next_operation('*') has no values. Give timing, outcome, rollback, cancel or cancel_delay, "
                "such as next_operation(timing=60)."
            ),
        ),
        (
            lambda double: double.next_operation("images.get", timing=5),
            f"Unknown method that starts an operation 'images.get'. Did you mean 'images.delete'? {KNOWN}",
        ),
        (
            lambda double: double.next_operation("images.delete", cancel="late"),
            (
                "Unknown method whose operation can be cancelled 'images.delete'. Did you mean 'images.create'? "
                "Known: images.create."
            ),
        ),
        (
            lambda double: double.next_operation(timing={"images.create": 5}),
            (
                "timing={'images.create': 5} has values for several methods. The next operation takes one value; "
                "`on` says which methods may start it."
            ),
        ),
        (
            lambda double: setattr(double, "timing", {"images.get": 5}),
            f"Unknown method that starts an operation 'images.get'. Did you mean 'images.delete'? {KNOWN}",
        ),
        (
            lambda double: setattr(double, "timing", {"*": 5, "images.create": 7}),
            (
                "'images.create' in timing is never used: '*' before it matches the same methods, and the first "
                "match wins. Move it up, or remove it."
            ),
        ),
        (
            lambda double: setattr(double, "outcome", {}),
            "outcome={} is empty. Give a value for some methods, such as {'images.create': ...}.",
        ),
        (
            lambda double: setattr(double, "cancel", {"images.update": "late"}),
            (
                "Unknown method whose operation can be cancelled 'images.update'. Did you mean 'images.create'? "
                "Known: images.create."
            ),
        ),
        (
            lambda double: setattr(double, "rollback", {"*": -1}),
            f"invalid rollback=-1: expected {SECONDS}.",
        ),
        (
            lambda double: setattr(double, "timing", {5: 5}),
            f"Unknown method that starts an operation 5. {KNOWN}",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    double: Double, ask: Callable[[Double], None], text: str
) -> None:
    """When it is written, with the nearest right word."""
    with pytest.raises(UsageError) as refusal:
        ask(double)
    assert str(refusal.value) == text
    assert (double.timing, double.outcome, double.rollback, double.upcoming) == (After(60), Success(), 0, ())


def test_a_word_that_names_no_method_at_all_is_refused_like_everywhere() -> None:
    """With every method, since any might have been meant."""
    with pytest.raises(UsageError, match=r"Unknown method 'imags.create'. Did you mean 'images.create'\?"):
        Double(timing={"imags.create": AfterPolls(2)})
