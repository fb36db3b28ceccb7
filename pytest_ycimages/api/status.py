"""`google.rpc.Status`, its codes with their HTTP statuses, and its details (api-facts.md, section 2.2)."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Discriminator, Field, PlainSerializer, PlainValidator, Tag, WithJsonSchema

from pytest_ycimages.api.message import PACKED, AnyMessage, Int64, Message, type_of
from pytest_ycimages.words import Word


class Code(Word):
    """A `google.rpc.Code`: how a call or an operation ended, whatever the transport.

    It equals its name. `Code(14)` and `Code("UNAVAILABLE")` are the same.

    Attributes:
        number: its number in `google.rpc`, as in JSON.
        http_status: the HTTP status of an answer with this code.
    """

    number: int
    http_status: int

    def __new__(cls, name: str | int, number: int = 0, http_status: int = 0) -> Self:
        """Return the code with this name."""
        code = str.__new__(cls, name)
        code._value_ = str(name)  # of a member: numbers are for `_missing_`
        code.number = number
        code.http_status = http_status
        return code

    OK = "OK", 0, 200
    CANCELLED = "CANCELLED", 1, 499
    UNKNOWN = "UNKNOWN", 2, 500
    INVALID_ARGUMENT = "INVALID_ARGUMENT", 3, 400
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED", 4, 504
    NOT_FOUND = "NOT_FOUND", 5, 404
    ALREADY_EXISTS = "ALREADY_EXISTS", 6, 409
    PERMISSION_DENIED = "PERMISSION_DENIED", 7, 403
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED", 8, 429
    FAILED_PRECONDITION = "FAILED_PRECONDITION", 9, 400
    ABORTED = "ABORTED", 10, 409
    OUT_OF_RANGE = "OUT_OF_RANGE", 11, 400
    UNIMPLEMENTED = "UNIMPLEMENTED", 12, 501
    INTERNAL = "INTERNAL", 13, 500
    UNAVAILABLE = "UNAVAILABLE", 14, 503
    DATA_LOSS = "DATA_LOSS", 15, 500
    UNAUTHENTICATED = "UNAUTHENTICATED", 16, 401

    @classmethod
    def _missing_(cls, value: object) -> Code | None:
        """Return the code with a number."""
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return next((code for code in cls if code.number == value), None) if is_number else None

    @classmethod
    def noun(cls) -> str:
        """Return what errors call it."""
        return "status"

    @classmethod
    def advice(cls) -> str:
        """Return the attributes that have numbers."""
        return "compare its name, such as 'UNAVAILABLE', its number as .number, or its HTTP status as .http_status"


class FieldViolation(Message):
    """One field that breaks its rule.

    Attributes:
        field: the field's path, such as `labels.Env` or `productIds[0]`.
        description: the rule and the given value, in words.
    """

    field: str
    description: str


class BadRequest(AnyMessage):
    """`google.rpc.BadRequest`: every violation of a request.

    Attributes:
        field_violations: the fields that break their rules, in the order of the message.
    """

    type_url = "type.googleapis.com/google.rpc.BadRequest"

    field_violations: tuple[FieldViolation, ...]


class RequestInfo(AnyMessage):
    """`google.rpc.RequestInfo`: the id of the call.

    Attributes:
        request_id: the id of the call, the same as in the `x-request-id` header.
    """

    type_url = "type.googleapis.com/google.rpc.RequestInfo"

    request_id: str


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


class QuotaFailure(AnyMessage):
    """`yandex.cloud.quota.QuotaFailure`: the quotas that a call would exceed.

    Attributes:
        violations: the quotas.
    """

    type_url = "type.googleapis.com/yandex.cloud.quota.QuotaFailure"

    violations: tuple[QuotaViolation, ...]

    @classmethod
    def of(cls, metric: str, *, limit: int, usage: int, required: int) -> QuotaFailure:
        """Return the detail for one exceeded quota."""
        violation = QuotaViolation(metric=QuotaMetric(name=metric, limit=limit, usage=usage), required=required)
        return cls(violations=(violation,))


_OWN: Final = (BadRequest.type_url, QuotaFailure.type_url, RequestInfo.type_url)


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
    PACKED,
]


def _code(value: object) -> Code:
    """Return a code from itself, its name or its number; as in gRPC's libraries, an unknown number is UNKNOWN."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return Code(value)  # type: ignore[arg-type]  # any value, or a ValueError
    except ValueError:
        if isinstance(value, int) and not isinstance(value, bool):
            return Code.UNKNOWN
        raise


def error_code(error: object) -> Code | None:
    """Return the code of a `google.rpc.Status` in its JSON form; None for any other value, and for OK."""
    number = error.get("code") if isinstance(error, dict) else None
    known = {code.number: code for code in Code if code is not Code.OK}
    return known.get(number) if isinstance(number, int) and not isinstance(number, bool) else None


class Status(Message):
    """`google.rpc.Status`: the code and text of an error, in a reply or in an operation.

    Attributes:
        code: a `google.rpc.Code`; a number in JSON.
        message: the text for people.
        details: further data about the error.
    """

    code: Annotated[
        Code,
        PlainValidator(_code),
        PlainSerializer(lambda code: code.number, return_type=int, when_used="json"),
        WithJsonSchema({"type": "integer"}),
    ]
    message: str = ""
    details: tuple[Detail, ...] = ()
