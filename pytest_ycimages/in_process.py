"""The verbs that give clients a way to the double without a socket. Each imports the client when it is called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from pytest_ycimages.host_names import host_names

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import aiohttp
    import httpx
    import requests.adapters
    import urllib3

    from pytest_ycimages.cassette.model import RecordedRequest, RecordedResponse
    from pytest_ycimages.server.app import App
    from pytest_ycimages.settings import Settings


class InProcess(ABC):
    """Gives HTTP clients what they take in the place of a network.

    What they get is the client's own machinery on connections that are no sockets: whatever the URL, a request leads to
    this double, which answers on the thread that asks. `https` is answered too, without TLS. Connections are kept and
    reused, and break as those of sockets do, so the client raises what it raises when a socket breaks. A client's
    time-outs count on the double's clock.

    Attributes:
        settings: the settings in force.
        name: says which double this is.
    """

    settings: Settings
    name: str

    @property
    @abstractmethod
    def app(self) -> App:
        """The same double as a WSGI application."""

    def requests_adapter(self) -> requests.adapters.HTTPAdapter:
        """An adapter for `requests.Session.mount`."""
        from pytest_ycimages.server.in_process.over_requests import Adapter  # noqa: PLC0415 - only for who has it

        return Adapter(self.app.origin)

    def urllib3_pool_manager(self) -> urllib3.PoolManager:
        """A pool manager, to be used as urllib3's own."""
        from pytest_ycimages.server.in_process.over_urllib3 import pool_manager  # noqa: PLC0415 - likewise

        return pool_manager(self.app.origin)

    def httpx_transport(self) -> httpx.HTTPTransport:
        """A transport for `httpx.Client(transport=...)`."""
        from pytest_ycimages.server.in_process.over_httpx import Transport  # noqa: PLC0415 - likewise

        return Transport(self.app.origin)

    def httpx_async_transport(self) -> httpx.AsyncHTTPTransport:
        """A transport for `httpx.AsyncClient(transport=...)`."""
        from pytest_ycimages.server.in_process.over_httpx import AsyncTransport  # noqa: PLC0415 - likewise

        return AsyncTransport(self.app.origin)

    def aiohttp_connector(self) -> aiohttp.BaseConnector:
        """A connector for `aiohttp.ClientSession(connector=...)`; call it while the event loop runs."""
        from pytest_ycimages.server.in_process.over_aiohttp import Connector  # noqa: PLC0415 - likewise

        return Connector(self.app.origin)

    @contextmanager
    def intercept(self, *, hosts: Iterable[str] = ()) -> Generator[Self]:
        """Answer the host names of the real service, for every client of this process, while the context lasts.

        Clients need not be told: whatever http.client, urllib.request, urllib3, requests, httpcore, httpx or aiohttp
        sends to `api.cloud.yandex.net`, `api.yandexcloud.kz` or a name below them comes here, whether a session was
        made before or not. No name is looked up, and TLS is taken as given. All other hosts are left alone.

        Args:
            hosts: more host names, or globs such as `*.example.net`; the setting `intercept_hosts` adds to them.

        Raises:
            UsageError: another double answers them already; or one of `hosts` is no host name.
        """
        from pytest_ycimages.server.in_process.intercept import Interception  # noqa: PLC0415 - likewise

        more = (*host_names(self.settings.intercept_hosts), *host_names(hosts))
        with Interception(self.app.origin, more, name=repr(self)):
            yield self

    @contextmanager
    def through_vcrpy(self) -> Generator[None]:
        """Let vcrpy lead every HTTP client here that it knows, whatever the host, for as long as the context lasts.

        For clients that take neither another address nor another transport. Requests to this machine's own addresses
        are left alone. A client blocks while its answer is late, an event loop with it; where that matters, and where
        connections are to break as sockets do, `intercept` is better.
        """
        from pytest_ycimages.cassette.model import RecordedResponse  # noqa: PLC0415 - only for who uses vcrpy
        from pytest_ycimages.cassette.vcrpy_patches import vcrpy_patched  # noqa: PLC0415 - likewise
        from pytest_ycimages.server.in_process.whole import answered  # noqa: PLC0415 - likewise

        def answer(asked: RecordedRequest) -> RecordedResponse:
            reply = answered(self.app, asked.method, asked.uri, asked.headers, asked.body)
            return RecordedResponse(reply.status, _reason(reply.status), reply.headers, reply.body)

        with vcrpy_patched(answer):
            yield


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""
