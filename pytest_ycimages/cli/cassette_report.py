"""What `ycimages cassette check` and `show` say of a cassette: its problems, and its calls as lines for people.

Problems are damage, missing metadata, age, a broken contract, and secrets.

A request is compared as the double serves it, and a response with the OpenAPI document. What the contract does not
describe is not compared: another host, an undescribed status, a token exchange (a cassette holds placeholders for it).
A request that breaks the contract and was refused is accepted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import click
from pydantic.alias_generators import to_snake
from rich.text import Text

from pytest_ycimages.api.gateway import GatewayRefusalError, decode, parse_body
from pytest_ycimages.api.methods import CONTRACTS, ROUTES, NoRouteError, route
from pytest_ycimages.call import shown
from pytest_ycimages.cassette.detector import find_secrets
from pytest_ycimages.cassette.exchange import reply_of
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.handle import days_old
from pytest_ycimages.cassette.model import CUT_OFF, UNKNOWN_METADATA, Origin
from pytest_ycimages.cassette.partial_file import partial_path
from pytest_ycimages.cassette.requests import json_object, json_value, normalize
from pytest_ycimages.cloud.clock import machine_time
from pytest_ycimages.errors import CassetteError, printable
from pytest_ycimages.redaction.printing import Printing, printed
from pytest_ycimages.server.openapi import document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jsonschema_rs import ValidationError

    from pytest_ycimages.cassette.model import (
        CassetteData,
        CassetteMetadata,
        Interaction,
        RecordedRequest,
        RecordedResponse,
    )
    from pytest_ycimages.cassette.requests import NormalizedRequest

_REFUSED: Final = 400
_FAILED: Final = 500
_NEWEST: Final = "current"
"""The contract for a recording that names none."""
_NOT_KEPT: Final = ("tokens.create", "tokens.createForServiceAccount", "tokens.revoke")
_STATUS: Final = {"$ref": "#/components/schemas/Status"}


class Finding(NamedTuple):
    """A problem of a cassette.

    Attributes:
        kind: `damage`, `metadata`, `age`, `contract`, `secret` or `orphan`.
        text: a sentence.
        interaction: the number of the interaction, counted from 1; None: the cassette as a whole.
    """

    kind: str
    text: str
    interaction: int | None = None


def findings(
    file: Path, contract: str | None = None, max_age: float | None = None, allowed: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Yield the problems of one cassette.

    Args:
        file: the cassette.
        contract: the revision to check calls against; None: the one that the cassette names.
        max_age: the maximum number of days since it was recorded; None: unlimited.
        allowed: regular expressions of values that are not secrets.
    """
    try:
        recorded = read_cassette(file)
    except CassetteError as error:
        yield Finding("damage", str(error))
        return
    if not recorded.is_complete:
        yield Finding("damage", f"{CUT_OFF}; its interactions are intact")
    if partial_path(file).exists():
        yield Finding("damage", f"a killed recording has left {partial_path(file).name}: delete it")
    metadata = recorded.metadata
    if metadata.origin is Origin.UNKNOWN:
        yield Finding("metadata", "it does not say who answered; add it: ycimages cassette convert --origin")
    if max_age is not None:
        age = days_old(metadata, machine_time())
        if age is None:
            yield Finding("age", "it does not say when it was recorded")
        elif age > max_age:
            yield Finding("age", f"recorded {age:.0f} days ago, at {metadata.recorded_at}; it may be {max_age:g}")
    yield from _of_contract(recorded, contract or metadata.contract)
    yield from (Finding("secret", str(each)) for each in find_secrets(file.read_bytes(), allow=allowed))


def _of_contract(recorded: CassetteData, revision: str) -> Iterator[Finding]:
    if revision and revision not in CONTRACTS:
        yield Finding("metadata", f"unknown contract {revision!r}; known: {', '.join(CONTRACTS)}")
    revision = revision if revision in CONTRACTS else _NEWEST
    for number, interaction in enumerate(recorded.interactions, 1):
        for objection in objections(interaction, revision):
            yield Finding("contract", objection, number)


def objections(interaction: Interaction, revision: str) -> Iterator[str]:
    """Yield how a call breaks the contract of a revision, a sentence each. Values are left out: they may be secrets."""
    asked = normalize(interaction.request)
    method, ids = _routed(asked)
    if asked.host or method in _NOT_KEPT:
        return
    if not method:
        if interaction.response.status < _REFUSED:
            yield f"the contract has no {asked.method} {asked.path}, but the call was not refused"
        return
    if interaction.response.status < _REFUSED:
        yield from _against_request(interaction.request, method, ids, revision)
    yield from _against_answer(interaction.response, method, revision)


def _routed(asked: NormalizedRequest) -> tuple[str, Mapping[str, str]]:
    """Return the word of the API method that a request calls, and the ids in its path; nothing for another host."""
    try:
        return ("", {}) if asked.host else route(asked.path, asked.method)
    except NoRouteError:
        return "", {}


def _against_request(request: RecordedRequest, method: str, ids: Mapping[str, str], revision: str) -> Iterator[str]:
    """Yield why the double of that revision would have refused the request."""
    query = dict(parse_qsl(urlsplit(request.uri).query, keep_blank_values=True))
    try:
        fields = query | parse_body(request.body) if request.body else query
        named = {key: value for key, value in fields.items() if to_snake(key) not in ids}
        decoded = decode(CONTRACTS[revision].requests[method], {**named, **ids})
    except GatewayRefusalError:
        yield "request: invalid JSON or wrong types, but the call was not refused"
        return
    for violation in decoded.violations:
        yield f"request {violation.field}: breaks the contract, but the call was not refused"


def _against_answer(response: RecordedResponse, method: str, revision: str) -> Iterator[str]:
    schema = _schemas(revision)[method].get(str(response.status))
    if schema is None and response.status < _REFUSED:
        return
    value = json_value(response.body)
    if isinstance(value, bytes):
        if response.status < _REFUSED:
            yield "answer: not JSON"
        return
    try:
        from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - slow to load; its absence is explained
    except ModuleNotFoundError as missing:
        if missing.name != "jsonschema_rs":
            raise
        hint = "Install it with: pip install 'pytest-ycimages[cli]'"
        raise click.UsageError(f"ycimages cassette check needs jsonschema-rs. {hint}") from None
    whole = {**(schema or _STATUS), "components": document(CONTRACTS[revision])["components"]}
    for error in Draft202012Validator(whole, validate_formats=True, mask="it").iter_errors(value):
        for each in _causes(error):
            place = ".".join(map(str, each.instance_path))
            yield f"answer{' ' * bool(place)}{place}: {each.message}"


def _causes(error: ValidationError) -> list[ValidationError]:
    """Return the errors behind one that says that no alternative fits: those of the closest alternatives."""
    alternatives: list[list[ValidationError]] = getattr(error.kind, "context", [])
    fewest = min(map(len, alternatives), default=0)
    near = [each for each in alternatives if len(each) == fewest]
    meant = [each for each in near if not any(cause.kind.name == "const" for cause in each)]
    return [cause for each in meant or near for cause in each] or [error]


@cache
def _schemas(revision: str) -> dict[str, dict[str, Any]]:
    """Return method word -> HTTP status -> the schema of such a response."""
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


# The lines of a cassette.

_MARGIN: Final = " " * 11
"""As wide as a moment."""


def story(recorded: CassetteData, *, bodies: bool = False) -> Iterator[Text]:
    """Yield the lines that show a cassette; with `bodies`, the bodies of requests and responses, too."""
    yield from _of_metadata(recorded.metadata)
    count = len(recorded.interactions)
    end = "complete" if recorded.is_complete else f"not complete: {CUT_OFF}"
    yield Text(f"  {count} interaction{'' if count == 1 else 's'}, {end}")
    for interaction in recorded.interactions:
        if interaction.skipped_polls:
            polls = "1 equal poll" if interaction.skipped_polls == 1 else f"{interaction.skipped_polls} equal polls"
            yield Text(f"{_MARGIN}({polls} before)", style="dim")
        yield line(interaction)
        if bodies:
            yield from _of_body(">", interaction.request.body)
            yield from _of_body("<", interaction.response.body)


def line(interaction: Interaction) -> Text:
    """Return an interaction as a line: time, method word, verb and address, status, and what the response shows."""
    request, response, at, took, _ = interaction
    moment = "" if at is None else f"+{shown(at)}"
    late = f"  took {shown(took)}" if took else ""
    reply = reply_of(response)
    ids = "".join(
        f"  {word} {id_}"
        for word, id_ in (("operation", reply.operation_id), ("image", reply.image_id))
        if id_ and id_ not in request.uri
    )
    text = Text(f"{moment:<10} {_routed(normalize(request))[0] or '-':<19} {_spelled(request)}  ")
    text.append(printable(f"{response.status} {printed(response.reason)}".rstrip()), style=_colour(response.status))
    text.append(printable(f"  {printed(reply.note)}" if reply.note else ""), style="bold")
    text.append(printable(f"{_counted(response.body)}{ids}"))
    text.append(late, style="dim")
    return text


def _of_metadata(metadata: CassetteMetadata) -> Iterator[Text]:
    if metadata == UNKNOWN_METADATA:
        yield Text("  has no metadata: the origin of its answers is unknown", style="yellow")
        return
    tool = f"pytest-ycimages {metadata.tool}" if metadata.tool else ""
    contract = metadata.contract and f"contract {metadata.contract}"
    recorded = ", ".join(filter(None, (metadata.recorded_at, tool, contract)))
    lines = {
        "origin": f"{metadata.origin}, at {metadata.upstream}" if metadata.upstream else str(metadata.origin),
        "recorded": recorded,
        "folder": metadata.folder_id,
        "note": metadata.note,
    }
    for name, value in lines.items():
        if value:
            yield Text(printable(f"  {name:<9} {printed(value)}"))


def _spelled(request: RecordedRequest) -> str:
    """Return the verb and the address, without the host if it is one of the API's."""
    address = urlsplit(request.uri)
    query = f"?{address.query}" if address.query else ""
    host = f"{address.scheme}://{address.netloc}" if normalize(request).host else ""
    return printable(Printing(dict(request.headers)).line(f"{request.method} {host}{address.path or '/'}{query}"))


def _counted(body: bytes) -> str:
    """Return the length of a list response, as text."""
    for name in ("images", "operations", "endpoints"):
        found = json_object(body).get(name)
        if isinstance(found, list):
            return f"  {len(found)} {name if len(found) != 1 else name[:-1]}"
    return ""


def _of_body(mark: str, body: bytes) -> Iterator[Text]:
    if not body:
        return
    text = printed(body.decode(errors="backslashreplace"))
    with suppress(ValueError):
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    for part in text.split("\n"):
        yield Text(f"{_MARGIN}{mark} {printable(part)}", style="dim")


def _colour(status: int) -> str:
    return "green" if status < _REFUSED else "yellow" if status < _FAILED else "red"
