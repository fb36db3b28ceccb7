"""Protobuf messages and methods of the served API, from `messages.toml`.

Messages have a descriptor pool of their own. It shares nothing with protobuf's default pool, so the stubs that a client
generated from the same protos stay as they are in the same process.

A call becomes its REST twin (verb, path, JSON body) before it becomes a `Request`, so that faults, journal, idempotency
and cassettes are the same for both transports.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from google.protobuf import any_pb2, duration_pb2, empty_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from pydantic.alias_generators import to_camel

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import method_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message

WELL_KNOWN: Final = (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, timestamp_pb2)
_WELL_KNOWN_FILES: Final = {
    f"google.protobuf.{name}": module.DESCRIPTOR.name
    for module in WELL_KNOWN
    for name in module.DESCRIPTOR.message_types_by_name
}
_SCALARS: Final = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "string": FieldDescriptorProto.TYPE_STRING,
}


@cache
def table() -> list[dict[str, Any]]:
    """Return the proto files of `messages.toml`, each with its enums, messages and services."""
    text = files("pytest_ycimages.grpc").joinpath("messages.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["file"]
    return found


@cache
def pool() -> DescriptorPool:
    """Return the descriptor pool with every served message, the well-known types and the error details."""
    built = DescriptorPool()
    for module in WELL_KNOWN:
        built.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    served = _file_descriptors()
    for path in TopologicalSorter({path: file.dependency for path, file in served.items()}).static_order():
        if path in served:
            built.AddSerializedFile(served[path].SerializeToString())
    return built


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a message by its full name, such as `yandex.cloud.compute.v1.Image`.

    Raises:
        KeyError: the pool has no such message.
    """
    return GetMessageClass(pool().FindMessageTypeByName(name))


def with_dependencies(file: FileDescriptor) -> list[FileDescriptor]:
    """Return a file and all files that it imports, at any depth, each once."""
    found: dict[str, FileDescriptor] = {}

    def add(each: FileDescriptor) -> None:
        if each.name not in found:
            found[each.name] = each
            for dependency in each.dependencies:
                add(dependency)

    add(file)
    return list(found.values())


def _file_descriptors() -> Mapping[str, FileDescriptorProto]:
    """Return the descriptor of each file of the table by its path."""
    homes = dict(_WELL_KNOWN_FILES)
    for each in table():
        names = (*each.get("messages", ()), *each.get("enums", ()))
        homes |= {f"{each['package']}.{name}": each["path"] for name in names}
    enums = {f"{each['package']}.{name}" for each in table() for name in each.get("enums", ())}
    return {each["path"]: _file(each, homes, enums) for each in table()}


def _file(each: Mapping[str, Any], homes: Mapping[str, str], enums: set[str]) -> FileDescriptorProto:
    file = FileDescriptorProto(name=each["path"], package=each["package"], syntax="proto3")
    messages: dict[str, DescriptorProto] = {}
    for name, fields in each.get("messages", {}).items():
        outer, _, inner = name.rpartition(".")
        message = messages[name] = (messages[outer].nested_type if outer else file.message_type).add(name=inner)
        for field, spelled in fields.items():
            _add_field(message, f"{each['package']}.{name}", field, spelled, enums)
    for name, values in each.get("enums", {}).items():
        outer, _, inner = name.rpartition(".")
        enum = (messages[outer].enum_type if outer else file.enum_type).add(name=inner)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
    for name, methods in each.get("services", {}).items():
        service = file.service.add(name=name)
        for method, (request, answer, how) in methods.items():
            service.method.add(
                name=method,
                input_type=f".{request}",
                output_type=f".{answer}",
                client_streaming=how == "both streams",
                server_streaming=how in {"both streams", "server stream"},
            )
    used = {name.lstrip(".") for name in _types_used(file)}
    file.dependency.extend(sorted({homes[name] for name in used if name in homes} - {each["path"]}))
    return file


def _add_field(message: DescriptorProto, owner: str, name: str, spelled: str, enums: set[str]) -> None:
    """Add a field spelled as in the table: `1 string`, `7 google.protobuf.Any repeated`, `8 string oneof source`."""
    number, kind, *rest = spelled.split()
    field = message.field.add(name=name, number=int(number), label=FieldDescriptorProto.LABEL_OPTIONAL)
    if kind.startswith("map<"):
        entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        for place, (part, inner) in enumerate(zip(("key", "value"), kind[4:-1].split(","), strict=True), 1):
            _add_field(entry, owner, part, f"{place} {inner}", enums)
        kind, rest = f"{owner}.{entry.name}", ["repeated"]
    if rest[:1] == ["repeated"]:
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if rest[:1] == ["oneof"]:
        _add_to_oneof(message, field, rest[1])
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = FieldDescriptorProto.TYPE_ENUM if kind in enums else FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{kind}"


def _add_to_oneof(message: DescriptorProto, field: FieldDescriptorProto, oneof: str) -> None:
    names = [each.name for each in message.oneof_decl]
    if oneof not in names:
        names.append(oneof)
        message.oneof_decl.add(name=oneof)
    field.oneof_index = names.index(oneof)
    field.proto3_optional = oneof.startswith("_")


def _types_used(file: FileDescriptorProto) -> Iterator[str]:
    """Return the types that fields and methods of a file name; its dependencies are the files that have them."""

    def of_message(message: DescriptorProto) -> Iterator[str]:
        for field in message.field:
            yield field.type_name
        for nested in message.nested_type:
            yield from of_message(nested)

    for message in file.message_type:
        yield from of_message(message)
    for service in file.service:
        for method in service.method:
            yield from (method.input_type, method.output_type)


# Methods.

_ID: Final = re.compile(r"\{(\w+)\}")
_WITH_BODY: Final = frozenset({"POST", "PATCH"})
_VERBS: Final = frozenset({"GET", "POST", "PATCH", "DELETE"})


class Rpc(NamedTuple):
    """A method of a gRPC service.

    Attributes:
        path: such as `/yandex.cloud.compute.v1.ImageService/Create`.
        request: the full name of the message that it takes.
        answer: the full name of the message that it returns.
        verb: the HTTP verb of its REST twin; empty for methods without one.
        template: the path of the twin, with `{image_id}` in the place of an id.
        method: the method word of the twin, such as `images.create`.
    """

    path: str
    request: str
    answer: str
    verb: str
    template: str
    method: str


class Twin(NamedTuple):
    """The REST form of a gRPC call.

    Attributes:
        line: such as `GET /compute/v1/images?folderId=b1g`.
        body: the JSON body, empty for a verb without one.
        fields: all fields of the request in their JSON form, those in the path too.
    """

    line: str
    body: bytes
    fields: Mapping[str, Any]


@cache
def rpcs() -> Mapping[str, Rpc]:
    """Return every gRPC method of the table by its path; of reflection and health too."""
    found = {}
    for file in table():
        for service, methods in file.get("services", {}).items():
            for name, (request, answer, how) in methods.items():
                path = f"/{file['package']}.{service}/{name}"
                verb, _, template = how.partition(" ")
                has_twin = verb in _VERBS
                method = method_at(_ID.sub("x", template), verb) if has_twin else ""
                found[path] = Rpc(path, request, answer, verb if has_twin else "", template if has_twin else "", method)
    return found


def twin(rpc: Rpc, fields: Mapping[str, Any]) -> Twin:
    """Return the REST form of a call.

    Args:
        rpc: a method that has a twin.
        fields: the fields of the request in their JSON form.
    """
    rest = dict(fields)
    before, name, after = _parts(rpc.template)
    path = f"{before}{quote(str(rest.pop(name, '')), safe='')}{after}" if name else before
    if rpc.verb in _WITH_BODY:
        return Twin(f"{rpc.verb} {path}", json_bytes(rest), fields)
    query = f"?{urlencode(rest)}" if rest else ""
    return Twin(f"{rpc.verb} {path}{query}", b"", fields)


@cache
def _parts(template: str) -> tuple[str, str, str]:
    """Return what a path has before its id, the name of the id in JSON, and what follows it."""
    before, _, rest = template.partition("{")
    name, _, after = rest.partition("}")
    return before, to_camel(name), after
