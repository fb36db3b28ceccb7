"""schemathesis, all its phases and all its checks, finds nothing in a running double by the double's own document.

It is the command that a user would run, bounded and with a fixed seed; `make fuzz` runs it long and with a new seed.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages import Double

EXAMPLES: Final = "3"
COMMAND: Final = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run"]


def schemathesis(double: Double, where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it against a double, in a folder where it finds no configuration and may leave its notes."""
    url = f"{double.url}/_ycimages/openapi.json"
    command = [*COMMAND, url, "-H", f"Authorization: Bearer {double.token}", *options]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)  # noqa: S603 - our own


@pytest.mark.slow
@pytest.mark.ycimages(clock="manual", auth="strict")
def test_it_finds_nothing(ycimages: Double, revision: str, tmp_path: Path) -> None:
    """No check is left out. What the revisions share is tried in every phase once; `make fuzz` tries all of both."""
    phases = {"page": ("Examples", "Coverage", "Fuzzing", "Stateful"), "current": ("Examples", "Fuzzing")}[revision]
    options = (f"--max-examples={EXAMPLES}", f"--phases={','.join(phases).lower()}", "--generation-deterministic")
    result = schemathesis(ycimages, tmp_path, "--checks=all", "--seed=1", *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert ycimages.settings.contract == revision
    for phase in phases:
        assert f"✅ {phase}" in result.stdout
    assert "15 selected / 15 total" in result.stdout
    assert {call.method for call in ycimages.calls} >= {"images.create", "images.update", "operations.cancel"}


@pytest.mark.costly
def test_it_knows_the_checks_that_matter() -> None:
    """A newer one may know more; that these are among them is what the test above relies on."""
    from schemathesis.checks import CHECKS, load_all_checks  # noqa: PLC0415 - half a second, for slow tests only

    load_all_checks()
    assert {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "positive_data_acceptance",
        "missing_required_header",
        "unsupported_method",
        "use_after_free",
        "ensure_resource_availability",
        "ignored_auth",
    } <= set(CHECKS.get_all_names())


@pytest.mark.costly
@pytest.mark.ycimages(auth="off")
def test_it_finds_a_double_that_is_not_as_documented(ycimages: Double, tmp_path: Path) -> None:
    """The document says that a token is asked for; this double asks for none."""
    options = ("--checks=all", "--phases=examples", "--generation-deterministic", "--seed=1")
    result = schemathesis(ycimages, tmp_path, *options)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "API accepts requests without authentication" in result.stdout
