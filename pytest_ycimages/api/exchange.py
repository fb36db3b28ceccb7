"""Requests and replies, the same for every transport: it turns bytes into a `Request`, and a `Reply` into bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, get_args

from pytest_ycimages.words import choices, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from pytest_ycimages.api.message import RequestMessage, Wire
    from pytest_ycimages.api.status import Code, FieldViolation


NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})


GaveUp = Literal["", "cancelled", "deadline"]
GAVE_UP: Final[dict[str, GaveUp]] = choices("gave up", get_args(GaveUp))
"""The words for how a client gave up, as they are compared."""


@exact
@dataclass(slots=True)
class GrpcCall:
    """What gRPC adds to a call.

    Attributes:
        rpc: the method, such as `yandex.cloud.compute.v1.ImageService/Create`.
        deadline: the seconds that the client gives the call; None: it has no deadline.
        previous_attempts: how often the client's library has tried the call before, by `grpc-previous-rpc-attempts`.
        gave_up: how the client gave up before it had the answer: `cancelled` or `deadline`; empty: it did not.
    """

    rpc: str
    deadline: float | None = None
    previous_attempts: int = 0
    gave_up: GaveUp = GAVE_UP[""]


class Request(NamedTuple):
    """A call that a transport has read.

    Attributes:
        method: the method word, such as `images.create`.
        line: how the transport spells the call, such as `POST /compute/v1/images`; for people.
        metadata: headers or gRPC metadata, keys in lower case.
        message: the request message; None: it violates the contract.
        violations: all violations of the contract.
        identity: equal for the same call made again; attempts are counted by it.
        authority: `host:port` that the client addressed.
        connection: a number for the connection that it came over; 0 when there is none.
        served: how many requests that connection has served before.
        body: the raw body.
        grpc: what gRPC adds to the call; None: it came over HTTP.
    """

    method: str
    line: str
    metadata: Mapping[str, str]
    message: RequestMessage | None = None
    violations: tuple[FieldViolation, ...] = ()
    identity: Hashable = None
    authority: str = ""
    connection: int = 0
    served: int = 0
    body: bytes = b""
    grpc: GrpcCall | None = None

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<Request {self.method}, {len(self.body)} bytes>"


class Verbatim(NamedTuple):
    """A recorded or upstream HTTP answer, which a transport passes on unchanged.

    Attributes:
        status: the HTTP status.
        headers: its headers, without those of the connection.
        body: the whole body.
        is_head: whether it answers HEAD: its `content-length`, if any, is then not that of `body`.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_head: bool = False

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<Verbatim {self.status}, {len(self.body)} bytes>"


class Delivery(Enum):
    """What a client receives of the service's answer: one row for each case.

    Attributes:
        has_headers: whether the headers of the service arrive.
        is_whole: whether all of the service's answer arrives.
        is_lost: whether no valid answer arrives. An error page is an answer.
        is_disturbed: whether a fault replaced, damaged or slowed the answer. Latency is not a fault.
    """

    #          case, has_headers, is_whole, is_lost, is_disturbed
    WHOLE = "the whole answer", True, True, False, False
    SLOW = "the whole answer, in parts", True, True, False, True
    HEAD = "the headers, and a damaged body", True, False, True, True
    NOTHING = "an incomplete head, or no answer", False, False, True, True
    REPLACED = "another answer instead", False, False, False, True

    def __init__(self, case: str, has_headers: bool, is_whole: bool, is_lost: bool, is_disturbed: bool) -> None:  # noqa: FBT001 - a row
        self.case = case
        self.has_headers = has_headers
        self.is_whole = is_whole
        self.is_lost = is_lost
        self.is_disturbed = is_disturbed


class Damage:
    """How an answer is damaged on its way to the client. The catalogue of faults defines each kind."""

    __slots__ = ()
    delivery: ClassVar[Delivery] = Delivery.NOTHING
    """What the client receives of the answer; a kind with more than one case has a property instead."""


class Reply(NamedTuple):
    """The cloud's answer.

    Attributes:
        code: `Code.OK`, or the code of `error`.
        body: the answer in its JSON form; a `google.rpc.Status` when `code` is not OK.
        metadata: headers or gRPC metadata of the answer, keys in lower case.
        operation_id: the operation that the call was about, if any.
        image_id: the image that the call was about, if any.
        note: the state in a few words, for people: `CREATING`, `running`, `done`.
        damage: the damage to the answer on its way; None: it arrives whole.
        fault: the source text of the fault that struck the call; empty: none did.
        pause: lets seconds pass on the double's clock, for the damage.
        wait: returns when this share of the body, from 0 to 1, may be sent; None: all of it, now.
        moment: the same as nanoseconds since the epoch, for a transport that waits in its own way.
        verbatim: the recorded or upstream answer; `body` has the same content.
    """

    code: Code
    body: Wire
    metadata: Mapping[str, str] = NO_METADATA
    operation_id: str | None = None
    image_id: str | None = None
    note: str = ""
    damage: Damage | None = None
    fault: str = ""
    pause: Callable[[float], object] | None = None
    wait: Callable[[float], object] | None = None
    moment: Callable[[float], int] | None = None
    verbatim: Verbatim | None = None

    def __repr__(self) -> str:
        """Show nothing that may be secret: reports of tests print the variables of frames."""
        return f"<Reply {self.code.name}>"
