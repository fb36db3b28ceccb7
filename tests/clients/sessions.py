"""Every HTTP client that the tests drive, as one kind of session: over a socket, in process, or intercepted."""

from __future__ import annotations

import asyncio
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pytest_ycimages import Double


TIMEOUT: Final = 5
"""Seconds for which each client waits."""
HEADERS: Final = {"Authorization": "Bearer t1.a.b", "Content-Type": "application/json"}
IN_PROCESS: Final = "http://in-process"

_HOST: Final = r"(?:127\.0\.0\.1|in-process|compute\.api\.cloud\.yandex\.net)"
_ADDRESS: Final = re.compile(rf"host='[^']*', port=\d+|'{_HOST}', \d+|{_HOST}(?::\d+)?|(?<=HTTP)S(?=Connection)")


class Question(NamedTuple):
    """A request."""

    verb: str
    path: str
    body: bytes | None = None


class Seen(NamedTuple):
    """The result of a request as its client saw it.

    Attributes:
        status: the HTTP status; 0 for none.
        body: the body.
        error: the type of the client's error; empty for none.
        text: the error's text, without scheme and address.
    """

    status: int
    body: bytes = b""
    error: str = ""
    text: str = ""


Ask = Callable[[Question], Seen]
Session = Callable[..., AbstractContextManager[Ask]]


def raised(error: BaseException) -> Seen:
    """Return what is seen of an error."""
    kind = type(error)
    name, text = f"{kind.__module__}.{kind.__qualname__}", str(error)
    return Seen(0, error=name, text=_ADDRESS.sub(lambda found: "" if found[0] == "S" else "…", text))


def ask_all(
    session: Session,
    url: str,
    questions: Sequence[Question],
    double: Double | None = None,
    headers: Mapping[str, str] = HEADERS,
) -> list[Seen]:
    """Ask each question over one session, and go on after an error.

    Args:
        session: the kind of session.
        url: scheme and host.
        questions: the requests.
        double: a double whose adapters the session uses; None: sockets, or those of an interception.
        headers: the headers of each request.
    """
    seen = []
    with session(url, double, headers) as ask:
        for question in questions:
            try:
                seen.append(ask(question))
            except Exception as error:  # noqa: BLE001 - what it is, is the question
                seen.append(raised(error))
    return seen


def ask_double(session: Session, double: Double, questions: Sequence[Question], *, in_process: bool) -> list[Seen]:
    """Ask a double each question, with its token, over a socket or with its adapters."""
    headers = {**HEADERS, "Authorization": f"Bearer {double.token}"}
    if in_process:
        return ask_all(session, IN_PROCESS, questions, double, headers)
    return ask_all(session, double.url, questions, headers=headers)


@contextmanager
def of_http_client(url: str, _: Double | None = None, headers: Mapping[str, str] = HEADERS) -> Generator[Ask]:
    """http.client: a connection, which is closed after an error as its users do."""
    address = urlsplit(url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT)

    def ask(question: Question) -> Seen:
        try:
            connection.request(*question, dict(headers))
            answer = connection.getresponse()
            return Seen(answer.status, answer.read())
        except BaseException:
            connection.close()
            raise

    yield ask
    connection.close()


@contextmanager
def of_urllib_request(url: str, _: Double | None = None, headers: Mapping[str, str] = HEADERS) -> Generator[Ask]:
    """urllib.request: an opener without proxies; it keeps no connection."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(question: Question) -> Seen:
        verb, path, body = question
        request = urllib.request.Request(url + path, body, dict(headers), method=verb)  # noqa: S310 - http and https
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return Seen(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Seen(error.code, error.read())

    yield ask


@contextmanager
def of_urllib3(url: str, double: Double | None = None, headers: Mapping[str, str] = HEADERS) -> Generator[Ask]:
    """urllib3: a pool manager without retries."""
    with double.urllib3_pool_manager() if double else urllib3.PoolManager() as pools:

        def ask(question: Question) -> Seen:
            verb, path, body = question
            answer = pools.request(verb, url + path, body=body, headers=headers, timeout=TIMEOUT, retries=False)
            return Seen(answer.status, answer.data)

        yield ask


@contextmanager
def of_requests(url: str, double: Double | None = None, headers: Mapping[str, str] = HEADERS) -> Generator[Ask]:
    """requests: a session."""
    with requests.Session() as session:
        session.trust_env = False
        if double:
            session.mount("http://", double.requests_adapter())

        def ask(question: Question) -> Seen:
            verb, path, body = question
            answer = session.request(verb, url + path, data=body, headers=headers, timeout=TIMEOUT)
            return Seen(answer.status_code, answer.content)

        yield ask


@contextmanager
def of_httpx(url: str, double: Double | None = None, headers: Mapping[str, str] = HEADERS) -> Generator[Ask]:
    """httpx: a client. It loads no certificates, which would take long; it uses TLS all the same."""
    transport = double.httpx_transport() if double else httpx.HTTPTransport(verify=False)
    with httpx.Client(transport=transport, timeout=TIMEOUT, headers=headers, trust_env=False) as client:

        def ask(question: Question) -> Seen:
            answer = client.request(question.verb, url + question.path, content=question.body)
            return Seen(answer.status_code, answer.content)

        yield ask


@contextmanager
def of_async_httpx(url: str, double: Double | None = None, headers: Mapping[str, str] = HEADERS) -> Generator[Ask]:
    """httpx: an async client in a loop of its own."""
    with asyncio.Runner() as runner:
        transport = double.httpx_async_transport() if double else httpx.AsyncHTTPTransport(verify=False)
        client = httpx.AsyncClient(transport=transport, timeout=TIMEOUT, headers=headers, trust_env=False)

        async def ask(question: Question) -> Seen:
            answer = await client.request(question.verb, url + question.path, content=question.body)
            return Seen(answer.status_code, answer.content)

        yield lambda question: runner.run(ask(question))
        runner.run(client.aclose())


@contextmanager
def of_aiohttp(
    url: str,
    double: Double | None = None,
    headers: Mapping[str, str] = HEADERS,
    timeout: aiohttp.ClientTimeout = aiohttp.ClientTimeout(total=TIMEOUT),  # noqa: B008 - frozen
) -> Generator[Ask]:
    """aiohttp: a session in a loop of its own, with a time-out for the whole of a request, as is its default."""

    async def begin() -> aiohttp.ClientSession:
        connector: Any = double.aiohttp_connector() if double else None
        return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers)

    async def ask(question: Question) -> Seen:
        async with session.request(question.verb, url + question.path, data=question.body) as answer:
            return Seen(answer.status, await answer.read())

    with asyncio.Runner() as runner:
        session = runner.run(begin())
        yield lambda question: runner.run(ask(question))
        runner.run(session.close())


def of_aiohttp_by_read(
    url: str, double: Double | None = None, headers: Mapping[str, str] = HEADERS
) -> AbstractContextManager[Ask]:
    """aiohttp: the same with a time-out for each read."""
    return of_aiohttp(url, double, headers, aiohttp.ClientTimeout(sock_read=TIMEOUT))


SESSIONS: Final[dict[str, Session]] = {
    "http.client": of_http_client,
    "urllib.request": of_urllib_request,
    "urllib3": of_urllib3,
    "requests": of_requests,
    "httpx": of_httpx,
    "httpx async": of_async_httpx,
    "aiohttp": of_aiohttp,
    "aiohttp by read": of_aiohttp_by_read,
}
"""Every kind of session, by name."""

WITH_ADAPTER: Final = {
    name: session for name, session in SESSIONS.items() if name not in {"http.client", "urllib.request"}
}
"""Those that a double has an adapter for."""

KEEPING: Final = {name: session for name, session in SESSIONS.items() if name != "urllib.request"}
"""Those that keep a connection."""
