"""What a fault has done, as a value: for whoever reads it later, and for those who speak of all faults together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.faults.injection import Injection, Struck


class Account(NamedTuple):
    """What a fault had done at one moment.

    Attributes:
        number: which fault it is, counted from 1 in the order in which they were injected.
        rule: the rule, as it may be written.
        expect: whether it was to strike.
        in_force: whether it may strike still; not so once it has been removed.
        considered: how many calls the rule was about.
        strikes: each time that it struck.
        passed: why it did not strike, with how often.
        nearest: the call that came nearest when it did not strike; empty for none.
        report: all of it, for people.
    """

    number: int
    rule: str
    expect: bool
    in_force: bool
    considered: int
    strikes: tuple[Struck, ...]
    passed: Mapping[str, int]
    nearest: str
    report: str


def accounts_of(injections: Sequence[Injection]) -> tuple[Account, ...]:
    """The accounts of all faults that were ever injected. Callers hold the double's lock."""
    return tuple(_account(number, injection) for number, injection in enumerate(injections, 1))


def _account(number: int, injection: Injection) -> Account:
    return Account(
        number=number,
        rule=str(injection.rule),
        expect=injection.rule.expect,
        in_force=not injection.is_removed,
        considered=injection.considered,
        strikes=tuple(injection.strikes),
        passed=dict(injection.passed),
        nearest=injection.nearest,
        report=injection.report(),
    )


def never_struck(accounts: Sequence[Account]) -> tuple[Account, ...]:
    """Those that were to strike and have not."""
    return tuple(account for account in accounts if account.expect and not account.strikes)
