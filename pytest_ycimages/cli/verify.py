"""`ycimages verify`, `observe` and `fidelity`: how answers compare with a cassette, and the table of behaviours."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Final

import click
from pydantic_core import to_json
from rich.markup import escape
from rich.table import Table

from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.backing.record import check_real_time, recorder_of
from pytest_ycimages.cassette.answers import recorded_calls
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.model import Origin, shortened
from pytest_ycimages.cassette.redact import for_replay
from pytest_ycimages.cassette.upstream import FOLDER
from pytest_ycimages.cli.commands import EXISTING, FILE, Command, Duration, console, other_settings
from pytest_ycimages.cloud.clock import MachineClock
from pytest_ycimages.fidelity import MEANINGS, Mark, read_table, render
from pytest_ycimages.redaction.printing import printed
from pytest_ycimages.settings import merged
from pytest_ycimages.verify.fake_target import verify_fake
from pytest_ycimages.verify.mode import PATIENCE, SERVICE, target_of
from pytest_ycimages.verify.observe import ReadOnlyUpstream, harmless_calls, observe
from pytest_ycimages.verify.verify import NOTHING, as_json, grouped, summary, verify, worth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rich.console import Console

    from pytest_ycimages.cassette.exchange import Recorder
    from pytest_ycimages.cassette.model import CassetteData
    from pytest_ycimages.fidelity import Behaviour
    from pytest_ycimages.verify.observe import Answered, HarmlessCall
    from pytest_ycimages.verify.verify import Verification


_OF_THE_FAKE: Final = "--contract and --set configure the fake, and --upstream replaces it: leave one out."


@click.command("verify", cls=Command, examples=["ycimages verify cassettes/bake.yaml"])
@click.argument("file", type=EXISTING)
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
@other_settings(" of the fake", "quotas=default")
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
    recorded = for_replay(read_cassette(file)).clean
    target = target_of(recorded, upstream, settings, patience=patience)
    if upstream is not None:
        _announce(recorded, target.name, mutate=not no_mutate)
    verification = verify(recorded, target, mutate=not no_mutate)
    if form == "json":
        click.echo(to_json(as_json(str(file), verification), indent=2))
    else:
        _print_verification(str(file), verification, is_kept=upstream is not None)
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


def _print_verification(name: str, verification: Verification, *, is_kept: bool) -> None:
    """Print a verification of the cassette `name`.

    Args:
        name: the name of the cassette.
        verification: its verification.
        is_kept: whether what was created is left in the service.
    """
    output = console(soft_wrap=True)
    is_evidence = verification.metadata.origin is Origin.SERVICE
    output.print(f"[{'green' if is_evidence else 'yellow'}]{escape(worth(name, verification.metadata))}[/]")
    columns = ("where", "recorded", "answered", "speaks against")
    _print_grid(output, "What differs", columns, _differences(verification))
    columns = ("behaviour", "known by", "seen", "today's answers")
    _print_grid(output, "What the cassette shows", columns, _behaviours(verification))
    skipped = ((escape(f"{each.number}: {each.line}"), escape(each.why)) for each in verification.skipped)
    _print_grid(output, "What was not compared", ("interaction", "why"), skipped)
    if verification.created and is_kept:
        output.print(f"Created, and left as they are: {', '.join(verification.created)}")
    output.print(escape(summary(verification)))


def _print_grid(output: Console, title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows of markup as a table with a title, in which long texts are folded; nothing without rows."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    if table.rows:
        output.print(table)


def _differences(verification: Verification) -> Iterator[tuple[str, ...]]:
    for finding, numbers in grouped(verification):
        difference, others = finding.difference, ", ".join(map(str, numbers[1:]))
        where = f"{finding.number}: {finding.line}{f' (and in {others})' if others else ''}"
        yield (
            f"{escape(where)}\n[bold]{escape(difference.field)}[/] ({difference.kind})",
            escape(difference.recorded or NOTHING),
            escape(difference.answered or NOTHING),
            escape(finding.behaviour or "nothing in the table"),
        )


def _behaviours(verification: Verification) -> Iterator[tuple[str, ...]]:
    for judged in verification.behaviours:
        where = ", ".join(map(str, judged.differs))
        verdict = f"[red]differ: {where}[/]" if judged.differs else "agree"
        yield escape(judged.behaviour), str(judged.mark), str(judged.seen), verdict


@click.command("observe", cls=Command, examples=["YC_TOKEN=$(yc iam create-token) ycimages observe observed.json"])
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="List the calls, and send nothing. It needs no credentials.")
@click.option("--upstream", metavar="URL", help="The server to ask. [default: the service itself]")
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="ID",
    help="Look at this image of yours and its operations as well; may be repeated.",
)
@click.option(
    "--operation",
    "operations",
    multiple=True,
    metavar="ID",
    help="Look at this operation of yours as well, such as one that failed or was cancelled; may be repeated.",
)
@click.option(
    "--pseudonyms/--no-pseudonyms",
    default=True,
    show_default=True,
    help="Replace ids of folders, clouds and accounts by pseudonyms.",
)
def observe_command(  # noqa: PLR0913 - the options of a command
    *,
    file: Path,
    dry_run: bool,
    upstream: str | None,
    images: tuple[str, ...],
    operations: tuple[str, ...],
    pseudonyms: bool,
) -> None:
    """Ask the service what is not known of it, with calls that only read, and record the answers into FILE.

    It creates, changes and deletes nothing. Credentials come from the environment variables YC_TOKEN and YC_FOLDER_ID
    only. The cassette is redacted; `ycimages verify FILE` reads it, and is what this command prints at the end.

    The exit code is 1 if an answer could not be recorded.
    """
    calls = harmless_calls(images, operations)
    if dry_run:
        _list(calls, upstream)
        return
    recorder = _record(file, calls, upstream, pseudonyms=pseudonyms)
    for problem in recorder.problems:
        click.echo(f"Error: {problem}", err=True)
    if recorder.problems or not recorder.recorded:
        sys.exit(1)
    _conclude(file)


def _list(calls: Iterable[HarmlessCall], upstream: str | None) -> None:
    """Print the calls, each with its credential and with what its answer tells."""
    folder = os.environ.get(FOLDER, "")
    for call in calls:
        line = call.filled({"<folder>": folder} if folder else {}).line
        click.echo(f"{call.name}: {line}, with {call.sends}: {call.asks}")
    click.echo(f"Nothing was sent. Without --dry-run, these calls go to {upstream or 'the service itself'}.")


def _record(file: Path, calls: tuple[HarmlessCall, ...], address: str | None, *, pseudonyms: bool) -> Recorder:
    """Make the calls, print each with its answer, and return the recorder, closed.

    Raises:
        UsageError: the environment lacks the credentials, or the upstream cannot be reached.
        CassetteError: the file cannot be recorded.
    """
    address = None if address == SERVICE else address
    check_real_time(address)
    upstream = ReadOnlyUpstream(address)
    account = upstream.account
    settings = merged({"cassette": file, "upstream": address, "pseudonyms": pseudonyms})
    recorder = recorder_of(upstream, settings, MachineClock())
    whose = f"as the owner of {account.credential.source}, in folder {account.folder_id}"
    click.echo(f"Sending up to {len(calls)} calls to {upstream.name} {whose}. None changes anything.", err=True)
    whole = False
    try:
        for answered in observe(calls, recorder, folder_id=account.folder_id, token=upstream.stand_in):
            click.echo(_line(answered))
            if recorder.problems:  # then nothing more is kept
                break
        whole = True
    finally:
        recorder.close(whole=whole)
    return recorder


def _line(answered: Answered) -> str:
    """Return a call and its answer in one line."""
    call, reply = answered
    if reply is None:
        return f"{call.name:<24} not sent: the answers before show no value for {shortened(call.target)}"
    status = reply.verbatim.status if reply.verbatim else 0
    text = reply.verbatim.body.decode("utf-8", "replace") if reply.verbatim and not reply.body else reply.note
    code = f" {reply.code.name}" if reply.code else ""
    return f"{call.name:<24} {status}{code} {shortened(printed(text))}".rstrip()


def _conclude(file: Path) -> None:
    """Print what the cassette confirms and contradicts, and what to do with it."""
    _print_verification(str(file), verify_fake(for_replay(read_cassette(file)).clean), is_kept=False)
    click.echo(
        f"The answers are in {file}, redacted. Read it before you share it; `ycimages verify` compares it again."
    )


_COLOURS: Final = {
    Mark.PAGE: "green",
    Mark.OBSERVED: "cyan",
    Mark.DOCUMENTED: "blue",
    Mark.INFERRED: "yellow",
    Mark.SETTING: "magenta",
}


@click.command("fidelity", cls=Command, examples=["ycimages fidelity", "ycimages fidelity --mark inferred"])
@click.option("--mark", type=click.Choice([mark.value for mark in Mark]), help="Show only behaviours with this mark.")
@click.option("--markdown", is_flag=True, help="Print docs/reference/fidelity.md.")
def fidelity_command(mark: str | None, *, markdown: bool) -> None:
    """Show every behaviour of the double, and the evidence that the service does the same."""
    table = read_table() if mark is None else read_table().marked(Mark(mark))
    if markdown:
        click.echo(render(table), nl=False)
        return
    output = console()
    for area, title in table.areas.items():
        rows = map(_row, table.of(area))
        _print_grid(output, title, ("behaviour", "what the double does", "known by", "source"), rows)
    gaps = (tuple(map(escape, (gap.what, gap.instead, gap.source))) for gap in table.gaps)
    _print_grid(output, "Not in the double", ("of the service", "what the double does instead", "source"), gaps)
    for each, count in table.counts().items():
        if count:
            output.print(f"[{_COLOURS[each]}]{count:>4} {each:<11}[/] {escape(MEANINGS[each])}")
    output.print(f"{len(table.behaviours):>4} behaviours, each with a test that proves it")


def _row(behaviour: Behaviour) -> tuple[str, ...]:
    setting = f"\n{behaviour.setting}" if behaviour.setting else ""
    known = f"[{_COLOURS[behaviour.mark]}]{behaviour.mark}{setting}[/]"
    return escape(behaviour.id), escape(behaviour.does), known, escape(behaviour.source)
