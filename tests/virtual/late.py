"""Clients that ask once and have a time limit for the answer, in seconds."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
import requests

from tests.virtual.calling import HEADERS

if TYPE_CHECKING:
    from pytest_ycimages import Double

PATH: Final = "/endpoints"

TIME_OUTS: Final = (TimeoutError, requests.exceptions.Timeout, httpx.TimeoutException)
"""What the clients raise when an answer comes too late."""


def with_http_client(double: Double, timeout: float) -> int:
    """Ask with the standard library."""
    return _status(http.client.HTTPConnection(double.host, double.port, timeout=timeout))


def with_requests(double: Double, timeout: float) -> int:
    """Ask with requests."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(double.url + PATH, headers=HEADERS, timeout=timeout).status_code


def with_http_client_over_tls(double: Double, timeout: float) -> int:
    """Ask with the standard library, over TLS."""
    context = ssl.create_default_context(cafile=double.ca_path)
    return _status(http.client.HTTPSConnection(double.host, double.port, timeout=timeout, context=context))


def _status(connection: http.client.HTTPConnection) -> int:
    with closing(connection):
        connection.request("GET", PATH, headers=HEADERS)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def with_requests_over_tls(double: Double, timeout: float) -> int:
    """Ask with requests, over TLS."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(_over_tls(double), headers=HEADERS, timeout=timeout, verify=double.ca_path).status_code


def with_httpx_over_tls(double: Double, timeout: float) -> int:
    """Ask with httpx, over TLS."""
    context = ssl.create_default_context(cafile=double.ca_path)
    with httpx.Client(verify=context, headers=HEADERS, timeout=timeout) as client:
        return client.get(_over_tls(double)).status_code


def _over_tls(double: Double) -> str:
    return double.url.replace("http:", "https:") + PATH


def with_httpx(double: Double, timeout: float) -> int:
    """Ask with httpx."""
    with httpx.Client(base_url=double.url, headers=HEADERS, timeout=timeout) as client:
        return client.get(PATH).status_code


def with_async_httpx(double: Double, timeout: float) -> int:
    """Ask with httpx under asyncio."""

    async def ask() -> int:
        async with httpx.AsyncClient(base_url=double.url, headers=HEADERS, timeout=timeout) as client:
            return (await client.get(PATH)).status_code

    return asyncio.run(ask())


def with_aiohttp(double: Double, timeout: float) -> int:
    """Ask with aiohttp."""

    async def ask() -> int:
        limit = aiohttp.ClientTimeout(total=timeout)
        async with (
            aiohttp.ClientSession(double.url, headers=HEADERS, timeout=limit) as session,
            session.get(PATH) as got,
        ):
            await got.read()
            return got.status

    return asyncio.run(ask())


CLIENTS: Final = (
    with_http_client, with_requests, with_httpx, with_async_httpx, with_aiohttp,
    with_http_client_over_tls, with_requests_over_tls, with_httpx_over_tls,
)  # fmt: skip
