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
    from pytest_ycimages.cassette.cassette import Cassette
    from pytest_ycimages.cassette.interaction import Interaction, Label, Origin, RecordedRequest, RecordedResponse
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
    from pytest_ycimages.faults.catalogue import (
        bad_gateway,
        bad_request,
        cancel_ignored,
        close,
        error,
        garble,
        gateway_timeout,
        hang,
        image_seen_late,
        internal,
        operation_fails,
        operation_lost,
        operation_never_ends,
        operation_seen_late,
        permission_denied,
        quota_exceeded,
        ramp,
        rate_limited,
        refuse,
        reset,
        slow,
        stale,
        stall,
        token_expired,
        trickle,
        truncate,
        unavailable,
    )
    from pytest_ycimages.faults.fault import Fault
    from pytest_ycimages.faults.injection import Injection
    from pytest_ycimages.faults.rule import Rule
    from pytest_ycimages.faults.schedules import (
        When,
        after,
        always,
        between,
        chance,
        every,
        first,
        nth,
        over_rate,
        script,
    )
    from pytest_ycimages.journal import Calls
    from pytest_ycimages.latency import Latency
    from pytest_ycimages.pacing import Pacing
    from pytest_ycimages.polls import Hint
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
    "Label",
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
    "Cassette": "cassette.cassette",
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
    "Hint": "polls",
    "Image": "api.image",
    "ImageStatus": "api.image",
    "Immediate": "cloud.timing",
    "Injection": "faults.injection",
    "Interaction": "cassette.interaction",
    "Label": "cassette.interaction",
    "Latency": "latency",
    "LogNormal": "cloud.timing_by_chance",
    "NetworkRefusedError": "errors",
    "Never": "cloud.timing",
    "NoMatchError": "errors",
    "Operation": "api.operation",
    "Origin": "cassette.interaction",
    "Os": "api.image",
    "OsType": "api.image",
    "Outcome": "experiment.trial",
    "Pacing": "pacing",
    "PerGiB": "cloud.timing_by_source",
    "PlannedFault": "experiment.scenario",
    "Quotas": "cloud.quotas",
    "RecordedRequest": "cassette.interaction",
    "RecordedResponse": "cassette.interaction",
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
    "When": "faults.schedules",
    "YCImagesError": "errors",
    "after": "faults.schedules",
    "always": "faults.schedules",
    "assert_survives": "experiment.surviving",
    "bad_gateway": "faults.catalogue",
    "bad_request": "faults.catalogue",
    "between": "faults.schedules",
    "bounded": "experiment.judges.pace",
    "cancel_ignored": "faults.catalogue",
    "cancels": "experiment.judges.trouble",
    "chance": "faults.schedules",
    "close": "faults.catalogue",
    "error": "faults.catalogue",
    "every": "faults.schedules",
    "finishes": "experiment.judges.pace",
    "first": "faults.schedules",
    "garble": "faults.catalogue",
    "gateway_timeout": "faults.catalogue",
    "hang": "faults.catalogue",
    "image_seen_late": "faults.catalogue",
    "internal": "faults.catalogue",
    "no_duplicates": "experiment.judges.what_is_left",
    "no_orphans": "experiment.judges.what_is_left",
    "no_useless_retry": "experiment.judges.trouble",
    "nth": "faults.schedules",
    "operation_fails": "faults.catalogue",
    "operation_lost": "faults.catalogue",
    "operation_never_ends": "faults.catalogue",
    "operation_seen_late": "faults.catalogue",
    "over_rate": "faults.schedules",
    "permission_denied": "faults.catalogue",
    "polite": "experiment.judges.pace",
    "quota_exceeded": "faults.catalogue",
    "ramp": "faults.catalogue",
    "rate_limited": "faults.catalogue",
    "recovers": "experiment.judges.trouble",
    "refuse": "faults.catalogue",
    "report_from_json": "experiment.report_json",
    "report_html": "experiment.report_html",
    "report_json": "experiment.report_json",
    "reset": "faults.catalogue",
    "run_experiment": "experiment.experiment",
    "run_trial": "experiment.running",
    "script": "faults.schedules",
    "slow": "faults.catalogue",
    "stale": "faults.catalogue",
    "stall": "faults.catalogue",
    "token_expired": "faults.catalogue",
    "trickle": "faults.catalogue",
    "truncate": "faults.catalogue",
    "truthful": "experiment.judges.what_is_left",
    "unavailable": "faults.catalogue",
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
