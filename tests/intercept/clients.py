"""Every client that can be intercepted, as one function that knows nothing of doubles: it is told a URL and asks."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import urllib3

from tests.faults_in_process.clients import TIMEOUT, Question, Seen, each, raised

if TYPE_CHECKING:
    from collections.abc import Sequence

REAL: Final = "https://compute.api.cloud.yandex.net"
HEADERS: Final = {"Authorization": "Bearer t1.a.b", "Content-Type": "application/json"}


class Client(Protocol):
    """Asks some questions in a row, over one session."""

    def __call__(self, url: str, questions: Sequence[Question]) -> list[Seen]:
        """What came of each.

        Args:
            url: scheme and host.
            questions: what to ask.
        """


def by_http_client(url: str, questions: Sequence[Question]) -> list[Seen]:
    """http.client: one connection, which is closed after an error as its users do."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT)

    def ask(question: Question) -> Seen:
        try:
            connection.request(question.verb, question.path, question.body, HEADERS)
            answer = connection.getresponse()
            return Seen(answer.status, answer.read())
        except BaseException:
            connection.close()
            raise

    try:
        return each(ask, questions)
    finally:
        connection.close()


def by_urllib_request(url: str, questions: Sequence[Question]) -> list[Seen]:
    """urllib.request: an opener that knows no proxy; it keeps no connection."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(question: Question) -> Seen:
        request = urllib.request.Request(url + question.path, question.body, HEADERS, method=question.verb)  # noqa: S310 - http and https
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return Seen(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Seen(error.code, error.read())

    return each(ask, questions)


def by_urllib3(url: str, questions: Sequence[Question]) -> list[Seen]:
    """urllib3: a pool manager, which is told to try nothing again."""
    with urllib3.PoolManager() as pools:

        def ask(question: Question) -> Seen:
            verb, path, body = question
            answer = pools.request(verb, url + path, body=body, headers=HEADERS, timeout=TIMEOUT, retries=False)
            return Seen(answer.status, answer.data)

        return each(ask, questions)


def by_requests(url: str, questions: Sequence[Question]) -> list[Seen]:
    """requests: a session."""
    with requests.Session() as session:
        session.trust_env = False

        def ask(question: Question) -> Seen:
            verb, path, body = question
            answer = session.request(verb, url + path, data=body, headers=HEADERS, timeout=TIMEOUT)
            return Seen(answer.status_code, answer.content)

        return each(ask, questions)


def by_httpx(url: str, questions: Sequence[Question]) -> list[Seen]:
    """httpx: a client. To load no certificates saves the test time; it asks for TLS all the same."""
    with httpx.Client(base_url=url, timeout=TIMEOUT, headers=HEADERS, trust_env=False, verify=False) as client:  # noqa: S501 - see above

        def ask(question: Question) -> Seen:
            answer = client.request(question.verb, question.path, content=question.body)
            return Seen(answer.status_code, answer.content)

        return each(ask, questions)


def by_async_httpx(url: str, questions: Sequence[Question]) -> list[Seen]:
    """httpx: an async client; likewise."""

    async def story() -> list[Seen]:
        seen = []
        async with httpx.AsyncClient(
            base_url=url,
            timeout=TIMEOUT,
            headers=HEADERS,
            trust_env=False,
            verify=False,  # noqa: S501 - likewise
        ) as client:
            for verb, path, body in questions:
                try:
                    answer = await client.request(verb, path, content=body)
                    seen.append(Seen(answer.status_code, answer.content))
                except Exception as error:  # noqa: BLE001 - what it is, is the question
                    seen.append(raised(error))
        return seen

    return asyncio.run(story())


def by_aiohttp(url: str, questions: Sequence[Question]) -> list[Seen]:
    """aiohttp: a session with a time-out for the whole of a request, as is its default."""
    return _by_aiohttp(url, questions, aiohttp.ClientTimeout(total=TIMEOUT))


def by_aiohttp_by_read(url: str, questions: Sequence[Question]) -> list[Seen]:
    """aiohttp: a session with a time-out for each read."""
    return _by_aiohttp(url, questions, aiohttp.ClientTimeout(sock_read=TIMEOUT))


def _by_aiohttp(url: str, questions: Sequence[Question], timeout: aiohttp.ClientTimeout) -> list[Seen]:
    async def story() -> list[Seen]:
        seen = []
        async with aiohttp.ClientSession(timeout=timeout, headers=HEADERS) as session:
            for verb, path, body in questions:
                try:
                    async with session.request(verb, url + path, data=body) as answer:
                        seen.append(Seen(answer.status, await answer.read()))
                except Exception as error:  # noqa: BLE001 - likewise
                    seen.append(raised(error))
        return seen

    return asyncio.run(story())


CLIENTS: Final[dict[str, Client]] = {
    "http.client": by_http_client,
    "urllib.request": by_urllib_request,
    "urllib3": by_urllib3,
    "requests": by_requests,
    "httpx": by_httpx,
    "httpx async": by_async_httpx,
    "aiohttp": by_aiohttp,
    "aiohttp by read": by_aiohttp_by_read,
}
"""Every client, by name."""

KEEPING: Final = {name: client for name, client in CLIENTS.items() if name != "urllib.request"}
"""Those that keep a connection."""


def created(seen: Seen) -> str:
    """The id of the image that an answer tells of."""
    image_id: str = json.loads(seen.body)["metadata"]["imageId"]
    return image_id
