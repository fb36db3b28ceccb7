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


class CassetteError(YCImagesError):
    """Something is wrong with a cassette. The text says which, where, and what to do."""


class CassetteBrokenError(CassetteError):
    """A cassette's file cannot be read. It is left as it is."""


class CassetteMissingError(CassetteError):
    """There is no such cassette. The text has the nearest names, and how to record one."""


class CassetteInUseError(CassetteError):
    """Another recording is writing this cassette's file."""


class SecretFoundError(CassetteError):
    """What was to be saved holds the shape of a secret, so it was not. The text says where; never what."""


class NoMatchError(CassetteError):
    """A request that a cassette has no answer for. The text has the nearest one recorded, and what differs."""


class NetworkRefusedError(CassetteError):
    """Something was about to leave this machine while a cassette is replayed."""


class CassetteUnusedError(CassetteError):
    """Interactions of a cassette that the test never asked for."""


class CassetteExpiredError(CassetteError):
    """A cassette that is older than it may be."""


class CassetteDiffersError(CassetteError):
    """What was recorded is not what is answered today. The text has each field that differs."""


class CassetteWarning(UserWarning):
    """A cassette that is used, although something about it should be looked at."""


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
    CassetteError,
    CassetteBrokenError,
    CassetteMissingError,
    CassetteInUseError,
    SecretFoundError,
    NoMatchError,
    NetworkRefusedError,
    CassetteUnusedError,
    CassetteExpiredError,
    CassetteDiffersError,
    CassetteWarning,
    UnknownFieldWarning,
):
    _public.__module__ = "pytest_ycimages"
