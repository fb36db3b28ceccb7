"""Checks: the methods of a double that raise what it has met, and warn."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from pytest_ycimages.errors import DoubleFailedError, UnknownFieldWarning, printable, raise_first, shortened
from pytest_ycimages.injecting import Injecting

if TYPE_CHECKING:
    from pytest_ycimages.errors import RealHostRefusedError, YCImagesError


class Checking(Injecting):
    """Raises the errors that a double has met, and warns about fields that the contract does not know."""

    _refusals: list[RealHostRefusedError]
    """The calls that clients made to the real service."""
    _raised: tuple[YCImagesError, ...] = ()
    """The errors that have been raised."""
    _warned = 0
    """How many calls have been looked at for unknown fields."""

    def check(self, *, faults: bool = True) -> None:
        """Raise errors that the double met, and warn about fields that the contract does not know.

        Args:
            faults: whether faults that never struck and unused interactions of a cassette are errors.

        Raises:
            CassetteError: the cassette had no answer, has expired, or could not be written.
            CassetteUnusedError: the client did not request all interactions of the cassette.
            CassetteDiffersError: answers differ from the recorded ones.
            RealHostRefusedError: a client called the real service, and not the double.
            DoubleFailedError: the double raised while answering a call; the cause has the traceback.
            FaultNeverStruckError: a planned fault has not struck.
        """
        __tracebackhide__ = True
        raise_first(self.problems)
        if faults:
            self.check_end()
        self._warn_of_unknown_fields()

    def check_since_last_time(self) -> None:
        """Raise errors that the double has met since the last time, and warn about unknown fields.

        Raises:
            YCImagesError: as `check` does; faults and cassettes may still be used.
        """
        __tracebackhide__ = True
        fresh = [each for each in self.problems if not any(each is one for one in self._raised)]
        self._raised = (*self._raised, *fresh)
        self._backing.pipeline.failure, self._backing.pipeline.failed = None, 0
        raise_first(fresh)
        self._warn_of_unknown_fields()

    def check_end(self) -> None:
        """Raise unless all planned faults have struck, and all interactions of the cassette were used.

        Raises:
            CassetteUnusedError: the client did not request all interactions of the cassette.
            CassetteDiffersError: answers differ from the recorded ones.
            FaultNeverStruckError: a planned fault has not struck.
        """
        __tracebackhide__ = True
        self._check_faults()
        self._backing.check_end()

    @property
    def problems(self) -> list[YCImagesError]:
        """What has gone wrong by now, the first of which `check` raises: such as requests that a cassette lacks."""
        pipeline = self._backing.pipeline
        problems = [error for error in (*self._backing.problems, *self._refusals) if not error.is_shown]
        if pipeline.failure is not None:
            line, error = pipeline.failure
            failed = DoubleFailedError(f"The double failed at {pipeline.failed} call(s); the first was {line}")
            failed.__cause__ = error
            problems.append(failed)
        return problems

    def _warn_of_unknown_fields(self) -> None:
        if self.settings.unknown_fields != "warn":
            return
        calls = self._backing.pipeline.journal.calls
        fresh = calls[max(0, self._warned - calls.dropped) :]
        self._warned = calls.dropped + len(calls)
        for call in fresh:
            if call.unknown_fields:
                fields = printable(shortened(", ".join(call.unknown_fields)))
                warnings.warn(
                    f"{call.method} was sent unknown fields, which the service ignores: {fields}. The contract "
                    f"in force is {self.settings.contract!r}; silence this with the setting unknown_fields='ignore'.",
                    UnknownFieldWarning,
                    stacklevel=3,
                )
