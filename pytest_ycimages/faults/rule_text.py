"""Reading rules as users may write them: as values, as dicts, or as text, each with the same words."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.cloud.timing_text import TIMINGS
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Fault
from pytest_ycimages.faults.rule import Rule
from pytest_ycimages.faults.when import SCHEDULES, When, always

if TYPE_CHECKING:
    FaultsSetting = Iterable[Rule | Fault | str | Mapping[str, Any]] | Rule | Fault | str
else:  # pydantic reads it with the function below, and needs no type
    FaultsSetting = object

_NAMES: Final[Mapping[str, Callable[..., object]]] = {**CATALOGUE, **SCHEDULES, **TIMINGS}
_EXAMPLE: Final = 'reset(), on="images.create", when=first(2), commit="after"'


def rules_of(value: object) -> tuple[Rule, ...]:
    """Read a list of rules, or one.

    Raises:
        UsageError: one of them cannot be; the text says what can.
    """
    several = value if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else (value,)
    return tuple(rule_of(each) for each in several)


def rule_of(value: object) -> Rule:
    """Read a rule: itself, a fault that always strikes, a dict of what `inject` takes, or text.

    Raises:
        UsageError: it cannot be; the text says what can.
    """
    if isinstance(value, Rule):
        return value
    if isinstance(value, Fault):
        return Rule(value)
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, Mapping):
        return _from_dict(value)
    raise UsageError(f"{value!r} is no rule. Give a fault, a Rule, a dict, or text, such as {_EXAMPLE!r}.")


def fault_of(value: object) -> Fault:
    """Read a fault: itself, or text such as `reset(after=10)`.

    Raises:
        UsageError: it cannot be.
    """
    found = _evaluated(value) if isinstance(value, str) else value
    if not isinstance(found, Fault):
        raise UsageError(f"{value!r} is no fault. Write one of the catalogue with its values, such as reset(after=10).")
    return found


def when_of(value: object) -> When:
    """Read a schedule: itself, or text such as `first(2) & ~between(0, 60)`.

    Raises:
        UsageError: it cannot be.
    """
    found = always() if value is None else _evaluated(value) if isinstance(value, str) else value
    if not isinstance(found, When):
        raise UsageError(f"when={value!r} does not say when. Write a schedule with its values, such as first(2).")
    return found


def _from_dict(written: Mapping[str, Any]) -> Rule:
    known = {field.name for field in fields(Rule)}
    for name in written:
        if name not in known:
            raise unknown_word("part of a rule", name, known)
    if "fault" not in written:
        raise UsageError(f"{dict(written)!r} says nothing of what goes wrong. Add fault, such as 'reset()'.")
    rest = {name: value for name, value in written.items() if name not in {"fault", "when"}}
    return Rule(fault_of(written["fault"]), when=when_of(written.get("when")), **rest)


def _from_text(text: str) -> Rule:
    """Read what stands between the parentheses of `inject(...)`; the word itself may stand before them."""
    call = _parsed(text if text.strip().startswith("inject(") else f"inject({text})")
    if not isinstance(call, ast.Call) or len(call.args) != 1:
        raise UsageError(f"{text!r} is no rule. Write it as inject(...) takes it, such as {_EXAMPLE!r}.")
    written = {str(keyword.arg): _value(keyword.value) for keyword in call.keywords}
    return _from_dict({"fault": _value(call.args[0]), **written})


def _evaluated(text: str) -> object:
    return _value(_parsed(text))


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError(f"{text!r} cannot be read. Write it as in Python, such as {_EXAMPLE!r}.") from None


def _value(node: ast.expr) -> object:
    """The value of an expression that has only literals, the catalogue, the schedules, and their combinations."""
    match node:
        case ast.Call(ast.Name(name), arguments, keywords):
            return _called(name, [_value(each) for each in arguments], {str(k.arg): _value(k.value) for k in keywords})
        case ast.BinOp(left, ast.BitAnd(), right):
            return when_of(_value(left)) & when_of(_value(right))
        case ast.BinOp(left, ast.BitOr(), right):
            return when_of(_value(left)) | when_of(_value(right))
        case ast.UnaryOp(ast.Invert(), what):
            return ~when_of(_value(what))
        case ast.Name("inf") | ast.Attribute(ast.Name("math"), "inf"):
            return math.inf
        case ast.Name(name):
            raise _unknown(name, "without parentheses")
        case _:
            return _literal(node)


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise UsageError(f"{ast.unparse(node)!r} is no value. Write a number, a text in quotes, or a list.") from None


def _called(name: str, arguments: list[object], named: dict[str, object]) -> object:
    if name not in _NAMES:
        raise _unknown(name, "")
    signature = inspect.signature(_NAMES[name])
    for word in named:
        if word not in signature.parameters:
            raise unknown_word(f"argument of {name}", word, signature.parameters)
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        raise UsageError(f"{name}(...) cannot be: {error}. It takes {name}{_untyped(signature)}.") from None
    return _NAMES[name](*arguments, **named)


def _untyped(signature: inspect.Signature) -> str:
    """The arguments by name, with what they are unless given."""
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return str(inspect.Signature(bare))


def _unknown(name: str, how: str) -> UsageError:
    if name in _NAMES:
        return UsageError(f"{name!r} {how} is no value. Write {name}(...) with what it takes.")
    return unknown_word("fault, schedule or timing", name, _NAMES)
