"""Which files a command is about that takes cassettes and folders of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from pytest_ycimages.cassette.file import is_partial
from pytest_ycimages.cassette.format import SUFFIXES

PATH: Final = click.Path(path_type=Path)


def cassettes_below(folder: Path, *, drafts: bool = False) -> list[Path]:
    """The cassettes in a folder and in those below it, sorted.

    Args:
        folder: where to look.
        drafts: look for what recordings have left behind that were killed, instead.
    """
    files = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return sorted(path for path in files if is_partial(path) is drafts)


def expanded(context: click.Context, option: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:  # noqa: ARG001 - the form that click asks for
    """Files as they were given, and in place of each folder the cassettes in it."""
    files = list[Path]()
    for path in paths:
        found = cassettes_below(path) if path.is_dir() else [path]
        if not found:
            raise click.BadParameter(f"{path} has no cassette in it: no file that ends with {', '.join(SUFFIXES)}.")
        files += found
    return tuple(dict.fromkeys(files))
