"""A fresh fake with the times, outcomes and sources of a cassette, as a target of a verification.

Sizes of sources are concluded from the images made of them, so a verification proves nothing about them.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic.alias_generators import to_snake

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.api.status import Code, error_code
from pytest_ycimages.backing.fake import Fake
from pytest_ycimages.cassette.answers import images_in, operation_image, operations_in, recorded_calls
from pytest_ycimages.cassette.model import RecordedResponse
from pytest_ycimages.cloud.clock import ManualClock
from pytest_ycimages.cloud.inventory import SEEDABLE
from pytest_ycimages.cloud.outcome import Failure
from pytest_ycimages.cloud.sources import CHUNK, EXTENSIONS, UNKNOWN_DATA, UNKNOWN_SIZE
from pytest_ycimages.errors import UsageError
from pytest_ycimages.planning import Planning
from pytest_ycimages.seeding import Seeding
from pytest_ycimages.server.http import HttpReply
from pytest_ycimages.server.in_process.connection import Endpoint
from pytest_ycimages.server.in_process.wsgi import request_once
from pytest_ycimages.settings import Settings, merged
from pytest_ycimages.verify.observation import places
from pytest_ycimages.verify.recorded_operations import STARTING, outcomes_of
from pytest_ycimages.verify.verify import Verification, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ycimages.cassette.answers import RecordedCall
    from pytest_ycimages.cassette.model import CassetteData, RecordedRequest
    from pytest_ycimages.verify.recorded_operations import OperationOutcome

    Wire = dict[str, Any]

_CONTRACTS: Final = frozenset({"page", "current"})
_UNREADABLE: Final = frozenset({"vhdx", "vdi"})
_ELSEWHERE: Final = "elsewhere"
"""The folder of source images that the cassette never shows."""


class FakeTarget(Planning, Seeding):
    """A fresh fake that answers the requests of a cassette.

    Its clock has the recorded time of each request, its operations take as long and fail as the recorded ones, and the
    resources of the recorded client exist. It decides everything else by itself.

    Args:
        cassette: the cassette.
        settings: further settings of the fake. By default its contract is that of the cassette.

    Raises:
        UsageError: an invalid setting.
    """

    name = "the fake"
    folder_id = ""
    needs_secrets = False

    def __init__(self, cassette: CassetteData, settings: Settings | Mapping[str, Any] | None = None) -> None:
        calls = recorded_calls(cassette)
        forced: dict[str, Any] = {"mode": "fake", "clock": "manual"}
        self._settings = merged(forced, settings or {}, _settings_for(cassette, calls))
        self._backing = _RecordedTimeFake(self._settings, "verify", _no_pause, None)
        self._backing.open(lambda _: HttpReply(404, (), b""))  # a cassette never calls the control API
        self._endpoint = Endpoint(self._backing.app)
        self._outcomes = outcomes_of(calls)
        self._clock = self._backing.clock
        self._clock.wait_until(_beginning(cassette, calls), _no_pause)
        self._began = self._clock.now()
        self.token = self._backing.token
        _seed(self, calls)

    def answer(self, call: RecordedCall, request: RecordedRequest) -> RecordedResponse:
        """Answer a request at its recorded time."""
        self._clock.wait_until(self._began + round(call.at * SECOND), _no_pause)
        self._backing.planner.upcoming.clear()
        if call.number in self._outcomes:
            self._plan(call, self._outcomes[call.number])
        reply = request_once(self._endpoint, request.method, request.uri, request.headers, request.body)
        headers = tuple((name.lower(), value) for name, value in reply.headers)
        return RecordedResponse(reply.status, "", headers, reply.body)

    def _plan(self, call: RecordedCall, planned: OperationOutcome) -> None:
        error = planned.error
        self.next_operation(
            planned.method,
            timing=planned.timing,
            outcome=None if error is None or _fails_by_itself(call, error) else _failure(error),
            rollback=planned.rollback,
            cancel=planned.cancel,
            cancel_delay=planned.cancel_delay,
        )


class _RecordedTimeFake(Fake):
    """A fake on a clock of its own, also in virtual time."""

    def _new_clock(self) -> ManualClock:
        return ManualClock()


def verify_fake(cassette: CassetteData, settings: Settings | Mapping[str, Any] | None = None) -> Verification:
    """Return the verification of a cassette against a fresh fake.

    Args:
        cassette: the cassette.
        settings: further settings of the fake. By default its contract is that of the cassette.

    Raises:
        UsageError: an invalid setting.
    """
    return verify(cassette, FakeTarget(cassette, settings))


def _settings_for(cassette: CassetteData, calls: tuple[RecordedCall, ...]) -> dict[str, Any]:
    """Return the settings that the fake needs to answer as was recorded."""
    settings: dict[str, Any] = {"unknown_fields": "ignore"}
    if cassette.metadata.contract in _CONTRACTS:
        settings["contract"] = cassette.metadata.contract
    if _has_missing_names(calls):
        settings["unknown_resources"] = "not_found"
    refused = [each for each in cassette.interactions if each.response.status == HTTPStatus.UNAUTHORIZED]
    if any("authorization" in dict(each.request.headers) for each in refused):
        settings["auth"] = "strict"
    return settings


def _beginning(cassette: CassetteData, calls: Iterable[RecordedCall]) -> int:
    """Return when the recording began, in nanoseconds since the epoch; seeded resources are older than created ones."""
    for call in calls:
        if call.method in STARTING and call.answer.ok:
            for operation in operations_in(call.answer.body):
                return _moment(str(operation.get("createdAt"))) - round(call.at * SECOND)
    return _moment(cassette.metadata.recorded_at)


def _moment(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * SECOND
    except (ValueError, OverflowError):
        return 0


def _fails_by_itself(call: RecordedCall, error: Mapping[str, Any]) -> bool:
    """Return whether the fake fails by itself, since the file of the request is in an unreadable format."""
    suffix = str(call.asked.get("uri")).partition("?")[0].rpartition(".")[2].lower()
    return error_code(error) is Code.INVALID_ARGUMENT and EXTENSIONS.get(f".{suffix}") in _UNREADABLE


def _failure(error: Mapping[str, Any]) -> Failure:
    return Failure(error_code(error) or Code.UNKNOWN, str(error.get("message", "")), error.get("details", ()))


def _no_pause(seconds: float) -> None:
    """Return at once: the clock is moved, not waited for."""


# What existed before the recording, as far as its answers show.


_ASSUMED: Final[Wire] = {"size": UNKNOWN_SIZE, "data_size": UNKNOWN_DATA, "os": "LINUX", "product_ids": ()}
"""What the fake assumes of an unknown source, as the arguments of `add_disk`."""


def _has_missing_names(calls: Iterable[RecordedCall]) -> bool:
    """Return whether a recorded refusal shows that a source or a folder did not exist."""
    made = _made(calls)
    return any(
        _is_missing(call) and call.asked.get("imageId") not in made
        for call in calls
        if call.asked or call.method.startswith("images.l")
    )


def _seed(fake: Seeding, calls: tuple[RecordedCall, ...]) -> None:
    """Add the folders, the images and the sources that the recorded answers show."""
    for folder in _folders(calls):
        fake.add_folder(folder)
    made = _made(calls)
    there = made | frozenset(_add_images(fake, calls, made))
    must_exist = _has_missing_names(calls)
    for call in calls:
        if call.method == "images.create" and call.answer.ok and call.asked:
            source = _source(call.asked, _result(call, calls))
            if must_exist or source != _ASSUMED:
                with suppress(UsageError):  # it exists already, or is invalid: the fake answers that by itself
                    _add_source(fake, call.asked, source, there)


def _is_missing(call: RecordedCall) -> bool:
    """Return whether a create or a list was refused because a resource does not exist."""
    body = call.answer.body
    if call.answer.ok or not isinstance(body, dict):
        return False
    if call.method == "images.create":
        not_found = error_code(body) is Code.NOT_FOUND
        return not_found or (error_code(body) is Code.FAILED_PRECONDITION and "not found" in str(body.get("message")))
    return call.method.startswith("images.l") and error_code(body) is Code.FAILED_PRECONDITION


def _folders(calls: Iterable[RecordedCall]) -> Iterator[str]:
    for call in calls:
        message = str(call.answer.body.get("message")) if isinstance(call.answer.body, dict) else ""
        if call.folder_id and not (_is_missing(call) and "Folder" in message):
            yield call.folder_id


def _made(calls: Iterable[RecordedCall]) -> frozenset[str]:
    """Return the images that the cassette's own requests created."""
    creates = (call for call in calls if call.method == "images.create")
    return frozenset(operation_image(each) for call in creates for each in operations_in(call.answer.body))


def _add_images(fake: Seeding, calls: Iterable[RecordedCall], made: frozenset[str]) -> Iterator[str]:
    """Add the images that existed, as they were shown first, and return their ids."""
    added: set[str] = set()
    for call in calls:
        for image in images_in(call.answer.body):
            if image["id"] not in added | made and image.get("status") == "READY":
                added.add(image["id"])
                fields = {to_snake(name): value for name, value in image.items()}
                with suppress(UsageError):
                    fake.add_image(image["id"], **{name: fields[name] for name in SEEDABLE & fields.keys()})
                    yield image["id"]


def _result(call: RecordedCall, calls: Iterable[RecordedCall]) -> Wire:
    """Return the image that a create made, as it was shown first; empty if it never was."""
    images = (value for other in calls for kind, _, value in places(other) if kind == "image")
    image_id = call.answer.image_id
    return next((image for image in images if image_id and image.get("id") == image_id), {})


def _source(asked: Wire, made: Wire) -> Wire:
    """Return a source, as far as the image made of it shows it, as the arguments of `add_disk`."""
    size = _size(made, "minDiskSize", _size(asked, "minDiskSize", UNKNOWN_SIZE) or UNKNOWN_SIZE)
    least = min(UNKNOWN_DATA, size // CHUNK * CHUNK)
    data = _size(made, "storageSize", 0) if made else least
    if data == least and size == _size(asked, "minDiskSize", UNKNOWN_SIZE):
        size, data = UNKNOWN_SIZE, UNKNOWN_DATA
    return {
        "size": max(size, data),
        "data_size": data,
        "os": "LINUX" if "os" in asked else str(made.get("os", {}).get("type", "LINUX")),
        "product_ids": tuple(each for each in made.get("productIds", ()) if each not in asked.get("productIds", ())),
    }


def _add_source(fake: Seeding, asked: Wire, source: Wire, there: frozenset[str]) -> None:
    if "diskId" in asked:
        fake.add_disk(asked["diskId"], **source)
    elif "snapshotId" in asked:
        fake.add_snapshot(asked["snapshotId"], **source)
    elif "uri" in asked:
        suffix = PurePosixPath(urlsplit(asked["uri"]).path).suffix.lower()
        shape = EXTENSIONS.get(suffix, "qcow2")
        fake.add_object(asked["uri"], size=source["data_size"], virtual_size=source["size"], format=shape)
    elif asked.get("imageId") not in there:
        named = {"storage_size": source["data_size"], "min_disk_size": source["size"]}
        fake.add_image(
            asked["imageId"], folder_id=_ELSEWHERE, os=source["os"], product_ids=source["product_ids"], **named
        )


def _size(image: Wire, field: str, otherwise: int) -> int:
    try:
        return int(image[field])
    except (KeyError, TypeError, ValueError):
        return otherwise
