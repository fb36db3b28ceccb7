"""`make fuzz`: schemathesis against a running double of each contract, long and with a new seed, which it prints."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Final

from pytest_ycimages import Double
from pytest_ycimages.api.contract import CONTRACTS

EXAMPLES: Final = "500"


def main() -> int:
    """Run it for both contracts, and return the exit code of the worse."""
    return max(_fuzz(contract) for contract in CONTRACTS)


def _fuzz(contract: str) -> int:
    with Double(contract=contract) as double, tempfile.TemporaryDirectory() as where:
        url = f"{double.url}/_ycimages/openapi.json"
        command = [sys.executable, "-m", "schemathesis.cli", "run", url, "-H", "Authorization: Bearer x"]
        command += ["--checks=all", f"--max-examples={EXAMPLES}"]
        return subprocess.run(command, cwd=where, check=False).returncode  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main())
