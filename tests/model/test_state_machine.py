"""The double never disagrees with the model, whatever is called in whatever order.

Deterministic and short by default; with YCIMAGES_FUZZ set, long and different on every run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.client import IMAGES

from . import strategies as drawn
from .agreement import Agreement
from .looking import Condition, Listing
from .records import Refusal

if TYPE_CHECKING:
    from .records import Fields, Image

FUZZ: Final = bool(os.environ.get("YCIMAGES_FUZZ"))


class Disagreement(RuleBasedStateMachine):
    """Looks for a disagreement: every rule makes a call, and the answers are compared."""

    @initialize(
        timing=drawn.timings,
        quota=drawn.quotas,
        strict=st.booleans(),
        rollback=st.sampled_from((0, 2, 0.5)),
        reuse=st.sampled_from(("first", "reject")),
        contract=st.sampled_from(("page", "current")),
        cancel=st.sampled_from(("wins", "wins", "late", "late", "loses", "too_late", "refused")),
        fails=st.sampled_from((None, None, None, Refusal(8, "no space left"))),
        seeded=st.integers(0, 3),
    )
    def begin(self, seeded: int, **rules: Any) -> None:
        """A double with a few images."""
        self.both = Agreement(**rules)
        self.model = self.both.model
        self.pages: list[tuple[Listing, str, Image]] = []
        self.keyed: list[tuple[str, str, Fields, int, str]] = []
        for _ in range(seeded):
            self.both.add_image(self.both.folders[0], family="web")

    def image_id(self, pick: int) -> str:
        """An image that is there or was, or one that never was."""
        known = [image.id for image in self.model.images] or ["fd800000000000000000"]
        return "fd8000000000000none0" if pick == drawn.NONE else known[-1 - pick % len(known)]

    def operation_id(self, pick: int) -> str:
        """An operation, or one that never was, or what cannot be one."""
        known = [operation.id for operation in self.model.operations]
        return (
            known[-1 - pick % len(known)] if known and pick != drawn.NONE else ("nonsense", "fd8" * 6 + "00")[pick % 2]
        )

    def change(self, kind: str, target: str, body: Fields, person: int, key: str) -> None:
        """Create, update or delete."""
        self.both.change(kind, target, body, person=person, key=key)
        if key:
            self.keyed.append((kind, target, body, person, key))

    @rule(body=drawn.creates, source=drawn.sources, folder=drawn.folders, person=drawn.people, key=drawn.keys)
    def create(self, body: Fields, source: Fields, folder: int, person: int, key: str) -> None:
        """From whatever source."""
        if "imageId" in source:
            source = {"imageId": self.image_id(source["imageId"])}
        self.change("create", "", {"folderId": self.both.folders[folder], **body, **source}, person, key)

    @rule(wrong=st.sampled_from(drawn.INVALID), key=drawn.keys)
    def create_invalid(self, wrong: Fields, key: str) -> None:
        """Against the contract: refused, and nothing changes."""
        body = {"folderId": self.both.folders[0], "diskId": "epd00000000000000new", **wrong}
        reply = self.both.ask("POST", IMAGES, body, key=key)
        assert (reply.status, reply.json["code"]) == (400, 3)
        assert reply.json["message"].startswith("Request validation error")

    @rule(pick=drawn.picks, body=drawn.updates, person=drawn.people, key=drawn.keys)
    def update(self, pick: int, body: Fields, person: int, key: str) -> None:
        """With a mask and without."""
        self.change("update", self.image_id(pick), body, person, key)

    @rule(pick=drawn.picks, person=drawn.people, key=drawn.keys)
    def delete(self, pick: int, person: int, key: str) -> None:
        """Delete an image."""
        self.change("delete", self.image_id(pick), {}, person, key)

    @precondition(lambda self: self.keyed)
    @rule(pick=drawn.picks)
    def repeat(self, pick: int) -> None:
        """The same request with the same key."""
        self.change(*self.keyed[-1 - pick % len(self.keyed)])

    @rule(pick=drawn.picks, verb=st.sampled_from(("GET", "POST")))
    def cancel(self, pick: int, verb: str) -> None:
        """Cancel an operation, at whatever stage."""
        self.both.cancel(self.operation_id(pick), verb)

    @rule(pick=drawn.picks, times=st.integers(1, 3))
    def get_operation(self, pick: int, times: int) -> None:
        """Poll an operation."""
        for _ in range(times):
            self.both.get_operation(self.operation_id(pick))

    @rule(pick=drawn.picks)
    def get_image(self, pick: int) -> None:
        """Look at an image."""
        self.both.get_image(self.image_id(pick))

    @rule(folder=drawn.folders, family=drawn.families)
    def latest_by_family(self, folder: int, family: str) -> None:
        """Look for the newest image of a family."""
        self.both.latest(self.both.folders[folder], family)

    @rule(
        folder=drawn.folders,
        wanted=drawn.conditions,
        order=drawn.orders,
        page_size=drawn.page_sizes,
        to_the_end=st.booleans(),
    )
    def list_images(
        self, folder: int, wanted: tuple[Condition, ...], order: str, page_size: int, *, to_the_end: bool
    ) -> None:
        """Walk through a list, or look at its first page and come back for the next later."""
        listing = Listing(self.both.folders[folder], wanted, order, page_size)
        if to_the_end:
            self.both.walk(listing)
            return
        token, last = self.both.page(listing)
        if token and last:
            self.pages.append((listing, token, last))

    @precondition(lambda self: self.pages)
    @rule(pick=drawn.picks)
    def list_further(self, pick: int) -> None:
        """The next page, after other things have happened; it may be asked for again."""
        self.both.page(*self.pages[-1 - pick % len(self.pages)])

    @rule(pick=drawn.picks, page_size=st.sampled_from((0, 1, 2)))
    def list_operations(self, pick: int, page_size: int) -> None:
        """Walk through the operations on an image."""
        self.both.list_operations(self.image_id(pick), page_size)

    @rule(seconds=drawn.seconds)
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.both.advance(seconds)

    @rule(timing=drawn.timings)
    def take(self, timing: tuple[str, float]) -> None:
        """Operations that start from now on take another time."""
        self.both.take(timing)

    @rule(folder=st.integers(0, 1), name=drawn.names, family=drawn.families)
    def add_image(self, folder: int, name: str, family: str) -> None:
        """Seed an image."""
        self.both.add_image(self.both.folders[folder], name, family)

    @invariant()
    def nothing_is_lost(self) -> None:
        """What the double holds is what the model holds."""
        self.both.check()


Disagreement.TestCase.settings = settings(
    max_examples=2000 if FUZZ else 12,
    stateful_step_count=100 if FUZZ else 50,
    derandomize=not FUZZ,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
test_the_double_never_disagrees_with_the_model = Disagreement.TestCase


@pytest.mark.costly
@pytest.mark.skipif(FUZZ, reason="the test above makes more")
def test_more_walks_find_no_disagreement() -> None:
    """The same, four times as many."""
    run_state_machine_as_test(Disagreement, settings=settings(Disagreement.TestCase.settings, max_examples=50))
