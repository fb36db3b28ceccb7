"""The one form of requests that ask for the same, whatever their spelling and whatever the transport.

proto3 has no explicit defaults: a field that is absent, null, or holds its default says the same, unless it belongs to
a oneof. gRPC cannot send the difference. JSON has two spellings of names and of paths in a mask, and enums and int64 as
numbers or as text.
"""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.message import ProtoEnum, RequestMessage, int64

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pydantic.fields import FieldInfo

    Reader = Callable[[Any], Any]
    """Returns a value in its one form; None for the default of its field."""


def comparable(model: type[RequestMessage], fields: Mapping[str, Any], shown: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a request in the form in which equal requests are equal.

    Args:
        model: the message. Fields that it does not declare, and values of a wrong type, stay as they are.
        fields: the fields in their JSON form, in any spelling.
        shown: texts, by their JSON names, that are shown even if they hold their default.
    """
    readers = _readers(model)
    found: dict[str, Any] = {}
    for spelling, value in fields.items():
        name, read = readers.get(spelling, (spelling, None))
        if value is None and read is not None:
            continue
        found.pop(name, None)  # of a field that is given twice, the last counts
        one = value if read is None else _read(read, value)
        if one is not None or read is None:
            found[name] = one
    for name in shown:
        if readers.get(name, ("", None))[1] is _text:
            found.setdefault(name, "")
    return found


def _read(read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except PydanticCustomError:
        return value


@cache
def _readers(model: type[RequestMessage]) -> Mapping[str, tuple[str, Reader]]:
    """Return each spelling of a field -> its JSON name, and its reader."""
    found: dict[str, tuple[str, Reader]] = {}
    alternatives = {name for oneof in model.oneofs for name in oneof.fields}
    for name, about in model.model_fields.items():
        read = _present(about) if name in alternatives else _mask if name == "update_mask" else _reader(about)
        found[name] = found[to_camel(name)] = to_camel(name), read
    return found


def _reader(about: FieldInfo) -> Reader:
    for each in about.metadata:
        if isinstance(each, ProtoEnum):
            return each.name_of
    kind = _kind(about.annotation)
    if kind in _READERS:
        return _READERS[kind]
    return lambda value: (comparable(kind, value) or None) if isinstance(value, dict) else value


def _present(about: FieldInfo) -> Reader:
    """Return the reader of a member of a oneof, which says something even if it is empty."""
    kind = _kind(about.annotation)
    return lambda value: comparable(kind, value) if isinstance(value, dict) else value


def _kind(annotation: Any) -> Any:
    """Return the type of a field without its constraints, and without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return _kind(next(each for each in get_args(annotation) if each is not NoneType))
    return origin or annotation


def _text(value: Any) -> Any:
    return None if value == "" else value


def _mask(value: Any) -> Any:
    """Return a mask with its paths in camelCase, sorted."""
    if not isinstance(value, str):
        return value
    return ",".join(sorted({to_camel(path.strip()) for path in value.split(",")} - {""})) or None


def _list(value: Any) -> Any:
    return [each for each in value if each is not None] or None if isinstance(value, list) else value


_READERS: Final[Mapping[Any, Reader]] = {
    str: _text,
    int: lambda value: int64(value) or None,
    bool: lambda value: None if value is False else value,
    dict: lambda value: None if value == {} else value,
    tuple: _list,
}
