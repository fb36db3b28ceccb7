"""Clients that end in odd ways, or not at all, and leave things behind."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit


def interrupts(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Raises what is not caught."""
    raise KeyboardInterrupt


def exits(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Ends the process, as a script does."""
    raise SystemExit(3)


def returns_nothing(url: str, token: str) -> None:
    """Forgets to return the id."""


class Shy(Exception):  # noqa: N818 - a name for what it does
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("do not look at me")


def returns_what_cannot_be_shown(url: str, token: str) -> object:  # noqa: ARG001 - every client takes both
    """Returns an object of the client's own, with a mistake in it."""
    return Shy()


def raises_what_cannot_be_shown(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Raises one."""
    raise Shy


def raises_half_a_character(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Tells of bytes that are not text."""
    raise ValueError("no JSON: " + b"\x84".decode("utf-8", "surrogateescape"))


def sleeps_for_a_minute(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Ends at a moment that a trial may end at, too."""
    time.sleep(60)
    return "slept"


def swallows_everything(url: str, token: str) -> str:
    """Goes on whatever happens."""
    while True:
        with suppress(BaseException):
            get(url, token)
        time.sleep(10)


def spins(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Neither calls nor waits."""
    number = 0
    while True:
        number += 1


def waits_for_a_lock(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Waits in a way that virtual time does not see."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()
    return ""


def waits_for_an_event(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Waits for what never happens."""
    threading.Event().wait()
    return ""


def hammers(url: str, token: str) -> str:
    """Calls without a pause."""
    while True:
        get(url, token)


def leaves_a_poller(url: str, token: str) -> str:
    """Has a thread that polls on when it is gone."""

    def poll() -> None:
        while True:
            get(url, token)
            time.sleep(1)

    threading.Thread(target=poll, daemon=True).start()
    time.sleep(5)
    return "fd8"


def leaves_a_pool(url: str, token: str) -> str:
    """Has a pool of threads that it does not shut down."""
    pool = ThreadPoolExecutor(2)
    pool.submit(get, url, token).result()
    POOLS.append(pool)
    return "fd8"


POOLS: list[ThreadPoolExecutor] = []


def tells_the_time(url: str, token: str) -> str:  # noqa: ARG001 - every client takes both
    """Returns what the clocks say, after a while."""
    began = time.monotonic()
    time.sleep(1.5)
    return f"{time.time()} {time.monotonic() - began}"


def get(url: str, token: str) -> int:
    """Ask for the images."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", "/compute/v1/images?folderId=b1g", headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        with suppress(OSError):
            connection.close()
