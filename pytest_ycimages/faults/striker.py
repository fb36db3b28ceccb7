"""Lets the cloud answer a call that a fault may strike, before or after it has done what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.status import Status
from pytest_ycimages.faults.fault import Answer, Damaged, Hidden, Planned

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.cloud.planner import NextOperation
    from pytest_ycimages.cloud.service import Service
    from pytest_ycimages.faults.fault import Effect
    from pytest_ycimages.faults.injector import Injector, Strike

_NOTHING: Final = Status(code=Code.UNAVAILABLE, message="Injected: nothing was done")
"""What a damaged answer says when it is damaged before the commit: something has to be there to be damaged."""


class Striker:
    """Answers calls with the faults in force. Callers hold the double's lock.

    Attributes:
        injector: the faults.
    """

    def __init__(self, service: Service, injector: Injector) -> None:
        self.injector = injector
        self._service = service

    def answer(self, request: Request, now: int, strike: Strike | None) -> Reply:
        """What the cloud answers at `now`, in nanoseconds since the epoch, to a call that `strike` hits or none."""
        if strike is None:
            return self._served(request, now)
        rule = strike.injection.rule
        label = f"{rule.fault} {rule.commit} the commit"
        reply = self._struck(request, now, rule.fault.effect, is_done=rule.commit == "after")
        if isinstance(rule.fault.effect, Planned | Hidden) and reply.code is not Code.OK:
            strike.injection.take_back(request, f"the call was refused: {reply.note}")
            return reply
        return reply._replace(fault=label, note=f"{label}: {reply.note}")

    def _struck(self, request: Request, now: int, effect: Effect, *, is_done: bool) -> Reply:
        if isinstance(effect, Answer):
            done = self._served(request, now) if is_done else None
            reply = self._service.refuse(effect.error, dict(effect.metadata))
            return reply._replace(operation_id=done.operation_id, image_id=done.image_id) if done else reply
        if isinstance(effect, Damaged):
            reply = self._served(request, now) if is_done else self._service.refuse(_NOTHING)
            return reply._replace(damage=effect.damage)
        if isinstance(effect, Planned):
            return self._planned(request, now, effect.asked)
        reply = self._served(request, now)
        if isinstance(effect, Hidden) and reply.operation_id and reply.image_id:
            id_ = reply.operation_id if effect.what == "operation" else reply.image_id
            self.injector.veil(effect, id_, now)
        return reply

    def _planned(self, request: Request, now: int, asked: NextOperation) -> Reply:
        """Let the operation that the call starts, if it does, become what is asked."""
        upcoming = self._service.planner.upcoming
        upcoming.insert(0, asked)
        reply = self._served(request, now)
        if upcoming and upcoming[0] is asked:
            del upcoming[0]
        return reply

    def _served(self, request: Request, now: int) -> Reply:
        """What the service answers, unless what the call looks at is hidden."""
        if request.message is not None:
            if request.method == "operations.get":
                id_ = request.message.operation_id  # type: ignore[attr-defined]
                if self.injector.is_veiled("operation", id_, now):
                    return self._service.not_found("operation", id_)._replace(operation_id=id_)
            elif request.method == "images.get":
                id_ = request.message.image_id  # type: ignore[attr-defined]
                if self.injector.is_veiled("image", id_, now):
                    return self._service.not_found("image", id_)._replace(image_id=id_)
        return self._service.handle(request, now)
