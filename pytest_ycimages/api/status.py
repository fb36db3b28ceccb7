"""`google.rpc.Status` and the details that the service attaches to it (api-facts.md, section 2.2)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_ycimages.api.message import Message


class FieldViolation(Message):
    """One field that breaks its rule: the field's path, and in words the rule and what was given."""

    field: str
    description: str


class BadRequest(Message):
    """`google.rpc.BadRequest`: every violation of a request."""

    type_url: Literal["type.googleapis.com/google.rpc.BadRequest"] = Field(alias="@type")
    field_violations: tuple[FieldViolation, ...]

    @classmethod
    def of(cls, violations: tuple[FieldViolation, ...]) -> BadRequest:
        """The detail that lists `violations`."""
        return cls(type_url="type.googleapis.com/google.rpc.BadRequest", field_violations=violations)


class RequestInfo(Message):
    """`google.rpc.RequestInfo`: the id of the call, the same as in the `x-request-id` header."""

    type_url: Literal["type.googleapis.com/google.rpc.RequestInfo"] = Field(alias="@type")
    request_id: str

    @classmethod
    def of(cls, request_id: str) -> RequestInfo:
        """The detail that names the call `request_id`."""
        return cls(type_url="type.googleapis.com/google.rpc.RequestInfo", request_id=request_id)


Detail = BadRequest | RequestInfo


class Status(Message):
    """`google.rpc.Status`: the code and text of an error, in a reply or in an operation.

    Attributes:
        code: a `google.rpc.Code`, as a number.
        message: the text for people.
        details: what the code means here, as data.
    """

    code: int
    message: str
    details: tuple[Detail, ...] = ()
