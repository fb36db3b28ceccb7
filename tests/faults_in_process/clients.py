"""Every client with a way in process, as one function: ask some questions in a row, and tell what came of each."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import aiohttp
import httpx
import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ycimages import Double


TIMEOUT: Final = 5
"""Seconds for which each client waits."""

_HOST: Final = r"(?:127\.0\.0\.1|in-process|compute\.api\.cloud\.yandex\.net)"
_ADDRESS: Final = re.compile(rf"host='[^']*', port=\d+|'{_HOST}', \d+|{_HOST}(?::\d+)?|(?<=HTTP)S(?=Connection)")


class Question(NamedTuple):
    """A request."""

    verb: str
    path: str
    body: bytes | None = None


class Client(Protocol):
    """Asks a double some questions in a row, over a socket or in process."""

    def __call__(self, double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
        """What came of each."""


class Seen(NamedTuple):
    """What came of it.

    Attributes:
        status: the HTTP status; 0 for none.
        body: the body.
        error: the type of what the client raised; empty for nothing.
        text: what that says, without scheme and address.
    """

    status: int
    body: bytes = b""
    error: str = ""
    text: str = ""


def raised(error: BaseException) -> Seen:
    """What is seen of an error."""
    kind = type(error)
    name, text = f"{kind.__module__}.{kind.__qualname__}", str(error)
    return Seen(0, error=name, text=_ADDRESS.sub(lambda found: "" if found[0] == "S" else "…", text))


def _headers(double: Double) -> dict[str, str]:
    return {"Authorization": f"Bearer {double.token}", "Content-Type": "application/json"}


def _origin(double: Double, *, in_process: bool) -> str:
    return "http://in-process" if in_process else double.url


def each(ask: Callable[[Question], Seen], questions: Sequence[Question]) -> list[Seen]:
    """Ask each question, and go on whatever comes of it."""
    seen = []
    for question in questions:
        try:
            seen.append(ask(question))
        except Exception as error:  # noqa: BLE001 - what it is, is the question
            seen.append(raised(error))
    return seen


def over_requests(double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """requests: a session."""
    with requests.Session() as session:
        session.trust_env = False
        if in_process:
            session.mount("http://", double.requests_adapter())

        def ask(question: Question) -> Seen:
            url = _origin(double, in_process=in_process) + question.path
            answer = session.request(question.verb, url, data=question.body, headers=_headers(double), timeout=TIMEOUT)
            return Seen(answer.status_code, answer.content)

        return each(ask, questions)


def over_urllib3(double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """urllib3: a pool manager, which is told to try nothing again."""
    with double.urllib3_pool_manager() if in_process else urllib3.PoolManager() as pools:

        def ask(question: Question) -> Seen:
            url = _origin(double, in_process=in_process) + question.path
            answer = pools.request(
                question.verb, url, body=question.body, headers=_headers(double), timeout=TIMEOUT, retries=False
            )
            return Seen(answer.status, answer.data)

        return each(ask, questions)


def over_httpx(double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """httpx: a client."""
    transport = double.httpx_transport() if in_process else httpx.HTTPTransport(verify=False)
    with httpx.Client(transport=transport, base_url=_origin(double, in_process=in_process), timeout=TIMEOUT) as client:

        def ask(question: Question) -> Seen:
            answer = client.request(question.verb, question.path, content=question.body, headers=_headers(double))
            return Seen(answer.status_code, answer.content)

        return each(ask, questions)


def over_async_httpx(double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """httpx: an async client."""

    async def story() -> list[Seen]:
        transport = double.httpx_async_transport() if in_process else httpx.AsyncHTTPTransport(verify=False)
        origin, seen = _origin(double, in_process=in_process), []
        async with httpx.AsyncClient(transport=transport, base_url=origin, timeout=TIMEOUT) as client:
            for verb, path, body in questions:
                try:
                    answer = await client.request(verb, path, content=body, headers=_headers(double))
                    seen.append(Seen(answer.status_code, answer.content))
                except Exception as error:  # noqa: BLE001 - likewise
                    seen.append(raised(error))
        return seen

    return asyncio.run(story())


def over_aiohttp(double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """aiohttp: a session with a time-out for the whole of a request, as is its default."""
    return _over_aiohttp(double, questions, in_process=in_process, timeout=aiohttp.ClientTimeout(total=TIMEOUT))


def over_aiohttp_by_read(double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """aiohttp: a session with a time-out for each read."""
    return _over_aiohttp(double, questions, in_process=in_process, timeout=aiohttp.ClientTimeout(sock_read=TIMEOUT))


def _over_aiohttp(
    double: Double, questions: Sequence[Question], *, in_process: bool, timeout: aiohttp.ClientTimeout
) -> list[Seen]:
    async def story() -> list[Seen]:
        seen: list[Seen] = []
        connector: Any = double.aiohttp_connector() if in_process else aiohttp.TCPConnector()
        origin = _origin(double, in_process=in_process)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            for verb, path, body in questions:
                try:
                    async with session.request(verb, origin + path, data=body, headers=_headers(double)) as answer:
                        seen.append(Seen(answer.status, await answer.read()))
                except Exception as error:  # noqa: BLE001 - likewise
                    seen.append(raised(error))
        return seen

    return asyncio.run(story())


CLIENTS: Final[dict[str, Client]] = {
    "requests": over_requests,
    "urllib3": over_urllib3,
    "httpx": over_httpx,
    "httpx async": over_async_httpx,
    "aiohttp": over_aiohttp,
    "aiohttp by read": over_aiohttp_by_read,
}
"""Every client, by name."""
