"""A client of the double in process: every call is one line, and every answer its status and its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from werkzeug.test import Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages import Double

IMAGES: Final = "/compute/v1/images"
DISK: Final = "epd0000000000000000a"
"""A disk that nobody has added; the double takes it unless `unknown_resources` says otherwise."""

MIB: Final = 2**20
GIB: Final = 2**30


class Answer(NamedTuple):
    """An answer.

    Attributes:
        status: the HTTP status.
        text: the body as it came.
        headers: names in lower case.
    """

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.text)

    @property
    def refusal(self) -> tuple[int, int, str]:
        """The HTTP status, the code and the message of a refusal."""
        return self.status, self.json["code"], self.json["message"]

    def detail(self, name: str) -> dict[str, Any]:
        """The error's detail of the type with this name, without `@type`."""
        (found,) = (each for each in self.json["details"] if each["@type"] == f"type.googleapis.com/{name}")
        return {key: value for key, value in found.items() if key != "@type"}

    @property
    def refused_fields(self) -> list[str]:
        """The fields that a refusal with HTTP 400 and code 3 blames; none for any other answer."""
        if self.status != 400 or self.json["code"] != 3:
            return []
        return [each["field"] for each in self.detail("google.rpc.BadRequest")["fieldViolations"]]


class Cloud:
    """The cloud as a client meets it.

    Attributes:
        double: the double behind it.
    """

    def __init__(self, double: Double, headers: Mapping[str, str] | None = None) -> None:
        self.double = double
        self._headers = {"Authorization": f"Bearer {double.token}"} if headers is None else headers
        self._client = Client(double.app)

    def using(self, **headers: str | None) -> Cloud:
        """The same cloud, called with more headers, or with None for one less. An underscore stands for a dash."""
        changed = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return Cloud(self.double, {name: value for name, value in changed.items() if value is not None})

    def call(self, verb: str, path: str, body: object = None, **query: object) -> Answer:
        """Make a call. A body is sent as JSON, unless it is bytes already."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        reply = self._client.open(path, method=verb, data=data, query_string=query or None, headers=self._headers)
        return Answer(reply.status_code, reply.text, {name.lower(): value for name, value in reply.headers})

    def get(self, path: str, **query: object) -> Answer:
        """GET."""
        return self.call("GET", path, **query)

    def post(self, path: str, body: object = None) -> Answer:
        """POST."""
        return self.call("POST", path, body)

    def patch(self, image_id: str, body: object = None) -> Answer:
        """Update an image."""
        return self.call("PATCH", f"{IMAGES}/{image_id}", body)

    def delete(self, image_id: str) -> Answer:
        """Delete an image."""
        return self.call("DELETE", f"{IMAGES}/{image_id}")

    def create(self, **fields: Any) -> Answer:
        """Ask for an image: a valid request but for the fields given; None leaves a field out."""
        source = {} if fields.keys() & {"imageId", "snapshotId", "uri"} else {"diskId": DISK}
        body = {"folderId": self.double.folder_id, **source, **fields}
        return self.post(IMAGES, {name: value for name, value in body.items() if value is not None})

    def list(self, **query: Any) -> Answer:
        """List the images of the double's folder, or of the one in the query."""
        return self.get(IMAGES, **{"folderId": self.double.folder_id, **query})

    def latest(self, family: str, folder_id: str | None = None) -> Answer:
        """Ask for the newest image of a family."""
        return self.get(f"{IMAGES}:latestByFamily", folderId=folder_id or self.double.folder_id, family=family)

    def image(self, image_id: str) -> Any:
        """The image, looked at once."""
        return self.get(f"{IMAGES}/{image_id}").json

    def operation(self, operation_id: str) -> Any:
        """The operation, polled once."""
        return self.get(f"/operations/{operation_id}").json

    def cancel(self, operation_id: str) -> Any:
        """The operation after a request to cancel it."""
        return self.post(f"/operations/{operation_id}:cancel").json

    def made(self, **fields: Any) -> str:
        """The id of an image that is READY, created from the fields given."""
        answer = self.create(**fields)
        assert answer.status == 200, answer.text
        assert self.operation(answer.json["id"])["done"]
        return str(answer.json["metadata"]["imageId"])


def image_id_of(answer: Answer) -> str:
    """The image that an operation is about."""
    assert answer.status == 200, answer.text
    return str(answer.json["metadata"]["imageId"])
