"""Requests and answers between protobuf and the JSON form that the pipeline speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from pytest_ycimages.grpc.messages import message_class, pool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from pytest_ycimages.api.message import Wire

STATUS: Final = "google.rpc.Status"


class InvalidMessageError(ValueError):
    """Raised for bytes that are not the message which the method takes."""


def fields_of(name: str, data: bytes) -> dict[str, Any]:
    """Return the fields of a message in their JSON form.

    Fields that hold their default are absent, unless they belong to a oneof. A field that the table does not know has
    its number as its name, such as `#19`, so that it is reported as unknown.

    Args:
        name: the full name of the message.
        data: its bytes.

    Raises:
        InvalidMessageError: the bytes are not such a message.
    """
    message = message_class(name)()
    try:
        message.ParseFromString(data)
        fields: dict[str, Any] = MessageToDict(message, descriptor_pool=pool())
    except (DecodeError, ValueError, TypeError) as error:
        raise InvalidMessageError(f"The request is not a {name}: {error}") from None
    _add_unknown(message, fields)
    return fields


def _add_unknown(message: Message, fields: dict[str, Any]) -> None:
    """Add the fields that the table does not know, at any depth, by their numbers."""
    unknown: Iterable[Any] = UnknownFieldSet(message)  # type: ignore[assignment] # its stub forgets __iter__
    for each in unknown:
        fields[f"#{each.field_number}"] = ""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        inner = fields.get(field.json_name)
        if isinstance(inner, dict):
            _add_unknown(value, inner)


def message_bytes(name: str, wire: Wire) -> bytes:
    """Return the bytes of a message that is given in its JSON form. Fields that the table does not know are dropped.

    Raises:
        ParseError: a field has a value that its type does not allow.
    """
    message = message_class(name)()
    ParseDict(wire, message, ignore_unknown_fields=True, descriptor_pool=pool())
    return message.SerializeToString(deterministic=True)


def status_bytes(wire: Wire) -> bytes:
    """Return the bytes of a `google.rpc.Status`. A detail whose type is not in the pool keeps its type only."""
    status: Any = message_class(STATUS)(code=wire.get("code", 0), message=wire.get("message", ""))
    for detail in wire.get("details", ()):
        try:
            ParseDict(detail, status.details.add(), ignore_unknown_fields=True, descriptor_pool=pool())
        except (ParseError, TypeError, KeyError):
            del status.details[-1]
            status.details.add(type_url=detail.get("@type", ""))
    return cast("bytes", status.SerializeToString(deterministic=True))
