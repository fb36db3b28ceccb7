"""32 clients at once, over real sockets: the journal explains the end state exactly."""

from __future__ import annotations

import http.client
import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from pytest_ycimages import AfterPolls, Code, Double, Never
from tests.client import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

CLIENTS: Final = 32
ROUNDS: Final = 20
LASTING: Final = 40
"""Images that nobody deletes: every walk through the list must meet each of them."""


class Client:
    """A client with one connection that it keeps, and a memory of what it was told."""

    def __init__(self, double: Double) -> None:
        self._connection = http.client.HTTPConnection(double.host, double.port, timeout=20)
        self._folder = double.folder_id
        self._headers = {"Authorization": f"Bearer {double.token}"}
        self.calls = 0
        self.ended: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()

    def call(self, verb: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        headers = {**self._headers, "Idempotency-Key": key} if key else self._headers
        self._connection.request(verb, path, json.dumps(body) if body else None, headers)
        answer = self._connection.getresponse()
        self.calls += 1
        return answer.status, json.loads(answer.read())

    def create(self, key: str = "", **fields: str) -> tuple[int, Any]:
        """Start to create an image."""
        body = {"folderId": self._folder, "diskId": "epd0000000000000000a", **fields}
        return self.call("POST", IMAGES, body, key)

    def wait(self, operation: Any) -> Any:
        """Poll until an operation is done; it is remembered as it was then."""
        while not operation["done"]:
            _, operation = self.call("GET", f"/operations/{operation['id']}")
        self.ended[operation["id"]] = operation
        return operation

    def walk(self, page_size: int) -> Iterator[str]:
        """The ids of all images, page by page."""
        path = f"{IMAGES}?folderId={self._folder}&pageSize={page_size}"
        token = ""
        while True:
            _, page = self.call("GET", f"{path}&pageToken={token}" if token else path)
            yield from (image["id"] for image in page.get("images", ()))
            token = page.get("nextPageToken", "")
            if not token:
                return


def crowd(double: Double, work: Callable[[Client, int], Any]) -> list[Any]:
    """Let all clients do their work at once: what each came to, in their order."""
    start = Barrier(CLIENTS)

    def one(number: int) -> Any:
        with Client(double) as client:
            start.wait(timeout=20)
            return work(client, number)

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(one, range(CLIENTS)))


def storm(client: Client, number: int) -> Client:
    """Create images, some with keys that four clients share, delete every other one, and list in between."""
    for turn in range(ROUNDS):
        key = f"shared-{turn}-{number // 4}" if turn % 3 == 0 else f"own-{turn}-{number}" if turn % 3 == 1 else ""
        status, operation = client.create(key, family=f"f{turn:03}")
        assert status == 200
        image_id = client.wait(operation)["metadata"]["imageId"]
        if turn % 2:
            status, operation = client.call("DELETE", f"{IMAGES}/{image_id}", key=f"delete-{image_id}")
            assert status == 200 or operation["code"] in {Code.NOT_FOUND.number, Code.FAILED_PRECONDITION.number}
            if status == 200:
                client.wait(operation)
        if turn % 5 == 4:
            seen = list(client.walk(page_size=50))
            assert len(seen) == len(set(seen)), "a walk met an image twice"
            assert sum(id_.startswith("lasting-") for id_ in seen) == LASTING, "a walk missed an image"
    return client


@pytest.fixture(scope="module")
def stormed() -> Iterator[tuple[Double, list[Client]]]:
    """A double after the storm, and the clients that made it."""
    with Double(timing=AfterPolls(2)) as double:
        for number in range(LASTING):
            double.add_image(f"lasting-{number:02}")
        yield double, crowd(double, storm)


@pytest.mark.costly
def test_the_journal_has_every_call_once(stormed: tuple[Double, list[Client]]) -> None:
    """As many as the clients made, and those are a few thousand."""
    double, clients = stormed
    assert len(double.calls) == sum(client.calls for client in clients) > 2000


@pytest.mark.costly
def test_no_image_is_lost_and_none_is_there_twice(stormed: tuple[Double, list[Client]]) -> None:
    """The images that are there are those that calls created, without those that calls deleted."""
    double, _ = stormed
    started = {
        method: {call.operation_id: call.image_id for call in double.calls.of(method) if call.status is Code.OK}
        for method in ("images.create", "images.delete")
    }
    for of_images in started.values():
        assert len(set(of_images.values())) == len(of_images), "two operations of one kind on one image"
    lasting = {f"lasting-{number:02}" for number in range(LASTING)}
    created, deleted = (set(of_images.values()) for of_images in started.values())
    assert deleted <= created
    assert set(double.images) == lasting | (created - deleted)
    assert set(double.operations) == started["images.create"].keys() | started["images.delete"].keys()


@pytest.mark.costly
def test_a_key_makes_one_image_and_no_key_makes_one_each_time(stormed: tuple[Double, list[Client]]) -> None:
    """Whoever shares a key shares the operation."""
    double, _ = stormed
    by_key: defaultdict[str, list[str | None]] = defaultdict(list)
    for call in double.calls.of("images.create"):
        by_key[call.metadata.get("idempotency-key", "")].append(call.operation_id)
    without = by_key.pop("")
    assert len(set(without)) == len(without)
    assert all(len(set(operations)) == 1 for operations in by_key.values())
    shared, own = len(range(0, ROUNDS, 3)), len(range(1, ROUNDS, 3))
    assert Counter(map(len, by_key.values())) == {4: shared * CLIENTS // 4, 1: own * CLIENTS}
    created = {call.operation_id for call in double.calls.of("images.create")}
    assert len(created) == len(without) + len(by_key)


@pytest.mark.costly
def test_every_operation_ends_once(stormed: tuple[Double, list[Client]]) -> None:
    """It runs, then it has succeeded and stays so; everybody who saw it done saw the very same."""
    double, clients = stormed
    notes: defaultdict[str, list[str]] = defaultdict(list)
    for call in double.calls:
        if call.operation_id:
            notes[call.operation_id].append(call.note)
    for seen in notes.values():
        assert seen == sorted(seen), "an operation that had ended was seen running"
        assert set(seen) <= {"running", "succeeded"}
    assert all(operation.done and operation.response for operation in double.operations.values())
    for client in clients:
        for id_, operation in client.ended.items():
            assert operation == double.operations[id_].to_wire()


def test_identical_requests_with_one_key_make_one_image() -> None:
    """32 at once, again and again: one operation for all of them, and one image."""
    keys = [f"00000000-0000-4000-8000-{number:012}" for number in range(8)]
    with Double(timing=Never()) as double:
        answers = crowd(double, lambda client, _: [client.create(key, name=f"of-{key[-1]}") for key in keys])
        assert all(answer == answers[0] for answer in answers)
        assert all(status == 200 for status, _ in answers[0])
        assert len(double.images) == len(double.operations) == len(keys)


def test_a_name_goes_to_one_of_those_who_ask_for_it() -> None:
    """Without a key, one is first and the others are refused."""
    with Double(timing=Never()) as double:
        answers = crowd(double, lambda client, _: client.create(name="wanted")[0])
        assert Counter(answers) == {200: 1, 409: CLIENTS - 1}
        assert len(double.images) == len(double.operations) == 1


def test_an_image_is_deleted_by_one_of_those_who_try() -> None:
    """The others meet an image that is being deleted."""
    with Double(timing=Never()) as double:
        image_id = double.add_image()
        answers = crowd(double, lambda client, _: client.call("DELETE", f"{IMAGES}/{image_id}")[1].get("code", 0))
        assert Counter(answers) == {0: 1, Code.FAILED_PRECONDITION.number: CLIENTS - 1}
        assert len(double.operations) == 1


def test_a_quota_lets_in_as_many_as_it_says() -> None:
    """However many ask at once."""
    with Double(timing=Never(), quotas="default") as double:
        answers = crowd(double, lambda client, _: client.create()[0])
        assert Counter(answers) == {200: 15, 429: CLIENTS - 15}
        assert len(double.images) == 15
