"""Clients that vanish, dawdle, never read, or come in crowds: none of them is another client's business."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, ImageStatus
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.listener import Listener
from tests.server.raw_client import CREATE, HEAD_OF_CREATE_IN_CHUNKS, PATIENCE, Client, endpoint, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.server.http import HttpRequest

CROWD: Final = 64
MORE_THAN_ANY_BUFFER: Final = bytes(32 * 2**20)

VANISHING = pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="before a word"),
        pytest.param(CREATE[:10], id="in the request line"),
        pytest.param(CREATE[:60], id="in the head"),
        pytest.param(CREATE[:-10], id="in the body"),
        pytest.param(HEAD_OF_CREATE_IN_CHUNKS + b"ff\r\n{", id="in a chunk"),
        pytest.param(
            request("POST", "/iam/v1/tokens", "Expect: 100-continue", "Content-Length: 9"), id="told to go on"
        ),
        pytest.param(endpoint("iam"), id="before reading the answer"),
        pytest.param(endpoint("iam") * 1000, id="before reading a thousand answers"),
        pytest.param(b"hello\r\n\r\n", id="before reading the refusal"),
    ],
)


def _serving(server: Double | Listener) -> list[threading.Thread]:
    """The threads that serve its clients."""
    return [thread for thread in threading.enumerate() if thread.name == f"ycimages:{server.port}:client"]


@VANISHING
@pytest.mark.parametrize("leave", [Client.vanish, Client.__exit__], ids=["reset", "close"])
def test_a_client_may_vanish_at_any_point(ycimages: Double, sent: bytes, leave: Callable[[Client], None]) -> None:
    """Its thread ends, and the next client finds the double as ever."""
    rude = Client(ycimages)
    rude.send(sent)
    leave(rude)
    with Client(ycimages) as polite:
        assert polite.ask(endpoint("iam")).status == 200
        assert polite.ask(CREATE).status == 200
    for thread in _serving(ycimages):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert len(ycimages.images) == 1


@VANISHING
def test_a_client_may_stop_in_the_middle_while_another_is_served(ycimages: Double, sent: bytes) -> None:
    """It neither leaves nor goes on; nobody waits for it, and closing does not either."""
    with Client(ycimages) as slow, Client(ycimages) as quick:
        slow.send(sent)
        assert quick.ask(CREATE).status == 200
        assert quick.ask(endpoint("iam")).status == 200


@pytest.mark.parametrize("at", range(0, len(CREATE), 17))
def test_a_client_that_paused_is_answered_when_it_goes_on(ycimages: Double, at: int) -> None:
    """Wherever it paused, and whatever others did in the meantime."""
    with Client(ycimages) as slow, Client(ycimages) as quick:
        slow.send(CREATE[:at])
        first = quick.ask(CREATE).json["metadata"]["imageId"]
        second = slow.ask(CREATE[at:]).json["metadata"]["imageId"]
    assert set(ycimages.images) == {first, second}


def test_a_client_that_never_reads_holds_up_nobody() -> None:
    """The server waits for it on a thread of its own, and no longer than until it is closed."""
    asked = threading.Event()

    def answer(http: HttpRequest) -> HttpReply:
        if http.path == "/endpoints/iam":
            return HttpReply(200, (), b"{}")
        asked.set()
        return HttpReply(200, (), MORE_THAN_ANY_BUFFER)

    listener = Listener(answer, "127.0.0.1", 0)
    try:
        with Client(listener) as deaf, Client(listener) as other:
            deaf.send(CREATE)
            assert asked.wait(PATIENCE)
            assert other.ask(endpoint("iam")).status == 200
            threads = _serving(listener)
            listener.close()
            assert [thread.is_alive() for thread in threads] == [False, False]
    finally:
        listener.close()


def test_a_crowd_is_served_at_once() -> None:
    """All clients are connected before any of them asks; each gets its own image and no other's."""
    together = threading.Barrier(CROWD, timeout=PATIENCE)

    def bake(_: int) -> tuple[str, str]:
        with Client(double) as client:
            together.wait()
            operation = client.ask(CREATE).json
            done = client.ask(request("GET", f"/operations/{operation['id']}")).json
            assert done["done"]
            assert done["response"]["id"] == operation["metadata"]["imageId"]
            return operation["id"], done["response"]["id"]

    with Double() as double, ThreadPoolExecutor(CROWD) as crowd:
        baked = list(crowd.map(bake, range(CROWD)))
        assert len({operation_id for operation_id, _ in baked}) == CROWD
        assert {image_id for _, image_id in baked} == set(double.images)
        assert {image.status for image in double.images.values()} == {ImageStatus.READY}
        assert [len(double.calls.of(method)) for method in ("images.create", "operations.get")] == [CROWD, CROWD]


def test_a_crowd_may_wait_in_line_to_be_accepted(ycimages: Double) -> None:
    """Connections may come faster than they are accepted: none is refused."""
    clients = [Client(ycimages) for _ in range(CROWD)]
    for client in clients:
        client.send(endpoint("iam"))
    for client in clients:
        with client:
            assert client.answer().json["id"] == "iam"
