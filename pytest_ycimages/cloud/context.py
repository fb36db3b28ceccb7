"""Who calls, and when: what a handler of the service knows beside the message."""

from __future__ import annotations

from typing import NamedTuple


class Context(NamedTuple):
    """The circumstances of a call.

    Attributes:
        now: nanoseconds since the epoch.
        account: the user or service account that calls.
        idempotency_key: the key that came with the call, or empty.
        authority: `host:port` that the client addressed.
    """

    now: int
    account: str
    idempotency_key: str = ""
    authority: str = ""
