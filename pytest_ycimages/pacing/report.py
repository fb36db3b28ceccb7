"""A client's pacing as text for people: one line, or a line for every poll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_ycimages.call import shown

if TYPE_CHECKING:
    from pytest_ycimages.pacing.pacing import Pacing

_LISTED: Final = 20
"""How many polls, and how many hints that were not obeyed, a report lists."""


def summary(pacing: Pacing) -> str:
    """One line."""
    if not pacing.polls:
        return "never polled"
    parts = [f"{len(pacing.polls)} poll{'s' if len(pacing.polls) > 1 else ''}"]
    if pacing.first_after is not None:
        parts.append(f"the first after {shown(pacing.first_after)}")
    if pacing.pauses:
        shortest, longest = shown(min(pacing.pauses)), shown(max(pacing.pauses))
        parts.append(f"pauses of {shortest if shortest == longest else f'{shortest} to {longest}'}")
    if pacing.growth is not None:
        parts.append(f"growth {pacing.growth:.2f}")
    if pacing.jitter is not None:
        parts.append(f"jitter {pacing.jitter:.1%}")
    parts.append(f"{len(pacing.polls_after_done)} after done" if pacing.done else "done never shown")
    if pacing.hints:
        parts.append(f"{sum(hint.obeyed for hint in pacing.hints)} of {len(pacing.hints)} hints obeyed")
    return ", ".join(parts)


def report(pacing: Pacing, wrong: int | None = None) -> str:
    """The summary, the start, the polls and the hints not obeyed; `wrong` is the index of a poll to point at."""
    image = f" (image {pacing.image_id})" if pacing.image_id else ""
    lines = [f"operation {pacing.operation_id}{image}: {summary(pacing)}"]
    if pacing.started:
        lines.append(f"    start  +{shown(pacing.started.answered_at):<10} {pacing.started.method}")
    lines += _window([_line(pacing, number, wrong) for number in range(len(pacing.polls))], wrong)
    ignored = [f"    {hint}" for hint in pacing.hints if not hint.obeyed]
    return "\n".join([*lines, *ignored[:_LISTED]])


def exact(seconds: float) -> str:
    """Seconds with all their digits."""
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _line(pacing: Pacing, number: int, wrong: int | None) -> str:
    poll = pacing.polls[number]
    since = pacing.pauses[number - 1] if number else pacing.first_after
    after = "" if since is None else f"after {shown(since)}"
    mark = "  <-- here" if number == wrong else ""
    return f"{number + 1:>10}  +{shown(poll.came_at):<10} {after:<15} {poll.status.name}  {poll.note}{mark}"


def _window(lines: list[str], wrong: int | None) -> list[str]:
    """The lines around the one that is wrong, or the last ones."""
    end = len(lines) if wrong is None else min(len(lines), max(_LISTED, wrong + _LISTED // 2))
    start = max(0, end - _LISTED)
    before = [f"       ... {start} earlier polls"] if start else []
    after = [f"       ... {len(lines) - end} later polls"] if end < len(lines) else []
    return [*before, *lines[start:end], *after]
