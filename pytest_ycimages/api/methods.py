"""The methods of the service: their words, paths and answers, and their request messages in each contract revision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.create_image import CreateImageRequest, CurrentCreateImageRequest
from pytest_ycimages.api.requests import (
    AccessBindingsRequest,
    ApiEndpoint,
    CancelOperationRequest,
    CreateTokenForServiceAccountRequest,
    CreateTokenRequest,
    CreateTokenResponse,
    CurrentUpdateImageRequest,
    DeleteImageRequest,
    GetEndpointRequest,
    GetImageRequest,
    GetLatestByFamilyRequest,
    GetOperationRequest,
    ListEndpointsRequest,
    ListEndpointsResponse,
    ListImageOperationsRequest,
    ListImageOperationsResponse,
    ListImagesRequest,
    ListImagesResponse,
    RevokeTokenRequest,
    RevokeTokenResponse,
    UpdateImageRequest,
)
from pytest_ycimages.api.resources import HardwareGeneration, Image, LegacyFeatures, Operation, PciTopology
from pytest_ycimages.errors import unknown_word
from pytest_ycimages.words import choices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.api.message import Message, RequestMessage

_IMAGES: Final = "/compute/v1/images"
_IMAGE: Final = f"{_IMAGES}/<image_id>"
_BINDINGS: Final = f"{_IMAGES}/<resource_id>"
_OPERATION: Final = "/operations/<operation_id>"
_TOKENS: Final = "/iam/v1/tokens"
_SERVED: Final[tuple[tuple[str, str, str, type[RequestMessage], type[Message]], ...]] = (
    ("POST", _IMAGES, "images.create", CreateImageRequest, Operation),
    ("GET", _IMAGE, "images.get", GetImageRequest, Image),
    ("GET", _IMAGES, "images.list", ListImagesRequest, ListImagesResponse),
    ("GET", f"{_IMAGES}:latestByFamily", "images.latestByFamily", GetLatestByFamilyRequest, Image),
    ("PATCH", _IMAGE, "images.update", UpdateImageRequest, Operation),
    ("DELETE", _IMAGE, "images.delete", DeleteImageRequest, Operation),
    ("GET", f"{_IMAGE}/operations", "images.listOperations", ListImageOperationsRequest, ListImageOperationsResponse),
    *(
        (verb, f"{_BINDINGS}:{what}AccessBindings", f"images.{what}AccessBindings", AccessBindingsRequest, Operation)
        for verb, what in (("GET", "list"), ("POST", "set"), ("POST", "update"))
    ),
    ("GET", _OPERATION, "operations.get", GetOperationRequest, Operation),
    # The reference says GET, the guide says POST; clients do both.
    *(
        (verb, f"{_OPERATION}:cancel", "operations.cancel", CancelOperationRequest, Operation)
        for verb in ("GET", "POST")
    ),
    ("POST", _TOKENS, "tokens.create", CreateTokenRequest, CreateTokenResponse),
    (
        "POST",
        f"{_TOKENS}:createForServiceAccount",
        "tokens.createForServiceAccount",
        CreateTokenForServiceAccountRequest,
        CreateTokenResponse,
    ),
    ("POST", f"{_TOKENS}:revoke", "tokens.revoke", RevokeTokenRequest, RevokeTokenResponse),
    ("GET", "/endpoints/<api_endpoint_id>", "endpoints.get", GetEndpointRequest, ApiEndpoint),
    ("GET", "/endpoints", "endpoints.list", ListEndpointsRequest, ListEndpointsResponse),
)

ROUTES: Final = tuple((verb, path, method) for verb, path, method, *_ in _SERVED)
"""The path table: verb, path with the name of its id, method word. One origin serves the paths of every service."""

ANSWER_OF: Final[Mapping[str, type[Message]]] = {method: answer for _, _, method, _, answer in _SERVED}
"""Method word -> the message that answers a call that is not refused."""

METHODS: Final = tuple(dict.fromkeys(method for _, _, method in ROUTES))

PREFIX: Final = "/_ycimages/"
"""The first part of every path of the control API. The service has no such path."""

UNROUTED: Final = "unrouted"
"""The journal's word for a call that no method serves."""

METHOD_WORDS: Final = choices("method", (*METHODS, UNROUTED))
"""The words of methods as the journal has them: the text of each, and the word that is compared."""


class NoRouteError(LookupError):
    """No method serves a verb on a path.

    Attributes:
        allowed: the verbs that are served on the path, sorted; empty if the path is unknown.
    """

    def __init__(self, path: str, verb: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"no method is served at {verb} {path}")
        self.allowed = allowed


def route(path: str, verb: str) -> tuple[str, Mapping[str, str]]:
    """Return the word of the method that serves `verb` on `path`, and the id in the path by its name.

    Args:
        path: percent-decoded, without a query.
        verb: the HTTP method; HEAD is served where GET is.

    Raises:
        NoRouteError: no method does.
    """
    return _route(path, verb) if len(path) <= _CACHED else _route.__wrapped__(path, verb)


_CACHED: Final = 200
"""Characters of the longest path that is worth its memory in the cache."""


@lru_cache(maxsize=4096)
def _route(path: str, verb: str) -> tuple[str, Mapping[str, str]]:
    found = _pattern("GET" if verb == "HEAD" else verb).fullmatch(path)
    if found is None:
        raise NoRouteError(path, verb, _allowed(path))
    method, name = _TARGETS[found.lastgroup or ""]
    return method, {name: found[(found.lastindex or 0) + 1]} if name else {}


def method_at(path: str, verb: str) -> str:
    """Return the word of the method that serves `verb` on `path`, or `unrouted`."""
    try:
        return route(path, verb)[0]
    except NoRouteError:
        return UNROUTED


_ID: Final = re.compile(r"<(\w+)>")
_TARGETS: Final = {
    f"r{number}": (method, "".join(_ID.findall(path))) for number, (_, path, method) in enumerate(ROUTES)
}
"""The method of each route, and the name of the id in its path, by the name of its group in the pattern of paths."""


@cache
def _pattern(verb: str) -> re.Pattern[str]:
    """Match any path of a verb; the outer group that matched has the number of the route in its name."""
    served = [(path, number) for number, (method, path, _) in enumerate(ROUTES) if method == verb]
    served.sort(key=lambda each: len(each[0]), reverse=True)  # `<id>:cancel` before `<id>`
    groups = (f"(?P<r{number}>{'([^/]+)'.join(map(re.escape, _ID.split(path)[::2]))})" for path, number in served)
    return re.compile("|".join(groups) or "(?!)")


def _allowed(path: str) -> tuple[str, ...]:
    verbs = {verb for verb, _, _ in ROUTES if _pattern(verb).fullmatch(path)}
    return tuple(sorted(verbs | ({"HEAD"} if "GET" in verbs else set())))


@lru_cache(maxsize=256)
def matching(pattern: str) -> frozenset[str]:
    """Return all method words that `pattern` names.

    Args:
        pattern: a word, a glob over words, or `unrouted`.

    Raises:
        UsageError: `pattern` names no method; the text says which word is nearest.
    """
    found = frozenset(word for word in METHOD_WORDS if fnmatchcase(word, pattern))
    if not found:
        raise unknown_word("method", pattern, METHOD_WORDS)
    return found


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract revision: what the specification page says, or what today's API accepts.

    Attributes:
        revision: `page` or `current`.
        requests: method word -> the message that the method takes.
        image_formats: the formats in which a file in Object Storage may be.
        hardware_generation: the default of an image whose request and source name none; None: not shown.
        shows_size: whether an image shows its virtual size.
    """

    revision: str
    requests: Mapping[str, type[RequestMessage]]
    image_formats: frozenset[str]
    hardware_generation: HardwareGeneration | None
    shows_size: bool


_PAGE: Final = {method: request for _, _, method, request, _ in _SERVED}

_CURRENT: Final[dict[str, type[RequestMessage]]] = {
    **_PAGE,
    "images.create": CurrentCreateImageRequest,
    "images.update": CurrentUpdateImageRequest,
}

CONTRACTS: Final = {
    "page": Contract("page", _PAGE, frozenset({"qcow2", "vmdk", "vhd"}), None, shows_size=False),
    "current": Contract(
        "current",
        _CURRENT,
        frozenset({"qcow2", "vmdk", "vhd", "raw"}),
        HardwareGeneration(legacy_features=LegacyFeatures(pci_topology=PciTopology.V1)),
        shows_size=True,
    ),
}
