"""Outcomes of operations, as users write them: `Success` and `Failure`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ValidationError

from pytest_ycimages.api.message import Message
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.text_values import Vocabulary, is_text, read_text

if TYPE_CHECKING:
    from pytest_ycimages.api.status import Detail


@dataclass(frozen=True, slots=True)
class Success:
    """The operation succeeds, unless the request itself makes it fail."""

    error: ClassVar[None] = None


@dataclass(frozen=True, slots=True, repr=False)
class Failure:
    """The operation fails, and its effects are rolled back.

    Attributes:
        code: any `google.rpc.Code` but OK: itself, its number, or its name in any case.
        message: the text for people; an empty one is left out of the JSON, as the service leaves out empty fields.
        details: further data: messages such as `api.status.BadRequest`, or dicts in the JSON form
            of any message, with its `@type`, such as
            `{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NO_SPACE"}`.

    Raises:
        UsageError: an unknown code, or an invalid message or detail; the text says what is accepted.
    """

    code: Code | int | str = Code.INTERNAL
    message: str = ""
    details: Iterable[Detail | Mapping[str, Any]] = field(default=(), hash=False)
    error: Status = field(init=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        code = _code(self.code)
        if not is_text(self.message):
            raise UsageError(f"invalid message={self.message!r}: expected the text of the error, such as 'No space'.")
        error = _status(code, self.message, _listed(self.details))
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "details", error.details)
        object.__setattr__(self, "error", error)

    def __repr__(self) -> str:
        """Return the source text that creates it."""
        details = f", details={list(self.details)!r}" if self.details else ""
        message = f", {self.message!r}" if self.message else ""
        return f"Failure({self.error.code.name!r}{message}{details})"


_OUTCOMES: Final = Vocabulary(
    what="outcome",
    expected="Success() or a Failure, such as Failure('UNAVAILABLE', 'try again')",
    makers={"Success": Success, "Failure": Failure},
    examples={"Success": "Success()", "Failure": "Failure('UNAVAILABLE')"},
)


def outcome_of(value: object) -> Success | Failure:
    """Read an outcome, given as itself or as text.

    Raises:
        UsageError: `value` is not an outcome; the text says what is accepted.
    """
    found = read_text(value, _OUTCOMES) if isinstance(value, str) else value
    if isinstance(found, Success | Failure):
        return found
    raise _OUTCOMES.error(value)


def error_of(what: str, value: object) -> Status:
    """Read an error: a `Failure`, or a `Status` whose code is not OK.

    Raises:
        UsageError: `value` is neither; the text names `what` it was given for.
    """
    if isinstance(value, Failure):
        return value.error
    if isinstance(value, Status) and value.code is not Code.OK:
        return value
    raise UsageError(f"invalid error={value!r} for {what}: expected a Failure, such as Failure('UNAVAILABLE').")


def _code(given: object) -> Code:
    word = given.strip().upper() if isinstance(given, str) else given
    try:
        code = Code(word)  # type: ignore[arg-type]  # any value, or a ValueError
    except ValueError:
        known = [code.name for code in Code if code is not Code.OK]
        raise unknown_word("code of an error", word, known) from None
    if code is Code.OK:
        raise UsageError("An operation cannot fail with OK. For one that succeeds, use Success().")
    return code


def _listed(details: object) -> list[object]:
    if isinstance(details, Iterable) and not isinstance(details, str | bytes | Mapping):
        return [_detail(each) for each in details]
    raise UsageError(f"invalid details={details!r}: expected a list of details, such as [{_EXAMPLE}].")


_EXAMPLE: Final = '{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "NO_SPACE"}'


def _detail(detail: object) -> object:
    if isinstance(detail, Message):
        return detail
    if not isinstance(detail, Mapping):
        raise UsageError(f"invalid detail {detail!r}: expected a message of pytest_ycimages.api.status, or {_EXAMPLE}.")
    kind = detail.get("@type")
    if not isinstance(kind, str) or "/" not in kind:
        nearest = f"type.googleapis.com/{kind or 'google.rpc.ErrorInfo'}"
        raise UsageError(f'invalid detail {dict(detail)!r}: "@type" is {kind!r}. Give one such as {nearest!r}.')
    return dict(detail)


def _status(code: Code, message: str, details: list[object]) -> Status:
    try:
        status = Status.model_validate({"code": code, "message": message, "details": details})
        status.to_json()
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"invalid details={details!r}: {_first_line(error)}. Give messages of pytest_ycimages.api.status, or "
            f"dicts in JSON form, such as {_EXAMPLE}."
        ) from None
    return status


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
