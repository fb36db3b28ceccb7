"""How old a recording is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pytest_ycimages.api.message import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages.cassette.model import CassetteMetadata

_DAY: Final = 24 * 60 * 60


def days_old(label: CassetteMetadata, now: int) -> float | None:
    """Days between a recording and `now`, in nanoseconds since the epoch; None: nobody knows when it was made."""
    try:
        recorded_at = datetime.fromisoformat(label.recorded_at)
    except ValueError:
        return None
    if recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=UTC)
    return (now / SECOND - recorded_at.timestamp()) / _DAY


def expired_text(path: Path, label: CassetteMetadata, now: int, max_age: float | None, rerecord: str) -> str:
    """Why a cassette has expired, and what to do; empty if it has not."""
    if max_age is None:
        return ""
    age = days_old(label, now)
    if age is not None and age <= max_age:
        return ""
    how_old = "says nothing of its age" if age is None else f"was recorded {age:.0f} days ago, at {label.recorded_at}"
    return (
        f"{path} {how_old}, and max_age is {max_age:g} days. See what has changed since then with "
        f"`ycimages verify {path} --upstream URL`, or record it anew with: {rerecord}"
    )
