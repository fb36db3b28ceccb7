"""Servers of `ycimages serve`, `record`, `replay` and `demo`, and the readers of their settings."""

from __future__ import annotations

import json
import tomllib
from contextlib import closing
from http.client import HTTPConnection
from shlex import quote
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.syntax import Syntax

from pytest_ycimages.api.methods import PREFIX
from pytest_ycimages.api.status import Code
from pytest_ycimages.cli.output import Output, Stop
from pytest_ycimages.double import Double
from pytest_ycimages.errors import DoubleFailedError, FaultNeverStruckError, UsageError, YCImagesError, unknown_word
from pytest_ycimages.faults.injection import never_struck
from pytest_ycimages.faults.rule import rule_of
from pytest_ycimages.settings import Settings, merged
from pytest_ycimages.text_values import DURATIONS, is_seconds, seconds_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_ycimages.call import Call


JOURNAL_LIMIT: Final = 10_000
"""The default of the setting `journal_limit` for servers."""

_LONGEST: Final = 1000
"""The most characters of the line of a call."""

_PATIENCE: Final = 0.1
"""Seconds that the end waits for calls that are being answered."""


def serve_until_stopped(settings: Mapping[str, Any]) -> bool:
    """Serve a double until SIGINT or SIGTERM, then print the report of each fault and the state of the cassette.

    Prints the URL first, then a curl line, the address of the live page, a line for gRPC and TLS, a command that leads
    the programs of a shell to the double, and a line for every call. Output that is not read delays neither calls nor
    the end, which also comes when the reader closes the output. A second signal ends the process at once.

    Args:
        settings: settings of the double; see `Settings`.

    Returns:
        Whether every expected fault has struck and the cassette has no problem.

    Raises:
        UsageError: a setting is invalid, or the port is taken.
        CassetteError: the cassette cannot be replayed or recorded.
    """
    stop = Stop()
    output = Output(on_closed=stop.notify)

    def show(call: Call) -> None:
        text = str(call)  # not the call itself, which has the whole request
        cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
        output.print(cut, "green" if call.status is Code.OK else "yellow")

    try:
        stop.listen()  # before anything can connect, so that a signal always ends it in good order
        return _serve(Double(settings, on_call=show).start(), output, stop)
    finally:
        output.close()
        stop.close()


def _serve(double: Double, output: Output, stop: Stop) -> bool:
    try:
        with double:
            output.print(double.url)
            output.print(_how_to_call(double), "dim")
            output.print(f"watch it at {double.page}", "dim")
            output.print(_over_tls(double), "dim")
            output.print(_exports(double), "dim")
            stop.wait()
            double.close(patience=_PATIENCE)
            _show_calls(double, output)
            _show_faults(double, output)
            if double.settings.mode != "fake":
                output.print(repr(double.cassette), "dim")
    except FaultNeverStruckError:
        return False  # the printed reports say so
    except YCImagesError as error:
        text = _error_text(error)
        if text is None:
            raise
        output.print(text, "red")
        return False
    return True


def _error_text(error: YCImagesError) -> str | None:
    """Return the text of an error; None when the double itself failed, as a traceback says more."""
    if isinstance(error, DoubleFailedError):
        cause = error.__cause__
        return str(cause) if isinstance(cause, YCImagesError) else None
    return with_notes(error)


def with_notes(error: YCImagesError) -> str:
    """Return the text of an error and its notes, each on a line of its own."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _show_calls(double: Double, output: Output) -> None:
    kept, dropped = len(double.calls), double.calls.dropped
    output.print(f"stopped after {dropped + kept} calls", "dim")
    if dropped:
        output.print(f"the journal has the last {kept} of them, by the setting journal_limit", "dim")


def _show_faults(double: Double, output: Output) -> None:
    idle = never_struck(double.accounts)
    for account in double.accounts:
        output.print(account.report, "red" if account in idle else "dim")
    if idle:
        output.print(f"{len(idle)} fault(s) never struck; add expect=False if that is intended", "red")


def _over_tls(double: Double) -> str:
    try:
        return f"gRPC and TLS at localhost:{double.port}; the certificate authority: {double.ca_path}"
    except UsageError:
        return "gRPC and TLS need an extra: pip install 'pytest-ycimages[grpc]'"


def _exports(double: Double) -> str:
    """Return the command of a shell after which its programs reach the double at the service's own names."""
    return " ".join(["export", *(f"{name}={quote(value)}" for name, value in double.proxy_environment().items())])


def _how_to_call(double: Double) -> str:
    body = f'{{"folderId": "{double.folder_id}", "diskId": "epd0000000000000000a"}}'
    curl = f"curl -H 'Authorization: Bearer {double.token}' -d '{body}' {double.url}/compute/v1/images"
    if not double.control_token:
        return curl
    return f"{curl}\ncontrol API: curl -H 'Authorization: Bearer {double.control_token}' {double.url}{PREFIX}state"


def pairs(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001 - the form that click asks for
    """Return the values of NAME=VALUE options by name.

    Raises:
        click.BadParameter: one of them has no name.
    """
    found = dict[str, str]()
    for value in values:
        name, equals, text = value.partition("=")
        if not equals:
            raise click.BadParameter(f"invalid setting {value!r}: expected NAME=VALUE, such as quotas=default.")
        found[name.strip()] = text.strip()
    return found


class Duration(click.ParamType):  # type: ignore[type-arg]  # which click has only since 8.3
    """Seconds, zero or more, or a duration such as `1h30m`, as an option."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        seconds = seconds_in(value) if isinstance(value, str) else value
        if not is_seconds(seconds):
            self.fail(f"invalid duration {value!r}: expected seconds, or a duration {DURATIONS}.", param, ctx)
        return seconds


def settings_in(path: Path) -> dict[str, Any]:
    """Return the settings in a TOML file, with `[[faults]]` in the words of `inject`.

    Raises:
        UsageError: it cannot be read, or a key or a value is invalid; the text names the file and the key.
    """
    values = _table(path)
    for name, value in values.items():
        if name not in Settings.model_fields:
            raise UsageError(f"{path}: {unknown_word('setting', name, Settings.model_fields)}")
        if name == "faults" and isinstance(value, list):
            values[name] = [_rule(path, number, each) for number, each in enumerate(value, 1)]
        try:
            merged({"allow_remote": True, name: values[name]})  # another source may set it
        except UsageError as error:
            raise UsageError(f"{path}: {name}: {error}") from None
    return values


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Give a TOML file with settings.") from None
    except ValueError as error:  # a mistake in TOML, or bytes that are not UTF-8
        raise UsageError(f"invalid TOML in {path}: {error}. Write settings such as timing = 'AfterPolls(3)'.") from None


def _rule(path: Path, number: int, written: object) -> object:
    try:
        return rule_of(written)
    except UsageError as error:
        raise UsageError(f"{path}: faults, number {number}: {error}") from None


_POLLS: Final = 10


def demonstrate(double: Double) -> bool:
    """Create an image with a real HTTP client, poll its operation, and return whether it became READY."""
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    headers = {"Authorization": f"Bearer {double.token}"}

    def show(text: str) -> None:
        console.print(Syntax(text, "json", background_color="default"))
        console.print()

    def call(verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        console.print(f"[bold cyan]> {verb} {path}")
        if body:
            show(json.dumps(body, indent=1))
        connection.request(verb, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        console.print(f"[bold]< {response.status} {response.reason}")
        text = response.read().decode()
        show(text)
        answer: dict[str, Any] = json.loads(text)
        return answer

    console.rule("[bold]a test double of the image API")
    console.print(f"listening on {double.url}\n")
    with closing(HTTPConnection(double.host, double.port)) as connection:
        source = {"folderId": double.folder_id, "name": "demo-image", "diskId": "epd0000000000000000a"}
        operation = call("POST", "/compute/v1/images", source)
        for _ in range(_POLLS):
            if operation.get("done", True):
                break
            operation = call("GET", f"/operations/{operation['id']}")
        image_id = operation.get("metadata", {}).get("imageId", "")
        image = call("GET", f"/compute/v1/images/{image_id}")
    worked = image.get("status") == "READY" and image_id in double.images
    console.rule("[bold]what the double saw")
    for each in double.calls:
        console.print(str(each), markup=False)
    console.print(f"\n[green]image {image_id} is READY" if worked else "[red]the image did not become READY")
    return worked
