"""Every fault, before and after the commit, as each client sees it over the socket."""

from __future__ import annotations

from inspect import getsource, unwrap
from typing import TYPE_CHECKING, NamedTuple

import pytest

import pytest_ycimages
from pytest_ycimages import Double, first
from pytest_ycimages.faults import catalogue
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Hidden, Planned, arguments_of
from pytest_ycimages.faults.rule import fault_of
from tests.faults import table
from tests.faults.clients import CLIENTS, Client
from tests.faults.table import CASES, NAMES, PAGE, REFUSED, TABLE, Case, functions, page

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_ycimages import Code
    from pytest_ycimages.virtual.time import VirtualTime


class Account(NamedTuple):
    """What is to be seen of a fault.

    Attributes:
        created: what the client saw of the call that was struck.
        looks: what it, and a client without connections, saw of the next.
        struck: how often the fault struck.
        label: the fault in the journal.
        status: the status in the journal.
        images: how many there are in the end.
        has_id: whether the journal has the id of an image.
    """

    created: str
    looks: tuple[str, str]
    struck: int
    label: str
    status: Code
    images: int
    has_id: bool


def expected(case: Case, client: type[Client]) -> Account:
    """As the table says. The image is there or not, the journal says why, and the pool is as good as a new one."""
    fault = fault_of(case.fault)
    is_made = case.commit == "after" or isinstance(fault.effect, Planned | Hidden)
    return Account(
        created=case.seen[NAMES.index(client.name)],
        looks=("200", "200"),
        struck=1,
        label=f"{fault} {case.commit} the commit",
        status=case.status,
        images=int(is_made and fault.name != "operation_fails"),
        has_id=is_made,
    )


def account(time: VirtualTime, case: Case, client: type[Client]) -> Account:
    """Let a client of a double of its own meet a fault."""
    fault = fault_of(case.fault)
    with Double() as double, client(double) as used, client(double) as fresh:
        struck = double.inject(fault, on="images.create", when=first(1), commit=case.commit)
        if fault.name == "stale":
            assert used.look() == "200"  # so that there is a connection that may go stale
        created = used.create()
        if fault.name == "refuse":
            assert {used.look(), fresh.look()} == {REFUSED[NAMES.index(client.name)]}
            time.advance(5)
        looks = used.look(), fresh.look()
        if isinstance(fault.effect, Planned):
            time.advance(10)  # so that an operation which fails is over
        (call,) = double.calls.of("images.create")
        has_id = call.image_id is not None
        return Account(created, looks, struck.struck, call.fault, call.status, len(double.images), has_id)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("part", TABLE)
def test_a_client_sees_the_faults(ycimages_time: VirtualTime, part: str, client: type[Client]) -> None:
    """As the table says, one after the other: starting virtual time takes longer than meeting a fault."""
    cases = [case for row in TABLE[part] for case in row.cases()]
    assert {case[:2]: account(ycimages_time, case, client) for case in cases} == {
        case[:2]: expected(case, client) for case in cases
    }


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
    missing = sorted(set(CATALOGUE) - set(catalogue.__all__))
    assert not missing, f"add {', '.join(missing)} to {line_of(catalogue, '__all__')}"
    assert sorted(catalogue.__all__) == catalogue.__all__
    assert set(CATALOGUE) <= set(pytest_ycimages.__all__)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_argument_of_a_fault_says_how_it_is_read(name: str) -> None:
    """By its annotation, which has valid values for strategies as well; each is read back as it is shown."""
    for argument, (_, kind) in arguments_of(unwrap(CATALOGUE[name])).items():
        assert kind.values
        for value in kind.values:
            shown = kind.read(argument, value)
            assert kind.read(argument, shown) == shown


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
