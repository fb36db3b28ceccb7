"""The service's host names: which one serves a path (api-facts.md, section 1), and which names are the service's."""

from __future__ import annotations

import ipaddress
from typing import Final

from pytest_ycimages.settings import HOSTS, is_one_of

_DOMAIN: Final = "api.cloud.yandex.net"

_ENDPOINTS: Final = frozenset({"endpoints"})
"""What the domain itself serves; anything else has a host named after the first word of its path."""

_HOSTS: Final = {"operations": "operation"}
"""Words of paths that are not the host's own."""


def is_service(host: str) -> bool:
    """Whether a host, without its port, is one of the service's."""
    return is_one_of(host, HOSTS)


def is_loopback(host: str) -> bool:
    """Whether a host, without its port and brackets, is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def service_host(path: str) -> str:
    """The host of the service that serves a path: `/compute/v1/images` is on `compute.api.cloud.yandex.net`."""
    word = path.removeprefix("/").partition("/")[0].partition(":")[0]
    if not word or word in _ENDPOINTS:
        return _DOMAIN
    return f"{_HOSTS.get(word, word)}.{_DOMAIN}"


def split_authority(authority: str) -> tuple[str, str]:
    """Host, without brackets, and port of `host:port`; an empty port where none is given."""
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = authority, ""
    return host.removeprefix("[").removesuffix("]").lower(), port
