"""A double and the model of it side by side: each verb asks both, and raises when they answer differently."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages import After, AfterPolls, Double, Failure, Immediate, Never, Quotas, Success, UsageError
from tests.client import IMAGES, Cloud

from . import looking
from .json_form import now, operation_json, refusal_json
from .model import Model
from .records import SECOND, Fields, Image, Operation, Refusal
from .sources import GIB, NOT_FOUND, Disk, Sources, unsupported

if TYPE_CHECKING:
    from pytest_ycimages.cloud.timing import Timing
    from tests.client import Answer as Reply

    from .looking import Listing
    from .model import Answer

START: Final = 1767225600 * SECOND
"""2026-01-01T00:00:00Z: where a manual clock begins."""

STATUSES: Final = {3: 400, 5: 404, 6: 409, 8: 429, 9: 400, 12: 501, 16: 401}
"""The HTTP status that each code comes with (api-facts.md, section 2.2)."""

DISKS: Final = {
    "epd00000000000000big": Disk(10 * GIB, 2 * GIB, 10 * GIB, "WINDOWS", ("f2e00000000000000win",)),
    "epd00000000000000new": Disk(GIB, 0, GIB),
}
SNAPSHOTS: Final = {"fd800000000000000old": Disk(3 * GIB, 3 * GIB, 3 * GIB)}
STORAGE: Final = "https://storage.yandexcloud.net/bucket/"
FILES: Final = {
    f"{STORAGE}small.qcow2": Disk(2 * GIB, 8 * 2**20, 2 * GIB),
    f"{STORAGE}lost.vmdk": Disk(5 * GIB, GIB, 5 * GIB, error=NOT_FOUND),
    f"{STORAGE}new.vhdx": Disk(5 * GIB, GIB, 5 * GIB, error=unsupported("vhdx")),
}
"""What both know from the start."""

TIMINGS: Final[dict[tuple[str, float], Timing]] = {
    ("polls", 1): AfterPolls(1),
    ("polls", 3): AfterPolls(3),
    ("seconds", 0): Immediate(),
    ("seconds", 5): After(5),
    ("seconds", 0.25): After(0.25),
    ("never", 0): Never(),
}
"""The model's words for timings, and the double's."""


class Agreement:
    """A double, and the model of it.

    Args:
        timing: how long operations take, in the model's words.
        quota: the quotas that are set.
        strict: whether what nobody added is refused.
        **rules: `rollback`, `reuse`, `contract` and `cancel`, as in the settings; `fails`, as in the model.
    """

    def __init__(
        self,
        timing: tuple[str, float] = ("polls", 1),
        quota: dict[str, int] | None = None,
        *,
        strict: bool = False,
        **rules: Any,
    ) -> None:
        rules = {"rollback": 0, "reuse": "first", "contract": "page", "cancel": "wins", "fails": None, **rules}
        quota = quota or {}
        self.double = Double(
            clock="manual",
            timing=TIMINGS[timing],
            quotas=Quotas(**quota),
            unknown_resources="not_found" if strict else "accept",
            rollback=rules["rollback"],
            idempotency_key_reuse=rules["reuse"],
            filter_fields="all",
            contract=rules["contract"],
            cancel=rules["cancel"],
            outcome=Failure(rules["fails"].code, rules["fails"].message) if rules["fails"] else Success(),
            unknown_fields="ignore",
        )
        sources = Sources(strict, DISKS, SNAPSHOTS, FILES)
        self.model = Model(self.double.folder_id, START, sources, timing=timing, quotas=quota, strict=strict, **rules)
        self.folders = (self.double.folder_id, self.double.add_folder(), "b1g0000000000000none")
        self.model.folders.add(self.folders[1])
        self._fill()
        self.accounts = ("aje0000000000000000a", "aje0000000000000000b")
        anybody = Cloud(self.double, {})
        tokens = [anybody.post("/iam/v1/tokens", {"jwt": jwt_of(each)}).json["iamToken"] for each in self.accounts]
        self._clients = [Cloud(self.double, {"Authorization": f"Bearer {token}"}) for token in tokens]
        self._calls = len(tokens)

    def _fill(self) -> None:
        for added, verb in ((DISKS, self.double.add_disk), (SNAPSHOTS, self.double.add_snapshot)):
            for id_, disk in added.items():
                verb(id_, size=disk.virtual, data_size=disk.data, os=disk.os, product_ids=disk.licences)
        for uri, file in FILES.items():
            self.double.add_object(uri, size=file.data, virtual_size=file.virtual, reachable=file.error != NOT_FOUND)

    # What every verb does.

    def ask(
        self, verb: str, path: str, body: Fields | None = None, *, person: int = 0, key: str = "", **query: Any
    ) -> Reply:
        """Ask the double; parameters that are empty are left out."""
        self._calls += 1
        given = {name: value for name, value in query.items() if value}
        client = self._clients[person]
        return (client.using(Idempotency_Key=key) if key else client).call(verb, path, body, **given)

    def agree(self, reply: Reply, expected: Image | Operation | Refusal) -> None:
        """The answer is exactly what the model expects."""
        if isinstance(expected, Refusal):
            assert reply.json == refusal_json(expected, reply.headers["x-request-id"])
            assert reply.status == STATUSES[expected.code]
        else:
            shown = now(self.model, expected) if isinstance(expected, Image) else operation_json(self.model, expected)
            assert reply.json == shown
            assert reply.status == 200

    def check(self) -> None:
        """Nothing is lost, invented or different: images, operations, and the journal of calls."""
        model = self.model
        images = {id_: image.to_wire() for id_, image in self.double.images.items()}
        assert images == {image.id: now(model, image) for image in model.living()}
        operations = {id_: operation.to_wire() for id_, operation in self.double.operations.items()}
        assert operations == {each.id: operation_json(model, each) for each in model.operations}
        ids = [image.id for image in model.images] + [operation.id for operation in model.operations]
        assert len(set(ids)) == len(ids), "an id was drawn twice"
        assert len(self.double.calls) == self._calls, "the journal has not exactly the calls that were made"
        self.double.check()

    # The verbs.

    def change(self, kind: str, target: str, body: Fields, *, person: int = 0, key: str = "") -> str:
        """Create, update or delete; the id of the operation, or empty."""
        verb = {"create": "POST", "update": "PATCH", "delete": "DELETE"}[kind]
        path = f"{IMAGES}/{target}" if target else IMAGES
        reply = self.ask(verb, path, None if kind == "delete" else body, person=person, key=key)
        ids = reply.json.get("id", "?"), reply.json.get("metadata", {}).get("imageId", "?")
        who = self.accounts[person], key
        if kind == "create":
            expected: Answer = self.model.create(body, who, ids)
        elif kind == "update":
            expected = self.model.update(target, body, who, ids)
        else:
            expected = self.model.delete(target, who, ids)
        self.agree(reply, expected)
        return expected.id if isinstance(expected, Operation) else ""

    def cancel(self, operation_id: str, verb: str = "POST") -> None:
        """Cancel an operation."""
        self.agree(self.ask(verb, f"/operations/{operation_id}:cancel"), self.model.cancel(operation_id))

    def get_operation(self, operation_id: str) -> None:
        """Poll an operation."""
        reply = self.ask("GET", f"/operations/{operation_id}")
        self.agree(reply, looking.get_operation(self.model, operation_id))

    def get_image(self, image_id: str) -> None:
        """Look at an image."""
        self.agree(self.ask("GET", f"{IMAGES}/{image_id}"), looking.get(self.model, image_id))

    def latest(self, folder: str, family: str) -> None:
        """Look for the newest image of a family."""
        reply = self.ask("GET", f"{IMAGES}:latestByFamily", folderId=folder, family=family)
        self.agree(reply, looking.latest(self.model, folder, family))

    def page(self, listing: Listing, token: str = "", after: Image | None = None) -> tuple[str, Image | None]:
        """A page of a list: the token of the next one, and the last image on this one."""
        reply = self.ask(
            "GET",
            IMAGES,
            folderId=listing.folder,
            filter=" AND ".join(map(str, listing.conditions)),
            orderBy=listing.order,
            pageSize=listing.page_size,
            pageToken=token,
        )
        expected = looking.page(self.model, listing, after)
        if isinstance(expected, Refusal):
            self.agree(reply, expected)
            return "", None
        images, more = expected
        assert reply.json.get("images", []) == [now(self.model, image) for image in images]
        assert ("nextPageToken" in reply.json) is more
        return reply.json.get("nextPageToken", ""), images[-1] if images else None

    def walk(self, listing: Listing) -> None:
        """A list to its end."""
        token, last = self.page(listing)
        while token:
            token, last = self.page(listing, token, last)

    def list_operations(self, image_id: str, page_size: int = 0) -> None:
        """The operations on an image, to the end."""
        start, token = 0, ""
        while not start or token:
            reply = self.ask("GET", f"{IMAGES}/{image_id}/operations", pageSize=page_size, pageToken=token)
            expected = looking.operations_of(self.model, image_id)
            if isinstance(expected, Refusal):
                self.agree(reply, expected)
                return
            end = start + (page_size or looking.DEFAULT_PAGE)
            shown = [operation_json(self.model, operation) for operation in expected[start:end]]
            assert reply.json.get("operations", []) == shown
            token = reply.json.get("nextPageToken", "")
            assert bool(token) is (end < len(expected))
            start = end

    def add_image(self, folder: str, name: str = "", family: str = "") -> str:
        """Seed an image that is READY, unless its name is taken; its id, or empty."""
        expected = self.model.seed(folder, name, family)
        try:
            id_ = self.double.add_image(folder_id=folder, name=name, family=family)
        except UsageError:
            assert expected is None
            return ""
        assert expected is not None
        expected.id = id_
        return id_

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.double.clock.advance(seconds)
        self.model.now += round(seconds * SECOND)

    def take(self, timing: tuple[str, float]) -> None:
        """Operations that start from now on take another time."""
        self.double.timing = TIMINGS[timing]
        self.model.timing = timing


def jwt_of(account: str) -> str:
    """A JWT of a service account; the double looks at no signature."""
    parts = ({"typ": "JWT", "alg": "PS256", "kid": "ajk"}, {"iss": account})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts), "signed"])
