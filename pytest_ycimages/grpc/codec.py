"""Requests and answers between protobuf and the JSON form that the pipeline speaks."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from pytest_ycimages.grpc.messages import message_class, pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from pytest_ycimages.api.message import Wire

STATUS: Final = "google.rpc.Status"


class InvalidMessageError(ValueError):
    """Raised for bytes that are not the message which the method takes, and for JSON that is none that it returns."""


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
        InvalidMessageError: a field has a value that its type does not allow, or packs a type that is not in the pool.
    """
    try:
        message = _maker(name)(wire)
    except _UNUSUAL:
        message = message_class(name)()
        try:
            ParseDict(wire, message, ignore_unknown_fields=True, descriptor_pool=pool())
        except (ParseError, SystemError, *_UNUSUAL) as error:
            raise InvalidMessageError(f"The answer is not a {name}: {str(error).strip(chr(39))}") from None
    return message.SerializeToString(deterministic=True)


def status_bytes(wire: Wire) -> bytes:
    """Return the bytes of a `google.rpc.Status`. A detail whose type is not in the pool keeps its type only."""
    details = [_detail(each) for each in wire.get("details", ())]
    status: Any = message_class(STATUS)(code=wire.get("code", 0), message=wire.get("message", ""), details=details)
    return cast("bytes", status.SerializeToString(deterministic=True))


def _detail(wire: Wire) -> Message:
    try:
        return _packed(wire)
    except _UNUSUAL:
        message: Any = message_class(_ANY)()
    try:
        ParseDict(wire, message, ignore_unknown_fields=True, descriptor_pool=pool())
    except (ParseError, TypeError, KeyError):
        return message_class(_ANY)(type_url=wire.get("@type", ""))
    return cast("Message", message)


# Makers: compiled from the descriptor of a message, for the JSON form that the double itself writes. They raise one of
# _UNUSUAL for any other, which json_format reads, five times as slowly.

_UNUSUAL: Final = (AttributeError, KeyError, TypeError, ValueError)


@cache
def _maker(name: str) -> Callable[[Any], Message]:
    """Return what makes a message of one type from its JSON form."""
    if name in _WELL_KNOWN:
        return _WELL_KNOWN[name]
    kind: Any = message_class(name)
    proto = DescriptorProto()
    kind.DESCRIPTOR.CopyToProto(proto)
    fields = {}
    for field, each in zip(kind.DESCRIPTOR.fields, proto.field, strict=True):
        one = _converter(field)
        if each.label == each.LABEL_REPEATED:
            is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
            one = partial(_mapped if is_map else _listed, one)
        fields[field.name] = fields[field.json_name] = field.name, one

    def make(wire: Wire) -> Message:
        values = {}
        for spelling, value in wire.items():
            if value is not None and (found := fields.get(spelling)) is not None:
                values[found[0]] = found[1](value)
        return cast("Message", kind(**values))

    return make


def _converter(field: Any) -> Callable[[Any], Any]:
    """Return what turns the JSON form of one value of a field into what protobuf takes."""
    if field.message_type is None:
        if field.enum_type is not None:
            return {value.name: value.number for value in field.enum_type.values}.__getitem__
        return _SCALARS.get(field.type, _unread)
    if field.message_type.GetOptions().map_entry:
        return _converter(field.message_type.fields_by_name["value"])
    return _maker(field.message_type.full_name)


def _mapped(one: Callable[[Any], Any], value: dict[str, Any]) -> dict[str, Any]:
    return {key: one(each) for key, each in value.items()}


def _listed(one: Callable[[Any], Any], value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(value)
    return [one(each) for each in value]


def _unread(value: Any) -> Any:
    raise TypeError(value)


def _only(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


def _integer(value: Any) -> int:
    number = int(value)
    if str(number) != str(value):
        raise ValueError(value)
    return number


def _packed(wire: Wire) -> Message:
    url = str(wire["@type"])
    name = url.rpartition("/")[2]
    if name in _WELL_KNOWN:
        raise ValueError(name)  # which has no fields of its own in JSON
    return message_class(_ANY)(type_url=url, value=_maker(name)(wire).SerializeToString(deterministic=True))


def _timestamp(text: str) -> Message:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    since = datetime.fromisoformat(found[1]) - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return message_class(_TIMESTAMP)(seconds=seconds, nanos=int((found[2] or "").ljust(9, "0")))


_SCALARS: Final[dict[int, Callable[[Any], Any]]] = {
    FieldDescriptor.TYPE_BOOL: partial(_only, bool),
    FieldDescriptor.TYPE_INT32: _integer,
    FieldDescriptor.TYPE_INT64: _integer,
    FieldDescriptor.TYPE_STRING: partial(_only, str),
}
_ANY: Final = "google.protobuf.Any"
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_WELL_KNOWN: Final[dict[str, Callable[[Any], Message]]] = {
    _ANY: _packed,
    _TIMESTAMP: _timestamp,
    "google.protobuf.Duration": _unread,
    "google.protobuf.FieldMask": _unread,
}
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - as the texts that it is compared with
