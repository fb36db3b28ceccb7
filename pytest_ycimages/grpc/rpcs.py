"""The gRPC methods of the service, and the REST twin of each call.

A call becomes its twin (verb, path, JSON body) before it becomes a `Request`, so that faults, journal, idempotency and
cassettes are the same for both transports.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from pydantic.alias_generators import to_camel

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import method_at
from pytest_ycimages.grpc.messages import table

if TYPE_CHECKING:
    from collections.abc import Mapping

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
