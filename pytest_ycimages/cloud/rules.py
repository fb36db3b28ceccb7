"""The cloud's behaviour where neither the specification nor the facts decide: each open question, with its default."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pytest_ycimages.cloud.limits import Quotas
from pytest_ycimages.cloud.operation_settings import (
    DEFAULT_CANCEL,
    DEFAULT_CANCEL_DELAY,
    DEFAULT_OUTCOME,
    DEFAULT_TIMING,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.cloud.access import Auth
    from pytest_ycimages.cloud.limits import KeyFormat, KeyReuse
    from pytest_ycimages.cloud.operation_settings import PerMethod
    from pytest_ycimages.cloud.outcome import Failure, Success
    from pytest_ycimages.cloud.plan import CancelWord
    from pytest_ycimages.cloud.sources import UnknownResources
    from pytest_ycimages.cloud.timing import Timing

UnknownFields = Literal["ignore", "warn", "reject"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force; see `Settings` for their meanings."""

    auth: Auth = "any"
    timing: Timing | PerMethod[Timing] = DEFAULT_TIMING
    outcome: Success | Failure | PerMethod[Success | Failure] = DEFAULT_OUTCOME
    rollback: float | PerMethod[float] = 0
    cancel: CancelWord | PerMethod[CancelWord] = DEFAULT_CANCEL
    cancel_delay: float = DEFAULT_CANCEL_DELAY
    unknown_resources: UnknownResources = "accept"
    unknown_fields: UnknownFields = "warn"
    idempotency_key_format: KeyFormat = "any"
    idempotency_key_reuse: KeyReuse = "first"
    poll_interval: int | None = None
    quotas: Quotas = field(default_factory=Quotas)
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
