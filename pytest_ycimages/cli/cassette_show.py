"""`ycimages cassette show`: the stories of cassettes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

from pytest_ycimages.cassette.file import read_cassette
from pytest_ycimages.cli.cassette_files import PATH, expanded
from pytest_ycimages.cli.cassette_story import story
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pathlib import Path


@click.command("show")
@click.argument("files", nargs=-1, required=True, type=PATH, callback=expanded)
@click.option("--body", is_flag=True, help="Print what was sent and answered, too.")
def show_cassettes(files: tuple[Path, ...], *, body: bool) -> None:
    """Tell the story of each of FILES: what it says of itself, and each call with what its answer says.

    The exit code is 1 if one of them cannot be read.
    """
    console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
    worked = [_show(file, console, body=body) for file in files]
    sys.exit(0 if all(worked) else 1)


def _show(file: Path, console: Console, *, body: bool) -> bool:
    try:
        tape = read_cassette(file)
    except CassetteError as error:
        click.echo(str(error), err=True)
        return False
    console.print(str(file), style="bold")
    for line in story(tape, bodies=body):
        console.print(line)
    return True
