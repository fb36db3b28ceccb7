"""`ycimages observe`: harmless calls to the service, recorded, and what they show of the table of behaviours."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from pytest_ycimages.backing.record import check_real_time, recorder_of
from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cassette.model import shortened
from pytest_ycimages.cassette.redact import for_replay
from pytest_ycimages.cassette.upstream import FOLDER
from pytest_ycimages.cli.commands import FILE, Command
from pytest_ycimages.cli.verify import print_verification
from pytest_ycimages.cloud.clock import MachineClock
from pytest_ycimages.redaction.printing import printed
from pytest_ycimages.settings import merged
from pytest_ycimages.verify.fake_target import verify_fake
from pytest_ycimages.verify.mode import SERVICE
from pytest_ycimages.verify.observe import ReadOnlyUpstream, harmless_calls, observe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_ycimages.cassette.exchange import Recorder
    from pytest_ycimages.verify.observe import Answered, HarmlessCall


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
    print_verification(str(file), verify_fake(for_replay(read_cassette(file)).clean), is_kept=False)
    click.echo(
        f"The answers are in {file}, redacted. Read it before you share it; `ycimages verify` compares it again."
    )
