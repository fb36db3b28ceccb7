"""Harmless calls to the service, whose answers tell what is not known of it, and the guard that sends no others.

Each call reads. Calls about resources of the account are made only for ids that the user names, since a cassette keeps
names and descriptions.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from pytest_ycimages.api.exchange import Request
from pytest_ycimages.api.methods import NoRouteError, method_at, route
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import service_host
from pytest_ycimages.verify.normalize import INVALID_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_ycimages.api.exchange import Reply
    from pytest_ycimages.cassette.exchange import Recorder
    from pytest_ycimages.cassette.model import RecordedRequest, RecordedResponse

READING: Final = frozenset(
    {
        "images.get",
        "images.list",
        "images.latestByFamily",
        "images.listOperations",
        "images.listAccessBindings",
        "operations.get",
        "endpoints.get",
        "endpoints.list",
    }
)
"""The methods that change nothing. A cancel is not among them, though its verb may be GET."""

_PUBLIC: Final = "standard-images"
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_NO_IMAGE: Final = "fd8vvvvvvvvvvvvvvvvv"
_NO_OPERATION: Final = "fd8uuuuuuuuuuuuuuuuu"
_NO_FOLDER: Final = "b1gvvvvvvvvvvvvvvvvv"
_IMAGES: Final = "/compute/v1/images"
_LEFT_OPEN: Final = re.compile(r"<[^<>]+>")

Sends = Literal["your token", "an invalid token", "no token"]
"""The credential that a call is sent with."""


class HarmlessCall(NamedTuple):
    """A call that reads.

    Attributes:
        name: its name for people.
        asks: what its answer tells.
        target: its path and query, percent-encoded; a part in `<>` stands for a value of an earlier answer.
        sends: the credential that it is sent with.
    """

    name: str
    asks: str
    target: str
    sends: Sends = "your token"

    @property
    def path(self) -> str:
        """The path."""
        return self.target.partition("?")[0]

    @property
    def line(self) -> str:
        """The call in one line for people, with the host of the service that gets it."""
        return f"GET https://{service_host(self.path)}{self.target}"

    @property
    def is_open(self) -> bool:
        """Whether a part of it is still to come from an earlier answer."""
        return _LEFT_OPEN.search(self.target) is not None

    def filled(self, found: Mapping[str, str]) -> HarmlessCall:
        """Return the call with the values that earlier answers have shown, each by its part in `<>`."""

        def value(part: re.Match[str]) -> str:
            return quote(found[part[0]], safe="") if part[0] in found else part[0]

        return self._replace(target=_LEFT_OPEN.sub(value, self.target))


def _list(name: str, asks: str, /, verb: str = "", folder: str = _PUBLIC, **query: str) -> HarmlessCall:
    """Return a list of the images in a folder, of public ones by default."""
    text = urlencode({"folderId": folder, **query}, safe="<>", quote_via=quote)
    return HarmlessCall(name, asks, f"{_IMAGES}{verb}?{text}")


_latest: Final = partial(_list, verb=":latestByFamily")
"""Returns a request for the newest public image of a family."""
_without_token: Final = partial(HarmlessCall, sends="no token")
_NO_NAME: Final = 'name="ycimages-no-such-image"'
_CALLS: Final = (
    _without_token("endpoints", "the ids and addresses of the services", "/endpoints"),
    _without_token("endpoint", "the form of one endpoint", "/endpoints/compute"),
    _without_token("unknown-endpoint", "the refusal of an unknown endpoint", "/endpoints/ycimages"),
    _list("public-images", "the form of an image in JSON, such as `pooled`; the order of a list", pageSize="2"),
    _list("next-page", "the second page of a list", pageSize="2", pageToken="<page-token>"),
    _list("newest-first", "the order by creation", pageSize="2", orderBy="createdAt desc"),
    HarmlessCall("public-image", "an image as `get` shows it", f"{_IMAGES}/<public-image>"),
    HarmlessCall("public-image-operations", "who may list operations", f"{_IMAGES}/<public-image>/operations"),
    HarmlessCall("public-image-bindings", "who may list access", f"{_IMAGES}/<public-image>:listAccessBindings"),
    _latest("latest-of-family", "the newest image of a family", family="ubuntu-2204-lts"),
    _latest("unknown-family", "the text for a family without images", family="ycimages-no-such-family"),
    _latest("no-family", "the refusal of a request without a family"),
    _list("empty-list", "a list without items, and the filter by name", folder="<folder>", filter=_NO_NAME),
    _list("broken-filter", "the refusal of a filter that cannot be read", filter="name"),
    _list("unknown-filter-field", "the refusal of a filter by another field", filter='colour="red"'),
    _list("unknown-order", "the refusal of an order by another field", orderBy="colour"),
    _list("broken-page-token", "the refusal of a page token", pageToken="ycimages"),
    _list("page-size-over-limit", "the refusal of a page of 1001 items", pageSize="1001"),
    _list("page-size-below-zero", "the answer to a page size of -1", pageSize="-1"),
    _list("page-size-as-text", "the plain text of the gateway", pageSize="many"),
    _list("unknown-parameter", "the answer to an unknown parameter", pageSize="1", colour="red"),
    HarmlessCall("no-folder", "the text for a missing `folderId`", _IMAGES),
    _list("unknown-folder", "code and text for an unknown folder", folder=_NO_FOLDER),
    _list("long-folder", "the words of a violation", folder="b" * 51),
    HarmlessCall("unknown-image", "the text for an image that does not exist", f"{_IMAGES}/{_NO_IMAGE}"),
    HarmlessCall("malformed-image", "the text for an id of another form", f"{_IMAGES}/ycimages"),
    HarmlessCall("long-image", "the words of a violation, for an id", f"{_IMAGES}/{'f' * 51}"),
    HarmlessCall("unknown-operation", "the text for an unknown operation", f"/operations/{_NO_OPERATION}"),
    HarmlessCall("malformed-operation", "the text for an id of another form", "/operations/ycimages"),
    _without_token("no-token", "the refusal of a call without a token", f"{_IMAGES}/{_NO_IMAGE}"),
    _without_token("no-token-operation", "the same, of another service", f"/operations/{_NO_OPERATION}"),
    HarmlessCall("invalid-token", "the refusal of a token", f"{_IMAGES}/{_NO_IMAGE}", sends="an invalid token"),
)


def harmless_calls(images: tuple[str, ...] = (), operations: tuple[str, ...] = ()) -> tuple[HarmlessCall, ...]:
    """Return the calls to make, in order.

    Args:
        images: ids of images of the account to look at as well, with their operations.
        operations: ids of operations of the account to look at as well.

    Raises:
        UsageError: an id is not one.
    """
    return (*_CALLS, *_own("image", images), *_own("operation", operations))


def _own(kind: str, ids: tuple[str, ...]) -> Iterator[HarmlessCall]:
    for id_ in ids:
        if not _ID.fullmatch(id_):
            raise UsageError(f"invalid {kind} id {id_!r}: expected letters and digits, such as fd8t5np17r7bs124814b")
        if kind == "image":
            path = f"{_IMAGES}/{id_}"
            yield HarmlessCall("your-image", "an image of yours as `get` shows it", path)
            yield HarmlessCall("your-image-operations", "their order, and how long they are kept", f"{path}/operations")
        else:
            yield HarmlessCall("your-operation", "how an operation failed or was cancelled", f"/operations/{id_}")


class ReadOnlyUpstream(Upstream):
    """An upstream that is sent only calls that read. Any other is refused before a connection is opened."""

    def send(self, request: RecordedRequest) -> RecordedResponse:
        """Forward a request that reads, and return the response.

        Raises:
            UsageError: the request may change something, or is for another host, or the upstream cannot be reached.
        """
        if not reads(request):
            raise UsageError(
                f"{request.method} is refused, and was not sent: to observe the service, only GET of "
                f"{', '.join(sorted(READING))} is sent, without a body. To record other calls, see `ycimages record`."
            )
        return super().send(request)


def reads(request: RecordedRequest) -> bool:
    """Return whether a request changes nothing: GET without a body, of a method that reads.

    An id in its path has only letters, digits, `_` and `-`, so that no server can take a part of it for a verb. For the
    same reason, it has no headers but the usual ones.
    """
    if request.method != "GET" or request.body or any(name.lower() not in _HEADERS for name, _ in request.headers):
        return False
    try:
        method, ids = route(urlsplit(request.uri).path, "GET")
    except (NoRouteError, ValueError):  # no path of the API, or no address
        return False
    return method in READING and all(_ID.fullmatch(id_) for id_ in ids.values())


_HEADERS: Final = frozenset({"accept", "authorization"})


class Answered(NamedTuple):
    """A call that was answered; without a reply, it was left out, since an earlier answer lacked what it needs."""

    call: HarmlessCall
    reply: Reply | None


def observe(calls: tuple[HarmlessCall, ...], recorder: Recorder, *, folder_id: str, token: str) -> Iterator[Answered]:
    """Make each call through a recorder, and yield it with its reply.

    Args:
        calls: the calls.
        recorder: a recorder of a `ReadOnlyUpstream`.
        folder_id: the folder of the user.
        token: the credential of the user, or its stand-in.

    Raises:
        UsageError: the upstream cannot be reached.
    """
    found = {"<folder>": folder_id}
    for call in calls:
        ready = call.filled(found)
        if ready.is_open:
            yield Answered(ready, None)
            continue
        reply = recorder.forward(_request(ready, token))
        found |= _shown(reply)
        yield Answered(ready, reply)


def _request(call: HarmlessCall, token: str) -> Request:
    headers = {"accept": "application/json"}
    if call.sends != "no token":
        headers["authorization"] = f"Bearer {token if call.sends == 'your token' else INVALID_TOKEN}"
    return Request(method_at(call.path, "GET"), f"GET {call.target}", headers)


def _shown(reply: Reply) -> dict[str, str]:
    """Return what an answer shows that later calls need."""
    images, token = reply.body.get("images"), reply.body.get("nextPageToken")
    first = images[0].get("id") if isinstance(images, list) and images and isinstance(images[0], dict) else None
    shown = {"<page-token>": token} if isinstance(token, str) else {}
    return shown | ({"<public-image>": first} if isinstance(first, str) and _ID.fullmatch(first) else {})
