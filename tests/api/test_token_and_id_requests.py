"""The requests around a create: tokens, and resources asked for by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.api.gateway import GatewayRefusalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.gateway import Decoded

BY_ID = {"images.get": "imageId", "operations.get": "operationId", "operations.cancel": "operationId"}
LIMITS = {"yandexPassportOauthToken": 4000, "jwt": 8000}


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_a_token_is_asked_for_with_one_proof_up_to_its_limit(
    read: Callable[..., Decoded], name: str, limit: int
) -> None:
    """The limits are those of the proto."""
    assert read({name: "t" * limit}, method="tokens.create").message is not None


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
@pytest.mark.parametrize("beyond", [True, False], ids=["too long", "empty"])
def test_a_proof_of_another_length_is_a_violation(
    read: Callable[..., Decoded], name: str, limit: int, *, beyond: bool
) -> None:
    """Empty or one character too many."""
    decoded = read({name: "t" * (limit + 1) if beyond else ""}, method="tokens.create")

    assert [each.field for each in decoded.violations] == [name]


def test_a_token_needs_a_proof(read: Callable[..., Decoded]) -> None:
    """One of the two."""
    [violation] = read({}, method="tokens.create").violations

    assert (violation.field, violation.description) == (
        "identity",
        "Exactly one of yandexPassportOauthToken, jwt is required; given: none",
    )


def test_two_proofs_are_a_oneof_given_twice(read: Callable[..., Decoded]) -> None:
    """Refused by the gateway."""
    with pytest.raises(GatewayRefusalError) as caught:
        read({"jwt": "a", "yandexPassportOauthToken": "b"}, method="tokens.create")

    assert str(caught.value) == (
        ": invalid value oneof field 'identity' is already set. Cannot set 'yandexPassportOauthToken' for type oneof"
    )


@pytest.mark.parametrize("revision", ["page", "current"])
@pytest.mark.parametrize(("method", "name"), BY_ID.items())
def test_an_id_may_have_50_characters(read: Callable[..., Decoded], method: str, name: str, revision: str) -> None:
    """For every resource, in both revisions."""
    assert read({name: "i" * 50}, method=method, revision=revision).message is not None


@pytest.mark.parametrize(("method", "name"), BY_ID.items())
@pytest.mark.parametrize("given", [None, "i" * 51], ids=["missing", "51 characters"])
def test_an_id_is_required_and_no_longer_than_50_characters(
    read: Callable[..., Decoded], method: str, name: str, given: str | None
) -> None:
    """One violation, of the id."""
    assert [each.field for each in read({name: given}, method=method).violations] == [name]
