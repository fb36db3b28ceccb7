"""What an experiment is to do, as a value: its options, and its client, which other processes import by name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.experiment.client import client_name, source_digest
from pytest_ycimages.experiment.judges import name_of
from pytest_ycimages.experiment.trial import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_ycimages.experiment.scenario import Candidate
    from pytest_ycimages.experiment.trial import Verb
    from pytest_ycimages.experiment.trials import TrialRunner

NAME: Final = "experiment"
"""The name of the doubles: their random values depend on it and on the seed."""
_T = TypeVar("_T")
_RANDOM: Final = re.compile(r"\b(?:Uniform|LogNormal)\b")
"""The words of settings that are random."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """The part of a search that one of several machines tries.

    Attributes:
        number: which of the parts, counted from 1.
        count: how many there are.
    """

    number: int = 1
    count: int = 1

    def part_of(self, values: Sequence[_T]) -> list[_T]:
        """Return every `count`-th value, from the `number`-th on."""
        return list(values[self.number - 1 :: self.count])

    def within(self, other: Shard) -> Shard:
        """Return this part of another part."""
        return Shard((self.number - 1) * other.count + other.number, self.count * other.count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


WHOLE: Final = Shard()


def shard_of(value: Any) -> Shard:
    """Return a shard that is written as `3/8`; all of the search for None; otherwise raise UsageError."""
    if value is None or isinstance(value, Shard):
        return WHOLE if value is None else value
    written = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", value) if isinstance(value, str) else None
    if written is None:
        raise UsageError(f"invalid shard {value!r}: expected a number and how many there are, such as '3/8'.")
    number, count = map(int, written.groups())
    if not 1 <= number <= count:
        right = "two numbers from 1 on, such as '1/8'" if count == 0 else f"one from '1/{count}' to '{count}/{count}'"
        raise UsageError(f"invalid shard {value!r}: expected {right}.")
    return Shard(number, count)


class Plan(NamedTuple):
    """What an experiment is to do: the options of `run_experiment`, read; `runner` has those of each trial."""

    runner: TrialRunner
    candidates: tuple[Candidate, ...]
    settings: Mapping[str, Any]
    depth: int
    random: int
    budget: float | None
    shard: Shard

    @property
    def about(self) -> Mapping[str, Any]:
        """Return what decides the results of trials, for a file from which the search goes on."""
        client, setup = self.runner.client, self.runner.setup
        return {
            "client": client_name(client),
            "source": source_digest(client),
            "faults": [f"{each.fault} {each.on} {each.commits} {each.lasts} {each.over}" for each in self.candidates],
            "judges": [f"{name_of(judge)} {source_digest(judge)}" for judge in self.runner.judges],
            "settings": {name: repr(value) for name, value in self.settings.items()},
            "seed": self.runner.settings.seed,
            "limits": list(self.runner.limits),
            "verb": self.runner.verb,
            "setup": f"{client_name(setup)} {source_digest(setup)}" if setup else "",
        }

    @property
    def repeated(self) -> Mapping[str, Any]:
        """Return the settings of a test that repeats a trial, with the seed if anything depends on it."""
        seed = self.runner.settings.seed
        is_random = seed or _RANDOM.search(repr(self.settings))
        return {**self.settings, "seed": seed, "name": NAME} if is_random else self.settings


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


def checked_verb(verb: Any) -> Verb:
    """Return `verb` if it is one; otherwise raise UsageError."""
    if verb not in VERBS:
        raise unknown_word("verb", str(verb), VERBS)
    known: Verb = verb
    return known


# The modules of clients and setups.


class ModuleOrigin(NamedTuple):
    """The name of a module, and its file; empty without one."""

    name: str
    path: str

    def load(self) -> None:
        """Import the module under its name, from its file if the name alone is not found."""
        if self.name in sys.modules:
            return
        try:
            importlib.import_module(self.name)
        except ImportError:
            spec = importlib.util.spec_from_file_location(self.name, self.path) if self.path else None
            if spec is None or spec.loader is None:
                raise
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.name] = module
            spec.loader.exec_module(module)


def origins_of(values: Iterable[object]) -> list[ModuleOrigin]:
    """Return the modules that other processes need before they can unpickle `values`."""
    modules = {name: sys.modules.get(name) for each in values if (name := getattr(each, "__module__", None))}
    return [ModuleOrigin(name, getattr(module, "__file__", None) or "") for name, module in sorted(modules.items())]


def checked_setup(setup: Any) -> Any:
    """Return `setup` if it can be called with a double, or is None; otherwise raise UsageError."""
    if setup is None:
        return None
    try:
        inspect.signature(setup).bind("double")
    except TypeError as error:
        raise UsageError(
            f"invalid setup {setup!r}: expected a function setup(double) that adds what exists before the client "
            f"begins ({error})."
        ) from None
    return setup
