"""The whole cloud: a request and the time go in, a reply comes out. The only writer of the state.

Callers hold one lock around `handle`: nothing here waits, and nothing here may run twice at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_ycimages.api.code import Code
from pytest_ycimages.api.exchange import Reply
from pytest_ycimages.api.status import BadRequest, RequestInfo, Status
from pytest_ycimages.cloud.access_service import AccessService
from pytest_ycimages.cloud.ids import FOLDER, SERVICE_ACCOUNT
from pytest_ycimages.cloud.image_service import ImageService
from pytest_ycimages.cloud.operation_service import OperationService
from pytest_ycimages.cloud.outcome import Outcome, refused
from pytest_ycimages.cloud.state import State
from pytest_ycimages.cloud.texts import text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.cloud.ids import Ids
    from pytest_ycimages.cloud.timing import Timing

Auth = Literal["any", "off"]
"""Who may call: `any` bearer token that is not empty, or everybody."""

PUBLIC: Final = frozenset({"tokens.create", "endpoints.get", "endpoints.list"})
"""The methods that ask for no token (api-facts.md, section 1.5)."""


class Service:
    """One cloud of its own: state, ids and account, all drawn from one seed.

    Attributes:
        state: what exists.
        images: ImageService, whose timing may be changed.
        folder_id: a folder that exists.
        token: an IAM token that is valid.
    """

    def __init__(self, ids: Ids, *, timing: Timing, auth: Auth) -> None:
        self.state = State()
        self.folder_id = ids.resource("folder", FOLDER)
        self.token = ids.iam_token()
        account = ids.resource("account", SERVICE_ACCOUNT)
        self.images = ImageService(self.state, ids, timing, account)
        self._ids = ids
        self._auth = auth
        operations = OperationService(self.state)
        access = AccessService(ids)
        self._timed: Mapping[str, Callable[[Any, int], Outcome]] = {
            "images.create": self.images.create,
            "images.get": self.images.get,
            "operations.get": operations.get,
            "operations.cancel": operations.cancel,
            "tokens.create": access.create_token,
        }
        self._addressed: Mapping[str, Callable[[Any, str], Outcome]] = {
            "endpoints.get": access.get_endpoint,
            "endpoints.list": access.list_endpoints,
        }

    def handle(self, request: Request, now: int) -> Reply:
        """Answer `request` at `now`, in nanoseconds since the epoch."""
        outcome = self._unauthenticated(request) or self._invalid(request) or self._handled(request, now)
        request_id = self._ids.request_id()
        error = None
        if outcome.code is not Code.OK:
            details = (*outcome.details, RequestInfo.of(request_id))
            error = Status(code=outcome.code, message=outcome.error, details=details)
        return Reply(
            code=outcome.code,
            message=outcome.message,
            error=error,
            metadata={"x-request-id": request_id},
            operation_id=outcome.operation_id,
            image_id=outcome.image_id,
            note=outcome.note,
        )

    def _handled(self, request: Request, now: int) -> Outcome:
        timed = self._timed.get(request.method)
        if timed:
            return timed(request.message, now)
        return self._addressed[request.method](request.message, request.authority)

    def _unauthenticated(self, request: Request) -> Outcome | None:
        if self._auth == "off" or request.method in PUBLIC:
            return None
        scheme, _, token = request.metadata.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return None
        return refused(Code.UNAUTHENTICATED, text("no_token"))

    @staticmethod
    def _invalid(request: Request) -> Outcome | None:
        if not request.violations:
            return None
        violations = "; ".join(f"{each.field}: {each.description}" for each in request.violations)
        return refused(
            Code.INVALID_ARGUMENT,
            text("validation", violations=violations),
            details=(BadRequest.of(request.violations),),
        )
