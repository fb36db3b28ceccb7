"""Mode verify: a cassette answers the test, and is compared with a target at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pytest_ycimages.backing.record import credentials
from pytest_ycimages.backing.replay import Replay, how_to_record
from pytest_ycimages.cassette.requests import is_service
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.errors import CassetteDiffersError
from pytest_ycimages.settings import CassetteSettings
from pytest_ycimages.verify.fake_target import FakeTarget
from pytest_ycimages.verify.report import error_text
from pytest_ycimages.verify.service_target import PATIENCE, ServiceTarget
from pytest_ycimages.verify.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.verify.verify import Target

SERVICE: Final = "service"
"""The word for the service, in place of an address."""

_OF_THE_TEST: Final = frozenset(
    {
        *CassetteSettings.model_fields,
        "cancel", "cancel_delay", "clock", "faults", "host", "latency", "latency_order", "outcome", "port", "rollback",
        "timing",
    }
)  # fmt: skip
"""The settings of the test's own double, and those that the cassette decides."""


def target_of(
    cassette: CassetteData,
    upstream: str | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    patience: float = PATIENCE,
) -> Target:
    """Return the target that answers the requests of a cassette.

    Args:
        cassette: the cassette.
        upstream: an address, or `service`; None for a fresh fake.
        settings: the settings of the fake.
        patience: the seconds to poll an address for a recorded state.

    Raises:
        UsageError: the address cannot be reached, a setting is invalid, or the environment lacks the credentials.
    """
    if upstream is None:
        return FakeTarget(cassette, settings)
    at = Upstream(None if upstream == SERVICE or is_service(urlsplit(upstream).hostname or "") else upstream)
    token, folder_id = credentials(at)
    return ServiceTarget(at, token=token, folder_id=folder_id, patience=patience)


class Verify(Replay):
    """Answers from a cassette, and compares it with `upstream`, or else with a fresh fake."""

    def check_end(self) -> None:
        """Raise, or warn, unless every interaction was used and today's answers are the recorded ones.

        Raises:
            CassetteUnusedError: interactions that were not requested.
            CassetteDiffersError: answers that differ from the recorded ones.
        """
        super().check_end()
        settings = self.settings
        cassette = self._scrubbed.clean
        target = target_of(cassette, settings.upstream, None if settings.upstream else self._fake_settings())
        verification = verify(cassette, target)
        if verification.differs:
            then = f"If that is right, record it anew: {how_to_record(self.name, self.path)}"
            raise CassetteDiffersError(error_text(str(self.path), verification, then))

    def _fake_settings(self) -> dict[str, Any]:
        """Return the settings that apply to the fake."""
        given = self.settings.model_fields_set - _OF_THE_TEST
        return {name: getattr(self.settings, name) for name in given}
