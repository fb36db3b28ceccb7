"""Every drawn schedule can be injected, strikes whom and when it says, and reads back as it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import urllib3
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, UsageError, nth, reset, unavailable
from pytest_ycimages.faults.catalogue import CATALOGUE, METHODS_OF
from pytest_ycimages.faults.fault import Answer, Damaged
from pytest_ycimages.faults.rule import rule_of
from pytest_ycimages.faults.schedules import CallContext
from pytest_ycimages.strategies import fault_schedules
from tests.client import IMAGES

if TYPE_CHECKING:
    from pytest_ycimages import Call, Rule

thoroughly = settings(max_examples=30, derandomize=True, database=None, deadline=None)
BODY: Final = b'{"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}'


def exercised(double: Double) -> Double:
    """After some calls of a client that takes whatever comes, on a clock that only moves."""
    pool = double.urllib3_pool_manager()
    headers = {"Authorization": f"Bearer {double.token}"}

    def ask(verb: str, path: str, body: bytes | None = None) -> None:
        try:
            pool.request(verb, f"http://double{path}", body=body, headers=headers, retries=False, timeout=30)
        except urllib3.exceptions.HTTPError:
            return

    for _ in range(4):
        ask("POST", IMAGES, BODY)
        ask("GET", f"{IMAGES}?folderId=b1g0000000000000000a")
        for id_ in list(double.operations)[-1:]:
            ask("GET", f"/operations/{id_}")
            ask("GET", f"/operations/{id_}:cancel")
            ask("GET", f"{IMAGES}/{double.operations[id_].metadata.image_id}")
    return double


@pytest.mark.costly
@thoroughly
@given(fault_schedules())
def test_a_schedule_strikes_whom_it_names_and_on_the_side_that_it_names(rules: list[Rule]) -> None:
    """As a setting of a double; nothing has happened where it struck before the commit."""
    double = exercised(Double(faults=rules, clock="manual", timing=5))
    double.check()
    for call in double.calls:
        if " the commit" in call.fault:  # else it finds nothing, by a fault that struck the call which made it
            (rule, *_) = [each for each in rules if call.fault == f"{each.fault} {each.commit} the commit"]
            assert any(call.method in each.methods() for each in rules if each.fault == rule.fault)
            if isinstance(rule.fault.effect, Answer | Damaged) and rule.commit == "before":
                assert not call.operation_id or call.method != "images.create"


@pytest.mark.costly
@thoroughly
@given(fault_schedules(min_size=1, max_size=1))
def test_a_schedule_that_counts_strikes_the_calls_that_it_counts(rules: list[Rule]) -> None:
    """Injected by hand, with what `inject` takes."""
    (rule,) = rules
    double = Double(clock="manual", timing=5)
    injection = double.inject(
        rule.fault, on=rule.on, when=rule.when, commit=rule.commit, per=rule.per, where=rule.where, expect=rule.expect
    )
    exercised(double)
    if rule.when.kind in {"first", "nth", "every", "after"} and rule.per == "rule":
        numbers = range(1, injection.considered + 1)
        due = sum(rule.when(CallContext(number, 0.0, lambda: 0.0, lambda _: 0)) for number in numbers)
        assert injection.struck == due
    assert not injection.rule.expect


@pytest.mark.costly
@thoroughly
@given(fault_schedules())
def test_a_rule_is_read_back_as_it_is_printed(rules: list[Rule]) -> None:
    """As text of a setting."""
    assert [rule_of(str(each)) for each in rules] == rules


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_fault_of_the_catalogue_is_drawn_and_can_strike_what_is_said_of_it(name: str) -> None:
    """By its name alone."""

    @settings(thoroughly, max_examples=5)
    @given(fault_schedules([name], min_size=1))
    def check(rules: list[Rule]) -> None:
        assert {each.fault.name for each in rules} == {name}
        assert {each.fault.methods for each in rules} == {METHODS_OF[name]}

    check()


@pytest.mark.costly
def test_both_sides_of_the_commit_come_up() -> None:
    """The lost answer above all."""

    def is_lost(rules: list[Rule]) -> bool:
        return any(
            each.fault.name == "reset" and (each.on, each.commit) == ("images.create", "after") for each in rules
        )

    (rule,) = find(fault_schedules(["reset", "hang"]), is_lost, settings=settings(thoroughly, max_examples=2000))
    assert (rule.fault, rule.when, rule.per) == (reset(), nth(1), "rule")


@pytest.mark.costly
@thoroughly
@given(fault_schedules([reset(after=10), "unavailable", "image_seen_late"], on="operations.*", min_size=2, max_size=4))
def test_what_may_go_wrong_can_be_said(rules: list[Rule]) -> None:
    """Some faults, some methods, some number of them; a fault that can strike none of the methods is left out."""
    assert 2 <= len(rules) <= 4
    assert {each.fault.name for each in rules} <= {"reset", "unavailable"}
    assert all(each.fault == reset(after=10) for each in rules if each.fault.name == "reset")
    assert {method for each in rules for method in each.methods()} <= {"operations.get", "operations.cancel"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"faults": ["rest"]}, "Did you mean 'reset'"),
        ({"faults": [3]}, "Unknown fault 3"),
        ({"faults": []}, "expected a fault that can strike"),
        ({"on": "images.crate"}, "Did you mean 'images.create'"),
        ({"faults": "cancel_ignored", "on": "operations.*"}, "expected a fault that can strike"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    """When the strategy is made, with what can be."""
    with pytest.raises(UsageError) as raised:
        fault_schedules(**options)
    assert said in str(raised.value)


@pytest.mark.costly
@given(st.data())
@settings(thoroughly, max_examples=30)
def test_each_example_has_a_double_of_its_own(data: st.DataObject) -> None:
    """Which is how these are used under `@given`: a fixture would be the same for all examples."""
    rules = data.draw(fault_schedules(["unavailable"], on="images.create"))
    with Double(faults=rules) as double:
        assert not double.calls
        exercised(double)
        struck: list[Call] = [call for call in double.calls if call.fault]
        assert all(call.fault.startswith(unavailable().name) for call in struck)
