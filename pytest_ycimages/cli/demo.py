"""The main job, shown: a real HTTP client creates an image, polls its operation and reads the image."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.syntax import Syntax

if TYPE_CHECKING:
    from pytest_ycimages.double import Double

_POLLS = 10


def demonstrate(double: Double) -> bool:
    """Create an image against `double`, and tell whether it became READY."""
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    with closing(HTTPConnection(double.host, double.port)) as connection:
        return _demonstrate(double, _Client(connection, double.token, console), console)


def _demonstrate(double: Double, client: _Client, console: Console) -> bool:
    console.rule("[bold]a test double of the image API")
    console.print(f"listening on {double.url}\n")
    source = {"folderId": double.folder_id, "name": "demo-image", "diskId": "epd0000000000000000a"}
    operation = client.call("POST", "/compute/v1/images", source)
    for _ in range(_POLLS):
        if operation.get("done", True):
            break
        operation = client.call("GET", f"/operations/{operation['id']}")
    image_id = operation.get("metadata", {}).get("imageId", "")
    image = client.call("GET", f"/compute/v1/images/{image_id}")
    worked = image.get("status") == "READY" and image_id in double.images
    console.rule("[bold]what the double saw")
    for call in double.calls:
        console.print(str(call), markup=False)
    console.print(f"\n[green]image {image_id} is READY" if worked else "[red]the image did not become READY")
    return worked


class _Client:
    """Speaks plain HTTP over one kept-alive connection, and shows what it says and hears."""

    def __init__(self, connection: HTTPConnection, token: str, console: Console) -> None:
        self._connection = connection
        self._headers = {"Authorization": f"Bearer {token}"}
        self._console = console

    def call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        self._console.print(f"[bold cyan]> {verb} {path}")
        if body:
            self._show(json.dumps(body, indent=1))
        self._connection.request(verb, path, json.dumps(body) if body else None, self._headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        self._console.print(f"[bold]< {response.status} {response.reason}")
        self._show(text)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _show(self, text: str) -> None:
        self._console.print(Syntax(text, "json", background_color="default"))
        self._console.print()
