"""Unchanged programs with the service's own addresses reach the double by their environment alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double, UsageError, first, unavailable
from pytest_ycimages.server import tls
from tests.clients import programs
from tests.grpc.test_node import MODULES, NEWEST, NODE, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
needs_node = pytest.mark.skipif(
    NODE is None or not (MODULES / "@yandex-cloud").is_dir(), reason="needs node, and its SDK: make node"
)


def run(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program with the variables of the machine and these."""
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours


def python(program: str) -> list[str]:
    """Return the command of a program in Python."""
    return [sys.executable, "-c", program]


@pytest.mark.costly
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(python(programs.SDK.format(credential='token="AQAD"')), id="SDK"),
        pytest.param(python(programs.SDK.format(credential="")), id="SDK of an instance"),
        pytest.param(python(programs.GRPC_AIO), id="grpc.aio"),
        pytest.param(python(programs.REQUESTS), id="requests"),
        pytest.param(python(programs.HTTPX), id="httpx"),
        pytest.param(python(programs.URLLIB), id="urllib"),
        pytest.param(python(programs.AIOHTTP), id="aiohttp"),
        pytest.param(programs.CURL_CREATE, id="curl", marks=needs_curl),
    ],
)
def test_an_image_is_made(ycimages: Double, command: list[str]) -> None:
    """With the right name for a host, and without an address in the program."""
    done = run(command, ycimages.proxy_environment())
    made = done.stdout.split()[-1] if command[0] != "curl" else next(iter(ycimages.images), "")
    assert done.returncode == 0, done.stderr
    assert made in done.stdout
    assert [*ycimages.images] == [made]
    hosts = {call.metadata.get("host", "").partition(":")[0] for call in ycimages.calls}
    assert hosts <= {"", "api.cloud.yandex.net", "compute.api.cloud.yandex.net", "127.0.0.1"}


@pytest.mark.costly
@needs_node
@pytest.mark.parametrize("token", [{"IAM_TOKEN": "t1.a.b"}, {}], ids=["token", "instance"])
def test_the_official_node_sdk_makes_an_image(ycimages: Double, token: dict[str, str]) -> None:
    """At its own three hosts, and with the token of an instance: its metadata service has no variable, but a proxy."""
    given = {"SDK": NEWEST, "NODE_PATH": str(MODULES), "FOLDER_ID": ycimages.folder_id, "NAME": "base", **token}
    done = run([str(NODE), str(PROGRAMS / "bake.cjs")], {**ycimages.proxy_environment(), **given})
    made = json.loads(done.stdout.splitlines()[-1])
    assert made.get("name") == "base", (made, done.stderr)
    assert ycimages.images[made["id"]].status == "READY"


@needs_curl
def test_other_hosts_are_refused_by_name(ycimages: Double) -> None:
    """Curl prints what the proxy says."""
    done = run(["curl", "--silent", "--verbose", "https://example.com"], ycimages.proxy_environment())
    assert done.returncode != 0
    assert "does not open a tunnel to 'example.com'" in done.stderr


@needs_curl
@pytest.mark.ycimages(intercept_hosts=["images.example.net"])
def test_names_of_the_settings_lead_to_the_double(ycimages: Double) -> None:
    """As they do in process."""
    done = run([*programs.CURL, "https://images.example.net/endpoints/iam"], ycimages.proxy_environment())
    assert json.loads(done.stdout)["id"] == "iam"


@needs_curl
def test_faults_strike_a_child_process(ycimages: Double) -> None:
    """As any client."""
    ycimages.inject(unavailable(), on="images.create", when=first(1))
    assert json.loads(run(programs.CURL_CREATE, ycimages.proxy_environment()).stdout)["code"] == 14


PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "grpc_proxy")
LISTS: Final = ("no_proxy", "NO_PROXY", "no_grpc_proxy")


def test_the_variables_name_the_double(ycimages: Double) -> None:
    """Its address in each; the environment of this process stays as it is."""
    before = dict(os.environ)
    given = ycimages.proxy_environment()
    assert {given[name] for name in PROXIES} == {ycimages.url}
    assert given["YC_METADATA_ADDR"] == f"{ycimages.host}:{ycimages.port}"
    assert {name: value for name, value in os.environ.items() if "no_" not in name.lower()} == {
        name: value for name, value in before.items() if "no_" not in name.lower()
    }


@pytest.mark.parametrize(
    ("entry", "stays"),
    [
        ("example.com", True),
        (".corp.example", True),
        ("10.0.0.0/8", True),
        ("localhost", True),
        ("cloud.yandex.com", True),
        ("notapi.cloud.yandex.net.example", True),
        ("*", False),
        ("net", False),
        (".yandex.net", False),
        ("*.cloud.yandex.net", False),
        ("api.cloud.yandex.net", False),
        ("Compute.API.cloud.yandex.net", False),
        (".api.yandexcloud.kz", False),
    ],
)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_entries_that_hide_the_service_are_left_out(
    ycimages: Double, monkeypatch: pytest.MonkeyPatch, entry: str, name: str, *, stays: bool
) -> None:
    """Others stay, as does this machine."""
    for each in LISTS:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, f"other.example, {entry}")
    for given in map(ycimages.proxy_environment().get, LISTS):
        found = (given or "").split(",")
        assert (entry in found) is stays
        assert {"other.example", "127.0.0.1", "localhost", "::1"} <= {*found}


@pytest.mark.ycimages(allowed_hosts=["db.example.net", "*.internal.example", "*.api.cloud.yandex.net"])
def test_allowed_hosts_are_reached_without_the_proxy(ycimages: Double) -> None:
    """But names of the service lead to the double, whatever is allowed."""
    assert ycimages.proxy_environment()["no_proxy"].split(",")[-2:] == ["db.example.net", ".internal.example"]


def test_certificates_of_the_user_stay_trusted(
    ycimages: Double, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file of each variable has the double's and those of the file that it names already, or of the system."""
    own = tmp_path / "own.pem"
    own.write_bytes(b"# mine")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"):
        monkeypatch.delenv(name, raising=False)
    given = ycimages.proxy_environment()
    texts = {}
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"):
        texts[name] = Path(given[name]).read_bytes()
        assert texts[name].startswith(ycimages.root_certificates)
    assert texts["REQUESTS_CA_BUNDLE"].endswith(b"# mine")
    assert texts["NODE_EXTRA_CA_CERTS"] == ycimages.root_certificates
    assert b"# mine" not in texts["SSL_CERT_FILE"]


def test_without_the_extra_there_are_no_certificates(ycimages: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """The double is the proxy all the same, and says what is missing, so that no client leaves."""
    monkeypatch.delitem(sys.modules, tls.__name__)
    monkeypatch.setitem(sys.modules, "trustme", None)
    given = ycimages.proxy_environment()
    assert given["https_proxy"] == ycimages.url
    assert "SSL_CERT_FILE" not in given


def test_a_double_that_does_not_serve_has_no_environment() -> None:
    """It has no address."""
    with pytest.raises(UsageError, match="is not serving"):
        Double().proxy_environment()
