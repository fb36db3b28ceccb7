"""Recording over gRPC: calls in flight on one connection, deadlines, cancelled calls, and the end of the double."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import grpc
import httpx
import pytest
from yandex.cloud.compute.v1 import image_service_pb2 as api

from pytest_ycimages import Double, SecretFoundError, VirtualTime, hang
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.server.workers import MOST
from tests.cassette.modes.transports import OverGrpc, OverRest
from tests.grpc.clients import DISK, TIMEOUT, Stubs

if TYPE_CHECKING:
    from pathlib import Path

GATES: Final = 5


class Count:
    """Counts calls, and waits for them."""

    def __init__(self) -> None:
        self._more = threading.Semaphore(0)

    def add(self, _: object = None) -> None:
        """Count one more."""
        self._more.release()

    def wait(self, calls: int = 1) -> None:
        """Wait for so many more."""
        assert all(self._more.acquire(timeout=TIMEOUT) for _ in range(calls))


def begin(stubs: Stubs, double: Double, name: str = "") -> Any:
    """Begin to ask for an image."""
    return stubs.images.Create.future(request(double, name), metadata=stubs.metadata, timeout=TIMEOUT)


def no_worker_is_left() -> bool:
    """Wait until the threads of recordings have ended."""
    workers = [thread for thread in threading.enumerate() if thread.name == "ycimages:recording"]
    for thread in workers:
        thread.join(TIMEOUT)
    return not any(thread.is_alive() for thread in workers)


class Gate:
    """An upstream that answers no call before so many have come."""

    def __init__(self, calls: int) -> None:
        self.upstream = Double(on_call=self._hold)
        self.come = Count()
        self._barrier = threading.Barrier(calls)

    def _hold(self, _: object) -> None:
        self.come.add()
        self._barrier.wait(TIMEOUT)


def request(double: Double, name: str = "") -> Any:
    """Return a request for an image."""
    return api.CreateImageRequest(folder_id=double.folder_id, disk_id=DISK, name=name)


@pytest.mark.parametrize("secure", [False, True])
def test_calls_on_one_connection_do_not_wait_for_each_other(secure: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """The upstream answers none of them before all have come."""
    gate = Gate(GATES)
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "all.yaml", upstream=upstream.url) as recording,
        Stubs(recording, secure=secure) as stubs,
    ):
        calls = [begin(stubs, recording, f"n{number}") for number in range(GATES)]
        assert len({call.result().id for call in calls}) == GATES
        assert len(recording.cassette.interactions) == GATES


@pytest.mark.costly
def test_there_is_a_limit_to_the_threads(tmp_path: Path) -> None:
    """What is beyond it waits for its turn, and is recorded all the same."""
    gate = Gate(MOST)
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "all.yaml", upstream=upstream.url) as recording,
        Stubs(recording) as stubs,
    ):
        calls = [begin(stubs, recording) for _ in range(2 * MOST)]
        assert all(call.result().id for call in calls)
        assert len(recording.cassette.interactions) == 2 * MOST
    assert no_worker_is_left()


def test_a_deadline_ends_a_call_and_the_recording_has_its_answer(tmp_path: Path) -> None:
    """The service does what it was asked, whether the client waits for it or not."""
    gate, recorded = Gate(2), Count()
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "it.yaml", upstream=upstream.url, on_call=recorded.add) as recording,
        Stubs(recording) as stubs,
    ):
        with pytest.raises(grpc.RpcError) as error:
            stubs.call(stubs.images.Create, request(recording, "late"), timeout=0.1)
        told: Any = error.value
        assert told.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert stubs.call(stubs.images.Create, request(recording, "next")).id
        recorded.wait(2)
        how = sorted(call.grpc.gave_up for call in recording.calls if call.grpc)
        assert how in (["", "deadline"], ["", "cancelled"])  # which of them, by whose clock is ahead
        assert len(recording.cassette.interactions) == 2
    assert read_cassette(tmp_path / "it.yaml").is_complete


@pytest.mark.costly
def test_a_call_that_is_cancelled_after_it_was_sent_is_recorded(tmp_path: Path) -> None:
    """Its image exists."""
    gate, recorded = Gate(MOST), Count()
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "a.yaml", upstream=upstream.url, on_call=recorded.add) as recording,
        Stubs(recording) as stubs,
    ):
        sent = [begin(stubs, recording) for _ in range(MOST - 1)]
        gate.come.wait(MOST - 1)
        sent[0].cancel()
        last = begin(stubs, recording)  # opens the gate
        assert all(call.result().id for call in (*sent[1:], last))
        recorded.wait(MOST)
        assert [call.grpc.gave_up for call in recording.calls if call.grpc and call.grpc.gave_up] == ["cancelled"]
        assert len(recording.cassette.interactions) == MOST


@pytest.mark.costly
def test_a_call_that_is_cancelled_before_its_turn_is_never_sent(tmp_path: Path) -> None:
    """Nothing is known of it, to the service and to the cassette."""
    gate = Gate(MOST + 1)
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "all.yaml", upstream=upstream.url) as recording,
        Stubs(recording) as stubs,
        OverRest(recording) as client,
    ):
        sent = [begin(stubs, recording) for _ in range(MOST)]
        gate.come.wait(MOST)
        waiting = begin(stubs, recording)
        with pytest.raises(grpc.RpcError):  # over the same connection, and behind it
            stubs.call(stubs.images.Create, request(recording), timeout=0.1)
        waiting.cancel()
        stubs.call(stubs.channel.unary_unary("/grpc.health.v1.Health/Check"), b"")  # comes after both
        client.ask("images.list", {"folderId": recording.folder_id})  # opens the gate
        assert all(call.result().id for call in sent)
    assert len(read_cassette(tmp_path / "all.yaml").interactions) == MOST + 1
    assert len(upstream.calls) == MOST + 1


def test_the_end_of_the_double_ends_calls_without_an_answer(tmp_path: Path) -> None:
    """The recording has a gap, so an older cassette would stay."""
    asked = Count()
    with Double(on_call=asked.add) as upstream:
        upstream.inject(hang(), on="images.create")
        recording = Double(mode="record", cassette=tmp_path / "it.yaml", upstream=upstream.url).start()
        with Stubs(recording) as stubs:
            assert stubs.call(stubs.images.List, api.ListImagesRequest(folder_id=recording.folder_id)) is not None
            call = begin(stubs, recording)
            asked.wait(2)
            recording.close(patience=0.05)
            assert call.exception(TIMEOUT).code() is grpc.StatusCode.UNAVAILABLE
        assert no_worker_is_left()
        recording.check()
    assert not read_cassette(tmp_path / "it.yaml").is_complete


def test_an_upstream_that_is_late_lets_virtual_time_pass(ycimages_time: VirtualTime, tmp_path: Path) -> None:
    """For four calls at once as for one; and a deadline passes in virtual time."""
    with (
        Double(latency=7) as upstream,
        Double(mode="record", cassette=tmp_path / "late.yaml", upstream=upstream.url) as recording,
        Stubs(recording) as stubs,
    ):
        calls = [stubs.images.Create.future(request(recording), metadata=stubs.metadata, timeout=60) for _ in range(4)]
        assert all(call.result().id for call in calls)
        assert ycimages_time.elapsed == 7
        with pytest.raises(grpc.RpcError) as error:
            stubs.call(stubs.images.Create, request(recording), timeout=3)
        told: Any = error.value
        assert told.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert ycimages_time.elapsed == 10
        assert stubs.call(stubs.images.Create, request(recording), timeout=60).id
        assert ycimages_time.elapsed == 17
        assert {each.duration for each in recording.cassette.interactions} == {7}
        assert len(recording.cassette.interactions) == 6


def test_requests_of_rest_over_http2_do_not_wait_either(tmp_path: Path) -> None:
    """They share connections with calls of gRPC."""
    gate = Gate(GATES)
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "all.yaml", upstream=upstream.url) as recording,
        httpx.Client(http2=True, http1=False, base_url=recording.url, timeout=TIMEOUT) as client,
        ThreadPoolExecutor(GATES) as pool,
    ):
        body = {"folderId": recording.folder_id, "diskId": DISK}
        headers = {"Authorization": f"Bearer {recording.token}"}
        answers = list(pool.map(lambda _: client.post("/compute/v1/images", json=body, headers=headers), range(GATES)))
        assert {answer.status_code for answer in answers} == {200}


def test_a_client_that_leaves_is_recorded_to_the_end(tmp_path: Path) -> None:
    """As over HTTP/1.1: what it had asked for has happened."""
    gate, recorded = Gate(2), Count()
    with (
        gate.upstream as upstream,
        Double(mode="record", cassette=tmp_path / "it.yaml", upstream=upstream.url, on_call=recorded.add) as recording,
    ):
        with Stubs(recording) as stubs:
            call = begin(stubs, recording)
            gate.come.wait()
        assert call.code() is grpc.StatusCode.CANCELLED
        with OverGrpc(recording) as client:
            client.ask("images.list", {"folderId": recording.folder_id})
        recorded.wait(2)
    assert len(read_cassette(tmp_path / "it.yaml").interactions) == 2


def test_a_secret_over_grpc_refuses_to_be_saved(tmp_path: Path) -> None:
    """The client has its answer, for the image is there; the test fails, and the old cassette stays."""
    path = tmp_path / "it.yaml"
    with Double() as upstream:
        with Double(mode="record", cassette=path, upstream=upstream.url) as recording, Stubs(recording) as stubs:
            stubs.call(stubs.images.Create, request(recording))
        old = path.read_bytes()
        recording = Double(mode="record", cassette=path, upstream=upstream.url).start()
        with Stubs(recording) as stubs:
            asked = api.CreateImageRequest(folder_id=recording.folder_id, disk_id=DISK, description="deadbeef01" * 8)
            assert stubs.call(stubs.images.Create, asked).id
        recording.close()
        with pytest.raises(SecretFoundError, match=r"(?s)it\.yaml was not saved for POST .*long-hexadecimal"):
            recording.check()
    assert path.read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == ["it.yaml"]
