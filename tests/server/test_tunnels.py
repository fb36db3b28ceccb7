"""CONNECT: tunnels to the names of the service end in the double, others are refused or passed on."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import Code, Double, close, first, hang, reset, truncate, unavailable
from pytest_ycimages.server.tunnel import ESTABLISHED
from tests.server.raw_client import PATIENCE, Client, endpoint, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ycimages import VirtualTime

COMPUTE: Final = "compute.api.cloud.yandex.net"
TARGET: Final = f"{COMPUTE}:443"
OPEN: Final = request("CONNECT", TARGET)
CREATE: Final = {"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}


@pytest.fixture
def through(ycimages: Double) -> Iterator[httpx.Client]:
    """A client that takes the double for its proxy, and the service for its server."""
    trusting = ssl.create_default_context(cafile=ycimages.ca_path)
    headers = {"Authorization": f"Bearer {ycimages.token}"}
    with httpx.Client(
        base_url=f"https://{COMPUTE}", proxy=ycimages.url, verify=trusting, headers=headers, http2=True
    ) as client:
        yield client


def create(client: httpx.Client) -> httpx.Response:
    """Create an image."""
    return client.post("/compute/v1/images", json=CREATE)


# What is served.


def test_the_double_speaks_tls_as_the_service(ycimages: Double, through: httpx.Client) -> None:
    """Over HTTP/2, as ALPN has it."""
    answer = create(through)
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
    assert answer.json()["metadata"]["imageId"] in ycimages.images
    assert ycimages.calls[0].metadata["host"] == COMPUTE


@pytest.mark.ycimages(intercept_hosts=["*.deep.example.net", "images.example.net"], served_hosts=["served.example"])
@pytest.mark.parametrize(
    "host",
    ["images.example.net", "a.deep.example.net", "a.b.api.cloud.yandex.net", "API.yandexcloud.kz", "served.example"],
)
def test_a_certificate_is_issued_for_each_name(ycimages: Double, through: httpx.Client, host: str) -> None:
    """Names of the settings too, and those that the wildcard of a certificate does not match."""
    assert through.get(f"https://{host}/endpoints").is_success
    assert ycimages.calls[0].metadata["host"] == host.lower()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("pieces", [[OPEN], [bytes([byte]) for byte in OPEN], [OPEN[:7], OPEN[7:9], OPEN[9:]]])
def test_http_in_the_clear_is_served_within(client: Client, pieces: list[bytes], version: str) -> None:
    """However the head arrives."""
    for piece in pieces:
        client.send(piece.replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
    assert client.answer().status == 200
    assert client.ask(endpoint("iam")).json["id"] == "iam"
    assert client.ask(endpoint("compute")).json["id"] == "compute"


@pytest.mark.parametrize("rest", [b"", endpoint("iam")])
def test_a_connection_that_has_served_before_becomes_a_tunnel(client: Client, rest: bytes) -> None:
    """Node keeps connections to a proxy, and sends plain requests and CONNECT over the same one."""
    assert client.ask(endpoint("compute")).json["id"] == "compute"
    assert client.ask(OPEN + rest).status == 200
    assert (client.answer() if rest else client.ask(endpoint("iam"))).json["id"] == "iam"
    assert client.ask(OPEN).status == 404
    assert client.is_left()


def test_one_that_has_served_before_is_refused_as_any_other(client: Client) -> None:
    """For other hosts, and for what is not HTTP."""
    assert client.ask(endpoint("compute") + request("CONNECT", "example.com:443")).json["id"] == "compute"
    assert client.answer().status == 403
    client.finish()
    assert client.is_left()


def test_bytes_behind_the_head_belong_to_the_tunnel(client: Client) -> None:
    """A client need not wait for the answer."""
    assert client.ask(OPEN + endpoint("iam")).status == 200
    assert client.answer().json["id"] == "iam"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_its_own_address_is_served(ycimages: Double, client: Client, name: str) -> None:
    """For clients whose proxy variables name no exceptions."""
    assert client.ask(request("CONNECT", f"{name}:{ycimages.port}")).status == 200
    assert client.ask(endpoint("iam")).json["id"] == "iam"


# What is refused.


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("example.com:443", 403, "allowed_hosts=['example.com']"),
        ("api.cloud.yandex.net.example.com:443", 403, "'api.cloud.yandex.net.example.com'"),
        ("127.0.0.1:1", 403, "'127.0.0.1'"),
        ("169.254.169.254:80", 403, "'169.254.169.254'"),
        ("[::1]:1", 403, "'::1'"),
        ("[2a02:6b8::1]:443", 403, "'2a02:6b8::1'"),
        (COMPUTE, 400, "expected a host and a port"),
        (f"{COMPUTE}:", 400, "expected a host and a port"),
        (f"{COMPUTE}:0", 400, "expected a host and a port"),
        (f"{COMPUTE}:65536", 400, "expected a host and a port"),
        (f"{COMPUTE}:{'9' * 5000}", 400, "expected a host and a port"),
        (f"me:secret@{COMPUTE}:443", 400, "expected a host and a port"),
        (f"https://{COMPUTE}:443", 400, "expected a host and a port"),
        (f"{COMPUTE}:443/compute", 400, "expected a host and a port"),
        (f"{COMPUTE}%00:443", 400, "expected a host and a port"),
        ("[::1:443", 400, "expected a host and a port"),
        (":443", 400, "expected a host and a port"),
        ("*", 400, "expected a host and a port"),
        ("/", 400, "expected a host and a port"),
        ("b\u00fccher.example:443", 400, "Invalid"),
        (f"{'a' * 70_000}:443", 431, "larger than"),
    ],
)
def test_other_targets_are_refused_in_words(client: Client, target: str, status: int, words: str) -> None:
    """The connection ends then, and the call is not in the journal: it is none of the service."""
    answer = client.ask(request("CONNECT", target))
    assert answer.status == status
    assert words in answer.body.decode()
    client.finish()
    assert client.is_left()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (OPEN.replace(b"Host: localhost\r\n", b""), 400),
        (OPEN.replace(b"Host: localhost", b"Host: a b"), 400),
        (OPEN.replace(b"HTTP/1.1", b"HTTP/3.0"), 505),
        (OPEN.replace(b"Host:", b"X: " + b"x" * 70_000 + b"\r\nHost:"), 431),
        (b"CONNECT \r\n\r\n", 400),
        (b"CONNECT a b c\r\n\r\n", 400),
    ],
)
def test_an_invalid_head_is_refused(client: Client, head: bytes, status: int) -> None:
    """As that of any other request."""
    assert client.ask(head).status == status
    client.finish()
    assert client.is_left()


def test_the_reason_phrase_says_why(through: httpx.Client) -> None:
    """It is what clients print of a proxy that refuses."""
    with pytest.raises(httpx.ProxyError, match=r"does not open a tunnel to 'example.com'"):
        through.get("https://example.com")


def test_a_tunnel_in_a_tunnel_is_refused(client: Client) -> None:
    """Whatever it leads to."""
    assert client.ask(OPEN).status == 200
    refused = client.ask(request("CONNECT", "iam.api.cloud.yandex.net:443"))
    assert (refused.status, COMPUTE in refused.body.decode()) == (400, True)
    client.finish()
    assert client.is_left()


@pytest.mark.parametrize(
    ("path", "host"),
    [("/_ycimages/state", "example.com"), ("/endpoints", "example.com"), ("/endpoints", "127.0.0.1.nip.io")],
)
def test_other_hosts_are_refused_within(client: Client, path: str, host: str) -> None:
    """What `Host` says is checked in a tunnel as it is outside, for the control API too."""
    assert client.ask(OPEN).status == 200
    asked = request("GET", path).replace(b"Host: localhost", f"Host: {host}".encode())
    assert client.ask(asked).status == 421


def test_plain_http_to_another_host_is_not_forwarded(client: Client) -> None:
    """A request in absolute form is answered for names of the service, and refused for others."""
    assert client.ask(request("GET", f"http://{COMPUTE}/endpoints/iam")).json["id"] == "iam"
    assert client.ask(request("GET", "http://example.com/_ycimages/state")).status == 421


@given(target=st.binary(max_size=80), rest=st.binary(max_size=80), is_open=st.booleans())
@settings(deadline=None, max_examples=60)
def test_whatever_is_sent_the_connection_ends_and_the_double_serves_on(
    tunnelling: Double, target: bytes, rest: bytes, *, is_open: bool
) -> None:
    """Neither a thread nor a connection is left, and no error comes to light."""
    with Client(tunnelling) as rude:
        rude.send((OPEN if is_open else b"CONNECT " + target) + rest)
        rude.finish()
        while rude._file.read(2**16):  # noqa: SLF001 - to the end
            pass
    with Client(tunnelling) as other:
        assert other.ask(endpoint("iam")).json["id"] == "iam"


@pytest.fixture(scope="module")
def tunnelling() -> Iterator[Double]:
    """A double for many clients, checked at the end."""
    with Double() as double:
        yield double


@pytest.mark.parametrize("share", [1, 5, 100])
def test_a_handshake_that_never_ends_holds_up_nothing(ycimages: Double, share: int) -> None:
    """The connection waits for its client, and ends with the double."""
    hello, trusting = ssl.MemoryBIO(), ssl.create_default_context()
    with pytest.raises(ssl.SSLWantReadError):
        trusting.wrap_bio(ssl.MemoryBIO(), hello, server_hostname=COMPUTE).do_handshake()
    with Client(ycimages) as slow, Client(ycimages) as other:
        assert slow.ask(OPEN).status == 200
        slow.send(hello.read()[:share])
        assert other.ask(endpoint("iam")).json["id"] == "iam"
        ycimages.close()
        assert slow.is_left()


@pytest.mark.parametrize(
    "inside", [b"\x16\x03\x01\x00\x05hello", b"\x00" * 50, b"\r\n\r\nGARBAGE", b"PRI * HTTP/2.0\r\n\r\nXX"]
)
def test_garbage_within_ends_the_connection(client: Client, inside: bytes) -> None:
    """With what its protocol has for it."""
    assert client.ask(OPEN).status == 200
    client.send(inside)
    client.finish()
    while client._file.read(2**16):  # noqa: SLF001 - to the end
        pass


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the library of the extra `grpc`, and the module that needs it."""
    monkeypatch.delitem(sys.modules, "pytest_ycimages.server.tls", raising=False)
    monkeypatch.setitem(sys.modules, "trustme", None)


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_the_client_is_told_which_to_install(client: Client) -> None:
    """Instead of a handshake that fails."""
    refused = client.ask(OPEN)
    assert (refused.status, "pip install 'pytest-ycimages[grpc]'" in refused.body.decode()) == (501, True)


# What faults, time and closing do.


@pytest.mark.parametrize("fault", [reset(), close(), truncate(length=5), reset(after=20)])
def test_faults_act_on_the_connection_within(ycimages: Double, through: httpx.Client, fault: object) -> None:
    """The client's own connection to the host breaks, and it asks for another tunnel."""
    ycimages.inject(fault, on="images.create", when=first(1))  # type: ignore[arg-type]
    with pytest.raises(httpx.TransportError):
        create(through)
    assert create(through).status_code == 200


def test_an_error_is_answered_within(ycimages: Double, through: httpx.Client) -> None:
    """It comes from the service, not from the proxy."""
    ycimages.inject(unavailable(), on="images.create", when=first(1))
    assert create(through).status_code == 503
    assert ycimages.calls[0].status == Code.UNAVAILABLE


def test_latency_takes_virtual_time(ycimages: Double, ycimages_time: VirtualTime, through: httpx.Client) -> None:
    """As over a connection without a tunnel."""
    ycimages.latency = 100
    through.timeout = httpx.Timeout(3600)
    assert create(through).status_code == 200
    assert 100 <= ycimages_time.elapsed < 101


def test_a_hang_takes_virtual_time(ycimages: Double, ycimages_time: VirtualTime, client: Client) -> None:
    """For a client whose socket is seen."""
    ycimages.inject(hang(), on="endpoints.get")
    client.give_up_after(30)
    assert client.ask(OPEN).status == 200
    with pytest.raises(TimeoutError):
        client.ask(endpoint("iam"))
    assert 30 <= ycimages_time.elapsed < 31


def test_closing_ends_tunnels(ycimages: Double, through: httpx.Client) -> None:
    """The client then finds the proxy gone."""
    assert create(through).is_success
    ycimages.close()
    with pytest.raises(httpx.TransportError):
        create(through)


# What is passed on.


@contextmanager
def upstream(answers: bytes = b"") -> Iterator[int]:
    """Serve one connection on this machine: read to the end while writing `answers`, then say how many bytes came."""

    def serve() -> None:
        sock, _ = listening.accept()
        with sock:
            writer = threading.Thread(target=sock.sendall, args=(answers,))
            writer.start()
            size = 0
            while data := sock.recv(2**16):
                size += len(data)
            writer.join()
            sock.sendall(b"%d bytes" % size)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(PATIENCE)


@pytest.mark.ycimages(allowed_hosts=["127.0.0.1"])
@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_to_an_allowed_host_bytes_are_passed_on(ycimages: Double, size: int) -> None:
    """In both directions at once, and each side may end its own first."""
    with upstream(b"a" * size) as port, Client(ycimages) as client:
        assert client.ask(request("CONNECT", f"127.0.0.1:{port}")).status == 200

        def send() -> None:
            client.send(b"b" * size)
            client.finish()

        sending = threading.Thread(target=send)
        sending.start()
        assert client._file.read() == b"a" * size + b"%d bytes" % size  # noqa: SLF001 - to the end
        sending.join()
    assert not ycimages.calls


@pytest.mark.ycimages(allowed_hosts=["127.0.0.1"])
def test_closing_ends_what_is_passed_on(ycimages: Double) -> None:
    """Both sides of it."""
    with upstream() as port, Client(ycimages) as client:
        assert client.ask(request("CONNECT", f"127.0.0.1:{port}")).status == 200
        ycimages.close()
        assert client._file.read() in {b"", b"0 bytes"}  # noqa: SLF001 - to the end


@pytest.mark.ycimages(allowed_hosts=["127.0.0.1"])
def test_a_host_that_refuses_is_a_bad_gateway(client: Client) -> None:
    """With the reason."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        refused = client.ask(request("CONNECT", f"127.0.0.1:{bound.getsockname()[1]}"))
    assert (refused.status, "Connection refused" in refused.body.decode()) == (502, True)


@pytest.mark.ycimages(allowed_hosts=["127.0.0.2"])
@pytest.mark.parametrize(("answered", "status"), [(ESTABLISHED, 200), (b"HTTP/1.1 407 Who?\r\n\r\n", 502), (b"", 502)])
def test_a_proxy_of_the_environment_is_on_the_way(
    client: Client, monkeypatch: pytest.MonkeyPatch, answered: bytes, status: int
) -> None:
    """With its user name and password."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:se%63ret@127.0.0.1:{proxy.getsockname()[1]}")
        client.send(request("CONNECT", "127.0.0.2:7"))
        sock, _ = proxy.accept()
        with sock:
            asked = sock.recv(2**16)
            assert asked.startswith(b"CONNECT 127.0.0.2:7 HTTP/")
            assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in asked
            sock.sendall(answered and answered + b"hello")
        assert client.answer().status == status
        assert status != 200 or client._file.read() == b"hello"  # noqa: SLF001 - to the end


@pytest.mark.ycimages(allowed_hosts=["127.0.0.2"])
def test_a_double_is_not_its_own_proxy(ycimages: Double, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says: it would ask itself for ever."""
    monkeypatch.setenv("https_proxy", ycimages.proxy_environment()["https_proxy"])
    refused = client.ask(request("CONNECT", "127.0.0.2:7"))
    assert (refused.status, "Connection refused" in refused.body.decode()) == (502, True)
