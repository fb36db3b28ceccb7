"""`ycimages cassette …`: what can be done with cassettes on the command line. A module for each command."""

from __future__ import annotations

import click

from pytest_ycimages.cli.cassette_check import check_cassettes
from pytest_ycimages.cli.cassette_compact import compact_cassettes
from pytest_ycimages.cli.cassette_convert import convert_cassette
from pytest_ycimages.cli.cassette_prune import prune_cassettes
from pytest_ycimages.cli.cassette_scrub import scrub_cassettes
from pytest_ycimages.cli.cassette_show import show_cassettes


@click.group()
def cassette() -> None:
    """Look at cassettes, check them, and change them without recording them anew."""


for command in (
    check_cassettes,
    compact_cassettes,
    convert_cassette,
    prune_cassettes,
    scrub_cassettes,
    show_cassettes,
):
    cassette.add_command(command)
