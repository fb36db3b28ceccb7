"""Who a cassette is compared with: a fresh fake, the service itself, or whoever stands at an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pytest_ycimages.backing.record import credentials
from pytest_ycimages.cassette.requests import is_service
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.verify.fake_target import FakeTarget
from pytest_ycimages.verify.service_target import PATIENCE, UpstreamTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.verify.verify import Target

SERVICE: Final = "service"
"""The word for the service itself, in the place of an address."""


def target_of(
    tape: CassetteData,
    upstream: str | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    *,
    patience: float = PATIENCE,
) -> Target:
    """Whoever is to answer a cassette's requests.

    Args:
        tape: the cassette.
        upstream: an address, or `service`; None: a fresh fake.
        settings: what is in force in the fake.
        patience: seconds that somebody at an address is polled for a recorded state.

    Raises:
        UsageError: nobody can be reached there, a setting cannot be, or the environment lacks the credentials.
    """
    if upstream is None:
        return FakeTarget(tape, settings)
    at = Upstream(None if upstream == SERVICE or is_service(urlsplit(upstream).hostname or "") else upstream)
    token, folder_id = credentials(at)
    return UpstreamTarget(at, token=token, folder_id=folder_id, patience=patience)
