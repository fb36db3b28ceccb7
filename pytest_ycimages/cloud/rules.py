"""How the cloud behaves where neither the specification nor the facts decide: every open question, with its default."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pytest_ycimages.cloud.quotas import Quotas
from pytest_ycimages.cloud.timing import AfterPolls, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.cloud.access_service import Auth
    from pytest_ycimages.cloud.idempotency import KeyFormat, KeyReuse
    from pytest_ycimages.cloud.sources import UnknownResources

UnknownFields = Literal["ignore", "warn", "reject"]


@dataclass(frozen=True, slots=True)
class Rules:
    """See `Settings` for what each of them means."""

    auth: Auth = "any"
    timing: Timing = field(default_factory=lambda: AfterPolls(1))
    rollback: float = 0
    unknown_resources: UnknownResources = "accept"
    unknown_fields: UnknownFields = "warn"
    idempotency_key_format: KeyFormat = "any"
    idempotency_key_reuse: KeyReuse = "first"
    poll_interval: int | None = None
    quotas: Quotas = field(default_factory=Quotas)
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
