"""The file from which an interrupted search goes on: a header, then what came of each scenario, a line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.summary import Spot, Summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.experiment.scenario import Scenario


class ProgressFile:
    """Remembers what came of scenarios.

    Args:
        path: where; made when it is not there.
        about: what the experiment is: another one has another file.

    Raises:
        UsageError: the file belongs to another experiment, or is no such file.
    """

    def __init__(self, path: str | Path, about: Mapping[str, Any]) -> None:
        self._path = Path(path)
        self._about = json.loads(json.dumps(about))
        self._known: dict[str, Summary] = {}
        try:
            if self._path.exists() and self._path.stat().st_size:
                self._load()
            else:
                self._path.write_text(json.dumps(self._about) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"The progress cannot be kept in {self._path}: {error.strerror}. Name a file in a folder that is there."
            ) from None

    def get(self, scenario: Scenario) -> Summary | None:
        """What came of a scenario; None when that is not known."""
        return self._known.get(str(scenario))

    def add(self, scenarios: Sequence[Scenario], summaries: Sequence[Summary]) -> None:
        """Remember what came of scenarios."""
        lines = [json.dumps([str(one), *other]) for one, other in zip(scenarios, summaries, strict=True)]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def _load(self) -> None:
        data = self._path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]  # the last line of a search that was killed may not be
        try:
            about, *lines = map(json.loads, whole.decode().splitlines())
            different = [name for name in self._about if about.get(name) != self._about[name]]
            self._known = {line[0]: _summary(*line[1:]) for line in lines}
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise UsageError(f"{self._path} is no progress of an experiment: {error}. Name another file.") from error
        if different:
            raise UsageError(
                f"{self._path} has the progress of another experiment: {', '.join(different)} differ(s). Delete the "
                "file to begin anew, or name another one."
            )
        if whole != data:
            self._path.write_bytes(whole)


def _summary(  # noqa: PLR0913, PLR0917 - the fields of a summary
    struck: bool,  # noqa: FBT001 - likewise
    succeeded: bool,  # noqa: FBT001 - likewise
    seconds: float,
    failures: list[list[str]],
    spots: list[tuple[str, int]],
    story: str,
    sequel: str,
) -> Summary:
    causes = tuple((judge, cause) for judge, cause in failures)
    return Summary(struck, succeeded, seconds, causes, tuple(Spot(*each) for each in spots), story, sequel)
