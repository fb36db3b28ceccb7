"""JSON Schemas of messages, generated from their models.

Added to pydantic's schemas: `@type` in an Any, and for requests the accepted variants (either spelling, null as absent,
oneofs). Ranges of int64 strings are regular expressions, since JSON Schema cannot compare numbers in strings.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema

from pytest_ycimages.api.message import RequestMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import core_schema

    from pytest_ycimages.api.message import Message, OneOf


def numerals(least: int, most: int) -> str:
    """Return a pattern, without anchors, of the numbers from `least`, which is more than zero, to `most`."""
    blocks: list[str] = []
    while least <= most:
        zeros = 0  # the greatest power of ten whose multiples begin at `least` and fit
        while least % 10 ** (zeros + 1) == 0 and least + 10 ** (zeros + 1) - 1 <= most:
            zeros += 1
        size = 10**zeros
        before, first = divmod(least // size, 10)
        last = min(9, first + (most - least + 1) // size - 1)
        blocks.append(f"{before or ''}[{first}-{last}][0-9]{{{zeros}}}")
        least += (last - first + 1) * size
    return "|".join(blocks)


WHERE: Final = "#/components/schemas/"
_SECTION: Final = "\n\nAttributes:\n"
_FIELD: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)$", re.MULTILINE)


def name_of(model: str) -> str:
    """Return the name of a message, the same in both revisions of the contract."""
    return model.removeprefix("Current")


class Schemas:
    """The schemas of requests and answers, with all nested messages.

    Args:
        requests: the request messages.
        answers: the answer messages.

    Attributes:
        components: the schemas by name; the body of a request is added when it is first requested.
    """

    def __init__(self, requests: Iterable[type[RequestMessage]], answers: Iterable[type[Message]]) -> None:
        requests = tuple(dict.fromkeys(requests))
        generator = _Generator(ref_template=f"{WHERE}{{model}}")
        _, generated = generator.generate_definitions(
            [
                *((model, "validation", model.__pydantic_core_schema__) for model in requests),
                *((model, "serialization", model.__pydantic_core_schema__) for model in dict.fromkeys(answers)),
            ]
        )
        definitions = {
            str(name): {key: value for key, value in json.items() if key != "title"} for name, json in generated.items()
        }
        self._requests = {model: definitions.pop(name_of(model.__name__)) for model in requests}
        self.components: dict[str, Schema] = {
            name: accepting(model, json) if (model := generator.nested.get(name.removesuffix("-Input"))) else json
            for name, json in definitions.items()
        }
        for json in tuple(self.components.values()):
            self._pack(json)

    def fields(self, model: type[RequestMessage]) -> tuple[dict[str, Schema], list[str]]:
        """Return the fields of a request in a path or a query, and which of them are required."""
        json = self._requests[model]
        return json["properties"], json["required"]

    def body(self, model: type[RequestMessage], *, without: Iterable[str]) -> Schema:
        """Return the schema of a request's body, `without` the fields that the path gives."""
        json = self._requests[model]
        fields = {name: field for name, field in json["properties"].items() if name not in without}
        self.components[name_of(model.__name__)] = accepting(model, {**json, "properties": fields})
        return self.of(model)

    @staticmethod
    def of(model: type[Message]) -> Schema:
        """Return the schema of a message."""
        return {"$ref": f"{WHERE}{name_of(model.__name__)}"}

    def _pack(self, json: Schema) -> None:
        """Add `@type` as the first property of messages in an Any, unless they declare it."""
        for field in json.get("properties", {}).values():
            for choice in field.get("items", field).get("oneOf", ()):
                type_url, name = choice.pop("@type"), choice["$ref"].removeprefix(WHERE)
                if "@type" in self.components[name]["properties"]:
                    continue
                choice["$ref"] = f"{WHERE}{name}InAny"
                self.components[f"{name}InAny"] = _packed(self.components[name], type_url)


def _packed(json: Schema, type_url: str) -> Schema:
    type_field = {"type": "string", "const": type_url, "description": "What is in the `google.protobuf.Any`."}
    fields = {"@type": type_field, **json["properties"]}
    return {**json, "properties": fields, "required": ["@type", *json.get("required", ())]}


class _Generator(GenerateJsonSchema):
    """pydantic's generator with this project's names and descriptions, and without titles, defaults and nulls.

    Attributes:
        nested: the nested request messages, by name.
    """

    def __init__(self, ref_template: str) -> None:
        super().__init__(ref_template=ref_template)
        self.nested: dict[str, type[RequestMessage]] = {}

    def normalize_name(self, name: str) -> str:
        """Return the name of a message, the same in both revisions of the contract."""
        return name_of(super().normalize_name(name))

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature that pydantic expects
        """Omit titles, which only repeat the names."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """Omit defaults: an absent field has proto3's default."""
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        """Omit null: None in a model means an absent field."""
        return self.generate_inner(schema["schema"])

    def ser_schema(self, schema: Any) -> Schema | None:  # noqa: ARG002 - the signature that pydantic expects
        """Use the schema of the field's type, whatever its serializer."""
        return None

    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        """Return the schema of a map, with the pattern of its keys."""
        json: Schema = {"type": "object", "additionalProperties": self.generate_inner(schema["values_schema"])}
        keys = {key: value for key, value in self.generate_inner(schema["keys_schema"]).items() if key != "type"}
        if keys:
            json["propertyNames"] = keys
        self.update_with_validations(json, dict(schema), self.ValidationsMapping.object)
        return json

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        """Return the schema of a `google.protobuf.Any`, whose tags are type URLs."""
        return {"oneOf": [{**self.generate_inner(choice), "@type": tag} for tag, choice in schema["choices"].items()]}

    def tuple_schema(self, schema: core_schema.TupleSchema) -> Schema:
        """Return the schema of a list, without null elements in requests."""
        json = super().tuple_schema(schema)
        return {**json, "items": or_null(json["items"])} if self.mode == "validation" else json

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Return the schema of a message, with descriptions from its docstring."""
        model = schema["cls"]
        json = {"required": [], **super().model_schema(schema)}
        json["description"], described = _documented(model)
        for name, text in described.items():
            json["properties"][name]["description"] = text
        if issubclass(model, RequestMessage):
            self.nested[name_of(model.__name__)] = model
        else:
            json["additionalProperties"] = False
        return json


def _documented(model: type[Message]) -> tuple[str, dict[str, str]]:
    """Return the text of a message's docstring, and the descriptions of its own and inherited fields."""
    text, described = "", dict[str, str]()
    for each in reversed(model.__mro__):
        text, _, section = inspect.cleandoc(each.__doc__ or "").partition(_SECTION)
        described |= {name: " ".join(words.split()) for name, words in _FIELD.findall(section)}
    fields = {str(field.alias): described[name] for name, field in model.model_fields.items() if name in described}
    return " ".join(text.split()), {name: words[0].upper() + words[1:] for name, words in fields.items()}


Schema = dict[str, Any]
Spellings = dict[str, tuple[str, ...]]
"""Maps the name of a field in the proto to its accepted spellings, that of JSON first."""

_NULL: Final[Schema] = {"type": "null"}


def accepting(model: type[RequestMessage], json: Schema) -> Schema:
    """Return the schema of the values that a client may send as a `model`.

    Args:
        model: the message.
        json: the schema of some or all of its fields, without nulls and in the spelling of JSON.
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
    """Return the schemas that require a field in one of its spellings, not as null."""
    value = {"type": _type_of(fields[spellings[0]]), **rule}
    return [{"required": [each], "properties": {each: value}} for each in spellings]


def _one_of(oneof: OneOf, fields: dict[str, Schema], spellings: Spellings) -> Schema:
    """Return the schemas that require exactly one member of a oneof, or at most one."""
    members = {each: _type_of(fields[spellings[name][0]]) for name in oneof.fields for each in spellings[name]}
    absent = dict.fromkeys(members, _NULL)
    choices = [
        {"required": [member], "properties": {**absent, member: {"type": kind}}} for member, kind in members.items()
    ]
    return {"oneOf": choices if oneof.required else [*choices, {"properties": absent}]}


def _type_of(field: Schema) -> str | list[str]:
    if "anyOf" in field:
        return sorted({choice["type"] for choice in field["anyOf"] if "type" in choice})
    return "object" if "$ref" in field else str(field["type"])


def or_null(field: Schema) -> Schema:
    """Return the schema of a field that may be null as well."""
    if "enum" in field:
        return {**field, "enum": [*field["enum"], None]}
    if "type" in field:
        return {**field, "type": [field["type"], "null"]}
    described = {"description": field["description"]} if "description" in field else {}
    return {**described, "anyOf": [*field.get("anyOf", [_undescribed(field)]), _NULL]}


def _undescribed(field: Schema) -> Schema:
    return {key: value for key, value in field.items() if key != "description"}
