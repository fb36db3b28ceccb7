"""Every fault, by every client: what it sees, and what the double did, is the same without a socket as with one.

Without one means with the double's adapters, and with its interception of the real host names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, VirtualTime, first, refuse, stall, trickle, truncate
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.strategies.fault_schedules import values_of
from tests.clients.sessions import KEEPING, SESSIONS, WITH_ADAPTER, Question, Seen, Session, ask_all, ask_double
from tests.intercept.conftest import REAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.faults.fault import Commit, Fault


LIST: Final = Question("GET", "/compute/v1/images?folderId=b1g0000000000000000a")
CREATE: Final = Question(
    "POST", "/compute/v1/images", b'{"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}'
)
QUESTIONS: Final = (LIST, CREATE, CREATE, CREATE)
"""One that opens a connection; one that the fault strikes; and what becomes of the next, on whatever connection."""

IN_THE_STATUS, IN_THE_HEAD, IN_THE_BODY = 12, 40, 350
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

EXAMPLES: Final = 2
"""How many faults of each name each client meets: the simplest, and one that is drawn for this client."""

Rule = tuple["Fault", "Commit"]


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


def story(double: Double, rule: Rule, ask: Callable[[], list[Seen]]) -> Story:
    """Let a client meet a fault."""
    fault, commit = rule
    injection = double.inject(fault, on="images.create", when=first(1), commit=commit, expect=False)
    seen = ask()
    calls = [(call.method, call.status.name, call.fault) for call in double.calls]
    seconds = (double.clock.now() - double.clock.began_at) / 10**9
    return Story(seen, calls, len(double.images), injection.struck, seconds)


def over_sockets(session: Session, rules: list[Rule]) -> list[Story]:
    """Let it meet each fault over sockets, in virtual time."""
    stories = []
    with VirtualTime() as time:
        for rule in rules:
            time.begin_again()
            with Double() as double:
                stories.append(story(double, rule, lambda: ask_double(session, double, QUESTIONS, in_process=False)))
    return stories


def with_an_adapter(session: Session, rule: Rule) -> Story:
    """Let it meet the fault in process."""
    double = Double(clock="manual")
    return story(double, rule, lambda: ask_double(session, double, QUESTIONS, in_process=True))


def intercepted(session: Session, rule: Rule) -> Story:
    """Let it meet the fault at a real host name."""
    with Double(clock="manual").intercept() as double:
        return story(double, rule, lambda: ask_all(session, REAL, QUESTIONS))


def _rule(name: str) -> st.SearchStrategy[Rule]:
    """A fault of a name of the catalogue, with drawn values, before or after the commit."""
    values: st.SearchStrategy[Fault] = values_of(name).map(lambda values: CATALOGUE[name](**values))
    if name == "refuse":  # for no time at all, it is a race whether a socket accepts the next connection
        values = values.filter(lambda fault: fault != refuse(0))
    if name in {
        "reset",
        "close",
    }:  # beyond the answer, it is a race when the client sees it
        values = values.filter(lambda fault: fault.arguments.get("after", 0) <= IN_THE_BODY)
    return values.flatmap(lambda fault: st.tuples(st.just(fault), st.sampled_from(fault.commits)))


def drawn(client: str) -> list[Rule]:
    """Faults of each name, the same ones in each run, and others for each client."""
    rules: list[Rule] = [(truncate(length=10**6), "after")]
    for name in NAMES:
        once = settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate])
        seed(f"{client}/{name}")(once(given(_rule(name))(lambda rule: rules.append(rule))))()  # noqa: PLW0108 - no builtin
    return rules


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "urllib.request" else pytest.mark.costly)
        for name in SESSIONS
    ],
)
def test_faults_are_the_same(client: str) -> None:
    """The same answers, errors and texts, the same journal, and the same seconds, whatever leads to the double."""
    session, rules = SESSIONS[client], drawn(client)
    for rule, expected in zip(rules, over_sockets(session, rules), strict=True):
        assert (rule, intercepted(session, rule)) == (rule, expected)
        if client in WITH_ADAPTER:
            assert (rule, with_an_adapter(session, rule)) == (rule, expected)
        assert expected.struck == (client in KEEPING or rule[0].name != "stale"), rule


@pytest.mark.parametrize("session", WITH_ADAPTER.values(), ids=WITH_ADAPTER)
def test_faults_are_the_same_in_virtual_time(session: Session) -> None:
    """In process, virtual time moves as a manual clock does."""
    rules: list[Rule] = [
        (fault, "after") for fault in (stall(after=IN_THE_BODY, seconds=9), trickle(2000), truncate(length=10**6))
    ]
    told = [with_an_adapter(session, rule) for rule in rules]
    with VirtualTime() as time:
        for rule, expected in zip(rules, told, strict=True):
            time.begin_again()
            assert with_an_adapter(session, rule) == expected


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_a_truncated_body_is_never_whole(session: Session) -> None:
    """However much of it is to arrive: its last byte does not."""
    told = intercepted(session, (truncate(length=10**6), "after"))
    assert told.seen[1].status == 0
    assert told.seen[1].error
