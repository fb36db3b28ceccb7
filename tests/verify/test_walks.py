"""Whatever a client of a fake does, an equal fake answers the same when it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.verify.fake_target import verify_fake

from .taping import IMAGES, Taping

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS: Final = ("", "", "", "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
SOURCES: Final[tuple[dict[str, str], ...]] = (
    {"diskId": "epd00000000000000dsk"},
    {"snapshotId": "fd800000000000000snp"},
    {"imageId": "fd800000000000000img"},
    {"uri": "https://storage.yandexcloud.net/bucket/disk.qcow2"},
    {"uri": "https://storage.yandexcloud.net/bucket/disk.vdi"},
)
TIMINGS: Final = ("After(0)", "After(3)", "After(12.5)", "AfterPolls(1)", "AfterPolls(3)", "Never()")
ENDINGS: Final = ("Success()", "Success()", "Failure('UNAVAILABLE', 'no room')")

which: Final = st.integers(0, 5)
names: Final = st.sampled_from(("", "", "web", "db", "Upper"))
steps: Final = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(SOURCES), names, st.sampled_from(KEYS)),
    st.tuples(st.just("copy"), which, names),
    st.tuples(st.just("update"), which, names),
    st.tuples(st.just("delete"), which),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("poll"), which),
    st.tuples(st.just("poll"), which),
    st.tuples(st.just("look"), which),
    st.tuples(st.just("operations"), which),
    st.tuples(st.just("list"), st.sampled_from(("", "createdAt desc", "name"))),
    st.tuples(st.just("wait"), st.sampled_from((0.5, 1, 3, 9, 20))),
)


class Walk:
    """A client that remembers what it has been given."""

    def __init__(self, **settings: Any) -> None:
        self.taping = Taping(**settings)
        self.operations: list[Any] = []

    def image(self, number: int) -> str:
        """One of the images that were made; one that never was, if that many were not."""
        if number >= len(self.operations):
            return "fd800000000000000000"
        image_id: str = self.operations[number]["metadata"]["imageId"]
        return image_id

    def take(self, step: tuple[Any, ...]) -> None:
        """Do one thing."""
        word, *values = step
        verb: Callable[..., Any] = getattr(self, word)
        answer = verb(*values)
        if isinstance(answer, dict) and "done" in answer and word in {"create", "copy", "update", "delete"}:
            self.operations.append(answer)

    def create(self, source: dict[str, str], name: str, key: str) -> Any:
        """Create an image."""
        return self.taping.create(**source, name=name, key=key)

    def copy(self, number: int, name: str) -> Any:
        """Create an image of one of those."""
        return self.taping.create(imageId=self.image(number), name=name)

    def update(self, number: int, name: str) -> Any:
        """Name an image, and describe it by that."""
        body = {"updateMask": "name,description", "name": name, "description": f"called {name}"}
        return self.taping("PATCH", f"{IMAGES}/{self.image(number)}", body)

    def delete(self, number: int) -> Any:
        """Delete an image."""
        return self.taping("DELETE", f"{IMAGES}/{self.image(number)}")

    def cancel(self, number: int) -> None:
        """Cancel an operation."""
        if number < len(self.operations):
            self.taping.cancel(self.operations[number])

    def poll(self, number: int) -> None:
        """Poll an operation."""
        self.taping.poll(self.operations[number] if number < len(self.operations) else {"id": "fd8"})

    def look(self, number: int) -> None:
        """Look at an image."""
        self.taping.look(self.image(number))

    def operations_of(self, number: int) -> None:
        """List the operations on an image."""
        self.taping("GET", f"{IMAGES}/{self.image(number)}/operations")

    def list(self, order: str) -> None:
        """List the images. Pages are for `test_scenarios.py`: which image is on which decides what is polled."""
        self.taping("GET", IMAGES, folderId=self.taping.folder_id, orderBy=order)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.taping.wait(seconds)


@pytest.mark.costly
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    walk=st.lists(steps, max_size=14),
    timing=st.sampled_from(TIMINGS),
    outcome=st.sampled_from(ENDINGS),
    rollback=st.sampled_from((0, 0, 2)),
    cancel=st.sampled_from(("wins", "wins", "late", "loses", "too_late", "refused")),
    contract=st.sampled_from(("page", "current")),
)
def test_an_equal_fake_differs_in_nothing(walk: list[tuple[Any, ...]], **rules: Any) -> None:
    """What nobody saw is taken to have gone as it usually does."""
    client = Walk(**rules)
    for step in walk:
        client.take(("operations_of", *step[1:]) if step[0] == "operations" else step)
    verification = verify_fake(client.taping.tape())
    assert [(each.number, each.line, each.difference) for each in verification.findings] == []
