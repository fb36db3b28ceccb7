"""Every fault, before and after the commit, as each client sees it over the socket."""

from __future__ import annotations

from inspect import getsource
from typing import TYPE_CHECKING

import pytest

import pytest_ycimages
from pytest_ycimages import first
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Hidden, Planned
from pytest_ycimages.faults.rule import fault_of
from pytest_ycimages.strategies.fault_schedules import values_of
from tests.faults import table
from tests.faults.clients import CLIENTS, Client
from tests.faults.table import CASES, NAMES, PAGE, REFUSED, Case, functions, page

if TYPE_CHECKING:
    from types import ModuleType

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


def line_of(module: ModuleType, name: str) -> str:
    """The file and line on which a module first has a name."""
    lines = getsource(module).splitlines()
    number = next(number for number, line in enumerate(lines, 1) if name in line)
    return f"{module.__file__}:{number}"


def test_every_fault_of_the_catalogue_is_in_the_table() -> None:
    """The failure names the file and line to edit."""
    missing = sorted(set(CATALOGUE) - functions())
    assert not missing, f"add a row for {', '.join(missing)} to TABLE in {line_of(table, 'TABLE')}"
    assert functions() <= set(CATALOGUE)


def test_every_fault_of_the_catalogue_is_exported() -> None:
    """The failure names the file and line to edit."""
    missing = sorted(set(CATALOGUE) - set(pytest_ycimages.__all__))
    assert not missing, f"export {', '.join(missing)} in {line_of(pytest_ycimages, 'unavailable')}"


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_argument_of_a_fault_has_values_that_strategies_draw(name: str) -> None:
    """At least every required one; the failure names the table to edit."""
    assert values_of(name) is not None


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
