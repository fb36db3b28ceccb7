"""What a test run knows of its cassettes: which file belongs to which test, what was used, and what no test uses.

Plain values, so that the workers of pytest-xdist can tell them to whoever gathers them. Knows neither pytest nor what a
cassette holds. The rule: what is not known for sure is not said, for files are removed by it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from pytest_ycimages.cassette.handle import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PARTIAL: Final = ".partial"
"""What the name of a recording has behind its stem that has not come to its end."""
_NUMBER: Final = re.compile(r"-\d+$", re.ASCII)
"""What the names of the cassettes of a test's further doubles have behind the stem of its first."""


@dataclass(slots=True)
class CassettesOfRun:
    """The cassettes of a run, or of a part of it.

    Attributes:
        belonging: files -> how many of the tests that were collected each belongs to, whether they ran or not.
        opened: files that were in any double, whoever made it.
        used: files -> how many interactions each has, and the indexes of those that no test used which passed.
        passed: files -> how many of the tests that they belong to have passed.
        collected: how many tests there were, before anybody left out some of these.
        ended: how many of them have come to an end, whichever.
        torn: whether a part of the tests could not be collected, or did not want to be.
    """

    belonging: Counter[str] = field(default_factory=Counter)
    opened: set[str] = field(default_factory=set)
    used: dict[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    collected: int = 0
    ended: int = 0
    torn: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all tests that there are were run."""
        return self.ended >= self.collected and not self.torn

    def use(self, path: Path, count: int, unused: Iterable[int]) -> None:
        """Note what a test that passed has left unused: that of a file which no other test has used either."""
        self._merge(str(path.absolute()), count, unused)

    def _merge(self, path: str, count: int, unused: Iterable[int]) -> None:
        before = self.used.get(path)
        both = set(unused) if before is None or before[0] != count else set(unused) & set(before[1])
        self.used[path] = count, tuple(sorted(both))

    def add(self, other: Self) -> None:
        """Take in what another part of the run has seen. All parts have collected the same tests."""
        self.belonging |= other.belonging
        self.opened |= other.opened
        self.passed += other.passed
        self.collected = max(self.collected, other.collected)
        self.ended += other.ended
        self.torn |= other.torn
        for path, (count, unused) in other.used.items():
            self._merge(path, count, unused)

    def known(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """What was used of the files of which that is known: every test that such a file belongs to has passed."""
        return {path: used for path, used in self.used.items() if all(map(self._has_said_all, _owners(path)))}

    def _has_said_all(self, path: str) -> bool:
        return self.passed[path] >= self.belonging[path]

    def orphans(self, directory: Path) -> list[Path]:
        """The cassettes in a folder that no test of the run has anything to do with. Ask only if it is whole."""
        files = (path for path in sorted(directory.rglob("*")) if path.suffix in SUFFIXES)
        return [path for path in files if not self._has_to_do_with(path) and not path.stem.endswith(PARTIAL)]

    def _has_to_do_with(self, path: Path) -> bool:
        name = str(path.absolute())
        return name in self.opened or any(owner in self.belonging for owner in _owners(name))

    def told(self) -> dict[str, Any]:
        """All of it, in words that every worker can send."""
        return {
            "belonging": dict(self.belonging),
            "opened": sorted(self.opened),
            "used": {path: [count, *unused] for path, (count, unused) in self.used.items()},
            "passed": dict(self.passed),
            "collected": self.collected,
            "ended": self.ended,
            "torn": self.torn,
        }

    @classmethod
    def heard(cls, told: Mapping[str, Any]) -> Self:
        """What a worker has told."""
        return cls(
            Counter(told["belonging"]),
            set(told["opened"]),
            {path: (count, tuple(unused)) for path, (count, *unused) in told["used"].items()},
            Counter(told["passed"]),
            told["collected"],
            told["ended"],
            told["torn"],
        )


def _owners(path: str) -> Iterator[str]:
    """The files whose tests a file may belong to: itself, and the first of a test of which it is the n-th."""
    yield path
    file = Path(path)
    first = _NUMBER.sub("", file.stem)
    if first != file.stem:
        yield str(file.with_name(first + file.suffix))
