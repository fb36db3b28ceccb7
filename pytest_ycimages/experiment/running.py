"""One run of a client in virtual time, on its own thread, which is ended if the client does not end.

The thread that runs trials waits beside the client, with a time limit. So virtual time always has a next moment, and a
client that hangs is at the limit at once.
"""

from __future__ import annotations

import math
import threading
import traceback
from collections.abc import KeysView, Mapping, ValuesView
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.cloud import clock
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import ClientCall
from pytest_ycimages.experiment.printable import stable_text, storable
from pytest_ycimages.experiment.scenario import scenario_of
from pytest_ycimages.experiment.trial import Outcome, Trial
from pytest_ycimages.journal import Calls
from pytest_ycimages.text_values import is_number
from pytest_ycimages.virtual.frozen import real_monotonic
from pytest_ycimages.virtual.patch_threads import real_join
from pytest_ycimages.virtual.time import VirtualTime
from pytest_ycimages.virtual.wait import Evicted, interrupt
from pytest_ycimages.virtual.wait import Outcome as HowItEnded

if TYPE_CHECKING:
    from pytest_ycimages.double import Double
    from pytest_ycimages.experiment.client import Client
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.trial import Limit, Verb
    from pytest_ycimages.virtual.scheduler import Scheduler
    from pytest_ycimages.virtual.wait import Wait

_GRACE: Final = 60.0
"""Virtual seconds that an async client has to end once it is cancelled."""
_MOST: Final = 10_000
"""How many characters are kept of what a client reports: an exception may quote a response of megabytes."""
_MOMENT: Final = 0.1
_SHORT: Final = 0.01
_PATIENCE: Final = 0.5
"""Real seconds that a thread has to end once its waits have ended, and again after an interrupt."""


class TrialLimits(NamedTuple):
    """What a trial may take before it is ended.

    Attributes:
        seconds: of virtual time.
        calls: of the client, of any method; refused connections count as well.
        patience: real seconds in which the client neither calls nor waits.
    """

    seconds: float = 3600.0
    calls: int = 1000
    patience: float = 5.0


DEFAULT_LIMITS: Final = TrialLimits()


def checked_limits(limits: TrialLimits | None) -> TrialLimits | None:
    """Return `limits` if they are None or valid; otherwise raise UsageError."""
    if limits is None:
        return None
    if not isinstance(limits, TrialLimits):
        raise UsageError(f"invalid limits={limits!r}: expected TrialLimits(seconds=, calls=, patience=).")
    for name, value in limits._asdict().items():
        if not is_number(value) or not value > 0:
            raise UsageError(f"invalid TrialLimits({name}={value!r}): expected a number above zero.")
    if limits.seconds == math.inf:
        raise UsageError("invalid TrialLimits(seconds=inf): a client that waits for ever would never end.")
    return limits


def run_trial(  # noqa: PLR0913 - what a trial depends on, each by its name
    client: Client,
    double: Double,
    *,
    scenario: Scenario | None = None,
    limits: TrialLimits = DEFAULT_LIMITS,
    verb: Verb = "create",
    fixtures: Mapping[str, Any] = MappingProxyType({}),
) -> Trial:
    """Run a client against a double in virtual time, on its own thread, and return the trial.

    Args:
        client: as for `run_experiment`.
        double: its server, started, with its injected faults.
        scenario: what goes wrong; None: the faults that are injected and have struck.
        limits: what it may take.
        verb: what the client is for.
        fixtures: what it may ask for by the names of its parameters, besides the double and its attributes.

    Raises:
        UsageError: virtual time is off, or `double` is something else.
        DoubleFailedError: the double raised while it handled a call.
    """
    if not hasattr(double, "inject"):
        raise UsageError(
            f"invalid double {double!r}: expected the double itself, such as the fixture `ycimages`, not its URL."
        )
    time = clock.shared
    if not isinstance(time, VirtualTime):
        raise UsageError(
            "A trial needs virtual time, and it is off. Add the fixture `ycimages_time` to the test, "
            "or write `with VirtualTime():` around it and around the double."
        )
    began, real_began, before = time.elapsed, real_monotonic(), tuple(double.images.values())
    call, outcomes = ClientCall(client, double, fixtures), list[Outcome]()
    thread = threading.Thread(target=lambda: outcomes.append(_outcome(call)), name="client", daemon=True)
    watch = _Watch(time, double, limits)
    limit = watch.until_end(thread)
    outcome = outcomes[0] if outcomes else Outcome("unended", limit=limit)
    struck = tuple(bool(injection.struck) for injection in double.injections)
    trial = Trial(
        scenario=scenario or scenario_of(double.injections, double.calls),
        outcome=replace(outcome, error=stable_text(outcome.error, double.port)),
        calls=Calls(tuple(double.calls)[: limits.calls - watch.refused]),
        images=tuple(double.images.values()),
        operations=tuple(double.operations.values()),
        seconds=time.elapsed - began,
        refused=watch.refused,
        struck=struck if scenario is not None else tuple(filter(None, struck)),
        real_seconds=real_monotonic() - real_began,
        before=before,
        verb=verb,
    )
    _end(time.scheduler, thread, None if outcomes else call)
    return trial


def _outcome(call: ClientCall) -> Outcome:
    """Run the client, on its own thread, and return what it reports."""
    try:
        result = call()
    except Evicted:
        raise
    except BaseException as error:  # noqa: BLE001 - any exception is what the client reports
        told = "".join(traceback.format_exception(error))
        return Outcome("raised", error=_first_line(error), traceback=told)
    return Outcome("returned", None if result is None else _returned(result))


class _Watch:
    """The wait until the client ends or is at a limit."""

    def __init__(self, time: VirtualTime, double: Double, limits: TrialLimits) -> None:
        self._scheduler = time.scheduler
        self._double = double
        self._limits = limits
        self._wait: Wait | None = None
        self.refused = 0

    def until_end(self, thread: threading.Thread) -> Limit:
        """Start the client and wait until it ends; return the limit that it was at, if it did not."""
        thread.start()
        self._wait = self._scheduler.watch(thread, self._limits.seconds, self._limits.patience)
        self._double.on_call = lambda _: self._count()
        self._scheduler.on_refusal = self._count_refusal
        try:
            how = self._scheduler.wait(self._wait)
        finally:
            self._double.on_call = None
            self._scheduler.on_refusal = None
        if self._is_full():
            return "calls"
        return "stuck" if how is HowItEnded.STUCK else "seconds"

    def _count_refusal(self) -> None:
        if not self._is_full():  # a client that is being ended may try to connect until it is
            self.refused += 1
        self._count()

    def _count(self) -> None:
        if self._wait is not None and self._is_full():
            with suppress(RuntimeError):  # it has ended already
                self._wait.release()

    def _is_full(self) -> bool:
        return len(self._double.calls) + self.refused >= self._limits.calls


def _end(scheduler: Scheduler, thread: threading.Thread, call: ClientCall | None) -> None:
    """End the client if its call has not ended, and the threads that it has left. Until then, nothing is expected."""
    scheduler.is_suspended = True
    try:
        if call is not None and call.cancel():
            scheduler.wait(scheduler.watch(thread, _GRACE, _PATIENCE))
        for left in scheduler.evict(thread):
            real_join(left, _MOMENT)
            if left.is_alive() and left.ident is not None:
                interrupt(left.ident, Evicted)
                began = real_monotonic()
                while left.is_alive() and real_monotonic() - began < _PATIENCE:
                    real_join(left, _SHORT)  # and lets it run again and again, so that it notices
    finally:
        scheduler.is_suspended = False


def _first_line(error: BaseException) -> str:
    is_of_grpcio = any(each.__module__.partition(".")[0] == "grpc" for each in type(error).__mro__)
    if is_of_grpcio and hasattr(error, "details"):  # whose text has many lines
        text = f"{error.code().name}: {error.details()}"  # type: ignore[attr-defined] # an RpcError
    else:
        text = _text_of(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _returned(result: object) -> str:
    """Return what a client returned, as text: ids of several images with commas between them."""
    if isinstance(result, set | frozenset | KeysView):
        result = sorted(map(_id_of, result))
    return ", ".join(map(_id_of, result)) if isinstance(result, list | tuple | ValuesView) else _id_of(result)


def _id_of(value: object) -> str:
    """Return an id as text; of an image, in JSON or as a message of the SDK, its id."""
    with suppress(Exception):  # any class of the client's
        id_ = value["id"] if isinstance(value, Mapping) else getattr(value, "id", None)
        value = id_ if isinstance(id_, str) else value
    return _text_of(value)


def _text_of(value: object) -> str:
    """Return its `str`, which may fail for a class of the client's; lone surrogates are written as escapes."""
    try:
        text = str(value)
        return storable(text if len(text) <= _MOST else f"{text[:_MOST]}…")
    except Exception:  # noqa: BLE001 - any class of the client's
        return f"<unprintable {type(value).__name__}>"
