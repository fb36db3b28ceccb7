"""Whom a rule strikes: methods, fields, headers and predicates; and which of several rules."""

from __future__ import annotations

import pytest
import requests

from pytest_ycimages import (
    Double,
    DoubleFailedError,
    Rule,
    first,
    internal,
    reset,
    slow,
    unavailable,
)
from tests.faults.asking import Decider, asked


@pytest.mark.parametrize(
    ("where", "strikes"),
    [
        ({"name": "web-1"}, True),
        ({"name": "web-*"}, True),
        ({"name": "db-*"}, False),
        ({"name": "web-?", "folderId": "b1g"}, True),
        ({"name": "web-?", "folderId": "other"}, False),
        ({"snapshotId": "*"}, False),
        ({"minDiskSize": "4194304"}, True),
        ({"os.type": "LINUX"}, True),
        ({"os.type": "WIN*"}, False),
        ({"labels.team": "core"}, True),
        ({"labels.team.name": "x"}, True),
        ({"labels.other": "*"}, False),
        ({"productIds": "f2e2"}, True),
        ({"productIds": "f2e?"}, True),
        ({"productIds": "f2e9"}, False),
        ({"header.x-client": "ci"}, True),
        ({"header.X-Client": "ci"}, True),
        ({"header.x-other": "*"}, False),
    ],
)
def test_fields_and_headers_say_whom_a_rule_is_about(where: dict[str, str], strikes: bool) -> None:  # noqa: FBT001 - a parameter
    """All of them have to match."""
    call = asked(
        name="web-1",
        headers={"x-client": "ci"},
        minDiskSize=4194304,
        os={"type": "LINUX"},
        labels={"team": "core", "team.name": "x"},
        productIds=["f2e1", "f2e2"],
    )._replace(identity="web-1")
    call = call._replace(message=call.message.model_copy(update={"name": "web-1"}))  # type: ignore[union-attr]
    assert bool(Decider(Rule(internal(), on="images.create", where=where)).decide(call)) == strikes


def test_a_request_that_breaks_the_contract_has_no_fields() -> None:
    """So no pattern matches; without one, it is struck like any other."""
    call = asked()._replace(message=None)
    decider = Decider(Rule(internal(), on="images.create", where={"folderId": "*"}), Rule(internal()))
    decider.decide(call)
    assert [each.struck for each in decider.injections] == [0, 1]


def test_a_predicate_says_whom_a_rule_is_about() -> None:
    """It may look at all of the request."""
    rule = Rule(internal(), on=lambda request: request.connection == 2, where={"folderId": "b1g"})
    decider = Decider(rule)
    assert decider.struck(asked(connection=1), asked(connection=2), asked("images.get", connection=2)) == [2]


def test_a_predicate_that_raises_fails_the_test() -> None:
    """The client gets a 500, and the cause says which rule it was."""
    with Double() as double:
        double.inject(internal(), on=lambda request: len(request.message) > 5, expect=False)  # type: ignore[arg-type]
        assert requests.get(f"{double.url}/endpoints", timeout=10).status_code == 500
        with pytest.raises(DoubleFailedError) as caught:
            double.check()
        double.reset()
    cause = caught.value.__cause__
    assert cause is not None
    assert "endpoints.list" in cause.__notes__[0]


def test_the_first_rule_that_strikes_decides() -> None:
    """The others have considered the call, and count it."""
    decider = Decider(Rule(unavailable(), when=first(2)), Rule(reset(), when=first(3)), Rule(slow(1)))
    strikes = [decider.decide(asked(name=number)) for number in range(4)]
    assert [each.injection.rule.fault.name for each in strikes if each] == ["unavailable"] * 2 + ["reset", "slow"]
    assert [each.considered for each in decider.injections] == [4, 4, 4]
    assert decider.injections[1].passed == {"another rule struck first": 2, "`when` said no": 1}


def test_rules_found_by_value_keep_their_order() -> None:
    """A rule for one value is no later than one for all, when it was injected before."""
    decider = Decider(
        Rule(unavailable(), on="images.create", where={"folderId": "b1g"}, when=first(1)),
        Rule(reset(), on="images.create"),
        Rule(internal(), on="images.create", where={"folderId": "b1g"}),
    )
    strikes = [decider.decide(asked(name=number)) for number in range(2)]
    assert [each.injection.rule.fault.name for each in strikes if each] == ["unavailable", "reset"]


def test_a_rule_that_is_removed_strikes_no_more() -> None:
    """Its account stays."""
    decider = Decider(Rule(internal()))
    assert decider.decide(asked())
    decider.injections[0].remove()
    assert not decider.decide(asked())
    assert (decider.injections[0].struck, decider.injections[0].considered) == (1, 1)
