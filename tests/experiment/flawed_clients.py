"""Clients that bake an image: one that is right, and others that differ from it by a line or two, each in one way.

They use the standard library alone, so that trials are fast, and read like what people write.
"""

from __future__ import annotations

import http.client
import json
import time
import uuid
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

BODY: Final = {"folderId": "b1g0000000000000000a", "name": "web", "diskId": "epd0000000000000000a"}
RETRYABLE: Final = frozenset({429, 500, 502, 503, 504})


class RefusedError(Exception):
    """The service said no."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class CreationFailedError(Exception):
    """The operation ended with an error."""


class Baker:
    """Right in everything that the judges ask for."""

    attempts = 8
    patience = 300.0
    missing_allowed = 3

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.key = self.new_key()

    def new_key(self) -> str:
        """A key for one logical create."""
        return str(uuid.UUID(int=hash((id(self), time.monotonic())) % 2**128))

    def bake(self) -> str:
        """Create an image, wait for it, and give back its id."""
        with closing(self.connection):
            operation = self.create()
            try:
                done = self.wait(operation)
            except (OSError, http.client.HTTPException, ValueError, RefusedError):
                done = self.give_up(operation)
            return self.result(done)

    def create(self) -> Any:
        """Ask for the image."""
        return self.call("POST", "/compute/v1/images", json.dumps(BODY))

    def wait(self, operation: Any) -> Any:
        """Poll until it is over."""
        deadline = time.monotonic() + self.patience
        pause, missing = 1.0, 0
        while not self.is_over(operation):
            if time.monotonic() + pause > deadline:
                raise TimeoutError("the image is not there in time")
            time.sleep(pause)
            pause = min(1.5 * pause, 30)
            try:
                operation = self.call("GET", f"/operations/{operation['id']}")
            except RefusedError as error:
                if error.status != 404 or missing == self.missing_allowed:
                    raise
                missing += 1
        return operation

    def is_over(self, operation: Any) -> bool:
        """Whether nothing will change any more."""
        return operation["done"] or "error" in operation

    def give_up(self, operation: Any) -> Any:
        """Cancel what was started, and see what comes of it."""
        return self.wait(self.call("GET", f"/operations/{operation['id']}:cancel"))

    def result(self, operation: Any) -> str:
        """The image of an operation that is over."""
        if "error" in operation:
            raise CreationFailedError(operation["error"].get("message", ""))
        return str(operation["metadata"]["imageId"])

    def call(self, verb: str, path: str, body: str | None = None) -> Any:
        """Call once, and again while that may help."""
        pause = 1.0
        failure: Exception = TimeoutError()
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(pause)
            pause = min(2 * pause, 30)
            try:
                status, asked, data = self.exchange(verb, path, body)
                if status == 200:
                    return self.read(data)
                failure = RefusedError(status, data.decode(errors="replace"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.connection.close()
                failure = error
                continue
            if not self.may_retry(status, data):
                break
            pause = max(pause, asked)
        raise failure

    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        """One request and its answer: the status, how long it asks to wait, and the body."""
        headers = {**self.headers, "Idempotency-Key": self.key} if body else self.headers
        self.connection.request(verb, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, float(answer.headers.get("Retry-After", 0)), self.body_of(answer)

    def body_of(self, answer: http.client.HTTPResponse) -> bytes:
        """The body of an answer, whole."""
        return answer.read()

    def read(self, data: bytes) -> Any:
        """What an answer says."""
        return json.loads(data)

    def may_retry(self, status: int, data: bytes) -> bool:  # noqa: ARG002 - others look at it
        """Whether asking again may help."""
        return status in RETRYABLE


def correct(url: str, token: str) -> str:
    """Has no flaw."""
    return Baker(url, token).bake()
