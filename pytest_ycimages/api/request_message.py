"""What messages from a client have in common: fields kept aside when unknown, oneofs, enums by name or number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from pytest_ycimages.api.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class RequestMessage(Message):
    """A message that a client sends. Fields that it does not know are kept, so that they can be reported."""

    model_config = ConfigDict(extra="allow")

    def unknown_fields(self) -> list[str]:
        """The paths of all fields, nested ones included, that the contract in force does not know."""
        paths = list(self.model_extra or ())
        for name, value in self.__dict__.items():
            if isinstance(value, RequestMessage):
                paths += (f"{to_camel(name)}.{inner}" for inner in value.unknown_fields())
        return paths


class NestedMessage(RequestMessage):
    """A message inside a request; its nulls are absent fields, like those of the request itself."""

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absent(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: inner for key, inner in value.items() if inner is not None}
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    """A proto3 oneof: at most one of `fields` is given, and exactly one when `required`."""

    name: str
    fields: tuple[str, ...]
    required: bool = False
    spellings: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spellings", frozenset((*self.fields, *map(to_camel, self.fields))))

    def errors(self, value: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """What `value` does against this oneof."""
        given = [key for key in value if key in self.spellings]
        for key in given[1:]:
            refusal = PydanticCustomError(
                "oneof",
                "oneof field '{oneof}' is already set. Cannot set '{field}'",
                {"oneof": self.name, "field": key},
            )
            yield InitErrorDetails(type=refusal, loc=(), input=dict(value))
        if self.required and not given:
            names = ", ".join(map(to_camel, self.fields))
            missing = PydanticCustomError("oneof_missing", "Exactly one of {names} is required", {"names": names})
            yield InitErrorDetails(type=missing, loc=(self.name,), input=None)


class OneOfMessage(RequestMessage):
    """A request with oneofs, each of them checked *beside* the fields, so that all violations come at once."""

    oneofs: ClassVar[tuple[OneOf, ...]]

    @model_validator(mode="wrap")
    @classmethod
    def _check_oneofs(cls, value: Any, handler: ModelWrapValidatorHandler[OneOfMessage]) -> OneOfMessage:
        if not isinstance(value, dict):
            return handler(value)
        errors = [error for oneof in cls.oneofs for error in oneof.errors(value)]
        if not errors:
            return handler(value)
        try:
            handler(value)
        except ValidationError as error:
            errors = [_again(each) for each in error.errors(include_url=False)] + errors
        raise ValidationError.from_exception_data(cls.__name__, errors)


def _again(error: Any) -> InitErrorDetails:
    """An error as pydantic reports it, in the form in which pydantic takes it back."""
    kind = error["type"]
    if kind in _CUSTOM:
        kind = PydanticCustomError(kind, error["msg"], error.get("ctx"))
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))


_CUSTOM = frozenset({"enum_type", "int64_type", "oneof", "oneof_missing", "out_of_range", "update_mask"})


def proto_enum(*names: str) -> BeforeValidator:
    """Read an enum by name or by number, case-sensitively; the first name is the unspecified value.

    Args:
        names: the enum's names in the order of their numbers, from zero.
    """

    def read(value: Any) -> str | None:
        if value is None:
            return None
        number = value if type(value) is int else names.index(value) if value in names else -1
        if not 0 <= number < len(names):
            raise PydanticCustomError("enum_type", "Input should be one of {names}", {"names": ", ".join(names)})
        return str(names[number]) if number else None

    return BeforeValidator(read)
