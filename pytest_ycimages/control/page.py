"""The live page: files that a browser loads from the double, or one file with the data of a snapshot in it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from pytest_ycimages.api.methods import PREFIX
from pytest_ycimages.server.http import HttpReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.server.http import HttpRequest

_ASSETS: Final = "assets"
"""The folder beside this module that has the files."""
MODULES: Final = (
    *("dom.js", "model.js", "words.js", "control.js", "frame.js", "calls.js", "timeline.js", "operations.js"),
    *("images.js", "inject.js", "faults.js", "problems.js", "steer.js", "page.js"),
)
"""The modules of the script: each imports only those before it."""
_FILES: Final = {
    PREFIX: ("page.html", "text/html; charset=utf-8"),
    f"{PREFIX}page.css": ("page.css", "text/css; charset=utf-8"),
    **{f"{PREFIX}{name}": (name, "text/javascript; charset=utf-8") for name in MODULES},
}
_POLICY: Final = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
_GUARDED: Final = (
    (
        "content-security-policy",
        f"{_POLICY}; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
"""The headers of every file: the page may load its own files and call the double, and nothing else."""
_STYLE: Final = '<link rel="stylesheet" href="page.css">'
_SCRIPT: Final = '<script type="module" src="page.js"></script>'


def is_page(http: HttpRequest) -> bool:
    """Return whether a request asks for a file of the page, none of which has secrets, or for the way to it."""
    return http.method in {"GET", "HEAD"} and (http.path in _FILES or not http.path.startswith(PREFIX))


def page_reply(http: HttpRequest) -> HttpReply:
    """Return a file of the page, or the way to it."""
    if http.path not in _FILES:
        return HttpReply(HTTPStatus.SEE_OTHER, (("location", PREFIX), ("cache-control", "no-store")), b"")
    name, media = _FILES[http.path]
    return HttpReply(HTTPStatus.OK, (("content-type", media), *_GUARDED), _text(name).encode())


def render(snapshot: Mapping[str, Any], title: str = "") -> str:
    """Return the page as one file that shows a snapshot, needs no server, and loads nothing.

    Args:
        snapshot: what `snapshot` of a double returns.
        title: the heading, such as the name of a test; empty: the name of the double.
    """
    style, script = _text("page.css"), _script()
    policy = f"{_POLICY}; script-src {_digest(script)}; style-src {_digest(style)}"
    data = to_json({**snapshot, "title": title}).decode().replace("<", "\\u003c")
    head = f'<meta http-equiv="content-security-policy" content="{policy}">\n<style>{style}</style>'
    body = f'<script type="application/json" id="data">{data}</script>\n<script type="module">{script}</script>'
    return _text("page.html").replace(_STYLE, head).replace(_SCRIPT, body)


@cache
def _text(name: str) -> str:
    return files("pytest_ycimages.control").joinpath(_ASSETS, name).read_text(encoding="utf-8")


@cache
def _script() -> str:
    """Return the modules of the script as one, which imports nothing: their names differ."""
    return "\n".join(re.sub(r"^import .*;\n|^export ", "", _text(name), flags=re.MULTILINE) for name in MODULES)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
