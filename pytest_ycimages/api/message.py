"""The JSON form of all messages (api-facts.md, section 2.1): a pydantic base, that of requests, and shared types.

Output: camelCase, int64 as strings, empty fields omitted, one space of indentation, keys in the order in which a model
declares its fields. Input: camelCase or snake_case, null as absent, unknown fields kept aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    Strict,
    ValidationError,
    WithJsonSchema,
    WrapSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema, to_json

from pytest_ycimages.text_values import LONGEST
from pytest_ycimages.words import exact

SECOND: Final = 1_000_000_000
"""Nanoseconds."""

Wire = dict[str, Any]
"""A message in its JSON form, as Python values."""

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)
_INTEGER = re.compile(r"(-?)0*([0-9]{1,19})", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_SECOND: Final = -62_135_596_800
LAST_SECOND: Final = 253_402_300_799
"""Seconds since the epoch of the first and the last moment that RFC 3339 can express: in the years 1 and 9999."""


def json_bytes(wire: Mapping[str, Any]) -> bytes:
    """Return the bytes of a JSON form as the gateway writes it: one space a level (observed)."""
    return to_json(wire, indent=1)


@exact
class Message(BaseModel):
    """A message of the API, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
    )

    def to_wire(self) -> Wire:
        """Return the message in its JSON form, as Python values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def to_json(self) -> bytes:
        """Return the bytes that the service would send for this message."""
        return json_bytes(self.to_wire())


class AnyMessage(Message):
    """A message that can be packed in a `google.protobuf.Any`."""

    type_url: ClassVar[str]


def _pack(message: AnyMessage, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
    return {"@type": message.type_url, **dump(message)}


PACKED: Final = WrapSerializer(_pack, when_used="json-unless-none")
"""Marks a field as a `google.protobuf.Any`: `@type` comes first in its JSON."""


def type_of(value: Any) -> str:
    """Return the type URL of a packed message, which discriminates unions."""
    return str(value.get("@type")) if isinstance(value, dict) else str(value.type_url)


def int64(value: Any) -> int:
    """Read an int64 as proto3 JSON does: a number or a decimal string, but not a bool or a fraction."""
    number = value
    if isinstance(value, str) and (digits := _INTEGER.fullmatch(value)):
        number = int(digits[1] + digits[2])
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not INT64_MIN <= number <= INT64_MAX:
        raise PydanticCustomError("int64_type", "Input should be an int64")
    return number


@lru_cache(maxsize=1024)
def _seconds_text(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=max(FIRST_SECOND, min(seconds, LAST_SECOND)))).isoformat()[:19]


def operation_time(nanoseconds: int) -> str:
    """Return a moment as operations and tokens print it: RFC 3339 with 0, 3, 6 or 9 digits of a second (observed).

    protobuf prints a time so: as many groups of three digits as it has.
    """
    seconds, rest = divmod(nanoseconds, SECOND)
    digits = f".{rest:09d}" if rest else ""
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{_seconds_text(seconds)}{digits}Z"


def resource_time(nanoseconds: int) -> str:
    """Return a moment as resources print it: RFC 3339, cut to whole seconds (observed)."""
    return f"{_seconds_text(nanoseconds // SECOND)}Z"


String = Annotated[str, Strict()]
"""A string field: a JSON string and nothing else."""

Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A `google.protobuf.Timestamp` field, as the text that the service prints."""

Int64 = Annotated[
    int,
    BeforeValidator(int64),
    PlainSerializer(str, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "integer", "format": "int64", "minimum": INT64_MIN, "maximum": INT64_MAX}, "validation"),
    WithJsonSchema({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}, "serialization"),
]
"""An int64 field: an `int` in Python, a decimal string in JSON."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A proto3 oneof: at most one of `fields` is given, and exactly one when `required`."""

    name: str
    fields: tuple[str, ...]
    required: bool = False
    spellings: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spellings", frozenset((*self.fields, *map(to_camel, self.fields))))

    def errors(self, value: Mapping[str, Any]) -> list[InitErrorDetails]:
        """Return the violations of this oneof by `value`."""
        given = [key for key in value if key in self.spellings and value[key] is not None]
        if self.required and not given:
            names = ", ".join(map(to_camel, self.fields))
            missing = PydanticCustomError("oneof_missing", "Exactly one of {names} is required", {"names": names})
            return [InitErrorDetails(type=missing, loc=(self.name,), input=None)]
        text = "oneof field '{oneof}' is already set. Cannot set '{field}'"
        errors: list[InitErrorDetails] = []
        for key in given[1:]:
            refusal = PydanticCustomError("oneof", text, {"oneof": self.name, "field": key})
            errors.append(InitErrorDetails(type=refusal, loc=(), input=dict(value)))
        return errors


class RequestMessage(Message):
    """A message that a client sends. Unknown fields are kept, so that they can be reported.

    A subclass lists in `oneofs` the fields that exclude each other, and in `at_least_one` the fields without which it
    requests nothing, each with the JSON Schema of a value that counts. The service refuses such a request.
    """

    model_config = ConfigDict(extra="allow")
    oneofs: ClassVar[tuple[OneOf, ...]] = ()
    at_least_one: ClassVar[Mapping[str, dict[str, Any]]] = MappingProxyType({})
    to_print: ClassVar[Callable[[RequestMessage], object]] = lambda _: "..."
    """Returns what `repr` shows of a message. Redaction, which is above this room, sets it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self).to_print(self)})"

    __str__ = __repr__

    def unknown_fields(self) -> list[str]:
        """Return the paths of all fields, nested ones included, that the contract in force does not know."""
        paths = list(self.__pydantic_extra__ or ())
        for name, value in self.__dict__.items():
            if isinstance(value, RequestMessage):
                paths += (f"{to_camel(name)}.{inner}" for inner in value.unknown_fields())
        return paths

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, value: Any, handler: ModelWrapValidatorHandler[RequestMessage]) -> RequestMessage:
        """Read a message; its oneofs are checked *beside* its fields, so that all violations come at once."""
        if not isinstance(value, dict):
            return handler(value)
        given, earlier = _in_one_spelling(cls, value)
        errors: list[InitErrorDetails] = []
        for oneof in cls.oneofs:
            errors += oneof.errors(value)
        try:
            if earlier:  # a value that does not count is read as well, so it must be valid
                handler({**given, **earlier})
            message = handler(given)
        except ValidationError as error:
            if not errors:
                raise
            errors = [*map(again, error.errors(include_url=False)), *errors]
        else:
            if not errors:
                return message
        raise ValidationError.from_exception_data(cls.__name__, errors)


def declared_text(message: RequestMessage | None, name: str) -> str | None:
    """Return a field that the message declares, if it is text.

    Fields that the contract does not know have any JSON type, and are attributes of the message all the same.
    """
    if message is None or name not in type(message).model_fields:
        return None
    value = getattr(message, name)
    return value if isinstance(value, str) else None


@cache
def _spellings(model: type[RequestMessage]) -> dict[str, str]:
    """Return the fields of a message that proto and JSON spell differently, by the proto's spelling."""
    return {name: to_camel(name) for name in model.model_fields if name != to_camel(name)}


def _in_one_spelling(model: type[RequestMessage], value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields in JSON spelling, without nulls, and the earlier values of fields given twice."""
    given: dict[str, Any] = {}
    earlier: dict[str, Any] = {}
    spellings = _spellings(model)
    for key, inner in value.items():
        if inner is not None:
            name = spellings.get(key, key)
            if name in given:
                earlier[name] = given[name]
            given[name] = [each for each in inner if each is not None] if isinstance(inner, list) else inner
    return given, earlier


def again(error: Any) -> InitErrorDetails:
    """Return an error of pydantic in the form that pydantic accepts for raising it again."""
    kind = error["type"]
    if kind in _CUSTOM:
        kind = PydanticCustomError(kind, error["msg"], error.get("ctx"))
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))


_CUSTOM = frozenset({"enum_type", "int64_type", "oneof", "oneof_missing", "out_of_range", "update_mask"})


class ProtoEnum:
    """Marks a field as an enum, read by case-sensitive name or by number; the first name is the unspecified value.

    Args:
        names: the enum's names in the order of their numbers, from zero.
    """

    def __init__(self, *names: str) -> None:
        self._names = tuple(map(str, names))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that reads names and numbers first."""
        return core_schema.no_info_before_validator_function(self.name_of, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return a schema of all names and numbers."""
        return {"enum": [*self._names, *range(len(self._names))]}

    def name_of(self, value: Any) -> str | None:
        """Return the name that a value has as an enum; None for the unspecified one.

        Raises:
            PydanticCustomError: the value is neither a name nor a number of the enum.
        """
        given: Any = str(value) if isinstance(value, str) else value  # no member of another enum
        number = self._names.index(given) if given in self._names else given
        integral = type(number) is int or (type(number) is float and number.is_integer())
        if not integral or not 0 <= number < len(self._names):
            raise PydanticCustomError("enum_type", "Input should be one of {names}", {"names": ", ".join(self._names)})
        return self._names[int(number)] if number else None


def nanoseconds(seconds: float) -> int:
    """Return `seconds` in whole nanoseconds."""
    return round(min(seconds, LONGEST) * SECOND)
