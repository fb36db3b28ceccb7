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
    "call": "Call Hint",
    "cassette.handle": "Cassette",
    "cassette.model": "CassetteMetadata Interaction Origin RecordedRequest RecordedResponse",
    "cloud.outcome": "Failure Success",
    "cloud.rules": "Quotas",
    "cloud.script": "Schedule Script Stage Start",
    "cloud.timing": (
        "After AfterPolls BySource Immediate LogNormal Never PerGiB REALISTIC REALISTIC_DELETE REALISTIC_DISK "
        "REALISTIC_IMAGE REALISTIC_SLOW_DISK REALISTIC_SNAPSHOT REALISTIC_URI Timing Uniform"
    ),
    "double": "Double DoubleFactory",
    "errors": (
        "CassetteBrokenError CassetteDiffersError CassetteError CassetteExpiredError CassetteInUseError "
        "CassetteMissingError CassetteUnusedError CassetteWarning DoubleFailedError FaultNeverStruckError "
        "MarkerWarning NetworkRefusedError NoMatchError RealHostRefusedError SecretFoundError UnknownAttributeError "
        "UnknownFieldWarning UsageError VirtualTimeError YCImagesError"
    ),
    "experiment.command": "Command",
    "experiment.experiment": "ExperimentRunner assert_survives run_experiment",
    "experiment.html": "report_html",
    "experiment.judges.changes": "deletes_images deletes_once keeps_images no_lost_updates no_stale_lists",
    "experiment.judges.outcome": ("cancels cancels_within no_duplicates no_orphans no_useless_retry recovers truthful"),
    "experiment.judges.pacing": "bounded finishes polite",
    "experiment.report": "Finding Report report_from_json report_json report_schema",
    "experiment.shards": "merge_shards",
    "experiment.running": "TrialLimits run_trial",
    "experiment.scenario": "Candidate PlannedFault Scenario",
    "experiment.trial": "Outcome Trial Verdict",
    "faults.fault": "Fault",
    "faults.injection": "Injection",
    "faults.rule": "Rule",
    "faults.schedules": "When after always between chance every first nth over_rate script",
    "journal": "Calls",
    "latency": "Latency",
    "pacing": "Pacing",
    "settings": "Settings",
    "virtual.time": "VirtualTime",
}
"""The public names by the module that defines them. Those of faults are in the catalogue."""
_HOME: Final = {name: module for module, names in _EXPORTS.items() for name in names.split()}


@cache
def _faults() -> dict[str, str]:
    """Return the module of each fault, read from the text of the catalogue: that imports nothing."""
    from pathlib import Path  # noqa: PLC0415 - needed only when a fault is asked for, or all names are

    text = (Path(__file__).parent / "faults" / "catalogue.py").read_text("utf-8")
    listed = text.partition("__all__ = [")[2].partition("]")[0]
    return dict.fromkeys(listed.replace('"', "").replace(",", "").split(), "faults.catalogue")


def __getattr__(name: str) -> Any:
    """Load a public name, the list of them, or the version of the installed package."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading metadata is slow, and rarely needed

        return version("pytest-ycimages")
    if name == "__all__":
        return sorted(_HOME | _faults(), key=lambda each: (not each.isupper(), each))
    home = _HOME.get(name) or (not name.startswith("_") and _faults().get(name))
    if not home:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted([*_HOME, *_faults(), "__version__"])
