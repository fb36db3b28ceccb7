"""What the tests of the control API share: a client of it, and a client of the service beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ycimages import Double

    Control = Callable[..., requests.Response]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Connections that the test closes at its end."""
    with requests.Session() as session:
        yield session


@pytest.fixture
def control(ycimages: Double, session: requests.Session) -> Control:
    """Make a call of the control API: a verb, what follows `/_ycimages/`, and a body."""

    def call(verb: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        return session.request(verb, f"{ycimages.url}/_ycimages/{path}", json=body, **options)

    return call


@pytest.fixture
def create(ycimages: Double, session: requests.Session) -> Callable[[], requests.Response]:
    """Create an image as a client does."""

    def call() -> requests.Response:
        body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}
        headers = {"Authorization": f"Bearer {ycimages.token}"}
        return session.post(f"{ycimages.url}/compute/v1/images", json=body, headers=headers)

    return call
