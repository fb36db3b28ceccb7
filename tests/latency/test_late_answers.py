"""Answers that come late, on clocks that are moved: no test here waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import freezegun
import httpx
import pytest

from pytest_ycimages import Code, Double, DoubleFailedError, Latency

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pytest_ycimages import Call

    Connect = Callable[[Double], AbstractContextManager[httpx.Client]]

BODY: Final = {"folderId": "b1g", "diskId": "epd"}
IMAGES: Final = "/compute/v1/images"


def test_a_latency_moves_a_manual_clock(connect: Connect) -> None:
    """Each answer is complete so much later, and nobody has waited for it."""
    double = Double(clock="manual", latency=60, timing=90)
    with connect(double) as client:
        operation = client.post(IMAGES, json=BODY).json()
        polls = [client.get(f"/operations/{operation['id']}").json()["done"] for _ in range(3)]
    assert polls == [False, True, True]
    assert [call.at for call in double.calls] == [0, 60, 120, 180]
    assert [call.latency for call in double.calls] == [60] * 4
    assert [(call.came_at, call.answered_at) for call in double.calls][1] == (60, 120)
    assert double.clock.now() - double.clock.began_at == 240 * 10**9


def test_a_latency_moves_time_that_the_test_has_frozen(connect: Connect) -> None:
    """The client's clock has moved when the answer is there."""
    double = Double(latency=0.25)
    with freezegun.freeze_time("2026-03-01 12:00:00") as frozen, connect(double) as client:
        before = frozen()
        client.post(IMAGES, json=BODY)
        client.get("/endpoints")
        assert (frozen() - before).total_seconds() == 0.5
        assert [call.at for call in double.calls] == [0, 0.25]


def test_without_latency_the_clock_stands(connect: Connect) -> None:
    """And nothing of a call says anything of one."""
    double = Double(clock="manual")
    with connect(double) as client:
        client.get("/endpoints")
    (call,) = double.calls
    assert (call.at, call.latency, call.deferred, call.answered_at) == (0, 0, 0, 0)
    assert "late" not in str(call)


def test_each_method_has_its_own_latency(connect: Connect) -> None:
    """Also calls that no method serves, and those that are refused."""
    double = Double(clock="manual", latency={"images.create": 2, "operations.*": 1, "unrouted": 0.5})
    with connect(double) as client:
        for verb, path, body in (
            ("POST", IMAGES, BODY),
            ("POST", IMAGES, {"name": 5}),
            ("POST", IMAGES, {}),
            ("GET", IMAGES + "/fd8", None),
            ("GET", "/operations/fd8", None),
            ("GET", "/nowhere", None),
            ("PUT", IMAGES, None),
        ):
            client.request(verb, path, json=body)
    assert [call.latency for call in double.calls] == [2, 2, 2, 0, 1, 0.5, 0.5]
    assert [call.at for call in double.calls] == [0, 2, 4, 6, 6, 7, 7.5]


def test_the_latency_may_be_set_in_the_middle(connect: Connect) -> None:
    """For the calls that come from then on; `reset` brings the settings back."""
    double = Double(clock="manual", latency="uniform(1, 2)")
    assert double.latency == Latency.uniform(1, 2)
    with connect(double) as client:
        double.latency = 3
        client.get("/endpoints")
        double.latency = {"endpoints.list": "fixed(4)"}
        assert double.latency == {"endpoints.list": Latency.fixed(4)}
        client.get("/endpoints")
        double.latency = 0
        client.get("/endpoints")
    assert [call.latency for call in double.calls] == [3, 4, 0]
    double.reset()
    assert double.latency == Latency.uniform(1, 2)


def test_the_effect_comes_first(connect: Connect) -> None:
    """The image is there from the moment of the call, and its operation counts from then."""
    double = Double(clock="manual", latency=10, timing=5)
    with connect(double) as client:
        operation = client.post(IMAGES, json=BODY).json()
        assert operation["done"] is False
        assert double.operations[operation["id"]].done
    assert operation["createdAt"].startswith("2026-01-01T00:00:00Z")


def test_the_latency_comes_first_when_the_double_is_told_so(connect: Connect) -> None:
    """The call happens when the time is over, and the answer comes at once."""
    double = Double(clock="manual", latency=10, timing=5, latency_order="latency_first")
    with connect(double) as client:
        operation = client.post(IMAGES, json=BODY).json()
        assert not double.operations[operation["id"]].done
    (call,) = double.calls
    assert (call.came_at, call.at, call.answered_at) == (0, 10, 10)
    assert (call.latency, call.deferred) == (10, 10)
    assert operation["createdAt"].startswith("2026-01-01T00:00:10")


def test_gaps_and_attempts_do_not_mind_the_order(connect: Connect) -> None:
    """A gap lies between two moments at which a call happened."""
    for order in ("effect_first", "latency_first"):
        double = Double(clock="manual", latency=0.5, latency_order=order)
        with connect(double) as client:
            for _ in range(3):
                client.get("/endpoints")
                double.clock.advance(1)
        assert double.calls.gaps == [1.5, 1.5]
        assert [call.attempt for call in double.calls] == [1, 2, 3]


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
@pytest.mark.parametrize("order", ["effect_first", "latency_first"])
def test_a_latency_over_the_body_changes_no_byte(connect: Connect, verb: str, order: str) -> None:
    """Status, headers and body are those of a double that is not late; the order is that of the effect."""
    answers = []
    for latency in (Latency.fixed(0), Latency.fixed(5, over_body=True)):
        double = Double(clock="manual", latency=latency, latency_order=order)
        with connect(double) as client:
            answer = client.request(verb, "/endpoints")
            missing = client.request(verb, "/nowhere")
            double.clock.advance(0)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        answers.append((answer.status_code, headers, answer.content, missing.status_code, missing.content))
        assert [call.at for call in double.calls] == ([0, 5] if latency.over_body else [0, 0])
        assert double.clock.now() - double.clock.began_at == (10 * 10**9 if latency.over_body else 0)
    assert answers[0] == answers[1]
    assert int(answers[0][1]["content-length"]) > 100


def test_who_listens_hears_of_a_call_before_its_answer_is_complete() -> None:
    """So that a test can act while the client still waits."""
    heard: list[int] = []
    double = Double(clock="manual", latency=5, on_call=lambda _: heard.append(double.clock.now()))
    with httpx.Client(transport=httpx.WSGITransport(app=double.app), base_url="http://localhost") as client:
        client.get("/endpoints")
    assert heard == [double.clock.began_at]


@pytest.mark.parametrize("over_body", [False, True])
def test_a_call_that_makes_the_double_fail_is_late_as_well(connect: Connect, over_body: bool) -> None:  # noqa: FBT001
    """A client with a time limit meets the failure as it would meet any answer."""

    def fail(_: Call) -> None:
        raise LookupError

    def ask() -> None:
        with connect(double) as client:
            answers.append(client.get("/endpoints"))
            answers.append(client.get("/nowhere"))
            answers.append(client.post(IMAGES, json={"name": 5}))
        double.check()

    answers: list[httpx.Response] = []
    double = Double(clock="manual", latency=Latency.fixed(2, over_body=over_body), on_call=fail)
    with pytest.raises(DoubleFailedError, match="failed at 3 call"):
        ask()
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert [answer.json()["code"] for answer in answers] == [Code.INTERNAL.number] * 3
    assert double.clock.now() - double.clock.began_at == 6 * 10**9
