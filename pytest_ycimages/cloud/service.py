"""The service: turns a request and the time into a reply. The only writer of the state.

Callers hold one lock around `handle`. Nothing here waits, and nothing here may run concurrently.
"""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.api.exchange import NO_METADATA, Reply
from pytest_ycimages.api.gateway import spelled
from pytest_ycimages.api.message import FIRST_SECOND, LAST_SECOND, SECOND, nanoseconds
from pytest_ycimages.api.status import BadRequest, Code, FieldViolation, RequestInfo, Status
from pytest_ycimages.cloud.access import AccessService
from pytest_ycimages.cloud.ids import FOLDER, SERVICE_ACCOUNT
from pytest_ycimages.cloud.image_commands import ImageService
from pytest_ycimages.cloud.plan import Planner
from pytest_ycimages.cloud.queries import ImageQueries, OperationService
from pytest_ycimages.cloud.refusals import Context, Outcome, RefusedError, Texts
from pytest_ycimages.cloud.sources import SourceFinder
from pytest_ycimages.cloud.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.api.methods import Contract
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.rules import Rules

PUBLIC: Final = frozenset({"tokens.create", "endpoints.get", "endpoints.list"})
"""The methods that need no token (api-facts.md, section 1.5)."""


class Service:
    """A cloud with its own state, ids and account, all derived from one seed.

    Args:
        ids: the source of ids and tokens.
        contract: the revision in force.
        rules: the behaviour where it is open.

    Attributes:
        state: what exists.
        ids: the source of ids and tokens.
        planner: plans operations; its settings may be changed.
        folder_id: a folder that exists.
        contract: the revision in force.
        account: the service account that calls with `token`.
        token: an IAM token that is valid.
    """

    def __init__(self, ids: Ids, contract: Contract, rules: Rules) -> None:
        self.ids = ids
        self.contract = contract
        self._rules = rules
        self._texts = Texts(rules.texts)
        self.account = ids.resource("account", SERVICE_ACCOUNT)
        self.state = State(None if rules.operation_retention is None else nanoseconds(rules.operation_retention))
        self.folder_id = ids.resource("folder", FOLDER)
        self.state.folders.add(self.folder_id)
        self.planner = Planner(ids, rules)
        self._access = AccessService(ids, rules, self.account)
        self.token = self._access.token
        self.instance_token = self._access.instance_token
        self._handlers = self._methods()

    def _methods(self) -> Mapping[str, Callable[[Any, Context], Outcome]]:
        sources = SourceFinder(self.state, self._texts, self._rules, self.contract.image_formats)
        images = ImageService(
            state=self.state,
            ids=self.ids,
            sources=sources,
            contract=self.contract,
            planner=self.planner,
            rules=self._rules,
        )
        queries = ImageQueries(self.state, self._rules)
        operations = OperationService(self.state, self._texts)
        return {
            "images.create": images.create,
            "images.get": queries.get,
            "images.list": queries.list_page,
            "images.latestByFamily": queries.latest_by_family,
            "images.update": images.update,
            "images.delete": images.delete,
            "images.listOperations": queries.list_operations,
            "images.listAccessBindings": queries.access_bindings,
            "images.setAccessBindings": queries.access_bindings,
            "images.updateAccessBindings": queries.access_bindings,
            "operations.get": operations.get,
            "operations.cancel": operations.cancel,
            "tokens.create": self._access.create_token,
            "tokens.createForServiceAccount": self._access.create_token_for_service_account,
            "tokens.revoke": self._access.revoke_token,
            "endpoints.get": self._access.get_endpoint,
            "endpoints.list": self._access.list_endpoints,
        }

    def handle(self, request: Request, now: int) -> Reply:
        """Answer `request` at `now`, in nanoseconds since the epoch."""
        try:
            body, operation_id, image_id, note = self._handled(request, now)
        except RefusedError as refused:
            return self._refused(refused)
        metadata = {"x-request-id": self.ids.request_id()}
        if self._rules.poll_interval and request.method == "operations.get":
            metadata["x-operation-poll-interval"] = str(self._rules.poll_interval)
        return Reply(Code.OK, body, metadata, operation_id, image_id, note)

    def headers(self, now: int) -> dict[str, str]:
        """Return the headers that every answer has, whatever it answers (observed over gRPC)."""
        return {"x-server-trace-id": self.ids.trace_id(), "server": "ycapi", "date": _date(now // SECOND)}

    def refuse(self, error: Status, metadata: Mapping[str, str] = NO_METADATA) -> Reply:
        """Return a refusal decided outside the service."""
        return refusal(error, {"x-request-id": self.ids.request_id(), **metadata})

    def _refused(self, refused: RefusedError) -> Reply:
        error = self._texts.error(refused.key, *refused.details, **refused.values)
        if refused.code is not None:
            error = error.model_copy(update={"code": refused.code})
        reply = self.refuse(error)
        record = refused.record
        if record is None:
            return reply
        return reply._replace(operation_id=record.id, image_id=record.image_id, note=refused.note + reply.note)

    def admits(self, request: Request, now: int) -> bool:
        """Return whether the caller is authenticated."""
        try:
            self._access.account_of(request.metadata.get("authorization", ""), now)
        except RefusedError:
            return False
        return True

    def not_found(self, kind: str, id_: str) -> Reply:
        """Return the refusal for an image or an operation that does not exist."""
        return self.refuse(self._texts.error(f"{kind}_not_found", id=id_))

    def _handled(self, request: Request, now: int) -> Outcome:
        account = self.account
        if request.method not in PUBLIC:
            account = self._access.account_of(request.metadata.get("authorization", ""), now)
        if request.violations:
            raise _invalid(request.violations, [spelled(each.field, "GoCase") for each in request.violations])
        if self._rules.unknown_fields == "reject" and request.message is not None:
            unknown = request.message.unknown_fields()
            if unknown:
                raise _invalid(self._unknown(unknown), unknown)
        key = request.metadata.get("idempotency-key", "")
        return self._handlers[request.method](request.message, Context(now, account, key, request.authority))

    def _unknown(self, fields: list[str]) -> tuple[FieldViolation, ...]:
        rule = f"Unknown field; the contract in force is '{self.contract.revision}'"
        return tuple(FieldViolation(field=field, description=rule) for field in fields)


def _invalid(violations: tuple[FieldViolation, ...], fields: Iterable[str]) -> RefusedError:
    """Return the refusal for `violations`, whose text spells the fields as `fields`."""
    listed = "; ".join(f"{name}: {each.description}" for name, each in zip(fields, violations, strict=True))
    return RefusedError("validation", BadRequest(field_violations=violations), violations=listed)


@lru_cache(maxsize=64)
def _date(seconds: int) -> str:
    """Return a moment in seconds since the epoch as HTTP writes it."""
    return formatdate(max(FIRST_SECOND, min(seconds, LAST_SECOND)), usegmt=True)


def refusal(error: Status, metadata: Mapping[str, str]) -> Reply:
    """Return the reply with `error` and the request id among its details."""
    details = (*error.details, RequestInfo(request_id=metadata["x-request-id"]))
    body = error.model_copy(update={"details": details}).to_wire()
    return Reply(error.code, body, metadata, note=error.message)
