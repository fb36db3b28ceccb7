"""Exceptions and warnings: wrong usage, problems with cassettes, and failures of the double itself.

Errors of the *cloud* are replies, never Python exceptions. This module imports nothing of the project, so every other
module may use it.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class YCImagesError(Exception):
    """Base of all exceptions that this package raises on purpose.

    Attributes:
        is_shown: whether the report of a test has it, so that its double does not raise it again.
    """

    is_shown = False


class UsageError(YCImagesError):
    """The test used an unknown name or an invalid value. The text names the nearest valid one."""


class UnknownAttributeError(UsageError, AttributeError):
    """The test read or set an attribute that an object of this package does not have. The text names the nearest one.

    Attributes:
        nearest: the nearest attribute that it has; empty: none resembles the name.
    """

    def __init__(self, text: str, nearest: str = "") -> None:
        super().__init__(text)
        self.nearest = nearest


class DoubleFailedError(YCImagesError):
    """The double raised while answering a call. The client got a 500; the test gets the traceback."""


class FaultNeverStruckError(YCImagesError):
    """A planned fault has not struck. The text has its report and the nearest call."""


class VirtualTimeError(YCImagesError):
    """A wait in virtual time cannot end, or would end too late. The text names the thread and what it waits for."""


class CassetteError(YCImagesError):
    """A problem with a cassette. The text says which, where, and what to do."""


class CassetteBrokenError(CassetteError):
    """A cassette's file cannot be read. It is not changed."""


class CassetteMissingError(CassetteError):
    """The cassette does not exist. The text has the nearest names, and how to record one."""


class CassetteInUseError(CassetteError):
    """Another recording is writing this cassette's file."""


class SecretFoundError(CassetteError):
    """Data to be saved contains a secret, so it was not saved. The text says where, never what."""


class NoMatchError(CassetteError):
    """A cassette has no answer for a request. The text has the nearest recorded request and the differences."""


class NetworkRefusedError(CassetteError):
    """A connection to another machine was refused during replay."""


class RealHostRefusedError(YCImagesError):
    """A connection to the real service, or a look-up of its name, was refused while a double is open."""


class CassetteUnusedError(CassetteError):
    """The test did not request all interactions of a cassette."""


class CassetteExpiredError(CassetteError):
    """A cassette is older than its maximum age."""


class CassetteDiffersError(CassetteError):
    """Answers differ from the recorded ones. The text has each differing field."""


class CassetteWarning(UserWarning):
    """A cassette is used, but needs attention."""


class MarkerWarning(UserWarning):
    """A marker has no effect, because no test that has it uses a double."""


class UnknownFieldWarning(UserWarning):
    """The client sent a field unknown to the contract in force. The service ignores such fields."""


def shortened(text: str, most: int = 1000) -> str:
    """Return a text of at most about `most` characters: without the middle of a longer one."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}… ({len(text) - 2 * half} characters left out) …{text[-half:]}"


def printable(text: str) -> str:
    """Return a text with escapes in place of control characters."""
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def nearest(given: object, known: Iterable[str], *, cutoff: float = 0.4) -> str:
    """Return the known word that a word resembles most, whatever its case; empty: none of them resembles it."""
    words = {word.casefold(): word for word in sorted(set(known), reverse=True)}
    found = difflib.get_close_matches(str(given).casefold(), words, n=1, cutoff=cutoff)
    return words[found[0]] if found else ""


def unknown_word(what: str, given: object, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown word, with the known words and the nearest one."""
    words = sorted({*known})
    close = nearest(given, words)
    hint = f" Did you mean {close!r}?" if close else ""
    return UsageError(f"Unknown {what} {shortened(repr(given))}.{hint} Known: {', '.join(words)}.")


def raise_first(errors: Sequence[Exception]) -> None:
    """Raise the first of several errors, if there are any, with the others as notes.

    Raises:
        Exception: without a traceback of this package, unless it is what has failed.
    """
    __tracebackhide__ = True
    if errors:
        first, *others = errors
        note_others(first, others)
        raise first.with_traceback(None) if isinstance(first, YCImagesError | Warning) else first


def note_others(error: Exception, others: Iterable[Exception]) -> None:
    """Add other errors to one as notes."""
    for other in others:
        error.add_note(f"\nAnd then: {type(other).__name__}: {other}")


for _public in list(vars().values()):
    if isinstance(_public, type):
        _public.__module__ = "pytest_ycimages"  # where users import it from
