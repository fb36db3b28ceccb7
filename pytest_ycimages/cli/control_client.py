"""A client of the control API of a running double, and the form of commands that ask one: options, tables and JSON.

The double may be in another process or container.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import click
from rich.table import Table
from rich.text import Text

from pytest_ycimages.cli.commands import console
from pytest_ycimages.errors import YCImagesError, printable, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from http.client import HTTPResponse

    Row = Mapping[str, Any]

_PREFIX: Final = "/_ycimages/"
"""The path of the control API; `api/methods.py` has it too, but takes long to import."""

_TIMEOUT: Final = 30
"""Seconds to wait for each part of an answer. A stream of events is never silent for so long."""

_LONGEST: Final = 500
"""Characters of another server's answer that an error quotes."""


class ControlError(YCImagesError):
    """The double cannot be reached, or has refused the request. The text says what to do."""


class UnreachableError(ControlError):
    """No double answers at this address."""


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Makes calls of the control API. It passes by proxies, as a double is most often on this machine.

    Attributes:
        origin: where the double is served, such as `http://127.0.0.1:41233`.
        token: the token of the control API, if the double has one.
    """

    origin: str
    token: str | None = None

    def call(
        self, verb: str, path: str, body: object = None, *, accepted: int | None = None, **query: object
    ) -> dict[str, Any]:
        """Return the JSON answer of one call.

        Args:
            verb: the HTTP verb.
            path: what follows `/_ycimages/`.
            body: the JSON body; None for no body.
            accepted: an HTTP status of 400 or more whose answer is returned too.
            **query: query parameters; those that are None are left out.

        Raises:
            UnreachableError: no double answers.
            ControlError: the double has refused the request; the text is the double's own.
        """
        status, text = self._exchange(verb, path, body, {name: value for name, value in query.items() if value})
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or ("message" in answer and "code" in answer):
            raise UnreachableError(
                f"{self.origin} answers, but is not a double with a control API: {verb} {_PREFIX}{path} got "
                f"{status} {printable(shortened(text, _LONGEST))!r}. Give the address that `ycimages serve` "
                "printed first."
            )
        if status < _BAD_REQUEST or status == accepted:
            return answer
        problem = str(answer.get("error", answer))
        if status == _UNAUTHORIZED:
            given = "another token" if self.token else "no token"
            problem = f"{problem}\nThis command sent {given}: give --token, or set YCIMAGES_CONTROL_TOKEN."
        raise ControlError(problem)

    def calls(self, *, method: str | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the calls of the journal, page by page: those of `method`, after the call of this number."""
        token = ""
        while True:
            page = self.call("GET", "calls", method=method, after=after, page_token=token)
            yield from page["calls"]
            if not (token := page["next_page_token"]):
                return

    def events(self) -> Iterator[tuple[str, Any]]:
        """Yield what happens to the double from now on, and before: the kind of each event, and its data.

        The end is that of the double, or of the connection to it.

        Raises:
            UnreachableError: no double answers.
            ControlError: the double has refused the request.
        """
        self.call("GET", "health")
        self.call("GET", "clock")  # whose refusals are JSON
        try:
            with self._opened("GET", "events", None, {}) as stream:
                kind = ""
                for line in stream:
                    field, _, value = line.decode("utf-8", "replace").rstrip("\n").partition(": ")
                    if field == "event":
                        kind = value
                    elif field == "data":
                        yield kind, json.loads(value)
        except (OSError, HTTPException):
            return

    def _exchange(self, verb: str, path: str, body: object, query: Mapping[str, object]) -> tuple[int, str]:
        """Send one request, and return status and text of the answer."""
        try:
            with self._opened(verb, path, body, query) as response:
                return response.status, response.read().decode("utf-8", "replace")
        except HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"{self.origin} cannot be reached: {reason}. Is `ycimages serve` running there, and without a fault "
                "`refuse`? Give the address that it printed first by --url or YCIMAGES_URL."
            ) from None

    def _opened(self, verb: str, path: str, body: object, query: Mapping[str, object]) -> HTTPResponse:
        """Send one request, and return the open answer."""
        url = f"{self.origin}{_PREFIX}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        request = Request(url, data, headers, method=verb)  # noqa: S310 - `origin_of` has checked the scheme
        opened: HTTPResponse = build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT)
        return opened


_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401


def origin_of(address: str) -> str:
    """Return the origin of a double's address: a URL of any path of it, or host and port.

    Raises:
        ValueError: the address is neither; the text says what is expected.
    """
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError(
            f"invalid address {address!r}: expected the address of a double, such as http://127.0.0.1:41233"
        )
    try:
        parts.port  # noqa: B018 - it raises
    except ValueError as error:
        raise ValueError(f"invalid address {address!r}: {error}") from None
    return f"{parts.scheme}://{parts.netloc}"


# Commands.


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
