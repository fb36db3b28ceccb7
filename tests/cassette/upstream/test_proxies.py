"""Proxies: those of the environment are between the recorder and its upstream, and their passwords are nowhere."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from pytest_ycimages import Double, DoubleFailedError, UsageError
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.upstream import Upstream
from tests.cassette.upstream.peers import AUTHORITY, Peer, dialled, peer, shown_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN: Final = f"t1.{'P4s_' * 40}.{'x7Q-' * 21}Zz"
COMPUTE: Final = "compute.api.cloud.yandex.net"
NAMED: Final = "http://compute.example.net"
PASSWORD: Final = "Pr0xy:p@ss/w\u00f6rd"  # noqa: S105 - of these tests
QUOTED: Final = "Pr0xy%3Ap%40ss%2Fw%C3%B6rd"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's credentials, and no proxies."""
    monkeypatch.setenv("YC_TOKEN", TOKEN)
    monkeypatch.setenv("YC_FOLDER_ID", "b1g0000000000000000a")
    for name in tuple(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def proxy() -> Iterator[Peer]:
    """A proxy, which answers requests by itself, and refuses tunnels unless it is told where they lead."""
    with peer() as server:
        yield server


def asked(proxy: Peer, address: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    """The request lines that reach the proxy when `address` is recorded in this environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    dialled(monkeypatch)
    upstream = Upstream(address)
    headers = (("authorization", f"Bearer {upstream.stand_in}"),)
    with closing(upstream), suppress(UsageError):
        upstream.send(RecordedRequest("GET", f"https://{COMPUTE}/compute/v1/images", headers))
    return [request.line for request in proxy.requests]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "http://127.0.0.1:{}/", "127.0.0.1:{}"])
def test_plain_http_goes_to_the_proxy(name: str, form: str, proxy: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the absolute form, with the credential for the named upstream."""
    lines = asked(proxy, NAMED, monkeypatch, **{name: form.format(proxy.port)})
    assert lines == [f"GET {NAMED}/_ycimages/state HTTP/1.1", f"GET {NAMED}/compute/v1/images HTTP/1.1"]
    assert "authorization" not in proxy.requests[0].headers
    assert proxy.requests[1].headers["authorization"] == f"Bearer {TOKEN}"
    assert proxy.requests[1].headers["host"] == "compute.example.net"
    assert proxy.connections == 1


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_tls_goes_through_a_tunnel(name: str, proxy: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """From end to end: the proxy sees the host, and neither the request nor the credential."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    with peer(tls=True) as service:
        proxy.beyond = lambda _: ("127.0.0.1", service.port)
        lines = asked(proxy, f"https://{COMPUTE}", monkeypatch, **{name: proxy.url})
        assert [line.rpartition(" ")[0] for line in lines] == [f"CONNECT {COMPUTE}:443"]
        assert "authorization" not in proxy.requests[0].headers
        assert [request.headers["authorization"] for request in service.requests] == [f"Bearer {TOKEN}"]


@pytest.mark.costly
@pytest.mark.parametrize("address", [NAMED, f"https://{COMPUTE}"])
def test_a_proxy_may_be_reached_over_tls(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate is verified as well."""
    with peer(tls=True) as proxy, peer(tls=True) as service:
        proxy.beyond = lambda _: ("127.0.0.1", service.port)
        assert asked(proxy, address, monkeypatch, ALL_PROXY=proxy.url) == []
        monkeypatch.undo()
        monkeypatch.setenv("YC_TOKEN", TOKEN)
        monkeypatch.setenv("YC_FOLDER_ID", "b1g0000000000000000a")
        monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
        assert asked(proxy, address, monkeypatch, ALL_PROXY=proxy.url)
        received = (service if address.startswith("https") else proxy).requests[-1]
        assert received.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_tunnel_into_another_server_carries_nothing(proxy: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that answers by itself, as one that inspects TLS does, is trusted only by its certificate."""
    with peer(tls=True) as inspector:
        proxy.beyond = lambda _: ("127.0.0.1", inspector.port)
        assert asked(proxy, f"https://{COMPUTE}", monkeypatch, HTTPS_PROXY=proxy.url)
        assert inspector.requests == []


@pytest.mark.parametrize(
    ("no_proxy", "is_proxied"),
    [
        ("", True),
        ("*", False),
        ("compute.example.net", False),
        ("COMPUTE.example.net", False),
        (".example.net", False),
        ("example.net", False),
        ("other.example, compute.example.net", False),
        ("compute.example.net:80", False),
        ("compute.example.net:8080", True),
        ("ample.net", True),
        ("127.0.0.1,localhost", True),
    ],
)
def test_no_proxy_is_heeded(no_proxy: str, is_proxied: bool, proxy: Peer, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter of the table
    """As the standard library reads it."""
    assert bool(asked(proxy, NAMED, monkeypatch, HTTP_PROXY=proxy.url, NO_PROXY=no_proxy)) is is_proxied


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_reached_directly(host: str, proxy: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy on another machine would not reach it."""
    with Double(host="::1" if host == "[::1]" else "127.0.0.1") as service:
        assert asked(proxy, f"http://{host}:{service.port}", monkeypatch, ALL_PROXY=proxy.url) == []
        assert [call.method for call in service.calls] == ["images.list"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_password_of_a_proxy_goes_to_the_proxy_alone(
    scheme: str, proxy: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the upstream, the cassette, errors, representations nor the frames of an error have it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://us%65r:{QUOTED}@127.0.0.1:{proxy.port}")
    dialled(monkeypatch)
    path = tmp_path / "it.yaml"
    with peer(tls=True) as service:
        proxy.beyond = lambda _: ("127.0.0.1", service.port)
        address = NAMED if scheme == "http" else f"https://{COMPUTE}"
        with Double(mode="record", cassette=path, upstream=address) as double:
            headers = {"Authorization": f"Bearer {double.token}", "Proxy-Authorization": "Basic Y2xpZW50OnB3"}
            httpx.get(f"{double.url}/compute/v1/images", headers=headers, trust_env=False)
        assert not any("proxy-authorization" in request.headers for request in service.requests)
    expected = base64.b64encode(f"user:{PASSWORD}".encode("latin-1")).decode()
    assert {request.headers["proxy-authorization"] for request in proxy.requests} == {f"Basic {expected}"}
    secrets = ("Pr0xy", expected[:12], "Y2xpZW50OnB3")
    assert not any(secret in path.read_text() for secret in secrets)

    proxy.beyond, proxy.status, proxy.body = None, 407, f"Basic {expected}".encode()
    upstream = Upstream(f"https://{COMPUTE}" if scheme == "https" else "http://compute.example.net:1")
    if scheme == "http":
        with Double() as gone:
            monkeypatch.setenv("HTTP_PROXY", f"http://user:{QUOTED}@127.0.0.1:{gone.port}")
    with pytest.raises(UsageError, match=r"through the proxy http://127\.0\.0\.1:\d+\)") as refused:
        upstream.send(RecordedRequest("GET", f"https://{COMPUTE}/x", (("authorization", upstream.stand_in),)))
    text = shown_by(refused.value)
    assert not any(secret in text for secret in (*secrets, TOKEN[:10]))


def test_a_refused_tunnel_says_so(proxy: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the status of the proxy, and not as an answer of the service."""
    proxy.status = 407
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    dialled(monkeypatch)
    double = Double(mode="record", cassette=tmp_path / "it.yaml").start()
    httpx.get(f"{double.url}/compute/v1/images", trust_env=False)
    double.close()
    with pytest.raises(DoubleFailedError) as failure:
        double.check()
    assert f"the proxy refused the tunnel with 407 (through the proxy {proxy.url})" in str(failure.value.__cause__)


@pytest.mark.parametrize(
    "address",
    [
        "socks5://user:{}@127.0.0.1:1", "http://user:{}@127.0.0.1:x", "http://user:{}@", "ftp://user:{}@127.0.0.1",
        "http://user:{}@127.0.0.1:1/path", "http://user:{}#@127.0.0.1:1", "http://user:{}?@127.0.0.1:1", "user:{}",
        "http://user:{}@127.0.0.1:99999", "http://user:{}@[::1", "http://user:{}@exa mple", "http://\u0434:{}\u0434@a:1",
    ],
)  # fmt: skip
def test_an_unusable_proxy_is_refused_without_its_password(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text says what is expected; no frame has the address."""
    monkeypatch.setenv("HTTP_PROXY", address.format(secret := "Zk3-vR9nT5wLk2Pd"))
    connected = dialled(monkeypatch)
    with pytest.raises(UsageError, match=r"invalid HTTP_PROXY: expected the address of an HTTP proxy") as refused:
        Upstream(NAMED).send(RecordedRequest("GET", f"https://{COMPUTE}/"))
    assert secret[:10] not in shown_by(refused.value)
    assert connected == []


def test_verifying_uses_the_proxy_too(proxy: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As recording does."""
    path = tmp_path / "it.yaml"
    with Double() as service, Double(mode="record", upstream=service.url, cassette=path) as double:
        httpx.get(f"{double.url}/endpoints", headers={"Authorization": f"Bearer {double.token}"})
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    dialled(monkeypatch)
    double = Double(mode="verify", cassette=path, upstream=NAMED, unused_interactions="ignore")
    with pytest.raises(Exception, match="differ"), double:
        httpx.get(f"{double.url}/endpoints", trust_env=False)
    assert f"GET {NAMED}/endpoints HTTP/1.1" in [request.line for request in proxy.requests]


@pytest.mark.costly
def test_cassettes_are_replayed_without_loading_what_connects() -> None:
    """A replay sends nothing, and needs neither proxies nor TLS."""
    code = "import sys, pytest_ycimages.backing.replay; print('pytest_ycimages.cassette.transport' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"  # noqa: S603
