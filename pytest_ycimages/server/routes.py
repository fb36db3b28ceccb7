"""Which path and verb is which method (api-facts.md, section 1). One origin serves the paths of every service."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES: Final = (
    ("POST", "/compute/v1/images", "images.create"),
    ("GET", "/compute/v1/images", "images.list"),
    ("GET", "/compute/v1/images:latestByFamily", "images.latestByFamily"),
    ("GET", "/compute/v1/images/<image_id>", "images.get"),
    ("PATCH", "/compute/v1/images/<image_id>", "images.update"),
    ("DELETE", "/compute/v1/images/<image_id>", "images.delete"),
    ("GET", "/compute/v1/images/<image_id>/operations", "images.listOperations"),
    ("GET", "/compute/v1/images/<resource_id>:listAccessBindings", "images.listAccessBindings"),
    ("POST", "/compute/v1/images/<resource_id>:setAccessBindings", "images.setAccessBindings"),
    ("POST", "/compute/v1/images/<resource_id>:updateAccessBindings", "images.updateAccessBindings"),
    ("GET", "/operations/<operation_id>", "operations.get"),
    # The reference says GET, the guide says POST; clients do both.
    ("GET", "/operations/<operation_id>:cancel", "operations.cancel"),
    ("POST", "/operations/<operation_id>:cancel", "operations.cancel"),
    ("POST", "/iam/v1/tokens", "tokens.create"),
    ("GET", "/endpoints", "endpoints.list"),
    ("GET", "/endpoints/<api_endpoint_id>", "endpoints.get"),
)

MAP: Final = Map(
    [Rule(path, endpoint=method, methods=[verb]) for verb, path, method in ROUTES],
    strict_slashes=True,
    merge_slashes=False,
    redirect_defaults=False,
)


_ADAPTER: Final = MAP.bind("")


_PLACEHOLDER: Final = "fd800000000000000000"
_ID: Final = re.compile(r"(?<=/)[0-9a-v]{20}(?=/|:|$)")


def route(path: str, verb: str) -> tuple[str, Mapping[str, str]]:
    """The method word that serves `verb` on `path`, and the ids in the path.

    Ids are cut out before matching, so that all paths of one shape are matched once.

    Raises:
        NotFound: nothing is served at `path`.
        MethodNotAllowed: something is, but not with `verb`.
    """
    if path.startswith("//"):
        raise NotFound
    found = _ID.search(path)
    if not found:
        return _match(path, verb)
    method, ids = _match(f"{path[: found.start()]}{_PLACEHOLDER}{path[found.end() :]}", verb)
    return method, {name: found[0] if id_ == _PLACEHOLDER else id_ for name, id_ in ids.items()}


@lru_cache(maxsize=1024)
def _match(path: str, verb: str) -> tuple[str, Mapping[str, str]]:
    method, ids = _ADAPTER.match(path, verb)
    return str(method), ids
