"""The official Node SDK, unchanged, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Code, first, unavailable

if TYPE_CHECKING:
    from pytest_ycimages import Double

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "build" / "node" / "node_modules"
PROGRAM = Path(__file__).parent / "node" / "bake.cjs"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or not (MODULES / "@yandex-cloud").is_dir(),
    reason="needs node, and its SDK: make node",
)


def bake(double: Double, name: str) -> Any:
    """Run the program, and return what it prints."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")},
        "NODE_PATH": str(MODULES),
        "ENDPOINT": f"localhost:{double.port}",
        "CA": double.ca_path,
        "IAM_TOKEN": double.token,
        "FOLDER_ID": double.folder_id,
        "NAME": name,
    }
    command = [str(NODE), str(PROGRAM)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)  # noqa: S603 - ours
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.ycimages(auth="strict")
def test_an_image_is_baked(ycimages: Double) -> None:
    """Over TLS, with the certificate authority of the double; its retries are not needed."""
    made = bake(ycimages, "base")
    assert (made["name"], made["status"]) == ("base", 2)
    assert ycimages.images[made["id"]].status == "READY"
    assert {call.grpc.rpc.rpartition("/")[0] for call in ycimages.calls if call.grpc} == {
        "yandex.cloud.compute.v1.ImageService",
        "yandex.cloud.operation.OperationService",
    }


def test_a_refusal_arrives_with_its_text(ycimages: Double) -> None:
    """As a ClientError of the SDK."""
    refused = bake(ycimages, "No!")
    assert refused["code"] == Code.INVALID_ARGUMENT.number
    assert "Name: invalid resource name" in refused["details"]


def test_a_fault_is_seen(ycimages: Double) -> None:
    """UNAVAILABLE, which this SDK does not repeat by itself."""
    ycimages.inject(unavailable(), on="images.create", when=first(1))
    assert bake(ycimages, "base")["code"] == Code.UNAVAILABLE.number
