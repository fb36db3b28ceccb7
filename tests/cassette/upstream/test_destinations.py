"""Destinations: a credential goes to the service over TLS, or to the address that the user named, and nowhere else."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from pytest_ycimages import Double, DoubleFailedError, UsageError
from pytest_ycimages.api.exchange import Request
from pytest_ycimages.cassette.exchange import recorded_request
from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.upstream import Upstream
from pytest_ycimages.cli.commands import ycimages
from pytest_ycimages.verify.mode import target_of
from tests.cassette.upstream.peers import AUTHORITY, dialled, peer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN: Final = f"t1.{'R9q_' * 40}.{'S8w-' * 21}Zz"
FOLDER: Final = "b1g0000000000000000a"
COMPUTE: Final = "compute.api.cloud.yandex.net"
DOMAIN: Final = "api.cloud.yandex.net"
drawn = settings(derandomize=True, database=None, deadline=None, max_examples=150)

FOREIGN: Final = (
    "evil.example", "evil.example:443", "evil.example:80", "EVIL.example", "evil.example.", "169.254.169.254",
    "169.254.169.254:80", "0.0.0.0", "10.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[fe80::1]", "[::]",  # noqa: S104 - named, not bound to
    f"evil.example#.{DOMAIN}", f"evil.example\\.{DOMAIN}", f"evil.example?.{DOMAIN}", f"evil.example%23.{DOMAIN}",
    f"{COMPUTE}@evil.example", f"user:pw@{COMPUTE}", f"{COMPUTE}.evil.example", f"evil-{DOMAIN}", f"evil{DOMAIN}",
    f"{COMPUTE}.", f"{COMPUTE}..", f".{DOMAIN}", f"{COMPUTE}:80", f"{COMPUTE}:8443", f"{COMPUTE}:0", f"{COMPUTE}:99999",
    f"{COMPUTE}:44x", f"{COMPUTE}:+443", f"{COMPUTE}:443:443", f"[{COMPUTE}]", f"[::1]@{COMPUTE}",
    "compute.api.cloud.yandex\u3002net", "compute.api.cloud.yandex.n\u00e9t", "\uff43ompute.api.cloud.yandex.net",
    "xn--compute.api.cloud.yandex.net.evil.example", f"{COMPUTE}%00.evil.example", f"{COMPUTE} evil.example",
    f"{COMPUTE}\tevil.example", f"{COMPUTE},evil.example", "storage.yandexcloud.net", "auth.yandex.cloud", "yandex.net",
)  # fmt: skip
"""Hosts that are not the service's, or are not plainly so, or have another port than its own."""

PATHS: Final = (
    "/evil.example%23/x", "/evil.example%5C/x", "/evil.example:80%23/x", "/%5B::1%5D%23/x", "//evil.example/x",
    "/\\evil.example/x", "/%2f%2fevil.example/x", "/%2fevil.example", "/@evil.example/x", "/%40evil.example/",
    "/..//evil.example", "/http://evil.example/x", "/.evil.example/x", "/a.evil.example/x", "/evil.example?/",
    "/%0d%0aHost:%20evil.example/", "/%00/x", "/latest/meta-data", "/COMPUTE/v1", "/-evil/x", "/x%2eevil.example%2f/",
)  # fmt: skip
"""Paths that name another host in one way of reading or another."""


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's credentials, in the environment."""
    monkeypatch.setenv("YC_TOKEN", TOKEN)
    monkeypatch.setenv("YC_FOLDER_ID", FOLDER)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Double]:
    """A double that records the service itself, and takes requests for any host."""
    double = Double(mode="record", cassette=tmp_path / "it.yaml", served_hosts=["*"]).start()
    yield double
    double.close(whole=False)


def raw(double: Double, line: str, host: str) -> str:
    """Send a request as it is written, and return the answer."""
    with socket.create_connection((double.host, double.port), 10) as sock:
        head = f"{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {double.token}\r\nConnection: close\r\n\r\n"
        sock.sendall(head.encode("utf-8", "surrogateescape"))
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode("utf-8", "replace")


@pytest.mark.parametrize("host", FOREIGN)
def test_another_host_is_refused_and_never_dialled(
    host: str, recording: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever header names it; the client and the test get the reason."""
    asked = dialled(monkeypatch)
    answer = raw(recording, "GET /compute/v1/images", host)
    assert [address for address in asked if address[0] != "127.0.0.1"] == []
    assert re.match(r"HTTP/1.1 [45]\d\d", answer)
    assert TOKEN not in answer


@pytest.mark.parametrize("target", ["http://evil.example:80/x", "https://evil.example/x", f"http://{COMPUTE}:80/x"])
def test_an_absolute_target_names_the_host(target: str, recording: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """It overrides the header, as HTTP has it."""
    asked = dialled(monkeypatch)
    answer = raw(recording, f"GET {target}", f"127.0.0.1:{recording.port}")
    assert [address for address in asked if address[0] != "127.0.0.1"] == []
    assert "is refused, and was not sent" in answer


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_to_the_service_alone(path: str, recording: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the double's own address, a path selects one of the service's hosts, and no other."""
    asked = dialled(monkeypatch)
    raw(recording, f"GET {path}", f"127.0.0.1:{recording.port}")
    hosts = {address for address in asked if address[0] != "127.0.0.1"}
    assert all(port == 443 and (host == DOMAIN or host.endswith(f".{DOMAIN}")) for host, port in hosts)


def test_the_refusal_says_what_to_do(recording: Double) -> None:
    """And it holds no frames, which would hold what the client sent."""
    raw(recording, "GET /compute/v1/images", "evil.example")
    with pytest.raises(DoubleFailedError) as failure:
        recording.check()
    cause = failure.value.__cause__
    assert isinstance(cause, UsageError)
    assert cause.__traceback__ is None
    assert str(cause) == (
        "GET to 'https://evil.example' is refused, and was not sent: requests with a credential go to the hosts of the "
        "service only, over https. Call the address of the double, or the service's own host names; or name another "
        "upstream with --ycimages-upstream or upstream=..."
    )


def same_host(url: str, host: str) -> bool:
    """Return whether every parser at hand reads `host` from a URL."""
    hosts = {urlsplit(url).hostname, parse_url(url).host, httpx.URL(url).host}
    return hosts == {host}


NAMES: Final = st.sampled_from([*FOREIGN, COMPUTE, DOMAIN, f"iam.{DOMAIN}", "127.0.0.1", "localhost", "[::1]", ""])
ODD: Final = st.text(st.sampled_from("abz.:@/\\?#%[]0159 \t\u3002\uff0e\u00ad-_*+,;=&"), max_size=12)
AUTHORITIES: Final = st.builds(lambda *parts: "".join(parts), ODD, NAMES, ODD) | NAMES | ODD | st.text(max_size=20)


@pytest.mark.costly
@drawn
@given(scheme=st.sampled_from(["https", "http", "HTTPS", "ftp", "file", "", "https:"]), authority=AUTHORITIES, rest=ODD)
@example("https", COMPUTE.upper(), "/x")
@example("https", f"{COMPUTE}:443", "?x=1")
def test_whatever_an_address_is_like_it_is_the_services_or_refused(scheme: str, authority: str, rest: str) -> None:
    """And then every other parser reads the same host from what is sent."""
    request = RecordedRequest("GET", f"{scheme}://{authority}{rest}")
    try:
        site, target = Upstream().destination(request)
    except UsageError:
        return
    assert (site.scheme, site.port) == ("https", 443)
    assert any(site.host == domain or site.host.endswith(f".{domain}") for domain in (DOMAIN, "api.yandexcloud.kz"))
    assert same_host(f"{site}/", site.host)
    assert target.startswith("/")


@drawn
@given(authority=AUTHORITIES, path=st.sampled_from(PATHS) | st.text(max_size=30) | ODD, query=ODD)
def test_whatever_a_request_is_like_it_goes_to_the_service_or_is_refused(authority: str, path: str, query: str) -> None:
    """From the bytes of a client to the address that is dialled."""
    request = Request("unrouted", f"GET {path}?{query}", {}, authority=authority)
    try:
        site, _ = Upstream().destination(recorded_request(request))
    except UsageError:
        return
    assert (site.scheme, site.port) == ("https", 443)
    assert any(site.host == domain or site.host.endswith(f".{domain}") for domain in (DOMAIN, "api.yandexcloud.kz"))


@drawn
@given(authority=AUTHORITIES, path=st.sampled_from(PATHS) | st.text(max_size=30) | ODD)
def test_with_a_named_upstream_everything_goes_there_or_is_refused(authority: str, path: str) -> None:
    """Also what names a host of the service."""
    upstream = Upstream("http://127.0.0.1:8080")
    for request in (
        recorded_request(Request("unrouted", f"GET {path}", {}, authority=authority)),
        RecordedRequest("GET", f"https://{authority}{path}"),
    ):
        with suppress(UsageError):
            assert str(upstream.destination(request)[0]) == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://api.yandexcloud.kz", "compute.api.yandexcloud.kz"),
        ("https://iam.api.yandexcloud.kz", "compute.api.yandexcloud.kz"),
        ("https://api.cloud.yandex.net", COMPUTE),
        (f"https://{COMPUTE}:8443", f"{COMPUTE}:8443"),
    ],
)
def test_a_host_of_the_service_as_upstream_says_its_region(address: str, host: str) -> None:
    """What the double's own address is asked for goes to the service's hosts in that region."""
    site, target = Upstream(address).destination(RecordedRequest("GET", f"https://{COMPUTE}/compute/v1/images?a=1"))
    assert (str(site), target) == (f"https://{host}", "/compute/v1/images?a=1")


@pytest.mark.parametrize(
    "address",
    [
        "http://user@127.0.0.1:1", "http://127.0.0.1:1/path", "http://127.0.0.1:1?x", "http://", "ftp://127.0.0.1",
        "127.0.0.1:8080", "http://127.0.0.1:99999", "http://evil\\@127.0.0.1", "http://\u0441\u0435\u0440\u0432\u0435\u0440",
        f"http://{COMPUTE}", f"http://{COMPUTE}:443", f"http://{COMPUTE.upper()}", "http://api.yandexcloud.kz",
    ],
)  # fmt: skip
def test_an_address_that_could_mislead_is_refused(address: str, tmp_path: Path) -> None:
    """Before anything is sent: user information, paths, other schemes, and plain HTTP to the service."""
    with pytest.raises(UsageError, match=r"invalid (upstream|settings)"):
        Upstream(address)
    with pytest.raises(UsageError, match=r"invalid (upstream|settings)"):
        Double(mode="record", cassette=tmp_path / "it.yaml", upstream=address)


def test_the_stand_in_is_random(tmp_path: Path) -> None:
    """The seed does not tell it; a fake's token follows from the seed."""
    doubles = [Double(mode="record", cassette=tmp_path / f"{number}.yaml") for number in range(2)]
    tokens = {Double().token, Double().token, *(double.token for double in doubles)}
    for double in doubles:
        double.close(whole=False)
    assert len(tokens) == 3
    assert TOKEN not in tokens


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", ["foreign", "same host", "relative", "service"])
def test_a_redirect_is_handed_on(status: int, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never followed by the recorder, with the credential or without."""
    asked = dialled(monkeypatch)
    with peer() as first, peer() as other:
        location = {
            "foreign": f"{other.url}/x",
            "same host": f"{first.url}/y",
            "relative": "/y",
            "service": f"https://{COMPUTE}/x",
        }[way]
        with Double(mode="record", upstream=first.url, cassette=tmp_path / "it.yaml") as double:
            first.status, first.headers = status, {"location": location}
            answer = httpx.get(f"{double.url}/compute/v1/images", headers={"Authorization": f"Bearer {double.token}"})
        assert (answer.status_code, answer.headers["location"]) == (status, location)
        assert [request.line for request in first.requests[1:]] == ["GET /compute/v1/images HTTP/1.1"]
        assert other.connections == 0
    assert {host for host, _ in asked} == {"127.0.0.1"}


@pytest.mark.parametrize("how", ["address", "header", "intercept", "vcrpy"])
def test_the_service_gets_the_real_token_over_tls(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the client was led to the double: the recorder's own requests are not led there."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    path = tmp_path / "it.yaml"
    with peer(tls=True) as service:
        asked = dialled(monkeypatch, {COMPUTE: service.port})
        with Double(mode="record", cassette=path) as double:
            headers = {"Authorization": f"Bearer {double.token}"}
            url = f"https://{COMPUTE}/compute/v1/images"
            if how == "address":
                httpx.get(f"{double.url}/compute/v1/images", headers=headers)
            elif how == "header":
                raw(double, "GET /compute/v1/images", f"{COMPUTE.upper()}:443")
            else:
                with double.intercept() if how == "intercept" else double.through_vcrpy():
                    httpx.get(url, headers=headers)
        assert {address for address in asked if address[0] != "127.0.0.1"} == {(COMPUTE, 443)}
        (request,) = service.requests
        assert (request.headers["authorization"], request.headers["host"]) == (f"Bearer {TOKEN}", COMPUTE)
    text = path.read_text()
    assert TOKEN not in text
    assert double.token not in text
    assert COMPUTE in text


def foreign_cassette(path: Path, host: str) -> Path:
    """A cassette with a request for the service, and then one for another host."""
    with Double() as service, Double(mode="record", upstream=service.url, cassette=path) as double:
        headers = {"Authorization": f"Bearer {double.token}"}
        for _ in range(2):
            httpx.post(f"{double.url}/compute/v1/images", json={"folderId": FOLDER}, headers=headers)
    first, second = (cassette := read_cassette(path)).interactions
    uri = second.request.uri.replace(f"https://{COMPUTE}", host)
    foreign = second._replace(request=second.request._replace(uri=uri))
    write_cassette(path, cassette._replace(interactions=(first, foreign)))
    return path


@pytest.mark.parametrize(
    "host",
    [
        "http://evil.example", "https://evil.example", f"http://{COMPUTE}", f"https://{COMPUTE}:8443",
        f"https://{COMPUTE}@evil.example", f"https://{COMPUTE}.evil.example", "http://169.254.169.254",
        f"https://{COMPUTE}\\evil.example", "ftp://evil.example", "//evil.example", "http://127.0.0.1:1",
    ],
)  # fmt: skip
def test_a_cassette_does_not_say_where_a_credential_goes(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before its first request is sent, by the command and in Python."""
    path = foreign_cassette(tmp_path / "it.yaml", host)
    asked = dialled(monkeypatch)
    for address in ("service", "https://api.cloud.yandex.net"):
        result = CliRunner().invoke(ycimages, ["verify", "--upstream", address, str(path)])
        assert (result.exit_code, "interaction 2: POST to" in result.output) == (2, True)
        assert "is refused, and was not sent" in result.output
        with pytest.raises(UsageError, match=r"interaction 2: POST to .* is refused"):
            target_of(read_cassette(path), address)
    assert asked == []


def test_a_cassette_in_mode_verify_does_not_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test has its answers, and fails at its end."""
    path = foreign_cassette(tmp_path / "it.yaml", "https://evil.example")
    double = Double(mode="verify", cassette=path, upstream="https://api.cloud.yandex.net", unused_interactions="ignore")
    with double as replay:
        url = replay.url
        httpx.post(f"{url}/compute/v1/images", json={"folderId": FOLDER})
        replay.close()
        asked = dialled(monkeypatch)
        with pytest.raises(UsageError, match=r"interaction 2: POST to 'https://evil\.example' is refused"):
            replay.check()
        assert asked == []
        monkeypatch.undo()
        monkeypatch.setattr(replay, "check", lambda: None)


def test_verifying_sends_the_real_token_to_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And over one connection."""
    path = foreign_cassette(tmp_path / "it.yaml", f"https://{COMPUTE}")
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    with peer(tls=True) as service:
        asked = dialled(monkeypatch, {COMPUTE: service.port})
        result = CliRunner().invoke(ycimages, ["verify", "--upstream", "service", str(path)])
        assert set(asked) == {(COMPUTE, 443), ("127.0.0.1", service.port)} - {("127.0.0.1", service.port)}
        assert {request.headers["authorization"] for request in service.requests} == {f"Bearer {TOKEN}"}
        assert (len(service.requests), service.connections) == (2, 1)
    assert TOKEN not in result.output
