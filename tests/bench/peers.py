"""The subjects: each is started on loopback, asked to create and to poll, and stopped.

The floor, werkzeug and pytest-httpserver answer constants: the very bytes that the double answered once. Access
logs are off everywhere. A peer that is not installed is an error that says how to install it.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from werkzeug.serving import make_server

from pytest_ycimages import Double

from .asks import Ask, Peer, StandardClient
from .broken import needed
from .floor import Floor
from .moto_peer import moto

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

FLOOR: Final = "floor"
DOUBLE: Final = "pytest-ycimages"
HTTPSERVER: Final = "pytest-httpserver"


class Answers(NamedTuple):
    """What the double answered once to a create and to a poll."""

    create: bytes
    poll: bytes


def asks_of(double: Double) -> tuple[Ask, Callable[[bytes], Ask]]:
    """How to create an image at `double`, and how to poll the operation that an answer tells of."""
    headers = {"Authorization": f"Bearer {double.token}", "Content-Type": "application/json"}
    body = {
        "folderId": double.folder_id,
        "description": "Baked by the nightly pipeline from the golden snapshot, with agents and keys",
        "labels": {"team": "platform", "stage": "testing"},
        "family": "ubuntu-baked",
        "minDiskSize": "10737418240",
        "os": {"type": "LINUX"},
        "snapshotId": "fhm0000000000000000a",
    }
    get = {"Authorization": headers["Authorization"]}

    def poll(answer: bytes) -> Ask:
        return Ask("GET", f"/operations/{json.loads(answer)['id']}", get)

    return Ask("POST", "/compute/v1/images", headers, json.dumps(body).encode()), poll


@contextmanager
def running() -> Generator[list[Peer]]:
    """All peers, the floor first and the double second."""
    with ExitStack() as stack:
        double = _double(stack)
        answers = _answers(double)
        yield [
            _floor(stack, double, answers),
            double,
            _httpserver(stack, double, answers, threaded=False),
            _httpserver(stack, double, answers, threaded=True),
            _werkzeug(stack, double, answers),
            stack.enter_context(moto()),
        ]


def _double(stack: ExitStack) -> Peer:
    double = stack.enter_context(Double(unknown_fields="ignore"))
    work = "the image API: images.create, then operations.get"
    return Peer(DOUBLE, work, double.host, double.port, *asks_of(double))


def _answers(double: Peer) -> Answers:
    client = StandardClient(double.host, double.port)
    try:
        create = client.ask(double.create)
        return Answers(create, client.ask(double.poll(create)))
    finally:
        client.close()


def _floor(stack: ExitStack, double: Peer, answers: Answers) -> Peer:
    floor = stack.enter_context(Floor(answers.create, answers.poll))
    return Peer(FLOOR, "constant bytes, no parsing", floor.host, floor.port, double.create, double.poll)


def _httpserver(stack: ExitStack, double: Peer, answers: Answers, *, threaded: bool) -> Peer:
    server = needed("pytest_httpserver").HTTPServer(port=0, threaded=threaded)
    poll = double.poll(answers.create)
    server.expect_request(double.create.path, method="POST").respond_with_json(json.loads(answers.create))
    server.expect_request(poll.path, method="GET").respond_with_json(json.loads(answers.poll))
    server.start()
    stack.callback(server.stop)
    name = f"{HTTPSERVER}, threaded" if threaded else HTTPSERVER
    return Peer(name, "constant JSON", server.host, server.port, double.create, lambda _: poll, server.clear_log)


def _werkzeug(stack: ExitStack, double: Peer, answers: Answers) -> Peer:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = answers.create if environ["REQUEST_METHOD"] == "POST" else answers.poll
        start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
        return [body]

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return Peer("werkzeug, threaded", "constant WSGI app", "127.0.0.1", server.port, double.create, double.poll)
