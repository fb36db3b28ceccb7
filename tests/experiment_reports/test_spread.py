"""Experiments inside a test run that is spread over processes: the findings are the same as without."""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = """
from pathlib import Path

import pytest
from pytest_ycimages import report_json, unavailable, operation_fails
from tests.experiment_reports.small_clients import careful, duplicates, untruthful

@pytest.mark.parametrize("workers", [1, "auto"])
@pytest.mark.parametrize("client", [careful, duplicates, untruthful], ids=lambda each: each.__name__)
def test_it(ycimages_experiment, client, workers):
    report = ycimages_experiment(client, faults=[unavailable(), operation_fails()], workers=workers)
    folder = Path({folder!r})
    (folder / f"{{client.__name__}}-{{workers}}.json").write_text(report_json(report))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("clients_path")
def test_findings_are_the_same_over_the_workers_of_xdist(pytester: pytest.Pytester) -> None:
    """In one process or two of the run, and in one of the experiment or as many as there are: to the last byte."""
    found = []
    for options in (["-p", "no:xdist"], ["-n", "2"]):
        folder = pytester.mkdir(options[-1].replace(":", "-"))
        pytester.makepyfile(_TESTS.format(folder=str(folder)))
        pytester.runpytest_subprocess("-p", "no:randomly", *options).assert_outcomes(passed=6)
        found.append({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})
    alone, spread = found
    assert alone == spread
    for name in ("careful", "duplicates", "untruthful"):
        assert alone[f"{name}-1.json"] == alone[f"{name}-auto.json"]
    assert b'"judge": "no_duplicates"' in alone["duplicates-1.json"]
