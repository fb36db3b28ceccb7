"""Whatever a client sends, it is answered or refused, and the double goes on: in process, over sockets and HTTP/2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double
from tests.bad_input.over_http2 import over_http2
from tests.bad_input.requests_to_refuse import (
    LIMIT,
    Answered,
    Asked,
    control_requests,
    image_requests,
    in_process,
    over_a_socket,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Send = Callable[[Double, Asked], Answered]

pytestmark = pytest.mark.filterwarnings("ignore::pytest_ycimages.UnknownFieldWarning")

CREATE: Final = Asked("POST", "/compute/v1/images", body=b'{"folderId": "kept", "diskId": "d"}')
LOOKS: Final = ("state", "calls", "pacing", "faults", "timing", "next-operation", "clock")
QUICK: Final = settings(
    derandomize=True, database=None, deadline=None, max_examples=20, suppress_health_check=list(HealthCheck)
)
LONG: Final = settings(QUICK, max_examples=1000)
STRICT: Final[dict[str, Any]] = {
    "auth": "strict",
    "contract": "current",
    "unknown_fields": "reject",
    "unknown_resources": "not_found",
    "idempotency_key_format": "uuid",
    "idempotency_key_reuse": "reject",
    "violation_paths": "snake_case",
    "quotas": "default",
}
some_settings = st.sampled_from([{}, STRICT, {**STRICT, "unknown_resources": "accept"}, {"timing": 5, "latency": 0.5}])
storms = st.lists(image_requests() | control_requests(), min_size=1, max_size=6)


def check_answer(asked: Asked, answer: Answered) -> None:
    """The double does not fail, and says in words of bounded length what was wrong."""
    assert answer.status < 500 or answer.status == 501 or b"Injected: " in answer.body, (asked, answer)
    if answer.content_type == "text/plain":
        assert answer.status == 400
        assert answer.body.decode().strip()
    elif asked.verb != "HEAD":
        said = answer.json
        assert isinstance(said, dict), (asked, answer)
        if answer.status >= 400:
            assert said.get("message") or said.get("error") or "never_struck" in said, (asked, answer)
    if answer.status >= 400:
        assert len(answer.body) < LIMIT


def check_double(double: Double, send: Send, image_id: str) -> None:
    """It has lost nothing, its test does not fail, and it answers as before."""
    for path in LOOKS:
        answer = send(double, Asked("GET", f"/_ycimages/{path}"))
        assert answer.status == 200, (path, answer)
        assert isinstance(answer.json, dict)
    assert send(double, Asked("DELETE", "/_ycimages/faults")).status == 200
    assert not double.injections or all(each.is_removed for each in double.injections)
    double.check(faults=False)
    for call in double.calls:
        assert str(call).isprintable()
    assert len(str(double.calls).splitlines()) >= len(double.calls)
    if image_id in double.images:  # a `reset` forgets it
        assert send(double, Asked("GET", f"/compute/v1/images/{image_id}")).json["id"] == image_id
    assert send(double, Asked("GET", "/endpoints")).status == 200


def weather(double: Double, storm: list[Asked], send: Send) -> None:
    """Let a double that has an image meet a storm of odd requests."""
    double.add_folder("kept")
    double.add_disk(disk_id="d")
    created = send(double, CREATE).json
    image_id, operation_id = created["metadata"]["imageId"], created["id"]
    for each in storm:
        asked = each._replace(target=each.target.replace("{image}", image_id).replace("{operation}", operation_id))
        check_answer(asked, send(double, asked))
    check_double(double, send, image_id)


def storm_in_process(values: dict[str, Any], storm: list[Asked]) -> None:
    """With a double of its own."""
    weather(Double(clock="manual", **values), storm, in_process)


test_odd_requests_are_refused_in_process = QUICK(given(some_settings, storms)(storm_in_process))
test_many_odd_requests_are_refused_in_process = pytest.mark.slow(LONG(given(some_settings, storms)(storm_in_process)))


def storm_over_a_socket(values: dict[str, Any], storm: list[Asked]) -> None:
    """With a double of its own, whose damage to connections is left out."""
    with Double(clock="manual", **values) as double:
        calm = [each for each in storm if "faults" not in each.target]
        weather(double, calm, over_a_socket)


test_odd_requests_are_refused_over_a_socket = settings(QUICK, max_examples=8)(
    given(some_settings, storms)(storm_over_a_socket)
)
test_many_odd_requests_are_refused_over_a_socket = pytest.mark.slow(
    settings(LONG, max_examples=200)(given(some_settings, storms)(storm_over_a_socket))
)


def storm_over_http2(values: dict[str, Any], storm: list[Asked]) -> None:
    """With a double of its own, whose damage to connections is left out."""
    with Double(clock="manual", **values) as double:
        calm = [each for each in storm if "faults" not in each.target]
        weather(double, calm, over_http2)


test_odd_requests_are_refused_over_http2 = settings(QUICK, max_examples=4)(
    given(some_settings, storms)(storm_over_http2)
)
test_many_odd_requests_are_refused_over_http2 = pytest.mark.slow(
    settings(LONG, max_examples=200)(given(some_settings, storms)(storm_over_http2))
)


def test_a_failure_of_the_double_is_found() -> None:
    """The checks above can fail."""
    with pytest.raises(AssertionError):
        check_answer(CREATE, Answered(500, "application/json", json.dumps({"message": "The double failed"}).encode()))
    with pytest.raises(AssertionError):
        check_answer(CREATE, Answered(400, "application/json", b'"no"'))
