"""gRPC in this process, and programs that it starts, reach the double that answers the service's names."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import grpc
import grpc.aio
import pytest
from yandex.cloud.compute.v1.image_pb2 import Image
from yandex.cloud.compute.v1.image_service_pb2 import CreateImageMetadata, CreateImageRequest
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandexcloud._sdk import SDK

from pytest_ycimages import After, Double, RealHostRefusedError, first, unavailable
from pytest_ycimages.network import environment
from pytest_ycimages.network.guard import network_refused
from pytest_ycimages.server import door as door_of_process
from tests.clients import programs
from tests.server.raw_client import Client, request
from tests.server.test_tunnels import upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import VirtualTime

REQUEST: Final = CreateImageRequest(folder_id="b1g0000000000000000a", disk_id="epd0000000000000000a")
TOKEN: Final = [("authorization", "Bearer t1.a.b")]
COMPUTE: Final = "compute.api.cloud.yandex.net:443"
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK


@pytest.fixture(scope="session")
def sdk() -> Any:
    """The official SDK as users make it, once for all tests: without an endpoint, and with its own certificates."""
    return SDK(token="AQAD")  # noqa: S106 - not one of an account


def create(sdk: Any) -> Any:
    """Make an image, and return its operation."""
    return sdk.client(ImageServiceStub).Create(REQUEST, timeout=20)


@pytest.mark.parametrize("number", range(3))
def test_an_unchanged_sdk_reaches_the_double_of_each_test(ycimages_intercept: Double, sdk: Any, number: int) -> None:
    """Though it is older than the test, and keeps its channels."""
    assert create(sdk).id in ycimages_intercept.operations
    assert len(ycimages_intercept.images) == 1
    assert ycimages_intercept.settings.seed == 0, number


@pytest.mark.costly
def test_channels_follow_from_one_double_to_the_next(sdk: Any) -> None:
    """Not one call is lost on the way."""
    for _ in range(50):
        with Double() as double, double.intercept():
            create(sdk)
            assert len(double.images) == 1


def test_the_sdk_waits_in_virtual_time(ycimages_intercept: Double, ycimages_time: VirtualTime, sdk: Any) -> None:
    """Latency and the waits between polls, with retries of its own."""
    ycimages_intercept.timing = After(100)
    ycimages_intercept.latency = 2
    operation = create(sdk)
    made = sdk.wait_operation_and_get_result(operation, response_type=Image, meta_type=CreateImageMetadata)
    assert ycimages_intercept.images[made.response.id].status == "READY"
    assert 100 <= ycimages_time.elapsed < 120


def test_the_exchange_of_a_token_takes_virtual_time(ycimages_intercept: Double, ycimages_time: VirtualTime) -> None:
    """A call waits for it, and its thread is one that grpcio starts: discovery, exchange and create, 2 s each."""
    ycimages_intercept.latency = 2
    create(SDK(token="AQAD"))  # noqa: S106 - not one of an account
    assert [call.method for call in ycimages_intercept.calls] == ["endpoints.list", "tokens.create", "images.create"]
    assert ycimages_time.elapsed == 6


@pytest.mark.ycimages(auth="strict")
def test_an_sdk_gets_the_token_of_an_instance(ycimages_intercept: Double) -> None:
    """From the metadata service, which the double serves as well."""
    assert create(SDK()).id in ycimages_intercept.operations


def test_grpc_aio_reaches_the_double(ycimages_intercept: Double) -> None:
    """With the certificates that the process has by default."""

    async def go() -> None:
        async with grpc.aio.secure_channel(COMPUTE, grpc.ssl_channel_credentials()) as channel:
            stub: Any = ImageServiceStub(channel)
            await stub.Create(REQUEST, metadata=TOKEN, timeout=20)

    asyncio.run(go())
    assert len(ycimages_intercept.images) == 1


def test_faults_strike(ycimages_intercept: Double) -> None:
    """As over any connection."""
    ycimages_intercept.inject(unavailable(), on="images.create", when=first(1))
    with grpc.secure_channel(COMPUTE, grpc.ssl_channel_credentials()) as channel:
        stub: Any = ImageServiceStub(channel)
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            stub.Create(REQUEST, metadata=TOKEN, timeout=20)
    assert not ycimages_intercept.images


@pytest.mark.parametrize(
    ("options", "variables"),
    [([("grpc.enable_http_proxy", 0)], {}), ([], {"grpc_proxy": ""}), ([], {"no_grpc_proxy": ".yandex.net"})],
)
def test_a_channel_that_would_go_to_the_service_is_refused(
    double: Double, monkeypatch: pytest.MonkeyPatch, options: list[tuple[str, int]], variables: dict[str, str]
) -> None:
    """As it asks no proxy, or another one."""
    double.start()
    with double.intercept():
        for name in ("https_proxy", "http_proxy") if "grpc_proxy" in variables else ():
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(RealHostRefusedError):
            grpc.secure_channel(COMPUTE, grpc.ssl_channel_credentials(), options)
    double.close()
    monkeypatch.undo()
    environment.settle()


EARLY: Final = (
    """
import grpc
early = grpc.secure_channel("localhost:1", grpc.ssl_channel_credentials())
try:
    grpc.channel_ready_future(early).result(0.1)
except grpc.FutureTimeoutError:
    pass
from pytest_ycimages import Double
with Double() as double, double.intercept():
"""
    + "\n".join(f"    {line}" for line in programs.SDK.format(credential='iam_token="t1.a.b"').splitlines())
    + "\n    assert len(double.images) == 1\n"
)


@pytest.mark.costly
def test_certificates_that_grpc_has_read_before_are_not_in_the_way() -> None:
    """It keeps those that it has read first, and credentials that are made meanwhile have the double's."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", EARLY], check=True, timeout=60)  # noqa: S603 - ours


# Programs that the test starts.


@needs_curl
def test_a_program_is_answered_by_the_environment_that_it_inherits(ycimages_intercept: Double) -> None:
    """However it is started."""
    subprocess.run(programs.CURL_CREATE, check=True, capture_output=True)  # noqa: S603 - ours
    spawned = os.posix_spawnp("curl", [*programs.CURL_CREATE, "--output", os.devnull], os.environ)
    assert os.waitpid(spawned, 0)[1] == 0
    assert len(ycimages_intercept.images) == 2
    assert {call.metadata["host"] for call in ycimages_intercept.calls} == {"compute.api.cloud.yandex.net"}


@needs_curl
def test_a_program_of_a_replay_is_answered_too(double: Double) -> None:
    """Where programs get a proxy that refuses, this one stays."""
    with double, network_refused((), lambda _: None), double.intercept():
        subprocess.run(programs.CURL_CREATE, check=True, capture_output=True)  # noqa: S603 - ours
        refused = subprocess.run(["curl", "-sSv", "https://example.com"], check=False, capture_output=True, text=True)  # noqa: S607
    assert len(double.images) == 1
    assert "does not open a tunnel to 'example.com'" in refused.stderr


@needs_curl
def test_more_host_names_lead_to_the_double(double: Double) -> None:
    """Those that this interception names."""
    with double, double.intercept(hosts=["images.example.net"]):
        command = [*programs.CURL, "https://images.example.net/endpoints/iam"]
        assert b'"iam"' in subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - ours
    assert [call.method for call in double.calls] == ["endpoints.get"]


# Other hosts, and the time after.


@pytest.fixture
def door(ycimages_intercept: Double) -> Iterator[Client]:
    """A connection to the proxy that the environment names."""
    place = Place(os.environ["https_proxy"])
    assert ycimages_intercept.port != int(place.port)
    with Client(place) as client:  # type: ignore[arg-type]  # it has what is read of it
        yield client


class Place:
    """Where a proxy is, by its URL."""

    def __init__(self, url: str) -> None:
        self.host, _, self.port = url.removeprefix("http://").partition(":")


def test_other_hosts_are_not_affected_in_this_process(door: Client) -> None:
    """A client of this process is connected to them, as it would be without a proxy."""
    with upstream(b"hello") as port:
        assert door.ask(request("CONNECT", f"127.0.0.1:{port}")).status == 200
        door.finish()
        assert door._file.read() == b"hello0 bytes"  # noqa: SLF001 - to the end


@needs_curl
def test_other_hosts_are_refused_to_programs(ycimages_intercept: Double) -> None:
    """But for `allowed_hosts`, as in the test below."""
    refused = subprocess.run(["curl", "-sSv", "https://127.0.0.2:1"], check=False, capture_output=True, text=True)  # noqa: S607
    assert "does not open a tunnel to '127.0.0.2'" in refused.stderr
    assert not ycimages_intercept.calls


@needs_curl
@pytest.mark.ycimages(allowed_hosts=["127.0.0.?"])
def test_allowed_hosts_are_passed_on(ycimages_intercept: Double) -> None:
    """Which a glob names that `no_proxy` cannot express."""
    refused = subprocess.run(["curl", "-sSv", "https://127.0.0.2:1"], check=False, capture_output=True, text=True)  # noqa: S607
    assert "502 No tunnel to 127.0.0.2:1" in refused.stderr
    assert not ycimages_intercept.calls


@needs_curl
def test_afterwards_a_program_is_told_that_the_test_has_ended(double: Double) -> None:
    """One that outlives its test, or was given its environment."""
    with double, double.intercept():
        given = dict(os.environ)
    command = ["curl", "-sSv", f"https://{COMPUTE}"]
    late = subprocess.run(command, env=given, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert "403 The tunnel to 'compute.api.cloud.yandex.net' is not opened" in late.stderr
    plain = subprocess.run(  # noqa: S603 - ours
        ["curl", "-sS", "-x", given["https_proxy"], "http://example.com"],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
    assert "No double of pytest-ycimages answers at this port at present" in plain.stdout
    assert not double.calls


def test_afterwards_a_client_of_this_process_is_connected(double: Double) -> None:
    """One that keeps the proxy which it has found reaches its host, as it would without."""
    with double.intercept():
        place = Place(os.environ["https_proxy"])
    with upstream(b"hello") as port, Client(place) as client:  # type: ignore[arg-type]  # it has what is read of it
        assert client.ask(request("CONNECT", f"127.0.0.1:{port}")).status == 200
        client.finish()
        assert client._file.read() == b"hello0 bytes"  # noqa: SLF001 - to the end


def test_a_suite_without_ports_is_intercepted_all_the_same(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its HTTP clients are answered in process; its environment names no proxy."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("sockets are forbidden here")

    monkeypatch.setattr(door_of_process, "_doors", {})
    monkeypatch.setattr(door_of_process, "Listener", refuse)
    before = dict(os.environ)
    with double.intercept(), urllib.request.urlopen("https://compute.api.cloud.yandex.net/endpoints/iam") as answer:
        assert answer.status == 200
        assert dict(os.environ) == before


def test_without_certificates_clients_keep_theirs(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """As without the extra for TLS."""
    monkeypatch.setattr(door_of_process, "certificates", lambda: None)
    before = os.environ.get("SSL_CERT_FILE"), grpc.ssl_channel_credentials
    with double.intercept():
        assert (os.environ.get("SSL_CERT_FILE"), grpc.ssl_channel_credentials) == before
        assert os.environ["https_proxy"].startswith("http://127.0.0.1:")


def test_grpc_is_patched_once(ycimages_intercept: Double) -> None:
    """Its import may be noted by two threads."""
    assert ycimages_intercept.settings.seed == 0
    patched = grpc.ssl_channel_credentials
    with ExitStack() as stack:
        door_of_process._trust("missing.pem", stack)  # noqa: SLF001 - called by the finder of imports
        assert grpc.ssl_channel_credentials is patched


def test_the_environment_is_as_before(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the test has done with it, and whichever ends first."""
    monkeypatch.setenv("https_proxy", "http://corp.example:3128")
    monkeypatch.setenv("no_proxy", "*")
    before = dict(os.environ)
    with double, double.intercept():
        led = dict(os.environ)
        assert led["https_proxy"].startswith("http://127.0.0.1:")
        assert "*" not in led["no_proxy"]
        assert environment.outside_proxies()["https"] == "http://corp.example:3128"
        assert environment.original("no_proxy") == "*"
    assert dict(os.environ) == before
    double.start()
    with double.intercept():
        assert dict(os.environ) == led
        double.close()
    assert dict(os.environ) == before
    with pytest.MonkeyPatch.context() as patch:
        with double.intercept():
            patch.setenv("https_proxy", "http://other.example:1")
        assert os.environ["https_proxy"] == "http://other.example:1"
    environment.settle()  # as at the end of each test
    assert dict(os.environ) == before


def test_the_port_stays_the_same(double: Double) -> None:
    """One for a process, with one thread."""
    seen, threads = set(), []
    for _ in range(3):
        with double.intercept():
            seen.add(os.environ["https_proxy"])
            threads.append(threading.active_count())
    assert len(seen) == 1
    assert len({*threads}) == 1


def test_a_forked_process_has_a_door_of_its_own(double: Double) -> None:
    """Its parent's leads to the parent's double."""
    with double.intercept():
        door = os.environ["https_proxy"]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with Double() as other, other.intercept():
                os.write(writing, os.environ["https_proxy"].encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.read() not in {"", door}
    os.waitpid(child, 0)
