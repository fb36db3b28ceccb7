"""What the tests of the OpenAPI document share: the document of each revision, and its verdict on a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema_rs import Draft202012Validator

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.server.openapi import document as document_of

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(params=list(CONTRACTS))
def revision(request: pytest.FixtureRequest) -> str:
    """A contract revision: every test that uses it runs for each of them."""
    return str(request.param)


@pytest.fixture
def document(revision: str) -> dict[str, Any]:
    """The document of the revision."""
    return document_of(CONTRACTS[revision])


@pytest.fixture
def objections(document: dict[str, Any]) -> Callable[[dict[str, Any], Any], list[str]]:
    """Tell what a schema of the document has against a value."""

    def told(schema: dict[str, Any], value: Any) -> list[str]:
        whole = {"components": document["components"], **schema}
        validator = Draft202012Validator(whole, validate_formats=True)
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]

    return told


@pytest.fixture
def ycimages_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The double of a test speaks the revision of the test."""
    revision = request.getfixturevalue("revision") if "revision" in request.fixturenames else "page"
    return {"contract": revision, "unknown_fields": "ignore"}
