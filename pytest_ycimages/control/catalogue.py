"""The catalogue of faults as data: what forms and completions need to offer every fault with its arguments."""

from __future__ import annotations

import inspect
import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic.alias_generators import to_camel

from pytest_ycimages.api.methods import CONTRACTS, METHODS
from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud.timing import Timing
from pytest_ycimages.control.models import ENTRY, Answer
from pytest_ycimages.faults.catalogue import CATALOGUE, METHODS_OF
from pytest_ycimages.faults.fault import arguments_of
from pytest_ycimages.faults.rule import Per
from pytest_ycimages.faults.schedules import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages.control.handlers import ControlRequest

Type = Literal["choice", "flag", "integer", "number", "text", "timing", "list"]

_EMPTY: Final = (inspect.Parameter.empty, None, "", (), math.inf)
"""The defaults that say nothing."""
_SOME: Final = 5
"""How many values are shown of those that are only examples."""
_TYPES: Final[dict[type, Type]] = {bool: "flag", int: "integer", float: "number", str: "text"}


def catalogue(request: ControlRequest) -> Answer:  # noqa: ARG001 - as every handler
    """Return what rules are made of: every fault and schedule with its arguments, the methods and the fields."""
    return _catalogue()


class ArgumentShown(Answer):
    """An argument of a fault, or of a schedule."""

    name: str
    """Its name in the text."""
    type: Type
    """What it is: one of `values`, `True` or `False`, a number, a text, an operation timing, or a list."""
    required: bool
    """Whether it must be given."""
    default: str
    """Its default as text; empty for none."""
    values: list[str]
    """For a choice, all of its values as text; otherwise some."""
    help: str
    """What it means."""


class FaultShown(Answer):
    """A function that makes a fault, or a schedule."""

    name: str
    """Its name in the text."""
    help: str
    """What it does."""
    methods: list[str]
    """The methods that the fault can strike; of a schedule, none are named."""
    arguments: list[ArgumentShown]
    """Its arguments in their order; those after the first that is not required are written as `name=value`."""


class Catalogue(Answer):
    """All of which a rule can be made: what goes wrong, when, on which calls, and where."""

    faults: list[FaultShown]
    """Every fault, in the order of the reference."""
    schedules: list[FaultShown]
    """Every schedule, for `when`; they are combined with `&`, `|` and `~`."""
    methods: list[str]
    """Every method word, for `on`; globs such as `images.*` are valid, too."""
    fields: list[str]
    """Every field that a request may have, for `where`; so are headers, such as `header.x-request-id`."""
    per: list[str]
    """What a schedule may count."""


@cache
def _catalogue() -> Catalogue:
    requests = (request for contract in CONTRACTS.values() for request in contract.requests.values())
    return Catalogue(
        faults=[_shown(function, METHODS_OF[name], _values_of(function)) for name, function in CATALOGUE.items()],
        schedules=[_shown(function, (), {}) for function in SCHEDULES.values()],
        methods=list(METHODS),
        fields=sorted({to_camel(name) for request in requests for name in request.model_fields}),
        per=list(get_args(Per)),
    )


def _values_of(function: Callable[..., object]) -> dict[str, Sequence[object]]:
    return {name: kind.values for name, (_, kind) in arguments_of(function).items()}


def _shown(function: Callable[..., object], methods: Sequence[str], values: dict[str, Sequence[object]]) -> FaultShown:
    doc = inspect.getdoc(function) or ""
    texts = dict(ENTRY.findall(doc))
    hints = get_type_hints(function)
    return FaultShown(
        name=function.__name__,
        help=" ".join(doc.partition("\n\n")[0].split()),
        methods=list(methods),
        arguments=[
            _argument(each, hints[each.name], values.get(each.name, ()), texts.get(each.name, ""))
            for each in inspect.signature(function).parameters.values()
        ],
    )


def _argument(parameter: inspect.Parameter, hint: Any, values: Sequence[object], text: str) -> ArgumentShown:
    kind = _type_of(hint)
    default = parameter.default
    is_required = default is parameter.empty and parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    known = get_args(hint) if get_origin(hint) is Literal else values
    return ArgumentShown(
        name=parameter.name,
        type=kind,
        required=is_required,
        default="" if any(default is each for each in _EMPTY) else _text(default),
        values=[_text(each) for each in (known if kind == "choice" else known[:_SOME])],
        help=" ".join(text.split()),
    )


def _type_of(hint: Any) -> Type:
    """Return the type of an argument from its annotation: a code is one of its names."""
    if get_origin(hint) is Literal or Code in get_args(hint):
        return "choice"
    if Timing in get_args(hint):
        return "timing"
    plain = [each for each in (hint, *get_args(hint)) if each in _TYPES]
    return _TYPES[plain[0]] if plain else "list"


def _text(value: object) -> str:
    return value.name if isinstance(value, Code) else re.sub(r"^'(.*)'$", r"\1", str(value))
