"""The JSON form of errors: `google.rpc.Status`, and what the service attaches to it."""

from __future__ import annotations

import json

import pytest

from pytest_ycimages.api.status import BadRequest, Code, FieldViolation, RequestInfo, Status


def test_an_error_is_printed_as_recorded() -> None:
    """Code, message, details: the one body in which the number does not come after the strings."""
    request_id = "5899fc83-b123-47b8-94c3-1ad100000000"
    status = Status(code=Code.NOT_FOUND, message="Workload not found", details=(RequestInfo(request_id=request_id),))

    assert (
        status.to_json().decode()
        == """{
 "code": 5,
 "message": "Workload not found",
 "details": [
  {
   "@type": "type.googleapis.com/google.rpc.RequestInfo",
   "requestId": "5899fc83-b123-47b8-94c3-1ad100000000"
  }
 ]
}"""
    )


def test_a_refused_request_lists_every_violation() -> None:
    """`google.rpc.BadRequest`, beside the id of the call."""
    violations = (FieldViolation(field="name", description="no"), FieldViolation(field="labels.a", description="nor"))
    status = Status(
        code=Code.INVALID_ARGUMENT,
        message="Request validation error",
        details=(BadRequest(field_violations=violations), RequestInfo(request_id="id")),
    )

    assert list(json.loads(status.to_json()).items()) == [
        ("code", 3),
        ("message", "Request validation error"),
        (
            "details",
            [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": "name", "description": "no"},
                        {"field": "labels.a", "description": "nor"},
                    ],
                },
                {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "id"},
            ],
        ),
    ]
    assert next(iter(json.loads(status.to_json())["details"][0])) == "@type"


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_a_code_is_printed_as_a_number(code: Code) -> None:
    """The name of a code is for people and never in a body."""
    assert json.loads(Status(code=code, message="text").to_json()) == {"code": code.number, "message": "text"}
