"""Every client of the matrix, as one function that asks and is answered; and the job that all of them do."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import httpx
import requests
import urllib3

from pytest_ycimages.hosts import service_host

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

    Ask = Callable[[str, str, Mapping[str, str], Any], Any]
    """Verb, address, headers and JSON body, or None for none; returns the JSON of the answer."""
    Speaker = Callable[[], AbstractContextManager[Ask]]
    Address = Callable[[str], str]
    """The whole address of a path."""


@contextmanager
def with_requests() -> Generator[Ask]:
    """With requests."""
    with requests.Session() as session:
        yield lambda verb, url, headers, body: session.request(verb, url, headers=headers, json=body, timeout=10).json()


@contextmanager
def with_urllib3() -> Generator[Ask]:
    """With urllib3."""
    with urllib3.PoolManager() as pool:
        yield lambda verb, url, headers, body: pool.request(verb, url, headers=headers, json=body, timeout=10).json()


@contextmanager
def with_httpx() -> Generator[Ask]:
    """With httpx."""
    with httpx.Client() as client:
        yield lambda verb, url, headers, body: client.request(verb, url, headers=headers, json=body).json()


@contextmanager
def with_httpx_async() -> Generator[Ask]:
    """With httpx and asyncio."""
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient()

        async def ask(verb: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
            return (await client.request(verb, url, headers=headers, json=body)).json()

        yield lambda *asked: runner.run(ask(*asked))
        runner.run(client.aclose())


@contextmanager
def with_aiohttp() -> Generator[Ask]:
    """With aiohttp."""
    with asyncio.Runner() as runner:

        async def session_of_the_loop() -> aiohttp.ClientSession:
            return aiohttp.ClientSession()

        session = runner.run(session_of_the_loop())

        async def ask(verb: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
            async with session.request(verb, url, headers=headers, json=body) as answer:
                return await answer.json()

        yield lambda *asked: runner.run(ask(*asked))
        runner.run(session.close())


@contextmanager
def with_curl() -> Generator[Ask]:
    """The command curl, as a shell script would call it."""

    def ask(verb: str, url: str, headers: Mapping[str, str], body: Any) -> Any:
        options = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
        data = [] if body is None else ["-d", json.dumps(body)]
        command = [str(shutil.which("curl")), "-sS", "-m", "10", "-X", verb, *options, *data, url]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 - our own words

    yield ask


IN_PYTHON: Final = (with_requests, with_urllib3, with_httpx, with_httpx_async, with_aiohttp)


def real(path: str) -> str:
    """The address that the service itself has."""
    return f"https://{service_host(path)}{path}"


def bake(ask: Ask, address: Address, *, token: str, folder_id: str, polls: int | None = None) -> Mapping[str, Any]:
    """Make an image, wait until the operation is done or for so many polls, and return the image as it is then."""
    headers = {"Authorization": f"Bearer {token}"}
    body = {"folderId": folder_id, "diskId": "epd0000000000000000a", "labels": {"made-by": "matrix"}}
    operation = ask("POST", address("/compute/v1/images"), headers, body)
    made = 0
    while made < polls if polls is not None else not operation["done"]:
        operation = ask("GET", address(f"/operations/{operation['id']}"), headers, None)
        made += 1
    image_id = operation["metadata"]["imageId"]
    image: Mapping[str, Any] = ask("GET", address(f"/compute/v1/images/{image_id}"), headers, None)
    return image
