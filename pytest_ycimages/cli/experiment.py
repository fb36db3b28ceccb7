"""`ycimages experiment`: its options, and what becomes of them. Exit codes: 0 no finding, 1 findings, 2 wrong usage."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_ycimages.cli.experiment_shown import progress_bar, show_reports
from pytest_ycimages.cli.function_named import function_named
from pytest_ycimages.cli.pairs import pairs
from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.client import client_name
from pytest_ycimages.experiment.command import Command
from pytest_ycimages.experiment.comparison import Comparison
from pytest_ycimages.experiment.experiment import run_experiment
from pytest_ycimages.experiment.html import check_installed, report_html
from pytest_ycimages.experiment.report import Report, report_from_json, report_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ycimages.experiment.trials import Workers

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
_WRITTEN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


def _duration(context: click.Context, option: click.Parameter, value: str | None) -> float | None:  # noqa: ARG001 - the form that click asks for
    """Seconds, as in `30`, `30s`, `5m` or `1.5h`."""
    if value is None:
        return None
    written = _WRITTEN.fullmatch(value.strip())
    if written is None:
        raise click.BadParameter(f"{value!r} is no duration. Write such as 30s, 5m or 1h.")
    return float(written[1]) * _UNITS[written[2]]


def _workers(context: click.Context, option: click.Parameter, value: str) -> Workers:
    """A number, or `auto`."""
    if value == "auto":
        return "auto"
    if not value.lstrip("-").isdecimal():
        raise click.BadParameter(f"{value!r} is no number of processes. Write such as 2, or auto.")
    return click.IntRange(1)(value, option, context)


@click.command()
@click.argument("client", required=False, metavar="[MODULE:FUNCTION]")
@click.option("--command", metavar="LINE", help="A client that is a command, such as './bake.sh', in real time.")
@click.option("--depth", type=click.IntRange(0), default=1, show_default=True, help="Up to how many faults at once.")
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="NAME",
    help="Who judges, such as no_duplicates, 'finishes(within=600)' or your own module:function; may be repeated. "
    "[default: all there are]",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="What to try, the mildest first, such as 'reset()' or 'reset(), on=\"images.create\", commit=\"after\"'; may "
    "be repeated. [default: the whole catalogue]",
)
@click.option("--seed", type=int, help="What ids and random scenarios are drawn from. [default: 0]")
@click.option(
    "--random", type=click.IntRange(0), default=0, show_default=True, help="Scenarios to draw beyond the depth."
)
@click.option(
    "--budget",
    metavar="TIME",
    callback=_duration,
    help="When to stop, such as 30s or 5m of real time, for each client.",
)
@click.option(
    "--workers",
    callback=_workers,
    default="1",
    show_default=True,
    help="In how many processes; auto: as many as there are cores.",
)
@click.option("--state", type=_FILE, metavar="FILE", help="Where to remember what was tried, and to go on from.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write the report as JSON.")
@click.option("--html", "html_file", type=_FILE, metavar="FILE", help="Write the report as one HTML page.")
@click.option(
    "--against",
    multiple=True,
    metavar="CLIENT",
    help="Another client to compare with, as module:function, or a JSON file of an earlier report; may be repeated.",
)
@click.option(
    "--against-command", multiple=True, metavar="LINE", help="A command to compare with, as --command; may be repeated."
)
@click.option("--timing", help="How long operations take: seconds, or such as 'LogNormal(40, 0.5)'. [default: 5]")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="Any other setting of the doubles, such as cancel=loses; may be repeated.",
)
def experiment(
    client: str | None,
    command: str | None,
    json_file: Path | None,
    html_file: Path | None,
    against: tuple[str, ...],
    **options: Any,
) -> None:
    """Find the shortest sequences of faults that break a client.

    The client is a function that takes the URL and the token of a double, and returns the id of the image that it made,
    or raises. A module in the current folder can be named.

    The exit code is 1 if something was found, and 2 if what was asked for cannot be.
    """
    try:
        _check_files(json_file, html_file)
        subject = _subject(client, command)
        others = [*map(_compared, against), *map(Command, options["against_command"])]
        reports = [_reported(subject, options, options["state"])]
        reports += [_reported(each, options, _state_of(each, options["state"])) for each in others]
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    repeat = command_line(click.get_current_context())
    show_reports(Comparison(tuple(reports)), repeat)
    if json_file:
        _write(json_file, report_json(reports[0]))
    if html_file:
        _write(html_file, report_html(*reports, command=repeat))
    sys.exit(0 if reports[0].ok else 1)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None


def _check_files(json_file: Path | None, html_file: Path | None) -> None:
    """Find out before a long search what would be in the way of its report."""
    for path in filter(None, (json_file, html_file)):
        if not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}. Make it first.")
    if html_file:
        check_installed()


def _subject(client: str | None, command: str | None) -> Any:
    if client is not None and command is not None:
        raise UsageError(f"{client} and --command {command!r} are two clients. Name one; compare with --against.")
    if command is not None:
        return Command(command)
    if client is None:
        raise UsageError("No client is named. Write module:function, such as bakery:bake, or --command './bake.sh'.")
    return function_named(client)


def _compared(text: str) -> Any:
    """A client to compare with: a function, or the report that a file has."""
    path = Path(text)
    if path.suffix != ".json" and not path.is_file():
        return function_named(text)
    try:
        return report_from_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Name a file that --json has written.") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _state_of(other: Any, state: Path | None) -> Path | None:
    """Where to remember what was tried on a client that is compared: a file beside that of the first, by its name."""
    if state is None or isinstance(other, Report):
        return None
    name = re.sub(r"[^\w.]+", "-", client_name(other)).strip("-")
    return state.with_name(f"{state.name}.{name[:80]}")


def _reported(subject: Any, options: Mapping[str, Any], state: Path | None) -> Report:
    """What there is to say of a client."""
    if isinstance(subject, Report):
        return subject
    timing = {"timing": options["timing"]} if options["timing"] is not None else {}
    with progress_bar(client_name(subject)) as progress:
        return run_experiment(
            subject,
            faults=options["faults"] or None,
            depth=options["depth"],
            judges=_judges(options["judges"]),
            settings=timing | options["others"],
            seed=options["seed"],
            random=options["random"],
            budget=options["budget"],
            workers=options["workers"],
            state=state,
            progress=progress,
        )


def _judges(names: Sequence[str]) -> Sequence[Any] | None:
    """Judges by name; one with a colon is a function of the user's."""
    is_own = re.compile(r"[\w.]+:[\w.]+").fullmatch
    return [function_named(name) if is_own(name) else name for name in names] or None


_NOT_REPEATED: Final = frozenset({"workers", "state", "json_file", "html_file"})
"""What changes nothing of what is found."""


def command_line(context: click.Context) -> str:
    """The command that finds the same again; options that have their defaults are left out."""
    words = ["ycimages", "experiment"]
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in _NOT_REPEATED or context.get_parameter_source(name) is not click.core.ParameterSource.COMMANDLINE:
            continue
        value = f"{context.params[name]:g}s" if name == "budget" else context.params[name]
        several = [f"{key}={each}" for key, each in value.items()] if isinstance(value, dict) else value
        for each in several if isinstance(several, list | tuple) else [several]:
            words += [str(each)] if isinstance(parameter, click.Argument) else [parameter.opts[0], str(each)]
    return shlex.join(words)
