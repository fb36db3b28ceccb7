"""A client that does one thing at a time, over a double without a socket; and others that are each wrong in one way."""

from __future__ import annotations

import json
import time
import uuid
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import urllib3

if TYPE_CHECKING:
    from pytest_ycimages import Double

IMAGES: Final = "/compute/v1/images"
RETRYABLE: Final = frozenset({429, 500, 502, 503, 504})
_keys: Final = count()


class RefusedError(Exception):
    """The service said no."""


class Client:
    """Right in everything."""

    def __init__(self, double: Double) -> None:
        self._pool = double.urllib3_pool_manager()
        self._headers = {"Authorization": f"Bearer {double.token}"}

    def create(self, body: dict[str, Any]) -> str:
        """Start an image."""
        return self._started(self._call("POST", IMAGES, body))

    def wait(self, operation_id: str) -> str:
        """Wait for any operation."""
        while True:
            operation = self._call("GET", f"/operations/{operation_id}")
            if operation.get("error"):
                raise RefusedError(operation["error"])
            if operation.get("done"):
                return str(operation["metadata"]["imageId"])
            time.sleep(5)

    def get(self, image_id: str) -> dict[str, Any]:
        """Look at an image."""
        return self._call("GET", f"{IMAGES}/{image_id}")

    def list(self, folder_id: str) -> list[str]:
        """The images of a folder, page after page."""
        found, token = [], ""
        while True:
            page = self._call("GET", f"{IMAGES}?folderId={folder_id}&pageSize=2&pageToken={token}")
            found += [str(image["id"]) for image in page.get("images", [])]
            token = page.get("nextPageToken", "")
            if not token:
                return found

    def update(self, image_id: str, changes: dict[str, Any]) -> str:
        """Start a change."""
        body = {"updateMask": ",".join(changes), **changes}
        return self._started(self._call("PATCH", f"{IMAGES}/{image_id}", body))

    def delete(self, image_id: str) -> str:
        """Start a deletion."""
        return self._started(self._call("DELETE", f"{IMAGES}/{image_id}"))

    def cancel(self, operation_id: str) -> None:
        """Ask for the end of an operation."""
        self._call("GET", f"/operations/{operation_id}:cancel")

    @staticmethod
    def _started(operation: dict[str, Any]) -> str:
        return str(operation["id"])

    @staticmethod
    def _key() -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(next(_keys))))

    def _call(self, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {**self._headers, "Idempotency-Key": self._key()}
        for attempt in range(5):
            time.sleep(attempt)
            try:
                answer = self._ask(verb, path, body, headers)
            except urllib3.exceptions.HTTPError:
                continue
            if answer.status == 200:
                return dict(answer.json())
            if answer.status not in RETRYABLE:
                break
        raise RefusedError(path)

    def _ask(
        self, verb: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        data = None if body is None else json.dumps(body).encode()
        return self._pool.request(verb, f"http://double{path}", body=data, headers=headers, retries=False, timeout=30)


class NewKeyPerAttempt(Client):
    """Draws a key for each attempt."""

    def _ask(
        self, verb: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        return super()._ask(verb, path, body, {**headers, "Idempotency-Key": self._key()})


class FirstPageOnly(Client):
    """Takes the first page of a list for the list."""

    def list(self, folder_id: str) -> list[str]:
        """The first page."""
        page = self._call("GET", f"{IMAGES}?folderId={folder_id}&pageSize=2")
        return [str(image["id"]) for image in page.get("images", [])]


class ListsImages(Client):
    """Returns the images themselves."""

    def list(self, folder_id: str) -> list[Any]:
        """All of them."""
        return [self.get(id_) for id_ in super().list(folder_id)]


class SuccessOnError(Client):
    """Takes done for success."""

    def wait(self, operation_id: str) -> str:
        """Wait until it is done, however it ends."""
        while True:
            operation = self._call("GET", f"/operations/{operation_id}")
            if operation.get("done"):
                return str(operation["metadata"]["imageId"])
            time.sleep(5)


class UpdateForgets(Client):
    """Names no field in the mask but the name."""

    def update(self, image_id: str, changes: dict[str, Any]) -> str:
        """Start a change of the name."""
        body = {"updateMask": "name", **changes}
        return self._started(self._call("PATCH", f"{IMAGES}/{image_id}", body))


class CancelsNothing(Client):
    """Says that it has cancelled."""

    def cancel(self, operation_id: str) -> None:
        """Look at it, and leave it at that."""
        self._call("GET", f"/operations/{operation_id}")


class TakesTheOperationForTheImage(Client):
    """Returns the id of the operation."""

    def wait(self, operation_id: str) -> str:
        """Wait, and return the wrong id."""
        super().wait(operation_id)
        return operation_id


class RaisesForNothing(Client):
    """Does not know that lists may be empty."""

    def list(self, folder_id: str) -> list[str]:
        """Look at the first."""
        found = super().list(folder_id)
        return [found[0], *found[1:]]


class OnlyCreates:
    """Has two methods."""

    def __init__(self, double: Double) -> None:
        client = Client(double)
        self.create, self.wait = client.create, client.wait
