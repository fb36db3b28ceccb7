"""The clients of the table, each as its users hold it: one pool, a timeout of ten seconds, and no retries."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from pytest_ycimages import Double

TIMEOUT: Final = 10.0
CREATE: Final = "/compute/v1/images"
LOOK: Final = "/endpoints"


class NotReadError(Exception):
    """A client has the status of an answer and cannot read its JSON."""

    def __init__(self, status: int, error: Exception) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


class Client:
    """One client of a double.

    Attributes:
        name: its name in the table.
    """

    name: str

    def __init__(self, double: Double) -> None:
        self.url = double.url
        self.headers = {"Authorization": f"Bearer {double.token}"}
        self.body = {"folderId": double.folder_id, "diskId": "epd0000000000000000a"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(self) -> str:
        """Create an image, and say in a few words what came of it."""
        return self._seen("POST", CREATE, self.body)

    def look(self) -> str:
        """Ask for something that is always there."""
        return self._seen("GET", LOOK, None)

    def _seen(self, verb: str, path: str, body: Mapping[str, str] | None) -> str:
        try:
            status, _ = self.ask(verb, path, body)
        except NotReadError as unread:
            return f"{unread.status}, {type(unread.error).__name__}"
        except Exception as error:  # noqa: BLE001 - which one it is, is what the table is about
            return type(error).__name__
        return str(status)

    def ask(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """The status and the JSON of an answer.

        Raises:
            NotReadError: there was a status, but no JSON.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the pool."""
        raise NotImplementedError


class Requests(Client):
    """`requests.Session`."""

    name = "requests"

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        self._session = requests.Session()

    def ask(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        answer = self._session.request(verb, self.url + path, json=body, headers=self.headers, timeout=TIMEOUT)
        try:
            return answer.status_code, answer.json()
        except ValueError as error:
            raise NotReadError(answer.status_code, error) from error

    def close(self) -> None:
        """Close the pool."""
        self._session.close()


class Urllib3(Client):
    """`urllib3.PoolManager`, which would try again by itself."""

    name = "urllib3"

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def ask(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        answer = self._pool.request(verb, self.url + path, json=body, headers=self.headers)
        try:
            return answer.status, answer.json()
        except ValueError as error:
            raise NotReadError(answer.status, error) from error

    def close(self) -> None:
        """Close the pool."""
        self._pool.clear()


class Httpx(Client):
    """`httpx.Client`."""

    name = "httpx"

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        # Certificates play no part in plain HTTP, and loading them takes longer than any of the tests.
        self._client = httpx.Client(timeout=TIMEOUT, verify=False)  # noqa: S501 - see above

    def ask(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        answer = self._client.request(verb, self.url + path, json=body, headers=self.headers)
        try:
            return answer.status_code, answer.json()
        except ValueError as error:
            raise NotReadError(answer.status_code, error) from error

    def close(self) -> None:
        """Close the pool."""
        self._client.close()


class Asynchronous(Client):
    """A client that has a loop of its own, which outlives a call as its pool does."""

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        self._runner = asyncio.Runner()

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(what)

    def ask(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        status, answer = self._run(self.ask_async(verb, path, body))
        return status, answer

    async def ask_async(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        raise NotImplementedError

    async def close_async(self) -> None:
        """Close the pool."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the pool and the loop."""
        self._run(self.close_async())
        self._runner.close()


class HttpxAsync(Asynchronous):
    """`httpx.AsyncClient`."""

    name = "httpx.AsyncClient"

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        self._client = httpx.AsyncClient(timeout=TIMEOUT, verify=False)  # noqa: S501 - as above

    async def ask_async(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        answer = await self._client.request(verb, self.url + path, json=body, headers=self.headers)
        try:
            return answer.status_code, answer.json()
        except ValueError as error:
            raise NotReadError(answer.status_code, error) from error

    async def close_async(self) -> None:
        """Close the pool."""
        await self._client.aclose()


class Aiohttp(Asynchronous):
    """`aiohttp.ClientSession`."""

    name = "aiohttp"

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        self._session: aiohttp.ClientSession | None = None

    async def ask_async(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        if self._session is None:  # it wants to be made where its loop runs
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        async with self._session.request(verb, self.url + path, json=body, headers=self.headers) as answer:
            await answer.read()
            try:
                return answer.status, await answer.json()
            except (ValueError, aiohttp.ContentTypeError) as error:
                raise NotReadError(answer.status, error) from error

    async def close_async(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()


class HttpClient(Client):
    """`http.client.HTTPConnection`, whose user closes it after an error and goes on."""

    name = "http.client"

    def __init__(self, double: Double) -> None:
        super().__init__(double)
        self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT)

    def ask(self, verb: str, path: str, body: Mapping[str, str] | None) -> tuple[int, Any]:
        """Ask."""
        try:
            self._connection.request(verb, path, None if body is None else json.dumps(body), self.headers)
            answer = self._connection.getresponse()
            data = answer.read()
        except BaseException:
            self._connection.close()
            raise
        try:
            return answer.status, json.loads(data)
        except ValueError as error:
            raise NotReadError(answer.status, error) from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


CLIENTS: Final[tuple[type[Client], ...]] = (Requests, Urllib3, Httpx, HttpxAsync, Aiohttp, HttpClient)
