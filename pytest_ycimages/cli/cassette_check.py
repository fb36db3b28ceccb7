"""`ycimages cassette check`: what is to be found fault with in cassettes, as a table, and as an exit code for CI."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pytest_ycimages.api.contract import CONTRACTS
from pytest_ycimages.call import printable
from pytest_ycimages.cassette.age import days_old
from pytest_ycimages.cassette.detector import find_secrets
from pytest_ycimages.cassette.draft import draft_of
from pytest_ycimages.cassette.interaction import Origin
from pytest_ycimages.cassette.reading import read_tape
from pytest_ycimages.cassette.shown import CUT_OFF
from pytest_ycimages.cassette.usage import ORPHANS_UNKNOWN, read_usage
from pytest_ycimages.cli.cassette_files import PATH, expanded
from pytest_ycimages.cloud.clock import machine_time
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from pytest_ycimages.cassette.interaction import Label, Tape

_WIDE: Final = 2_000
"""In characters: where nobody looks at a terminal, no finding is folded."""

_NEWEST: Final = "current"
"""The contract that a recording is held to which says nothing of its own."""


class Finding(NamedTuple):
    """Something that is to be found fault with.

    Attributes:
        kind: `damage`, `label`, `age`, `contract`, `secret` or `orphan`.
        text: what, in a sentence.
        interaction: in which, counted from 1; None: in the cassette as a whole.
    """

    kind: str
    text: str
    interaction: int | None = None


class Demands(NamedTuple):
    """What is demanded of a cassette.

    Attributes:
        contract: the revision that calls are held to; None: the one that the cassette names.
        max_age: the most days that may have passed since it was recorded; None: any.
        allowed: regular expressions; what they match is no secret.
    """

    contract: str | None = None
    max_age: float | None = None
    allowed: tuple[str, ...] = ()


def _expressions(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001 - the form that click asks for
    for value in values:
        try:
            re.compile(value)
        except re.error as error:
            raise click.BadParameter(f"{value!r} is no regular expression: {error}.") from None
    return values


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=PATH, callback=expanded)
@click.option("--contract", type=click.Choice(tuple(CONTRACTS)), help="The revision; else the one a cassette names.")
@click.option("--max-age", type=click.FloatRange(min=0), metavar="DAYS", help="How old a recording may be.")
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="REGEX",
    callback=_expressions,
    help="What is no secret; may be repeated.",
)
@click.option("--usage", type=PATH, metavar="FILE", help="What the last run used: name cassettes of no test, too.")
def check_cassettes(
    files: tuple[Path, ...], contract: str | None, max_age: float | None, allowed: tuple[str, ...], usage: Path | None
) -> None:
    """Find fault with each of FILES: damage, missing labels, age, calls against the contract, and secrets.

    The exit code is 1 if there is anything. Nothing is changed.
    """
    try:
        orphans = read_usage(usage).orphans if usage else ()
    except CassetteError as error:
        raise click.UsageError(str(error)) from None
    if orphans is None:
        click.echo(ORPHANS_UNKNOWN, err=True)
    demands = Demands(contract, max_age, allowed)
    found = {file: [*findings(file, demands), *_if_orphan(file, orphans or ())] for file in files}
    count = sum(map(len, found.values()))
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    for file, faults in found.items():
        if faults:
            console.print(str(file), style="bold", markup=False, soft_wrap=True)
            console.print(_table(faults))
    checked = f"{len(files)} cassette{'' if len(files) == 1 else 's'} checked"
    console.print(f"[green]{checked}, nothing found[/]" if not count else f"[red]{checked}, {count} found[/]")
    sys.exit(1 if count else 0)


def findings(file: Path, demands: Demands) -> Iterator[Finding]:
    """What is to be found fault with in one cassette."""
    try:
        tape = read_tape(file)
    except CassetteError as error:
        yield Finding("damage", str(error))
        return
    if not tape.is_complete:
        yield Finding("damage", f"{CUT_OFF}; what it has is whole")
    if draft_of(file).exists():
        yield Finding("damage", f"a recording that was killed has left {draft_of(file).name}: delete it")
    yield from _of_label(tape.label, demands)
    yield from _of_contract(tape, demands.contract or tape.label.contract)
    yield from (Finding("secret", str(each)) for each in find_secrets(file.read_bytes(), allow=demands.allowed))


def _of_label(label: Label, demands: Demands) -> Iterator[Finding]:
    if label.origin is Origin.UNKNOWN:
        yield Finding("label", "it does not say whose answers it holds; say so: ycimages cassette convert --origin")
    if demands.max_age is not None:
        age = days_old(label, machine_time())
        if age is None:
            yield Finding("age", "it does not say when it was recorded")
        elif age > demands.max_age:
            yield Finding("age", f"recorded {age:.0f} days ago, at {label.recorded_at}; it may be {demands.max_age:g}")


def _of_contract(tape: Tape, revision: str) -> Iterator[Finding]:
    try:
        from pytest_ycimages.cli.cassette_contract import objections  # noqa: PLC0415 - it takes its time to load
    except ModuleNotFoundError as error:
        if error.name != "jsonschema_rs":
            raise
        hint = "Install it with: pip install 'pytest-ycimages[cli]'"
        raise click.UsageError(f"ycimages cassette check needs jsonschema-rs. {hint}") from None
    if revision and revision not in CONTRACTS:
        yield Finding("label", f"the contract {revision!r} is not known; known: {', '.join(CONTRACTS)}")
    revision = revision if revision in CONTRACTS else _NEWEST
    for number, interaction in enumerate(tape.interactions, 1):
        for objection in objections(interaction, revision):
            yield Finding("contract", objection, number)


def _if_orphan(file: Path, orphans: Collection[str]) -> Iterator[Finding]:
    if str(file.absolute()) in orphans:
        yield Finding("orphan", "it belongs to no test; remove it: ycimages cassette prune")


def _table(faults: list[Finding]) -> Table:
    table = Table("in", "what", "finding")
    for kind, text, number in faults:
        table.add_row("" if number is None else str(number), kind, escape(printable(text)))
    return table
