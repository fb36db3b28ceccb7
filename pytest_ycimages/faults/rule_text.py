"""Reading rules as users may write them: as values, as dicts, or as text, each with the same words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cloud.timing_text import TIMINGS
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Commit, Fault
from pytest_ycimages.faults.rule import On, Per, Rule
from pytest_ycimages.faults.when import SCHEDULES, When, always
from pytest_ycimages.text_values import Vocabulary, read_text

if TYPE_CHECKING:
    FaultsSetting = Iterable[Rule | Fault | str | Mapping[str, Any]] | Rule | Fault | str
else:  # pydantic reads it with the function below, and needs no type
    FaultsSetting = object

_EXAMPLE: Final = 'reset(), on="images.create", when=first(2), commit="after"'


def rules_of(value: object) -> tuple[Rule, ...]:
    """Return the rules that a user gave: a list of them, or one.

    Raises:
        UsageError: one of them is invalid.
    """
    several = value if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else (value,)
    return tuple(rule_of(each) for each in several)


def rule_of(value: object) -> Rule:
    """Return the rule that a user gave: a `Rule`, a fault for every call, a dict of the arguments of `inject`, or text.

    Raises:
        UsageError: the rule is invalid.
    """
    if isinstance(value, Rule):
        return value
    if isinstance(value, Fault):
        return Rule(value)
    if isinstance(value, Mapping):
        return _from_dict(value)
    if not isinstance(value, str):
        raise UsageError(f"invalid rule {value!r}: expected a fault, a Rule, a dict, or text such as {_EXAMPLE!r}")
    found = read_text(value, _RULES, call="inject")
    if not isinstance(found, Rule):
        raise _RULES.error(value)
    return found


def fault_of(value: object) -> Fault:
    """Return the fault that a user gave: a `Fault`, or text such as `reset(after=10)`.

    Raises:
        UsageError: the fault is invalid.
    """
    found = read_text(value, _FAULTS) if isinstance(value, str) else value
    if not isinstance(found, Fault):
        raise _FAULTS.error(value)
    return found


def when_of(value: object) -> When:
    """Return the schedule that a user gave: a schedule, text such as `first(2) & ~between(0, 60)`, or None for always.

    Raises:
        UsageError: the schedule is invalid.
    """
    found = always() if value is None else read_text(value, _SCHEDULES) if isinstance(value, str) else value
    if not isinstance(found, When):
        raise _SCHEDULES.error(value)
    return found


def _inject(  # noqa: PLR0913 - the arguments of `inject`
    fault: object,
    *,
    on: On = "*",
    when: object = None,
    commit: Commit | None = None,
    per: Per = "rule",
    where: Mapping[str, str] | None = None,
    expect: bool = True,
) -> Rule:
    return Rule(fault_of(fault), on, when_of(when), commit, per, {} if where is None else where, expect)


def _from_dict(written: Mapping[str, Any]) -> Rule:
    known = {field.name for field in fields(Rule)}
    for name in written:
        if name not in known:
            raise unknown_word("part of a rule", name, known)
    if "fault" not in written:
        raise UsageError(f"invalid rule {dict(written)!r}: expected a fault, such as {{'fault': 'reset()'}}")
    return _inject(**written)


_FAULTS: Final = Vocabulary(
    what="fault",
    makers={**CATALOGUE, **SCHEDULES, **TIMINGS},
    expected="a fault of the catalogue with its arguments, such as reset(after=10)",
    operand=when_of,
    names="fault, schedule or timing",
)
_SCHEDULES: Final = _FAULTS._replace(what="schedule", expected="a schedule with its arguments, such as first(2)")
_RULES: Final = _FAULTS._replace(
    what="rule",
    makers={"inject": _inject, **_FAULTS.makers},
    expected=f"the arguments of inject(...), such as {_EXAMPLE}",
)
