"""What the double raises and warns about: mistakes of the test's author, and failures of the double itself.

Errors of the *cloud* are replies, never Python exceptions, and do not live here. This module imports nothing
of the project, so every room may raise from it.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class YCImagesError(Exception):
    """Everything this package raises on purpose."""


class UsageError(YCImagesError):
    """The test asked for something that does not exist or cannot be. The text names the nearest right thing."""


class DoubleFailedError(YCImagesError):
    """The double itself raised while it answered a call: the client got a 500, the test gets the traceback."""


class FaultNeverStruckError(YCImagesError):
    """A fault that was to strike has not. The text has its account, and the nearest call."""


class VirtualTimeError(YCImagesError):
    """A wait in virtual time that cannot end, or would end too late. The text says who waits for what."""


class UnknownFieldWarning(UserWarning):
    """The client sent a field that the contract in force does not know. The service ignores such fields."""


def unknown_word(what: str, given: object, known: Iterable[str]) -> UsageError:
    """Say that `given` is no known `what`, which words are, and which of them is nearest."""
    words = sorted(known)
    nearest = difflib.get_close_matches(str(given), words, n=1, cutoff=0.4)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return UsageError(f"Unknown {what} {given!r}.{hint} Known: {', '.join(words)}.")


for _public in (
    YCImagesError,
    UsageError,
    DoubleFailedError,
    FaultNeverStruckError,
    VirtualTimeError,
    UnknownFieldWarning,
):
    _public.__module__ = "pytest_ycimages"
