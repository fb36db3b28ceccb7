"""The OpenAPI 3.1 document of the control API, made from the table of its routes and the models of its messages."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from pytest_ycimages.control.models import Refused
from pytest_ycimages.control.routes import ROUTES, Route
from pytest_ycimages.server.app import PREFIX

if TYPE_CHECKING:
    from pydantic import BaseModel

_WHERE: Final = "#/components/schemas/"
_PARAMETER: Final = re.compile(r"<int:(\w+)>")
_DESCRIPTION: Final = """\
What a test may ask of a running double of pytest-ycimages: what it has seen, what is to go wrong, and what time it is.

No token is asked for. No call is written to the journal, struck by a fault, or late. What cannot be is refused with 400
and a text that says what would be right, and changes nothing.
"""
_QUERIES: Final = {
    "calls": (
        ("method", {"type": "string"}, "A method word or glob, such as `images.*`; without it, all of them."),
        ("since", {"type": "integer", "minimum": 0}, "Leave out the calls up to this number."),
    ),
}


def control_document(origin: str = "") -> dict[str, Any]:
    """The document; not to be changed, as it is made once.

    Args:
        origin: where it is served, such as `http://127.0.0.1:41233`; empty when it is not.
    """
    return {**_document(), **({"servers": [{"url": origin}]} if origin else {})}


@cache
def _document() -> dict[str, Any]:
    bodies = {route.body: "validation" for route in ROUTES if route.body}
    answers = {model: "serialization" for route in ROUTES for _, model in _answers(route)}
    _, schemas = models_json_schema([*bodies.items(), *answers.items()], ref_template=f"{_WHERE}{{model}}")  # type: ignore[list-item]  # the modes are the words that it takes
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(_PARAMETER.sub(r"{\1}", f"{PREFIX}{route.path}"), {})[route.verb.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The control API of pytest-ycimages", "version": "1", "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _answers(route: Route) -> list[tuple[int, type[BaseModel]]]:
    """Everything that a route answers, by HTTP status."""
    refused = [(400, Refused), (413, Refused)] if route.body else []
    return [(route.status, route.answer), *route.refusals, *refused]


def _operation(route: Route) -> dict[str, Any]:
    name = route.serve.__name__
    operation: dict[str, Any] = {"operationId": name, "summary": (route.serve.__doc__ or "").removesuffix(".")}
    parameters = [
        {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
        for name, schema, text in _QUERIES.get(route.path, ())
    ]
    parameters += [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": "The number of a fault.",
            "schema": {"type": "integer", "minimum": 1},
        }
        for name in _PARAMETER.findall(route.path)
    ]
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        content = {**_content(route.body)["application/json"], "example": route.example}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    operation["responses"] = {
        str(status): {"description": _first_line(model), "content": _content(model)}
        for status, model in _answers(route)
    }
    return operation


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"{_WHERE}{model.__name__}"}}}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]
