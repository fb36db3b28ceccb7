"""Text of clients and judges, made safe for a terminal, a page or a file, and equal in each run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field

from pytest_ycimages import errors
from pytest_ycimages.redaction.printing import printed
from pytest_ycimages.words import exact

if TYPE_CHECKING:
    from pathlib import Path

_MOST: Final = 2_000
"""How many characters of one text are shown: an exception may quote a response of megabytes."""
_NAME: Final = 100
"""How much of the name of a file is in that of the one beside it."""
_ADDRESS: Final = re.compile(r"\b0x[0-9a-fA-F]{6,}")
"""The address of an object in memory, as `repr` writes it."""
_PORT: Final = r"(?<=127\.0\.0\.1:)\d+|(?<=\[::1\]:)\d+|(?<=localhost:)\d+"
"""The port of a double in a URL."""


def printable(text: str, most: int = _MOST) -> str:
    r"""Return the first `most` characters, control and bidirectional ones as escapes such as `\x1b`."""
    left_out = len(text) - most
    cut = f"{text[:most]}… ({left_out:,} more characters)" if left_out > 0 else text
    return "\n".join(map(errors.printable, cut.split("\n")))


def stable_text(text: str, port: int | None = None) -> str:
    """Return the text without secrets, addresses of objects, and the double's port: in URLs, unless it is given."""
    ports = _PORT if port is None else rf"(?<!\d){port}(?!\d)"
    return storable(re.sub(ports, "PORT", _ADDRESS.sub("0x...", printed(text))))


def storable(text: str) -> str:
    """Return the text with lone surrogates, which UTF-8 cannot encode, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_whole(path: Path, text: str) -> None:
    """Write a file at once, so that who reads it finds all of it; raise OSError if that is impossible."""
    path = path.resolve()
    if path.exists() and not path.is_file():  # a pipe or a terminal
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    beside = path.with_name(f".{path.name[:_NAME]}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@exact
@dataclass(frozen=True, slots=True)
class ReportPart:
    """A part of a report. Its texts are made stable, so that equal searches give equal reports."""

    __pydantic_config__: ClassVar = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, arbitrary_types_allowed=True
    )
    verbatim: ClassVar[frozenset[str]] = frozenset()
    """The fields in which ports and addresses are kept, such as code."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            made = storable(value) if field.name in self.verbatim else _stable(value)
            if made is not value:
                object.__setattr__(self, field.name, made)


def _stable(value: Any) -> Any:
    if isinstance(value, str):
        return stable_text(value)
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return tuple(map(stable_text, value))
    if isinstance(value, Mapping):
        return {stable_text(name): stable_text(each) for name, each in value.items()}
    return value
