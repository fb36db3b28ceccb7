"""How clients reach a double: its addresses and certificates, transports in process, interception of host names.

Each method imports its client when it is called.
"""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from pytest_ycimages.api.methods import PREFIX
from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import HOSTS, host_names
from pytest_ycimages.network.environment import proxy_variables
from pytest_ycimages.server.tunnel import certificates

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    import aiohttp
    import httpx
    import requests.adapters
    import urllib3

    from pytest_ycimages.cassette.model import RecordedRequest, RecordedResponse
    from pytest_ycimages.server.in_process.connection import Endpoint
    from pytest_ycimages.server.in_process.wsgi import WsgiApp
    from pytest_ycimages.server.listener import Listener
    from pytest_ycimages.settings import Settings


class ClientAccess:
    """Says where clients reach a double and what makes them trust it, and leads them to it in process.

    Transports are the client's own classes on in-process connections. Whatever the URL, a request goes to this double,
    which answers on the calling thread. `https` is answered too, without TLS. Connections are kept alive and break as
    sockets do, so the client raises its usual exceptions. The client's timeouts count on the double's clock.

    Attributes:
        settings: the settings in force.
        name: the double's name in reports.
        control_token: the token that the control API asks for; empty: none.
    """

    settings: Settings
    name: str
    control_token: str
    _endpoint: Endpoint

    def _serving(self) -> Listener:
        raise NotImplementedError

    @property
    def url(self) -> str:
        """The origin that serves every path of every service, such as `http://127.0.0.1:41233`."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def page(self) -> str:
        """The address of the live page, with the token of the control API, if it asks for one, after `#`."""
        token = f"#token={quote(self.control_token, safe='')}" if self.control_token else ""
        return f"{self.url}{PREFIX}{token}"

    @property
    def grpc_endpoint(self) -> str:
        """The address for gRPC clients, over TLS or in the clear, such as `127.0.0.1:41233`."""
        return self.url.removeprefix("http://")

    @property
    def root_certificates(self) -> bytes:
        """The certificate of the authority that clients have to trust for TLS, in PEM form.

        Raises:
            UsageError: the extra `grpc` is not installed.
        """
        found: bytes = _tls().root_certificates()
        return found

    @property
    def ca_path(self) -> str:
        """The path of a file with `root_certificates`; it lasts as long as the process.

        Raises:
            UsageError: the extra `grpc` is not installed.
        """
        found: str = _tls().ca_path()
        return found

    def proxy_environment(self) -> dict[str, str]:
        """Return the variables by which an unchanged program reaches the double at the names of the service.

        Add them to the environment of a child process: `env=os.environ | double.proxy_environment()`. The double is
        then its proxy, speaks TLS as the service with a certificate that these variables make trusted, and serves the
        metadata of an instance. Other hosts are refused, but for those of `allowed_hosts` and of `no_proxy`.

        Raises:
            UsageError: the double is not serving.
        """
        host, port = self._serving().host, self.port
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is not bound here
        address = f"[{here}]:{port}" if ":" in here else f"{here}:{port}"
        served = (*HOSTS, *host_names(self.settings.intercept_hosts))
        return proxy_variables(address, served, host_names(self.settings.allowed_hosts), certificates())

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._serving().host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._serving().port

    # Transports in process.

    @property
    def app(self) -> WsgiApp:
        """The same double as a WSGI application, for clients that need no socket."""
        from pytest_ycimages.server.in_process.wsgi import WsgiApp  # noqa: PLC0415 - only for users of WSGI

        return WsgiApp(self._endpoint)

    def requests_adapter(self) -> requests.adapters.HTTPAdapter:
        """Return an adapter for `requests.Session.mount`."""
        from pytest_ycimages.server.in_process.http_client import requests_adapter  # noqa: PLC0415 - only for users of it

        return requests_adapter(self._endpoint)

    def urllib3_pool_manager(self) -> urllib3.PoolManager:
        """Return a pool manager that replaces urllib3's own."""
        from pytest_ycimages.server.in_process.http_client import urllib3_pool_manager  # noqa: PLC0415 - as above

        return urllib3_pool_manager(self._endpoint)

    def httpx_transport(self) -> httpx.HTTPTransport:
        """Return a transport for `httpx.Client(transport=...)`."""
        from pytest_ycimages.server.in_process.httpcore import httpx_transport  # noqa: PLC0415 - as above

        return httpx_transport(self._endpoint)

    def httpx_async_transport(self) -> httpx.AsyncHTTPTransport:
        """Return a transport for `httpx.AsyncClient(transport=...)`."""
        from pytest_ycimages.server.in_process.httpcore import httpx_async_transport  # noqa: PLC0415 - as above

        return httpx_async_transport(self._endpoint)

    def aiohttp_connector(self) -> aiohttp.BaseConnector:
        """Return a connector for `aiohttp.ClientSession(connector=...)`; call it while the event loop runs."""
        from pytest_ycimages.server.in_process.aiohttp import Connector  # noqa: PLC0415 - as above

        return Connector(self._endpoint)

    @contextmanager
    def intercept(self, *, hosts: Iterable[str] = ()) -> Generator[Self]:
        """Answer the host names of the real service for every client in this process, inside the context.

        Clients need no changes: every request of http.client, urllib.request, urllib3, requests, httpcore, httpx or
        aiohttp to `api.cloud.yandex.net`, `api.yandexcloud.kz` or a name below them comes here, also from sessions made
        before. Names are not looked up, and TLS is skipped. Other hosts are not affected.

        Channels of gRPC, and programs that are started meanwhile, come here through a proxy of this process, by
        variables of its environment, which are restored afterwards.

        Args:
            hosts: more host names, or globs such as `*.example.net`; the setting `intercept_hosts` adds to them.

        Raises:
            UsageError: another double answers them already; or one of `hosts` is not a host name.
        """
        from pytest_ycimages.server.door import led_to  # noqa: PLC0415 - only for interception
        from pytest_ycimages.server.in_process.intercept import Interception  # noqa: PLC0415 - as above

        more = (*host_names(self.settings.intercept_hosts), *host_names(hosts))
        allowed = host_names(self.settings.allowed_hosts)
        with Interception(self._endpoint, more, name=repr(self)), led_to(self._endpoint.app, (*HOSTS, *more), allowed):
            yield self

    @contextmanager
    def through_vcrpy(self) -> Generator[None]:
        """Route every HTTP client that vcrpy supports to this double, whatever the host, inside the context.

        Use it for clients that accept neither another address nor another transport. Requests to this machine's own
        addresses are not affected. A late answer blocks the client, and an event loop with it. Where that matters, and
        where connections should break as sockets do, use `intercept`.
        """
        from pytest_ycimages.cassette.model import RecordedResponse  # noqa: PLC0415 - only with vcrpy
        from pytest_ycimages.cassette.vcrpy_patches import vcrpy_patched  # noqa: PLC0415 - only where it is installed
        from pytest_ycimages.server.in_process.wsgi import request_once  # noqa: PLC0415 - only with vcrpy

        def answer(asked: RecordedRequest) -> RecordedResponse:
            reply = request_once(self._endpoint, asked.method, asked.uri, asked.headers, asked.body)
            return RecordedResponse(reply.status, _reason(reply.status), reply.headers, reply.body)

        with vcrpy_patched(answer):
            yield


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _tls() -> Any:
    try:
        return import_module("pytest_ycimages.server.tls")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"TLS needs the library {error.name}: pip install 'pytest-ycimages[grpc]'. Without it, clients reach the "
            "double in the clear."
        ) from None
