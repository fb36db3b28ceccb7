"""What a test run knows of its cassettes: which file belongs to which test, what was used, and what no test uses.

Plain values, so that the workers of pytest-xdist can tell them to whoever gathers them. Knows neither pytest nor what a
cassette holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from pytest_ycimages.cassette.naming import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PARTIAL: Final = ".partial"
"""What the name of a recording has behind its stem that has not come to its end."""


@dataclass(slots=True)
class CassettesOfRun:
    """The cassettes of a run, or of a part of it.

    Attributes:
        belonging: files that belong to tests which were collected, whether they ran or not.
        used: files that tests have used -> how many interactions each has, and the indexes of those that no test used.
    """

    belonging: set[str] = field(default_factory=set)
    used: dict[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)

    def use(self, path: Path, count: int, unused: Iterable[int]) -> None:
        """Note what a test has left unused: that of a file which no other test has used either."""
        self._merge(str(path.absolute()), count, unused)

    def _merge(self, path: str, count: int, unused: Iterable[int]) -> None:
        before = self.used.get(path)
        both = set(unused) if before is None or before[0] != count else set(unused) & set(before[1])
        self.used[path] = count, tuple(sorted(both))

    def add(self, other: Self) -> None:
        """Take in what another part of the run has seen."""
        self.belonging |= other.belonging
        for path, (count, unused) in other.used.items():
            self._merge(path, count, unused)

    def orphans(self, directory: Path) -> list[Path]:
        """The cassettes in a folder that no test of the run has anything to do with."""
        known = self.belonging | self.used.keys()
        files = (path for path in sorted(directory.rglob("*")) if path.suffix in SUFFIXES)
        return [path for path in files if str(path.absolute()) not in known and not path.stem.endswith(PARTIAL)]

    def told(self) -> dict[str, Any]:
        """All of it, in words that every worker can send."""
        return {
            "belonging": sorted(self.belonging),
            "used": {path: [count, *unused] for path, (count, unused) in self.used.items()},
        }

    @classmethod
    def heard(cls, told: Mapping[str, Any]) -> Self:
        """What a worker has told."""
        used = {path: (count, tuple(unused)) for path, (count, *unused) in told["used"].items()}
        return cls(set(told["belonging"]), used)
