"""`ycimages verify` and `ycimages fidelity`: differences from a cassette, and the table of behaviours."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from pydantic_core import to_json
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.cassette.answers import recorded_calls
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.cassette.redact import for_replay
from pytest_ycimages.cli import examples
from pytest_ycimages.cli.serve import Duration, pairs
from pytest_ycimages.errors import CassetteError, UsageError
from pytest_ycimages.fidelity import MEANINGS, Mark, read_table, render
from pytest_ycimages.verify.mode import PATIENCE, SERVICE, target_of
from pytest_ycimages.verify.verify import NOTHING, as_json, grouped, summary, verify, worth

if TYPE_CHECKING:
    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.fidelity import Behaviour, Table
    from pytest_ycimages.verify.verify import Verification


_OF_THE_FAKE: Final = "--contract and --set configure the fake, and --upstream replaces it: leave one out."


@click.command("verify", epilog=examples("ycimages verify cassettes/bake.yaml"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--upstream",
    metavar="URL",
    help=f"The server to ask, or `{SERVICE}` for the service itself, instead of a fresh fake.",
)
@click.option("--no-mutate", is_flag=True, help="Send only requests that read.")
@click.option(
    "--patience",
    type=Duration(),
    default=PATIENCE,
    show_default=True,
    help="Seconds, or a duration such as 1m30s, to poll for a recorded state.",
)
@click.option("--contract", type=click.Choice(tuple(CONTRACTS)), help="The fake's. [default: the cassette's]")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="Any other setting of the fake, such as quotas=default; may be repeated.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def verify_command(  # noqa: PLR0913 - the options of a command
    *,
    file: Path,
    upstream: str | None,
    patience: float,
    contract: str | None,
    others: dict[str, str],
    form: str,
    no_mutate: bool,
) -> None:
    """Send a cassette's requests again, to a fresh fake or to --upstream, and show which answers differ.

    The exit code is 1 if anything differs.
    """
    settings = others | ({"contract": contract} if contract else {})
    if upstream is not None and settings:
        raise click.UsageError(_OF_THE_FAKE)
    try:
        recorded = for_replay(read_cassette(file)).clean
        target = target_of(recorded, upstream, settings, patience=patience)
        if upstream is not None:
            _announce(recorded, target.name, mutate=not no_mutate)
        verification = verify(recorded, target, mutate=not no_mutate)
    except (UsageError, CassetteError) as error:
        raise click.UsageError(str(error)) from None
    if form == "json":
        click.echo(to_json(as_json(str(file), verification), indent=2))
    else:
        print_verification(str(file), verification, is_kept=upstream is not None)
    sys.exit(1 if verification.differs else 0)


def _announce(cassette: CassetteData, name: str, *, mutate: bool) -> None:
    """Print what will be sent, and where, before it is sent."""
    steps = [
        step for step in recorded_calls(cassette) if not step.request.is_token_exchange and (mutate or step.is_read)
    ]
    counts = Counter(step.method for step in steps)
    what = ", ".join(f"{count} {method}" for method, count in counts.items()) or "nothing"
    click.echo(f"Sending to {name}: {what}.", err=True)
    if any(not step.is_read for step in steps):
        click.echo("Resources that this creates are kept, except those that the cassette deletes.", err=True)


def print_verification(name: str, verification: Verification, *, is_kept: bool) -> None:
    """Print a verification of the cassette `name`.

    Args:
        name: the name of the cassette.
        verification: its verification.
        is_kept: whether what was created is left in the service.
    """
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    is_evidence = verification.metadata.origin is Origin.SERVICE
    console.print(f"[{'green' if is_evidence else 'yellow'}]{escape(worth(name, verification.metadata))}[/]")
    if verification.findings:
        console.print(_differences(verification))
    if verification.behaviours:
        console.print(_behaviours(verification))
    if verification.skipped:
        console.print(_skipped(verification))
    if verification.created and is_kept:
        console.print(f"Created, and left as they are: {', '.join(verification.created)}")
    console.print(escape(summary(verification)))


def _differences(verification: Verification) -> Grid:
    grid = _grid("What differs", "where", "recorded", "answered", "speaks against")
    for finding, numbers in grouped(verification):
        difference, others = finding.difference, ", ".join(map(str, numbers[1:]))
        where = f"{finding.number}: {finding.line}{f' (and in {others})' if others else ''}"
        grid.add_row(
            f"{escape(where)}\n[bold]{escape(difference.field)}[/] ({difference.kind})",
            escape(difference.recorded or NOTHING),
            escape(difference.answered or NOTHING),
            escape(finding.behaviour or "nothing in the table"),
        )
    return grid


def _behaviours(verification: Verification) -> Grid:
    grid = _grid("What the cassette shows", "behaviour", "known by", "seen", "today's answers")
    for judged in verification.behaviours:
        where = ", ".join(map(str, judged.differs))
        verdict = f"[red]differ: {where}[/]" if judged.differs else "agree"
        grid.add_row(escape(judged.behaviour), str(judged.mark), str(judged.seen), verdict)
    return grid


def _skipped(verification: Verification) -> Grid:
    grid = _grid("What was not compared", "interaction", "why")
    for skipped in verification.skipped:
        grid.add_row(escape(f"{skipped.number}: {skipped.line}"), escape(skipped.why))
    return grid


def _grid(title: str, *columns: str) -> Grid:
    grid = Grid(title=title, title_justify="left", title_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    return grid


_COLOURS: Final = {
    Mark.PAGE: "green",
    Mark.OBSERVED: "cyan",
    Mark.DOCUMENTED: "blue",
    Mark.INFERRED: "yellow",
    Mark.SETTING: "magenta",
}


@click.command("fidelity", epilog=examples("ycimages fidelity", "ycimages fidelity --mark inferred"))
@click.option("--mark", type=click.Choice([mark.value for mark in Mark]), help="Show only behaviours with this mark.")
@click.option("--markdown", is_flag=True, help="Print docs/reference/fidelity.md.")
def fidelity_command(mark: str | None, *, markdown: bool) -> None:
    """Show every behaviour of the double, and the evidence that the service does the same."""
    table = read_table() if mark is None else read_table().marked(Mark(mark))
    if markdown:
        click.echo(render(table), nl=False)
        return
    console = Console(highlight=False, emoji=False)
    for area, title in table.areas.items():
        if rows := table.of(area):
            console.print(_area_grid(title, rows))
    if table.gaps:
        console.print(_gaps(table))
    for each, count in table.counts().items():
        if count:
            console.print(f"[{_COLOURS[each]}]{count:>4} {each:<11}[/] {escape(MEANINGS[each])}")
    console.print(f"{len(table.behaviours):>4} behaviours, each with a test that proves it")


def _area_grid(title: str, rows: tuple[Behaviour, ...]) -> Grid:
    grid = _grid(title, "behaviour", "what the double does", "known by", "source")
    for row in rows:
        setting = f"\n{row.setting}" if row.setting else ""
        known = f"[{_COLOURS[row.mark]}]{row.mark}{setting}[/]"
        grid.add_row(escape(row.id), escape(row.does), known, escape(row.source))
    return grid


def _gaps(table: Table) -> Grid:
    grid = _grid("Not in the double", "of the service", "what the double does instead", "source")
    for gap in table.gaps:
        grid.add_row(escape(gap.what), escape(gap.instead), escape(gap.source))
    return grid
