"""`ycimages cassette convert`: a cassette in another form, which vcrpy reads as well."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pytest_ycimages.cassette.file import SUFFIXES, read_cassette, write_cassette
from pytest_ycimages.cassette.model import Origin
from pytest_ycimages.cli.cassette_files import PATH
from pytest_ycimages.errors import CassetteError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages.cassette.model import CassetteMetadata


@click.command("convert")
@click.argument("file", type=PATH)
@click.argument("target", type=PATH)
@click.option("--pretty", is_flag=True, help="YAML in blocks, as vcrpy writes it; slower to read.")
@click.option(
    "--origin",
    type=click.Choice([origin.value for origin in Origin if origin is not Origin.UNKNOWN]),
    help="Whose answers these are, for a cassette that does not say so.",
)
@click.option("--note", help="What else people should know of it.")
def convert_cassette(file: Path, target: Path, origin: str | None, note: str | None, *, pretty: bool) -> None:
    """Write FILE once more as TARGET, which ends with .yaml or .json; its label stays. They may be one file.

    vcrpy reads both: JSON with serializer="json". The exit code is 1 if FILE cannot be read, or TARGET not hold it.
    """
    if target.suffix not in SUFFIXES:
        raise click.UsageError(f"{target} is no name of a cassette. End it with one of: {', '.join(SUFFIXES)}.")
    if pretty and target.suffix == ".json":
        raise click.UsageError("--pretty is for YAML; JSON has one form.")
    try:
        tape = read_cassette(file)
        write_cassette(target, tape._replace(metadata=_labelled(tape.metadata, file, origin, note)), pretty=pretty)
    except CassetteError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{target}: {len(tape.interactions)} interactions")


def _labelled(label: CassetteMetadata, file: Path, origin: str | None, note: str | None) -> CassetteMetadata:
    if origin and label.origin not in {Origin.UNKNOWN, origin}:
        raise click.UsageError(f"{file} says that its origin is {label.origin}; that is not to be changed.")
    label = label._replace(origin=Origin(origin)) if origin else label
    return label if note is None else label._replace(note=note)
