"""The stream of events: all that happens arrives once and in order, and a reader holds up nothing."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_ycimages import Double, VirtualTime, reset
from pytest_ycimages.control.live import BATCH
from pytest_ycimages.server import activity
from pytest_ycimages.server.activity import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]
    Event = tuple[str, str, dict[str, Any]]


def read(answer: requests.Response) -> Iterator[Event]:
    """Yield the events of an answer as they come: the kind, the id and the data of each."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines(chunk_size=None, decode_unicode=True):  # as it comes
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}


def listen(double: Double, last: str = "") -> Iterator[Event]:
    """Open a stream over a socket."""
    headers = {"Last-Event-ID": last} if last else {}
    return read(requests.get(f"{double.url}/_ycimages/events", headers=headers, stream=True, timeout=20))


def called(double: Double, times: int = 1) -> None:
    """Make calls in process."""
    with requests.Session() as session:
        session.mount("http://", double.requests_adapter())
        for _ in range(times):
            session.get("http://x/endpoints")


def numbers(events: Iterator[Event], until: int) -> list[int]:
    """The numbers of the calls that come, up to one of them."""
    found: list[int] = []
    while until not in found:
        kind, _, data = next(events)
        found += [call["number"] for call in data["calls"]] if kind == "calls" else []
    return found


def until(events: Iterator[Event], kind: str, part: str = "") -> Event:
    """The next event of a kind, and with a part of the state."""
    return next(event for event in events if event[0] == kind and (not part or part in event[2]))


def test_a_reader_gets_what_was_and_what_comes(ycimages: Double) -> None:
    """First all calls and the whole state, then each call and each change."""
    called(ycimages, 2)
    events = listen(ycimages)
    assert next(events)[0] == "reset"
    assert numbers(events, 2) == [1, 2]
    state = until(events, "state")[2]
    assert state["double"]["token"] == ycimages.token
    assert state["clock"]["kind"] == "real"
    image = ycimages.add_image(name="base")
    assert until(events, "state", f"image/{image}")[2][f"image/{image}"]["name"] == "base"
    ycimages.inject(reset(), on="images.get", expect=False)
    assert until(events, "state", "fault/1")[2]["fault/1"]["ini"] == "reset(), on='images.get', expect=False"
    called(ycimages)
    assert numbers(events, 3) == [3]


@pytest.mark.ycimages(clock="manual", timing=20)
def test_the_phases_of_an_operation_come_with_it(ycimages: Double, create: Create) -> None:
    """Those to come as well; and each change when it happens."""
    events = listen(ycimages)
    operation = create().json()["id"]
    name = f"operation/{operation}"
    shown = until(events, "state", name)[2][name]
    assert shown["phases"] == [["running", 0.0], ["succeeded", 20.0]]
    ycimages.clock.advance(20)
    state = until(events, "state", name)[2]
    assert state[name]["done"] is True
    assert [value["status"] for key, value in state.items() if key.startswith("image/")] == ["READY"]
    assert state["clock"]["elapsed"] == 20


def test_what_is_gone_is_named(ycimages: Double) -> None:
    """An image that is deleted is None in the next event."""
    ycimages.timing = 0
    image = ycimages.add_image()
    events = listen(ycimages)
    assert until(events, "state", f"image/{image}")
    headers = {"Authorization": f"Bearer {ycimages.token}"}
    requests.delete(f"{ycimages.url}/compute/v1/images/{image}", headers=headers, timeout=20)
    assert until(events, "state", f"image/{image}")[2][f"image/{image}"] is None


def test_a_reader_that_comes_again_goes_on_where_it_was(ycimages: Double) -> None:
    """By the id of its last event, also one of another double's: that is read from the beginning."""
    called(ycimages, 3)
    first = list(zip(range(3), listen(ycimages), strict=False))
    ids = [id_ for _, (_, id_, _) in first]
    assert ids[0].endswith(".0")
    called(ycimages, 2)
    assert numbers(listen(ycimages, ids[-1]), 5) == [4, 5]
    for other in ("", "x.3", "3", ids[-1].replace(".3", ".x"), f"{ids[-1]}x"):
        events = listen(ycimages, other)
        assert next(events)[0] == "reset"
        assert numbers(events, 5) == [1, 2, 3, 4, 5]


def test_a_reset_begins_anew(ycimages: Double) -> None:
    """Its ids and numbers begin with one again."""
    called(ycimages, 2)
    events = listen(ycimages)
    numbers(events, 2)
    ycimages.reset()
    called(ycimages)
    assert until(events, "reset")[2] == {}
    came: dict[str, dict[str, Any]] = {}
    while not {"calls", "state"} <= came.keys():  # in either order: the state is sent before the call comes, or with it
        kind, _, data = next(events)
        came.setdefault(kind, data)
    assert [call["number"] for call in came["calls"]["calls"]] == [1]
    assert "double" in came["state"]


@pytest.mark.costly
def test_many_calls_come_in_several_events(ycimages: Double) -> None:
    """Each once, and in order."""
    called(ycimages, 3 * BATCH)
    events = listen(ycimages)
    assert numbers(events, 3 * BATCH) == list(range(1, 3 * BATCH + 1))


def test_calls_that_the_journal_has_dropped_are_counted() -> None:
    """The rest comes all the same."""
    with Double(journal_limit=3) as double:
        called(double, 5)
        kind, _, data = next(event for event in listen(double) if event[0] == "calls")
        assert (kind, data["dropped"], [call["number"] for call in data["calls"]]) == ("calls", 2, [3, 4, 5])


def test_closing_the_double_ends_every_stream_at_once() -> None:
    """And leaves no thread behind, whether a reader reads or not."""
    before = threading.active_count()
    double = Double().start()
    called(double)
    reading = [listen(double) for _ in range(3)]
    assert all(next(each)[0] == "reset" for each in reading)
    with closing(socket.create_connection((double.host, double.port))) as idle:
        idle.sendall(b"GET /_ycimages/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert idle.recv(1) == b"H"
        double.close()
        assert threading.active_count() == before
        while idle.recv(2**16):
            pass
    for each in reading:
        with pytest.raises(requests.RequestException):
            list(each)


@pytest.mark.costly
def test_a_reader_that_does_not_read_holds_up_nobody_else(ycimages: Double) -> None:
    """Calls are answered, another reader gets them, and the double closes."""
    with closing(socket.create_connection((ycimages.host, ycimages.port))) as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.sendall(b"GET /_ycimages/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        called(ycimages, 2 * BATCH)
        assert numbers(listen(ycimages), 2 * BATCH)[-1] == 2 * BATCH


def test_the_connection_goes_on_when_the_reader_sends_another_request(ycimages: Double) -> None:
    """The stream ends in good order, as a body in chunks does."""
    with closing(socket.create_connection((ycimages.host, ycimages.port))) as client:
        client.sendall(b"GET /_ycimages/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        data = b""
        while b"event: state" not in data:
            data += client.recv(2**16)
        assert b"transfer-encoding: chunked" in data.lower()
        client.sendall(b"GET /_ycimages/health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        while b'"ok"' not in data:
            data += client.recv(2**16)
        assert b"\r\n0\r\n\r\nHTTP/1.1 200 OK" in data


@pytest.mark.parametrize("request_line", ["GET /_ycimages/events HTTP/1.0", "HEAD /_ycimages/events HTTP/1.1"])
def test_a_client_that_cannot_have_a_stream_gets_an_end(ycimages: Double, request_line: str) -> None:
    """With the length of what there is."""
    called(ycimages)
    with closing(socket.create_connection((ycimages.host, ycimages.port))) as client:
        client.sendall(f"{request_line}\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        data = b""
        while more := client.recv(2**16):
            data += more
    head = data.partition(b"\r\n\r\n")[0].lower()
    assert (b"content-length" in head) != (b"405" in head)
    assert b"chunked" not in head


def test_in_process_the_stream_ends(ycimages: Double) -> None:
    """A client of this thread would wait for itself."""
    called(ycimages)
    with requests.Session() as session:
        session.mount("http://", ycimages.requests_adapter())
        kinds = [kind for kind, _, _ in read(session.get("http://x/_ycimages/events"))]
    assert kinds == ["reset", "calls", "state"]


def test_virtual_time_passes_while_a_stream_is_open() -> None:
    """A browser is none of the test's threads: their waits move time all the same."""
    with VirtualTime() as time, Double() as double, closing(socket.socket()) as browser:
        browser.connect((double.host, double.port))
        browser.sendall(b"GET /_ycimages/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        while not [each for each in list(activity.serving.values()) if each.phase is Phase.WAITING]:
            pass
        before = time.now()
        threading.Event().wait(3600)
        assert time.now() - before == 3600 * 10**9


def test_a_replay_shows_what_its_cassette_lacks() -> None:
    """With the nearest request that was recorded."""
    with closing(Double(mode="replay", cassette="cassettes/image-from-disk.yaml").start()) as double:
        requests.get(f"{double.url}/compute/v1/images/none", timeout=20)
        state = until(listen(double), "state")[2]
    assert state["cassette"]["unused"] == state["cassette"]["interactions"] > 0
    assert "nearest" in state["problems"][0]
    assert set(state["timing"]) == {"latency"}
