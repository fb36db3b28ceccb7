"""A request to the control API, read: what it names, and what it sends. What cannot be is a `UsageError`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ycimages.control.controlled import Controlled
    from pytest_ycimages.control.models import Answer

Model = TypeVar("Model", bound=BaseModel)


class Asked(NamedTuple):
    """A request.

    Attributes:
        double: who is asked.
        body: what it sends, as JSON says it; an empty body sends `{}`.
        query: its query parameters.
        number: the number in its path; 0 for none.
    """

    double: Controlled
    body: Any
    query: Mapping[str, str]
    number: int


class Answered(NamedTuple):
    """An answer.

    Attributes:
        answer: the answer.
        status: its HTTP status.
    """

    answer: Answer
    status: int = HTTPStatus.OK


def json_in(body: bytes) -> Any:
    """What a body says.

    Raises:
        UsageError: it is no JSON.
    """
    try:
        return json.loads(body, parse_constant=_no_number) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise UsageError(f'The body is no JSON: {error}. Send an object, such as {{"seconds": 5}}.') from None


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def known(what: str, given: object, names: Iterable[str]) -> dict[str, Any]:
    """`given`, if it is an object in which every name is known.

    Raises:
        UsageError: it is not; the text calls a name `what`.
    """
    names = list(names)
    if not isinstance(given, dict):
        raise UsageError(
            f"The body is {given!r}, and no object. Send an object with one or more of {', '.join(names)}."
        )
    for name in given:
        if name not in names:
            raise unknown_word(what, name, names)
    return given


def read(model: type[Model], given: object) -> Model:
    """`given` as a `model`.

    Raises:
        UsageError: it is none; the text says what would be.
    """
    fields = list(model.model_fields)
    if model.model_config.get("extra") == "forbid" or not isinstance(given, dict):
        known("field", given, fields)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = "; ".join(_wrong(each) for each in error.errors())
        raise UsageError(f"{wrong}. The fields are {', '.join(fields)}.") from None


def _wrong(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    return f"{where} is missing" if error["type"] == "missing" else f"{where}={error['input']!r}: {error['msg']}"
