"""What a fixture costs each test that asks for it: pytest runs in which tests with and without it take turns.

The same as a run with the fixture less a run without, but for the machine's drift between two long runs.
"""

from __future__ import annotations

import json
from statistics import mean, median
from typing import Final

from .goals import Goal, Sheet
from .pytest_runs import Project
from .stopwatch import excess

_PLUGINS: Final = ("pytest_ycimages.plugin", "pytest_httpserver.pytest_plugin")
_FIXTURES: Final = {"": "", "ycimages": "a fresh double", "httpserver": "one server for the run, cleared"}

_CONFTEST: Final = """\
import json, pathlib, time
import pytest

SPANS = {}

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    start = time.perf_counter()
    try:
        return (yield)
    finally:
        fixture = item.name.split("_")[2]
        SPANS.setdefault(fixture, []).append((time.perf_counter() - start) * 1000)

def pytest_sessionfinish():
    pathlib.Path("spans.json").write_text(json.dumps(SPANS))
"""


def fixture_cost(*, tests: int, runs: int, limit: float) -> Sheet:
    """A row for each fixture, with milliseconds.

    Args:
        tests: how many tests ask for each fixture, and how many for none.
        runs: how many pytest processes.
        limit: the most that a fresh double may cost a test.
    """
    first: dict[str, list[float]] = {fixture: [] for fixture in _FIXTURES}
    later: dict[str, list[float]] = {fixture: [] for fixture in _FIXTURES}
    with Project() as project:
        project.write("conftest.py", _CONFTEST)
        project.write("test_turns.py", _suite(tests))
        for _ in range(runs):
            project.run("test_turns.py", plugins=_PLUGINS)
            for fixture, spans in json.loads(project.read("spans.json")).items():
                first[fixture].append(spans[0])
                later[fixture] += spans[1:]
    sheet = Sheet(
        f"A fixture for each test, milliseconds, in pytest: {tests} empty tests with each in turn, {runs} run(s)",
        ("fixture", "first use", "each test", "mean"),
        note="medians of the differences to the test without a fixture beside it; the first use pays for the imports",
    )
    for fixture, scope in _FIXTURES.items():
        if fixture:
            each = excess(later, fixture, "")
            goals = [Goal("fresh double by its fixture", "each test", each, limit, " ms")]
            sheet.row(
                f"{fixture} ({scope})",
                median(first[fixture]),
                each,
                mean(later[fixture]) - mean(later[""]),
                goals=goals if fixture == "ycimages" else (),
            )
    return sheet


def _suite(tests: int) -> str:
    return "\n".join(
        f"def test_{number}_{fixture}({fixture}):\n    pass\n" for number in range(tests) for fixture in _FIXTURES
    )
