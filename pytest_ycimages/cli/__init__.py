"""The `ycimages` command. Needs the extra `cli`; says so when it is missing."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command."""
    try:
        from pytest_ycimages.cli.commands import ycimages  # noqa: PLC0415 - so that its absence can be explained

        ycimages()
    except ModuleNotFoundError as error:
        if error.name not in {"click", "rich"}:
            raise
        print(  # noqa: T201 - what would print it nicely is what is missing
            f"The ycimages command needs {error.name}. Install it with: pip install 'pytest-ycimages[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
