"""`ycimages cassette scrub`: takes secrets out of cassettes that are there already."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pytest_ycimages.cassette.maintenance import changes, scrub_tape
from pytest_ycimages.cassette.pseudonyms import Pseudonyms
from pytest_ycimages.cassette.reading import read_tape
from pytest_ycimages.cassette.redaction_rules import redaction_rules
from pytest_ycimages.cassette.writing import write_tape
from pytest_ycimages.cli.cassette_files import PATH, expanded
from pytest_ycimages.errors import CassetteError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages.cassette.redaction_rules import RedactionRules


@click.command("scrub")
@click.argument("files", nargs=-1, required=True, type=PATH, callback=expanded)
@click.option("--pseudonymize", is_flag=True, help="Give folders, clouds and accounts other ids, the same everywhere.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME",
    help="A field that holds a secret, re:EXPRESSION for its shape, or allow:EXPRESSION for what is none; repeatable.",
)
@click.option("--keep", multiple=True, metavar="NAME", help="A field beyond the contract to keep; repeatable.")
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; say what would change. The exit code is 1 if anything would."
)
def scrub_cassettes(
    files: tuple[Path, ...], *, pseudonymize: bool, fields: tuple[str, ...], keep: tuple[str, ...], dry_run: bool
) -> None:
    """Take secrets out of each of FILES, by the rules by which a recording does.

    A cassette that cannot be read, or in which something is left that looks like a secret, is left as it is, and the
    exit code is 1. A secret that has been committed stays in the history: revoke it.
    """
    try:
        rules = redaction_rules(fields, keep=keep)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    worked = [_scrub(file, rules, Pseudonyms() if pseudonymize else None, dry_run=dry_run) for file in files]
    sys.exit(0 if all(worked) else 1)


def _scrub(file: Path, rules: RedactionRules, pseudonyms: Pseudonyms | None, *, dry_run: bool) -> bool:
    """Scrub one cassette, and say what became of it; whether it is as it should be."""
    try:
        tape = read_tape(file)
        clean = scrub_tape(tape, cassette=str(file), rules=rules, pseudonyms=pseudonyms)
        found = list(changes(tape, clean))
        if found and not dry_run:
            write_tape(file, clean)
    except CassetteError as error:
        click.echo(str(error), err=True)
        return False
    click.echo(f"{file}: {_told(len(found), dry_run=dry_run)}")
    for change in found:
        click.echo(f"  {change}")
    return not (found and dry_run)


def _told(count: int, *, dry_run: bool) -> str:
    if not count:
        return "nothing to scrub"
    return f"{count} would be scrubbed" if dry_run else f"{count} scrubbed"
