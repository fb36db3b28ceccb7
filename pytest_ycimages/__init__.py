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
    from pytest_ycimages.cassette.handle import Cassette
    from pytest_ycimages.cassette.model import CassetteMetadata, Interaction, Origin, RecordedRequest, RecordedResponse
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
    from pytest_ycimages.experiment.candidates import Candidate
    from pytest_ycimages.experiment.command import Command
    from pytest_ycimages.experiment.experiment import run_experiment
    from pytest_ycimages.experiment.judges.pace import bounded, finishes, polite
    from pytest_ycimages.experiment.judges.trouble import cancels, no_useless_retry, recovers
    from pytest_ycimages.experiment.judges.what_is_left import no_duplicates, no_orphans, truthful
    from pytest_ycimages.experiment.report import Finding, Report
    from pytest_ycimages.experiment.report_html import report_html
    from pytest_ycimages.experiment.report_json import report_from_json, report_json
    from pytest_ycimages.experiment.running import TrialLimits, run_trial
    from pytest_ycimages.experiment.scenario import PlannedFault, Scenario
    from pytest_ycimages.experiment.surviving import assert_survives
    from pytest_ycimages.experiment.trial import Outcome, Trial, Verdict
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
    "Candidate",
    "Cassette",
    "CassetteBrokenError",
    "CassetteDiffersError",
    "CassetteError",
    "CassetteExpiredError",
    "CassetteInUseError",
    "CassetteMissingError",
    "CassetteUnusedError",
    "CassetteWarning",
    "Code",
    "Command",
    "Double",
    "DoubleFailedError",
    "Empty",
    "Failure",
    "Fault",
    "FaultNeverStruckError",
    "Finding",
    "Hint",
    "Image",
    "ImageStatus",
    "Immediate",
    "Injection",
    "Interaction",
    "CassetteMetadata",
    "Latency",
    "LogNormal",
    "NetworkRefusedError",
    "Never",
    "NoMatchError",
    "Operation",
    "Origin",
    "Os",
    "OsType",
    "Outcome",
    "Pacing",
    "PerGiB",
    "PlannedFault",
    "Quotas",
    "RecordedRequest",
    "RecordedResponse",
    "Report",
    "Rule",
    "Scenario",
    "Schedule",
    "Script",
    "SecretFoundError",
    "Settings",
    "Stage",
    "Start",
    "Status",
    "Success",
    "Timing",
    "Trial",
    "TrialLimits",
    "Uniform",
    "UnknownFieldWarning",
    "UsageError",
    "Verdict",
    "VirtualTime",
    "VirtualTimeError",
    "When",
    "YCImagesError",
    "after",
    "always",
    "assert_survives",
    "bad_gateway",
    "bad_request",
    "between",
    "bounded",
    "cancel_ignored",
    "cancels",
    "chance",
    "close",
    "error",
    "every",
    "finishes",
    "first",
    "garble",
    "gateway_timeout",
    "hang",
    "image_seen_late",
    "internal",
    "no_duplicates",
    "no_orphans",
    "no_useless_retry",
    "nth",
    "operation_fails",
    "operation_lost",
    "operation_never_ends",
    "operation_seen_late",
    "over_rate",
    "permission_denied",
    "polite",
    "quota_exceeded",
    "ramp",
    "rate_limited",
    "recovers",
    "refuse",
    "report_from_json",
    "report_html",
    "report_json",
    "reset",
    "run_experiment",
    "run_trial",
    "script",
    "slow",
    "stale",
    "stall",
    "token_expired",
    "trickle",
    "truncate",
    "truthful",
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
    "Candidate": "experiment.candidates",
    "Cassette": "cassette.handle",
    "CassetteBrokenError": "errors",
    "CassetteDiffersError": "errors",
    "CassetteError": "errors",
    "CassetteExpiredError": "errors",
    "CassetteInUseError": "errors",
    "CassetteMissingError": "errors",
    "CassetteUnusedError": "errors",
    "CassetteWarning": "errors",
    "Code": "api.code",
    "Command": "experiment.command",
    "Double": "double",
    "DoubleFailedError": "errors",
    "Empty": "api.operation",
    "Failure": "cloud.ending",
    "Fault": "faults.fault",
    "FaultNeverStruckError": "errors",
    "Finding": "experiment.report",
    "Hint": "pacing.hints",
    "Image": "api.image",
    "ImageStatus": "api.image",
    "Immediate": "cloud.timing",
    "Injection": "faults.injection",
    "Interaction": "cassette.model",
    "CassetteMetadata": "cassette.model",
    "Latency": "latency",
    "LogNormal": "cloud.timing_by_chance",
    "NetworkRefusedError": "errors",
    "Never": "cloud.timing",
    "NoMatchError": "errors",
    "Operation": "api.operation",
    "Origin": "cassette.model",
    "Os": "api.image",
    "OsType": "api.image",
    "Outcome": "experiment.trial",
    "Pacing": "pacing.pacing",
    "PerGiB": "cloud.timing_by_source",
    "PlannedFault": "experiment.scenario",
    "Quotas": "cloud.quotas",
    "RecordedRequest": "cassette.model",
    "RecordedResponse": "cassette.model",
    "Report": "experiment.report",
    "Rule": "faults.rule",
    "Scenario": "experiment.scenario",
    "Schedule": "cloud.timing",
    "Script": "cloud.script",
    "SecretFoundError": "errors",
    "Settings": "settings",
    "Stage": "cloud.stage",
    "Start": "cloud.timing",
    "Status": "api.status",
    "Success": "cloud.ending",
    "Timing": "cloud.timing",
    "Trial": "experiment.trial",
    "TrialLimits": "experiment.running",
    "Uniform": "cloud.timing_by_chance",
    "UnknownFieldWarning": "errors",
    "UsageError": "errors",
    "Verdict": "experiment.trial",
    "VirtualTime": "virtual.time",
    "VirtualTimeError": "errors",
    "When": "faults.when",
    "YCImagesError": "errors",
    "after": "faults.when",
    "always": "faults.when",
    "assert_survives": "experiment.surviving",
    "bad_gateway": "faults.answers",
    "bad_request": "faults.answers",
    "between": "faults.when",
    "bounded": "experiment.judges.pace",
    "cancel_ignored": "faults.operation_faults",
    "cancels": "experiment.judges.trouble",
    "chance": "faults.when",
    "close": "faults.connection_faults",
    "error": "faults.answers",
    "every": "faults.when",
    "finishes": "experiment.judges.pace",
    "first": "faults.when",
    "garble": "faults.connection_faults",
    "gateway_timeout": "faults.answers",
    "hang": "faults.connection_faults",
    "image_seen_late": "faults.operation_faults",
    "internal": "faults.answers",
    "no_duplicates": "experiment.judges.what_is_left",
    "no_orphans": "experiment.judges.what_is_left",
    "no_useless_retry": "experiment.judges.trouble",
    "nth": "faults.when",
    "operation_fails": "faults.operation_faults",
    "operation_lost": "faults.operation_faults",
    "operation_never_ends": "faults.operation_faults",
    "operation_seen_late": "faults.operation_faults",
    "over_rate": "faults.when",
    "permission_denied": "faults.answers",
    "polite": "experiment.judges.pace",
    "quota_exceeded": "faults.answers",
    "ramp": "faults.slowness",
    "rate_limited": "faults.answers",
    "recovers": "experiment.judges.trouble",
    "refuse": "faults.connection_faults",
    "report_from_json": "experiment.report_json",
    "report_html": "experiment.report_html",
    "report_json": "experiment.report_json",
    "reset": "faults.connection_faults",
    "run_experiment": "experiment.experiment",
    "run_trial": "experiment.running",
    "script": "faults.when",
    "slow": "faults.slowness",
    "stale": "faults.connection_faults",
    "stall": "faults.connection_faults",
    "token_expired": "faults.answers",
    "trickle": "faults.connection_faults",
    "truncate": "faults.connection_faults",
    "truthful": "experiment.judges.what_is_left",
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
