"""What an experiment is to do, as a value, and what of it decides what its trials come to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import client_name, source_digest
from pytest_ycimages.experiment.judges.judge import name_of
from pytest_ycimages.experiment.trials import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.experiment.candidates import Candidate
    from pytest_ycimages.experiment.command import Command
    from pytest_ycimages.experiment.judges.judge import Judge
    from pytest_ycimages.experiment.running import Client, TrialLimits

_BY_CHANCE: Final = re.compile(r"\b(?:Uniform|LogNormal)\b")
"""The words of settings that draw."""


class Plan(NamedTuple):
    """What an experiment is to do.

    Attributes:
        client: the client.
        candidates: the faults to try, the mildest first.
        judges: who judges.
        depth: up to how many faults at once every scenario is tried.
        settings: what the doubles are given.
        seed: what ids, and the scenarios that are drawn, come from.
        random: how many scenarios of more faults are drawn.
        budget: real seconds after which it stops; None: it goes on to its end.
        limits: what a trial may take.
    """

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
        """What decides what a trial comes to, for a file that is to be gone on from."""
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
        """What the marker of a test says that is to draw what the doubles drew, if anything depends on that."""
        by_chance = self.seed or _BY_CHANCE.search(repr(self.settings))
        return {**self.settings, "seed": self.seed, "name": NAME} if by_chance else self.settings


def whole(name: str, value: int, *, least: int) -> int:
    """`value`, if it is a whole number.

    Raises:
        UsageError: it is none, or less than `least`.
    """
    if type(value) is not int or value < least:
        raise UsageError(f"{name}={value!r} cannot be: it is a whole number, {least} or more.")
    return value


def seconds(name: str, value: object) -> float | None:
    """`value`, if it is a number of seconds or None.

    Raises:
        UsageError: it is neither.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise UsageError(f"{name}={value!r} cannot be: it is a number of seconds, such as 30.")
    return value
