"""`ycimages serve`, `record`, `replay`, `openapi` and `demo`: a double on a port, and what it serves."""

from __future__ import annotations

import json
import sys
import tomllib
from contextlib import closing
from http.client import HTTPConnection
from shlex import quote
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from rich.syntax import Syntax

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import CONTRACTS, PREFIX
from pytest_ycimages.api.status import Code
from pytest_ycimages.cli.commands import FILE, Command, console, other_settings, with_notes
from pytest_ycimages.cli.output import Output, Stop
from pytest_ycimages.double import Double
from pytest_ycimages.errors import DoubleFailedError, FaultNeverStruckError, UsageError, YCImagesError, unknown_word
from pytest_ycimages.faults.injection import never_struck
from pytest_ycimages.faults.rule import rule_of, rules_of
from pytest_ycimages.server.openapi import document
from pytest_ycimages.settings import Settings, merged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_ycimages.call import Call

_port = click.option(
    "--port", type=click.IntRange(0, 65535), show_default="0", help="Port to listen on; 0 takes a free one."
)
_others = other_settings("", "unknown_resources=not_found")


@click.command(
    cls=Command,
    examples=[
        "ycimages serve --timing 'AfterPolls(3)'",
        'ycimages serve --fault \'reset(), on="images.create", when=first(1), commit="after"\'',
    ],
)
@click.option("--host", show_default="127.0.0.1", help="Address to listen on; one of this machine alone.")
@_port
@click.option(
    "--allow-remote", is_flag=True, default=None, help="Let --host be an address that other machines can reach."
)
@click.option(
    "--control-token",
    metavar="TOKEN",
    help="The token that the control API asks for. [default: with --allow-remote a random one, which is printed]",
)
@click.option("--seed", type=int, show_default="0", help="The seed of ids, tokens and faults.")
@click.option(
    "--timing",
    show_default="AfterPolls(1)",
    help=(
        "How long operations take: seconds, Immediate(), AfterPolls(n), Uniform(a, b), LogNormal(median, sigma), "
        "PerGiB(seconds), Never() or REALISTIC."
    ),
)
@click.option(
    "--latency",
    show_default="0",
    help="How late calls are answered: seconds, uniform(0.1, 0.4) or lognormal(0.2, 0.5, cap=2).",
)
@click.option("--contract", show_default="page", help="page, or current for today's API.")
@click.option("--auth", show_default="any", help="any bearer token, strict for the double's own, or off.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="RULE",
    help='A fault to inject, such as \'reset(), on="images.create", when=first(1), commit="after"\'; may be repeated.',
)
@_others
@click.option(
    "--config",
    type=FILE,
    metavar="FILE",
    help="A TOML file of settings, with faults as [[faults]] tables; the other options win over it.",
)
def serve(config: Path | None, faults: tuple[str, ...], others: dict[str, str], **options: Any) -> None:
    """Serve a double on loopback until Ctrl-C. The first line printed is its URL.

    The exit code is 1 if an expected fault never struck.
    """
    settings = settings_in(config) if config else {}
    rules = [*rules_of(faults), *rules_of(others.get("faults", ())), *rules_of(settings.get("faults", ()))]
    _serve(settings, options | others | {"faults": rules})


@click.command(
    cls=Command, examples=["YC_TOKEN=$(yc iam create-token) YC_FOLDER_ID=b1g… ycimages record cassettes/bake.yaml"]
)
@click.argument("file", type=FILE)
@click.option("--upstream", metavar="URL", help="The server to record. [default: the service itself]")
@_port
@click.option("--pseudonyms", is_flag=True, help="Replace ids of folders, clouds and accounts by pseudonyms.")
@_others
def record(file: Path, others: dict[str, str], **options: Any) -> None:
    """Record the calls of a client to the service into FILE until Ctrl-C.

    The first line printed is the URL for the client. Credentials come from the environment variables YC_TOKEN and
    YC_FOLDER_ID only: the client may send any token.
    """
    _serve({"mode": "record", "cassette": file}, options | others)


@click.command(cls=Command, examples=["ycimages replay cassettes/bake.yaml"])
@click.argument("file", type=FILE)
@_port
@click.option(
    "--pace", "replay_pace", show_default="auto", help="What advances operations: each poll (state), or time."
)
@click.option("--volatile", metavar="FIELD=PATTERN,...", help="Fields that differ each time, such as name=bake-*.")
@_others
def replay(file: Path, others: dict[str, str], **options: Any) -> None:
    """Answer from the cassette FILE until Ctrl-C. The first line printed is the URL.

    The exit code is 1 if a request matched no interaction, or if some interactions were never requested.
    """
    _serve({"mode": "replay", "cassette": file}, options | others)


@click.command(
    cls=Command,
    examples=["ycimages openapi --contract current > images.json", "ycimages openapi --control > control.json"],
)
@click.option(
    "--contract", type=click.Choice(tuple(CONTRACTS)), default="page", show_default=True, help="The revision."
)
@click.option("--control", is_flag=True, help="Print that of the control API instead, as at /_ycimages/control.json.")
def openapi(contract: str, *, control: bool) -> None:
    """Print the OpenAPI 3.1 document of a contract, as a double serves it at /_ycimages/openapi.json."""
    from pytest_ycimages.control.routes import control_document  # noqa: PLC0415 - its models take long to build

    click.echo(json_bytes(control_document() if control else document(CONTRACTS[contract])))


# The demonstration.

_POLLS: Final = 10


@click.command(cls=Command, examples=["ycimages demo"])
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of ids and tokens.")
def demo(seed: int) -> None:
    """Create an image against a double, poll until it is READY, and show every exchange."""
    with Double(seed=seed, timing="AfterPolls(2)", name="demo") as double:
        worked = _demonstrate(double)
    sys.exit(0 if worked else 1)


def _demonstrate(double: Double) -> bool:
    """Create an image with a real HTTP client, poll its operation, and return whether it became READY."""
    output = console(soft_wrap=True)
    headers = {"Authorization": f"Bearer {double.token}"}

    def show(text: str) -> None:
        output.print(Syntax(text, "json", background_color="default"))
        output.print()

    def call(verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        output.print(f"[bold cyan]> {verb} {path}")
        if body:
            show(json.dumps(body, indent=1))
        connection.request(verb, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        output.print(f"[bold]< {response.status} {response.reason}")
        text = response.read().decode()
        show(text)
        answer: dict[str, Any] = json.loads(text)
        return answer

    output.rule("[bold]a test double of the image API")
    output.print(f"listening on {double.url}\n")
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
    output.rule("[bold]what the double saw")
    for each in double.calls:
        output.print(str(each), markup=False)
    output.print(f"\n[green]image {image_id} is READY" if worked else "[red]the image did not become READY")
    return worked


# The server.

_JOURNAL_LIMIT: Final = 10_000
"""The default of the setting `journal_limit` for servers."""

_LONGEST: Final = 1000
"""The most characters of the line of a call."""

_PATIENCE: Final = 0.1
"""Seconds that the end waits for calls that are being answered."""


def _serve(settings: Mapping[str, Any], options: Mapping[str, Any]) -> NoReturn:
    """Serve a double until SIGINT or SIGTERM, then print the report of each fault and the state of the cassette.

    Prints the URL first, then a curl line, the address of the live page, a line for gRPC and TLS, a command that leads
    the programs of a shell to the double, and a line for every call. Output that is not read delays neither calls nor
    the end, which also comes when the reader closes the output. A second signal ends the process at once. The exit
    code is 0 if every expected fault has struck and the cassette has no problem.

    Args:
        settings: settings of the double; see `Settings`.
        options: options of the command, which win over settings; those that are None were not given.

    Raises:
        UsageError: a setting is invalid, or the port is taken.
        CassetteError: the cassette cannot be replayed or recorded.
    """
    given = {name: value for name, value in options.items() if value is not None}
    stop = Stop()
    output = Output(on_closed=stop.notify)

    def show(call: Call) -> None:
        text = str(call)  # not the call itself, which has the whole request
        cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
        output.print(cut, "green" if call.status is Code.OK else "yellow")

    try:
        stop.listen()  # before anything can connect, so that a signal always ends it in good order
        double = Double({"journal_limit": _JOURNAL_LIMIT, **settings, **given}, on_call=show)
        worked = _run(double.start(), output, stop)
    finally:
        output.close()
        stop.close()
    sys.exit(0 if worked else 1)


def _run(double: Double, output: Output, stop: Stop) -> bool:
    """Return whether every expected fault has struck and the cassette has no problem, once the double was stopped."""
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
        output.print(text, "red", keep=True)
        return False
    return True


def _error_text(error: YCImagesError) -> str | None:
    """Return the text of an error; None when the double itself failed, as a traceback says more."""
    if isinstance(error, DoubleFailedError):
        cause = error.__cause__
        return str(cause) if isinstance(cause, YCImagesError) else None
    return with_notes(error)


def _show_calls(double: Double, output: Output) -> None:
    kept, dropped = len(double.calls), double.calls.dropped
    output.print(f"stopped after {dropped + kept} calls", "dim", keep=True)
    if dropped:
        output.print(f"the journal has the last {kept} of them, by the setting journal_limit", "dim", keep=True)


def _show_faults(double: Double, output: Output) -> None:
    idle = never_struck(double.accounts)
    for account in double.accounts:
        output.print(account.report, "red" if account in idle else "dim", keep=True)
    if idle:
        output.print(f"{len(idle)} fault(s) never struck; add expect=False if that is intended", "red", keep=True)


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
