"""With a limit, the double forgets only what has ended, and shows clients the same cloud as without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, chance, image_seen_late, over_rate, slow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = tuple[str, int, str]

NOT_FOUND: Final = 404
NAMES: Final = ("", "web", "db")
HOMES: Final = frozenset({"pytest_ycimages", "builtins", "collections", "sortedcontainers"})
"""The modules of the types that hold the state of a double."""


class Client:
    """A client of a double, in process, that numbers the images that it creates."""

    def __init__(self, **options: Any) -> None:
        self.double = Double(name="same", clock="manual", **options)
        self._session = requests.Session()
        self._session.mount("http://", self.double.requests_adapter())
        self._headers = {"Authorization": f"Bearer {self.double.token}"}
        self.images: list[str] = []
        self.operations: list[str] = []

    def send(self, verb: str, path: str, body: Any = None, key: str = "", **query: Any) -> requests.Response:
        """Send a request, with an idempotency key if there is one."""
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        return self._session.request(verb, f"http://x{path}", json=body, headers=headers, params=query)

    def step(self, what: str, number: int, name: str) -> Any:
        """Make one step, and return what it shows; ids are equal for doubles of one seed."""
        image_id = self.images[number % len(self.images)] if self.images else "fd80000000000000000x"
        path = f"/compute/v1/images/{image_id}"
        if what == "wait":
            self.double.clock.advance(number)
            return None
        if what == "create":
            body = {"folderId": self.double.folder_id, "diskId": "epd0000000000000000a", "name": name}
            answer = self.send("POST", "/compute/v1/images", body)
            self.images += [answer.json()["metadata"]["imageId"]] if answer.ok else []
        elif what == "update":
            mask = "name,description" if name else "description"
            answer = self.send("PATCH", path, {"updateMask": mask, "name": name, "description": f"v{number}"})
        elif what == "cancel":
            answer = self.send("GET", f"/operations/{self.operations[-1] if self.operations else 'fd8'}:cancel")
        else:
            answer = self.send({"delete": "DELETE", "get": "GET"}[what], path)
        if answer.ok and "createdBy" in answer.json():
            self.operations.append(answer.json()["id"])
        return answer.status_code, self._without_request_id(answer.json())

    def shown(self) -> Any:
        """What lists and reads show of the images."""
        folder = self.double.folder_id
        listed = [self.send("GET", "/compute/v1/images", folderId=folder, orderBy=by).json() for by in ("id", "name")]
        named = [
            self.send("GET", "/compute/v1/images", folderId=folder, filter=f'name="{name}"').json()
            for name in NAMES[1:]
        ]
        return listed, named, {id_: image.to_wire() for id_, image in self.double.images.items()}

    def _without_request_id(self, body: Any) -> Any:
        details = [each for each in body.get("details", ()) if "requestId" not in each]
        return body | ({"details": details} if "details" in body else {})


steps: Final = st.lists(
    st.tuples(
        st.sampled_from(["create", "create", "update", "update", "delete", "delete", "cancel", "get", "wait"]),
        st.integers(0, 9),
        st.sampled_from(NAMES),
    ),
    max_size=40,
)


@pytest.mark.costly
@settings(max_examples=80, deadline=None, derandomize=True)
@given(steps=steps, limit=st.integers(1, 4), timing=st.sampled_from([0, 3, "AfterPolls(1)", "Uniform(0, 9)"]))
def test_a_cloud_with_a_limit_is_the_same_to_its_clients(steps: list[Step], limit: int, timing: Any) -> None:
    """Answer by answer, for all that is still to be seen: the latest operations, and what exists."""
    whole, limited = Client(timing=timing), Client(timing=timing, journal_limit=limit)
    for step in steps:
        assert limited.step(*step) == whole.step(*step)
    assert limited.shown() == whole.shown()
    kept, every = limited.double.operations, whole.double.operations
    assert list(kept)[-limit:] == list(every)[-limit:]
    assert {id_: operation.to_wire() for id_, operation in kept.items()}.items() <= {
        id_: operation.to_wire() for id_, operation in every.items()
    }.items()
    for id_ in set(every) - set(kept):
        assert every[id_].done
        assert limited.send("GET", f"/operations/{id_}").status_code == NOT_FOUND


def creates(client: Client, count: int) -> Iterator[str]:
    """Create images, each with a key, and delete them."""
    for number in range(count):
        body = {"folderId": client.double.folder_id, "diskId": f"epd{number:017}", "name": f"image-{number}"}
        operation = client.send("POST", "/compute/v1/images", body, f"create-{number}").json()
        image_id = operation["metadata"]["imageId"]
        yield image_id
        client.double.clock.advance(1)
        client.send("DELETE", f"/compute/v1/images/{image_id}", key=f"delete-{number}")
        client.double.clock.advance(1)


def updates(client: Client, count: int) -> Iterator[str]:
    """Update one image, each time to another name, with a key."""
    image_id = client.double.add_image()
    for number in range(count):
        client.send(
            "PATCH", f"/compute/v1/images/{image_id}", {"updateMask": "name", "name": f"x{number}"}, f"k{number}"
        )
        yield image_id
        client.double.clock.advance(1)


def tokens(client: Client, count: int) -> Iterator[str]:
    """Ask for tokens."""
    for number in range(count):
        yield client.send("POST", "/iam/v1/tokens", {"yandexPassportOauthToken": f"oauth{number}"}).json()["iamToken"]


def revocations(client: Client, count: int) -> Iterator[str]:
    """Revoke tokens that the double has not issued."""
    for number in range(count):
        yield client.send("POST", "/iam/v1/tokens:revoke", {"iamToken": f"t1.{number}.x"}).text


def refusals(client: Client, count: int) -> Iterator[str]:
    """Make calls that are refused, each of its own."""
    for number in range(count):
        yield client.send("GET", f"/operations/fd8{number:017}").text


def struck(client: Client, count: int) -> Iterator[str]:
    """Make calls that faults strike, pass and count, each over a connection of its own."""
    client.double.inject(slow(0), per="connection", expect=False)
    client.double.inject(slow(0), on="operations.get", when=over_rate(2, per=3) | chance(0.5), expect=False)
    client.double.inject(image_seen_late(seconds=1), on="images.create", expect=False)
    for _ in creates(client, count):
        client.double.clock.advance(1)
        yield client.send("GET", f"/operations/fd8{len(client.double.calls):017}").text


def sizes(value: object, seen: set[int] | None = None) -> int:
    """How many items all collections hold that a value leads to, without code and modules."""
    seen = set() if seen is None else seen
    if (
        id(value) in seen
        or isinstance(value, type)
        or not type(value).__module__.startswith(("pytest_ycimages", "builtins", "collections", "sortedcontainers"))
    ):
        return 0
    seen.add(id(value))
    slots = [getattr(value, name, None) for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    inner = [*slots, *getattr(value, "__dict__", {}).values()]
    if isinstance(value, dict):
        inner += [*value, *value.values()]
    elif isinstance(value, list | tuple | set | frozenset) or hasattr(value, "popleft"):
        inner += list(value)  # type: ignore[call-overload]  # a deque
    return len(inner) + sum(sizes(each, seen) for each in inner)


@pytest.mark.costly
@pytest.mark.parametrize(
    ("work", "options"),
    [
        (creates, {}),
        (updates, {}),
        (tokens, {}),
        (revocations, {}),
        (refusals, {}),
        (refusals, {"latency": 0.001, "latency_order": "latency_first"}),
        (struck, {}),
    ],
)
def test_nothing_grows_with_the_calls(work: Callable[[Client, int], Iterator[str]], options: dict[str, Any]) -> None:
    """After seven times as many calls the double holds as much; without a limit it holds several times as much."""

    def held(count: int, limit: int | None) -> int:
        client = Client(timing=0, journal_limit=limit, **options)
        for _ in work(client, count):
            pass
        backing = client.double._backing  # noqa: SLF001 - all that the double holds
        return sizes([backing.pipeline, backing.ids])

    assert held(140, 10) < 1.2 * held(20, 10)
    assert held(140, None) > 3 * held(20, None)
