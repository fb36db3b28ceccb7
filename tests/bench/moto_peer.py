"""moto as a peer: it too keeps images, so it registers one and looks at it, as the double does.

Its default images are left out (they would make it slower), and nothing signs or checks a signature.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from .asks import Ask, Peer, StandardClient
from .broken import BrokenError, needed

if TYPE_CHECKING:
    from collections.abc import Generator

MOTO: Final = "moto server"

_DEFAULT_IMAGES: Final = "MOTO_EC2_LOAD_DEFAULT_AMIS"
_HEADERS: Final = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/ec2/aws4_request, "
    "SignedHeaders=host, Signature=0",
    "Content-Type": "application/x-www-form-urlencoded",
}
_VERSION: Final = "Version=2016-11-15"
_CREATE: Final = Ask("POST", "/", _HEADERS, f"Action=RegisterImage&{_VERSION}&Name=ubuntu-baked".encode())
_IMAGE_ID: Final = re.compile(rb"<imageId>(ami-\w+)<")


@contextmanager
def moto() -> Generator[Peer]:
    """Moto's threaded server on a free port."""
    before = os.environ.get(_DEFAULT_IMAGES)
    os.environ[_DEFAULT_IMAGES] = "false"
    server = needed("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    control = StandardClient(host, port)
    try:
        yield Peer(
            MOTO,
            "EC2 RegisterImage, then DescribeImages of that image",
            host,
            port,
            _CREATE,
            _poll,
            lambda: control.ask(Ask("POST", "/moto-api/reset", {})),
        )
    finally:
        control.close()
        server.stop()
        server._server.server_close()  # noqa: SLF001 - stop() leaves the socket open
        if before is None:
            del os.environ[_DEFAULT_IMAGES]
        else:
            os.environ[_DEFAULT_IMAGES] = before


def _poll(answer: bytes) -> Ask:
    found = _IMAGE_ID.search(answer)
    if not found:
        raise BrokenError(f"moto answered no image id: {answer[:300]!r}")
    return Ask("GET", f"/?Action=DescribeImages&{_VERSION}&ImageId.1={found[1].decode()}", _HEADERS)
