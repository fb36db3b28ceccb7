"""The injector: decides which fault strikes a call, and answers the call with it.

The decision is a pure function of the seed, the rule, the method, the attempt and the counts.
"""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.status import Code, Status
from pytest_ycimages.cloud.ids import fraction
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.damage import Substitute
from pytest_ycimages.faults.fault import EFFECTS, Answer, Damaged, Hidden, Late, Planned
from pytest_ycimages.faults.injection import Injection, Reason
from pytest_ycimages.faults.rule import texts_at
from pytest_ycimages.faults.schedules import CallContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.api.exchange import Reply, Request
    from pytest_ycimages.call import Call
    from pytest_ycimages.cloud.service import Service
    from pytest_ycimages.faults.fault import Effect
    from pytest_ycimages.faults.rule import Rule


_GLOB: Final = frozenset("*?[")
_UNDONE: Final = Status(code=Code.UNAVAILABLE, message="Injected: nothing was done")
"""The answer that is damaged when a fault strikes before the commit."""
_CODES: Final = {400: Code.INVALID_ARGUMENT, 502: Code.UNAVAILABLE, 504: Code.DEADLINE_EXCEEDED}
"""The code in the journal for the answer of a gateway, by its HTTP status."""
_CODES_OF_GRPC: Final = {400: Code.INTERNAL}
"""The same for a gRPC call: what its client makes of an HTTP status (grpc.io, "HTTP to gRPC status code mapping")."""
_READS: Final = {"operations.get": "operation", "images.get": "image"}
"""The methods that read one resource, and its kind."""


class Answerer(Protocol):
    """Answers the calls that no fault strikes: the fake cloud, or a cassette."""

    def handle(self, request: Request, now: int) -> Reply:
        """Answer a call at `now`, in nanoseconds since the epoch."""

    def refuse(self, error: Status, metadata: Mapping[str, str] = ...) -> Reply:
        """Return the answer with this error."""


class Decision(NamedTuple):
    """The fault that strikes a call.

    Attributes:
        injection: its rule, with the record of what it did.
        late: seconds by which the answer is late.
    """

    injection: Injection
    late: float = 0


class _Concealed(NamedTuple):
    """A resource that reads do not find: so many of them, or those between two times in nanoseconds."""

    reads: int | None
    start: int
    end: float
    fault: str


class Injector:
    """The rules in force, in their order: the first that strikes a call decides.

    Callers hold the double's lock.

    Args:
        seed: the seed of random choices.
        effects: the effects that the backend supports.
        limit: how many strikes, connections and concealed resources to keep; None: all.

    Attributes:
        calls: the journal.
        injections: the rules that were ever in force.
    """

    def __init__(self, seed: str, effects: tuple[type[Effect], ...] = EFFECTS, limit: int | None = None) -> None:
        self._seed = seed
        self._limit = limit
        self._effects = effects
        self.calls: Sequence[Call] = ()
        self.injections: list[Injection] = []
        self.is_armed = False
        self._by_method: dict[str, _Index] = {}
        self._concealed: dict[tuple[str, str], _Concealed] = {}

    def add(self, rule: Rule) -> Injection:
        """Put a rule in force, after those that are.

        Raises:
            UsageError: the backend does not support its fault.
        """
        if not isinstance(rule.fault.effect, self._effects):
            able = "faults of answers and connections, such as unavailable() and reset()" if self._effects else "none"
            raise UsageError(
                f"{rule.fault} works on the fake alone. What works here: {able}. If the test is about this fault, pin "
                'it to the fake: @pytest.mark.ycimages(mode="fake").'
            )
        injection = Injection(rule, self.calls, self._limit)
        self.injections.append(injection)
        for method in injection.methods:
            self._by_method.setdefault(method, _Index()).add(injection)
        self.is_armed = bool(self._by_method)
        return injection

    # Decide.

    def decide(self, request: Request, attempt: int, now: int, began_at: int) -> Decision | None:
        """Return the fault that strikes a call at `now`, in nanoseconds since the epoch."""
        index = self._by_method.get(request.method)
        if index is None:
            return None
        decision: Decision | None = None
        at = (now - began_at) / SECOND
        for injection in index.candidates(request):
            rule = injection.rule
            if not rule.is_about(request):
                if callable(rule.on):
                    injection.pass_by(request, Reason.WHERE, note="the predicate")
                continue
            effect = rule.fault.effect
            if isinstance(effect, Damaged) and effect.only_reused and request.served == 0:
                injection.pass_by(request, Reason.NEW)
                continue
            context = self._context(injection, request, attempt, now, at)
            if not rule.when(context):
                injection.pass_by(request, Reason.WHEN, context.number, at)
            elif decision is not None:
                injection.pass_by(request, Reason.FIRST, note=str(decision.injection.rule))
            else:
                decision = Decision(injection, _late(injection, at))
                injection.strike(request, at, attempt)
        return decision

    def _context(self, injection: Injection, request: Request, attempt: int, now: int, at: float) -> CallContext:
        """Count the call, and return what its schedule may ask."""
        per = str(injection.rule.per)
        number = injection.count(request.connection if per == "connection" else None, now)
        return CallContext(
            number=attempt if per == "call" else number,
            at=at,
            draw=lambda: fraction(self._seed, injection.key, request.method, request.identity, attempt),
            within=lambda seconds: injection.within(seconds, now),
        )

    # Answer.

    def answer(self, service: Answerer, request: Request, now: int, decision: Decision | None) -> Reply:
        """Return the answer of `service` at `now`, with the fault that strikes the call, if any."""
        if decision is None:
            return self._served(service, request, now)
        rule = decision.injection.rule
        label = decision.injection.label
        effect = rule.fault.effect
        if isinstance(effect, Planned | Hidden):
            cloud = cast("Service", service)  # a backend without one refuses the rule
            reply, problem = self._started(cloud, request, now, effect, str(rule.fault))
            if problem is not None:
                decision.injection.take_back(request, problem, reply.note if problem is Reason.REFUSED else "")
                return reply
        else:
            done = self._served(service, request, now) if str(rule.commit) == "after" else None
            reply = _struck(service, request, effect, done)
        return reply._replace(fault=label, note=f"{label}: {reply.note}")

    def _started(
        self, service: Service, request: Request, now: int, effect: Planned | Hidden, fault: str
    ) -> tuple[Reply, Reason | None]:
        """Answer a call whose operation goes wrong; the reason is why the call started none."""
        upcoming, operations = service.planner.upcoming, service.state.operations
        before = len(operations)
        if isinstance(effect, Planned):
            upcoming.insert(0, effect.asked)
        reply = self._served(service, request, now)
        if isinstance(effect, Planned) and upcoming and upcoming[0] is effect.asked:
            del upcoming[0]
        if reply.code is not Code.OK:
            return reply, Reason.REFUSED
        if len(operations) == before:
            return reply, Reason.REPEATED
        if isinstance(effect, Hidden) and reply.operation_id and reply.image_id:
            id_ = reply.operation_id if effect.what == "operation" else reply.image_id
            start = now + round(effect.after * SECOND)
            end = start + effect.seconds * SECOND if math.isfinite(effect.seconds) else math.inf
            if self._limit is not None and len(self._concealed) >= self._limit:
                del self._concealed[next(iter(self._concealed))]
            self._concealed[effect.what, id_] = _Concealed(effect.reads, start, end, fault)
        return reply, None

    def _served(self, service: Answerer, request: Request, now: int) -> Reply:
        """Answer a call that no fault strikes; a read of a concealed resource finds nothing."""
        what = _READS.get(request.method)
        if what is not None and self._concealed and request.message is not None:
            cloud, id_ = cast("Service", service), getattr(request.message, f"{what}_id")
            fault = self._concealing(what, id_, now) if cloud.admits(request, now) else ""
            if fault:
                reply = cloud.not_found(what, id_)
                ids = {f"{what}_id": id_}
                return reply._replace(fault=fault, note=f"{fault}: {reply.note}", **ids)
        reply = service.handle(request, now)
        return self._without_concealed(reply, now) if self._concealed and request.method == "images.list" else reply

    def _without_concealed(self, reply: Reply, now: int) -> Reply:
        """Leave concealed images out of a list; the reply is about the first of them."""
        images = reply.body.get("images", ())
        faults = {each["id"]: fault for each in images if (fault := self._concealing("image", each["id"], now))}
        if not faults:
            return reply
        id_, fault = next(iter(faults.items()))
        body = {**reply.body, "images": [each for each in images if each["id"] not in faults]}
        return reply._replace(body=body, image_id=id_, fault=fault, note=f"{fault}: {len(body['images'])} images")

    def _concealing(self, what: str, id_: str, now: int) -> str:
        """Return the fault that conceals a resource from a read at `now`, and count the read; empty for none."""
        found = self._concealed.get((what, id_))
        if found is None or found.reads == 0 or not found.start <= now < found.end:
            return ""
        if found.reads is not None:
            self._concealed[what, id_] = found._replace(reads=found.reads - 1)
        return found.fault


class _Index:
    """The rules about one method, by the values that they ask for, so that a call meets only those that may match."""

    def __init__(self) -> None:
        self._any: list[tuple[int, Injection]] = []
        self._by_value: dict[str, dict[str, list[tuple[int, Injection]]]] = {}
        self._count = 0

    def add(self, injection: Injection) -> None:
        """Add a rule after those that are there."""
        entry = (self._count, injection)
        self._count += 1
        for path, pattern in injection.rule.where.items():
            if not _GLOB & set(pattern):
                self._by_value.setdefault(path, {}).setdefault(pattern, []).append(entry)
                return
        self._any.append(entry)

    def candidates(self, request: Request) -> list[Injection]:
        """Return the rules that `request` may match, in their order."""
        found = self._any
        for path, by_value in self._by_value.items():
            for text in texts_at(request, path):
                if text in by_value:
                    found = [*found, *by_value[text]]
        if found is not self._any:
            found.sort(key=itemgetter(0))
        return [injection for _, injection in found if not injection.is_removed]


def _struck(service: Answerer, request: Request, effect: Answer | Damaged | Late, done: Reply | None) -> Reply:
    """Return the answer that a fault changes; `done` is the service's own, after the commit."""
    if isinstance(effect, Answer):
        reply = service.refuse(effect.error, dict(effect.metadata))
        return reply._replace(operation_id=done.operation_id, image_id=done.image_id) if done else reply
    reply = done or service.refuse(_UNDONE)
    damage = effect.damage if isinstance(effect, Damaged) else None
    if isinstance(damage, Substitute):
        codes = _CODES if request.grpc is None else _CODES_OF_GRPC
        reply = reply._replace(code=codes.get(damage.status, Code.UNAVAILABLE))
    return reply._replace(damage=damage)


def _late(injection: Injection, at: float) -> float:
    """Return the seconds by which the fault makes an answer late."""
    effect = injection.rule.fault.effect
    if not isinstance(effect, Late):
        return 0
    if effect.most is None:
        return effect.seconds
    began = at if injection.first_struck_at is None else injection.first_struck_at
    return effect.seconds + (effect.most - effect.seconds) * min(1, (at - began) / effect.over)
