"""curl, as the documentation shows it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import AfterPolls, Code

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages import Double

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")


def _curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our words only


def _json(*arguments: str) -> Any:
    return json.loads(_curl(*arguments))


@pytest.mark.ycimages(timing=AfterPolls(2))
def test_the_flow_of_the_documentation(ycimages: Double) -> None:
    """A token for an OAuth token, an image by a plain `-d`, which curl types as a form, and polls until done."""
    url = ycimages.url
    token = _json("-d", '{"yandexPassportOauthToken": "y0_AgAAAAA"}', f"{url}/iam/v1/tokens")["iamToken"]
    bearer = ("-H", f"Authorization: Bearer {token}")
    body = json.dumps({"folderId": ycimages.folder_id, "name": "from-curl", "diskId": "epd0000000000000000a"})
    operation = _json("-X", "POST", *bearer, "-H", "accept: application/json", "-d", body, f"{url}/compute/v1/images")
    while not operation["done"]:
        operation = _json(*bearer, f"{url}/operations/{operation['id']}")
    image = _json(*bearer, f"{url}/compute/v1/images/{operation['metadata']['imageId']}")
    assert (image["name"], image["status"]) == ("from-curl", "READY")
    assert [call.method for call in ycimages.calls] == [
        "tokens.create",
        "images.create",
        *["operations.get"] * 2,
        "images.get",
    ]
    assert ycimages.calls[1].metadata["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--http1.0"], id="HTTP/1.0"),
        pytest.param(["-H", "Transfer-Encoding: chunked"], id="chunked"),
        pytest.param(["-H", "Expect: 100-continue"], id="waiting to be told"),
        pytest.param(["-H", "Content-Type:"], id="no content type"),
        pytest.param(["-H", "Content-Type: application/json; charset=utf-8"], id="content type with charset"),
        pytest.param(["-H", "Connection: close"], id="last request"),
        pytest.param(["--path-as-is", "--globoff"], id="path as it is"),
    ],
)
def test_create_works_with_every_option_of_curl(ycimages: Double, options: list[str]) -> None:
    """How curl speaks is its business."""
    body = json.dumps({"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"})
    bearer = ("-H", f"Authorization: Bearer {ycimages.token}")
    operation = _json(*options, *bearer, "-d", body, f"{ycimages.url}/compute/v1/images")
    assert operation["metadata"]["imageId"] in ycimages.images


def test_curl_uploads_too_much_and_is_told(ycimages: Double, tmp_path: Path) -> None:
    """It asks before it sends so much, and shows the refusal."""
    body = tmp_path / "disk.qcow2"
    body.write_bytes(bytes(5 * 2**20))
    answer = _json("--data-binary", f"@{body}", f"{ycimages.url}/compute/v1/images")
    assert answer["code"] == Code.RESOURCE_EXHAUSTED.number
    assert "the limit is 4194304 bytes" in answer["message"]


def test_curl_reads_the_head_alone(ycimages: Double) -> None:
    """`curl --head` ends with the headers."""
    lines = _curl("--head", f"{ycimages.url}/endpoints").splitlines()
    assert lines[0] == "HTTP/1.1 200 OK"
    assert "content-type: application/json" in lines


def test_one_curl_asks_many_times_over_one_connection(ycimages: Double) -> None:
    """The connection is reused from one address to the next."""
    urls = [f"{ycimages.url}/endpoints/{id_}" for id_ in ("iam", "compute", "storage") * 10]
    answers = _curl("--write-out", "%{num_connects}\n", *urls).splitlines()
    assert [line[-1] for line in answers if line.startswith("}")] == ["1", *["0"] * 29]


def test_https_needs_the_authority_of_the_double(ycimages: Double) -> None:
    """Without it curl fails at once, and with it HTTP/1.1 and HTTP/2 are served."""
    address = f"https://localhost:{ycimages.port}/endpoints"
    with pytest.raises(subprocess.CalledProcessError) as raised:
        _curl(address)
    assert raised.value.returncode == 60
    for version in ("--http1.1", "--http2"):
        assert json.loads(_curl("--cacert", ycimages.ca_path, version, address))["endpoints"]
