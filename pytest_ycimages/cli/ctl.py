"""`ycimages ctl`: look at a running double, and steer it, by its control API."""

from __future__ import annotations

from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_ycimages.cli import examples
from pytest_ycimages.cli.ctl_changes import COMMANDS
from pytest_ycimages.cli.ctl_output import (
    ARGUMENTS,
    CALLS,
    CATALOGUE,
    FAULTS,
    IMAGES,
    JSON,
    OPERATIONS,
    TOKEN,
    URL,
    asks,
    completed_methods,
    json_lines,
    pair,
    print_table,
    show_report,
    show_rows,
    show_values,
)
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from pytest_ycimages.cli.control_client import ControlClient


@click.group(
    epilog=examples(
        "export YCIMAGES_URL=http://127.0.0.1:41233",
        "ycimages ctl calls --follow",
        "ycimages ctl fault add 'reset()' --on images.create --when 'first(1)' --commit after",
        "ycimages ctl timing 'AfterPolls(3)'",
    )
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


# Look.


@ctl.command(epilog=examples("ycimages ctl status", "ycimages ctl status --json | jq -r .token"))
@JSON
@asks
def status(double: ControlClient, *, as_json: bool) -> None:
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
    show_values(state if as_json else shown, as_json=as_json)


_UNSET: Final[tuple[object, ...]] = (None, [], {}, "")
"""Values of settings that say nothing."""


@ctl.command(
    epilog=examples(
        "ycimages ctl calls",
        "ycimages ctl calls --method 'images.*' --after 100",
        "ycimages ctl calls --follow --json | jq -c '[.number, .method, .status]'",
    )
)
@click.option("--follow", "-f", is_flag=True, help="Then print calls as they come, until Ctrl-C or the double's end.")
@click.option(
    "--method",
    metavar="GLOB",
    shell_complete=completed_methods,
    help="Only calls of this method, such as images.create or images.*.",
)
@click.option("--after", type=click.IntRange(0), default=0, help="Only calls after this number.")
@JSON
@asks
def calls(double: ControlClient, *, follow: bool, method: str | None, after: int, as_json: bool) -> None:
    """Show the journal: each call, how it was answered, and the fault that struck it."""
    if follow:
        with suppress(KeyboardInterrupt):
            _follow(double, method, after, as_json=as_json)
        return
    found = list(double.calls(method=method, after=after))
    show_rows(found, CALLS, "no calls yet" if not after else f"no calls after number {after}", as_json=as_json)


def _follow(double: ControlClient, method: str | None, after: int, *, as_json: bool) -> None:
    """Print the calls that there are, and those that come, until the double ends; after a reset, from the first on."""
    double.call("GET", "calls", method=method, page_size=1)  # which refuses an unknown method
    header, journals = True, 0
    for kind, data in double.events():
        journals += kind == "reset"  # the first one is the beginning
        if kind != "calls":
            continue
        least = after if journals <= 1 else 0
        fresh = (each for each in data["calls"] if each["number"] > least)
        found = [each for each in fresh if fnmatchcase(each["method"], method or "*")]
        if as_json:
            json_lines(found)
        elif found:
            print_table(CALLS, found, header=header)
            header = False


@ctl.command(
    epilog=examples("ycimages ctl images", "ycimages ctl images --json | jq -r 'select(.family == \"base\").id'")
)
@JSON
@asks
def images(double: ControlClient, *, as_json: bool) -> None:
    """Show the images as they are now."""
    show_rows(list(double.call("GET", "state")["images"].values()), IMAGES, "no images", as_json=as_json)


@ctl.command(epilog=examples("ycimages ctl operations", "ycimages ctl operations --json | jq 'select(.done | not)'"))
@JSON
@asks
def operations(double: ControlClient, *, as_json: bool) -> None:
    """Show the operations as they are now. Looking at them does not count as a poll."""
    show_rows(list(double.call("GET", "state")["operations"].values()), OPERATIONS, "no operations", as_json=as_json)


@ctl.command(epilog=examples("ycimages ctl pacing", "ycimages ctl pacing --json | jq '[.operation_id, .pauses]'"))
@JSON
@asks
def pacing(double: ControlClient, *, as_json: bool) -> None:
    """Show how the client waited for each operation."""
    found = double.call("GET", "pacing")["operations"].values()
    if as_json:
        json_lines(found)
        return
    for each in found:
        show_report(each["report"])
    if not found:
        click.echo("no operations", err=True)


# Faults.


@ctl.group(epilog=examples("ycimages ctl fault add 'unavailable(retry_after=5)'", "ycimages ctl fault list"))
def fault() -> None:
    """Inject, show and remove faults."""


def _faults(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [f"{name}()" for name in _names(context, parameter, incomplete)]


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - the form that click asks for
    from pytest_ycimages.faults.catalogue import CATALOGUE as KNOWN  # noqa: PLC0415 - only to complete a word

    return [name for name in KNOWN if name.startswith(incomplete)]


@fault.command(
    epilog=examples(
        "ycimages ctl fault add 'reset()' --on images.create --when 'first(1)' --commit after",
        "ycimages ctl fault add 'slow(2)' --where 'name=bake-*' --no-expect",
        "ycimages ctl fault add 'reset(), on=\"images.*\", when=nth(2)'",
    )
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
@click.option(
    "--where", multiple=True, metavar="FIELD=PATTERN", help="Only calls with this field or header; may be repeated."
)
@click.option("--expect/--no-expect", default=None, help="Whether it is an error if it never strikes. [default: it is]")
@JSON
@asks
def add(
    double: ControlClient, *, rules: tuple[str, ...], where: tuple[str, ...], as_json: bool, **conditions: Any
) -> None:
    """Inject faults of the catalogue: all of them, or none if one is invalid.

    A FAULT is a call such as reset() or unavailable(retry_after=5), or a whole rule with its conditions, as the
    argument of --fault of `ycimages serve`.
    """
    given = {name: value for name, value in conditions.items() if value is not None}
    if where:
        given["where"] = dict(pair(each, "--where", "name=bake-*") for each in where)
    body = [{"fault": rule, **given} for rule in rules] if given else list(rules)
    show_rows(double.call("POST", "faults", body)["faults"], FAULTS, "", as_json=as_json)


@fault.command(epilog=examples("ycimages ctl fault catalogue", "ycimages ctl fault catalogue slow"))
@click.argument("name", required=False, metavar="[FAULT]", shell_complete=_names)
@JSON
@asks
def catalogue(double: ControlClient, *, name: str | None, as_json: bool) -> None:
    """Show the faults that there are, or one with its arguments."""
    found = double.call("GET", "catalogue")
    rows = [each for each in found["faults"] if name in {None, each["name"]}]
    if not rows:
        raise click.UsageError(str(unknown_word("fault", name or "", [each["name"] for each in found["faults"]])))
    show_rows(rows, CATALOGUE, "", as_json=as_json)
    if name and not as_json:
        print_table(ARGUMENTS, rows[0]["arguments"])


@fault.command(
    "list", epilog=examples("ycimages ctl fault list", "ycimages ctl fault list --json | jq 'select(.in_force)'")
)
@JSON
@asks
def list_faults(double: ControlClient, *, as_json: bool) -> None:
    """Show every fault that was injected, and how often it struck."""
    show_rows(double.call("GET", "faults")["faults"], FAULTS, "no fault was injected", as_json=as_json)


@fault.command(epilog=examples("ycimages ctl fault show 1"))
@click.argument("number", type=click.IntRange(1))
@JSON
@asks
def show(double: ControlClient, *, number: int, as_json: bool) -> None:
    """Show what one fault has done, call by call."""
    found = double.call("GET", f"faults/{number}")
    if as_json:
        json_lines([found])
    else:
        show_report(found["report"])


@fault.command(epilog=examples("ycimages ctl fault remove 1 3", "ycimages ctl fault remove --all"))
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="NUMBER...")
@click.option("--all", "every", is_flag=True, help="Remove every fault in force.")
@JSON
@asks
def remove(double: ControlClient, *, numbers: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Remove faults. What they have done stays in the list."""
    if every == bool(numbers):
        raise click.UsageError("Give either the numbers of faults, as `fault list` shows them, or --all.")
    for number in numbers:
        double.call("GET", f"faults/{number}")  # so that nothing is removed if one is unknown
    removed = [double.call("DELETE", f"faults/{number}") for number in numbers]
    if every:
        removed = double.call("DELETE", "faults")["faults"]
    show_rows(removed, FAULTS, "no fault is in force", as_json=as_json)


@fault.command(epilog=examples("ycimages ctl fault check && echo 'every fault has struck'"))
@JSON
@asks
def check(double: ControlClient, *, as_json: bool) -> None:
    """Exit with 1 if an expected fault has never struck."""
    verdict = double.call("GET", "faults/check", accepted=409)
    if as_json:
        json_lines([verdict])
    elif verdict["report"]:
        show_report(verdict["report"])
    else:
        click.echo("every expected fault has struck")
    if verdict["never_struck"]:
        raise click.exceptions.Exit(1)
