"""A test double of the Yandex Compute Cloud image API, for pytest and without it.

Names are loaded when they are first used, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pytest_ycimages.api.code import Code
    from pytest_ycimages.api.image import Image, ImageStatus, Os, OsType
    from pytest_ycimages.api.operation import Empty, Operation
    from pytest_ycimages.api.status import Status
    from pytest_ycimages.call import Call
    from pytest_ycimages.cloud.ending import Failure, Success
    from pytest_ycimages.cloud.presets import (
        REALISTIC,
        REALISTIC_DELETE,
        REALISTIC_DISK,
        REALISTIC_IMAGE,
        REALISTIC_SNAPSHOT,
        REALISTIC_URI,
    )
    from pytest_ycimages.cloud.quotas import Quotas
    from pytest_ycimages.cloud.script import Script
    from pytest_ycimages.cloud.stage import Stage
    from pytest_ycimages.cloud.timing import After, AfterPolls, Immediate, Never, Schedule, Start, Timing
    from pytest_ycimages.cloud.timing_by_chance import LogNormal, Uniform
    from pytest_ycimages.cloud.timing_by_source import BySource, PerGiB
    from pytest_ycimages.double import Double
    from pytest_ycimages.errors import (
        DoubleFailedError,
        UnknownFieldWarning,
        UsageError,
        VirtualTimeError,
        YCImagesError,
    )
    from pytest_ycimages.journal import Calls
    from pytest_ycimages.latency import Latency
    from pytest_ycimages.pacing.hints import Hint
    from pytest_ycimages.pacing.pacing import Pacing
    from pytest_ycimages.settings import Settings
    from pytest_ycimages.virtual.time import VirtualTime

__all__ = [
    "REALISTIC",
    "REALISTIC_DELETE",
    "REALISTIC_DISK",
    "REALISTIC_IMAGE",
    "REALISTIC_SNAPSHOT",
    "REALISTIC_URI",
    "After",
    "AfterPolls",
    "BySource",
    "Call",
    "Calls",
    "Code",
    "Double",
    "DoubleFailedError",
    "Empty",
    "Failure",
    "Hint",
    "Image",
    "ImageStatus",
    "Immediate",
    "Latency",
    "LogNormal",
    "Never",
    "Operation",
    "Os",
    "OsType",
    "Pacing",
    "PerGiB",
    "Quotas",
    "Schedule",
    "Script",
    "Settings",
    "Stage",
    "Start",
    "Status",
    "Success",
    "Timing",
    "Uniform",
    "UnknownFieldWarning",
    "UsageError",
    "VirtualTime",
    "VirtualTimeError",
    "YCImagesError",
]

_HOME: Final = {
    "REALISTIC": "cloud.presets",
    "REALISTIC_DELETE": "cloud.presets",
    "REALISTIC_DISK": "cloud.presets",
    "REALISTIC_IMAGE": "cloud.presets",
    "REALISTIC_SNAPSHOT": "cloud.presets",
    "REALISTIC_URI": "cloud.presets",
    "After": "cloud.timing",
    "AfterPolls": "cloud.timing",
    "BySource": "cloud.timing_by_source",
    "Call": "call",
    "Calls": "journal",
    "Code": "api.code",
    "Double": "double",
    "DoubleFailedError": "errors",
    "Empty": "api.operation",
    "Failure": "cloud.ending",
    "Hint": "pacing.hints",
    "Image": "api.image",
    "ImageStatus": "api.image",
    "Immediate": "cloud.timing",
    "Latency": "latency",
    "LogNormal": "cloud.timing_by_chance",
    "Never": "cloud.timing",
    "Operation": "api.operation",
    "Os": "api.image",
    "OsType": "api.image",
    "Pacing": "pacing.pacing",
    "PerGiB": "cloud.timing_by_source",
    "Quotas": "cloud.quotas",
    "Schedule": "cloud.timing",
    "Script": "cloud.script",
    "Settings": "settings",
    "Stage": "cloud.stage",
    "Start": "cloud.timing",
    "Status": "api.status",
    "Success": "cloud.ending",
    "Timing": "cloud.timing",
    "Uniform": "cloud.timing_by_chance",
    "UnknownFieldWarning": "errors",
    "UsageError": "errors",
    "VirtualTime": "virtual.time",
    "VirtualTimeError": "errors",
    "YCImagesError": "errors",
}


def __getattr__(name: str) -> Any:
    """Load a public name, or the version of the installed package."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading metadata is slow, and rarely asked for

        return version("pytest-ycimages")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])
