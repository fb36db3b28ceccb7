"""Variables of the environment by which clients find their proxy, their certificates and the metadata service.

While a double is open, this machine's addresses are in `no_proxy`, so that no proxy of the environment stands between.
While one answers the real host names, the other variables lead to it. Clients read them at different moments: requests
with each request, httpx when a client is made, gRPC when a channel is made, and other processes when they start.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from pytest_ycimages.hosts import LOOPBACK, is_one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_NO_PROXY: Final = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
"""curl and Python prefer the first of them, Go the second, and gRPC the third if it is set."""
_PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "grpc_proxy")
_CERTIFICATES: Final = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NODE_EXTRA_CA_CERTS",
)
"""Files of the certificates that clients trust: OpenSSL and Go, requests, curl, gRPC in C, and Node."""
_ADDS: Final = "NODE_EXTRA_CA_CERTS"
"""The one of them whose certificates come beside those that its client has."""
_ALL: Final = "*"

own_proxies: Final = set[str]()
"""The addresses by which doubles of this process have been named as proxies."""

_lock: Final = threading.RLock()
_open: Final = Counter[str]()
"""The hosts that the open doubles listen on."""
_written: Final[dict[str, dict[str, str | None]]] = defaultdict(dict)
"""For each variable, the values that were written to it, and what each of them replaced."""


def begin(host: str) -> None:
    """Let no proxy apply to this machine and `host` until `end` is called with the same host."""
    with _lock:
        if not _open.total():
            settle()
        _open[host] += 1
        ensure()


def end(host: str) -> None:
    """Restore the variables once no other double is open. A variable that was changed meanwhile keeps the change."""
    with _lock:
        _open[host] -= 1
        if not _open.total():
            _open.clear()
            _restore()


def ensure() -> None:
    """Let no proxy apply to this machine again, if the test has changed the variables since a double was opened."""
    with _lock:
        if not _open.total() or _asks_the_system():
            return
        hosts = (*LOOPBACK, *(host for host in _open if host not in LOOPBACK))
        given = {name: os.environ.get(name) for name in _NO_PROXY}
        others = given["no_proxy"] or given["NO_PROXY"] or ""
        for name, value in given.items():
            if name != "no_grpc_proxy":
                extended = _extended(value or others, hosts)
            elif value is not None or others.strip() == _ALL:  # which gRPC does not understand
                extended = _extended(value or "", hosts, wildcard="")
            else:
                continue
            if extended != value:
                while extended in _written[name]:  # each is written once, so that what it replaced is known
                    extended += f",{hosts[0]}"
                _written[name][extended] = value
                os.environ[name] = extended


def settle() -> None:
    """Restore the variables where a test has put back a value from the time of its double, and forget these values."""
    with _lock:
        if not _open.total():
            _restore()
            for values in _written.values():
                values.clear()


def _restore() -> None:
    for name, values in _written.items():
        while (value := os.environ.get(name)) is not None and value in values:
            _put_back(name, value)


def _put_back(name: str, value: str) -> None:
    """Restore what a written value of a variable has replaced."""
    replaced = _written[name][value]
    if replaced is None:
        del os.environ[name]
    else:
        os.environ[name] = replaced


def _extended(value: str, hosts: tuple[str, ...], wildcard: str = _ALL) -> str:
    """Return a list of hosts with `hosts` in it, unless it is the wildcard, which stands for all."""
    if value and value.strip() == wildcard:
        return value
    known = {entry.strip().lower() for entry in value.split(",")}
    return ",".join([*filter(None, [value.strip(" ,")]), *(host for host in hosts if host not in known)])


def _asks_the_system() -> bool:
    """Return whether clients ask the system for its proxies, as Python does on macOS and Windows.

    It does so while the environment names none, and setting one of these variables would hide the system's proxies from
    requests to other hosts.
    """
    if sys.platform not in {"darwin", "win32"}:
        return False
    return not any(name.lower().endswith("_proxy") and value for name, value in os.environ.items())


# A double as the proxy.


def proxy_variables(
    address: str, served: Iterable[str], allowed: Iterable[str], bundle: Callable[[str, bool], str] | None
) -> dict[str, str]:
    """Return the variables by which clients reach a double at the names of the service.

    Args:
        address: host and port of the proxy, which also serves the metadata.
        served: host names or globs that lead to the double.
        allowed: those of other hosts, which clients reach without the proxy.
        bundle: returns a file with the certificate of the double's authority, besides those of another file, or of the
            system if the second argument says so; None: TLS is not served.
    """
    names = tuple(served)
    direct = [host.removeprefix("*") for host in allowed if not _hides(host.removeprefix("*"), names)]

    given = original("no_proxy") or original("NO_PROXY") or ""
    kept = [entry for each in given.split(",") if (entry := each.strip()) and not _hides(entry, names)]
    no_proxy = ",".join(dict.fromkeys((*LOOPBACK, address.rpartition(":")[0].strip("[]"), *kept, *direct)))
    own_proxies.add(f"http://{address}")
    found = dict.fromkeys(_PROXIES, f"http://{address}") | dict.fromkeys(_NO_PROXY, no_proxy)
    found |= {"YC_METADATA_ADDR": address, "NODE_USE_ENV_PROXY": "1"}
    if bundle is not None:
        for name in _CERTIFICATES:
            own = original(name) or ("" if name == _ADDS else original("SSL_CERT_FILE")) or ""
            found[name] = bundle(own, name != _ADDS)
    return found


def _hides(entry: str, names: Iterable[str]) -> bool:
    """Return whether an entry of `no_proxy` keeps a proxy away from one of these names or globs."""
    plain = entry.lower().removeprefix("*").removeprefix(".")
    if not plain:
        return True
    return any(f".{name.lstrip('*.')}".endswith(f".{plain}") or is_one_of(plain, (name,)) for name in names)


def original(name: str) -> str | None:
    """Return the value that a variable has without those that were written here."""
    value = os.environ.get(name)
    while value is not None and value in _written[name]:
        value = _written[name][value]
    return value


def lead(variables: Mapping[str, str]) -> None:
    """Set variables until `stop_leading` is called with the same ones."""
    with _lock:
        for name, value in variables.items():
            if (replaced := os.environ.get(name)) != value:
                _written[name][value] = replaced
                os.environ[name] = value


def stop_leading(variables: Mapping[str, str]) -> None:
    """Restore these variables. One that was changed meanwhile keeps the change."""
    with _lock:
        for name, value in variables.items():
            if os.environ.get(name) == value and value in _written[name]:
                _put_back(name, value)


def outside_proxies() -> dict[str, str]:
    """Return the proxies by scheme, as `urllib.request.getproxies` does, without those that lead to this process."""
    from urllib.request import getproxies  # noqa: PLC0415 - heavy, and only for connections to other machines

    found = getproxies()
    for scheme in ("http", "https", "all", "no"):
        names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
        if any(os.environ.get(name) in _written[name] for name in names):
            found[scheme] = original(names[0]) or original(names[1]) or ""
    return {scheme: value for scheme, value in found.items() if value and value not in own_proxies}


def is_direct(host: str, exceptions: str | None = None) -> bool:
    """Return whether proxies do not apply to a host, or to `host:port`.

    Args:
        host: the host.
        exceptions: a value as that of `no_proxy`; None: what it is without a double.
    """
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415 - not in the stubs

    given = original("no_proxy") or original("NO_PROXY") or "" if exceptions is None else exceptions
    return bool(proxy_bypass_environment(host, {"no": given}))
