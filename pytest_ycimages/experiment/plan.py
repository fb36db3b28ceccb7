"""What an experiment is to do, as a value, and the part of it that decides the results of its trials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import client_name, source_digest
from pytest_ycimages.experiment.judges.judge import name_of
from pytest_ycimages.experiment.trials import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.experiment.command import Command
    from pytest_ycimages.experiment.judges.judge import Judge
    from pytest_ycimages.experiment.running import Client, TrialLimits
    from pytest_ycimages.experiment.scenario import Candidate

_RANDOM: Final = re.compile(r"\b(?:Uniform|LogNormal)\b")
"""The words of settings that are random."""


class Plan(NamedTuple):
    """What an experiment is to do: the options of `run_experiment`, read."""

    client: Client | Command
    candidates: tuple[Candidate, ...]
    judges: tuple[Judge, ...]
    depth: int
    settings: Mapping[str, Any]
    seed: int
    random: int
    budget: float | None
    limits: TrialLimits

    @property
    def about(self) -> Mapping[str, Any]:
        """Return what decides the results of trials, for a file from which the search goes on."""
        return {
            "client": client_name(self.client),
            "source": source_digest(self.client),
            "faults": [f"{each.fault} {each.on} {each.commits} {each.lasts}" for each in self.candidates],
            "judges": [f"{name_of(judge)} {source_digest(judge)}" for judge in self.judges],
            "settings": {name: repr(value) for name, value in self.settings.items()},
            "seed": self.seed,
            "limits": list(self.limits),
        }

    @property
    def repeated(self) -> Mapping[str, Any]:
        """Return the settings of a test that repeats a trial, with the seed if anything depends on it."""
        is_random = self.seed or _RANDOM.search(repr(self.settings))
        return {**self.settings, "seed": self.seed, "name": NAME} if is_random else self.settings


def whole(name: str, value: int, *, least: int) -> int:
    """Return `value` if it is a whole number of at least `least`; otherwise raise UsageError."""
    if type(value) is not int or value < least:
        raise UsageError(f"invalid {name}={value!r}: expected a whole number, {least} or more.")
    return value


def seconds(name: str, value: object) -> float | None:
    """Return `value` if it is a number of seconds or None; otherwise raise UsageError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise UsageError(f"invalid {name}={value!r}: expected a number of seconds, such as 30.")
    return value
