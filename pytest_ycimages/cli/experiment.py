"""The `ycimages experiment` command and its options. Exit codes: 0 no finding, 1 findings, 2 wrong usage."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from pytest_ycimages.cli.commands import EXISTING, FILE, Duration, other_settings
from pytest_ycimages.cli.commands import Command as ClickCommand
from pytest_ycimages.cli.experiment_report import progress_bar, show_reports
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.experiment.client import client_name
from pytest_ycimages.experiment.command import Command
from pytest_ycimages.experiment.experiment import run_experiment
from pytest_ycimages.experiment.html import Comparison, check_installed, report_html
from pytest_ycimages.experiment.judges import REGISTERED
from pytest_ycimages.experiment.printable import write_whole
from pytest_ycimages.experiment.report import Report, report_from_json, report_json
from pytest_ycimages.experiment.shards import Part, merged, part_from_json
from pytest_ycimages.experiment.trial import VERBS, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import ModuleType

    from pytest_ycimages.experiment.trials import Workers

_T = TypeVar("_T")


def _workers(context: click.Context, option: click.Parameter, value: str) -> Workers:
    if value == "auto":
        return "auto"
    if not value.lstrip("-").isdecimal():
        raise click.BadParameter(f"invalid number of processes {value!r}: expected one such as 2, or auto.")
    return click.IntRange(1)(value, option, context)


_json_option = click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the report as JSON.")
_html_option = click.option("--html", "html_file", type=FILE, metavar="FILE", help="Write the report as one HTML page.")


def _judges_text() -> str:
    """Return the judges with their verbs, for the help of the command."""
    lines = (f"{name}{each.parameters}: {scope_of(each.verbs)}" for name, each in REGISTERED.items())
    return "\n".join(["\n\n\b", "Judges, and the verbs of the clients that each of them judges:", *lines])


@click.command(
    cls=ClickCommand,
    epilog=_judges_text(),
    examples=["ycimages experiment bake:create_image", "ycimages experiment --command ./bake.sh --depth 2"],
)
@click.argument("client", required=False, metavar="[MODULE:FUNCTION]")
@click.option("--command", metavar="LINE", help="A client that is a command, such as './bake.sh', in real time.")
@click.option(
    "--verb",
    type=click.Choice(VERBS),
    default="create",
    show_default=True,
    help="What the client is for. It decides which judges are asked by default.",
)
@click.option(
    "--setup", metavar="MODULE:FUNCTION", help="A function of a double that adds what exists before the client begins."
)
@click.option("--depth", type=click.IntRange(0), default=1, show_default=True, help="The most faults at once.")
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="NAME",
    help="A judge, such as no_duplicates, 'finishes(within=600)' or your own module:function; may be repeated. "
    "[default: those of the verb]",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="A fault, the mildest first, such as 'reset()' or 'reset(), on=\"images.create\", commit=\"after\"'; may "
    "be repeated. [default: the whole catalogue]",
)
@click.option("--seed", type=int, help="The seed of ids and random scenarios. [default: 0]")
@click.option(
    "--random", type=click.IntRange(0), default=0, show_default=True, help="How many random scenarios to add."
)
@click.option(
    "--budget", metavar="TIME", type=Duration(), help="The maximum real time for each client, such as 30s or 5m."
)
@click.option(
    "--workers",
    callback=_workers,
    default="1",
    show_default=True,
    help="The number of processes; auto: one for each core.",
)
@click.option("--state", type=FILE, metavar="FILE", help="A file of tried scenarios, to continue an earlier search.")
@click.option(
    "--shard",
    metavar="K/N",
    help="Try only the K-th of N parts, and write it with --json for `ycimages experiment merge`.",
)
@_json_option
@_html_option
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
@other_settings(" of the doubles", "cancel=loses")
def experiment(
    client: str | None,
    command: str | None,
    json_file: Path | None,
    html_file: Path | None,
    **options: Any,
) -> None:
    """Find the shortest sequences of faults that break a client.

    The client is a function or class that takes the URL and the token of a double, and returns the id of the image that
    it created, or raises; with another --verb, it may return anything. Modules in the current folder are found, too. A
    command exits with 0 if it succeeded, and prints the id in its last line, several ids with commas between them. It
    finds YCIMAGES_URL, YC_TOKEN, YC_FOLDER_ID, YCIMAGES_GRPC_ENDPOINT and YCIMAGES_CA_FILE in its environment, and
    proxy variables that lead the names of the service to the double.

    The exit code is 1 if there are findings, and 2 for wrong usage.
    """
    _check_files(json_file, html_file)
    against, lines, state = (options.pop(name) for name in ("against", "against_command", "state"))
    if options["shard"] is not None:
        _check_shard(json_file, html_file, is_compared=bool(against or lines))
    subject, others = _subject(client, command), [*map(_compared, against), *map(Command, lines)]
    given = _read_options(**options)
    reports = [_reported(subject, given, state)]
    reports += [_reported(each, given, _state_of(each, state)) for each in others]
    repeat = command_line(click.get_current_context())
    part = reports[0].part
    if isinstance(part, Part):
        reports = [replace(reports[0], part=replace(part, command=repeat))]
        repeat = f"{repeat} --shard {part}"
    _show(reports, repeat, json_file, html_file)


@click.command(
    "experiment merge", cls=ClickCommand, examples=["ycimages experiment merge shard-*.json --html report.html"]
)
@click.argument("files", nargs=-1, required=True, type=EXISTING)
@_json_option
@_html_option
def merge(files: tuple[Path, ...], json_file: Path | None, html_file: Path | None) -> None:
    """Make one report of the shards of an experiment, in any order: the same as that of one run.

    FILES are what `ycimages experiment … --shard K/N --json FILE` has written, one for each shard. The client is not
    needed. The exit code is 1 if there are findings, and 2 if a shard is missing or of another experiment.
    """
    _check_files(json_file, html_file)
    parts = [(str(path), _read(path, part_from_json)) for path in files]
    report = merged(parts)
    first = min((part for _, part in parts), key=lambda each: each.number)
    _show([report], first.command, json_file, html_file)


def _show(reports: Sequence[Report], repeat: str, json_file: Path | None, html_file: Path | None) -> NoReturn:
    """Print reports, write them, and exit."""
    show_reports(Comparison(tuple(reports)), repeat)
    if json_file:
        _write(json_file, report_json(reports[0]))
    if html_file:
        _write(html_file, report_html(*reports, command=repeat))
    sys.exit(0 if reports[0].ok else 1)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from None


def _check_shard(json_file: Path | None, html_file: Path | None, *, is_compared: bool) -> None:
    """Check that a shard is written, and that it is not asked for what only the report of all shards has."""
    if json_file is None:
        raise UsageError("--shard needs --json FILE: `ycimages experiment merge` makes one report of these files.")
    if html_file is not None or is_compared:
        given = "--html" if html_file is not None else "--against"
        raise UsageError(
            f"{given} needs the report of all shards. Leave it out, and give `ycimages experiment merge` --html; what "
            "that writes with --json can be compared with --against."
        )


def _check_files(json_file: Path | None, html_file: Path | None) -> None:
    """Check before a long search that its report can be written."""
    for path in filter(None, (json_file, html_file)):
        if not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: the folder {path.parent} does not exist. Create it first.")
    if html_file:
        check_installed()


def _subject(client: str | None, command: str | None) -> Any:
    if client is not None and command is not None:
        raise UsageError(f"{client} and --command {command!r} are two clients. Give one; compare with --against.")
    if command is not None:
        return Command(command)
    if client is None:
        raise UsageError("The client is missing. Give module:function, such as bakery:bake, or --command './bake.sh'.")
    return function_named(client)


def _compared(text: str) -> Any:
    """Return a client to compare with: a function, or the report in a file."""
    path = Path(text)
    if path.suffix != ".json" and not path.is_file():
        return function_named(text)
    return _read(path, report_from_json)


def _read(path: Path, reading: Callable[[bytes], _T]) -> _T:
    try:
        return reading(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Give a file that --json has written.") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _state_of(other: Any, state: Path | None) -> Path | None:
    """Return the state file of a compared client: beside that of the first, with the client's name."""
    if state is None or isinstance(other, Report):
        return None
    name = re.sub(r"[^\w.]+", "-", client_name(other)).strip("-")
    return state.with_name(f"{state.name}.{name[:80]}")


def _reported(subject: Any, options: Mapping[str, Any], state: Path | None) -> Report:
    """Return the report of a client."""
    if isinstance(subject, Report):
        return subject
    with progress_bar(client_name(subject)) as progress:
        return run_experiment(subject, **options, state=state, progress=progress)


def _read_options(
    *,
    faults: Sequence[str],
    judges: Sequence[str],
    timing: str | None,
    others: Mapping[str, str],
    setup: str | None,
    **options: Any,
) -> dict[str, Any]:
    """Return the options of the command as arguments of `run_experiment`. A judge with a colon is a function."""
    is_own = re.compile(r"[\w.]+:[\w.]+").fullmatch
    return {
        "faults": faults or None,
        "judges": [function_named(name) if is_own(name) else name for name in judges] or None,
        "settings": {**({} if timing is None else {"timing": timing}), **others},
        "setup": function_named(setup) if setup else None,
        **options,
    }


_NOT_REPEATED: Final = frozenset({"workers", "state", "shard", "json_file", "html_file"})
"""Options that do not change the findings."""


def command_line(context: click.Context) -> str:
    """Return the command that repeats the experiment, without options that have their defaults."""
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


def function_named(text: str) -> Any:
    """Return the function that `module:function` names; a dotted name works, as in `bakery:Baker.bake`.

    Raises:
        UsageError: the module or function does not exist, or the module cannot be imported. The text names the nearest.
    """
    name, _, path = text.partition(":")
    if not name or not path:
        raise UsageError(f"invalid function {text!r}: expected module:function, such as bakery:bake.")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found: Any = _module(name)
    for word in path.split("."):
        if not hasattr(found, word):
            raise unknown_word(f"function of {name}", path, _functions(found))
        found = getattr(found, word)
    return found


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise UsageError(f"The module {name!r} cannot be imported: {error}. Install what it needs.") from error
        raise _unknown_module(name) from None
    except (Exception, SystemExit) as error:  # the module runs for the first time
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UsageError(
            f"The module {name!r} cannot be imported: {said}. It must be importable on its own."
        ) from error


def _unknown_module(name: str) -> UsageError:
    """Return an error that names the modules beside the missing one: in its package, or else in the current folder."""
    package = name.rpartition(".")[0]
    path = getattr(sys.modules.get(package), "__path__", None)
    prefix, path = (f"{package}.", path) if path else ("", [str(Path.cwd())])
    known = [f"{prefix}{each.name}" for each in pkgutil.iter_modules(path)]
    if not known:
        return UsageError(
            f"Unknown module {name!r}, and the current folder has none. Change to its folder, or install it."
        )
    return unknown_word("module", name, known)


def _functions(value: Any) -> Iterable[str]:
    """Return the functions of a module or a class; without imported ones, if it has its own."""
    functions = {name: each for name, each in vars(value).items() if callable(each) and not name.startswith("_")}
    own = [name for name, each in functions.items() if getattr(each, "__module__", None) == value.__name__]
    return own or functions
