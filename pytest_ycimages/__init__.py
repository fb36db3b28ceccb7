"""A test double of the Yandex Compute Cloud image API, for pytest and without it.

Names are loaded when they are first used, so that importing this package costs next to nothing. Type checkers read
`__init__.pyi`.
"""

from __future__ import annotations

from functools import cache
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
"""The public names by the module that defines them, without the judges: these register themselves."""
_HOME: Final = {name: module for module, names in _EXPORTS.items() for name in names.split()}
_JUDGES: Final = "experiment.judges"


@cache
def _judges() -> dict[str, str]:
    """Return the module of each judge, read from the text of the modules: that imports nothing."""
    import re  # noqa: PLC0415 - needed only when a judge is asked for, or all names are
    from pathlib import Path  # noqa: PLC0415

    found = {}
    for file in Path(__file__).parent.joinpath(*_JUDGES.split(".")).glob("*.py"):
        registered = re.findall(r"^@(?:default|optional)_judge\b.*\ndef (\w+)", file.read_text("utf-8"), re.MULTILINE)
        found |= dict.fromkeys(registered, f"{_JUDGES}.{file.stem}")
    return found


def __getattr__(name: str) -> Any:
    """Load a public name, the list of them, or the version of the installed package."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading metadata is slow, and rarely needed

        return version("pytest-ycimages")
    if name == "__all__":
        return sorted(_HOME | _judges(), key=lambda each: (not each.isupper(), each))
    home = _HOME.get(name) or (not name.startswith("_") and _judges().get(name))
    if not home:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted([*_HOME, *_judges(), "__version__"])
