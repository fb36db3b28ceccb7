"""The command `ycimages`: a command's module is imported when that command is used. Wrong usage exits with 2."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click
from click.shell_completion import get_completion_class

from pytest_ycimages.cli import examples

_COMMANDS: Final = {
    "cassette": "cassette:cassette",
    "ctl": "ctl:ctl",
    "demo": "server_commands:demo",
    "experiment": "experiment:experiment",
    "experiment merge": "experiment:merge",
    "fidelity": "verify:fidelity_command",
    "observe": "observe:observe_command",
    "openapi": "server_commands:openapi",
    "record": "server_commands:record",
    "replay": "server_commands:replay",
    "serve": "server_commands:serve",
    "verify": "verify:verify_command",
}
"""Where each command is, beside this module."""


class _Commands(click.Group):
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
    epilog=examples("ycimages demo", "ycimages serve --timing 'AfterPolls(3)'", "ycimages ctl calls --follow"),
)
@click.version_option(package_name="pytest-ycimages")
def ycimages() -> None:
    """Run a test double of the Yandex Compute Cloud image API, and work with its cassettes."""


@ycimages.command(
    epilog=examples(
        'eval "$(ycimages completion bash)"', "ycimages completion fish > ~/.config/fish/completions/ycimages.fish"
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands, options, methods and faults."""
    completer = get_completion_class(shell)
    if completer is not None:
        click.echo(completer(ycimages, {}, "ycimages", "_YCIMAGES_COMPLETE").source())
