"""What goes wrong, as Hypothesis draws it: any fault of the catalogue, at any calls that it can strike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from hypothesis import strategies as st

from pytest_ycimages.api.damage import Garbling
from pytest_ycimages.api.methods import METHODS, matching
from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud.operation_settings import CANCELLED, STARTING
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Fault
from pytest_ycimages.faults.rule import Per, Rule
from pytest_ycimages.faults.when import after, always, between, chance, every, first, nth, over_rate, script
from pytest_ycimages.strategies.timings import seconds_up_to, timings

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_ycimages.faults.when import When

_CALLS: Final = 6
"""The last call of a method that a schedule counts to by itself."""
_TIME: Final = seconds_up_to(120)
_BYTES: Final = st.integers(0, 500)
_ASKED: Final = st.integers(0, 60)
_CODES: Final = st.sampled_from([code.name for code in Code if code is not Code.OK])
_TEXT: Final = st.text("abcdefghijklmnopqrstuvwxyz ", max_size=20)
_READS: Final = st.integers(1, 3)


class Kind(NamedTuple):
    """The faults of one name of the catalogue.

    Attributes:
        drawn: draws them, with values that clients may meet.
        methods: the methods that they can strike.
    """

    drawn: SearchStrategy[Fault]
    methods: tuple[str, ...] = METHODS


def _kind(name: str, *, methods: tuple[str, ...] = METHODS, **arguments: SearchStrategy[Any]) -> Kind:
    """A fault that takes these arguments, and can do without each of them."""
    given = st.fixed_dictionaries({}, optional=arguments)
    return Kind(given.map(lambda values: CATALOGUE[name](**values)), methods)


def _needing(name: str, **arguments: SearchStrategy[Any]) -> Kind:
    """A fault that needs these arguments."""
    return Kind(st.fixed_dictionaries(arguments).map(lambda values: CATALOGUE[name](**values)))


def _seen_late(name: str, methods: tuple[str, ...]) -> Kind:
    return Kind(_needing(name, reads=_READS).drawn | _needing(name, seconds=_TIME).drawn, methods)


FAULTS: Final = {
    "slow": _needing("slow", seconds=_TIME),
    "trickle": _needing("trickle", bytes_per_second=st.sampled_from((1000, 10_000, 100, 10, 1))),
    "ramp": _needing("ramp", start=_TIME, end=_TIME, over=st.integers(1, 3600)),
    "operation_seen_late": _seen_late("operation_seen_late", STARTING),
    "image_seen_late": _seen_late("image_seen_late", CANCELLED),
    "unavailable": _kind("unavailable", retry_after=_ASKED),
    "rate_limited": _kind("rate_limited", retry_after=_ASKED),
    "bad_gateway": _kind("bad_gateway"),
    "gateway_timeout": _kind("gateway_timeout"),
    "internal": _kind("internal"),
    "stale": _kind("stale"),
    "close": _kind("close", after=_BYTES),
    "reset": _kind("reset", after=_BYTES),
    "truncate": _kind("truncate", length=_BYTES),
    "garble": _kind("garble", how=st.sampled_from(get_args(Garbling))),
    "refuse": _needing("refuse", seconds=_TIME),
    "stall": _kind("stall", after=_BYTES, seconds=_TIME),
    "hang": _kind("hang"),
    "operation_fails": _kind(
        "operation_fails",
        methods=STARTING,
        code=_CODES,
        message=_TEXT,
        after=timings(longest=600),
        rollback=seconds_up_to(600),
    ),
    "operation_never_ends": _kind("operation_never_ends", methods=STARTING),
    "cancel_ignored": _kind("cancel_ignored", methods=CANCELLED),
    "operation_lost": _kind("operation_lost", methods=STARTING, after=_TIME, seconds=_TIME),
    "token_expired": _kind("token_expired"),
    "permission_denied": _kind("permission_denied"),
    "error": Kind(st.builds(CATALOGUE["error"], _CODES, _TEXT, retry_after=st.none() | _ASKED)),
    "bad_request": _kind("bad_request"),
    "quota_exceeded": _kind("quota_exceeded", limit=st.integers(0, 100)),
}
"""Every fault of the catalogue, the mildest first."""


def fault_schedules(
    faults: Iterable[str | Fault] | None = None, *, on: str = "*", min_size: int = 0, max_size: int = 3
) -> SearchStrategy[list[Rule]]:
    """Lists of rules, for `Double(faults=...)`: what goes wrong, at which calls, before or after the commit.

    None of them has to strike, since nobody knows what the client will call. They shrink towards no fault at all, and
    each towards the mildest fault of the first call.

    Args:
        faults: names of the catalogue, such as `"reset"`, for faults with values that are drawn; or faults such as
            `reset(after=10)`. None: the whole catalogue.
        on: a method word or glob: whom they may strike.
        min_size: how many rules there are at least.
        max_size: how many there are at most.

    Raises:
        UsageError: a name that does not exist, or a fault that can strike none of the methods.
    """
    able = [each for each in _chosen(faults) if not _methods_of(each).isdisjoint(matching(on))]
    if not able:
        named = "" if faults is None else f"{faults!r}, "
        raise UsageError(f"fault_schedules({named}on={on!r}) leaves nothing to go wrong: none of them can strike that.")
    drawn = st.one_of([st.just(each) if isinstance(each, Fault) else FAULTS[each].drawn for each in able])
    return st.lists(drawn.flatmap(lambda fault: _rules(fault, on)), min_size=min_size, max_size=max_size)


def schedules(calls: int = _CALLS) -> SearchStrategy[When]:
    """When a fault strikes: any schedule, and what can be made of them.

    Args:
        calls: the last call that they count to.
    """
    number = st.integers(1, calls)
    simple: SearchStrategy[When] = st.one_of(
        st.just(nth(1)),
        st.builds(nth, number),
        st.builds(first, number),
        st.lists(number, min_size=2, max_size=3, unique=True).map(lambda several: nth(*sorted(several))),
        st.builds(every, number),
        st.builds(after, st.integers(0, calls)),
        st.builds(always),
        st.integers(0, 100).map(lambda percent: chance(percent / 100)),
        st.builds(lambda start, long: between(start, start + long), st.integers(0, 600), st.integers(1, 600)),
        st.builds(script, st.lists(st.booleans(), min_size=1, max_size=calls), then=st.booleans()),
        st.builds(over_rate, st.integers(0, calls), per=st.integers(1, 60)),
    )
    return simple | st.one_of(
        st.builds(lambda left, right: left & ~right, simple, simple),
        st.builds(lambda left, right: left | right, simple, simple),
    )


@st.composite
def _rules(draw: st.DrawFn, fault: Fault, on: str) -> Rule:
    words = sorted(matching(on) & set(fault.methods), key=METHODS.index)
    return Rule(
        fault,
        on=draw(st.sampled_from([*words, on])),
        when=draw(schedules()),
        commit=draw(st.sampled_from(fault.commits)),
        per=draw(st.sampled_from(get_args(Per))),
        expect=False,
    )


def _chosen(faults: object) -> list[str | Fault]:
    if faults is None:
        return list(FAULTS)
    several = faults if isinstance(faults, Iterable) and not isinstance(faults, str) else (faults,)
    chosen: list[str | Fault] = []
    for each in several:
        if not isinstance(each, Fault) and each not in FAULTS:
            raise unknown_word("fault", each, FAULTS)
        chosen.append(each)
    return chosen


def _methods_of(fault: str | Fault) -> frozenset[str]:
    return frozenset(fault.methods if isinstance(fault, Fault) else FAULTS[fault].methods)
