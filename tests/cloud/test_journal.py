"""The journal: every call with its answer, and what a test can ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from pytest_ycimages import Calls, Code, Double, UsageError
from pytest_ycimages.api.create_image import CreateImageRequest
from tests.client import Cloud

if TYPE_CHECKING:
    from pytest_ycimages import Call

BODY = {"folderId": "b1g00000000000000000", "diskId": "epd00000000000000000"}

GOLDEN = """\
+0.000s    images.create     POST /compute/v1/images  OK  running  operation <operation>  image <image>
+1.000s    operations.get    GET /operations/<operation>  OK  running  image <image>
+3.000s    operations.get    GET /operations/<operation>  OK  running  image <image>  2.000s after attempt 1
+7.000s    operations.get    GET /operations/<operation>  OK  succeeded  image <image>  4.000s after attempt 2
+7.000s    operations.get    GET /operations/nope  INVALID_ARGUMENT  invalid operation id 'nope'"""


@pytest.fixture
def double() -> Double:
    """A double whose clock stands still, spoken to in process."""
    return Double(clock="manual", name="test", timing="AfterPolls(3)")


def baked(double: Double) -> Any:
    """Create an image and poll three times, 1, 2 and 4 seconds apart; return the create's reply."""
    operation: Any = Cloud(double).call("POST", "/compute/v1/images", BODY).json
    for wait in (1, 2, 4):
        double.clock.advance(wait)
        Cloud(double).call("GET", f"/operations/{operation['id']}")
    return operation


def test_a_call_is_written_down_with_its_answer(double: Double) -> None:
    """Who asked what, when, how it was answered, and which operation and image it was about."""
    double.clock.advance(0.25)
    operation: Any = Cloud(double).call("POST", "/compute/v1/images", BODY).json
    (call,) = double.calls
    assert call.method == "images.create"
    assert call.at == 0.25
    assert (call.attempt, call.gap) == (1, None)
    assert call.status is Code.OK
    assert call.operation_id == operation["id"]
    assert call.image_id == operation["metadata"]["imageId"]
    assert call.line == "POST /compute/v1/images"
    assert call.note == "running"
    assert isinstance(call.message, CreateImageRequest)
    assert (call.message.folder_id, call.message.disk_id) == (BODY["folderId"], BODY["diskId"])
    assert call.metadata["authorization"] == f"Bearer {double.token}"
    assert call.unknown_fields == ()


def test_the_same_call_made_again_is_the_next_attempt(double: Double) -> None:
    """Polls of one operation are counted, and the gaps between them are exact."""
    baked(double)
    polls = double.calls.of("operations.get")
    assert [call.attempt for call in polls] == [1, 2, 3]
    assert [call.at for call in polls] == [1, 3, 7]
    assert [call.gap for call in polls] == [None, 2, 4]
    assert polls.gaps == [2, 4]
    assert [call.note for call in polls] == ["running", "running", "succeeded"]


def test_a_note_is_text_that_may_be_compared_with_any(double: Double) -> None:
    """Whatever the call: a status of an image would raise if it were compared with the phase of an operation."""
    image, cloud = double.add_image(family="base"), Cloud(double)
    for path in (f"/{image}", f":latestByFamily?folderId={double.folder_id}&family=base", f"/{image}/operations"):
        assert cloud.call("GET", f"/compute/v1/images{path}").status == 200
    assert cloud.call("GET", f"/compute/v1/images?folderId={double.folder_id}").status == 200
    assert [call.note for call in double.calls] == ["READY", "READY", "0 operations", "1 images"]
    assert all(call.note != "running" for call in double.calls)


def test_attempts_are_counted_by_the_whole_call(double: Double) -> None:
    """Another path, another body or another method is another call; the same body again is a second attempt."""
    for body in (BODY, BODY | {"name": "other"}, BODY):
        double.clock.advance(1)
        Cloud(double).call("POST", "/compute/v1/images", body)
    Cloud(double).call("GET", "/operations/fd8e0hsg8g5spl5sv8ls")
    Cloud(double).call("GET", "/operations/fd8e0hsg8g5spl5sv8ls:cancel")
    assert [(call.attempt, call.gap) for call in double.calls] == [(1, None), (1, None), (2, 2), (1, None), (1, None)]


@pytest.mark.parametrize(
    ("pattern", "methods"),
    [
        ("*", ["images.create", "operations.get", "images.get", "operations.cancel", "unrouted"]),
        ("images.*", ["images.create", "images.get"]),
        ("*.get", ["operations.get", "images.get"]),
        ("operations.cancel", ["operations.cancel"]),
        ("tokens.create", []),
        ("unrouted", ["unrouted"]),
    ],
)
def test_calls_are_chosen_by_method_or_glob(double: Double, pattern: str, methods: list[str]) -> None:
    """A word that is right and was not called gives no calls; order is kept."""
    Cloud(double).call("POST", "/compute/v1/images", BODY)
    for path in ("/operations/x", "/compute/v1/images/x", "/operations/x:cancel", "/nowhere"):
        Cloud(double).call("GET", path)
    assert [call.method for call in double.calls.of(pattern)] == methods


@pytest.mark.parametrize(("pattern", "nearest"), [("image.create", "images.create"), ("operation.*", "operations.get")])
def test_a_method_that_does_not_exist_is_refused_with_the_nearest(double: Double, pattern: str, nearest: str) -> None:
    """A misspelt word must not look like a call that was never made."""
    with pytest.raises(UsageError) as refusal:
        double.calls.of(pattern)
    assert str(refusal.value) == (
        f"Unknown method {pattern!r}. Did you mean {nearest!r}? Known: endpoints.get, endpoints.list, images.create, "
        "images.delete, images.get, images.latestByFamily, images.list, images.listAccessBindings, "
        "images.listOperations, images.setAccessBindings, images.update, images.updateAccessBindings, "
        "operations.cancel, operations.get, tokens.create, tokens.createForServiceAccount, tokens.revoke, unrouted."
    )


def test_calls_are_a_sequence(double: Double) -> None:
    """Index, slice, length, membership, iteration; a slice is `Calls` again and can be asked further."""
    assert not double.calls
    baked(double)
    calls = double.calls
    assert len(calls) == 4
    assert calls[0].method == "images.create"
    assert calls[-1].note == "succeeded"
    assert isinstance(calls[1:], Calls)
    assert len(calls[1:].of("images.create")) == 0
    assert calls[2:].gaps == [2, 4]
    assert list(calls[:2]) == [calls[0], calls[1]]
    assert calls[0] in calls
    assert next(reversed(calls)) == calls[-1]
    with pytest.raises(IndexError):
        calls[4]


def test_a_call_prints_as_a_line_for_people(double: Double) -> None:
    """When, what, how it was spelled, the answer, what became of it, and how long after the attempt before."""
    operation = baked(double)
    Cloud(double).call("GET", "/operations/nope")
    ids = {operation["id"]: "<operation>", operation["metadata"]["imageId"]: "<image>"}
    lines = "\n".join(map(str, double.calls))
    for drawn, word in ids.items():
        lines = lines.replace(drawn, word)
    assert lines == GOLDEN
    assert repr(double.calls[:2]) == f"<2 calls>\n{double.calls[0]}\n{double.calls[1]}"


def test_a_call_prints_as_one_line_whatever_the_client_sent(double: Double) -> None:
    """Neither a path with a line break in it nor the gateway's drawing of malformed JSON breaks a report's lines."""
    headers = {"Authorization": f"Bearer {double.token}"}
    Client(double.app).post("/compute/v1/images", data=b'{"a":\nx', headers=headers)
    Cloud(double).call("GET", "/nowhere%0A%0D%1B[31m")
    Cloud(double).call("POST", "/compute/v1/images", BODY | {"name": "a\nb"})
    assert [len(str(call).splitlines()) for call in double.calls] == [1, 1, 1]
    assert all(str(call).isprintable() for call in double.calls)


def test_a_call_that_no_method_serves_is_written_down(double: Double) -> None:
    """A client that calls the wrong path or with the wrong verb shows in the journal, without values of a query."""
    Cloud(double).call("GET", "/compute/v2/images?page=1")
    Cloud(double).call("PUT", "/compute/v1/images/x")
    assert [(call.method, call.line, call.status) for call in double.calls] == [
        ("unrouted", "GET /compute/v2/images?page=~SCRUBBED~", Code.NOT_FOUND),
        ("unrouted", "PUT /compute/v1/images/x", Code.UNIMPLEMENTED),
    ]


def test_a_call_that_the_gateway_or_the_contract_refuses_is_written_down(double: Double) -> None:
    """Its message is None: it was never understood. Its method is known all the same."""
    Cloud(double).call("POST", "/compute/v1/images", {"folderId": 5})
    Cloud(double).call("POST", "/compute/v1/images", {"folderId": "b1g"})
    assert [(call.method, call.status, call.message) for call in double.calls] == [
        ("images.create", Code.INVALID_ARGUMENT, None),
        ("images.create", Code.INVALID_ARGUMENT, None),
    ]


def test_fields_that_the_contract_does_not_know_are_written_down(double: Double) -> None:
    """Nested ones with their path; the call itself is answered as if they were not there."""
    reply = Cloud(double).call(
        "POST", "/compute/v1/images", BODY | {"pooled": True, "os": {"type": "LINUX", "nvidia": {}}}
    )
    assert reply.status == 200
    assert set(double.calls[0].unknown_fields) == {"pooled", "os.nvidia"}


def test_a_test_can_listen_to_calls_as_they_come() -> None:
    """`on_call` is called with each call once it is in the journal, refused ones included."""
    heard: list[Call] = []
    double = Double(on_call=heard.append)
    Cloud(double).call("POST", "/compute/v1/images", BODY)
    Cloud(double).call("POST", "/compute/v1/images", [])
    Cloud(double).call("GET", "/nowhere")
    assert heard == list(double.calls)
    assert len(heard) == 3
