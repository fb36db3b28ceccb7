"""`make fuzz`: schemathesis for some minutes against each contract, with a seed that is new and printed.

What it finds is told on the standard output, with the calls that show it; the exit code is then not zero.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from pytest_ycimages import Double
from pytest_ycimages.api.methods import CONTRACTS

SECONDS: Final = 150
"""How long each contract is tried."""

ROOT: Final = Path(__file__).parents[2]
HOOKS: Final = {"SCHEMATHESIS_HOOKS": "tests.openapi.fresh_keys", "PYTHONPATH": str(ROOT)}


def fuzz(contract: str) -> int:
    """Try one contract with all phases and all checks; return the exit code of schemathesis."""
    double = Double(contract=contract, unknown_fields="ignore", auth="strict")
    with double, tempfile.TemporaryDirectory() as where:
        url = f"{double.url}/_ycimages/openapi.json"
        command = [sys.executable, "-m", "schemathesis.cli", "run", url, "-H", f"Authorization: Bearer {double.token}"]
        command += ["--checks=all", "--max-examples=300", f"--max-time={SECONDS}"]
        code = subprocess.run(command, cwd=where, env=os.environ | HOOKS, check=False).returncode  # noqa: S603 - our own
        print(f"{contract}: {len(double.calls)} calls", flush=True)  # noqa: T201 - a script talks to people
        return code


if __name__ == "__main__":
    sys.exit(max([fuzz(contract) for contract in CONTRACTS]))
