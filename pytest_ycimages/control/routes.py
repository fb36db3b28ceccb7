"""Route table of the control API, its dispatcher, and its OpenAPI document: both are made from the table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from pydantic.json_schema import models_json_schema
from pydantic_core import from_json
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import CONTRACTS, PREFIX
from pytest_ycimages.control import catalogue, handlers, live, models
from pytest_ycimages.control.handlers import MAX_PAGE, ControlRequest, OtherAnswerError
from pytest_ycimages.control.page import is_page, page_reply
from pytest_ycimages.double import Double
from pytest_ycimages.errors import UsageError, shortened, unknown_word
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.openapi import document

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from pytest_ycimages.server.http import HttpRequest

OPENAPI: Final = f"{PREFIX}openapi.json"
"""The path of the OpenAPI document of the image API."""

HEALTH: Final = f"{PREFIX}health"
"""The path that answers without a token."""

CONTROL: Final = f"{PREFIX}control.json"
"""The path of the OpenAPI document of the control API."""


_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A verb of a path.

    Attributes:
        verb: the HTTP verb.
        path: what follows `PREFIX`; a part in `<>` is a parameter.
        handler: the function that answers; its name is the operation's id, and its docstring the summary.
        answer: the model of a successful response; of another media type than JSON, the handler makes the response.
        status: the HTTP status of that response.
        body: the model of the request body, if there is one.
        example: an example of such a body.
        refusals: the models of other responses, by HTTP status.
        media: the media type of a successful response.
    """

    verb: str
    path: str
    handler: Callable[[ControlRequest], models.Answer | HttpReply]
    answer: type[BaseModel]
    status: int = 200
    body: type[BaseModel] | None = None
    example: object = None
    refusals: tuple[tuple[int, type[models.Answer]], ...] = ()
    media: str = _JSON

    def responses(self) -> list[tuple[int, type[BaseModel]]]:
        """Return every response, by HTTP status."""
        statuses = (*((400, 413) if self.body else ()), *(() if self.verb == "GET" else (415,)))
        return [(self.status, self.answer), *self.refusals, *((status, models.Refused) for status in statuses)]


def _adding(
    path: str,
    add: Callable[..., str | list[str]],
    body: type[BaseModel],
    example: object,
    answer: type[models.Answer] = models.Added,
) -> Route:
    """Return the route that adds one resource, or several, by a method of `Double`."""
    return Route("POST", path, handlers.adding(add, body), answer, 201, body, example)


_GONE: Final = ((404, models.Refused),)
_RULE: Final = {"fault": "reset()", "on": "images.create", "when": "first(1)", "commit": "after"}
_DISK: Final = {"disk_id": "epd0000000000000000a"}
_FILE: Final = {"uri": "https://storage.yandexcloud.net/images/base.qcow2"}
_SEVERAL: Final = {"images": 5, "every": "1d", "family": "base", "name": "base-{n}"}
_NEXT: Final = {"timing": 60}
_TIMING: Final = {"timing": "AfterPolls(3)", "latency": 0}

ROUTES: Final = (
    Route("GET", "health", handlers.health, models.Health),
    Route("GET", "state", handlers.state, models.State),
    Route("GET", "calls", handlers.calls, models.Journal, refusals=((400, models.Refused),)),
    Route("GET", "events", handlers.events, live.Events, media=live.MEDIA),
    Route("GET", "pacing", handlers.pacing, models.AllPacing),
    Route("GET", "faults", handlers.faults, models.SomeFaults),
    Route("POST", "faults", handlers.inject, models.SomeFaults, 201, models.FaultsToInject, _RULE),
    Route("DELETE", "faults", handlers.remove_all, models.SomeFaults),
    Route("GET", "faults/check", handlers.check, models.Verdict, refusals=((409, models.Verdict),)),
    Route("GET", "faults/<int:number>", handlers.fault, models.OneFault, refusals=_GONE),
    Route("DELETE", "faults/<int:number>", handlers.remove, models.OneFault, refusals=_GONE),
    Route("GET", "catalogue", catalogue.catalogue, catalogue.Catalogue),
    Route("GET", "timing", handlers.timing, models.TimingNow),
    Route("PUT", "timing", handlers.set_timing, models.TimingNow, 200, models.TimingToSet, _TIMING),
    Route("GET", "next-operation", handlers.upcoming, models.Upcoming),
    Route("POST", "next-operation", handlers.next_operation, models.Upcoming, 201, models.OperationToAsk, _NEXT),
    Route("GET", "clock", handlers.clock, models.ClockNow),
    Route("POST", "clock/advance", handlers.advance, models.ClockNow, 200, models.Step, {"seconds": 5}),
    Route("POST", "reset", handlers.reset, models.State),
    _adding("folders", Double.add_folder, models.Folder, {}),
    _adding("disks", Double.add_disk, models.Disk, {"size": 10 * 2**30}),
    Route("POST", "disks/remove", handlers.remove_disk, models.Removed, 200, models.DiskToRemove, _DISK),
    _adding("snapshots", Double.add_snapshot, models.Snapshot, {"os": "WINDOWS"}),
    _adding("images", Double.add_image, models.SeededImage, {"name": "base", "family": "ubuntu"}),
    _adding("images/several", Double.add_images, models.SeededImages, _SEVERAL, models.AllAdded),
    _adding("operations", Double.add_operation, models.SeededOperation, {"name": "half-made", "age": "30s"}),
    _adding("objects", Double.add_object, models.StoredFile, _FILE),
)

MAP: Final = Map(
    [
        *(Rule(f"{PREFIX}{route.path}", endpoint=route, methods=[route.verb]) for route in ROUTES),
        *(Rule(path, endpoint=path, methods=["GET"]) for path in (OPENAPI, CONTROL)),
    ],
    strict_slashes=True,
    merge_slashes=False,
    redirect_defaults=False,
)

PATHS: Final = tuple(dict.fromkeys([*(f"{PREFIX}{route.path}" for route in ROUTES), OPENAPI, CONTROL]))
"""Every path."""

_ADAPTER: Final = MAP.bind("")


def answer(double: Double, http: HttpRequest) -> HttpReply:
    """Answer one request to the control API of a double."""
    if http.problem:
        return _refused(http.problem_status, http.problem)
    if is_page(http):
        return page_reply(http)
    if double.control_token and http.path != HEALTH and not _is_authorized(double.control_token, http):
        return _refused(HTTPStatus.UNAUTHORIZED, _UNAUTHORIZED, ("www-authenticate", "Bearer"))
    return _answered(double, http)


def _answered(double: Double, http: HttpRequest) -> HttpReply:
    try:
        return _result(double, http)
    except OtherAnswerError as other:
        return _reply(other.status, other.answer.model_dump(mode="json"))
    except NotFound:
        return _refused(HTTPStatus.NOT_FOUND, str(unknown_word("path", http.path, PATHS)))
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(error.valid_methods or ()))
        problem = f"{http.method} is not allowed for {http.path}; allowed: {allowed}"
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, problem, ("allow", allowed))
    except UsageError as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error))


def _result(double: Double, http: HttpRequest) -> HttpReply:
    """Return the answer to a valid request."""
    route, parameters = _ADAPTER.match(http.path, http.method)
    if not isinstance(route, Route):
        host = http.headers.get("host", "")
        origin = f"http://{host}" if host else ""
        if route == CONTROL:
            return _reply(HTTPStatus.OK, control_document(origin))
        return _reply(HTTPStatus.OK, document(CONTRACTS[double.settings.contract], origin))
    query = dict(parse_qsl(http.query, keep_blank_values=True))
    if route.verb != "GET" and (problem := _not_json(http)):
        return _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, problem)
    body = _parse_body(http.body) if route.body else {}
    shown = route.handler(ControlRequest(double, body, query, parameters.get("number", 0), http))
    return shown if isinstance(shown, HttpReply) else _reply(route.status, shown.model_dump(mode="json"))


_UNAUTHORIZED: Final = (
    "The control API of this double asks for a token. Send the header `Authorization: Bearer TOKEN`, with the token "
    "that `ycimages serve` printed when it started, or that the setting 'control_token' gave it."
)


def _is_authorized(token: str, http: HttpRequest) -> bool:
    scheme, _, given = http.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())


def _not_json(http: HttpRequest) -> str:
    """Return why the body of a change is refused, as web pages can send other types anywhere; empty if it is not."""
    given = http.headers.get("content-type")
    if given is None and not http.body:
        return ""
    if given is not None and given.partition(";")[0].strip().lower() == "application/json":
        return ""
    named = f"has the type {given!r}" if given else "names no type"
    return f"The body {named}, and changes are taken as application/json only. Send `Content-Type: application/json`."


def _parse_body(body: bytes) -> Any:
    """Return the JSON value of a body; an empty body is `{}`.

    Raises:
        UsageError: it is not valid JSON.
    """
    try:
        return from_json(body, allow_inf_nan=False) if body.strip() else {}
    except ValueError as error:
        raise UsageError(f'The body is not valid JSON: {error}. Send an object, such as {{"seconds": 5}}.') from None


def _refused(status: int, problem: str, *headers: tuple[str, str]) -> HttpReply:
    return _reply(status, {"error": shortened(problem, _LONGEST)}, *headers)


def _reply(status: int, body: dict[str, Any], *headers: tuple[str, str]) -> HttpReply:
    return HttpReply(status, (("content-type", "application/json"), *headers), json_bytes(body))


_LONGEST: Final = 4000
"""Characters of the text of a refusal, which repeats what the client sent."""

# The document.

_SCHEMAS: Final = "#/components/schemas/"
_PARAMETER: Final = re.compile(r"<int:(\w+)>")
_DESCRIPTION: Final = """\
The control API of a running double of pytest-ycimages: inspect what it has seen, inject faults, set timing and clock.

It asks for a token if the double has one (`--control-token`, or `--allow-remote`): `Authorization: Bearer TOKEN`.
Changes are taken as `application/json` only. Its calls are not written to the journal, struck by faults, or delayed.
An invalid request is refused with 400 and a text that says what would be right, and changes nothing.
"""
_QUERIES: Final = {
    "calls": (
        ("method", {"type": "string"}, "A method word or glob, such as `images.*`; without it, all of them."),
        ("after", {"type": "integer", "minimum": 0}, "Leave out the calls up to this number."),
        ("page_size", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}, "The most calls on the page."),
        ("page_token", {"type": "string"}, "The `next_page_token` of the page before."),
    ),
}
_NUMBER: Final = ({"type": "integer", "minimum": 1}, "The number of a fault.")


def control_document(origin: str = "") -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the control API; do not change it, as it is made once.

    Args:
        origin: where it is served, such as `http://127.0.0.1:41233`; empty when it is not.
    """
    return {**_document(), **({"servers": [{"url": origin}]} if origin else {})}


@cache
def _document() -> dict[str, Any]:
    bodies = {route.body: "validation" for route in ROUTES if route.body}
    answers = {model: "serialization" for route in ROUTES for _, model in route.responses()}
    _, schemas = models_json_schema([*bodies.items(), *answers.items()], ref_template=f"{_SCHEMAS}{{model}}")  # type: ignore[list-item]  # the modes are the words that it takes
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(_PARAMETER.sub(r"{\1}", f"{PREFIX}{route.path}"), {})[route.verb.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The control API of pytest-ycimages", "version": "1", "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": (route.handler.__doc__ or "").removesuffix("."),
    }
    parameters = [("query", *query) for query in _QUERIES.get(route.path, ())]
    parameters += [("path", name, *_NUMBER) for name in _PARAMETER.findall(route.path)]
    if parameters:
        operation["parameters"] = [
            {"name": name, "in": place, "required": place == "path", "description": text, "schema": schema}
            for place, name, schema, text in parameters
        ]
    if route.body:
        content = {**_content(route.body)[_JSON], "example": route.example}
        operation["requestBody"] = {"required": True, "content": {_JSON: content}}
    operation["responses"] = {
        str(status): {
            "description": (model.__doc__ or "").partition("\n")[0],
            "content": _content(model, route.media if model is route.answer else _JSON),
        }
        for status, model in route.responses()
    }
    return operation


def _content(model: type[BaseModel], media: str = _JSON) -> dict[str, Any]:
    return {media: {"schema": {"$ref": f"{_SCHEMAS}{model.__name__}"}}}
