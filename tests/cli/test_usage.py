"""Wrong usage of the command: exit code 2, and a text that names what would be right."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from pytest_ycimages.cli.commands import ycimages


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--timing", "Aftr(3)"], "Unknown timing 'Aftr'. Did you mean 'After'? Known: After, AfterPolls, "),
        (["--timing", "soon"], "'soon' is no timing. Write seconds, such as 2.5, or one of Immediate, After, "),
        (["--timing", "-1"], "After(seconds=-1) cannot be: an operation takes zero seconds or more."),
        (["--contract", "curent"], "contract='curent': Input should be 'page' or 'current'."),
        (["--auth", "of"], "auth='of': Input should be 'any', 'strict' or 'off'."),
        (["--port", "70000"], "70000 is not in the range 0<=x<=65535."),
        (["--port", "http"], "'http' is not a valid integer range."),
        (["--seed", "abc"], "'abc' is not a valid integer."),
        (["--contrct", "page"], "--contract"),
        (["--set", "auth"], "'auth' sets nothing. Write NAME=VALUE, such as quotas=default."),
        (["--set", "quota=default"], "Unknown setting 'quota'. Did you mean 'quotas'?"),
        (["surplus"], "Got unexpected extra argument (surplus)"),
    ],
)
def test_serve_refuses_what_cannot_be(arguments: list[str], text: str) -> None:
    """The text is on stderr, under the usage line; nothing is served, so nothing is on stdout."""
    result = CliRunner().invoke(ycimages, ["serve", *arguments])
    assert result.exit_code == 2
    assert text in result.stderr
    assert "Usage: " in result.stderr
    assert result.stdout == ""


def test_serve_refuses_a_port_that_is_taken() -> None:
    """The text says which, why, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = CliRunner().invoke(ycimages, ["serve", "--port", str(port)])
    assert result.exit_code == 2
    assert f"Error: Cannot listen on 127.0.0.1:{port}: " in result.stderr
    assert result.stderr.endswith("Leave `port` out to take a free one.\n")


def test_an_unknown_command_names_the_nearest() -> None:
    """One letter short of `serve`."""
    result = CliRunner().invoke(ycimages, ["srve"])
    assert result.exit_code == 2
    assert "No such command 'srve'." in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["serve", "--help"], ["demo", "-h"]])
def test_help_exits_well(arguments: list[str]) -> None:
    """Long and short, for the command and for each of its verbs."""
    result = CliRunner().invoke(ycimages, arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")


def test_help_names_every_timing() -> None:
    """The option's help leaves out none of those that may be written."""
    text = CliRunner().invoke(ycimages, ["serve", "--help"], terminal_width=200).stdout
    for name in (
        "seconds",
        "Immediate()",
        "AfterPolls(n)",
        "Uniform(",
        "LogNormal(",
        "PerGiB(",
        "Never()",
        "REALISTIC",
    ):
        assert name in text


def test_the_command_says_its_version() -> None:
    """That of the distribution."""
    from pytest_ycimages import __version__  # noqa: PLC0415 - read when asked for

    result = CliRunner().invoke(ycimages, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"ycimages, version {__version__}\n")
