"""What a cassette holds, as frozen values: where it comes from, and each request with its answer.

Nothing here knows a file, a clock or a client. What these values say has been scrubbed already, or is about to be.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, each with one value; a header that came more than once stands there more than once."""


class Origin(StrEnum):
    """Whose answers a cassette holds."""

    SERVICE = "service"
    FAKE = "fake"
    DOCUMENTATION = "documentation"
    UNKNOWN = "unknown"


class RecordedRequest(NamedTuple):
    """What a client asked.

    Attributes:
        method: the verb, such as `GET`.
        uri: the whole address, with the service's own host name whatever address the client used.
        headers: the headers that are kept.
        body: the whole body; empty for none.
    """

    method: str
    uri: str
    headers: Headers = ()
    body: bytes = b""


class RecordedResponse(NamedTuple):
    """What it was answered.

    Attributes:
        status: the HTTP status.
        reason: the words behind the status.
        headers: the headers that are kept.
        body: the whole body, as it was sent.
    """

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""


class Interaction(NamedTuple):
    """A request and its answer.

    Attributes:
        request: what was asked.
        response: what it was answered.
        at: when the request came: seconds since the recording began, on the recorder's clock; None: not known, as in
            a cassette that somebody else recorded.
        took: seconds until it was answered.
        equal: how many polls before it were answered just like the one before them, and left out.
    """

    request: RecordedRequest
    response: RecordedResponse
    at: float | None = None
    took: float = 0
    equal: int = 0


class Label(NamedTuple):
    """What a cassette says of itself.

    Attributes:
        origin: whose answers it holds.
        upstream: the address that was recorded; empty: not known.
        recorded_at: when the recording began, as RFC 3339 writes it; empty: not known.
        contract: the revision of the contract in force; empty: not known.
        tool: the version of this package that recorded it; empty: something else did.
        folder_id: the folder that the recorded client worked in; empty: not known.
        note: what else people should know of it.
    """

    origin: Origin = Origin.UNKNOWN
    upstream: str = ""
    recorded_at: str = ""
    contract: str = ""
    tool: str = ""
    folder_id: str = ""
    note: str = ""


class Tape(NamedTuple):
    """The contents of a cassette.

    Attributes:
        label: what it says of itself.
        interactions: in the order in which they were answered.
        is_complete: whether the recording came to its end; one that was killed did not.
    """

    label: Label
    interactions: Sequence[Interaction]
    is_complete: bool = True


NOT_LABELLED: Final = Label()
"""What is known of a cassette that says nothing of itself, such as one recorded with plain vcrpy."""
