"""`google.rpc.Status`, its codes with their HTTP statuses, and its details (api-facts.md, section 2.2)."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, PlainSerializer, Tag

from pytest_ycimages.api.message import Int64, Message, type_of


class Code(IntEnum):
    """A `google.rpc.Code`: how a call or an operation ended, whatever the transport.

    Attributes:
        http_status: the HTTP status of an answer with this code.
    """

    http_status: int

    def __new__(cls, number: int, http_status: int = 0) -> Self:
        """Return the code with this number."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.http_status = http_status
        return code

    OK = 0, 200
    CANCELLED = 1, 499
    UNKNOWN = 2, 500
    INVALID_ARGUMENT = 3, 400
    DEADLINE_EXCEEDED = 4, 504
    NOT_FOUND = 5, 404
    ALREADY_EXISTS = 6, 409
    PERMISSION_DENIED = 7, 403
    RESOURCE_EXHAUSTED = 8, 429
    FAILED_PRECONDITION = 9, 400
    ABORTED = 10, 409
    OUT_OF_RANGE = 11, 400
    UNIMPLEMENTED = 12, 501
    INTERNAL = 13, 500
    UNAVAILABLE = 14, 503
    DATA_LOSS = 15, 500
    UNAUTHENTICATED = 16, 401


class FieldViolation(Message):
    """One field that breaks its rule.

    Attributes:
        field: the field's path, such as `labels.Env` or `productIds[0]`.
        description: the rule and the given value, in words.
    """

    field: str
    description: str


class BadRequest(Message):
    """`google.rpc.BadRequest`: every violation of a request.

    Attributes:
        type_url: the type of the detail.
        field_violations: the fields that break their rules, in the order of the message.
    """

    type_url: Literal["type.googleapis.com/google.rpc.BadRequest"] = Field(alias="@type")
    field_violations: tuple[FieldViolation, ...]

    @classmethod
    def of(cls, violations: tuple[FieldViolation, ...]) -> BadRequest:
        """Return the detail that lists `violations`."""
        return cls(type_url="type.googleapis.com/google.rpc.BadRequest", field_violations=violations)


class RequestInfo(Message):
    """`google.rpc.RequestInfo`: the id of the call.

    Attributes:
        type_url: the type of the detail.
        request_id: the id of the call, the same as in the `x-request-id` header.
    """

    type_url: Literal["type.googleapis.com/google.rpc.RequestInfo"] = Field(alias="@type")
    request_id: str

    @classmethod
    def of(cls, request_id: str) -> RequestInfo:
        """Return the detail that names the call `request_id`."""
        return cls(type_url="type.googleapis.com/google.rpc.RequestInfo", request_id=request_id)


def _shortest(number: float) -> float | int:
    """Return a double as protobuf prints it: without a fraction where there is none."""
    return int(number) if number.is_integer() else number


class QuotaMetric(Message):
    """A quota and its usage.

    Attributes:
        name: the quota's name, such as `compute.images.count`.
        limit: the limit.
        usage: the present usage.
    """

    name: str
    limit: Int64 = 0
    usage: Annotated[float, PlainSerializer(_shortest, return_type=float | int, when_used="json")] = 0


class QuotaViolation(Message):
    """A quota that a call would exceed.

    Attributes:
        metric: the quota.
        required: the limit that the call would need.
    """

    metric: QuotaMetric
    required: Int64 = 0


class QuotaFailure(Message):
    """`yandex.cloud.quota.QuotaFailure`: the quotas that a call would exceed.

    Attributes:
        type_url: the type of the detail.
        violations: the quotas.
    """

    type_url: Literal["type.googleapis.com/yandex.cloud.quota.QuotaFailure"] = Field(alias="@type")
    violations: tuple[QuotaViolation, ...]

    @classmethod
    def of(cls, metric: str, *, limit: int, usage: int, required: int) -> QuotaFailure:
        """Return the detail for one exceeded quota."""
        violation = QuotaViolation(metric=QuotaMetric(name=metric, limit=limit, usage=usage), required=required)
        return cls(type_url="type.googleapis.com/yandex.cloud.quota.QuotaFailure", violations=(violation,))


_OWN: Final = (
    "type.googleapis.com/google.rpc.BadRequest",
    "type.googleapis.com/yandex.cloud.quota.QuotaFailure",
    "type.googleapis.com/google.rpc.RequestInfo",
)


class OtherDetail(Message):
    """Any other detail, such as `google.rpc.ErrorInfo`: its fields are kept as they were given, in their JSON form.

    Attributes:
        type_url: the type of the detail, such as `type.googleapis.com/google.rpc.ErrorInfo`.
    """

    model_config = ConfigDict(extra="allow")

    type_url: Annotated[str, Field(alias="@type", json_schema_extra={"not": {"enum": list(_OWN)}})]


def _which(detail: object) -> str:
    """Return the type URL of a detail with its own model, or `other`."""
    type_url = type_of(detail)
    return type_url if type_url in _OWN else "other"


Detail = Annotated[
    Annotated[BadRequest, Tag(_OWN[0])]
    | Annotated[QuotaFailure, Tag(_OWN[1])]
    | Annotated[RequestInfo, Tag(_OWN[2])]
    | Annotated[OtherDetail, Tag("other")],
    Discriminator(_which),
]


class Status(Message):
    """`google.rpc.Status`: the code and text of an error, in a reply or in an operation.

    Attributes:
        code: a `google.rpc.Code`, as a number.
        message: the text for people.
        details: further data about the error.
    """

    code: int
    message: str = ""
    details: tuple[Detail, ...] = ()
