"""The table of refusal texts: the code and the words of each error, and the words of each broken rule.

A user may override a text with the setting `texts`. Its placeholders are the values that the service fills in.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_ycimages.api.status import Code
from pytest_ycimages.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Mapping


class Text(NamedTuple):
    """One text.

    Attributes:
        code: the code of the refusal.
        words: the text, with its placeholders in braces.
        more: placeholders that the text lacks, and that a text in its place may have.
    """

    code: Code
    words: str
    more: tuple[str, ...] = ()

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names that a text in its place may have in braces, in alphabetical order."""
        return tuple(sorted({*self.more, *(name for _, name, _, _ in Formatter().parse(self.words) if name)}))


_REFUSALS: Final = {
    # Recorded (api-facts.md, section 2.2, and the sources that the fidelity table names).
    "image_not_found": Text(Code.NOT_FOUND, 'Image "{id}" not found'),
    "family_not_found": Text(Code.NOT_FOUND, 'Image "{family}" not found', ("folder_id",)),
    "operation_not_found": Text(Code.NOT_FOUND, "Operation {id} not found"),
    "operation_id_malformed": Text(Code.INVALID_ARGUMENT, "invalid operation id '{id}'"),
    "folder_not_found": Text(Code.FAILED_PRECONDITION, 'Folder "{id}" not found'),
    "name_taken": Text(Code.ALREADY_EXISTS, 'Image with name "{name}" already exists'),
    "token_invalid": Text(Code.UNAUTHENTICATED, "The token is invalid"),
    "token_expired": Text(Code.UNAUTHENTICATED, "The token has expired"),
    "oauth_too_new": Text(
        Code.INVALID_ARGUMENT,
        "OAuth token for user '{id}', issued after '2026-06-01', is not supported for IAM token exchange",
    ),
    "oauth_invalid": Text(Code.UNAUTHENTICATED, "OAuth token is invalid or expired"),
    "jwt_without_kid": Text(Code.UNAUTHENTICATED, "The required field 'kid' is missing from the JWT header"),
    "running_operations_quota": Text(
        Code.RESOURCE_EXHAUSTED, "The limit on maximum number of active operations has exceeded."
    ),
    "name_pattern": Text(Code.INVALID_ARGUMENT, "invalid resource name", ("pattern", "given")),
    # The head or the pattern is recorded, the rest is not.
    "validation": Text(Code.INVALID_ARGUMENT, "Request validation error: {violations}"),
    "images_quota": Text(Code.RESOURCE_EXHAUSTED, "The limit on maximum number of images has exceeded."),
    "size_quota": Text(Code.RESOURCE_EXHAUSTED, "The limit on total size of images has exceeded."),
    "pooled_quota": Text(Code.RESOURCE_EXHAUSTED, "The limit on maximum number of disk pools has exceeded."),
    "illegal_argument": Text(Code.INVALID_ARGUMENT, "Illegal argument {what}"),
    "disk_not_found": Text(Code.NOT_FOUND, 'Disk "{id}" not found'),
    "snapshot_not_found": Text(Code.NOT_FOUND, 'Snapshot "{id}" not found'),
    "invalid_state": Text(Code.FAILED_PRECONDITION, '{kind} "{id}" has an invalid state for this operation: {why}'),
    # Recorded from the backend; the public texts are not.
    "cancelled": Text(Code.CANCELLED, "Cancelled by client"),
    "uri_not_found": Text(Code.INVALID_ARGUMENT, "url source not found"),
    "uri_format": Text(Code.INVALID_ARGUMENT, "unsupported image format: {format}"),
    # Not recorded.
    "cancel_refused": Text(Code.FAILED_PRECONDITION, "The operation cannot be cancelled"),
    "no_token": Text(Code.UNAUTHENTICATED, "The token is missing: send the header `Authorization: Bearer <IAM token>`"),
    "jwt_malformed": Text(Code.UNAUTHENTICATED, "The JWT is malformed"),
    "endpoint_not_found": Text(Code.NOT_FOUND, 'Endpoint "{id}" not found'),
    "key_malformed": Text(Code.INVALID_ARGUMENT, "The idempotency key '{key}' is not a UUID"),
    "key_reused": Text(Code.INVALID_ARGUMENT, "The idempotency key '{key}' was used for another request"),
    "not_implemented": Text(Code.UNIMPLEMENTED, "The double does not implement {method}"),
}

RULES: Final = {
    "missing": "rule_required",
    "string_too_short": "rule_min_length",
    "string_too_long": "rule_max_length",
    "string_pattern_mismatch": "rule_pattern",
    "too_long": "rule_count",
    "out_of_range": "rule_range",
    "less_than_equal": "rule_maximum",
    "update_mask": "rule_update_mask",
    "oneof_missing": "rule_one_of",
}
"""The kind of a violation, as pydantic names it, and the key of its text."""

_WORDS: Final = {
    # The page words the rules; how the service words a broken one is recorded for names only.
    "rule_required": "The value is required; given: none",
    "rule_min_length": "The minimum string length in characters is {min_length}; given: {given}",
    "rule_max_length": "The maximum string length in characters is {max_length}; given: {given}",
    "rule_pattern": "Value must match the regular expression {pattern}; given: {given}",
    "rule_count": "No more than {max_length} per resource; given: {given}",
    "rule_range": "Acceptable values are {least} to {most}, inclusive; given: {given}",
    "rule_maximum": "The maximum value is {le}; given: {given}",
    "rule_update_mask": "Fields that can be updated: {known}; given: {given}",
    "rule_one_of": "Exactly one of {names} is required; given: none",
}

TEXTS: Final[Mapping[str, Text]] = {
    **_REFUSALS,
    **{key: Text(Code.INVALID_ARGUMENT, words) for key, words in _WORDS.items()},
}
"""Each text by its key."""


def words_of(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return the words in force by key, with `overrides` in place of those of the table.

    Raises:
        UsageError: an override of an unknown text, or one with an unknown placeholder.
    """
    for key, words in overrides.items():
        if key not in TEXTS:
            raise unknown_word("text", key, TEXTS)
        known = TEXTS[key].placeholders
        try:
            words.format_map(dict.fromkeys(known, "")).encode()
        except (AttributeError, KeyError, IndexError, ValueError) as error:
            allowed = ", ".join(f"{{{name}}}" for name in known) or "none"
            raise UsageError(f"invalid text {words!r} for {key!r} ({error!r}). Its placeholders: {allowed}.") from None
    return {**{key: text.words for key, text in TEXTS.items()}, **overrides}
