"""What the commands of `ycimages ctl` share: their options, and what they show: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from rich.table import Table
from rich.text import Text

from pytest_ycimages.cli.commands import console
from pytest_ycimages.cli.control_client import ControlClient, ControlError, origin_of
from pytest_ycimages.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    Row = Mapping[str, Any]


class _Address(click.ParamType):  # type: ignore[type-arg]  # which click has only since 8.3
    """The address of a double, as an option."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the origin."""
        try:
            return origin_of(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


URL: Final = click.option(
    "--url",
    type=_Address(),
    envvar="YCIMAGES_URL",
    show_envvar=True,
    help="The double's address, which `ycimages serve` prints first.",
)
TOKEN: Final = click.option(
    "--token",
    envvar="YCIMAGES_CONTROL_TOKEN",
    show_envvar=True,
    help="The token of its control API, if it has one.",
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")

_WIDEST: Final = 10_000
"""Columns of a table without a terminal."""


class Shown(NamedTuple):
    """What a command shows.

    Attributes:
        objects: what `--json` prints, an object a line.
        text: what is printed without it.
        none: what it means that the text is empty, for stderr.
        code: the exit code.
    """

    objects: Iterable[object]
    text: str | Table = ""
    none: str = ""
    code: int = 0

    def print(self, *, as_json: bool) -> None:
        """Print it, with escapes in place of control characters."""
        if as_json:
            for each in self.objects:
                click.echo(json.dumps(each))
        elif isinstance(self.text, Table):
            console(width=_WIDEST).print(self.text)
        elif self.text:
            click.echo("\n".join(map(printable, self.text.split("\n"))))
        elif self.none:
            click.echo(self.none, err=True)


def asks(function: Callable[..., Shown | Iterator[Shown]]) -> Callable[..., None]:
    """Return a command of a function that asks a double, and returns what to show, or yields it until Ctrl-C.

    The function gets the client of the double first. The command has the options of the double's address, and `--json`.
    """

    @URL
    @TOKEN
    @_JSON
    @click.pass_context
    @wraps(function)
    def command(context: click.Context, /, url: str | None, token: str | None, as_json: bool, **arguments: Any) -> None:  # noqa: FBT001 - click gives it by name
        group = context.find_object(dict) or {}
        url, token = url or group.get("url"), token or group.get("token")
        if url is None:
            raise click.UsageError(
                "No double is named. Give --url, or set YCIMAGES_URL, to what `ycimages serve` printed first."
            )
        try:
            shown = function(ControlClient(url, token), **arguments)
            with suppress(KeyboardInterrupt):
                for each in (shown,) if isinstance(shown, Shown) else shown:
                    each.print(as_json=as_json)
                    if each.code:
                        context.exit(each.code)
        except ControlError as error:
            raise click.ClickException(str(error)) from None

    return command


def shown_rows(rows: Collection[Row], columns: Sequence[Column], none: str = "") -> Shown:
    """Return rows to show as a table."""
    return Shown(rows, table(columns, rows) if rows else "", none)


def shown_values(given: Row, for_people: Row | None = None) -> Shown:
    """Return an object to show, without `--json` each of its values, or of those for people, on a line."""
    values = given if for_people is None else for_people
    width = max(map(len, values), default=0)
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return Shown([given], "\n".join(f"{name:<{width}}  {printable(text)}" for name, text in texts.items()))


def completed_methods(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Return the method words and globs that a shell may complete."""
    from pytest_ycimages.api.methods import METHODS  # noqa: PLC0415 - only to complete a word

    return [word for word in (*METHODS, "images.*", "operations.*") if word.startswith(incomplete)]


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        header: its header.
        cell: returns the text of a row.
        width: the least width, so that tables that are printed one after the other agree.
    """

    header: str
    cell: Callable[[Row], object]
    width: int = 0


def table(columns: Sequence[Column], rows: Iterable[Row], *, header: bool = True) -> Table:
    """Return rows as a table."""
    made = Table(box=None, pad_edge=False, show_header=header, header_style="bold")
    for column in columns:
        made.add_column(column.header, min_width=column.width, overflow="fold")
    for row in rows:
        cells = (column.cell(row) for column in columns)
        made.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in cells))
    return made


def _argument(argument: Row) -> Any:
    return argument["name"] if argument["required"] else f"{argument['name']}={argument['default']}"


def _state(operation: Row) -> str:
    if not operation.get("done"):
        return "in flight"
    return f"failed: {operation['error'].get('message', '')}" if "error" in operation else "done"


CALLS: Final = (
    Column("#", lambda call: call["number"], 4),
    Column("AT", lambda call: f"+{call['at']:.3f}s", 9),
    Column("METHOD", lambda call: call["method"], 17),
    Column("STATUS", lambda call: call["status"], 9),
    Column("LATE", lambda call: f"{call['latency']:.3f}s" if call["latency"] else "", 6),
    Column("OVER", lambda call: "gRPC" if call["grpc"] else "REST", 4),
    Column("REQUEST", lambda call: call["line"], 40),
    Column("RESULT", lambda call: call["note"]),
)
IMAGES: Final = (
    Column("ID", lambda image: image["id"], 20),
    Column("STATUS", lambda image: image.get("status")),
    Column("NAME", lambda image: image.get("name")),
    Column("FAMILY", lambda image: image.get("family")),
    Column("FOLDER", lambda image: image.get("folderId")),
    Column("CREATED", lambda image: image.get("createdAt")),
)
OPERATIONS: Final = (
    Column("ID", lambda operation: operation["id"], 20),
    Column("STATE", _state),
    Column("DESCRIPTION", lambda operation: operation.get("description")),
    Column("IMAGE", lambda operation: operation.get("metadata", {}).get("imageId")),
    Column("CREATED", lambda operation: operation.get("createdAt")),
)
FAULTS: Final = (
    Column("#", lambda fault: fault["number"]),
    Column("STRUCK", lambda fault: f"{fault['struck']} of {fault['considered']}"),
    Column("IN FORCE", lambda fault: "yes" if fault["in_force"] else "no"),
    Column("FAULT", lambda fault: fault["rule"]),
)
CATALOGUE: Final = (
    Column("FAULT", lambda fault: f"{fault['name']}({', '.join(map(_argument, fault['arguments']))})"),
    Column("EFFECT", lambda fault: fault["help"]),
)
ARGUMENTS: Final = (
    Column("ARGUMENT", lambda argument: argument["name"]),
    Column("TYPE", lambda argument: argument["type"]),
    Column("DEFAULT", lambda argument: "required" if argument["required"] else argument["default"]),
    Column("SUCH AS", lambda argument: ", ".join(argument["values"])),
    Column("MEANING", lambda argument: argument["help"]),
)
