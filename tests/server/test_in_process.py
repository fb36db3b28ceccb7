"""The double as a WSGI application: no socket, and the very same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import httpx
import pytest
from werkzeug.test import Client as WerkzeugClient

from pytest_ycimages import AfterPolls, Double
from tests.server.raw_client import CREATE_BODY, Answer, Client
from tests.server.raw_client import request as raw_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.datastructures import Headers as WerkzeugHeaders


class Question(NamedTuple):
    """A request that every transport can send."""

    verb: str
    target: str
    body: bytes = b""
    authorization: str = "Bearer t1.a.b"


class Transport(Protocol):
    """Asks a double, one question after another."""

    def __call__(self, double: Double, questions: Sequence[Question]) -> list[Answer]:
        """The answers, in the order of the questions."""


def _over_a_socket(double: Double, questions: Sequence[Question]) -> list[Answer]:
    with double, Client(double) as client:
        return [
            client.ask(raw_request(verb, target, body=body, authorization=authorization))
            for verb, target, body, authorization in questions
        ]


def _through_werkzeug(double: Double, questions: Sequence[Question]) -> list[Answer]:
    client, answers = WerkzeugClient(double.app), []
    for verb, target, body, authorization in questions:
        headers = {"Authorization": authorization}
        answer = client.open(target, base_url="http://localhost", method=verb, headers=headers, data=body)
        answers.append(Answer(answer.status_code, _lower(answer.headers), answer.data))
    return answers


def _through_httpx(double: Double, questions: Sequence[Question]) -> list[Answer]:
    answers = []
    with httpx.Client(transport=httpx.WSGITransport(double.app), base_url="http://localhost") as client:
        for verb, target, body, authorization in questions:
            answer = client.request(verb, target, headers={"Authorization": authorization}, content=body)
            answers.append(Answer(answer.status_code, _lower(answer.headers), answer.content))
    return answers


def _lower(headers: httpx.Headers | WerkzeugHeaders) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


IN_PROCESS = pytest.mark.parametrize("in_process", [_through_werkzeug, _through_httpx], ids=["werkzeug", "httpx"])

SAME: Final = {
    "created": [Question("POST", "/compute/v1/images", CREATE_BODY)] * 2,
    "tokens": [
        Question("POST", "/iam/v1/tokens", b'{"yandexPassportOauthToken": "y0_a"}'),
        Question("POST", "/iam/v1/tokens?jwt=a.b.c"),
    ],
    "endpoints": [Question("GET", "/endpoints"), Question("GET", "/endpoints/iam"), Question("HEAD", "/endpoints")],
    "decoded": [Question("GET", f"/endpoints/{id_}") for id_ in ("%69am", "%20", "a%2Fb", "a%3Fb")],
    "refused": [
        Question("POST", "/compute/v1/images", b"{}"),
        Question("POST", "/compute/v1/images", b'{"name": 12345}'),
        Question("POST", "/compute/v1/images", b"{"),
        Question("POST", "/compute/v1/images", b"\xff\xfe"),
        Question("GET", "/compute/v1/images/fd800000000000000000", authorization="Basic a"),
        Question("GET", "/compute/v1/images/fd800000000000000000"),
        Question("GET", "/operations/fd800000000000000000"),
        Question("GET", "/operations/x"),
    ],
    "not served": [Question(verb, "/nothing/here", b"x") for verb in ("GET", "HEAD", "POST", "OPTIONS", "DELETE")],
    "not allowed": [Question(verb, "/endpoints") for verb in ("POST", "PUT", "PATCH", "OPTIONS", "TRACE")],
    "as large as may be": [Question("POST", "/compute/v1/images", CREATE_BODY.ljust(4 * 2**20))],
    "too large": [Question("POST", "/compute/v1/images", CREATE_BODY.ljust(4 * 2**20 + 1))],
}


@IN_PROCESS
@pytest.mark.parametrize("questions", SAME.values(), ids=SAME)
def test_answers_are_the_same_as_over_a_socket(in_process: Transport, questions: list[Question]) -> None:
    """Status, headers and every byte of the body: two doubles of one seed and clock tell no transport apart."""
    over_a_socket = _over_a_socket(Double(clock="manual"), questions)
    assert in_process(Double(clock="manual"), questions) == over_a_socket


@IN_PROCESS
def test_an_image_is_baked_the_same_way(in_process: Transport) -> None:
    """From the creation through three polls and the image to a cancel that comes too late."""
    creating = Question("POST", "/compute/v1/images", CREATE_BODY)
    operation = _over_a_socket(Double(clock="manual"), [creating])[0].json
    image, polled = f"/compute/v1/images/{operation['metadata']['imageId']}", f"/operations/{operation['id']}"
    questions = [
        creating,
        *[Question("GET", target) for target in (image, polled, polled, image, f"{polled}:cancel", polled)],
        Question("POST", f"{polled}:cancel"),
    ]
    doubles = [Double(clock="manual", timing=AfterPolls(3)) for _ in range(2)]
    over_a_socket = _over_a_socket(doubles[0], questions)
    assert in_process(doubles[1], questions) == over_a_socket
    assert [answer.json.get("done") for answer in over_a_socket] == [False, None, False, True, None, True, True, True]
    assert repr(doubles[0].calls) == repr(doubles[1].calls)


@IN_PROCESS
def test_the_double_needs_no_socket_for_it(in_process: Transport) -> None:
    """It was never started, and everything else works."""
    double = Double()
    operation = in_process(double, [Question("POST", "/compute/v1/images", CREATE_BODY)])[0].json
    assert list(double.operations) == [operation["id"]]
    assert repr(double).startswith("<Double unnamed: not serving")


def test_both_may_be_used_at_once(ycimages: Double) -> None:
    """The socket and the application lead to the same cloud."""
    created = _through_httpx(ycimages, [Question("POST", "/compute/v1/images", CREATE_BODY)])[0].json
    image = Question("GET", f"/compute/v1/images/{created['metadata']['imageId']}")
    with Client(ycimages) as client:
        assert client.ask(raw_request(image.verb, image.target)).json["id"] == created["metadata"]["imageId"]


def test_the_application_stays_the_double_s_when_the_double_is_reset() -> None:
    """A client is set up once, and the double may be reset between examples."""
    double = Double()
    client = WerkzeugClient(double.app)
    double.reset()
    client.post("/compute/v1/images", data=CREATE_BODY, headers={"Authorization": "Bearer t1.a.b"})
    assert len(double.images) == 1
