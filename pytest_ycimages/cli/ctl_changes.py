"""The commands of `ycimages ctl` that change timing, clock and resources of a double."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_ycimages.cli.commands import Command, Group
from pytest_ycimages.cli.control_client import Shown, asks, completed_methods, shown_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cli.control_client import ControlClient


def _changes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of how an operation goes."""
    for name, metavar, text in (
        ("--cancel-delay", "SECONDS", "Seconds until a `late` cancel takes effect."),
        ("--cancel", "WORD", "The effect of a cancel: wins, late, loses, too_late or refused."),
        ("--rollback", "SECONDS", "Seconds of rollback after a failure or a cancel."),
        ("--outcome", "OUTCOME", "The outcome: Success(), or Failure('INTERNAL', 'disk is gone')."),
    ):
        function = click.option(name, metavar=metavar, help=text)(function)
    return function


def _written(value: str) -> Any:
    """Return the value of a setting: an object from methods to values, or text, which the double reads."""
    if not value.lstrip().startswith("{"):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise click.UsageError(
            f"invalid JSON {value!r}: {error}. Give one value, or an object such as "
            '\'{"images.create": "AfterPolls(3)", "*": 1}\'.'
        ) from None


def _given(values: dict[str, str | None]) -> dict[str, Any]:
    return {name: _written(value) for name, value in values.items() if value is not None}


@click.command(
    cls=Command,
    examples=[
        "ycimages ctl timing",
        "ycimages ctl timing 'AfterPolls(3)'",
        "ycimages ctl timing --outcome \"Failure('INTERNAL', 'disk is gone')\"",
        'ycimages ctl timing \'{"images.create": "1m", "*": 0}\'',
    ],
)
@click.argument("value", required=False, metavar="[TIMING]")
@_changes
@asks
def timing(double: ControlClient, *, value: str | None, **others: str | None) -> Shown:
    """Show or set how operations go from now on.

    TIMING is the duration: seconds, a duration such as 1m, AfterPolls(3), Never(), or a JSON object from methods to
    these.
    """
    change = _given({"timing": value, **others})
    return shown_values(double.call("PUT", "timing", change) if change else double.call("GET", "timing"))


@click.command(
    cls=Command,
    examples=[
        "ycimages ctl latency",
        "ycimages ctl latency 200ms",
        'ycimages ctl latency \'{"images.*": "uniform(0.1, 0.4)"}\'',
    ],
)
@click.argument("value", required=False, metavar="[LATENCY]")
@asks
def latency(double: ControlClient, *, value: str | None) -> Shown:
    """Show or set how late calls are answered from now on.

    LATENCY is seconds, a duration such as 200ms, a distribution, or a JSON object from methods to these.
    """
    found = double.call("GET", "timing") if value is None else double.call("PUT", "timing", _given({"latency": value}))
    return shown_values({"latency": found["latency"]})


@click.command(
    cls=Command,
    examples=["ycimages ctl next-operation", "ycimages ctl next-operation --on images.create --timing 'Never()'"],
)
@click.option("--on", metavar="GLOB", shell_complete=completed_methods, help="The methods that may start it.")
@click.option("--timing", metavar="TIMING", help="Its duration.")
@_changes
@asks
def next_operation(double: ControlClient, **given: str | None) -> Shown:
    """Show or set how the next operation alone goes."""
    change = _given(given)
    found = double.call("POST", "next-operation", change) if change else double.call("GET", "next-operation")
    return Shown([found], "\n".join(found["upcoming"]), "the next operations go as `ycimages ctl timing` shows")


@click.command(cls=Command, examples=["ycimages ctl clock"])
@asks
def clock(double: ControlClient) -> Shown:
    """Show the double's time."""
    return shown_values(double.call("GET", "clock"))


@click.command(cls=Command, examples=["ycimages ctl advance 1h30m"])
@click.argument("duration")
@asks
def advance(double: ControlClient, *, duration: str) -> Shown:
    """Move the clock of a double that was served with --set clock=manual.

    DURATION is seconds, or such as 90s or 1h30m.
    """
    return shown_values(double.call("POST", "clock/advance", {"seconds": duration}))


@click.command(cls=Command, examples=["ycimages ctl reset"])
@asks
def reset(double: ControlClient) -> Shown:
    """Restore the initial state and settings, and remove all faults."""
    state = double.call("POST", "reset")
    return Shown([state], f"reset; folder {state['folder_id']}, token {state['token']}")


@click.command(cls=Command, examples=["ycimages ctl remove-disk epd0000000000000000a"])
@click.argument("disk_id")
@asks
def remove_disk(double: ControlClient, *, disk_id: str) -> Shown:
    """Remove a disk, as clients do that delete the source of an image."""
    removed = double.call("POST", "disks/remove", {"disk_id": disk_id})
    return Shown([removed], removed["id"])


@click.group(
    cls=Group,
    examples=["ycimages ctl seed image name=base family=ubuntu age=3d", "ycimages ctl seed disk size=10GiB"],
)
def seed() -> None:
    """Add resources that a client looks up or makes images from."""


_SIZES: Final = "size and data_size (bytes, or such as 10GiB), os (LINUX or WINDOWS), product_ids (a list)"
_OF_AN_IMAGE: Final = (
    "name, family, description, labels (an object), folder_id, created_at, size, storage_size, min_disk_size, os, "
    "product_ids (a list), pooled, hardware_generation"
)
_KINDS: Final = {
    "folder": ("folders", "a folder", "folder_id", "folder_id=b1g0000000000000000a"),
    "disk": ("disks", "a disk", f"disk_id, {_SIZES}", "disk_id=epd0000000000000000a size=10GiB"),
    "snapshot": ("snapshots", "a snapshot", f"snapshot_id, {_SIZES}", "size=10GiB os=WINDOWS"),
    "image": (
        "images",
        "an image",
        f"image_id, status, age (such as 3d), operation_id, and {_OF_AN_IMAGE}",
        'name=base family=ubuntu age=3d labels:=\'{"keep": "yes"}\'',
    ),
    "images": (
        "images/several",
        "several images, oldest first",
        (
            "images (how many, or a list of objects), every (the time between two), and those of `seed image` for all "
            "of them, in which {n} is the number of the image"
        ),
        "images:=5 every=1d family=base name='base-{n}'",
    ),
    "operation": (
        "operations",
        "an operation in flight",
        (
            "method (images.create, images.update or images.delete), image_id, operation_id, age, source, created_by, "
            f"and for a create {_OF_AN_IMAGE}"
        ),
        "name=half-made age=30s",
    ),
    "object": (
        "objects",
        "a file in Object Storage that a uri may name",
        "uri, size and virtual_size (bytes, or such as 10GiB), format, reachable (true or false)",
        "uri=https://storage.yandexcloud.net/images/base.qcow2 reachable:=false",
    ),
}
"""The path of each kind, what it is, the names of its values, and an example."""


def _seed(kind: str, path: str, what: str, names: str, such: str) -> click.Command:
    """Return the command that adds a resource of one kind."""

    @click.argument("values", nargs=-1, metavar="NAME=VALUE...")
    @asks
    def command(double: ControlClient, *, values: tuple[str, ...]) -> Shown:
        added = double.call("POST", path, dict(_value(each, such) for each in values))
        return Shown([added], "\n".join(added["ids"] if "ids" in added else [added["id"]]))

    doc = f"""Add {what}, and print the id.

    NAME=VALUE is text, and NAME:=JSON any JSON value. The names are {names}."""
    return click.command(kind, cls=Command, help=doc, examples=[f"ycimages ctl seed {kind} {such}"])(command)


def _value(text: str, such: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE or NAME:=JSON."""
    name, equals, value = text.partition("=")
    if not (equals and name.strip(": ")):
        raise click.UsageError(f"invalid value {text!r}: expected NAME=VALUE or NAME:=JSON, such as {such}.")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except ValueError as error:
        raise click.UsageError(f"invalid JSON in {text!r}: {error}. Write NAME=VALUE for a text.") from None


for _kind, _row in _KINDS.items():
    seed.add_command(_seed(_kind, *_row))

COMMANDS: Final = (timing, latency, next_operation, clock, advance, seed, remove_disk, reset)
