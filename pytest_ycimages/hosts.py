"""Host names of the service and of this machine, and the parts of addresses."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from fnmatch import fnmatchcase
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

from pytest_ycimages.errors import UsageError

HOSTS: Final = ("api.cloud.yandex.net", "*.api.cloud.yandex.net", "api.yandexcloud.kz", "*.api.yandexcloud.kz")
"""The names of the real service: its own, one for each of its services, and the same in Kazakhstan."""
METADATA_HOST: Final = "169.254.169.254"
"""The address of the metadata service, within an instance (api-facts.md, section 1.5)."""
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
"""The usual names of this machine: where a double listens, and what its certificate and `NO_PROXY` name."""
LOCAL_NAMES: Final = (
    "localhost",
    "*.localhost",
    "localhost.localdomain",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
)
"""Names of this machine, which no DNS server can lead elsewhere."""

_IPV4: Final = re.compile(r"[0-9a-fx.]+")
_FIRST_BYTE: Final = 127
"""The first of the four bytes."""
_PATTERN: Final = re.compile(r"[\w.*?\[\]!-]+")
DOMAINS: Final = tuple(host for host in HOSTS if "*" not in host)
"""The domain of the service's hosts in each region; the first is that of the double's own address."""
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOSTS: Final = {"operations": "operation"}
"""The first words of paths that differ from the name of their host (api-facts.md, section 1)."""

_PORTS: Final = {"http": 80, "https": 443}
_PORT_LIMIT: Final = 2**16
_SITE: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE | re.ASCII,
)


def host_names(value: object) -> tuple[str, ...]:
    """Return host names and globs from a list, or from one text with white space between them.

    Raises:
        UsageError: one of them is not a host name.
    """
    names = value.split() if isinstance(value, str) else value if isinstance(value, Iterable) else (value,)
    return tuple(map(_host_name, names))


def is_one_of(host: str, patterns: Iterable[str]) -> bool:
    """Return whether a host name matches one of these. Case and a dot at its end do not matter."""
    plain = host.lower().removesuffix(".")
    return any(fnmatchcase(plain, pattern) for pattern in patterns)


def _host_name(name: object) -> str:
    if not isinstance(name, str) or not _PATTERN.fullmatch(name):
        raise UsageError(
            f"invalid host name {name!r}: expected a name or a glob without scheme, port or path, such as "
            "'compute.example.net' or '*.example.net'"
        )
    return name.lower().removesuffix(".")


def is_service(host: str) -> bool:
    """Return whether a host, without its port, is one of the service's."""
    return is_one_of(host, HOSTS)


def is_loopback(host: str) -> bool:
    """Return whether a host, without its port and brackets, is plainly this machine, so that a recording trusts it."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine: by name, or by its address in any spelling, IPv6 in brackets or bare."""
    host = host.lower().removesuffix(".")
    try:
        if ":" in host:
            address = IPv6Address(host.strip("[]"))
            return (address.ipv4_mapped or address).is_loopback
        if _IPV4.fullmatch(host):  # inet_aton reads what follows a space, too
            return socket.inet_aton(host)[0] == _FIRST_BYTE
    except (ValueError, OSError):
        return False
    return is_one_of(host, LOCAL_NAMES)


def service_host(path: str) -> str:
    """Return the host that serves a path: `compute.api.cloud.yandex.net` for `/compute/v1/images`."""
    word = path.removeprefix("/").partition("/")[0].partition(":")[0]
    if word == "endpoints" or not _LABEL.fullmatch(word):
        return DOMAINS[0]
    return f"{_HOSTS.get(word, word)}.{DOMAINS[0]}"


def split_authority(authority: str) -> tuple[str, str]:
    """Return host, without brackets, and port of `host:port`; an empty port where none is given."""
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = authority, ""
    return host.removeprefix("[").removesuffix("]").lower(), port


class Site(NamedTuple):
    """The scheme, host and port of a server."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def split_site(uri: str) -> tuple[Site | None, str]:
    """Return the site of an absolute URI, and the rest of it.

    None: a scheme other than HTTP, user information, or a host that is not plainly a name or an address.
    """
    found = _SITE.match(uri)
    rest = uri[found.end() :] if found else ""
    if found is None or rest[:1] not in {"", "/", "?"}:
        return None, ""
    scheme = found["scheme"].lower()
    port = int(found["port"] or _PORTS[scheme])
    return (Site(scheme, found["host"].lower(), port) if 0 < port < _PORT_LIMIT else None), rest
