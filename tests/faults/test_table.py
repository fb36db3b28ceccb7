"""Every fault, before and after the commit, as each client sees it over the socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages import first
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Hidden, Planned
from pytest_ycimages.faults.rule import fault_of
from tests.faults.clients import CLIENTS, Client
from tests.faults.table import CASES, NAMES, PAGE, REFUSED, Case, functions, page

if TYPE_CHECKING:
    from pytest_ycimages import Double
    from pytest_ycimages.virtual.time import VirtualTime


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault} {case.commit}")
def test_a_client_sees_a_fault(ycimages_time: VirtualTime, ycimages: Double, case: Case, client: type[Client]) -> None:
    """As the table says. The image is there or not, the journal says why, and the pool is as good as a new one."""
    fault, column = fault_of(case.fault), NAMES.index(client.name)
    struck = ycimages.inject(fault, on="images.create", when=first(1), commit=case.commit)
    with client(ycimages) as used, client(ycimages) as fresh:
        if fault.name == "stale":
            assert used.look() == "200"  # so that there is a connection that may go stale
        assert used.create() == case.seen[column]
        if fault.name == "refuse":
            assert {used.look(), fresh.look()} == {REFUSED[column]}
            ycimages_time.advance(5)
        assert (used.look(), fresh.look()) == ("200", "200")
        if isinstance(fault.effect, Planned):
            ycimages_time.advance(10)  # so that an operation which fails is over
    assert struck.struck == 1
    (call,) = ycimages.calls.of("images.create")
    assert (call.fault, call.status) == (f"{fault} {case.commit} the commit", case.status)
    was_made = call.image_id is not None
    assert was_made == (case.commit == "after" or isinstance(fault.effect, Planned | Hidden))
    assert len(ycimages.images) == (was_made and fault.name != "operation_fails")


def test_every_fault_of_the_catalogue_is_in_the_table() -> None:
    """A new fault has no place in the catalogue before it has one in the table."""
    assert functions() == set(CATALOGUE)


@pytest.mark.parametrize("text", sorted({case.fault for case in CASES}))
def test_a_fault_is_in_the_table_on_both_sides_of_the_commit_if_it_can_strike_there(text: str) -> None:
    """No side is left out."""
    assert {case.commit for case in CASES if case.fault == text} == set(fault_of(text).commits)


def test_the_columns_are_the_clients() -> None:
    """In their order."""
    assert tuple(client.name for client in CLIENTS) == NAMES


def test_the_reference_has_the_table() -> None:
    """`python -m tests.faults.table` writes it."""
    assert PAGE.read_text() == page()
