"""The OpenAPI 3.1 document of one contract revision, made from the routes, the messages and the table of answers.

The double accepts what a schema allows and refuses what it forbids. Calls that it routes and does not implement are
under `x-unimplemented`, in the form of `paths`, so that tools ignore them.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic.alias_generators import to_camel

from pytest_ycimages.api.json_schema import WHERE, Schemas
from pytest_ycimages.api.methods import ANSWER_OF, CONTRACTS, ROUTES
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.cloud.service import PUBLIC
from pytest_ycimages.server.openapi_answers import (
    ANSWERS,
    BODIES,
    GATEWAY_TEXT,
    LINKS,
    MEANINGS,
    PARAMETERS,
    RESPONSES,
    TAGS,
)

if TYPE_CHECKING:
    from pytest_ycimages.api.json_schema import Schema
    from pytest_ycimages.api.methods import Contract


_REFERENCE: Final = re.compile(f'"{WHERE}([^"]+)"')
_ID: Final = re.compile(r"<(\w+)>")
_WITH_BODY: Final = frozenset({"POST", "PATCH"})
_FROM_GATEWAY: Final = frozenset({400, 404, 413, 431})
"""Statuses that the gateway may answer by itself, without an `x-request-id`."""

_OPERATION_ID: Final = "^[0-9a-v]{20}$"
_ANY_ID: Final = "^[^/]+$"
_DESCRIPTION: Final = """\
The image API as the test double pytest-ycimages serves it, contract revision `{revision}`.

Fields of a body may be spelled in camelCase or in snake_case, a null is an absent field, an unknown field is ignored.
An int64 is answered as a string, and taken as a string or as a number. Bodies are read as JSON whatever `Content-Type`
says. An error is a `google.rpc.Status`; a body that is not JSON of the right types is refused in plain text.
"""


def document(contract: Contract, origin: str = "") -> dict[str, Any]:
    """Return the document of a contract revision. It is cached: do not change it.

    Args:
        contract: the revision.
        origin: the address that serves it, such as `http://127.0.0.1:41233`; empty for none.
    """
    return {**_document(contract.revision), **({"servers": [{"url": origin}]} if origin else {})}


@cache
def _document(revision: str) -> dict[str, Any]:
    contract = CONTRACTS[revision]
    schemas = Schemas(contract.requests.values(), [Status, *ANSWER_OF.values()])
    served: dict[str, Schema] = {}
    unimplemented: dict[str, Schema] = {}
    seen: set[str] = set()
    for verb, route, method in ROUTES:
        path = _ID.sub(lambda found: f"{{{to_camel(found[1])}}}", route)
        paths = unimplemented if Code.UNIMPLEMENTED in ANSWERS[method].refusals else served
        operation = _operation(contract, schemas, verb, path, method)
        if method in seen:  # a second verb for the same method; an operation id must be unique
            operation["operationId"] = f"{method}.{verb.lower()}"
        seen.add(method)
        paths.setdefault(path, {})[verb.lower()] = operation
    operations = {"paths": served, "x-unimplemented": unimplemented}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Yandex Compute Cloud images, as pytest-ycimages serves them",
            "version": revision,
            "description": _DESCRIPTION.format(revision=revision),
        },
        "security": [{"bearerAuth": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        **operations,
        "components": {
            "schemas": _used(schemas.components, operations),
            "securitySchemes": {
                "bearerAuth": {"type": "http", "scheme": "bearer", "description": "An IAM token, from `tokens.create`."}
            },
        },
    }


def _used(components: dict[str, Schema], by: Schema) -> dict[str, Schema]:
    """Return the schemas that `by` refers to, directly or through others, sorted by name."""
    found: dict[str, Schema] = {}
    texts = [json.dumps(by)]
    while texts:
        names = set(_REFERENCE.findall(texts.pop())) - found.keys()
        found |= {name: components[name] for name in names}
        texts += [json.dumps(components[name]) for name in names]
    return dict(sorted(found.items()))


def _operation(contract: Contract, schemas: Schemas, verb: str, path: str, method: str) -> Schema:
    answer = ANSWERS[method]
    request = contract.requests[method]
    fields, required = schemas.fields(request)
    in_path = [name for name in fields if f"{{{name}}}" in path]
    has_body = verb in _WITH_BODY and len(in_path) < len(fields)
    parameters = [_parameter("path", name, fields[name]) for name in in_path]
    if not has_body:
        parameters += [
            _parameter("query", name, field, required=name in required)
            for name, field in fields.items()
            if name not in in_path
        ]
    operation: Schema = {"operationId": method, "tags": [answer.tag], "summary": answer.summary}
    if verb not in {"GET", "HEAD"} and method not in PUBLIC:
        parameters.append(_IDEMPOTENCY_KEY)
    if parameters:
        operation["parameters"] = parameters
    if has_body:
        content = {"schema": schemas.body(request, without=in_path), "examples": _examples(BODIES.get(method, {}))}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    typed = has_body or any("int64" in str(each) for each in parameters)
    operation["responses"] = _responses(schemas, method, body=verb in _WITH_BODY, typed=typed or verb in _WITH_BODY)
    if method in PUBLIC:
        operation["security"] = []
    return operation


_IDEMPOTENCY_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Best a UUID. The same key is answered with the operation that it made first, as it is by then.",
    "schema": {"type": "string"},
}


_POLL_INTERVAL: Final[Schema] = {
    "x-operation-poll-interval": {
        "description": "How many seconds to wait before the next poll; sent when the double is set to.",
        "required": False,
        "schema": {"type": "integer", "minimum": 1},
    }
}


def _parameter(where: str, name: str, field: Schema, *, required: bool = True) -> Schema:
    schema = {key: value for key, value in field.items() if key != "description"}
    if where == "path":
        schema |= {"minLength": 1, "pattern": _OPERATION_ID if name == "operationId" else _ANY_ID}
    parameter = {"name": name, "in": where, "required": required, "description": field["description"], "schema": schema}
    return parameter | ({"example": PARAMETERS[name]} if name in PARAMETERS else {})


def _examples(values: dict[str, Any]) -> Schema:
    return {name: {"value": value} for name, value in values.items()}


def _responses(schemas: Schemas, method: str, *, body: bool, typed: bool) -> Schema:
    answer = ANSWERS[method]
    codes: dict[int, list[Code]] = {}
    for code in (*answer.refusals, *(() if method in PUBLIC else (Code.UNAUTHENTICATED,))):
        codes.setdefault(code.http_status, []).append(code)
    if body:
        codes[413] = [Code.RESOURCE_EXHAUSTED]
    codes[431] = [Code.RESOURCE_EXHAUSTED]
    responses: Schema = {}
    if Code.UNIMPLEMENTED not in answer.refusals:
        content = {"schema": schemas.of(ANSWER_OF[method]), "examples": _examples(RESPONSES[method])}
        responses["200"] = {
            "description": "OK",
            "headers": _headers(has_id=True) | (_POLL_INTERVAL if method == "operations.get" else {}),
            "content": {"application/json": content},
            **({"links": LINKS[method]} if method in LINKS else {}),
        }
    for status in sorted(codes):
        responses[str(status)] = _refusal(schemas, status, codes[status], typed=typed)
    return responses


def _refusal(schemas: Schemas, status: int, codes: list[Code], *, typed: bool) -> Schema:
    """Return an error with its codes, and plain text where the gateway may refuse the call."""
    example = Status(code=codes[0], message=MEANINGS[status][1]).to_wire()
    schema = {"allOf": [schemas.of(Status), {"properties": {"code": {"enum": [code.number for code in codes]}}}]}
    content: Schema = {"application/json": {"schema": schema, "example": example}}
    if status == Code.INVALID_ARGUMENT.http_status and typed:
        content["text/plain"] = {"schema": {"type": "string"}, "example": GATEWAY_TEXT}
    names = " or ".join(f"{code.name} ({code})" for code in codes)
    return {
        "description": f"{names}: {MEANINGS[status][0]}",
        "headers": _headers(has_id=status not in _FROM_GATEWAY),
        "content": content,
    }


def _headers(*, has_id: bool) -> Schema:
    """Return the headers of an answer; those of the gateway by itself have no id of a call."""
    return {
        "x-request-id": {
            "description": "The id of the call, the same as in the error's `google.rpc.RequestInfo`.",
            "required": has_id,
            "schema": {"type": "string", "format": "uuid"},
        },
        "x-server-trace-id": {
            "description": "The ids of trace, span and parent in hexadecimal digits, and 1.",
            "required": True,
            "schema": {"type": "string", "pattern": "^([0-9a-f]{1,16}):[0-9a-f]{1,16}:[0-9a-f]{1,16}:1$"},
        },
        "server": {"description": "The gateway.", "required": True, "schema": {"type": "string", "const": "ycapi"}},
        "date": {
            "description": "The time of the double, as HTTP writes it.",
            "required": True,
            "schema": {"type": "string", "pattern": "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$"},
        },
    }
