"""`ycimages demo`: a create and its polls against a double, each exchange as it is sent."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final

import click
from rich.syntax import Syntax

from pytest_ycimages.cli.commands import Command, console
from pytest_ycimages.double import Double

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
