"""TLS and HTTP/2 on the double's port, for gRPC and for REST."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from yandex.cloud.endpoint import api_endpoint_service_pb2 as endpoints

from pytest_ycimages import Double, UsageError
from pytest_ycimages.hosts import HOSTS, LOOPBACK
from pytest_ycimages.server import tls
from pytest_ycimages.server.http1 import PREFACE
from tests.grpc.clients import Http2, Stubs

SERVER = "pytest_ycimages.server"


@pytest.fixture
def trusting(ycimages: Double) -> ssl.SSLContext:
    """Return the client's side of TLS, which trusts the double."""
    return ssl.create_default_context(cafile=ycimages.ca_path)


def test_grpc_over_tls(ycimages: Double) -> None:
    """With the certificate of the process's authority."""
    with Stubs(ycimages, secure=True) as stubs:
        assert stubs.call(stubs.endpoints.List, endpoints.ListApiEndpointsRequest()).endpoints


def test_threads_that_ask_at_once_get_one_authority() -> None:
    """The first to ask makes it, in a process of its own here; the others wait for that one."""
    script = (
        "import sys, threading; from pytest_ycimages import Double; sys.setswitchinterval(1e-6)\n"
        "found, gate, double = set(), threading.Barrier(8), Double()\n"
        "def ask(): gate.wait(); found.add(double.root_certificates)\n"
        "threads = [threading.Thread(target=ask) for _ in range(8)]\n"
        "for each in threads: each.start()\n"
        "for each in threads: each.join()\n"
        "print(len(found))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - this Python
    assert ran.stdout == "1\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_rest_over_tls(ycimages: Double, trusting: ssl.SSLContext, host: str) -> None:
    """HTTP/1.1, kept alive."""
    connection = http.client.HTTPSConnection(host, ycimages.port, context=trusting)
    for _ in range(3):
        connection.request("GET", "/endpoints")
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 100) == (200, True)
    connection.close()
    assert len({call.line for call in ycimages.calls}) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_rest_over_http2(ycimages: Double, trusting: ssl.SSLContext, scheme: str) -> None:
    """With prior knowledge, and by ALPN."""
    with httpx.Client(http1=False, http2=True, verify=trusting, trust_env=False) as client:
        answer = client.get(f"{scheme}://127.0.0.1:{ycimages.port}/endpoints")
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        refused = client.post(f"{scheme}://127.0.0.1:{ycimages.port}/compute/v1/images", content=b"{")
        assert (refused.status_code, refused.headers["content-type"]) == (400, "text/plain")
        assert client.head(f"{scheme}://127.0.0.1:{ycimages.port}/endpoints").content == b""


@pytest.mark.parametrize("name", [*LOOPBACK, *(host.replace("*", "compute") for host in HOSTS)])
def test_the_certificate_is_for_loopback_and_the_service(name: str) -> None:
    """Every host name of the service, so that intercepted clients are content."""
    ours, theirs = (
        tls.TlsSession(tls.server_context()),
        ssl.create_default_context(cadata=tls.root_certificates().decode()),
    )
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = theirs.wrap_bio(incoming, outgoing, server_hostname=name)
    for _ in range(4):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            incoming.write(ours.receive(outgoing.read()).answer)
        else:
            return
    pytest.fail("the handshake does not end")


def test_a_client_that_does_not_trust_the_double_is_told_by_its_own_library(ycimages: Double) -> None:
    """And the double serves on."""
    connection = http.client.HTTPSConnection("localhost", ycimages.port, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/endpoints")
    with Http2(ycimages) as client:
        number = client.start("/endpoints", method="GET", end=True)
        assert client.answer(number).headers[":status"] == "200"


def test_the_file_of_the_authority_lasts_as_long_as_the_process(ycimages: Double) -> None:
    """And has what `root_certificates` has."""
    assert Path(ycimages.ca_path).read_bytes() == ycimages.root_certificates
    with Double() as other:
        assert other.ca_path == ycimages.ca_path


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the libraries of the extra `grpc`, and the modules that need them."""
    for name in [*sys.modules]:
        if name.split(".")[0] == "h2" or name in {f"{SERVER}.{each}" for each in ("http2", "grpc_front", "tls")}:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "h2", None)  # which stops an import
    monkeypatch.setitem(sys.modules, "trustme", None)


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_a_grpc_client_is_told_which_to_install(ycimages: Double) -> None:
    """In words that its user reads, as UNIMPLEMENTED."""
    with Stubs(ycimages) as stubs, pytest.raises(Exception, match=r"pip install 'pytest-ycimages\[grpc\]'"):
        stubs.call(stubs.endpoints.List, endpoints.ListApiEndpointsRequest())


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_the_user_is_told_which_to_install(ycimages: Double) -> None:
    """Wherever TLS is asked for."""
    with pytest.raises(UsageError, match=r"pip install 'pytest-ycimages\[grpc\]'"):
        _ = ycimages.ca_path
    connection = http.client.HTTPSConnection("localhost", ycimages.port)
    with pytest.raises(ssl.SSLError):
        connection.request("GET", "/endpoints")
    assert "pytest-ycimages[grpc]" in str(ycimages.calls[0])


def test_post_is_not_mistaken_for_http2(ycimages: Double) -> None:
    """Its first byte is the same, and it may come alone."""
    assert PREFACE[0] == b"POST"[0]
    connection = http.client.HTTPConnection(ycimages.host, ycimages.port)
    connection.connect()
    for part in (b"P", b"O", b"ST /iam/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"):
        connection.sock.sendall(part)
    assert connection.sock.recv(20).startswith(b"HTTP/1.1 ")
    connection.close()
