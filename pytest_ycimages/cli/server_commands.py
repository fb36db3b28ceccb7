"""The commands that serve a double, and their options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.cli import examples
from pytest_ycimages.cli.serve import JOURNAL_LIMIT, demonstrate, pairs, serve_until_stopped, settings_in, with_notes
from pytest_ycimages.double import Double
from pytest_ycimages.errors import CassetteError, UsageError
from pytest_ycimages.faults.rule import rules_of
from pytest_ycimages.server.openapi import document

if TYPE_CHECKING:
    from collections.abc import Mapping

_port = click.option(
    "--port", type=click.IntRange(0, 65535), show_default="0", help="Port to listen on; 0 takes a free one."
)
_host = click.option("--host", show_default="127.0.0.1", help="Address to listen on; one of this machine alone.")
_allow_remote = click.option(
    "--allow-remote", is_flag=True, default=None, help="Let --host be an address that other machines can reach."
)
_control_token = click.option(
    "--control-token",
    metavar="TOKEN",
    help="The token that the control API asks for. [default: with --allow-remote a random one, which is printed]",
)
_others = click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="Any other setting, such as unknown_resources=not_found; may be repeated.",
)


@click.command(
    epilog=examples(
        "ycimages serve --timing 'AfterPolls(3)'",
        'ycimages serve --fault \'reset(), on="images.create", when=first(1), commit="after"\'',
    )
)
@_host
@_port
@_allow_remote
@_control_token
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
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A TOML file of settings, with faults as [[faults]] tables; the other options win over it.",
)
def serve(config: Path | None, faults: tuple[str, ...], others: dict[str, str], **options: Any) -> None:
    """Serve a double on loopback until Ctrl-C. The first line printed is its URL.

    The exit code is 1 if an expected fault never struck.
    """
    try:
        settings = settings_in(config) if config else {}
        rules = [*rules_of(faults), *rules_of(others.get("faults", ())), *rules_of(settings.get("faults", ()))]
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    _serve(settings, options | others | {"faults": rules})


@click.command(epilog=examples("YC_TOKEN=$(yc iam create-token) YC_FOLDER_ID=b1g… ycimages record cassettes/bake.yaml"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
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


@click.command(epilog=examples("ycimages replay cassettes/bake.yaml"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
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


def _serve(settings: Mapping[str, Any], options: Mapping[str, Any]) -> NoReturn:
    """Serve until stopped, with settings and with the options that were given, which win over them."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        worked = serve_until_stopped({"journal_limit": JOURNAL_LIMIT, **settings, **given})
    except (UsageError, CassetteError) as error:
        raise click.UsageError(with_notes(error)) from None
    sys.exit(0 if worked else 1)


@click.command(epilog=examples("ycimages demo"))
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of ids and tokens.")
def demo(seed: int) -> None:
    """Create an image against a double, poll until it is READY, and show every exchange."""
    with Double(seed=seed, timing="AfterPolls(2)", name="demo") as double:
        worked = demonstrate(double)
    sys.exit(0 if worked else 1)


@click.command(
    epilog=examples("ycimages openapi --contract current > images.json", "ycimages openapi --control > control.json")
)
@click.option(
    "--contract", type=click.Choice(tuple(CONTRACTS)), default="page", show_default=True, help="The revision."
)
@click.option("--control", is_flag=True, help="Print that of the control API instead, as at /_ycimages/control.json.")
def openapi(contract: str, *, control: bool) -> None:
    """Print the OpenAPI 3.1 document of a contract, as a double serves it at /_ycimages/openapi.json."""
    from pytest_ycimages.control.routes import control_document  # noqa: PLC0415 - its models take long to build

    click.echo(json_bytes(control_document() if control else document(CONTRACTS[contract])))
