"""Faults: to inject them, to take them out of force, to read what they have done, and to check that they struck."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_ycimages.control.asked import Answered, read
from pytest_ycimages.control.bodies import FaultToInject
from pytest_ycimages.control.models import OneFault, OneStrike, Refused, SomeFaults, Verdict
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.account import never_struck
from pytest_ycimages.faults.rule_text import rules_of

if TYPE_CHECKING:
    from collections.abc import Container

    from pytest_ycimages.control.asked import Asked
    from pytest_ycimages.control.controlled import Controlled
    from pytest_ycimages.faults.account import Account
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.rule import Rule


def faults(asked: Asked) -> Answered:
    """Every fault that was ever injected."""
    return Answered(_some(asked.double))


def inject(asked: Asked) -> Answered:
    """Inject one fault or several: all of them, or none when one of them cannot be."""
    rules = _rules(asked.body)
    if not rules:
        raise UsageError("An empty list injects nothing. Give a rule, or several, such as 'reset(), when=first(1)'.")
    injected = [
        asked.double.inject(
            rule.fault,
            on=rule.on,
            when=rule.when,
            commit=rule.commit,
            per=rule.per,
            where=rule.where,
            expect=rule.expect,
        )
        for rule in rules
    ]
    return Answered(_some(asked.double, set(map(id, injected))), HTTPStatus.CREATED)


def _rules(body: object) -> tuple[Rule, ...]:
    """Read the rules: the types here, as JSON has fewer of them than Python, and all else where rules are read."""
    several = body if isinstance(body, list) else [body]
    for each in several:
        if isinstance(each, dict):
            read(FaultToInject, each)
    return rules_of(several)


def remove_all(asked: Asked) -> Answered:
    """Take every fault out of force; the answer has those that were in it."""
    return Answered(_removed(asked.double, [each for each in asked.double.injections if not each.is_removed]))


def fault(asked: Asked) -> Answered:
    """One fault."""
    injections = asked.double.injections
    if not 1 <= asked.number <= len(injections):
        return _no_such_fault(asked.number, len(injections))
    return Answered(_some(asked.double, {id(injections[asked.number - 1])}).faults[0])


def remove(asked: Asked) -> Answered:
    """Take one fault out of force."""
    injections = asked.double.injections
    if not 1 <= asked.number <= len(injections):
        return _no_such_fault(asked.number, len(injections))
    return Answered(_removed(asked.double, [injections[asked.number - 1]]).faults[0])


def check(asked: Asked) -> Answered:
    """Whether every fault that was to strike has."""
    idle = never_struck(asked.double.accounts)
    verdict = Verdict(
        never_struck=[account.number for account in idle], report="\n".join(account.report for account in idle)
    )
    return Answered(verdict, HTTPStatus.CONFLICT if idle else HTTPStatus.OK)


def _no_such_fault(number: int, count: int) -> Answered:
    there = f"they are numbered from 1 to {count}" if count else "none was injected"
    return Answered(Refused(error=f"There is no fault {number}: {there}."), HTTPStatus.NOT_FOUND)


def _removed(double: Controlled, injections: list[Injection]) -> SomeFaults:
    for injection in injections:
        injection.remove()
    return _some(double, set(map(id, injections)))


def _some(double: Controlled, only: Container[int] | None = None) -> SomeFaults:
    """The faults, or those alone whose handles are meant."""
    chosen = zip(double.injections, double.accounts, strict=False)  # one may come in between the two
    return SomeFaults(faults=[_one(account) for handle, account in chosen if only is None or id(handle) in only])


def _one(account: Account) -> OneFault:
    strikes = [OneStrike(**strike._asdict()) for strike in account.strikes]
    return OneFault(**{**account._asdict(), "struck": len(strikes), "strikes": strikes, "passed": dict(account.passed)})
