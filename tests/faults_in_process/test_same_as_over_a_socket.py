"""Every fault, by every client: what it sees, and what the double did, is the same without a socket as with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, VirtualTime, first, refuse, stall, trickle, truncate
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.rule import fault_of
from pytest_ycimages.strategies.fault_schedules import values_of
from tests.clients.sessions import WITH_ADAPTER, Question, Seen, Session, ask_double

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.faults.fault import Commit, Fault


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
    "truncate()", "truncate(length=0)", "truncate(length=1000000)",
    "garble('bytes')", "garble('utf8')", "garble('json')", "garble('content_type')",
    "stale()", "refuse(3)",
    "slow(2)", "slow(9)",
    "unavailable(retry_after=3)", "bad_gateway()", "bad_request()",
)  # fmt: skip
"""Times are shorter than what the clients wait for, and longer."""

NAMES: Final = sorted({fault.partition("(")[0] for fault in FAULTS})
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


def story(double: Double, session: Session, fault: Fault, commit: Commit, *, in_process: bool) -> Story:
    """Let a client meet a fault."""
    injection = double.inject(fault, on="images.create", when=first(1), commit=commit)
    seen = ask_double(session, double, QUESTIONS, in_process=in_process)
    calls = [(call.method, call.status.name, call.fault) for call in double.calls]
    seconds = (double.clock.now() - double.clock.began_at) / 10**9
    return Story(seen, calls, len(double.images), injection.struck, seconds)


def _rule(name: str) -> st.SearchStrategy[tuple[Fault, Commit]]:
    """A fault of a name of the catalogue, with drawn values, before or after the commit."""
    values: st.SearchStrategy[Fault] = values_of(name).map(lambda values: CATALOGUE[name](**values))
    if name == "refuse":  # for no time at all, it is a race whether a socket accepts the next connection
        values = values.filter(lambda fault: fault != refuse(0))
    if name == "truncate":
        values |= st.just(truncate(length=10**6))
    return values.flatmap(lambda fault: st.tuples(st.just(fault), st.sampled_from(fault.commits)))


def drawn(name: str, function: Callable[[Fault, Commit], None]) -> None:
    """Run `function` with a few drawn faults of a name, the same ones in each run."""
    given(_rule(name))(
        settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
        )(lambda rule: function(*rule))
    )()


EXAMPLES: Final = 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("session", WITH_ADAPTER.values(), ids=WITH_ADAPTER)
def test_a_fault_is_the_same(session: Session, name: str) -> None:
    """The same answers, errors and texts, the same journal, and the same seconds: over a socket and in process."""

    def compare(fault: Fault, commit: Commit) -> None:
        with VirtualTime(), Double() as double:
            over_a_socket = story(double, session, fault, commit, in_process=False)
        assert story(Double(clock="manual"), session, fault, commit, in_process=True) == over_a_socket
        assert over_a_socket.struck == 1

    drawn(name, compare)


@pytest.mark.parametrize("session", WITH_ADAPTER.values(), ids=WITH_ADAPTER)
def test_a_fault_is_the_same_in_virtual_time(session: Session) -> None:
    """In process, virtual time moves as a manual clock does."""
    for fault in (stall(after=IN_THE_BODY, seconds=9), trickle(2000), truncate(length=10**6)):
        told = story(Double(clock="manual"), session, fault, "after", in_process=True)
        with VirtualTime():
            assert story(Double(), session, fault, "after", in_process=True) == told


@pytest.mark.parametrize("session", WITH_ADAPTER.values(), ids=WITH_ADAPTER)
@pytest.mark.parametrize("in_process", [False, True])
def test_a_truncated_body_is_never_whole(session: Session, *, in_process: bool) -> None:
    """However much of it is to arrive: its last byte does not."""
    with VirtualTime(), Double() as double:
        told = story(double, session, truncate(length=10**6), "after", in_process=in_process)
    assert told.seen[1].status == 0
    assert told.seen[1].error
