"""What is drawn as valid is accepted, and what is drawn as invalid is refused, in both revisions of the contract."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, UsageError
from pytest_ycimages.server.http import HttpRequest
from pytest_ycimages.strategies import create_requests

if TYPE_CHECKING:
    from pytest_ycimages.server.http import HttpReply

Revision = Literal["page", "current"]
REVISIONS: Final[tuple[Revision, ...]] = ("page", "current")
thoroughly = settings(max_examples=60, derandomize=True, database=None, deadline=None)


def posted(double: Double, body: dict[str, Any]) -> HttpReply:
    """The answer to a create request."""
    headers = {"authorization": f"Bearer {double.token}", "host": "double"}
    return double.app.answer(HttpRequest("POST", "/compute/v1/images", "", headers, json.dumps(body).encode()))


@pytest.mark.costly
@pytest.mark.parametrize("contract", REVISIONS)
def test_every_valid_request_makes_an_image(contract: Revision) -> None:
    """And has no field that the contract does not know."""

    @thoroughly
    @given(create_requests(contract=contract))
    def check(body: dict[str, Any]) -> None:
        double = Double(contract=contract, unknown_fields="reject", timing="Immediate()")
        assert posted(double, body).status == 200
        (image,) = double.images.values()
        assert (image.status, image.folder_id) == ("READY", body["folderId"])

    check()


@pytest.mark.costly
@pytest.mark.parametrize("contract", REVISIONS)
def test_every_invalid_request_is_refused(contract: Revision) -> None:
    """By the service with code 3, or by the gateway in plain text; and nothing is made."""

    @thoroughly
    @given(create_requests(valid=False, contract=contract))
    def check(body: dict[str, Any]) -> None:
        double = Double(contract=contract)
        reply = posted(double, body)
        assert reply.status == 400
        is_plain = dict(reply.headers)["content-type"].startswith("text/plain")
        assert is_plain or json.loads(reply.body)["code"] == 3
        assert not double.operations

    check()


@pytest.mark.parametrize("by_gateway", [False, True])
def test_both_ways_of_refusing_come_up(by_gateway: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Or a property of invalid requests would be one of half of them."""

    def is_such(body: dict[str, Any]) -> bool:
        headers = dict(posted(Double(), body).headers)
        return headers["content-type"].startswith("text/plain") is by_gateway

    find(create_requests(valid=False), is_such, settings=settings(thoroughly, max_examples=1000))


@given(st.data())
@settings(thoroughly, max_examples=20)
def test_the_folder_can_be_said(data: st.DataObject) -> None:
    """Such as that of a double."""
    assert data.draw(create_requests(folder_id="b1gmine"))["folderId"] == "b1gmine"


def _is_misnamed(body: dict[str, Any]) -> bool:
    return not re.fullmatch(r"|[a-z]([-a-z0-9]{0,61}[a-z0-9])?", str(body.get("name", "")))


@pytest.mark.costly
def test_they_shrink_to_what_is_at_fault() -> None:
    """An image from a disk, and the one field that matters."""
    options = settings(thoroughly, max_examples=500)
    plain = {"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}
    assert find(create_requests(), lambda _: True, settings=options) == plain
    assert find(create_requests(), lambda body: "name" in body, settings=options) == {**plain, "name": "a"}
    spoilt = find(create_requests(valid=False), _is_misnamed, settings=options)
    assert spoilt == {**plain, "name": "A"}


def test_a_contract_that_does_not_exist_is_refused() -> None:
    """With the nearest one."""
    with pytest.raises(UsageError, match="Did you mean 'current'"):
        create_requests(contract="curent")  # type: ignore[arg-type]  # what is tested
