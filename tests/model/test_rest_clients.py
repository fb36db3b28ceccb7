"""Clients as their users wrote them by hand: nothing but the base URL is changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from pytest_ycimages import AfterPolls, Code, Double

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGES: Final = "compute/v1/images"
DISK: Final = "epd0000000000000000a"


# The documentation's own flow.


def curl(*arguments: str) -> Any:
    """The JSON that curl prints."""
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("curl is not on this machine")
    command = [curl, "--silent", "--show-error", "--max-time", "20", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603


@pytest.mark.ycimages(auth="strict", timing=AfterPolls(2))
def test_the_flow_of_the_documentation_with_curl(ycimages: Double) -> None:
    """A token, an image, polls until it is done, a list with it, its deletion, and a list without it."""
    url = ycimages.url
    token = curl("-X", "POST", "-d", '{"yandexPassportOauthToken": "y0_AgAAAAA"}', f"{url}/iam/v1/tokens")["iamToken"]
    bearer = ("-H", f"Authorization: Bearer {token}")
    body = json.dumps({"folderId": ycimages.folder_id, "name": "from-curl", "diskId": DISK})
    json_body = ("-H", "Content-Type: application/json", "-d", body)

    operation = curl("-X", "POST", *bearer, *json_body, f"{url}/{IMAGES}")
    while not operation["done"]:
        operation = curl(*bearer, f"{url}/operations/{operation['id']}")
    image = operation["response"]
    assert image["status"] == "READY"

    folder = ("-G", "--data-urlencode", f"folderId={ycimages.folder_id}")
    assert curl(*bearer, *folder, f"{url}/{IMAGES}")["images"] == [without_type(image)]

    operation = curl("-X", "DELETE", *bearer, f"{url}/{IMAGES}/{image['id']}")
    while not operation["done"]:
        operation = curl(*bearer, f"{url}/operations/{operation['id']}")
    assert operation["response"] == {"@type": "type.googleapis.com/google.protobuf.Empty"}
    assert curl(*bearer, *folder, f"{url}/{IMAGES}") == {}


def without_type(packed: dict[str, Any]) -> dict[str, Any]:
    """A message as it is when it does not travel inside another."""
    return {name: value for name, value in packed.items() if name != "@type"}


# Resolvers: from what people write in their configuration to an image id.


class Resolver:
    """Finds images in a folder, as deploy scripts do."""

    def __init__(self, url: str, token: str, folder_id: str) -> None:
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.url = f"{url}/{IMAGES}"
        self.folder_id = folder_id

    def newest(self, family: str) -> str:
        """The newest image of a family."""
        query = {"folderId": self.folder_id, "family": family}
        answer = self.session.get(f"{self.url}:latestByFamily", params=query, timeout=20)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def pages(self, **query: str) -> Iterator[list[str]]:
        """The ids on each page."""
        token = ""
        while True:
            params = {"folderId": self.folder_id, "pageSize": "1", "pageToken": token, **query}
            answer = self.session.get(self.url, params=params, timeout=20)
            answer.raise_for_status()
            yield [image["id"] for image in answer.json().get("images", [])]
            token = answer.json().get("nextPageToken", "")
            if not token:
                return


@pytest.fixture
def resolver(ycimages: Double) -> Iterator[Resolver]:
    """A resolver of images in the double's own folder."""
    resolver = Resolver(ycimages.url, ycimages.token, ycimages.folder_id)
    with resolver.session:
        yield resolver


def test_a_resolver_of_public_families_finds_the_newest_image(ycimages: Double, resolver: Resolver) -> None:
    """In the folder of the public images; the one that was added last is the newest."""
    resolver.folder_id = "standard-images"
    ycimages.add_image(folder_id="standard-images", family="ubuntu-2404-lts", name="ubuntu-1")
    newest = ycimages.add_image(folder_id="standard-images", family="ubuntu-2404-lts", name="ubuntu-2")
    ycimages.add_image(folder_id="standard-images", family="debian-12", name="debian-1")
    ycimages.add_image(family="ubuntu-2404-lts")
    assert resolver.newest("ubuntu-2404-lts") == newest
    with pytest.raises(requests.HTTPError, match="404"):
        resolver.newest("ubuntu-2004-lts")


@pytest.mark.parametrize("spelling", ['name="web"', 'name = "web"', "name='web'", "name = 'web'"])
def test_a_resolver_of_names_finds_the_one_image(ycimages: Double, resolver: Resolver, spelling: str) -> None:
    """However the filter is spelled."""
    wanted = ycimages.add_image(name="web")
    for name in ("web-1", "we", "other"):
        ycimages.add_image(name=name)
    assert list(resolver.pages(filter=spelling)) == [[wanted]]
    assert list(resolver.pages(filter=spelling.replace("web", "none"))) == [[]]


def test_a_resolver_that_asks_for_one_image_at_a_time_meets_each_once(ycimages: Double, resolver: Resolver) -> None:
    """Sorted by id; none is repeated, and the last page says that it is the last."""
    ids = [ycimages.add_image() for _ in range(7)]
    assert list(resolver.pages()) == [[image_id] for image_id in sorted(ids)]
    assert list(resolver.pages(orderBy="createdAt desc")) == [[image_id] for image_id in reversed(ids)]


# Clients that say less, or more, than others.


@pytest.mark.ycimages(timing=AfterPolls(3))
def test_a_poller_that_names_no_content_type(ycimages: Double) -> None:
    """JSON is JSON: with the header absent, the body is read all the same."""
    connection = HTTPConnection(ycimages.host, ycimages.port, timeout=20)

    def call(verb: str, path: str, body: dict[str, str] | None = None) -> Any:
        connection.request(
            verb, path, json.dumps(body) if body else None, {"Authorization": f"Bearer {ycimages.token}"}
        )
        return json.loads(connection.getresponse().read())

    operation = call("POST", f"/{IMAGES}", {"folderId": ycimages.folder_id, "diskId": DISK})
    polls = 0
    while not operation["done"]:
        operation = call("GET", f"/operations/{operation['id']}")
        polls += 1
    connection.close()
    assert polls == 3
    assert operation["response"]["id"] == operation["metadata"]["imageId"]
    assert "content-type" not in ycimages.calls[0].metadata


def test_a_client_with_the_headers_of_the_sdks(ycimages: Double) -> None:
    """Its retry of a create is answered with the operation that was made first, and all its headers are journaled."""
    headers = {
        "Authorization": f"Bearer {ycimages.token}",
        "Idempotency-Key": str(uuid.UUID(int=7, version=4)),
        "x-client-request-id": str(uuid.UUID(int=1, version=4)),
        "x-client-trace-id": str(uuid.UUID(int=2, version=4)),
        "x-request-id": str(uuid.UUID(int=3, version=4)),
    }
    body = {"folderId": ycimages.folder_id, "diskId": DISK}
    answers = [
        requests.post(
            f"{ycimages.url}/{IMAGES}", json=body, headers={**headers, "x-retry-attempt": attempt}, timeout=20
        ).json()
        for attempt in ("0", "1")
    ]
    assert answers[0] == answers[1]
    assert len(ycimages.images) == 1
    seen = [call.metadata for call in ycimages.calls.of("images.create")]
    assert [each["x-retry-attempt"] for each in seen] == ["0", "1"]
    for name, value in headers.items():
        assert seen[0][name.lower()] == value


# Tokens that expire.


@pytest.mark.ycimages(auth="strict", clock="manual")
def test_a_client_renews_its_token_once_it_has_expired(ycimages: Double) -> None:
    """A token of `tokens.create` is good until the moment that it was given with, and not a nanosecond longer."""

    def renewed() -> tuple[str, str]:
        identity = {"yandexPassportOauthToken": "y0_AgAAAAA"}
        answer = requests.post(f"{ycimages.url}/iam/v1/tokens", json=identity, timeout=20).json()
        return answer["iamToken"], answer["expiresAt"]

    def listed(token: str) -> requests.Response:
        query = {"folderId": ycimages.folder_id}
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{ycimages.url}/{IMAGES}", params=query, headers=headers, timeout=20)

    first, expires_at = renewed()
    assert expires_at == "2026-01-01T12:00:00Z"
    ycimages.clock.advance(12 * 3600 - 1e-9)
    assert listed(first).status_code == 200
    ycimages.clock.advance(1e-9)
    refusal = listed(first)
    assert (refusal.status_code, refusal.json()["code"]) == (401, Code.UNAUTHENTICATED.number)
    assert refusal.json()["message"] == "The token has expired"
    second, expires_at = renewed()
    assert second != first
    assert expires_at == "2026-01-02T00:00:00Z"
    assert listed(second).status_code == 200
    assert listed("t1.never-given").status_code == 401
    assert listed(ycimages.token).status_code == 200, "the double's own token does not expire"
