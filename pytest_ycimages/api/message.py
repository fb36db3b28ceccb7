"""The JSON form that all messages share (api-facts.md, section 2.1), as one pydantic base and a few types.

Out: camelCase, int64 as strings, empty fields omitted, one space of indentation, keys in the order in which
a model declares its fields. In: camelCase or snake_case, and nulls as absent.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    Strict,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

SECOND: Final = 1_000_000_000
"""Nanoseconds."""

Wire = dict[str, Any]
"""A message in its JSON form, as Python values: what a transport writes, and what a model reads back."""

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)
_INTEGER = re.compile(r"(-?)0*([0-9]{1,19})", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def json_bytes(wire: Mapping[str, Any]) -> bytes:
    """A JSON form as the service's gateway writes it: one space a level (observed)."""
    return to_json(wire, indent=1)


class Message(BaseModel):
    """A message of the API. Frozen: what was said does not change."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
    )

    def to_wire(self) -> Wire:
        """The message in its JSON form, as Python values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def to_json(self) -> bytes:
        """The bytes that the service would send for this message."""
        return json_bytes(self.to_wire())


class AnyMessage(Message):
    """A message that travels inside a `google.protobuf.Any`."""

    type_url: ClassVar[str]


def _pack(message: AnyMessage, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
    return {"@type": message.type_url, **dump(message)}


PACKED: Final = WrapSerializer(_pack, when_used="json-unless-none")
"""Marks a field as a `google.protobuf.Any`: `@type` comes first in its JSON."""


def type_of(value: Any) -> str:
    """The type URL of a packed message: by it, a union of them is told apart."""
    return str(value.get("@type")) if isinstance(value, dict) else str(value.type_url)


def _int64(value: Any) -> int:
    """Read an int64 the way proto3 JSON does: a number or a decimal string, but no bool and no fraction."""
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
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def operation_time(nanoseconds: int) -> str:
    """A moment as operations print it: RFC 3339 with nine digits of a second (observed)."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return f"{_seconds_text(seconds)}.{rest:09d}Z"


def resource_time(nanoseconds: int) -> str:
    """A moment as resources print it: RFC 3339, cut to whole seconds (observed)."""
    return f"{_seconds_text(nanoseconds // SECOND)}Z"


String = Annotated[str, Strict()]
"""A string field: a JSON string and nothing else."""

Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A `google.protobuf.Timestamp` field, as the text that the service prints."""

Int64 = Annotated[
    int,
    BeforeValidator(_int64),
    PlainSerializer(str, return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "integer", "format": "int64", "minimum": INT64_MIN, "maximum": INT64_MAX}, "validation"),
    WithJsonSchema({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}, "serialization"),
]
"""An int64 field: an `int` in Python, a decimal string in JSON."""
