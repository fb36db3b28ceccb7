"""Options and output of the commands of `ycimages ctl`: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pytest_ycimages.cli.control_client import ControlClient, ControlError, origin_of
from pytest_ycimages.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


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
JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def asks(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a double's address, and its first argument: the client of that double."""

    @URL
    @TOKEN
    @click.pass_context
    @wraps(function)
    def command(context: click.Context, /, url: str | None, token: str | None, **arguments: Any) -> None:
        group = context.find_object(dict) or {}
        url, token = url or group.get("url"), token or group.get("token")
        if url is None:
            raise click.UsageError(
                "No double is named. Give --url, or set YCIMAGES_URL, to what `ycimages serve` printed first."
            )
        try:
            function(ControlClient(url, token), **arguments)
        except ControlError as error:
            raise click.ClickException(str(error)) from None

    return command


def json_lines(objects: Iterable[object]) -> None:
    """Print each object as a line of JSON."""
    for each in objects:
        click.echo(json.dumps(each))


def show_rows(rows: Sequence[dict[str, Any]], columns: Sequence[Column], empty: str, *, as_json: bool) -> None:
    """Print rows as a table or as JSON; on stderr, say what it means that there are none."""
    if as_json:
        json_lines(rows)
    elif rows:
        print_table(columns, rows)
    else:
        click.echo(empty, err=True)


def show_values(given: dict[str, Any], *, as_json: bool) -> None:
    """Print an object as JSON, or each of its values on a line."""
    if as_json:
        json_lines([given])
        return
    width = max(map(len, given), default=0)
    for name, value in given.items():
        text = value if isinstance(value, str) else json.dumps(value)
        click.echo(f"{name:<{width}}  {printable(text)}")


def show_report(text: str) -> None:
    """Print a report of several lines."""
    click.echo("\n".join(map(printable, text.splitlines())))


def pair(text: str, option: str, such: str) -> tuple[str, str]:
    """Return name and value of an option NAME=VALUE.

    Raises:
        click.UsageError: it has no name or no value.
    """
    name, equals, value = text.partition("=")
    if not (equals and name.strip()):
        raise click.UsageError(f"invalid {option} {text!r}: expected NAME=VALUE, such as {such}.")
    return name.strip(), value


def completed_methods(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - the form that click asks for
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
    cell: Callable[[dict[str, Any]], object]
    width: int = 0


def print_table(columns: Sequence[Column], rows: Iterable[dict[str, Any]], *, header: bool = True) -> None:
    """Print rows as a table: as wide as the terminal; without one, as wide as its content."""
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, width=_WIDEST)
    table = Table(box=None, pad_edge=False, show_header=header, header_style="bold")
    for column in columns:
        table.add_column(column.header, min_width=column.width, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(_cell(column.cell(row)))) for column in columns))
    console.print(table)


_WIDEST: Final = 10_000
"""Columns of a table without a terminal."""


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _argument(argument: dict[str, Any]) -> str:
    return argument["name"] if argument["required"] else f"{argument['name']}={argument['default']}"


def _state(operation: dict[str, Any]) -> str:
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
