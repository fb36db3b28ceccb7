"""Addresses: the properties of a double that say where its clients reach it, and how they trust it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_ycimages.api.methods import PREFIX
from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import HOSTS, host_names
from pytest_ycimages.network.environment import proxy_variables
from pytest_ycimages.server.tunnel import certificates

if TYPE_CHECKING:
    from pytest_ycimages.server.listener import Listener
    from pytest_ycimages.settings import Settings


class Addresses:
    """Says where clients reach a double, and what makes them trust it."""

    settings: Settings
    control_token: str

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


def _tls() -> Any:
    try:
        return import_module("pytest_ycimages.server.tls")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"TLS needs the library {error.name}: pip install 'pytest-ycimages[grpc]'. Without it, clients reach the "
            "double in the clear."
        ) from None
