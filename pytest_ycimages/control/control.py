"""Answers a request to the control API: finds what serves it, lets that serve it, and says no where it cannot."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from werkzeug.exceptions import MethodNotAllowed, NotFound

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.control.asked import Asked, json_in
from pytest_ycimages.control.routes import MAP, OPENAPI, PATHS, Route
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.server.http import MAX_BODY, HttpReply, too_large

if TYPE_CHECKING:
    from pytest_ycimages.control.controlled import Controlled
    from pytest_ycimages.server.http import HttpRequest

_JSON: Final = ("content-type", "application/json")
_ADAPTER: Final = MAP.bind("")


def answer(double: Controlled, http: HttpRequest) -> HttpReply:
    """Answer one request."""
    problem = http.problem or (too_large(len(http.body)) if len(http.body) > MAX_BODY else "")
    if problem:
        return _refused(http.problem_status or HTTPStatus.REQUEST_ENTITY_TOO_LARGE, problem)
    try:
        route, parameters = _ADAPTER.match(http.path, http.method)
    except NotFound:
        return _refused(HTTPStatus.NOT_FOUND, str(unknown_word("path", http.path, PATHS)))
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(error.valid_methods or ()))
        problem = f"{http.method} is not allowed for {http.path}; allowed: {allowed}"
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, problem, ("allow", allowed))
    if not isinstance(route, Route):
        return _reply(HTTPStatus.OK, _document(double, str(route), http.headers.get("host", "")))
    try:
        body = json_in(http.body) if route.body else {}
        query = dict(parse_qsl(http.query, keep_blank_values=True))
        answered = route.serve(Asked(double, body, query, parameters.get("number", 0)))
    except UsageError as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error))
    return _reply(answered.status, answered.answer.model_dump(mode="json"))


def _document(double: Controlled, path: str, host: str) -> dict[str, Any]:
    """A document, which says that what it describes is where the client found it."""
    from pytest_ycimages.control.document import control_document  # noqa: PLC0415 - only for who asks for it
    from pytest_ycimages.server.openapi import document  # noqa: PLC0415 - likewise

    origin = f"http://{host}" if host else ""
    return document(CONTRACTS[double.settings.contract], origin) if path == OPENAPI else control_document(origin)


def _refused(status: int, problem: str, *headers: tuple[str, str]) -> HttpReply:
    return _reply(status, {"error": problem}, *headers)


def _reply(status: int, body: dict[str, Any], *headers: tuple[str, str]) -> HttpReply:
    return HttpReply(status, (_JSON, *headers), json_bytes(body))
