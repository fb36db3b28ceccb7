"""Decoding of JSON into messages, as the service's gRPC-JSON gateway does it (api-facts.md, section 2.1).

The gateway checks only JSON and its types. A request that it refuses never reaches the service and is answered in
plain text. The service checks the others against the contract. One pass of pydantic finds both kinds of errors. Field
paths of the gateway are in snake_case (it prints proto names), those of the service as its `Wording` says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import from_json

from pytest_ycimages.api.status import FieldViolation
from pytest_ycimages.api.texts import RULES, words_of
from pytest_ycimages.errors import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from pytest_ycimages.api.message import RequestMessage

MAX_BODY: Final = 4 * 2**20
"""Bytes of a request's body; gRPC's own limit, and so the gateway's."""

_SHOWN: Final = 80
_NAME: Final = re.compile(r"[A-Za-z]\w*")
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

ViolationPaths = Literal["camelCase", "snake_case", "GoCase"]
"""How violations spell fields: as in JSON, as in the proto, or as in the structs that Go makes of it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How the service words violations of the contract.

    Attributes:
        paths: how it spells fields.
        words: the words in force, by the keys of the table of texts.
    """

    paths: ViolationPaths = "camelCase"
    words: Mapping[str, str] = field(default_factory=lambda: words_of({}))


_OWN_WORDING: Final = Wording()


class GatewayRefusalError(ValueError):
    """Raised for a request that the gateway refuses. The text is the answer's body."""


class Decoded(NamedTuple):
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


def decode(model: type[RequestMessage], value: Mapping[str, Any], wording: Wording = _OWN_WORDING) -> Decoded:
    """Read `value` as a `model`, or return all its violations of the contract, in the page's order.

    Args:
        model: the message that the method takes.
        value: the request's fields, whatever their spelling.
        wording: how violations are worded.

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
    return Decoded(None, tuple(_violation(each, wording) for each in errors))


def violation_in(refusal: str, paths: ViolationPaths = "camelCase") -> FieldViolation:
    """Return what the gateway refuses, such as an unknown number of an enum, as a violation of the contract."""
    path, _, rule = refusal.partition(": ")
    return FieldViolation(field=spelled(".".join(map(to_camel, path.split("."))), paths), description=rule)


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


def _violation(error: ErrorDetails, wording: Wording) -> FieldViolation:
    """Return the violation of a field, with a path such as `labels.Env` or `productIds[0]`."""
    path = ""
    for part in error["loc"][:-1] if _is_key(error) else error["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{shortened(part)}"
    return FieldViolation(field=spelled(path.removeprefix("."), wording.paths), description=_rule(error, wording.words))


def spelled(path: str, paths: ViolationPaths) -> str:
    """Return the path of a field in another spelling. The keys of labels are the client's own words, and stay."""
    if paths == "camelCase":
        return path
    labels, dot, key = path.partition(".") if path.lower().startswith("labels.") else (path, "", "")
    spelling = to_snake if paths == "snake_case" else _go_name
    return _NAME.sub(lambda name: spelling(name[0]), labels) + dot + key


def _go_name(name: str) -> str:
    """Return the name that Go's structs have for a field."""
    return "".join(f"{part[:1].upper()}{part[1:]}" for part in name.split("_"))


def _is_key(error: ErrorDetails) -> bool:
    """Return whether the error is about the key of a label: pydantic adds `[key]` to the path of its value."""
    return error["loc"][0] == "labels" and error["loc"][2:] == ("[key]",)


def _rule(error: ErrorDetails, words: Mapping[str, str]) -> str:
    values = {"given": _given(error), **error.get("ctx", {})}
    key = RULES[error["type"]]
    if "pattern" in values:
        values["pattern"] = f"`{values['pattern'].removeprefix('^').removesuffix('$')}`"
        key = "name_pattern" if error["loc"] == ("name",) else key
    return f"{'Key: ' if _is_key(error) else ''}{words[key].format_map(values)}"


def _given(error: ErrorDetails) -> str:
    given = error["input"]
    if error["type"] == "string_too_long":
        return f"{len(given)} characters, {_shown(given)}"
    return str(len(given)) if error["type"] == "too_long" else _shown(given)


def _shown(value: Any) -> str:
    """Return a JSON value as text, cut to a readable length."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
