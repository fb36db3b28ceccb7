"""`ycimages cassette compact`: leaves polls out of cassettes that show nothing new."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pytest_ycimages.cassette.answers import compact
from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cli.cassette_files import PATH, expanded
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("compact")
@click.argument("files", nargs=-1, required=True, type=PATH, callback=expanded)
def compact_cassettes(files: tuple[Path, ...]) -> None:
    """Leave out polls that were answered like the one before them, from each of FILES.

    What a client is answered in replay stays the same. A cassette that cannot be read or written is left as it is, and
    the exit code is 1.
    """
    worked = [_compact(file) for file in files]
    sys.exit(0 if all(worked) else 1)


def _compact(file: Path) -> bool:
    """Compact one cassette, and say what became of it."""
    try:
        tape = read_cassette(file)
        kept = compact(tape.interactions)
        if len(kept) < len(tape.interactions):
            write_cassette(file, tape._replace(interactions=kept))
    except CassetteError as error:
        click.echo(str(error), err=True)
        return False
    dropped = len(tape.interactions) - len(kept)
    click.echo(f"{file}: {dropped} of {len(tape.interactions)} interactions left out, {len(kept)} kept")
    return True
