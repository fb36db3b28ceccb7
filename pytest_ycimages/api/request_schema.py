"""The JSON Schema of a request: what a client may send, which is more than the fields of the message.

A null is an absent field; a field may be spelled as in JSON or as in the proto; a oneof takes one of its members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_ycimages.api.request_message import OneOf, RequestMessage

Schema = dict[str, Any]
Spellings = dict[str, tuple[str, ...]]
"""The name of a field in the proto -> how it may be spelled; first as in JSON."""

_NULL: Final[Schema] = {"type": "null"}


def accepting(model: type[RequestMessage], json: Schema) -> Schema:
    """What a client may send as a `model`.

    Args:
        model: the message.
        json: the schema of its fields, without nulls and in the spelling of JSON; it may be without some of them.
    """
    fields: dict[str, Schema] = json["properties"]
    spellings: Spellings = {
        name: tuple(dict.fromkeys((str(field.alias), name)))
        for name, field in model.model_fields.items()
        if field.alias in fields
    }
    rules = [{"anyOf": _given(fields, spellings[name])} for name in spellings if spellings[name][0] in json["required"]]
    rules += [_one_of(oneof, fields, spellings) for oneof in model.oneofs]
    if model.at_least_one:
        some = model.at_least_one.items()
        rules.append({"anyOf": [choice for name, rule in some for choice in _given(fields, spellings[name], **rule)]})
    nullable = {name: or_null(field) for name, field in fields.items()}
    patterns = {f"^{proto}$": _undescribed(nullable[name]) for name, *others in spellings.values() for proto in others}
    accepted = {key: value for key, value in json.items() if key != "required"} | {"properties": nullable}
    return accepted | ({"patternProperties": patterns} if patterns else {}) | ({"allOf": rules} if rules else {})


def _given(fields: dict[str, Schema], spellings: tuple[str, ...], **rule: Any) -> list[Schema]:
    """The ways of giving a field: in one of its spellings, and not as null."""
    value = {"type": _type_of(fields[spellings[0]]), **rule}
    return [{"required": [each], "properties": {each: value}} for each in spellings]


def _one_of(oneof: OneOf, fields: dict[str, Schema], spellings: Spellings) -> Schema:
    """Exactly one member of a oneof is given, in one spelling, or at most one."""
    members = {each: _type_of(fields[spellings[name][0]]) for name in oneof.fields for each in spellings[name]}
    absent = dict.fromkeys(members, _NULL)
    choices = [
        {"required": [member], "properties": {**absent, member: {"type": kind}}} for member, kind in members.items()
    ]
    return {"oneOf": choices if oneof.required else [*choices, {"properties": absent}]}


def _type_of(field: Schema) -> str | list[str]:
    """The JSON types of a field that is not null."""
    if "anyOf" in field:
        return sorted({choice["type"] for choice in field["anyOf"] if "type" in choice})
    return "object" if "$ref" in field else str(field["type"])


def or_null(field: Schema) -> Schema:
    """The schema of a field that may be null as well."""
    if "enum" in field:
        return {**field, "enum": [*field["enum"], None]}
    if "type" in field:
        return {**field, "type": [field["type"], "null"]}
    described = {"description": field["description"]} if "description" in field else {}
    return {**described, "anyOf": [*field.get("anyOf", [_undescribed(field)]), _NULL]}


def _undescribed(field: Schema) -> Schema:
    return {key: value for key, value in field.items() if key != "description"}
