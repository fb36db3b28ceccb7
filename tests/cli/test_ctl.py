"""`ycimages ctl`: every call of the control API from a shell, tables for people and JSON for scripts."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import click
import pytest
import requests
from click.testing import CliRunner

from pytest_ycimages import Double, first, reset, unavailable
from pytest_ycimages.cli.commands import ycimages as command
from pytest_ycimages.cli.control_client import ControlClient, origin_of
from pytest_ycimages.control import models
from pytest_ycimages.control.routes import ROUTES
from pytest_ycimages.faults.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result
    from pydantic import BaseModel

    Run = Callable[..., Result]
    Create = Callable[[], requests.Response]


@pytest.fixture
def run(ycimages: Double) -> Run:
    """Run `ycimages ctl` against the double of the test."""

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(command, ["ctl", *arguments], env={"YCIMAGES_URL": ycimages.url})
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def create(ycimages: Double) -> Create:
    """Create an image as a client does."""

    def call() -> requests.Response:
        body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a", "name": "web"}
        headers = {"Authorization": f"Bearer {ycimages.token}"}
        return requests.post(f"{ycimages.url}/compute/v1/images", json=body, headers=headers, timeout=30)

    return call


def json_of(result: Result) -> list[Any]:
    """Return the objects that a command printed, one a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_journal_as_a_table_and_as_json(run: Run, create: Create, ycimages: Double) -> None:
    """The table has a line for each call, and JSON all of its fields."""
    ycimages.inject(unavailable(), on="images.create", when=first(1))
    create()
    create()
    header, struck, created = run("calls").stdout.splitlines()
    assert header.split() == ["#", "AT", "METHOD", "STATUS", "LATE", "OVER", "REQUEST", "RESULT"]
    assert re.fullmatch(
        r"1 +\+\d+\.\d{3}s +images\.create +UNAVAILABLE +REST +POST /compute/v1/images +unavail.*", struck
    )
    assert re.fullmatch(r"2 +\+\d+\.\d{3}s +images\.create +OK +REST +POST /compute/v1/images +running *", created)
    calls = json_of(run("calls", "--json"))
    assert [(each["number"], each["status"]) for each in calls] == [(1, "UNAVAILABLE"), (2, "OK")]
    assert [each["number"] for each in json_of(run("calls", "--json", "--after", "1"))] == [2]
    assert run("calls", "--method", "operations.*").stderr == "no calls yet\n"
    assert (
        "Unknown method 'image.create'. Did you mean 'images.create'?"
        in run("calls", "--method", "image.create", code=1).stderr
    )


def test_the_journal_of_several_pages(run: Run, create: Create, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages are read."""
    for _ in range(5):
        create()
    call = ControlClient.call

    def small_pages(self: ControlClient, verb: str, path: str, *rest: Any, **query: Any) -> dict[str, Any]:
        return call(self, verb, path, *rest, **query | ({"page_size": 2} if path == "calls" else {}))

    monkeypatch.setattr(ControlClient, "call", small_pages)
    assert [each["number"] for each in json_of(run("calls", "--json"))] == [1, 2, 3, 4, 5]


@pytest.mark.ycimages(timing=60, clock="manual")
def test_state(run: Run, create: Create, ycimages: Double) -> None:
    """Images and operations are shown as they are now, and looking is no poll."""
    operation = create().json()
    _, image = run("images").stdout.splitlines()
    assert image.split()[:3] == [operation["metadata"]["imageId"], "CREATING", "web"]
    _, running = run("operations").stdout.splitlines()
    assert running.split()[:5] == [operation["id"], "in", "flight", "Create", "image"]
    assert "elapsed  60.0" in run("advance", "1m").stdout
    assert run("operations").stdout.splitlines()[1].split()[:2] == [operation["id"], "done"]
    assert json_of(run("images", "--json"))[0]["status"] == "READY"
    assert f"folder                           {ycimages.folder_id}" in run("status").stdout
    assert json_of(run("status", "--json"))[0]["token"] == ycimages.token
    assert "never polled" in run("pacing").stdout
    assert json_of(run("pacing", "--json"))[0]["operation_id"] == operation["id"]
    assert json_of(run("clock", "--json"))[0]["kind"] == "manual"


def test_a_failed_operation_says_why(run: Run, create: Create) -> None:
    """The state of an operation has the error's text."""
    run("timing", "Immediate()", "--outcome", "Failure('INTERNAL', 'the disk is gone')")
    create()
    assert "failed: the disk is gone" in run("operations").stdout


def test_faults(run: Run, create: Create, ycimages: Double) -> None:
    """A fault is injected with its conditions, shows what it did, and is removed; the list keeps it."""
    run("fault", "add", "unavailable()", "--on", "images.create", "--when", "first(1)", "--where", "name=we*")
    assert ycimages.accounts[0].rule == (
        "inject(unavailable(), on='images.create', when=first(1), where={'name': 'we*'})"
    )
    assert "struck 0 of the 0 calls" in run("fault", "check", code=1).stdout
    assert create().status_code == 503
    assert run("fault", "check").stdout == "every expected fault has struck\n"
    assert run("fault", "list").stdout.splitlines()[1].split()[:5] == ["1", "1", "of", "1", "yes"]
    assert "  struck +" in run("fault", "show", "1").stdout
    run("fault", "add", "close()", "hang()", "--no-expect", "--commit", "before", "--per", "connection")
    assert [each["in_force"] for each in json_of(run("fault", "list", "--json"))] == [True, True, True]
    run("fault", "remove", "2")
    assert [each["in_force"] for each in json_of(run("fault", "list", "--json"))] == [True, False, True]
    run("fault", "remove", "--all")
    assert run("fault", "remove", "--all").stderr == "no fault is in force\n"
    run("fault", "add", "reset(), on='images.*', when=nth(9), expect=False")
    assert json_of(run("fault", "show", "4", "--json"))[0]["expect"] is False


def test_a_wrong_fault_changes_nothing(run: Run, ycimages: Double) -> None:
    """The double's own text says what is valid; none of several faults is injected or removed."""
    assert "'rest'. Did you mean 'reset'?" in run("fault", "add", "hang()", "rest()", code=1).stderr
    assert not ycimages.accounts
    ycimages.inject(reset(), expect=False)
    assert "Unknown fault 7: they are numbered from 1 to 1." in run("fault", "remove", "1", "7", code=1).stderr
    assert ycimages.accounts[0].in_force
    for arguments in (["remove"], ["remove", "1", "--all"]):
        assert "Give either the numbers of faults" in run("fault", *arguments, code=2).stderr
    text = "invalid --where 'name': expected NAME=VALUE, such as name=bake-*."
    assert text in run("fault", "add", "hang()", "--where", "name", code=2).stderr


def test_the_catalogue(run: Run) -> None:
    """Every fault with its arguments; for one of them, what each argument means."""
    text = run("fault", "catalogue").stdout
    assert len(text.splitlines()) == 1 + len(CATALOGUE)
    assert "slow(seconds)" in text
    assert re.search(r"\nseconds +number +required", run("fault", "catalogue", "slow").stdout)
    assert json_of(run("fault", "catalogue", "slow", "--json"))[0]["name"] == "slow"
    assert "Unknown fault 'slwo'. Did you mean 'slow'?" in run("fault", "catalogue", "slwo", code=2).stderr


def test_timing(run: Run, create: Create, ycimages: Double) -> None:
    """What is not given stays; a value for each method is a JSON object."""
    assert "timing        AfterPolls(polls=3)" in run("timing", "AfterPolls(3)").stdout
    assert "cancel        loses" in run("timing", "--cancel", "loses").stdout
    assert str(ycimages.timing) == "AfterPolls(polls=3)"
    shown = json_of(run("timing", '{"images.create": "1m", "*": 2}', "--json"))[0]["timing"]
    assert shown == {"images.create": "After(seconds=60.0)", "*": "After(seconds=2)"}
    assert run("latency", "200ms").stdout == "latency  0.2\n"
    assert json_of(run("latency", "--json")) == [{"latency": "0.2"}]
    assert "invalid timing 'soon'" in run("timing", "soon", code=1).stderr
    assert "invalid JSON '{1}'" in run("timing", "{1}", code=2).stderr
    run("latency", "0")
    assert "timing=Never()" in run("next-operation", "--on", "images.create", "--timing", "Never()").stdout
    create()
    assert run("next-operation").stderr == "the next operations go as `ycimages ctl timing` shows\n"
    assert json_of(run("next-operation", "--json")) == [{"upcoming": []}]


def test_seeds(run: Run, ycimages: Double) -> None:
    """The id is printed, and nothing else, so that a script can take it."""
    image = run("seed", "image", "name=base", "family=ubuntu", "age=3d", 'labels:={"keep": "yes"}').stdout.strip()
    assert ycimages.images[image].labels == {"keep": "yes"}
    several = run("seed", "images", "images:=3", "every=1d", "name=old-{n}").stdout.split()
    assert [ycimages.images[each].name for each in several] == ["old-1", "old-2", "old-3"]
    operation = run("seed", "operation", "name=half-made", "age=30s").stdout.strip()
    assert operation in ycimages.operations
    for kind, value in (
        ("folder", "folder_id=b1g0000000000000000a"),
        ("disk", "size=10GiB"),
        ("snapshot", "os=WINDOWS"),
    ):
        assert len(run("seed", kind, value).stdout.strip()) == 20
    uri = "https://storage.yandexcloud.net/images/base.qcow2"
    assert json_of(run("seed", "object", f"uri={uri}", "reachable:=false", "--json")) == [{"id": uri}]
    assert run("remove-disk", "epd0000000000000000a").stdout == "epd0000000000000000a\n"
    assert "Unknown image field 'nme'. Did you mean 'name'?" in run("seed", "image", "nme=x", code=1).stderr
    for wrong in ("name", "=base", ":=1"):
        assert (
            f"invalid value '{wrong}': expected NAME=VALUE or NAME:=JSON" in run("seed", "image", wrong, code=2).stderr
        )
    assert "invalid JSON in 'labels:={'" in run("seed", "image", "labels:={", code=2).stderr
    assert run("reset").stdout == f"reset; folder {ycimages.folder_id}, token {ycimages.token}\n"
    assert not ycimages.images


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("folder", models.Folder),
        ("disk", models.Disk),
        ("snapshot", models.Snapshot),
        ("image", models.SeededImage),
        ("images", models.SeededImages),
        ("operation", models.SeededOperation),
        ("object", models.StoredFile),
    ],
)
def test_help_names_every_value_of_a_seed(kind: str, model: type[BaseModel]) -> None:
    """The names are those of the control API."""
    text = CliRunner().invoke(command, ["ctl", "seed", kind, "--help"]).stdout
    assert set(model.model_fields) <= set(re.findall(r"\w+", text))


def test_help_names_every_field_of_an_image(run: Run) -> None:
    """As the double's own error does."""
    known = run("seed", "image", "nme=x", code=1).stderr.partition("Known: ")[2].strip(".\n").split(", ")
    text = CliRunner().invoke(command, ["ctl", "seed", "image", "--help"]).stdout
    assert set(known) <= set(re.findall(r"\w+", text))


def test_every_call_of_the_control_api_has_a_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ctl` does everything that the control API does."""
    asked = set()
    call = ControlClient.call

    def no_events(_: ControlClient) -> tuple[()]:
        asked.add(("GET", "events"))
        return ()

    def noted(self: ControlClient, verb: str, path: str, *rest: Any, **query: Any) -> dict[str, Any]:
        asked.add((verb, re.sub(r"\d+", "<int:number>", path)))
        return call(self, verb, path, *rest, **query)

    monkeypatch.setattr(ControlClient, "call", noted)
    monkeypatch.setattr(ControlClient, "events", no_events)
    run("calls", "--follow")
    run("fault", "add", "reset()", "--no-expect")
    for line in (
        *("status", "calls", "pacing", "fault list", "fault show 1", "fault check", "fault remove 1"),
        "fault catalogue",
        *("fault remove --all", "timing", "timing 5", "next-operation", "next-operation --timing 1", "clock", "reset"),
        *("seed folder", "seed disk", "seed snapshot", "seed image", "seed images images:=2", "seed operation"),
        *("seed object uri=https://storage.yandexcloud.net/images/base.qcow2", "remove-disk epd0000000000000000a"),
    ):
        run(*line.split())
    assert "real" in run("advance", "5", code=1).stderr
    assert asked == {(route.verb, route.path) for route in ROUTES}


def test_follow_prints_calls_as_they_come(create: Create, ycimages: Double) -> None:
    """Until the double ends, which is a good end; a double that was reset is followed from its first call."""
    create()
    arguments = ["ctl", "--url", ycimages.url, "calls", "--follow", "--json"]
    main = [sys.executable, "-c", "from pytest_ycimages.cli import main; main()"]
    with subprocess.Popen([*main, *arguments], stdout=subprocess.PIPE, text=True) as following:  # noqa: S603 - ours
        assert following.stdout
        assert json.loads(following.stdout.readline())["number"] == 1
        create()
        assert json.loads(following.stdout.readline())["number"] == 2
        ycimages.reset()
        create()
        assert json.loads(following.stdout.readline())["number"] == 1
        ycimages.close()
        assert following.stdout.read() == ""
        assert following.wait(30) == 0


def test_text_of_clients_cannot_steer_the_terminal(run: Run, ycimages: Double) -> None:
    """Control characters are escapes, in tables and in JSON."""
    ycimages.inject(unavailable(), on="images.get", where={"header.x": "\x1b[31m*"}, expect=False)
    text = run("fault", "list").stdout + run("fault", "show", "1").stdout + run("fault", "list", "--json").stdout
    assert "\x1b" not in text
    assert "[31m" in text


def test_no_double() -> None:
    """Each error says what was asked, and where the address is found."""

    def stderr(*arguments: str, code: int = 1) -> str:
        result = CliRunner().invoke(command, ["ctl", *arguments], env={"YCIMAGES_URL": ""})
        assert (result.exit_code, result.stdout) == (code, "")
        return result.stderr

    assert "No double is named. Give --url, or set YCIMAGES_URL" in stderr("clock", code=2)
    assert "invalid address 'ftp://x': expected the address of a double" in stderr("--url", "ftp://x", "clock", code=2)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused = stderr("clock", "--url", f"127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port} cannot be reached: [Errno 111] Connection refused." in refused
    assert "Is `ycimages serve` running there" in refused


def test_another_server() -> None:
    """What answers there is quoted."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.handle_request).start()
    url = f"http://127.0.0.1:{server.server_port}"
    result = CliRunner().invoke(command, ["ctl", "clock", "--url", url])
    assert result.exit_code == 1
    assert f"{url} answers, but is not a double with a control API: GET /_ycimages/clock got 501" in result.stderr
    server.server_close()


@pytest.mark.ycimages(control_token="open-sesame")  # noqa: S106 - of this test
def test_a_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By option or variable, before or after the command."""
    assert "This command sent no token: give --token, or set YCIMAGES_CONTROL_TOKEN." in run("clock", code=1).stderr
    assert "This command sent another token" in run("clock", "--token", "sesame", code=1).stderr
    run("clock", "--token", "open-sesame")
    run("--token", "open-sesame", "clock")
    monkeypatch.setenv("YCIMAGES_CONTROL_TOKEN", "open-sesame")
    run("clock")


def test_proxies_are_passed_by(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment would not reach a double on this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    run("clock")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("http://[::1]:4000/_ycimages/", "http://[::1]:4000"),
        ("https://localhost:4000/compute/v1/images?x=1", "https://localhost:4000"),
    ],
)
def test_addresses(address: str, origin: str) -> None:
    """Any address of the double's names it."""
    assert origin_of(address) == origin


@pytest.mark.parametrize("address", ["", "ftp://x", "http://", "http://x:port", "http://u:p@x:1", "http://x:70000"])
def test_wrong_addresses(address: str) -> None:
    """A credential in an address is refused too: nothing would use it."""
    with pytest.raises(ValueError, match="invalid address"):
        origin_of(address)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ycimages ct", "ctl"),
        ("ycimages ctl fault add re", "reset()"),
        ("ycimages ctl fault add x --on images.c", "images.create"),
        ("ycimages ctl calls --method op", "operations.*"),
        ("ycimages ctl fault add x --co", "--commit"),
    ],
)
def test_completion(words: str, expected: str) -> None:
    """A shell completes commands, options, methods and faults."""
    at = len(words.split()) - 1
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(at), "_YCIMAGES_COMPLETE": "bash_complete"}
    result = CliRunner().invoke(command, prog_name="ycimages", env=environment)
    assert f"plain,{expected}" in result.stdout.splitlines()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_of_completion(shell: str) -> None:
    """`completion` prints what a shell evaluates."""
    assert "_YCIMAGES_COMPLETE" in CliRunner().invoke(command, ["completion", shell]).stdout


def commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    """Return the path of every command below a group."""
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        each = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(each, click.Group):
            found += commands(each, *path, name)
    return found


@pytest.mark.parametrize("path", [(), *commands(command)], ids=" ".join)
def test_every_help_ends_with_examples_that_are_valid(path: tuple[str, ...]) -> None:
    """Each example of a command is accepted by the command's parser."""
    text = CliRunner().invoke(command, [*path, "--help"]).stdout
    examples = text.partition("Examples:\n")[2]
    assert examples, text
    for line in examples.splitlines():
        assert parsed(line), line


def parsed(line: str) -> bool:
    """Return whether the parser takes an example, or the example is not of this command."""
    words = shlex.split(line.strip().removeprefix('eval "$(').removesuffix(')"') if "eval" in line else line)
    if "ycimages" not in words:
        return line.strip().startswith("export ")
    words = words[words.index("ycimages") + 1 :]
    words = words[: next((at for at, word in enumerate(words) if word in {"|", ">", "&&"}), len(words))]
    current: click.Command = command
    context = click.Context(current, **command.context_settings)
    while isinstance(current, click.Group):
        _, found, words = current.resolve_command(context, words)
        current = found or current
        context = click.Context(current, context)
    _, surplus, _ = current.make_parser(context).parse_args(list(words))
    return not surplus
