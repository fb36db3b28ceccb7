"""The timeline of a double as text: its calls, then the state and pacing of its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.cloud.clock import last_kind_of

if TYPE_CHECKING:
    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.double import Double

_SHOWN = 100


def timeline(double: Double) -> str:
    """Return the last calls of `double`, one a line, then the state and pacing of its operations."""
    calls = double.calls
    settings = double.settings
    behind = f"timing {double.timing}" if settings.mode == "fake" else f"mode {settings.mode}, {double.cassette}"
    lines = [f"{len(calls)} calls, {behind}, clock {last_kind_of(double.clock)}"]
    if len(calls) > _SHOWN:
        lines.append(f"... {len(calls) - _SHOWN} earlier calls; double.calls has them all")
    lines += map(str, calls[-_SHOWN:])
    pacing = calls.pacing
    for operation in list(double.operations.values())[-_SHOWN:]:
        lines.append(f"operation {_state(operation)}")
        if operation.id in pacing and pacing[operation.id].polls:
            lines.append(f"    {pacing[operation.id].summary}")
    lines += map(str, (injection.report() for injection in double.injections))
    lines += (f"never used: {asked}" for asked in double.upcoming)
    return "\n".join(lines)


def _state(operation: Operation) -> str:
    target = f"{operation.id} ({operation.description}, image {operation.metadata.image_id})"
    if operation.error:
        progress = "failed" if operation.done else "failing"
        return f"{target}: {progress}, code {operation.error.code}: {operation.error.message}"
    return f"{target}: {'done' if operation.done else 'running'}"
