"""The document is true in both directions: the double accepts what it allows, and refuses what it forbids.

Each case is a request at the edge of a rule, with the verdict that the specification asks for (`edges.py`); the
document and the double must both come to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from tests.openapi.edges import CREATE, FILE, QUERY, TOKEN, UPDATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double


def schema_of_body(document: dict[str, Any], verb: str, path: str) -> dict[str, Any]:
    """The schema of a request's body."""
    schema: dict[str, Any] = document["paths"][path][verb]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def accepted(status: int) -> bool:
    """Whether an answer says that the request was in order; what it names need not be there."""
    assert status in {200, 400, 404}
    return status != 400


@pytest.mark.parametrize(("fields", "verdicts"), CREATE, ids=[str(fields)[:60] for fields, _ in CREATE])
def test_a_create_is_judged_alike(  # noqa: PLR0913, PLR0917 - two judges and their verdict
    revision: str,
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    fields: dict[str, Any],
    verdicts: dict[str, bool],
) -> None:
    """By the document, by the double, and by the specification."""
    body = {"folderId": "b1g", "uri": FILE, **fields}
    answer = Client(ycimages.app).post("/compute/v1/images", json=body, headers={"Authorization": "Bearer x"})
    assert accepted(answer.status_code) is verdicts[revision], answer.text
    schema = schema_of_body(document, "post", "/compute/v1/images")
    assert (not objections(schema, body)) is verdicts[revision], objections(schema, body)


@pytest.mark.parametrize(("body", "verdict"), UPDATE, ids=[str(body)[:60] for body, _ in UPDATE])
def test_an_update_is_judged_alike(
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    body: dict[str, Any],
    verdict: bool,  # noqa: FBT001 - what the test expects
) -> None:
    """On an image of which nothing is known that forbids it."""
    client, headers = Client(ycimages.app), {"Authorization": "Bearer x"}
    made = client.post("/compute/v1/images", json={"folderId": "b1g", "diskId": "d"}, headers=headers)
    path = f"/compute/v1/images/{made.json['metadata']['imageId']}"  # type: ignore[index]
    client.get(path, headers=headers)
    answer = client.patch(path, json=body, headers=headers)
    assert accepted(answer.status_code) is verdict, answer.text
    schema = schema_of_body(document, "patch", "/compute/v1/images/{imageId}")
    assert (not objections(schema, body)) is verdict, objections(schema, body)


@pytest.mark.parametrize(("body", "verdict"), TOKEN, ids=[str(body)[:60] for body, _ in TOKEN])
def test_a_request_for_a_token_is_judged_alike(
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    body: dict[str, Any],
    verdict: bool,  # noqa: FBT001 - what the test expects
) -> None:
    """Exactly one of two."""
    answer = Client(ycimages.app).post("/iam/v1/tokens", json=body)
    assert accepted(answer.status_code) is verdict, answer.text
    assert (not objections(schema_of_body(document, "post", "/iam/v1/tokens"), body)) is verdict


@pytest.mark.parametrize(("method", "name", "value", "verdict"), QUERY)
def test_a_parameter_is_judged_alike(  # noqa: PLR0913, PLR0917 - two judges, one parameter and its verdict
    document: dict[str, Any],
    objections: Callable[..., list[str]],
    ycimages: Double,
    method: str,
    name: str,
    value: object,
    verdict: bool,  # noqa: FBT001 - what the test expects
) -> None:
    """In a path or in a query, beside parameters that are in order."""
    (found,) = (
        (path, verb, operation)
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if operation["operationId"] == method
    )
    path, verb, operation = found
    (parameter,) = (each for each in operation["parameters"] if each["name"] == name)
    query = {"folderId": "b1g"} if any(each["name"] == "folderId" for each in operation["parameters"]) else {}
    if parameter["in"] == "query":
        query[name] = str(value)
    path = path.format_map({"imageId": "i", "operationId": "o", **({name: value} if "{" in path else {})})
    client = Client(ycimages.app)
    answer = client.open(path, method=verb.upper(), query_string=query, headers={"Authorization": "Bearer x"})
    assert accepted(answer.status_code) is verdict, answer.text
    assert (not objections(parameter["schema"], value)) is verdict
