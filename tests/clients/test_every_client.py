"""The same job, written as users write it with each HTTP client: create an image, poll until it is done."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import subprocess
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3

from pytest_ycimages import AfterPolls, Code

if TYPE_CHECKING:
    from pytest_ycimages import Double


class Bake(Protocol):
    """Makes an image of a disk."""

    def __call__(self, url: str, *, token: str, folder_id: str, disk_id: str) -> str:
        """Create the image, wait until it is done, and return its id."""


def with_requests(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with requests."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        body = {"folderId": folder_id, "diskId": disk_id}
        answer = session.post(f"{url}/compute/v1/images", json=body, timeout=10)
        answer.raise_for_status()
        operation = answer.json()
        while not operation["done"]:
            operation = session.get(f"{url}/operations/{operation['id']}", timeout=10).json()
    return str(operation["metadata"]["imageId"])


def with_httpx(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with httpx."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        answer = client.post("/compute/v1/images", json={"folderId": folder_id, "diskId": disk_id})
        operation = answer.raise_for_status().json()
        while not operation["done"]:
            operation = client.get(f"/operations/{operation['id']}").json()
    return str(operation["metadata"]["imageId"])


def with_httpx_async(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with httpx and asyncio."""

    async def bake() -> str:
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
            answer = await client.post("/compute/v1/images", json={"folderId": folder_id, "diskId": disk_id})
            operation = answer.raise_for_status().json()
            while not operation["done"]:
                operation = (await client.get(f"/operations/{operation['id']}")).json()
        return str(operation["metadata"]["imageId"])

    return asyncio.run(bake())


def with_urllib3(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with urllib3."""
    with urllib3.PoolManager(headers={"Authorization": f"Bearer {token}"}) as pool:
        body = {"folderId": folder_id, "diskId": disk_id}
        answer = pool.request("POST", f"{url}/compute/v1/images", json=body, headers=pool.headers)
        operation = answer.json()
        while not operation["done"]:
            operation = pool.request("GET", f"{url}/operations/{operation['id']}").json()
    return str(operation["metadata"]["imageId"])


def with_aiohttp(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with aiohttp."""

    async def bake() -> str:
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(url, headers=headers, raise_for_status=True) as session:
            body = {"folderId": folder_id, "diskId": disk_id}
            async with session.post("/compute/v1/images", json=body) as answer:
                operation = await answer.json()
            while not operation["done"]:
                async with session.get(f"/operations/{operation['id']}") as answer:
                    operation = await answer.json()
        return str(operation["metadata"]["imageId"])

    return asyncio.run(bake())


def with_http_client(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with http.client."""
    headers = {"Authorization": f"Bearer {token}"}
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        body = json.dumps({"folderId": folder_id, "diskId": disk_id})
        connection.request("POST", "/compute/v1/images", body, headers)
        operation = json.load(connection.getresponse())
        while not operation["done"]:
            connection.request("GET", f"/operations/{operation['id']}", headers=headers)
            operation = json.load(connection.getresponse())
    return str(operation["metadata"]["imageId"])


def with_urllib(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with urllib.request."""
    headers = {"Authorization": f"Bearer {token}"}

    def call(path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(url + path, body, headers)  # noqa: S310 - the url is the double's
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
            return json.load(answer)

    operation = call("/compute/v1/images", json.dumps({"folderId": folder_id, "diskId": disk_id}).encode())
    while not operation["done"]:
        operation = call(f"/operations/{operation['id']}")
    return str(operation["metadata"]["imageId"])


def with_curl(url: str, *, token: str, folder_id: str, disk_id: str) -> str:
    """Bake with curl."""

    def curl(path: str, *options: str) -> Any:
        command = ["curl", "--silent", "--fail", "-H", f"Authorization: Bearer {token}", *options, url + path]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 - our words only

    operation = curl("/compute/v1/images", "-d", json.dumps({"folderId": folder_id, "diskId": disk_id}))
    while not operation["done"]:
        operation = curl(f"/operations/{operation['id']}")
    return str(operation["metadata"]["imageId"])


@pytest.fixture(
    params=[
        with_requests,
        with_httpx,
        with_httpx_async,
        with_urllib3,
        with_aiohttp,
        with_http_client,
        with_urllib,
        pytest.param(
            with_curl, marks=pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
        ),
    ],
    ids=lambda bake: bake.__name__,
)
def bake(request: pytest.FixtureRequest) -> Bake:
    """The job, with one client after the other."""
    made: Bake = request.param
    return made


def test_bake(ycimages: Double, bake: Bake) -> None:
    """Every client gets its image, by the calls that its author wrote."""
    image_id = bake(ycimages.url, token=ycimages.token, folder_id=ycimages.folder_id, disk_id="epd0000000000000000a")
    assert ycimages.images[image_id].status == "READY"
    assert [call.method for call in ycimages.calls] == ["images.create", "operations.get"]


@pytest.mark.ycimages(timing=AfterPolls(3))
def test_bake_polls_until_the_operation_is_done(ycimages: Double, bake: Bake) -> None:
    """No client stops early, and none asks once more than it must."""
    image_id = bake(ycimages.url, token=ycimages.token, folder_id=ycimages.folder_id, disk_id="epd0000000000000000a")
    assert ycimages.images[image_id].status == "READY"
    assert [call.method for call in ycimages.calls] == ["images.create", *["operations.get"] * 3]
    assert [call.attempt for call in ycimages.calls] == [1, 1, 2, 3]


@pytest.mark.ycimages(timing=0)
def test_bake_asks_only_once_when_the_operation_is_done_at_once(ycimages: Double, bake: Bake) -> None:
    """The first answer shows it done."""
    image_id = bake(ycimages.url, token=ycimages.token, folder_id=ycimages.folder_id, disk_id="epd0000000000000000a")
    assert ycimages.images[image_id].status == "READY"
    assert [(call.method, call.status) for call in ycimages.calls] == [("images.create", Code.OK)]


def test_bake_again_and_again(ycimages: Double, bake: Bake) -> None:
    """A client's pools and the double's connections outlive one job: each gives an image of its own."""
    baked = {
        bake(ycimages.url, token=ycimages.token, folder_id=ycimages.folder_id, disk_id="epd0000000000000000a")
        for _ in range(3)
    }
    assert baked == set(ycimages.images)
    assert len(baked) == 3
