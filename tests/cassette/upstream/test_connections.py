"""Connections to an upstream: kept alive, verified, and silent about the credential wherever they break."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from pytest_ycimages import Double, UsageError
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.upstream import Upstream
from tests.cassette.upstream.peers import AUTHORITY, dialled, peer, shown_by

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

COMPUTE: Final = "compute.api.cloud.yandex.net"
IMAGES: Final = f"https://{COMPUTE}/compute/v1/images?key=Sup3r-s3cret-q7"
TOKENS: Final = tuple(f"t1.{''.join(chr(65 + (i * 7 + i // 9) % 57) for i in range(n))}" for n in (40, 120, 400))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's credentials."""
    monkeypatch.setenv("YC_TOKEN", TOKENS[0])
    monkeypatch.setenv("YC_FOLDER_ID", "b1g0000000000000000a")


Printed = Callable[[], str]


@pytest.fixture
def printed(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Printed:
    """Return what has been printed, and logged at any level."""
    caplog.set_level(logging.DEBUG)
    return lambda: "".join((*capfd.readouterr(), *(f"{each.getMessage()} {each.exc_text}" for each in caplog.records)))


@pytest.fixture
def all_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have http.client print the headers of every request."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 9)


def request(upstream: Upstream, verb: str = "GET", body: bytes = b"") -> RecordedRequest:
    """A request with the stand-in, and with a secret in its query."""
    headers = (("authorization", f"Bearer {upstream.stand_in}"), ("content-type", "application/json"))
    return RecordedRequest(verb, IMAGES, headers, body)


def test_one_connection_serves_many_requests() -> None:
    """Whatever the verb, and also answers without a body."""
    with peer() as server:
        upstream = Upstream(server.url)
        for verb, body in [
            ("GET", b""),
            ("HEAD", b""),
            ("POST", b'{"a": 1}'),
            ("POST", b""),
            ("DELETE", b""),
            ("GET", b""),
        ]:
            upstream.send(request(upstream, verb, body))
        upstream.close()
        assert server.connections == 1
        assert [got.body for got in server.requests[1:]] == [b"", b"", b'{"a": 1}', b"", b"", b""]
        assert {got.headers["authorization"] for got in server.requests[1:]} == {f"Bearer {TOKENS[0]}"}


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    """As a load balancer closes those that are idle."""
    with peer() as server:
        upstream = Upstream(server.url)
        server.headers["connection"] = "close"
        for _ in range(3):
            assert upstream.send(request(upstream)).status == 200
        assert server.connections == 4  # the first asked whether it is a double
        upstream.close()


def test_nothing_is_sent_twice() -> None:
    """A request that broke off may have been done, and an image more is not wanted."""
    with broken(b"") as (url, received):
        upstream = Upstream(url)
        upstream.double = None
        with pytest.raises(UsageError, match="cannot be passed on"):
            upstream.send(request(upstream, "POST", b"{}"))
        assert len(received) == 1


def test_many_threads_share_the_connections() -> None:
    """No client gets the answer to another request."""
    with Double(auth="any") as service, ThreadPoolExecutor(8) as pool:
        upstream = Upstream(service.url)
        folders = [f"b1g{number:017}" for number in range(64)]
        uris = [f"https://{COMPUTE}/compute/v1/images/{folder}" for folder in folders]
        answers = list(pool.map(lambda uri: upstream.send(request(upstream)._replace(uri=uri)), uris))
        upstream.close()
    assert all(folder in answer.body.decode() for folder, answer in zip(folders, answers, strict=True))


def test_a_header_of_the_upstream_stays_one() -> None:
    """Folded over two lines, as HTTP/1.0 allowed, it is handed on in one; a name that HTTP has not is dropped."""
    answer = b"HTTP/1.1 200 OK\r\nx-folded: one\r\n  two\r\nx(odd): 3\r\ncontent-length: 2\r\n\r\n{}"
    with broken(answer) as (url, _):
        upstream = Upstream(url)
        upstream.double = None
        headers = dict(upstream.send(request(upstream)).headers)
        upstream.close()
    assert headers == {"x-folded": "one two", "content-length": "2"}


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_are_trusted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As curl and requests trust them."""
    monkeypatch.setenv(name, str(AUTHORITY))
    with peer(tls=True) as service:
        dialled(monkeypatch, {COMPUTE: service.port})
        upstream = Upstream()
        assert upstream.send(request(upstream)).status == 200
        upstream.close()


def test_a_folder_of_certificates_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named as OpenSSL names them, by their hash."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    (tmp_path / "9fececbc.0").write_bytes(AUTHORITY.read_bytes())
    with peer(tls=True) as service:
        dialled(monkeypatch, {COMPUTE: service.port})
        upstream = Upstream()
        assert upstream.send(request(upstream)).status == 200
        upstream.close()


@pytest.mark.parametrize("content", [None, b"", b"junk", b"-----BEGIN CERTIFICATE-----\njunk\n"])
def test_certificates_that_cannot_be_read_are_an_error(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than none at all being trusted."""
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with pytest.raises(UsageError, match=r"invalid REQUESTS_CA_BUNDLE='.*bundle\.pem': expected a file of certif"):
        Upstream().send(RecordedRequest("GET", IMAGES))


@pytest.mark.parametrize(
    ("address", "trusted", "reason"),
    [
        (f"https://{COMPUTE}", False, "unable to get local issuer certificate"),
        ("https://compute.example.net", True, "Hostname mismatch"),
        ("https://api.yandexcloud.kz", True, "Hostname mismatch"),
    ],
)
def test_a_server_without_the_right_certificate_gets_nothing(
    address: str,
    trusted: bool,  # noqa: FBT001 - a parameter of the table
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither the credential nor the request; the text says how to trust a certificate of one's own."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    with peer(tls=True) as service:
        hosts = (COMPUTE, "compute.example.net", "compute.api.yandexcloud.kz")
        dialled(monkeypatch, dict.fromkeys(hosts, service.port))
        upstream = Upstream(address)
        with pytest.raises(UsageError, match=rf"SSLCertVerificationError: .*{reason}.*SSL_CERT_FILE=FILE"):
            upstream.send(request(upstream))
        assert service.requests == []


@contextmanager
def broken(answer: bytes, *, echoes: bool = False, reset: bool = False) -> Generator[tuple[str, list[bytes]]]:
    """A server that sends `answer` to each request, followed with `echoes` by the request itself, and closes.

    With `reset`, it closes by a reset.
    """
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    data = connection.recv(65536)
                    received.append(data)
                    connection.sendall(answer + (data.replace(b"\r\n", b" ") if echoes else b""))
                    if reset:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", received
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


BREAKS: Final = {
    "closed": b"",
    "an echo": b"HTTP",
    "an echoed status": b"HTTP/1.1 ",
    "garbage": b"\0\xff\xfe junk\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{",
    "a bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "half a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n{",
    "an endless header": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: 1\r\n" % n for n in range(200)),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("token", TOKENS, ids=len)
@pytest.mark.parametrize("echoes", [False, True], ids=["", "echoing"])
@pytest.mark.parametrize("answer", BREAKS.values(), ids=BREAKS)
@pytest.mark.usefixtures("all_is_printed")
def test_a_break_shows_nothing_of_the_credential(
    answer: bytes, echoes: bool, token: str, monkeypatch: pytest.MonkeyPatch, printed: Printed  # noqa: FBT001 - a parameter of the table
) -> None:  # fmt: skip
    """In the text, the causes, the frames and their locals, in logs, and in what http.client prints when asked to."""
    monkeypatch.setenv("YC_TOKEN", token)
    with broken(answer, echoes=echoes) as (url, received):
        upstream = Upstream(url)
        upstream.double = None
        with closing(upstream), pytest.raises(UsageError, match=r"GET /compute/v1/images cannot be passed on to") as e:
            upstream.send(request(upstream))
    assert token.encode() in received[0]
    for place in (shown_by(e.value), printed(), repr(upstream), repr(vars(upstream))):
        assert not any(token[at : at + 10] in place for at in range(3, len(token) - 9))
    assert "Sup3r" not in printed()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("place", ["create_connection", "socket.sendall", "socket.recv_into"])
def test_an_interrupt_shows_nothing_of_the_credential(
    interrupt: type[BaseException], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on as what it is, without the frames that it passed."""
    real, client = attrgetter(place)(socket), threading.current_thread()

    def interrupted(*given: object) -> object:
        if threading.current_thread() is client:
            raise interrupt("stop")
        return real(*given)

    with peer() as server:
        upstream = Upstream(server.url)
        assert upstream.double is None
        upstream.close()
        with monkeypatch.context() as patch:
            patch.setattr(f"socket.{place}", interrupted)
            with pytest.raises(interrupt, match="stop") as raised:
                upstream.send(request(upstream))
        upstream.close()
    text = shown_by(raised.value)
    assert not any(TOKENS[0][at : at + 10] in text for at in range(3, len(TOKENS[0]) - 9))


def test_a_failed_handshake_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a port speaks plain HTTP."""
    with peer() as plain:
        dialled(monkeypatch, {COMPUTE: plain.port})
        upstream = Upstream()
        with pytest.raises(UsageError, match=r"cannot be passed on to https://compute.*: SSLError"):
            upstream.send(request(upstream))
        assert plain.requests == []


@pytest.mark.parametrize("verify", [ssl.CERT_NONE, ssl.CERT_OPTIONAL])
def test_verification_cannot_be_turned_off_for_all_of_the_process(
    verify: ssl.VerifyMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by what is often pasted to silence an error: the standard library's switch for its own client."""
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)  # noqa: SLF001 - as pasted
    monkeypatch.setenv("PYTHONHTTPSVERIFY", str(int(verify)))
    with peer(tls=True) as service:
        dialled(monkeypatch, {COMPUTE: service.port})
        upstream = Upstream()
        with pytest.raises(UsageError, match="SSLCertVerificationError"):
            upstream.send(request(upstream))
        assert service.requests == []


def test_a_recording_closes_its_connections(tmp_path: Path) -> None:
    """When it ends, and not with the process."""
    with peer() as server:
        with Double(mode="record", upstream=server.url, cassette=tmp_path / "it.yaml") as double:
            for _ in range(3):
                httpx.get(f"{double.url}/compute/v1/images", headers={"Authorization": f"Bearer {double.token}"})
        assert server.connections == 1
