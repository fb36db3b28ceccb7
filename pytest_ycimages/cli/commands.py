"""The command `ycimages`, and what its commands share. A command's module is imported when that command is used.

Wrong usage exits with 2.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import get_completion_class

from pytest_ycimages.errors import CassetteError, UsageError
from pytest_ycimages.text_values import DURATIONS, is_seconds, seconds_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rich.console import Console

    from pytest_ycimages.errors import YCImagesError

# What commands share.


class Command(click.Command):
    """A command whose help ends with examples. An error of usage or of a cassette is wrong usage of it.

    Args:
        name: its name.
        examples: command lines to copy.
        epilog: a text before the examples.
        **attributes: those of click.
    """

    def __init__(
        self, name: str | None = None, *, examples: Collection[str] = (), epilog: str = "", **attributes: Any
    ) -> None:
        lines = "\n".join(["\b", "Examples:", *(f"  {line}" for line in examples)]) if examples else ""
        super().__init__(name, epilog="\n\n".join(filter(None, (epilog, lines))), **attributes)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (UsageError, CassetteError) as error:
            raise click.UsageError(with_notes(error), ctx) from None


class Group(Command, click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type


def with_notes(error: YCImagesError) -> str:
    """Return the text of an error and its notes, each on a line of its own."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


FILE: Final = click.Path(dir_okay=False, path_type=Path)
EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


class Duration(click.ParamType):  # type: ignore[type-arg]  # which click has only since 8.3
    """Seconds, zero or more, or a duration such as `1h30m`, as an option."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        seconds = seconds_in(value) if isinstance(value, str) else value
        if not is_seconds(seconds):
            self.fail(f"invalid duration {value!r}: expected seconds, or a duration {DURATIONS}.", param, ctx)
        return seconds


def pairs(option: str, name: str, what: str, such: str, text: str) -> Callable[[Any], Any]:
    """Return an option NAME=VALUE that may be repeated. The command gets the values by name.

    Args:
        option: the option, such as `--set`.
        name: the argument of the command.
        what: what errors call it.
        such: an example.
        text: the help.
    """

    def read(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
        found = dict[str, str]()
        for each in values:
            key, equals, value = each.partition("=")
            if not (equals and key.strip()):
                raise click.BadParameter(f"invalid {what} {each!r}: expected NAME=VALUE, such as {such}.")
            found[key.strip()] = value.strip()
        return found

    return click.option(option, name, multiple=True, metavar="NAME=VALUE", callback=read, help=text)


def other_settings(of: str, such: str) -> Callable[[Any], Any]:
    """Return the option `--set`, by which a command takes any other setting."""
    return pairs(
        "--set", "others", "setting", "quotas=default", f"Any other setting{of}, such as {such}; may be repeated."
    )


def console(*, width: int = 0, **options: Any) -> Console:
    """Return a console that prints texts as they are, without a terminal at least as wide as `width`."""
    from rich.console import Console  # noqa: PLC0415 - slow to load, and many commands print no tables

    made = Console(highlight=False, emoji=False, **options)
    if not made.is_terminal:
        made.width = max(made.width, width)
    return made


# The command.

_COMMANDS: Final = {
    "cassette": "cassette:cassette",
    "ctl": "ctl:ctl",
    "demo": "serve:demo",
    "experiment": "experiment:experiment",
    "experiment merge": "experiment:merge",
    "fidelity": "verify:fidelity_command",
    "observe": "verify:observe_command",
    "openapi": "serve:openapi",
    "record": "serve:record",
    "replay": "serve:replay",
    "serve": "serve:serve",
    "verify": "verify:verify_command",
}
"""Where each command is, beside this module."""


class _Commands(Group):
    """The group of all commands, most of which need the double, which takes long to import.

    A name may have two words, such as `experiment merge`.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the form that click asks for
        return sorted({*_COMMANDS, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"pytest_ycimages.cli.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        two = " ".join(args[:2])
        return (two, self.get_command(ctx, two), args[2:]) if two in _COMMANDS else super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=["ycimages demo", "ycimages serve --timing 'AfterPolls(3)'", "ycimages ctl calls --follow"],
)
@click.version_option(package_name="pytest-ycimages")
def ycimages() -> None:
    """Run a test double of the Yandex Compute Cloud image API, and work with its cassettes."""


@ycimages.command(
    examples=[
        'eval "$(ycimages completion bash)"',
        "ycimages completion fish > ~/.config/fish/completions/ycimages.fish",
    ]
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands, options, methods and faults."""
    completer = get_completion_class(shell)
    if completer is not None:
        click.echo(completer(ycimages, {}, "ycimages", "_YCIMAGES_COMPLETE").source())
