"""Admission of requests: a double answers programs, and no web page that leads a browser to it.

A page reaches a local server in two ways. It has its own name resolved to this machine (DNS rebinding): the `Host`
header then has that name. Or it sends a request to another origin: browsers mark it with `Origin` or `Sec-Fetch-Site`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import PREFIX
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.hosts import is_one_of, is_this_machine
from pytest_ycimages.server.http import HttpReply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.server.http import HttpRequest

_HOST: Final = re.compile(r"(\[[^]]*\]|[^:]*)(?::[0-9]*)?")
_SHOWN: Final = 100
_NOT_HTTP: Final = frozenset({400, 505})
_OTHER_HOST: Final = (
    "This double does not serve the host {!r}, only this machine's own addresses, the names of the service, and the "
    "setting 'served_hosts'. Call it by 127.0.0.1 or localhost, or add the name: "
    "`ycimages serve --set served_hosts=NAME`."
)
_OTHER_ORIGIN: Final = (
    "The header '{}: {}' says that a web page of another origin sends this request, and a double answers programs "
    "only. Send it from a program, without that header."
)


class Admission:
    """The rules by which a double refuses requests before it reads them.

    Args:
        hosts: host names, addresses or globs that `Host` may have, besides those of loopback.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = tuple(hosts)
        self._admits = lru_cache(maxsize=256)(self.admits)

    def admits(self, authority: str) -> bool:
        """Return whether a `Host` header names this machine or one of the hosts, whatever its port."""
        found = _HOST.fullmatch(authority)
        host = found[1].lower().removesuffix(".") if found else ""
        return is_one_of(host.strip("[]") if ":" in host else host, self._hosts) or is_this_machine(host)

    def refusal(self, http: HttpRequest) -> HttpReply | None:
        """Return the refusal of a request; None if it is admitted."""
        found = self.problem(http)
        if found is None:
            return None
        status, text = found
        is_control = http.path.startswith(PREFIX)
        wire = {"error": text} if is_control else Status(code=Code.PERMISSION_DENIED, message=text).to_wire()
        return HttpReply(status, (("content-type", "application/json"),), json_bytes(wire))

    def problem(self, http: HttpRequest) -> tuple[int, str] | None:
        """Return the HTTP status and the text that refuse a request; None if it is admitted.

        In process a client may call any host. A request of HTTP/1.0 without `Host` does not come from a browser, and
        one that is not HTTP is refused as such.
        """
        if http.problem_status in _NOT_HTTP:
            return None
        headers, host = http.headers, http.headers.get("host", "")
        if http.connection > 0:
            if "host" in headers and not self._admits(host):
                return 421, _OTHER_HOST.format(host[:_SHOWN])
            if http.overridden_host and not self._admits(http.overridden_host):
                return 421, _OTHER_HOST.format(http.overridden_host[:_SHOWN])
        for name in ("origin", "sec-fetch-site"):
            if name in headers and not _is_of_this_origin(name, headers[name], host):
                return 403, _OTHER_ORIGIN.format(name, headers[name][:_SHOWN])
        return None


def _is_of_this_origin(name: str, value: str, host: str) -> bool:
    if name == "origin":
        return value.lower() in {f"http://{host}".lower(), f"https://{host}".lower()}
    return value in {"same-origin", "none"}  # none: a user typed the address
