"""What a contract has against a recorded call: its answer by the OpenAPI document, its request as the double serves it.

What the contract says nothing about is no finding: another host, a status that it does not describe, a token exchange,
of which a cassette holds placeholders. Nor is a request that breaks the contract, if it was refused.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from jsonschema_rs import Draft202012Validator
from pydantic.alias_generators import to_snake

from pytest_ycimages.api.gateway import GatewayRefusalError, decode, parse_body
from pytest_ycimages.api.methods import CONTRACTS, ROUTES, NoRouteError, route
from pytest_ycimages.cassette.requests import json_value, normalize
from pytest_ycimages.server.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema_rs import ValidationError

    from pytest_ycimages.cassette.model import Interaction, RecordedRequest, RecordedResponse


_REFUSED: Final = 400
_NOT_KEPT: Final = "tokens.create"
_STATUS: Final = {"$ref": "#/components/schemas/Status"}


def objections(interaction: Interaction, revision: str) -> Iterator[str]:
    """What the contract of a revision has against a call, each in a sentence. No value is shown; it may be a secret."""
    asked = normalize(interaction.request)
    if asked.host:
        return
    try:
        method, ids = route(asked.path, asked.method)
    except NoRouteError:
        if interaction.response.status < _REFUSED:
            yield f"the contract has no {asked.method} {asked.path}, and yet it was not refused"
        return
    if method == _NOT_KEPT:
        return
    if interaction.response.status < _REFUSED:
        yield from _against_request(interaction.request, method, ids, revision)
    yield from _against_answer(interaction.response, method, revision)


def _against_request(request: RecordedRequest, method: str, ids: Mapping[str, str], revision: str) -> Iterator[str]:
    """What the double of that revision would have refused."""
    query = dict(parse_qsl(urlsplit(request.uri).query, keep_blank_values=True))
    try:
        fields = query | parse_body(request.body) if request.body else query
        named = {key: value for key, value in fields.items() if to_snake(key) not in ids}
        decoded = decode(CONTRACTS[revision].requests[method], {**named, **ids})
    except GatewayRefusalError:
        yield "request: no JSON of the right types, and yet it was not refused"
        return
    for violation in decoded.violations:
        yield f"request {violation.field}: against the contract, and yet it was not refused"


def _against_answer(response: RecordedResponse, method: str, revision: str) -> Iterator[str]:
    schema = _schemas(revision)[method].get(str(response.status))
    if schema is None and response.status < _REFUSED:
        return
    value = json_value(response.body)
    if isinstance(value, bytes):
        if response.status < _REFUSED:
            yield "answer: no JSON"
        return
    whole = {**(schema or _STATUS), "components": document(CONTRACTS[revision])["components"]}
    for error in Draft202012Validator(whole, validate_formats=True, mask="it").iter_errors(value):
        for each in _causes(error):
            place = ".".join(map(str, each.instance_path))
            yield f"answer{' ' * bool(place)}{place}: {each.message}"


def _causes(error: ValidationError) -> list[ValidationError]:
    """The errors behind one that says that no alternative fits: those of the alternatives that nearly do."""
    alternatives: list[list[ValidationError]] = getattr(error.kind, "context", [])
    fewest = min(map(len, alternatives), default=0)
    near = [each for each in alternatives if len(each) == fewest]
    meant = [each for each in near if not any(cause.kind.name == "const" for cause in each)]
    return [cause for each in meant or near for cause in each] or [error]


@cache
def _schemas(revision: str) -> dict[str, dict[str, Any]]:
    """Method word -> HTTP status -> the schema of such an answer."""
    served = document(CONTRACTS[revision])
    operations = [
        operation
        for paths in (served["paths"], served["x-unimplemented"])
        for path in paths.values()
        for operation in path.values()
    ]
    return {
        method: {
            status: answer["content"]["application/json"]["schema"]
            for operation in operations
            if operation["operationId"] in {method, f"{method}.post", f"{method}.get"}
            for status, answer in operation["responses"].items()
        }
        for _, _, method in ROUTES
    }
