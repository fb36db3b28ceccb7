"""Clients that bake an image: one that is right, and others that differ from it by a line or two, each in one way.

They use the standard library alone, so that trials are fast, and read like what people write.
"""

from __future__ import annotations

import http.client
import json
import time
import uuid
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

BODY: Final = {"folderId": "b1g0000000000000000a", "family": "web", "diskId": "epd0000000000000000a"}
RETRYABLE: Final = frozenset({429, 500, 502, 503, 504})
_keys: Final = count()


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
    first_pause = 1.0
    patience = 300.0
    missing_allowed = 3

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.key = self.new_key()

    def new_key(self) -> str:
        """A key for one logical create."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(next(_keys))))

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
        id_, pause, missing = operation["id"], 1.0, 0
        while not self.is_over(operation):
            if time.monotonic() + pause > deadline:
                raise TimeoutError("the image is not there in time")
            time.sleep(pause)
            pause = min(1.5 * pause, 30)
            try:
                operation = self.poll(id_)
            except RefusedError as error:
                if error.status != 404 or missing == self.missing_allowed:
                    raise
                missing += 1
        return operation

    def poll(self, id_: str) -> Any:
        """How far the operation is."""
        return self.call("GET", f"/operations/{id_}")

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

    def call(self, verb: str, path: str, body: str | None = None, read: Callable[[bytes], Any] = json.loads) -> Any:
        """Call once, and again while that may help."""
        pause, asked = self.first_pause, 0.0
        failure: Exception = TimeoutError()
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(max(pause, asked))
                pause, asked = min(2 * pause, 30), 0.0
            try:
                status, asked, data = self.exchange(verb, path, body)
                if status == 200:
                    return read(data)
                failure = RefusedError(status, data.decode(errors="replace"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.connection.close()
                failure = error
                continue
            if not self.may_retry(status):
                break
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

    def may_retry(self, status: int) -> bool:
        """Whether asking again may help."""
        return status in RETRYABLE


def correct(url: str, token: str) -> str:
    """Has no flaw."""
    return Baker(url, token).bake()


class _NoKey(Baker):
    """Sends no Idempotency-Key."""

    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        self.connection.request(verb, path, body, self.headers)
        answer = self.connection.getresponse()
        return answer.status, float(answer.headers.get("Retry-After", 0)), self.body_of(answer)


class _NewKeyPerAttempt(Baker):
    """Draws the key anew for each attempt."""

    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        self.key = self.new_key()
        return super().exchange(verb, path, body)


class _PollsForEver(Baker):
    """Has no deadline."""

    patience = float("inf")


class _SuccessOnError(Baker):
    """Takes done for success."""

    def result(self, operation: Any) -> str:
        return str(operation["metadata"]["imageId"])


class _IgnoresErrorBeforeDone(Baker):
    """Looks at nothing but `done` while it waits."""

    def is_over(self, operation: Any) -> bool:
        return bool(operation["done"])


class _RetriesCode3(Baker):
    """Takes a 400 for something that passes."""

    def may_retry(self, status: int) -> bool:
        return super().may_retry(status) or status == 400


class _Storms(Baker):
    """Asks again at once, and again, until it has an answer."""

    attempts = 10**9
    first_pause = 0.0


class _Orphans(Baker):
    """Does not cancel when its time is up."""

    def give_up(self, operation: Any) -> Any:
        raise TimeoutError(f"gave up on {operation['id']}")


class _CancelsAfterDone(Baker):
    """Cancels whatever did not succeed."""

    def result(self, operation: Any) -> str:
        if "error" in operation:
            self.call("GET", f"/operations/{operation['id']}:cancel")
        return super().result(operation)


class _FatalNotFound(Baker):
    """Takes a 404 on its first poll for the last word."""

    missing_allowed = 0


class _TrustsTruncated(Baker):
    """Takes what has arrived of a body for all of it, and what it cannot read for good news."""

    def body_of(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.read()
        except http.client.IncompleteRead as error:
            return error.partial

    def poll(self, id_: str) -> Any:
        return self.call("GET", f"/operations/{id_}", read=whole_fields)


def whole_fields(data: bytes) -> Any:
    """The fields of an answer that have arrived whole."""
    try:
        return json.loads(data)
    except ValueError:
        return json.loads(data[: data.rindex(b',\n "')] + b"}")


def duplicates_on_a_lost_answer(url: str, token: str) -> str:
    """Sends no Idempotency-Key."""
    return _NoKey(url, token).bake()


def new_key_per_attempt(url: str, token: str) -> str:
    """Draws the key anew for each attempt."""
    return _NewKeyPerAttempt(url, token).bake()


def polls_for_ever(url: str, token: str) -> str:
    """Has no deadline."""
    return _PollsForEver(url, token).bake()


def success_on_error(url: str, token: str) -> str:
    """Takes done for success."""
    return _SuccessOnError(url, token).bake()


def ignores_error_before_done(url: str, token: str) -> str:
    """Looks at nothing but `done` while it waits."""
    return _IgnoresErrorBeforeDone(url, token).bake()


def retries_code_3(url: str, token: str) -> str:
    """Takes a 400 for something that passes."""
    return _RetriesCode3(url, token).bake()


def storms(url: str, token: str) -> str:
    """Asks again at once, and again, until it has an answer."""
    return _Storms(url, token).bake()


def leaves_an_orphan_on_time_out(url: str, token: str) -> str:
    """Does not cancel when its time is up."""
    return _Orphans(url, token).bake()


def cancels_after_done(url: str, token: str) -> str:
    """Cancels whatever did not succeed."""
    return _CancelsAfterDone(url, token).bake()


def fatal_not_found(url: str, token: str) -> str:
    """Takes a 404 on its first poll for the last word."""
    return _FatalNotFound(url, token).bake()


def trusts_a_truncated_body(url: str, token: str) -> str:
    """Takes what has arrived of a body for all of it."""
    return _TrustsTruncated(url, token).bake()


class _Packs(Baker):
    """Waits for five minutes, and then ends with an error, without a cancel."""

    def create(self) -> Any:
        """Ask for an image of a name."""
        return self.call("POST", "/compute/v1/images", json.dumps({**BODY, "name": "base"}))

    def give_up(self, operation: Any) -> Any:
        """Only say so."""
        raise TimeoutError(f"operation {operation['id']}: context deadline exceeded")


def packs(url: str, token: str) -> str:
    """Gives up after five minutes, as Packer did, and cancels nothing."""
    return _Packs(url, token).bake()


def packs_again(url: str, token: str) -> str:
    """Builds again some minutes after a build that was too slow, as a job does that is started again."""
    try:
        return packs(url, token)
    except TimeoutError:
        time.sleep(120)
        return packs(url, token)
