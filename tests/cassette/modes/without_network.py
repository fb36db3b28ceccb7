"""Runs pytest where there is nothing but loopback: `unshare --net python without_network.py ARGUMENT ...`."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import sys
from contextlib import suppress

import pytest

_SET_FLAGS = 0x8914  # SIOCSIFFLAGS
_UP = 0x1  # IFF_UP


def bring_up_loopback() -> None:
    """A new network namespace has a loopback device that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))


def check_there_is_no_way_out() -> None:
    """Neither a route nor a name: a run with a network would prove nothing."""
    with socket.socket() as outward:
        code = outward.connect_ex(("192.0.2.1", 80))  # an address for documentation
    if code != errno.ENETUNREACH:
        raise SystemExit(f"There is a network here: the connection ended with {errno.errorcode.get(code, code)}.")
    with suppress(socket.gaierror):
        raise SystemExit(f"There is a resolver here: {socket.getaddrinfo('example.com', 80)}.")


if __name__ == "__main__":
    bring_up_loopback()
    check_there_is_no_way_out()
    sys.exit(pytest.main(sys.argv[1:]))
