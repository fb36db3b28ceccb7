"""Wrong usage of the command: exit code 2, and a text that names what would be right."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_ycimages.cli.commands import ycimages

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--timing", "Aftr(3)"], "Unknown timing 'Aftr'. Did you mean 'After'? Known: After, AfterPolls, "),
        (["--timing", "soon"], "invalid timing 'soon': expected seconds such as 2.5, a duration such as '200ms', "),
        (["--timing", "-1"], "invalid After(seconds=-1): expected zero seconds or more"),
        (["--contract", "curent"], "contract='curent': Input should be 'page' or 'current' (did you mean 'current'?)."),
        (["--auth", "of"], "auth='of': Input should be 'any', 'strict' or 'off' (did you mean 'off'?)."),
        (["--port", "70000"], "70000 is not in the range 0<=x<=65535."),
        (["--port", "http"], "'http' is not a valid integer range."),
        (["--seed", "abc"], "'abc' is not a valid integer."),
        (["--contrct", "page"], "--contract"),
        (["--set", "auth"], "invalid setting 'auth': expected NAME=VALUE, such as quotas=default."),
        (["--set", "quota=default"], "Unknown setting 'quota'. Did you mean 'quotas'?"),
        (["--fault", "rest()"], "'rest'. Did you mean 'reset'? Known: "),
        (["--fault", "reset(), commit='afer'"], "Unknown commit 'afer'. Did you mean 'after'? Known: after, before."),
        (["--config", "."], "Invalid value for '--config': File '.' is a directory."),
        (["--config", "no.toml"], "no.toml cannot be read: No such file or directory. Give a TOML file with settings."),
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


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"tming = 5", "Unknown setting 'tming'. Did you mean 'timing'? Known: "),
        (
            b"contract = 'pag'",
            "contract: invalid settings: contract='pag': Input should be 'page' or 'current' (did you mean 'page'?).",
        ),
        (b"[timing]\n'image.create' = 5", "timing: Unknown method 'image.create'. Did you mean 'images.create'? "),
        (b"[latency]\n'images.*' = 'fast'", "latency: invalid latency 'fast': expected seconds or a duration "),
        (b"[[faults]]\nfault = 'rest()'", "faults, number 1: Unknown fault"),
        (
            b"[[faults]]\nfault = 'hang()'\n[[faults]]\nfault = 'reset()'\ncomit = 'after'",
            "faults, number 2: Unknown part of a rule 'comit'. Did you mean 'commit'? Known: ",
        ),
        (b"faults = 5", "faults: invalid rule 5: expected a fault, a Rule, a dict, or the arguments of inject(...)"),
    ],
)
def test_serve_refuses_a_file_that_cannot_be(tmp_path: Path, text: bytes, error: str) -> None:
    """The text begins with the file and the key."""
    path = tmp_path / "double.toml"
    path.write_bytes(text)
    result = CliRunner().invoke(ycimages, ["serve", "--config", str(path)])
    assert result.exit_code == 2
    assert f"Error: {path}: {error}" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"seed = \n", "Invalid value (at line 1, column 8)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_serve_refuses_a_file_that_is_no_toml(tmp_path: Path, text: bytes, error: str) -> None:
    """And says where."""
    path = tmp_path / "double.toml"
    path.write_bytes(text)
    result = CliRunner().invoke(ycimages, ["serve", "--config", str(path)])
    assert result.exit_code == 2
    assert f"Error: invalid TOML in {path}: {error}. Write settings such as timing = 'AfterPolls(3)'." in result.stderr


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
