"""The quotas of the model: what each is called, and the words of exceeding it (api-facts.md, sections 2.2 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .records import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTAS: Final = {
    "images": ("compute.images.count", "The limit on maximum number of images has exceeded."),
    "total_size": ("compute.images.size", "The limit on total size of images has exceeded."),
    "pooled_images": ("compute.diskPools.count", "The limit on maximum number of disk pools has exceeded."),
    "running_operations": (
        "compute.operations.count",
        "The limit on maximum number of active operations has exceeded.",
    ),
}


def over(quotas: Mapping[str, int], quota: str, usage: int, more: int) -> Refusal | None:
    """The refusal of so much more, when that is too much."""
    limit = quotas.get(quota)
    if limit is None or usage + more <= limit:
        return None
    metric, message = QUOTAS[quota]
    return Refusal(8, message, (metric, limit, usage, usage + more))
