"""Decoding of JSON into messages, as the service's gRPC-JSON gateway does it (api-facts.md, section 2.1).

The gateway checks only JSON and its types. A request that it refuses never reaches the service and is answered in
plain text. The service checks the others against the contract. One pass of pydantic finds both kinds of errors. Field
paths of the gateway are in snake_case (it prints proto names), those of the service in camelCase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import from_json

from pytest_ycimages.api.status import FieldViolation
from pytest_ycimages.errors import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from pytest_ycimages.api.message import RequestMessage

MAX_BODY: Final = 4 * 2**20
"""Bytes of a request's body; gRPC's own limit, and so the gateway's."""

_SHOWN: Final = 80
_AT_COLUMN: Final = re.compile(r" at line (\d+) column (\d+)$")

_GATEWAY_TYPES: Final = {
    "string_type": "TYPE_STRING",
    "string_unicode": "TYPE_STRING",
    "int64_type": "TYPE_INT64",
    "bool_type": "TYPE_BOOL",
    "enum_type": "TYPE_ENUM",
    "tuple_type": "TYPE_STRING",
    "dict_type": "type.googleapis.com/yandex.cloud.compute.v1.{}",
    "model_type": "type.googleapis.com/yandex.cloud.compute.v1.{}",
    "oneof": "oneof",
}

_PROTO_TYPES: Final = {
    "labels": "CreateImageRequest.LabelsEntry",
    "os": "Os",
    "nvidia": "Nvidia",
    "hardware_generation": "HardwareGeneration",
    "legacy_features": "LegacyHardwareFeatures",
    "generation2_features": "Generation2HardwareFeatures",
}

_RULES: Final = {
    "missing": "The value is required",
    "string_too_short": "The minimum string length in characters is {min_length}",
    "string_too_long": "The maximum string length in characters is {max_length}",
    "string_pattern_mismatch": "Value must match the regular expression {pattern}",
    "too_long": "No more than {max_length} per resource",
    "out_of_range": "Acceptable values are {least} to {most}, inclusive",
    "less_than_equal": "The maximum value is {le}",
    "update_mask": "Fields that can be updated: {known}",
    "oneof_missing": "Exactly one of {names} is required",
}


class GatewayRefusalError(ValueError):
    """Raised for a request that the gateway refuses. The text is the answer's body."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request that passed the gateway: the message, or its violations of the contract."""

    message: RequestMessage | None
    violations: tuple[FieldViolation, ...] = ()


def parse_body(body: bytes) -> dict[str, Any]:
    """Read the JSON object of a request; an empty body is an empty object.

    Raises:
        GatewayRefusalError: the bytes are not a JSON object.
    """
    if not body.strip():
        return {}
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise GatewayRefusalError(_malformed(body, str(error))) from None
    if not isinstance(value, dict):
        raise GatewayRefusalError(": Root element must be a message.")
    return value


def decode(model: type[RequestMessage], value: Mapping[str, Any], *, snake_case: bool = False) -> Decoded:
    """Read `value` as a `model`, or return all its violations of the contract, in the page's order.

    Args:
        model: the message that the method takes.
        value: the request's fields, whatever their spelling.
        snake_case: whether violations spell fields as in the proto rather than as in JSON.

    Raises:
        GatewayRefusalError: a field has the wrong JSON type, or a oneof is given twice.
    """
    try:
        return Decoded(model.model_validate(value))
    except ValidationError as error:
        errors = error.errors(include_url=False)
    for each in errors:
        if each["type"] in _GATEWAY_TYPES:
            raise GatewayRefusalError(_refusal(each, value))
    return Decoded(None, tuple(_violation(each, snake_case=snake_case) for each in errors))


def violation_in(refusal: str) -> FieldViolation:
    """Return what the gateway refuses, such as an unknown number of an enum, as a violation of the contract."""
    path, _, rule = refusal.partition(": ")
    return FieldViolation(field=".".join(map(to_camel, path.split("."))), description=rule)


def _malformed(body: bytes, problem: str) -> str:
    """Return the gateway's text for malformed JSON: the reason, the line, and a mark under the place."""
    reason = "Unexpected end of string." if problem.startswith("EOF") else "Unexpected token."
    place = _AT_COLUMN.search(problem)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    lines = body.split(b"\n")
    shown = lines[min(line, len(lines)) - 1]
    column = len(shown[: max(column, 1)].decode(errors="replace"))
    start = max(0, column - _SHOWN // 2)
    text = shown.decode(errors="replace")[start : start + _SHOWN]
    return f"{reason}\n{text}\n{' ' * (max(column, 1) - 1 - start)}^"


def _refusal(error: ErrorDetails, body: Mapping[str, Any]) -> str:
    kind, given, loc = error["type"], error["input"], error["loc"]
    path, around = _proto_path(loc, body), _proto_path(loc[:-1], body)
    if kind == "oneof":
        return f"{path}: invalid value {error['msg']} for type oneof"
    name = to_snake([part for part in loc if isinstance(part, str)][-1])
    if kind == "dict_type" and isinstance(given, list):
        return f"{around}: invalid value Cannot bind a list to map for field '{loc[-1]}'. for type Map"
    if isinstance(given, list):
        return f"{around}: Proto field is not repeating, cannot start list."
    if isinstance(given, dict):
        return f"{around}: invalid value Starting an object on a scalar field for type {name}"
    return f"{path}: invalid value {_shown(given)} for type {_GATEWAY_TYPES[kind].format(_PROTO_TYPES.get(name))}"


def _proto_path(loc: tuple[int | str, ...], body: Mapping[str, Any]) -> str:
    """Return the path as the gateway prints it: proto names, indices in brackets, a map as a list of entries."""
    path = ""
    for before, part in zip((None, *loc), loc, strict=False):
        if before == "labels":
            path += f"[{list(body['labels']).index(part)}].value"
        else:
            path += f"[{part}]" if isinstance(part, int) else f".{to_snake(part)}"
    return path.removeprefix(".")


def _violation(error: ErrorDetails, *, snake_case: bool) -> FieldViolation:
    """Return the violation of a field, with a path such as `labels.Env` or `productIds[0]`."""
    path = ""
    for index, part in enumerate(error["loc"][:-1] if _is_key(error) else error["loc"]):
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{to_snake(part)}" if snake_case and index == 0 else f".{shortened(part)}"
    return FieldViolation(field=path.removeprefix("."), description=_rule(error))


def _is_key(error: ErrorDetails) -> bool:
    """Return whether the error is about the key of a label: pydantic adds `[key]` to the path of its value."""
    return error["loc"][0] == "labels" and error["loc"][2:] == ("[key]",)


def _rule(error: ErrorDetails) -> str:
    context = dict(error.get("ctx", {}))
    if "pattern" in context:
        context["pattern"] = f"`{context['pattern'].removeprefix('^').removesuffix('$')}`"
    subject = "Key: " if _is_key(error) else ""
    rule = _RULES[error["type"]].format_map(context)
    return f"{subject}{rule}; given: {_given(error)}"


def _given(error: ErrorDetails) -> str:
    given = error["input"]
    if error["type"] in {"missing", "oneof_missing"}:
        return "none"
    if error["type"] == "string_too_long":
        return f"{len(given)} characters, {_shown(given)}"
    if error["type"] == "too_long":
        return str(len(given))
    return _shown(given)


def _shown(value: Any) -> str:
    """Return a JSON value as text, cut to a readable length."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
