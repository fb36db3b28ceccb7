"""The SDKs of Node, unchanged, in a process of their own, and what grpc-js sees of each fault."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Code, first, unavailable
from tests.grpc.clients import DISK
from tests.grpc.fault_table import NAMES, ROWS, Row, strike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import Double

MODULES: Final = Path(__file__).parents[2] / "build" / "node" / "node_modules"
PROGRAMS: Final = Path(__file__).parent / "node"
NODE: Final = shutil.which("node")
SDKS: Final = {
    "@yandex-cloud/nodejs-sdk@3": "@yandex-cloud/nodejs-sdk",
    "@yandex-cloud/nodejs-sdk@2": "nodejs-sdk-2",
    "@nikolay.matrosov/yc-ts-sdk": "@nikolay.matrosov/yc-ts-sdk",
    "yandex-cloud": "yandex-cloud",
}
"""The SDKs, and the folders that `make node` installs them into."""
NEWEST: Final = next(iter(SDKS))


def needs(sdk: str) -> pytest.MarkDecorator:
    """Skip a test where node or the package is missing."""
    is_missing = NODE is None or not (MODULES / SDKS[sdk]).is_dir()
    return pytest.mark.skipif(is_missing, reason=f"needs node and {sdk}: make node")


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a program, in which no proxy is asked."""
    plain = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return {**plain, "NODE_PATH": str(MODULES), **more}


def bake(double: Double, name: str, sdk: str = NEWEST) -> Any:
    """Run the program, and return what it prints."""
    env = environment(
        SDK=sdk,
        ENDPOINT=f"localhost:{double.port}",
        CA=double.ca_path,
        GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=double.ca_path,  # for the SDKs without an option for it
        IAM_TOKEN=double.token,
        FOLDER_ID=double.folder_id,
        NAME=name,
    )
    command = [str(NODE), str(PROGRAMS / "bake.cjs")]
    done = subprocess.run(command, env=env, check=True, capture_output=True, timeout=120)  # noqa: S603 - ours
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.costly
@pytest.mark.ycimages(auth="strict")
@pytest.mark.parametrize("sdk", [pytest.param(sdk, marks=needs(sdk)) for sdk in SDKS])
def test_an_image_is_baked(ycimages: Double, sdk: str) -> None:
    """Over TLS, with the certificate authority of the double; its retries are not needed."""
    made = bake(ycimages, "base", sdk)
    assert (made["name"], made["status"]) == ("base", 2)
    assert ycimages.images[made["id"]].status == "READY"
    assert {call.grpc.rpc.rpartition("/")[0] for call in ycimages.calls if call.grpc} >= {
        "yandex.cloud.compute.v1.ImageService",
        "yandex.cloud.operation.OperationService",
    }


@pytest.mark.costly
@pytest.mark.parametrize("sdk", [pytest.param(sdk, marks=needs(sdk)) for sdk in SDKS])
def test_a_refusal_arrives_with_its_text(ycimages: Double, sdk: str) -> None:
    """As an error of the SDK."""
    refused = bake(ycimages, "No!", sdk)
    assert refused["code"] == Code.INVALID_ARGUMENT.number
    assert "Name: invalid resource name" in refused["details"]


@pytest.mark.costly
@needs(NEWEST)
def test_a_fault_is_seen(ycimages: Double) -> None:
    """UNAVAILABLE, which this SDK does not repeat by itself."""
    ycimages.inject(unavailable(), on="images.create", when=first(1))
    assert bake(ycimages, "base")["code"] == Code.UNAVAILABLE.number


@pytest.fixture(scope="module")
def program() -> Iterator[subprocess.Popen[str]]:
    """Start the program that tells what grpc-js sees."""
    command, pipe = [str(NODE), str(PROGRAMS / "faults.cjs")], subprocess.PIPE
    with subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, text=True) as program:  # noqa: S603 - ours
        yield program
        program.communicate()


@needs(NEWEST)
@pytest.mark.ycimages(timing="Never()")
@pytest.mark.parametrize("row", [pytest.param(row, marks=pytest.mark.costly, id=row.fault) for row in ROWS])
def test_grpc_js_sees_a_fault(ycimages: Double, program: subprocess.Popen[str], row: Row) -> None:
    """As the table says."""
    strike(ycimages, row)
    asked = {"endpoint": ycimages.grpc_endpoint, "token": ycimages.token, "folder": ycimages.folder_id, "disk": DISK}
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(json.dumps({**asked, "patience": row.patience}) + "\n")
    program.stdin.flush()
    assert program.stdout.readline().strip() == row.seen[NAMES.index("grpc-js")]
    assert len(ycimages.calls.of("images.create")) == 1 + ("grpc-js" in row.repeated)
