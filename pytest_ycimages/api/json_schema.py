"""JSON Schemas of messages, generated from the models, so that they say what is sent and answered and no more.

Added here is what pydantic cannot know of answers: `@type` in an Any, and no field that the message does not have.
What it cannot know of requests is added by `request_schema`.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import GenerateJsonSchema

from pytest_ycimages.api.request_message import RequestMessage
from pytest_ycimages.api.request_schema import Schema, accepting, or_null

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import core_schema

    from pytest_ycimages.api.message import Message

WHERE: Final = "#/components/schemas/"
_SECTION: Final = "\n\nAttributes:\n"
_FIELD: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)$", re.MULTILINE)


def name_of(model: str) -> str:
    """The name of a message, the same in both revisions of the contract."""
    return model.removeprefix("Current")


class Schemas:
    """The schemas of requests and answers, and of all messages inside them.

    Args:
        requests: what clients send.
        answers: what is answered.

    Attributes:
        components: the schemas by name; the body of a request comes into it when it is asked for.
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
        """The fields of a request that come one by one, in a path or a query, and which of them must come."""
        json = self._requests[model]
        return json["properties"], json["required"]

    def body(self, model: type[RequestMessage], *, without: Iterable[str]) -> Schema:
        """The schema of a request's body, `without` the fields that the path gives."""
        json = self._requests[model]
        fields = {name: field for name, field in json["properties"].items() if name not in without}
        self.components[name_of(model.__name__)] = accepting(model, {**json, "properties": fields})
        return self.of(model)

    @staticmethod
    def of(model: type[Message]) -> Schema:
        """The schema of a message."""
        return {"$ref": f"{WHERE}{name_of(model.__name__)}"}

    def _pack(self, json: Schema) -> None:
        """Let what may be in an Any begin with `@type`."""
        for field in json["properties"].values() if "properties" in json else ():
            for choice in field.get("oneOf", ()):
                type_url, name = choice.pop("@type"), choice["$ref"].removeprefix(WHERE)
                choice["$ref"] = f"{WHERE}{name}InAny"
                self.components[f"{name}InAny"] = _packed(self.components[name], type_url)


def _packed(json: Schema, type_url: str) -> Schema:
    type_field = {"type": "string", "const": type_url, "description": "What is in the `google.protobuf.Any`."}
    fields = {"@type": type_field, **json["properties"]}
    return {**json, "properties": fields, "required": ["@type", *json.get("required", ())]}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with our names and descriptions, and without titles, defaults and nulls.

    Attributes:
        nested: the request messages that were met, by name.
    """

    def __init__(self, ref_template: str) -> None:
        super().__init__(ref_template=ref_template)
        self.nested: dict[str, type[RequestMessage]] = {}

    def normalize_name(self, name: str) -> str:
        """A message has one name in both revisions of the contract."""
        return name_of(super().normalize_name(name))

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the form that pydantic asks for
        """Titles say nothing that the names do not."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """An absent field has proto3's default, as all fields have."""
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        """None is how the models say absent; no answer has a null."""
        return self.generate_inner(schema["schema"])

    def ser_schema(self, schema: Any) -> Schema | None:  # noqa: ARG002 - likewise
        """How a field is written is said beside its type."""
        return None

    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        """A map whose every key is held to its pattern."""
        json: Schema = {"type": "object", "additionalProperties": self.generate_inner(schema["values_schema"])}
        keys = {key: value for key, value in self.generate_inner(schema["keys_schema"]).items() if key != "type"}
        if keys:
            json["propertyNames"] = keys
        self.update_with_validations(json, dict(schema), self.ValidationsMapping.object)
        return json

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        """What may be in a `google.protobuf.Any`: the tags are type URLs."""
        return {"oneOf": [{**self.generate_inner(choice), "@type": tag} for tag, choice in schema["choices"].items()]}

    def tuple_schema(self, schema: core_schema.TupleSchema) -> Schema:
        """A list; a null in that of a request is no element."""
        json = super().tuple_schema(schema)
        return {**json, "items": or_null(json["items"])} if self.mode == "validation" else json

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """A message and its fields, described by its docstring."""
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
    """The text of a message's docstring, and what it and those of the classes above it say of each field."""
    text, described = "", dict[str, str]()
    for each in reversed(model.__mro__):
        text, _, section = inspect.cleandoc(each.__doc__ or "").partition(_SECTION)
        described |= {name: " ".join(words.split()) for name, words in _FIELD.findall(section)}
    fields = {str(field.alias): described[name] for name, field in model.model_fields.items() if name in described}
    return " ".join(text.split()), {name: words[0].upper() + words[1:] for name, words in fields.items()}
