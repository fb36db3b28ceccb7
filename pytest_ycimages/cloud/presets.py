"""Timings that were measured on the real service (api-facts.md, section 4.2): wall time, as `yc` printed it.

Each is one or two samples from a vendor's guide. They give the order of magnitude of a wait, but not how times spread
or grow with the size. Use `LogNormal` and `PerGiB` with your own figures for that.
"""

from __future__ import annotations

from typing import Final

from pytest_ycimages.cloud.timing import After
from pytest_ycimages.cloud.timing_by_chance import Uniform
from pytest_ycimages.cloud.timing_by_source import BySource

REALISTIC_URI: Final = After(12)
"""An image from a file: observed once, 12 s for 1.76 GiB stored (2025). Not measured: any other size."""

REALISTIC_IMAGE: Final = Uniform(9, 12)
"""An image from an image: observed twice, 12 s for 2.4 GiB stored (2024) and 9 s for 9.2 GiB (2025).

Not measured: whether times between these are as likely as these.
"""

REALISTIC_DISK: Final = After(8)
"""An image from a disk: observed once, 8 s for an encrypted disk of 5 GiB that was empty.

Not measured: a disk with data on it.
"""

REALISTIC_SNAPSHOT: Final = After(18)
"""An image from a snapshot: not measured. 18 s is what a *snapshot of a disk* took, with 3.4 GiB stored (2025)."""

REALISTIC_DELETE: Final = After(2)
"""The deletion of an image: observed, 2 s."""

REALISTIC: Final = BySource(
    disk=REALISTIC_DISK,
    snapshot=REALISTIC_SNAPSHOT,
    image=REALISTIC_IMAGE,
    uri=REALISTIC_URI,
    other=REALISTIC_DELETE,
)
"""All presets together. An update was not measured: it takes as long as a deletion."""

PRESETS: Final = {
    "REALISTIC": REALISTIC,
    "REALISTIC_URI": REALISTIC_URI,
    "REALISTIC_IMAGE": REALISTIC_IMAGE,
    "REALISTIC_DISK": REALISTIC_DISK,
    "REALISTIC_SNAPSHOT": REALISTIC_SNAPSHOT,
    "REALISTIC_DELETE": REALISTIC_DELETE,
}
