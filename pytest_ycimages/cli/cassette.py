"""The `ycimages cassette` commands. A new one is a function with `@cassette.command` in this module."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click
from rich.markup import escape
from rich.table import Table

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.cassette.answers import compact
from pytest_ycimages.cassette.file import SUFFIXES, read_cassette, write_cassette
from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.cassette.partial_file import is_partial
from pytest_ycimages.cassette.redact import changes, scrub_cassette
from pytest_ycimages.cassette.usage import ORPHANS_UNKNOWN, prune, read_usage
from pytest_ycimages.cli.cassette_report import Finding, findings, story
from pytest_ycimages.cli.commands import Group, console
from pytest_ycimages.errors import CassetteError, printable
from pytest_ycimages.redaction.rules import redaction_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cassette.model import CassetteMetadata
    from pytest_ycimages.redaction.rules import RedactionRules


@click.group(
    cls=Group,
    examples=["ycimages cassette show cassettes/bake.yaml", "ycimages cassette check cassettes/*.yaml"],
)
def cassette() -> None:
    """Show, check and edit cassettes without recording them again."""


PATH: Final = click.Path(path_type=Path)

USAGE: Final = Path(".pytest_cache", "d", "ycimages", "usage.json")
"""Where the plugin stores what a run used, below the root of the tests."""

_WIDE: Final = 2_000
"""The width in characters without a terminal, wide enough that findings are not folded."""


def _cassettes_below(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return sorted(path for path in files if not is_partial(path))


def expanded(_: click.Context, __: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the given files, with each folder replaced by the cassettes in it."""
    files = list[Path]()
    for path in paths:
        found = _cassettes_below(path) if path.is_dir() else [path]
        if not found:
            raise click.BadParameter(f"{path} contains no cassette: no file that ends with {', '.join(SUFFIXES)}.")
        files += found
    return tuple(dict.fromkeys(files))


_files = click.argument("files", nargs=-1, required=True, type=PATH, callback=expanded)
_dry_run = click.option(
    "--dry-run", is_flag=True, help="Only print what would change. The exit code is 1 if anything would."
)


def _each(files: tuple[Path, ...], work: Callable[[Path], bool]) -> NoReturn:
    """Run `work` on each file, print why one cannot be read or written, and exit with 1 unless all of it is true."""
    results = []
    for file in files:
        try:
            results.append(work(file))
        except CassetteError as error:
            click.echo(str(error), err=True)
            results.append(False)
    sys.exit(0 if all(results) else 1)


def _expressions(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            re.compile(value)
        except re.error as error:
            raise click.BadParameter(f"invalid regular expression {value!r}: {error}.") from None
    return values


@cassette.command("check", examples=["ycimages cassette check cassettes/*.yaml"])
@_files
@click.option("--contract", type=click.Choice(tuple(CONTRACTS)), help="The revision. [default: the cassette's own]")
@click.option("--max-age", type=click.FloatRange(min=0), metavar="DAYS", help="The maximum age of a recording.")
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="REGEX",
    callback=_expressions,
    help="Values that are not secrets; may be repeated.",
)
@click.option("--usage", type=PATH, metavar="FILE", help="What the last run used; adds a check for orphans.")
def check_cassettes(
    files: tuple[Path, ...], contract: str | None, max_age: float | None, allowed: tuple[str, ...], usage: Path | None
) -> None:
    """Check each of FILES for damage, missing labels, age, calls that break the contract, and secrets.

    The exit code is 1 if there is a finding. Nothing is changed.
    """
    orphans = read_usage(usage).orphans if usage else ()
    if orphans is None:
        click.echo(ORPHANS_UNKNOWN, err=True)
    found = {file: list(findings(file, contract, max_age, allowed)) for file in files}
    for file, faults in found.items():
        if str(file.absolute()) in (orphans or ()):
            faults.append(Finding("orphan", "it belongs to no test; remove it: ycimages cassette prune"))
    count = sum(map(len, found.values()))
    output = console(width=_WIDE)
    for file, faults in found.items():
        if faults:
            output.print(str(file), style="bold", markup=False, soft_wrap=True)
            output.print(_table(faults))
    checked = f"{len(files)} cassette{'' if len(files) == 1 else 's'} checked"
    output.print(f"[green]{checked}, nothing found[/]" if not count else f"[red]{checked}, {count} found[/]")
    sys.exit(1 if count else 0)


def _table(faults: list[Finding]) -> Table:
    table = Table("in", "what", "finding")
    for kind, text, number in faults:
        table.add_row("" if number is None else str(number), kind, escape(printable(text)))
    return table


@cassette.command("compact", examples=["ycimages cassette compact cassettes/bake.yaml"])
@_files
def compact_cassettes(files: tuple[Path, ...]) -> None:
    """Remove polls from each of FILES that were answered like the poll before them.

    Replay answers stay the same. The exit code is 1 if a cassette cannot be read or written; it stays unchanged.
    """
    _each(files, _compact)


def _compact(file: Path) -> bool:
    recorded = read_cassette(file)
    kept = compact(recorded.interactions)
    if len(kept) < len(recorded.interactions):
        write_cassette(file, recorded._replace(interactions=kept))
    left_out = len(recorded.interactions) - len(kept)
    click.echo(f"{file}: {left_out} of {len(recorded.interactions)} interactions left out, {len(kept)} kept")
    return True


@cassette.command("convert", examples=["ycimages cassette convert vcr/bake.yaml cassettes/bake.yaml"])
@click.argument("file", type=PATH)
@click.argument("target", type=PATH)
@click.option("--pretty", is_flag=True, help="YAML in blocks, as vcrpy writes it; slower to read.")
@click.option(
    "--origin",
    type=click.Choice([origin.value for origin in Origin if origin is not Origin.UNKNOWN]),
    help="Who answered, for a cassette that does not say so.",
)
@click.option("--note", help="A comment for people.")
def convert_cassette(file: Path, target: Path, origin: str | None, note: str | None, *, pretty: bool) -> None:
    """Convert FILE to TARGET, which ends with .yaml or .json and may be the same file. The metadata are kept.

    vcrpy reads both: JSON with serializer="json". The exit code is 1 if FILE cannot be read or TARGET not be written.
    """
    if target.suffix not in SUFFIXES:
        raise click.UsageError(f"{target}: expected a name that ends with {', '.join(SUFFIXES)}.")
    if pretty and target.suffix == ".json":
        raise click.UsageError("--pretty is for YAML; JSON has one form.")

    def convert(file: Path) -> bool:
        recorded = read_cassette(file)
        metadata = _described(recorded.metadata, file, origin, note)
        write_cassette(target, recorded._replace(metadata=metadata), pretty=pretty)
        click.echo(f"{target}: {len(recorded.interactions)} interactions")
        return True

    _each((file,), convert)


def _described(metadata: CassetteMetadata, file: Path, origin: str | None, note: str | None) -> CassetteMetadata:
    if origin and metadata.origin not in {Origin.UNKNOWN, origin}:
        raise click.UsageError(f"{file} says that its origin is {metadata.origin}, which cannot be changed.")
    metadata = metadata._replace(origin=Origin(origin)) if origin else metadata
    return metadata if note is None else metadata._replace(note=note)


@cassette.command("prune", examples=["ycimages cassette prune cassettes/bake.yaml"])
@click.argument("files", nargs=-1, type=PATH)
@_dry_run
@click.option("--usage", type=PATH, default=USAGE, show_default=True, metavar="FILE", help="What the last run used.")
def prune_cassettes(files: tuple[Path, ...], usage: Path, *, dry_run: bool) -> None:
    """Remove interactions that no test of the last run asked for, and cassettes that belong to no test.

    FILES, or folders of them, limit it to these. The exit code is 1 if a cassette has changed since that run; it stays
    unchanged.
    """
    known = read_usage(usage).orphans is not None
    pruned = prune(usage, files, dry_run=dry_run)
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


@cassette.command("scrub", examples=["ycimages cassette scrub cassettes/*.yaml"])
@_files
@click.option("--pseudonymize", is_flag=True, help="Replace ids of folders, clouds and accounts by pseudonyms.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME",
    help="A field with a secret, re:REGEX for its shape, or allow:REGEX for values that are not secrets; repeatable.",
)
@click.option("--keep", multiple=True, metavar="NAME", help="A field beyond the contract to keep; repeatable.")
@_dry_run
def scrub_cassettes(
    files: tuple[Path, ...], *, pseudonymize: bool, fields: tuple[str, ...], keep: tuple[str, ...], dry_run: bool
) -> None:
    """Remove secrets from each of FILES, by the rules of recording.

    The exit code is 1 if a cassette cannot be read, or if something is left that looks like a secret; such a cassette
    stays unchanged. A secret that has been committed stays in the history: revoke it.
    """
    rules = redaction_rules(fields, keep=keep)
    _each(files, lambda file: _scrub(file, rules, pseudonyms=pseudonymize, dry_run=dry_run))


def _scrub(file: Path, rules: RedactionRules, *, pseudonyms: bool, dry_run: bool) -> bool:
    """Scrub one cassette, print the changes, and return False for a dry run that has any."""
    recorded = read_cassette(file)
    clean = scrub_cassette(recorded, name=str(file), rules=rules, pseudonyms=pseudonyms)
    found = list(changes(recorded, clean))
    if found and not dry_run:
        write_cassette(file, clean)
    count = f"{len(found)} {'would be ' if dry_run else ''}scrubbed" if found else "nothing to scrub"
    click.echo(f"{file}: {count}")
    for change in found:
        click.echo(f"  {change}")
    return not (found and dry_run)


@cassette.command("show", examples=["ycimages cassette show cassettes/bake.yaml"])
@_files
@click.option("--body", is_flag=True, help="Also print the bodies of requests and responses.")
def show_cassettes(files: tuple[Path, ...], *, body: bool) -> None:
    """Print each of FILES, redacted: its metadata, and each call with what its response shows.

    The exit code is 1 if one of them cannot be read.
    """
    output = console(soft_wrap=True, markup=False)

    def show(file: Path) -> bool:
        recorded = read_cassette(file)
        output.print(str(file), style="bold")
        for line in story(recorded, bodies=body):
            output.print(line)
        return True

    _each(files, show)
