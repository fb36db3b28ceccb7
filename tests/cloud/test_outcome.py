"""Outcomes: the values that users write, as Python and as text, and what is said of those that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Code, Failure, Status, Success, UsageError
from pytest_ycimages.api.status import BadRequest, FieldViolation, OtherDetail, QuotaFailure
from pytest_ycimages.cloud.outcome import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable


INFO = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "NO_SPACE",
    "metadata": {"zone": "ru-central1-a", "free": [1, None]},
}
ERRORS = [code for code in Code if code is not Code.OK]
KNOWN = ", ".join(sorted(code.name for code in ERRORS))


@pytest.mark.parametrize("code", ERRORS)
def test_an_operation_can_fail_with_every_code(code: Code) -> None:
    """By itself, by its number, or by its name in any case."""
    failures = [Failure(code), Failure(code.number), Failure(code.name), Failure(f" {code.name.lower()} ")]
    assert {failure.error.code for failure in failures} == {code}
    assert len(set(failures)) == 1


def test_a_failure_is_internal_and_says_nothing_by_default() -> None:
    """An empty message is left out of the JSON, as the service leaves out what is empty."""
    assert Failure().error.to_wire() == {"code": 13}
    assert Failure("UNAVAILABLE", "try again").error.to_wire() == {"code": 14, "message": "try again"}
    assert Success().error is None


def test_a_failure_carries_any_detail() -> None:
    """Those that have a model, as it or as a dict; and any other as it is."""
    bad = BadRequest(field_violations=(FieldViolation(field="uri", description="gone"),))
    packed = {"@type": "type.googleapis.com/google.rpc.BadRequest", **bad.to_wire()}
    failure = Failure("INVALID_ARGUMENT", details=[bad, packed, INFO])
    assert failure.details == (bad, bad, OtherDetail.model_validate(INFO))
    assert failure.error.to_wire()["details"] == [packed, packed, INFO]
    assert Status.model_validate(failure.error.to_wire()) == failure.error


def test_a_detail_that_has_a_model_is_read_as_it() -> None:
    """Numbers of 64 bits are strings in JSON, and come out as such again."""
    quota = QuotaFailure.of("compute.images.count", limit=1, usage=1, required=2)
    (read,) = Failure("RESOURCE_EXHAUSTED", details=[{"@type": quota.type_url, **quota.to_wire()}]).error.details
    assert read == quota


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Success()", Success()),
        ("Failure()", Failure()),
        ("Failure('aborted')", Failure("ABORTED")),
        ("Failure(14, message='try again')", Failure("UNAVAILABLE", "try again")),
        (Failure(5), Failure("NOT_FOUND")),
        (f"Failure(9, details=[{INFO!r}])", Failure("FAILED_PRECONDITION", details=[INFO])),
    ],
)
def test_an_outcome_may_be_written_as_itself_or_as_text(written: object, read: Success | Failure) -> None:
    """And its repr is such a text, but for its details."""
    assert outcome_of(written) == read
    if not isinstance(read, Failure) or not read.details:
        assert outcome_of(repr(read)) == read


EXPECTED = "expected Success() or a Failure, such as Failure('UNAVAILABLE', 'try again')"
OK = "An operation cannot fail with OK. For one that succeeds, use Success()."
LISTED = '{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NO_SPACE"}'


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Failure("unavailble"),
            f"Unknown code of an error 'UNAVAILBLE'. Did you mean 'UNAVAILABLE'? Known: {KNOWN}.",
        ),
        (lambda: Failure(17), f"Unknown code of an error 17. Known: {KNOWN}."),
        (lambda: Failure(code=True), f"Unknown code of an error True. Known: {KNOWN}."),
        (lambda: Failure("ok"), OK),
        (lambda: Failure(0), OK),
        (lambda: Failure(Code.OK), OK),
        (
            lambda: Failure(message=5),  # type: ignore[arg-type]  # tests are not always type-checked
            "invalid message=5: expected the text of the error, such as 'No space'.",
        ),
        (
            lambda: Failure(details=INFO),  # type: ignore[arg-type]  # the list around it is missing
            f"invalid details={INFO!r}: expected a list of details, such as [{LISTED}].",
        ),
        (
            lambda: Failure(details=[{"@type": "google.rpc.ErrorInfo"}]),
            (
                "invalid detail {'@type': 'google.rpc.ErrorInfo'}: \"@type\" is "
                "'google.rpc.ErrorInfo'. Give one such as 'type.googleapis.com/google.rpc.ErrorInfo'."
            ),
        ),
        (
            lambda: Failure(details=["NO_SPACE"]),  # type: ignore[list-item]  # tests are not always type-checked
            f"invalid detail 'NO_SPACE': expected a message of pytest_ycimages.api.status, or {LISTED}.",
        ),
        (
            lambda: outcome_of("Failure"),
            "invalid outcome 'Failure': Failure needs parentheses, such as Failure('UNAVAILABLE')",
        ),
        (lambda: outcome_of("Fail()"), "Unknown outcome 'Fail'. Did you mean 'Failure'? Known: Failure, Success."),
        (lambda: outcome_of("INTERNAL"), f"invalid outcome 'INTERNAL': {EXPECTED}"),
        (lambda: outcome_of(13), f"invalid outcome 13: {EXPECTED}"),
        (lambda: outcome_of(Failure), f"invalid outcome {Failure!r}: {EXPECTED}"),
    ],
)
def test_an_outcome_that_cannot_be_is_refused(make: Callable[[], object], text: str) -> None:
    """When it is written, with the nearest right one."""
    with pytest.raises(UsageError) as refusal:
        make()
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    "detail",
    [
        {"@type": "type.googleapis.com/google.rpc.BadRequest", "violations": []},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": object()},
    ],
)
def test_a_detail_that_is_no_such_message_is_refused(detail: dict[str, Any]) -> None:
    """A field that is missing, or a value that is no JSON: it would only be found out by the client."""
    with pytest.raises(UsageError, match=r"^invalid details=.*: .* Give messages of pytest_ycimages.api.status, or"):
        Failure(details=[detail])
