"""The cassettes that are shipped: small stories, recorded from the fake on a manual clock, or copied from documents.

The same each time, to the byte.
"""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages import After, Double
from pytest_ycimages.cassette.file import write_cassette
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_ycimages.cloud.clock import Clock

    Call = Callable[..., Any]
    Story = Callable[[Call, str, Callable[[float], None]], None]

DISK: Final = "epd0000000000000000a"


def from_a_disk(call: Call, folder_id: str, wait: Callable[[float], None]) -> None:
    """A disk becomes an image, which is polled each second and then looked up by its family."""
    labels = {"made-by": "ci"}
    body = {"folderId": folder_id, "diskId": DISK, "name": "web-1", "family": "web", "labels": labels}
    operation = call("POST", "/compute/v1/images", body)
    while not operation["done"]:
        wait(1)
        operation = call("GET", f"/operations/{operation['id']}")
    call("GET", f"/compute/v1/images:latestByFamily?folderId={folder_id}&family=web")


def cancelled(call: Call, folder_id: str, wait: Callable[[float], None]) -> None:
    """An operation is cancelled while it runs, and its image is gone."""
    operation = call("POST", "/compute/v1/images", {"folderId": folder_id, "diskId": DISK})
    wait(1)
    call("GET", f"/operations/{operation['id']}")
    call("GET", f"/operations/{operation['id']}:cancel")
    call("GET", f"/operations/{operation['id']}")
    call("GET", f"/compute/v1/images/{operation['metadata']['imageId']}")


def unreadable_file(call: Call, folder_id: str, wait: Callable[[float], None]) -> None:
    """A file that cannot be read is accepted; the operation ends in an error."""
    uri = "https://storage.yandexcloud.net/images/missing.qcow2"
    operation = call("POST", "/compute/v1/images", {"folderId": folder_id, "uri": uri})
    while not operation["done"]:
        wait(1)
        operation = call("GET", f"/operations/{operation['id']}")


def refused(call: Call, folder_id: str, wait: Callable[[float], None]) -> None:
    """Requests that the service refuses at once: no folder, a name that breaks the contract, two sources."""
    del wait
    call("POST", "/compute/v1/images", {"diskId": DISK})
    call("POST", "/compute/v1/images", {"folderId": folder_id, "diskId": DISK, "name": "Web_1"})
    call("POST", "/compute/v1/images", {"folderId": folder_id, "diskId": DISK, "imageId": "fd800000000000000000"})


STORIES: Final[dict[str, Story]] = {
    "image-from-disk": from_a_disk,
    "cancelled": cancelled,
    "unreadable-file": unreadable_file,
    "refused": refused,
}

_REPLY: Final = {
    "done": False,
    "metadata": {
        "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",
        "imageId": "fd8g5p4hllq8********",
    },
    "id": "fd8m1tfm92kr********",
    "description": "Create image",
    "createdAt": "2025-12-05T16:41:54.452564354Z",
    "createdBy": "ajeol2afu1js********",
    "modifiedAt": "2025-12-05T16:41:54.452564354Z",
}
"""The answer that the vendor's guide shows, its ids masked by the vendor."""


def documented() -> CassetteData:
    """The one answer to a create that the vendor has published."""
    uri = "https://storage.yandexcloud.net/images/disk.qcow2"
    body = json.dumps({"folderId": "b1g00000000000000000", "uri": uri}).encode()
    url = "https://compute.api.cloud.yandex.net/compute/v1/images"
    request = RecordedRequest("POST", url, (("content-type", "application/json"),), body)
    kind = (("content-type", "application/json"),)
    response = RecordedResponse(200, "OK", kind, json.dumps(_REPLY, indent=1).encode())
    note = (
        "Copied from the vendor's guide to VMs with Gen 2 hardware, of 2025-12-05: the answer alone. Its ids are "
        "masked there; its white space, its status and its headers are not shown, nor is the request, which is made up."
    )
    metadata = CassetteMetadata(Origin.DOCUMENTATION, recorded_at="2025-12-05T16:41:54Z", contract="current", note=note)
    return CassetteData(metadata, (Interaction(request, response),))


def make_all(folder: Path) -> None:
    """Make every shipped cassette in `folder`."""
    for name, story in STORIES.items():
        record(folder / f"{name}.yaml", story)
    write_cassette(folder / "documented-create.yaml", documented())


def record(path: Path, story: Story) -> None:
    """Record a story from the fake."""
    with (
        Double(clock="manual", timing=After(3), name=path.stem) as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url, clock="manual") as recording,
        closing(HTTPConnection(recording.host, recording.port)) as connection,
    ):
        upstream.add_object("https://storage.yandexcloud.net/images/missing.qcow2", reachable=False)
        clocks: tuple[Clock, ...] = (upstream.clock, recording.clock)

        def call(verb: str, target: str, body: Any = None) -> Any:
            headers = {"Authorization": f"Bearer {recording.token}"}
            connection.request(verb, target, None if body is None else json.dumps(body), headers)
            data = connection.getresponse().read()
            return json.loads(data) if data.startswith(b"{") else None

        def wait(seconds: float) -> None:
            for clock in clocks:
                clock.advance(seconds)

        story(call, recording.folder_id, wait)
