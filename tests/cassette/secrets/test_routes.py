"""The declared fields of every path that is served, from the one path table."""

from __future__ import annotations

import re

import pytest

from pytest_ycimages.api.methods import ANSWER_OF, CONTRACTS, ROUTES
from pytest_ycimages.redaction.rules import TEXT, fields_of

ID = "fd8000000000000000a"


@pytest.mark.parametrize(("verb", "path", "method"), ROUTES)
def test_each_path_has_the_fields_of_its_requests_and_answers(verb: str, path: str, method: str) -> None:
    """In both revisions, with those of an error."""
    found = fields_of(f"https://api.cloud.yandex.net{re.sub('<[^>]+>', ID, path)}?pageSize=1")
    assert found is not None, (verb, path)
    for contract in CONTRACTS.values():
        assert contract.requests[method].model_fields.keys() <= found.request.names.keys()
    assert ANSWER_OF[method].model_fields.keys() <= found.response.names.keys()
    assert found.response.names["message"] is TEXT


@pytest.mark.parametrize(
    "path",
    [f"/compute/v1/images/{ID}:other", f"/operations/{ID}:other", f"/operations/{ID}/x", "/compute/v1/disks", "/", ""],
)
def test_a_path_that_is_not_served_has_none(path: str) -> None:
    """So all that is sent there, and answered, is replaced."""
    assert fields_of(f"https://api.cloud.yandex.net{path}") is None


def test_tokens_of_the_metadata_service_are_those_of_an_exchange() -> None:
    """The path is no method of the API."""
    found = fields_of("http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token")
    assert found is not None
    assert "access_token" in found.response.names
    assert "jwt" not in found.request.names
