"""Lets the cloud answer a call that a fault may strike, before or after it has done what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pytest_ycimages.api.damage import Substitute
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.faults.fault import Answer, Damaged, Hidden, Late, Planned
from pytest_ycimages.faults.injection import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.damage import Damage
    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.cloud.state import State
    from pytest_ycimages.faults.injector import Injector, Strike

_NOTHING: Final = Status(code=Code.UNAVAILABLE, message="Injected: nothing was done")
"""What a damaged answer says when it is damaged before the commit: something has to be there to be damaged."""

_CODES: Final = {400: Code.INVALID_ARGUMENT, 502: Code.UNAVAILABLE, 504: Code.DEADLINE_EXCEEDED}
"""What the journal says of an answer by somebody else than the service, by its HTTP status."""
_LOOKS: Final = {"operations.get": "operation", "images.get": "image"}
"""The methods that look at one thing, and the thing."""


class Answerer(Protocol):
    """What answers calls when no fault does: the fake cloud, or a cassette."""

    @property
    def planner(self) -> Planner:
        """Decides how operations go; asked only by faults of operations."""

    @property
    def state(self) -> State:
        """What exists; likewise."""

    def handle(self, request: Request, now: int) -> Reply:
        """Answer a call at `now`, in nanoseconds since the epoch."""

    def refuse(self, error: Status, metadata: Mapping[str, str] = ...) -> Reply:
        """A refusal that a fault has decided on."""

    def admits(self, request: Request, now: int) -> bool:
        """Whether the caller has shown who it is."""

    def not_found(self, kind: str, id_: str) -> Reply:
        """The refusal of an `image` or an `operation` that is not there."""


class Striker:
    """Answers calls with the faults in force. Callers hold the double's lock.

    Attributes:
        injector: the faults.
    """

    def __init__(self, service: Answerer, injector: Injector) -> None:
        self.injector = injector
        self._service = service

    def answer(self, request: Request, now: int, strike: Strike | None) -> Reply:
        """What the cloud answers at `now`, in nanoseconds since the epoch, to a call that `strike` hits or none."""
        if strike is None:
            return self._served(request, now)
        rule = strike.injection.rule
        label = f"{rule.fault} {rule.commit} the commit"
        effect, is_done = rule.fault.effect, rule.commit == "after"
        if isinstance(effect, Answer):
            reply = self._answered(request, now, effect, is_done=is_done)
        elif isinstance(effect, Damaged):
            reply = self._damaged(request, now, effect.damage, is_done=is_done)
        elif isinstance(effect, Late):
            reply = self._served(request, now)
        else:
            reply, problem = self._started(request, now, effect, str(rule.fault))
            if problem is not None:
                strike.injection.take_back(request, problem, reply.note if problem is Reason.REFUSED else "")
                return reply
        return reply._replace(fault=label, note=f"{label}: {reply.note}")

    def _answered(self, request: Request, now: int, effect: Answer, *, is_done: bool) -> Reply:
        """The error that the call is answered with; if it is done, it is, and nobody is told."""
        done = self._served(request, now) if is_done else None
        reply = self._service.refuse(effect.error, dict(effect.metadata))
        return reply._replace(operation_id=done.operation_id, image_id=done.image_id) if done else reply

    def _damaged(self, request: Request, now: int, damage: Damage, *, is_done: bool) -> Reply:
        reply = self._served(request, now) if is_done else self._service.refuse(_NOTHING)
        if isinstance(damage, Substitute):
            reply = reply._replace(code=_CODES.get(damage.status, Code.UNAVAILABLE))
        return reply._replace(damage=damage)

    def _started(self, request: Request, now: int, effect: Planned | Hidden, fault: str) -> tuple[Reply, Reason | None]:
        """What a call is answered that starts an operation, with which something is wrong; and why it starts none."""
        upcoming, operations = self._service.planner.upcoming, self._service.state.operations
        before = len(operations)
        if isinstance(effect, Planned):
            upcoming.insert(0, effect.asked)
        reply = self._served(request, now)
        if isinstance(effect, Planned) and upcoming and upcoming[0] is effect.asked:
            del upcoming[0]
        if reply.code is not Code.OK:
            return reply, Reason.REFUSED
        if len(operations) == before:
            return reply, Reason.REPEATED
        if isinstance(effect, Hidden) and reply.operation_id and reply.image_id:
            id_ = reply.operation_id if effect.what == "operation" else reply.image_id
            self.injector.veil(effect, id_, now, fault)
        return reply, None

    def _served(self, request: Request, now: int) -> Reply:
        """What the service answers, unless what the call looks at is hidden from whoever may see it."""
        what = _LOOKS.get(request.method)
        if what is not None and request.message is not None and self._service.admits(request, now):
            id_ = getattr(request.message, f"{what}_id")
            fault = self.injector.veiled(what, id_, now)
            if fault:
                reply = self._service.not_found(what, id_)
                ids = {f"{what}_id": id_}
                return reply._replace(fault=fault, note=f"{fault}: {reply.note}", **ids)
        return self._service.handle(request, now)
