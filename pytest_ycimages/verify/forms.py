"""The forms of what differs from run to run, and the layout of a JSON text."""

from __future__ import annotations

import json
import re
from typing import Any, Final

ID: Final = re.compile(r"([a-z][a-z0-9]{2})[0-9a-v*]{17}")
"""An id of the service: what kind it is of, and 17 digits, of which a published sample may hide some behind stars."""

ID_IN_TEXT: Final = re.compile(rf"(?<![0-9A-Za-z_-]){ID.pattern}(?![0-9A-Za-z_-])")

ID_FIELDS: Final = frozenset(
    {"id", "imageId", "folderId", "createdBy", "operationId", "resourceId", "diskId", "snapshotId"}
)
"""The fields that hold an id which another run may have drawn otherwise. Ids of licences, for one, stay the same."""

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")
UUID: Final = re.compile(r"[0-9A-Fa-f*]{8}(-[0-9A-Fa-f*]{4}){3}-[0-9A-Fa-f*]{12}")

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCALAR: Final = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_LAYOUTS: Final[dict[str, dict[str, Any]]] = {
    "on one line, without spaces": {"separators": (",", ":")},
    "on one line, with spaces": {"separators": (", ", ": ")},
    **{f"indented by {n} space{'s' * (n > 1)} a level": {"indent": n} for n in (1, 2, 3, 4, 8)},
    "indented by a tab a level": {"indent": "\t"},
}


def time_form(text: str) -> tuple[int, str] | None:
    """How many digits of a second a time has, and how its zone is written; None for what is no time."""
    found = TIME.fullmatch(text)
    return (max(0, len(found["fraction"] or "") - 1), found["zone"]) if found else None


def layouts_of(body: bytes, value: Any) -> tuple[str, ...]:
    """The layouts that a JSON text may be said to have, by their names: more than one where there is little to see."""
    text = body.decode("utf-8", "replace")
    ending = ", and a line break at the end" if text[-1:] == "\n" else ""
    skeleton = _skeleton(text.strip())
    fitting = (name for name, how in _LAYOUTS.items() if _skeleton(json.dumps(value, **how)) == skeleton)
    return tuple(f"{name}{ending}" for name in fitting) or (f"laid out unevenly{ending}",)


def _skeleton(text: str) -> str:
    """The text without what its values say."""
    return _SCALAR.sub("0", _STRING.sub('""', text))
