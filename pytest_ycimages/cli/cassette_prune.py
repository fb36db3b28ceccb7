"""`ycimages cassette prune`: takes out what the last test run did not use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from pytest_ycimages.cassette.maintenance import prune
from pytest_ycimages.cassette.usage import ORPHANS_UNKNOWN, read_usage
from pytest_ycimages.cli.cassette_files import PATH
from pytest_ycimages.errors import CassetteError

USAGE: Final = Path(".pytest_cache", "d", "ycimages", "usage.json")
"""Where the plugin writes down what a run used, below the root of the tests."""


@click.command("prune")
@click.argument("files", nargs=-1, type=PATH)
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would. The exit code is 1 if anything would.")
@click.option("--usage", type=PATH, default=USAGE, show_default=True, metavar="FILE", help="What the last run used.")
def prune_cassettes(files: tuple[Path, ...], usage: Path, *, dry_run: bool) -> None:
    """Remove interactions that no test of the last run asked for, and cassettes that belong to no test.

    FILES, or folders of them, narrow it down. A cassette that has changed since that run is left as it is, and the exit
    code is 1.
    """
    try:
        known = read_usage(usage).orphans is not None
        pruned = prune(usage, files, dry_run=dry_run)
    except CassetteError as error:
        raise click.UsageError(str(error)) from None
    if not known:
        click.echo(ORPHANS_UNKNOWN, err=True)
    for path, what, problem in pruned:
        if problem:
            click.echo(problem, err=True)
        else:
            click.echo(f"{path}: {'would take out' if dry_run else 'took out'} {what}")
    if not pruned:
        click.echo("Everything is used." if known else "Nothing to take out.")
    sys.exit(1 if any(each.problem or dry_run for each in pruned) else 0)
