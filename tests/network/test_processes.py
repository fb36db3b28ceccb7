"""Other processes reach the double over its socket; a forked copy of it answers nothing in process."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import httpx
import pytest
import requests
from werkzeug.test import Client

from pytest_ycimages import Double, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

REAL: Final = "https://compute.api.cloud.yandex.net/endpoints"
FORK: Final = "fork" if hasattr(os, "fork") else "spawn"


def by_requests(double: Double) -> object:
    """Call the real host name with requests."""
    with double.intercept():
        return in_fork(lambda: requests.get(REAL, timeout=10))


def by_httpx(double: Double) -> object:
    """Call the real host name with httpx."""
    with double.intercept(), httpx.Client() as client:
        return in_fork(lambda: client.get(REAL))


def by_http_client(double: Double) -> object:
    """Call the real host name with http.client."""

    def get() -> None:
        HTTPSConnection("compute.api.cloud.yandex.net").request("GET", "/endpoints")

    with double.intercept():
        return in_fork(get)


def by_aiohttp(double: Double) -> object:
    """Call the real host name with aiohttp."""

    async def get() -> None:
        async with aiohttp.ClientSession() as session, session.get(REAL):
            pass

    with double.intercept():
        return in_fork(lambda: asyncio.run(get()))


def by_vcrpy(double: Double) -> object:
    """Call the real host name through vcrpy."""
    with double.through_vcrpy():
        return in_fork(lambda: requests.get(REAL, timeout=10))


def by_adapter(double: Double) -> object:
    """Call it through an adapter of requests."""
    with requests.Session() as session:
        session.mount("https://", double.requests_adapter())
        assert session.get(REAL, timeout=10).ok
        return in_fork(lambda: session.get(REAL, timeout=10))


def by_transport(double: Double) -> object:
    """Call it through a transport of httpx."""
    with httpx.Client(transport=double.httpx_transport()) as client:
        return in_fork(lambda: client.get(REAL))


def by_wsgi(double: Double) -> object:
    """Call it as a WSGI application."""
    return in_fork(lambda: Client(double.app).get("/endpoints"))


def by_address(double: Double) -> object:
    """Read an address that was not read before."""
    return in_fork(lambda: double.url)


def in_fork(call: Callable[[], object]) -> object:
    """Return the text of the error that a call raises in a forked process; empty: none."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        text = ""
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - any, to be seen by the test
            text = f"{type(error).__name__}: {error}"
        os.write(theirs, text.encode()[:4000])
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


WAYS: Final = (
    by_requests, by_httpx, by_http_client, by_aiohttp, by_vcrpy, by_adapter, by_transport, by_wsgi, by_address
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_forked_copy_answers_nothing(way: Callable[[Double], str]) -> None:
    """The test would know nothing of it; the error says how the double is reached."""
    with Double() as double:
        said = way(double)
        assert said.startswith("UsageError: Refused to ")
        assert "was forked from process" in said
        assert "ycimages.url" in said
        assert not double.images


def create(url: str, token: str, folder_id: str) -> str:
    """Create an image over the socket, in whatever process."""
    body = {"folderId": folder_id, "diskId": "epd0000000000000000a"}
    answer = requests.post(
        f"{url}/compute/v1/images", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20
    )
    image_id: str = answer.json()["metadata"]["imageId"]
    return image_id


@pytest.mark.parametrize("method", [FORK, pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_process_pool_reaches_the_double_by_its_address(method: str) -> None:
    """Forked or spawned."""
    context: Any = multiprocessing.get_context(method)
    with Double() as double:
        given = double.url, double.token, double.folder_id
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            made = {waiting.result() for waiting in [pool.submit(create, *given) for _ in range(3)]}
        assert set(double.images) == made
        assert len(made) == 3


def test_a_double_that_is_made_in_a_forked_process_is_its_own() -> None:
    """As in a worker of an experiment."""

    def use() -> None:
        with Double().intercept() as double:
            assert requests.get(REAL, timeout=10).ok
        with double:
            urllib.request.urlopen(f"{double.url}/endpoints").close()  # noqa: S310 - of this test
        assert len(double.calls) == 2

    assert in_fork(use) == ""


def test_the_error_survives_the_way_back_from_a_pool() -> None:
    """It is sent to the parent as a pickle."""
    context: Any = multiprocessing.get_context(FORK)
    with Double() as double, double.intercept(), ProcessPoolExecutor(1, mp_context=context) as pool:
        with pytest.raises(UsageError, match=r"ycimages\.url"):
            pool.submit(requests.get, REAL).result()
        assert not double.calls
    assert "multiprocessing" in sys.modules
