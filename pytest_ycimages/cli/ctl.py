"""`ycimages ctl`: look at a running double, and steer it, by its control API."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_ycimages.cli.commands import Group, pairs
from pytest_ycimages.cli.control_client import (
    TOKEN,
    URL,
    Column,
    Shown,
    asks,
    completed_methods,
    shown_rows,
    shown_values,
    table,
)
from pytest_ycimages.cli.ctl_changes import COMMANDS
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages.cli.control_client import ControlClient, Row


@click.group(
    cls=Group,
    examples=[
        "export YCIMAGES_URL=http://127.0.0.1:41233",
        "ycimages ctl calls --follow",
        "ycimages ctl fault add 'reset()' --on images.create --when 'first(1)' --commit after",
        "ycimages ctl timing 'AfterPolls(3)'",
    ],
)
@URL
@TOKEN
@click.pass_context
def ctl(context: click.Context, url: str | None, token: str | None) -> None:
    """Look at a running double, and steer it.

    The double is one of `ycimages serve`, `record` or `replay`, or of a test, whose address is `ycimages.url`.
    """
    context.obj = {"url": url, "token": token}


for _command in COMMANDS:
    ctl.add_command(_command)


# Tables.


def _argument(argument: Row) -> Any:
    return argument["name"] if argument["required"] else f"{argument['name']}={argument['default']}"


def _state(operation: Row) -> str:
    if not operation.get("done"):
        return "in flight"
    return f"failed: {operation['error'].get('message', '')}" if "error" in operation else "done"


_CALLS: Final = (
    Column("#", lambda call: call["number"], 4),
    Column("AT", lambda call: f"+{call['at']:.3f}s", 9),
    Column("METHOD", lambda call: call["method"], 17),
    Column("STATUS", lambda call: call["status"], 9),
    Column("LATE", lambda call: f"{call['latency']:.3f}s" if call["latency"] else "", 6),
    Column("OVER", lambda call: "gRPC" if call["grpc"] else "REST", 4),
    Column("REQUEST", lambda call: call["line"], 40),
    Column("RESULT", lambda call: call["note"]),
)
_IMAGES: Final = (
    Column("ID", lambda image: image["id"], 20),
    Column("STATUS", lambda image: image.get("status")),
    Column("NAME", lambda image: image.get("name")),
    Column("FAMILY", lambda image: image.get("family")),
    Column("FOLDER", lambda image: image.get("folderId")),
    Column("CREATED", lambda image: image.get("createdAt")),
)
_OPERATIONS: Final = (
    Column("ID", lambda operation: operation["id"], 20),
    Column("STATE", _state),
    Column("DESCRIPTION", lambda operation: operation.get("description")),
    Column("IMAGE", lambda operation: operation.get("metadata", {}).get("imageId")),
    Column("CREATED", lambda operation: operation.get("createdAt")),
)
_FAULTS: Final = (
    Column("#", lambda fault: fault["number"]),
    Column("STRUCK", lambda fault: f"{fault['struck']} of {fault['considered']}"),
    Column("IN FORCE", lambda fault: "yes" if fault["in_force"] else "no"),
    Column("FAULT", lambda fault: fault["rule"]),
)
_CATALOGUE: Final = (
    Column("FAULT", lambda fault: f"{fault['name']}({', '.join(map(_argument, fault['arguments']))})"),
    Column("EFFECT", lambda fault: fault["help"]),
)
_ARGUMENTS: Final = (
    Column("ARGUMENT", lambda argument: argument["name"]),
    Column("TYPE", lambda argument: argument["type"]),
    Column("DEFAULT", lambda argument: "required" if argument["required"] else argument["default"]),
    Column("SUCH AS", lambda argument: ", ".join(argument["values"])),
    Column("MEANING", lambda argument: argument["help"]),
)


# Look.


@ctl.command(examples=["ycimages ctl status", "ycimages ctl status --json | jq -r .token"])
@asks
def status(double: ControlClient) -> Shown:
    """Show address, folder, token, clock, counts, and the settings in force."""
    double.call("GET", "health")
    state = double.call("GET", "state")
    images, operations = state.pop("images"), state.pop("operations")
    running = sum(not each.get("done") for each in operations.values())
    shown = {
        "url": double.origin,
        "folder": state["folder_id"],
        "token": state["token"],
        "mode": state["settings"]["mode"],
        "clock": f"{state['clock']['kind']}, {state['clock']['now']}",
        "calls": state["calls"],
        "images": len(images),
        "operations": f"{len(operations)}, of which {running} in flight",
        "upcoming": state["upcoming"],
        **{f"settings.{name}": value for name, value in state["settings"].items() if value not in _UNSET},
    }
    return shown_values(state, shown)


_UNSET: Final[tuple[object, ...]] = (None, [], {}, "")
"""Values of settings that say nothing."""


@ctl.command(
    examples=[
        "ycimages ctl calls",
        "ycimages ctl calls --method 'images.*' --after 100",
        "ycimages ctl calls --follow --json | jq -c '[.number, .method, .status]'",
    ]
)
@click.option("--follow", "-f", is_flag=True, help="Then print calls as they come, until Ctrl-C or the double's end.")
@click.option(
    "--method",
    metavar="GLOB",
    shell_complete=completed_methods,
    help="Only calls of this method, such as images.create or images.*.",
)
@click.option("--after", type=click.IntRange(0), default=0, help="Only calls after this number.")
@asks
def calls(double: ControlClient, *, follow: bool, method: str | None, after: int) -> Shown | Iterator[Shown]:
    """Show the journal: each call, how it was answered, and the fault that struck it."""
    if follow:
        return _follow(double, method, after)
    found = list(double.calls(method=method, after=after))
    return shown_rows(found, _CALLS, f"no calls after number {after}" if after else "no calls yet")


def _follow(double: ControlClient, method: str | None, after: int) -> Iterator[Shown]:
    """Yield the calls that there are, and those that come, until the double ends; after a reset, from the first on."""
    double.call("GET", "calls", method=method, page_size=1)  # which refuses an unknown method
    header, journals = True, 0
    for kind, data in double.events():
        journals += kind == "reset"  # the first one is the beginning
        if kind != "calls":
            continue
        least = after if journals <= 1 else 0
        fresh = (each for each in data["calls"] if each["number"] > least)
        if found := [each for each in fresh if fnmatchcase(each["method"], method or "*")]:
            yield Shown(found, table(_CALLS, found, header=header))
            header = False


@ctl.command(examples=["ycimages ctl images", "ycimages ctl images --json | jq -r 'select(.family == \"base\").id'"])
@asks
def images(double: ControlClient) -> Shown:
    """Show the images as they are now."""
    return shown_rows(list(double.call("GET", "state")["images"].values()), _IMAGES, "no images")


@ctl.command(examples=["ycimages ctl operations", "ycimages ctl operations --json | jq 'select(.done | not)'"])
@asks
def operations(double: ControlClient) -> Shown:
    """Show the operations as they are now. Looking at them does not count as a poll."""
    return shown_rows(list(double.call("GET", "state")["operations"].values()), _OPERATIONS, "no operations")


@ctl.command(examples=["ycimages ctl pacing", "ycimages ctl pacing --json | jq '[.operation_id, .pauses]'"])
@asks
def pacing(double: ControlClient) -> Shown:
    """Show how the client waited for each operation."""
    found = double.call("GET", "pacing")["operations"].values()
    return Shown(found, "\n".join(each["report"] for each in found), "no operations")


# Faults.


@ctl.group(examples=["ycimages ctl fault add 'unavailable(retry_after=5)'", "ycimages ctl fault list"])
def fault() -> None:
    """Inject, show and remove faults."""


def _faults(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [f"{name}()" for name in _names(context, parameter, incomplete)]


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from pytest_ycimages.faults.catalogue import CATALOGUE  # noqa: PLC0415 - only to complete a word

    return [name for name in CATALOGUE if name.startswith(incomplete)]


@fault.command(
    examples=[
        "ycimages ctl fault add 'reset()' --on images.create --when 'first(1)' --commit after",
        "ycimages ctl fault add 'slow(2)' --where 'name=bake-*' --no-expect",
        "ycimages ctl fault add 'reset(), on=\"images.*\", when=nth(2)'",
    ]
)
@click.argument("rules", nargs=-1, required=True, metavar="FAULT...", shell_complete=_faults)
@click.option(
    "--on", metavar="GLOB", shell_complete=completed_methods, help="The method, such as images.create or images.*."
)
@click.option(
    "--when",
    metavar="SCHEDULE",
    help="Which of these calls it strikes, such as first(2) or chance(0.1). [default: all]",
)
@click.option(
    "--commit", type=click.Choice(["before", "after"]), help="Whether the call is executed before the fault strikes."
)
@click.option(
    "--per", type=click.Choice(["rule", "call", "connection"]), help="What the schedule counts. [default: rule]"
)
@pairs("--where", "where", "--where", "name=bake-*", "Only calls with this field or header; may be repeated.")
@click.option("--expect/--no-expect", default=None, help="Whether it is an error if it never strikes. [default: it is]")
@asks
def add(double: ControlClient, *, rules: tuple[str, ...], where: dict[str, str], **conditions: Any) -> Shown:
    """Inject faults of the catalogue: all of them, or none if one is invalid.

    A FAULT is a call such as reset() or unavailable(retry_after=5), or a whole rule with its conditions, as the
    argument of --fault of `ycimages serve`.
    """
    given = {name: value for name, value in conditions.items() if value is not None}
    if where:
        given["where"] = where
    body = [{"fault": rule, **given} for rule in rules] if given else list(rules)
    return shown_rows(double.call("POST", "faults", body)["faults"], _FAULTS)


@fault.command(examples=["ycimages ctl fault catalogue", "ycimages ctl fault catalogue slow"])
@click.argument("name", required=False, metavar="[FAULT]", shell_complete=_names)
@asks
def catalogue(double: ControlClient, *, name: str | None) -> Shown | Iterator[Shown]:
    """Show the faults that there are, or one with its arguments."""
    found = double.call("GET", "catalogue")["faults"]
    if name is None:
        return shown_rows(found, _CATALOGUE)
    rows = [each for each in found if each["name"] == name]
    if not rows:
        raise unknown_word("fault", name, [each["name"] for each in found])
    return iter((shown_rows(rows, _CATALOGUE), Shown([], table(_ARGUMENTS, rows[0]["arguments"]))))


@fault.command("list", examples=["ycimages ctl fault list", "ycimages ctl fault list --json | jq 'select(.in_force)'"])
@asks
def list_faults(double: ControlClient) -> Shown:
    """Show every fault that was injected, and how often it struck."""
    return shown_rows(double.call("GET", "faults")["faults"], _FAULTS, "no fault was injected")


@fault.command(examples=["ycimages ctl fault show 1"])
@click.argument("number", type=click.IntRange(1))
@asks
def show(double: ControlClient, *, number: int) -> Shown:
    """Show what one fault has done, call by call."""
    found = double.call("GET", f"faults/{number}")
    return Shown([found], found["report"])


@fault.command(examples=["ycimages ctl fault remove 1 3", "ycimages ctl fault remove --all"])
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="NUMBER...")
@click.option("--all", "every", is_flag=True, help="Remove every fault in force.")
@asks
def remove(double: ControlClient, *, numbers: tuple[int, ...], every: bool) -> Shown:
    """Remove faults. What they have done stays in the list."""
    if every == bool(numbers):
        raise click.UsageError("Give either the numbers of faults, as `fault list` shows them, or --all.")
    for number in numbers:
        double.call("GET", f"faults/{number}")  # so that nothing is removed if one is unknown
    removed = [double.call("DELETE", f"faults/{number}") for number in numbers]
    if every:
        removed = double.call("DELETE", "faults")["faults"]
    return shown_rows(removed, _FAULTS, "no fault is in force")


@fault.command(examples=["ycimages ctl fault check && echo 'every fault has struck'"])
@asks
def check(double: ControlClient) -> Shown:
    """Exit with 1 if an expected fault has never struck."""
    verdict = double.call("GET", "faults/check", accepted=409)
    report = verdict["report"] or "every expected fault has struck"
    return Shown([verdict], report, code=1 if verdict["never_struck"] else 0)
