"""Clients for the tests of reports: one that is careful, others that differ from it in a line, and odd ones."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, Final

_SOURCE: Final = json.dumps({"folderId": "b1g00000000000000000", "diskId": "epd0000000000000000a"}).encode()
HOSTILE: Final = (
    "<script>document.title='taken over'</script><img src=x onerror=alert(1)> {{ 7*7 }} [red]\x1b[31m\u202e👾 "
)
"""What an exception may say of an answer that it has swallowed."""


def _call(url: str, token: str, body: bytes | None = None, key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
    for pause in (1, 2, 4):
        try:
            asked = urllib.request.Request(url, body, headers)  # noqa: S310 - the URL is that of a double
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - the URL is that of a double
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 429:
                raise
        except (OSError, ValueError):
            pass
        time.sleep(pause)
    raise TimeoutError("the service does not answer")


def _bake(url: str, token: str, key: str | None, waits: int = 60) -> Any:
    operation = _call(f"{url}/compute/v1/images", token, _SOURCE, key)
    for _ in range(waits):
        if operation["done"]:
            return operation
        time.sleep(2)
        operation = _call(f"{url}/operations/{operation['id']}", token)
    _call(f"{url}/operations/{operation['id']}:cancel", token)
    raise TimeoutError("the image is not there in time")


def careful(url: str, token: str) -> str:
    """Asks for one image with one key, however often it asks."""
    operation = _bake(url, token, key="5d1e4b0e-6c5c-4f0c-9d1e-000000000001")
    if "error" in operation:
        raise RuntimeError(operation["error"]["message"])
    return str(operation["metadata"]["imageId"])


def duplicates(url: str, token: str) -> str:
    """Asks again without a key."""
    operation = _bake(url, token, key=None)
    if "error" in operation:
        raise RuntimeError(operation["error"]["message"])
    return str(operation["metadata"]["imageId"])


def untruthful(url: str, token: str) -> str:
    """Does not look at how it ended, and asks again without a key."""
    return str(_bake(url, token, key=None)["metadata"]["imageId"])


def hostile(url: str, token: str) -> str:  # noqa: ARG001 - it does not come to that
    """Raises what would be a disaster if it were taken for markup."""
    raise RuntimeError(HOSTILE + "A" * 100_000)


def telling(url: str, token: str) -> str:
    """Raises what differs from run to run: the port, and where an object is in memory."""
    careful(url, token)
    raise RuntimeError(f"{object()!r} is not at {url}/images")


def vague(url: str, token: str) -> object:
    """Returns what differs from run to run."""
    careful(url, token)
    return f"{url} {object()!r}"
