"""The server that is recorded, or that a cassette is compared with: what it is, and which requests it gets."""

from __future__ import annotations

import json
import os
from functools import cached_property
from typing import Any, Final, NamedTuple

from pytest_ycimages.cassette.credential import Credential
from pytest_ycimages.cassette.model import Origin, RecordedRequest, RecordedResponse, shortened
from pytest_ycimages.cassette.transport import Signed, Transport
from pytest_ycimages.cloud.ids import random_iam_token
from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import DOMAINS, Site, is_service, split_site

TOKEN, FOLDER = "YC_TOKEN", "YC_FOLDER_ID"
"""The environment variables with the credential and the folder of a recording."""
_STATE: Final = "/_ycimages/state"
"""The path that only a double serves."""


class UpstreamDouble(NamedTuple):
    """The description of a double in the place of the service: its contract, and a valid folder and token."""

    contract: str
    folder_id: str
    token: Credential


class Account(NamedTuple):
    """The credential for an upstream, and the folder to work in."""

    credential: Credential
    folder_id: str


class Upstream:
    """The server to which requests are forwarded, with the credential for it.

    Requests for the service go to its own hosts over TLS, or all to the address that the user named. Any other request
    is refused before a connection is opened, whatever a client or a cassette says of its host.

    Args:
        address: the scheme and host that every request for the service goes to; None: to the service itself.

    Attributes:
        stand_in: a random token. The credential replaces it in the header `authorization` on the way out.

    Raises:
        UsageError: the address is invalid, or would send a credential for the service over plain HTTP.
    """

    def __init__(self, address: str | None = None) -> None:
        named = _named(address or f"https://{DOMAINS[0]}")
        self._domain = next((domain for domain in DOMAINS if named.host.endswith(domain)), "")
        self._named = None if named == _service(named.host) else named
        self._transport = Transport()
        self.stand_in = random_iam_token()

    @property
    def name(self) -> str:
        """Its name in texts."""
        return str(self._named or "the service itself")

    @property
    def origin(self) -> Origin:
        """The source of its answers: only the service's own names over TLS are the service."""
        if self._named is None or is_service(self._named.host):
            return Origin.SERVICE
        return Origin.FAKE if self.double is not None else Origin.UNKNOWN

    @cached_property
    def double(self) -> UpstreamDouble | None:
        """Its description, if it is a double. The service itself is never asked.

        Raises:
            UsageError: it cannot be reached.
        """
        if self._named is None or is_service(self._named.host):
            return None
        answer = self._sent(self._named, RecordedRequest("GET", ""), _STATE)
        try:
            said: Any = json.loads(answer.body)
            token = Credential(str(said["token"]), f"the double at {self.name}")
            return UpstreamDouble(str(said["settings"]["contract"]), str(said["folder_id"]), token)
        except (ValueError, KeyError, TypeError):
            return None

    @cached_property
    def account(self) -> Account:
        """The credential and the folder: from the environment, else from a double in place of the service.

        Raises:
            UsageError: the environment lacks what the service needs, or has what no header can carry.
        """
        token, folder_id = Credential.from_environment(TOKEN), os.environ.get(FOLDER, "")
        if self.double is not None:
            return Account(token or self.double.token, folder_id or self.double.folder_id)
        missing = [name for name, value in ((TOKEN, token), (FOLDER, folder_id)) if not value]
        if missing:
            raise UsageError(
                f"To ask {self.name} takes credentials, from the environment and from nowhere else; not set: "
                f"{', '.join(missing)}. For example: export {TOKEN}=$(yc iam create-token) "
                f"{FOLDER}=$(yc config get folder-id)"
            )
        return Account(token, folder_id)

    def send(self, request: RecordedRequest) -> RecordedResponse:
        """Forward a client's request, not redacted, and return the response. Redirects are not followed.

        Raises:
            UsageError: the request is for another host, or the upstream cannot be reached.
        """
        site, target = self.destination(request)
        return self._sent(site, request, target, Signed(self.account.credential, self.stand_in))

    def destination(self, request: RecordedRequest) -> tuple[Site, str]:
        """Return the server that a request goes to, and the path and query to ask it for.

        Raises:
            UsageError: the request is for another host.
        """
        site, target = split_site(request.uri)
        target = target if target.startswith("/") else f"/{target}"
        if site is not None and self._named is not None:
            if site == self._named or is_service(site.host):
                return self._named, target
        elif site is not None and site == _service(site.host):
            domain = DOMAINS[0]  # of the double's own address, whatever the region
            is_regional = self._domain != domain and site.host.endswith(domain)
            return site._replace(host=site.host.removesuffix(domain) + self._domain) if is_regional else site, target
        wanted = f"{self.name} only" if self._named else "the hosts of the service only, over https"
        address = request.uri.partition("://")[2] or request.uri
        host = address.partition("/")[0].partition("?")[0].rpartition("@")[2]
        scheme = request.uri.partition("://")[0]
        raise UsageError(
            f"{request.method} to {shortened(f'{scheme}://{host}')!r} is refused, and was not sent: requests with a "
            f"credential go to {wanted}. Call the address of the double, or the service's own host names; or name "
            "another upstream with --ycimages-upstream or upstream=..."
        )

    def close(self) -> None:
        """Close the connections that are kept."""
        self._transport.close()

    def _sent(
        self, site: Site, request: RecordedRequest, target: str, signed: Signed | None = None
    ) -> RecordedResponse:
        answer = self._transport.exchange(site, request, target, signed)
        if isinstance(answer, RecordedResponse):
            return answer
        path = target.partition("?")[0]  # without what may be secret
        raise UsageError(
            f"{request.method} {path} cannot be passed on to {site}: {answer}. Is that the right upstream, and can it "
            "be reached? Set another with --ycimages-upstream or upstream=..."
        )


def _service(host: str) -> Site | None:
    """Return the site of the service at a host; None: the host is not the service's."""
    return Site("https", host, 443) if is_service(host) else None


def _named(address: str) -> Site:
    """Return the site at an address.

    Raises:
        UsageError: the address is invalid, or would send a credential for the service over plain HTTP.
    """
    site, rest = split_site(address)
    if site is None or rest.strip("/"):
        raise UsageError(
            "invalid upstream: expected scheme and host, without user, path or query, such as http://127.0.0.1:8080 "
            "or https://api.cloud.yandex.net"
        )
    if site.scheme == "http" and is_service(site.host):
        raise UsageError(
            f"invalid upstream {address!r}: plain HTTP would show the credential to the network. "
            f"Use {_service(site.host)}"
        )
    return site
