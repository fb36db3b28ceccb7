"""What the tests of the contract room share: reading a body, and a create request valid but for what a test says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.api.create_image import CreateImageRequest
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.api.transcoding import Decoded, GatewayRefusalError, decode, parse_body

if TYPE_CHECKING:
    from collections.abc import Callable


def _read(body: object, *, revision: str = "page", method: str = "images.create") -> Decoded:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode(CONTRACTS[revision].requests[method], parse_body(raw))


def _request(fields: dict[str, object]) -> dict[str, object]:
    """A valid request with `fields` laid over it; None leaves a field out."""
    fields = {"folderId": "b1gfolder", "uri": "https://storage.yandexcloud.net/bucket/disk.qcow2"} | fields
    return {name: value for name, value in fields.items() if value is not None}


@pytest.fixture(scope="session")
def read() -> Callable[..., Decoded]:
    """Read a body, bytes or a JSON value, the way the gateway and then the contract do."""
    return _read


@pytest.fixture(scope="session")
def create() -> Callable[..., CreateImageRequest]:
    """Have a create request accepted: a valid one but for the fields given."""

    def accepted(*, revision: str = "page", **fields: object) -> CreateImageRequest:
        decoded = _read(_request(fields), revision=revision)
        assert decoded.violations == ()
        assert isinstance(decoded.message, CreateImageRequest)
        return decoded.message

    return accepted


@pytest.fixture(scope="session")
def violations() -> Callable[..., list[tuple[str, str]]]:
    """Have a create request break the contract; return the violations as (field, description)."""

    def broken(*, revision: str = "page", **fields: object) -> list[tuple[str, str]]:
        decoded = _read(_request(fields), revision=revision)
        assert decoded.message is None
        return [(each.field, each.description) for each in decoded.violations]

    return broken


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """Have a create request refused by the gateway; return the text."""

    def refused(*, revision: str = "page", **fields: object) -> str:
        with pytest.raises(GatewayRefusalError) as caught:
            _read(_request(fields), revision=revision)
        return str(caught.value)

    return refused
