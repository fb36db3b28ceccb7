"""A test double of the Yandex Compute Cloud image API, for pytest and without it.

Names are loaded when they are first used, so that importing this package costs next to nothing. Type checkers read
`__init__.pyi`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

_EXPORTS: Final = {
    "api.resources": "Empty Image ImageStatus Operation Os OsType",
    "api.status": "Code Status",
    "call": "Call",
    "cassette.handle": "Cassette",
    "cassette.model": "CassetteMetadata Interaction Origin RecordedRequest RecordedResponse",
    "cloud.limits": "Quotas",
    "cloud.outcome": "Failure Success",
    "cloud.script": "Script",
    "cloud.stage": "Stage",
    "cloud.timing": (
        "After AfterPolls BySource Immediate LogNormal Never PerGiB REALISTIC REALISTIC_DELETE REALISTIC_DISK "
        "REALISTIC_IMAGE REALISTIC_SNAPSHOT REALISTIC_URI Schedule Start Timing Uniform"
    ),
    "double": "Double",
    "errors": (
        "CassetteBrokenError CassetteDiffersError CassetteError CassetteExpiredError CassetteInUseError "
        "CassetteMissingError CassetteUnusedError CassetteWarning DoubleFailedError FaultNeverStruckError "
        "NetworkRefusedError NoMatchError SecretFoundError UnknownFieldWarning UsageError VirtualTimeError "
        "YCImagesError"
    ),
    "experiment.command": "Command",
    "experiment.experiment": "assert_survives run_experiment",
    "experiment.html": "report_html",
    "experiment.judges.outcome": ("cancels cancels_within no_duplicates no_orphans no_useless_retry recovers truthful"),
    "experiment.judges.pacing": "bounded finishes polite",
    "experiment.report": "Finding Report report_from_json report_json report_schema",
    "experiment.running": "TrialLimits run_trial",
    "experiment.scenario": "Candidate PlannedFault Scenario",
    "experiment.trial": "Outcome Trial Verdict",
    "faults.catalogue": (
        "cancel_ignored error image_seen_late internal operation_fails operation_lost operation_never_ends "
        "operation_seen_late permission_denied quota_exceeded rate_limited token_expired unavailable"
    ),
    "faults.connection_faults": (
        "bad_gateway bad_request close garble gateway_timeout hang ramp refuse reset slow stale stall trickle truncate"
    ),
    "faults.fault": "Fault",
    "faults.injection": "Injection",
    "faults.rule": "Rule",
    "faults.schedules": "When after always between chance every first nth over_rate script",
    "journal": "Calls",
    "latency": "Latency",
    "pacing": "Pacing",
    "polls": "Hint",
    "settings": "Settings",
    "virtual.time": "VirtualTime",
}
"""The public names by the module that defines them."""
_HOME: Final = {name: module for module, names in _EXPORTS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a public name, the list of them, or the version of the installed package."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading metadata is slow, and rarely needed

        return version("pytest-ycimages")
    if name == "__all__":
        return sorted(_HOME, key=lambda each: (not each.isupper(), each))
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted([*_HOME, "__version__"])
