"""A cassette that answers a test, and is held against whoever answers today once the test is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.backing.cassette_modes import Replay, how_to_record
from pytest_ycimages.cassette_settings import CassetteSettings
from pytest_ycimages.errors import CassetteDiffersError
from pytest_ycimages.verify.report import differing
from pytest_ycimages.verify.verify import verify
from pytest_ycimages.verify.verifying import target_of

if TYPE_CHECKING:
    from typing import Any

_OF_THE_TEST: Final = frozenset(
    {
        *CassetteSettings.model_fields,
        "cancel", "cancel_delay", "clock", "faults", "host", "latency", "latency_order", "outcome", "port", "rollback",
        "timing",
    }
)  # fmt: skip
"""The settings that are about the test's own double, or that the cassette decides."""


class Verify(Replay):
    """Answers from a cassette, and compares it with `upstream`, or else the fake."""

    def check_end(self) -> None:
        """Raise, or warn, unless all of the cassette had a part, and is answered so today.

        Raises:
            CassetteUnusedError: interactions that nobody asked for.
            CassetteDiffersError: answers that are not as they were recorded.
        """
        super().check_end()
        settings = self.settings
        tape = self._scrubbed.clean
        target = target_of(tape, settings.upstream, None if settings.upstream else self._of_the_fake())
        verification = verify(tape, target)
        if verification.differs:
            then = f"If that is right, record it anew: {how_to_record(self.name, self.path)}"
            raise CassetteDiffersError(differing(str(self.path), verification, then))

    def _of_the_fake(self) -> dict[str, Any]:
        """What the settings say of the fake, beyond what a recording says."""
        given = self.settings.model_fields_set - _OF_THE_TEST
        return {name: getattr(self.settings, name) for name in given}
