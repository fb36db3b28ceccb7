"""`ycimages verify`: a cassette's requests are sent again, and what is answered otherwise is shown."""

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

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.backing.verifying import SERVICE, target_of
from pytest_ycimages.cassette.differing import NOTHING, as_json, gathered, summary, worth
from pytest_ycimages.cassette.interaction import Origin
from pytest_ycimages.cassette.maintenance import for_replay
from pytest_ycimages.cassette.reading import read_tape
from pytest_ycimages.cassette.storyline import steps_of
from pytest_ycimages.cassette.upstream_target import PATIENCE
from pytest_ycimages.cassette.verification import verify
from pytest_ycimages.errors import CassetteError, UsageError

if TYPE_CHECKING:
    from pytest_ycimages.cassette.interaction import Tape
    from pytest_ycimages.cassette.verification import Verification

_OF_THE_FAKE: Final = "--contract and --set are about the fake, and --upstream asks somebody else: leave one out."


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--upstream",
    metavar="URL",
    help=f"Ask whoever answers there, or `{SERVICE}` for the service itself, rather than a fresh fake.",
)
@click.option("--no-mutate", is_flag=True, help="Send nothing but what only reads.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=PATIENCE,
    show_default=True,
    help="Seconds to poll for a recorded state.",
)
@click.option("--contract", type=click.Choice(tuple(CONTRACTS)), help="The fake's; by default, that of the cassette.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other setting of the fake, such as quotas=default; may be repeated.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def verify_command(  # noqa: PLR0913 - the options of a command
    *,
    file: Path,
    upstream: str | None,
    patience: float,
    contract: str | None,
    others: tuple[str, ...],
    form: str,
    no_mutate: bool,
) -> None:
    """Send a cassette's requests again, to a fresh fake or to --upstream, and show what is answered otherwise.

    The exit code is 1 if anything differs.
    """
    settings = dict(_pair(each) for each in others) | ({"contract": contract} if contract else {})
    if upstream is not None and settings:
        raise click.UsageError(_OF_THE_FAKE)
    try:
        tape = for_replay(read_tape(file)).clean
        target = target_of(tape, upstream, settings, patience=patience)
        if upstream is not None:
            _announce(tape, target.name, mutate=not no_mutate)
        verification = verify(tape, target, mutate=not no_mutate)
    except (UsageError, CassetteError) as error:
        raise click.UsageError(str(error)) from None
    if form == "json":
        click.echo(to_json(as_json(str(file), verification), indent=2))
    else:
        console = Console(highlight=False, emoji=False, soft_wrap=True)
        _print(str(file), verification, console, is_kept=upstream is not None)
    sys.exit(1 if verification.differs else 0)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} sets nothing. Write NAME=VALUE, such as quotas=default.")
    return name.strip(), value.strip()


def _announce(tape: Tape, name: str, *, mutate: bool) -> None:
    """Say what is about to be sent, and to whom, before anything is."""
    steps = [step for step in steps_of(tape) if not step.asked.is_token_exchange and (mutate or step.is_read)]
    counts = Counter(step.method for step in steps)
    what = ", ".join(f"{count} {method}" for method, count in counts.items()) or "nothing"
    click.echo(f"Sending to {name}: {what}.", err=True)
    if any(not step.is_read for step in steps):
        click.echo("What this creates stays: nothing is deleted but what the cassette deletes.", err=True)


def _print(name: str, verification: Verification, console: Console, *, is_kept: bool) -> None:
    is_evidence = verification.label.origin is Origin.SERVICE
    console.print(f"[{'green' if is_evidence else 'yellow'}]{escape(worth(name, verification.label))}[/]")
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
    for finding, numbers in gathered(verification):
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
    grid = Grid(title=title)
    for column in columns:
        grid.add_column(column, overflow="fold")
    grid.title_justify, grid.title_style = "left", "bold"
    return grid
