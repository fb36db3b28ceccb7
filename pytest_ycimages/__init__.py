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
        CassetteBrokenError,
        CassetteDiffersError,
        CassetteError,
        CassetteExpiredError,
        CassetteInUseError,
        CassetteMissingError,
        CassetteUnusedError,
        CassetteWarning,
        DoubleFailedError,
        FaultNeverStruckError,
        NetworkRefusedError,
        NoMatchError,
        SecretFoundError,
        UnknownFieldWarning,
        UsageError,
        VirtualTimeError,
        YCImagesError,
    )
    from pytest_ycimages.faults.answers import (
        bad_gateway,
        bad_request,
        error,
        gateway_timeout,
        internal,
        permission_denied,
        quota_exceeded,
        rate_limited,
        token_expired,
        unavailable,
    )
    from pytest_ycimages.faults.connection_faults import (
        close,
        garble,
        hang,
        refuse,
        reset,
        stale,
        stall,
        trickle,
        truncate,
    )
    from pytest_ycimages.faults.fault import Fault
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.operation_faults import (
        cancel_ignored,
        image_seen_late,
        operation_fails,
        operation_lost,
        operation_never_ends,
        operation_seen_late,
    )
    from pytest_ycimages.faults.rule import Rule
    from pytest_ycimages.faults.slowness import ramp, slow
    from pytest_ycimages.faults.when import When, after, always, between, chance, every, first, nth, over_rate, script
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
    "CassetteBrokenError",
    "CassetteDiffersError",
    "CassetteError",
    "CassetteExpiredError",
    "CassetteInUseError",
    "CassetteMissingError",
    "CassetteUnusedError",
    "CassetteWarning",
    "Code",
    "Double",
    "DoubleFailedError",
    "Empty",
    "Failure",
    "Fault",
    "FaultNeverStruckError",
    "Hint",
    "Image",
    "ImageStatus",
    "Immediate",
    "Injection",
    "Latency",
    "LogNormal",
    "NetworkRefusedError",
    "Never",
    "NoMatchError",
    "Operation",
    "Os",
    "OsType",
    "Pacing",
    "PerGiB",
    "Quotas",
    "Rule",
    "Schedule",
    "Script",
    "SecretFoundError",
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
    "When",
    "YCImagesError",
    "after",
    "always",
    "bad_gateway",
    "bad_request",
    "between",
    "cancel_ignored",
    "chance",
    "close",
    "error",
    "every",
    "first",
    "garble",
    "gateway_timeout",
    "hang",
    "image_seen_late",
    "internal",
    "nth",
    "operation_fails",
    "operation_lost",
    "operation_never_ends",
    "operation_seen_late",
    "over_rate",
    "permission_denied",
    "quota_exceeded",
    "ramp",
    "rate_limited",
    "refuse",
    "reset",
    "script",
    "slow",
    "stale",
    "stall",
    "token_expired",
    "trickle",
    "truncate",
    "unavailable",
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
    "CassetteBrokenError": "errors",
    "CassetteDiffersError": "errors",
    "CassetteError": "errors",
    "CassetteExpiredError": "errors",
    "CassetteInUseError": "errors",
    "CassetteMissingError": "errors",
    "CassetteUnusedError": "errors",
    "CassetteWarning": "errors",
    "Code": "api.code",
    "Double": "double",
    "DoubleFailedError": "errors",
    "Empty": "api.operation",
    "Failure": "cloud.ending",
    "Fault": "faults.fault",
    "FaultNeverStruckError": "errors",
    "Hint": "pacing.hints",
    "Image": "api.image",
    "ImageStatus": "api.image",
    "Immediate": "cloud.timing",
    "Injection": "faults.injection",
    "Latency": "latency",
    "LogNormal": "cloud.timing_by_chance",
    "NetworkRefusedError": "errors",
    "Never": "cloud.timing",
    "NoMatchError": "errors",
    "Operation": "api.operation",
    "Os": "api.image",
    "OsType": "api.image",
    "Pacing": "pacing.pacing",
    "PerGiB": "cloud.timing_by_source",
    "Quotas": "cloud.quotas",
    "Rule": "faults.rule",
    "Schedule": "cloud.timing",
    "Script": "cloud.script",
    "SecretFoundError": "errors",
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
    "When": "faults.when",
    "YCImagesError": "errors",
    "after": "faults.when",
    "always": "faults.when",
    "bad_gateway": "faults.answers",
    "bad_request": "faults.answers",
    "between": "faults.when",
    "cancel_ignored": "faults.operation_faults",
    "chance": "faults.when",
    "close": "faults.connection_faults",
    "error": "faults.answers",
    "every": "faults.when",
    "first": "faults.when",
    "garble": "faults.connection_faults",
    "gateway_timeout": "faults.answers",
    "hang": "faults.connection_faults",
    "image_seen_late": "faults.operation_faults",
    "internal": "faults.answers",
    "nth": "faults.when",
    "operation_fails": "faults.operation_faults",
    "operation_lost": "faults.operation_faults",
    "operation_never_ends": "faults.operation_faults",
    "operation_seen_late": "faults.operation_faults",
    "over_rate": "faults.when",
    "permission_denied": "faults.answers",
    "quota_exceeded": "faults.answers",
    "ramp": "faults.slowness",
    "rate_limited": "faults.answers",
    "refuse": "faults.connection_faults",
    "reset": "faults.connection_faults",
    "script": "faults.when",
    "slow": "faults.slowness",
    "stale": "faults.connection_faults",
    "stall": "faults.connection_faults",
    "token_expired": "faults.answers",
    "trickle": "faults.connection_faults",
    "truncate": "faults.connection_faults",
    "unavailable": "faults.answers",
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
