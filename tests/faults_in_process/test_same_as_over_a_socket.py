"""Every fault, by every client: what it sees, and what the double did, is the same without a socket as with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from pytest_ycimages import Double, VirtualTime, first
from pytest_ycimages.faults.rule import fault_of
from tests.faults_in_process.clients import CLIENTS, TIMEOUT, Client, Question, Seen

if TYPE_CHECKING:
    from pytest_ycimages.faults.fault import Commit

LIST: Final = Question("GET", "/compute/v1/images?folderId=b1g0000000000000000a")
CREATE: Final = Question(
    "POST", "/compute/v1/images", b'{"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}'
)
QUESTIONS: Final = (LIST, CREATE, CREATE, CREATE)
"""One that opens a connection; one that the fault strikes; and what becomes of the next, on whatever connection."""

IN_THE_STATUS, IN_THE_HEAD, IN_THE_BODY = 12, 40, 250
"""Bytes of the answer to `CREATE`."""

FAULTS: Final = (
    "reset()", f"reset(after={IN_THE_STATUS})", f"reset(after={IN_THE_HEAD})", f"reset(after={IN_THE_BODY})",
    "close()", f"close(after={IN_THE_STATUS})", f"close(after={IN_THE_HEAD})", f"close(after={IN_THE_BODY})",
    "hang()", f"stall(after={IN_THE_HEAD})", f"stall(after={IN_THE_BODY})",
    "stall(seconds=2)", f"stall(after={IN_THE_BODY}, seconds=2)",
    "stall(seconds=9)", f"stall(after={IN_THE_BODY}, seconds=9)",
    "trickle(2000)", "trickle(50)",
    "truncate()", "truncate(length=0)",
    "garble('bytes')", "garble('utf8')", "garble('json')", "garble('content_type')",
    "stale()", "refuse(3)",
    "slow(2)", "slow(9)",
    "unavailable(retry_after=3)", "bad_gateway()", "bad_request()",
)  # fmt: skip
"""Times are shorter than what the clients wait for, and longer."""

CASES: Final = [(fault, commit) for fault in FAULTS for commit in fault_of(fault).commits]


class Story(NamedTuple):
    """What a client saw and what the double did.

    Attributes:
        seen: what came of each question.
        calls: the method, code and fault of each call in the journal.
        images: how many there are in the end.
        struck: how often the fault struck.
        seconds: how many have passed on the double's clock.
    """

    seen: list[Seen]
    calls: list[tuple[str, str, str]]
    images: int
    struck: int
    seconds: float


def story(double: Double, client: Client, fault: str, commit: Commit, *, in_process: bool) -> Story:
    """Let a client meet a fault."""
    injection = double.inject(fault_of(fault), on="images.create", when=first(1), commit=commit)
    seen = client(double, QUESTIONS, in_process=in_process)
    calls = [(call.method, call.status.name, call.fault) for call in double.calls]
    seconds = (double.clock.now() - double.clock.began_at) / 10**9
    return Story(seen, calls, len(double.images), injection.struck, seconds)


@pytest.mark.parametrize(("fault", "commit"), CASES)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_fault_is_the_same(client: Client, fault: str, commit: Commit) -> None:
    """The same answers, errors and texts, the same journal, and the same seconds: over a socket and in process."""
    with VirtualTime(), Double() as double:
        over_a_socket = story(double, client, fault, commit, in_process=False)
    with VirtualTime():
        assert story(Double(), client, fault, commit, in_process=True) == over_a_socket
    assert story(Double(clock="manual"), client, fault, commit, in_process=True) == over_a_socket
    assert over_a_socket.struck == 1
    assert over_a_socket.seconds <= TIMEOUT or "trickle" in fault
