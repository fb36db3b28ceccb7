"""Requests that web pages can send: refused on every path, in every mode, before anything is read or changed."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import Double
from pytest_ycimages.server.app import Admission
from tests.server.raw_client import CREATE_BODY, Client

if TYPE_CHECKING:
    from pathlib import Path

PATHS: Final = (
    ("GET", "/endpoints", b""),
    ("POST", "/compute/v1/images", CREATE_BODY),
    ("POST", "/compute/v1/images", b"{"),
    ("GET", "/nothing", b""),
    ("DELETE", "/endpoints", b""),
    ("GET", "/_ycimages/health", b""),
    ("GET", "/_ycimages/state", b""),
    ("GET", "/_ycimages/control.json", b""),
    ("GET", "/_ycimages/nothing", b""),
    ("POST", "/_ycimages/reset", b""),
    ("POST", "/_ycimages/faults", b'"reset()"'),
    ("DELETE", "/_ycimages/faults", b""),
)
HERE: Final = (
    "localhost", "LocalHost.", "a.localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback",
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1",
    "0177.0.0.1",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]",
    "api.cloud.yandex.net", "compute.api.cloud.yandex.net", "iam.api.yandexcloud.kz", "COMPUTE.api.cloud.yandex.net.",
)  # fmt: skip
ELSEWHERE: Final = (
    "", "evil.example", "double", "localhost.evil.example", "evillocalhost", "localhost.evil", "127.0.0.1.evil.example",
    "127.0.0.1.nip.io", "127-0-0-1.evil.example", "api.cloud.yandex.net.evil.example", "evilapi.cloud.yandex.net",
    "10.0.0.1", "0.0.0.0", "0", "1.0.0.127", "128.0.0.1", "126.255.255.255", "0x80000001", "0xa9fea9fe",  # noqa: S104
    "[::]", "[::2]",
    "[fe80::1]", "[::ffff:10.0.0.1]", "[127.0.0.1]", "[localhost]", "*", "%31%32%37.0.0.1",
)  # fmt: skip
FOREIGN: Final = (
    ("Origin", "http://evil.example"), ("Origin", "null"), ("Origin", ""), ("Origin", "http://localhost"),
    ("Origin", "http://localhost:1, http://evil.example"), ("Origin", "file://"), ("Origin", "chrome-extension://abc"),
    ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Site", "none, cross-site"),
    ("Sec-Fetch-Site", ""),
)  # fmt: skip


def ask(double: Double, verb: str, target: str, *headers: str, body: bytes = b"", host: str | None = None) -> Any:
    """Ask over a connection of its own; the answer."""
    lines = [
        f"{verb} {target} HTTP/1.1",
        f"Host: {f'localhost:{double.port}' if host is None else host}",
        f"Authorization: Bearer {double.token}",
        *headers,
        f"Content-Length: {len(body)}",
        *(["Content-Type: application/json"] if body else []),
    ]
    with Client(double) as client:
        return client.ask("\r\n".join([*lines, "", ""]).encode() + body)


def traces(double: Double) -> object:
    """What a request can change."""
    return len(double.calls), dict(double.images), len(double.injections), double.clock.began_at


@pytest.mark.parametrize("port", ["", ":1"])
@pytest.mark.parametrize("host", HERE)
def test_this_machine_and_the_service_are_answered(ycimages: Double, host: str, port: str) -> None:
    """Under every name and spelling of an address that leads here; ports are forwarded, so any will do."""
    assert ask(ycimages, "GET", "/endpoints", host=f"{host}{port}").status == 200
    assert ask(ycimages, "GET", f"http://{host}{port}/endpoints").status == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_hosts_are_misdirected(ycimages: Double, host: str) -> None:
    """Whatever they look like, with a port and without, and in the target as well."""
    before = traces(ycimages)
    for header in (host, f"{host}:{ycimages.port}"):
        answer = ask(ycimages, "GET", "/_ycimages/state", host=header)
        assert answer.status == 421
        assert repr(header) in answer.json["error"]
        assert "served_hosts" in answer.json["error"]
    if host and host not in {"[127.0.0.1]", "[localhost]"}:  # with which the target is not a URL
        assert ask(ycimages, "GET", f"http://{host}/_ycimages/state").status == 421
    assert traces(ycimages) == before


@given(address=st.integers(0, 2**32 - 1), form=st.sampled_from(["{}", "0x{:x}", "0{:o}"]), shown=st.booleans())
def test_addresses_are_told_apart_by_what_they_are(address: int, form: str, *, shown: bool) -> None:
    """As a number in three bases, or as four of them; only the first byte counts."""
    host = ".".join(form.format(byte) for byte in address.to_bytes(4)) if shown else form.format(address)
    assert Admission().admits(host) is IPv4Address(address).is_loopback


@pytest.mark.costly
@given(address=st.ip_addresses(v=6), port=st.sampled_from(["", ":80"]))
def test_of_ipv6_only_one_address_is_here(address: object, port: str) -> None:
    """Drawn ones hardly ever are."""
    assert Admission().admits(f"[{address}]{port}") is ip_address(str(address)).is_loopback


@given(host=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20))
def test_no_text_at_all_is_admitted_by_accident(host: str) -> None:
    """With a label that no name of this machine has."""
    assert not Admission(["*.service.example"]).admits(f"{host}.evil.example")
    assert not Admission(["*.service.example"]).admits(f"service.example.{host}evil")


@pytest.mark.parametrize(("verb", "target", "body"), PATHS)
@pytest.mark.parametrize("mode", ["fake", "replay", "record"])
def test_every_path_and_mode_refuses(mode: Any, verb: str, target: str, body: bytes, tmp_path: Path) -> None:
    """Before it reads or changes anything, and before it passes anything on."""
    with Double() as upstream:
        recorded: dict[str, Any] = {"upstream": upstream.url, "cassette": tmp_path / "a.yaml"}
        if mode == "replay":
            with Double(mode="record", **recorded) as recording:
                ask(recording, "GET", "/endpoints")
        seen = len(upstream.calls)
        with Double(mode=mode, unused_interactions="ignore", **(recorded if mode != "fake" else {})) as double:
            before = (len(double.calls), len(double.images))
            statuses = [
                ask(double, verb, target, body=body, host="evil.example").status,
                *(ask(double, verb, target, f"{name}: {value}", body=body).status for name, value in FOREIGN),
            ]
            assert statuses == [421, *[403] * len(FOREIGN)]
            assert (len(double.calls), len(double.images)) == before
            assert len(upstream.calls) == seen


@pytest.mark.parametrize(("name", "value"), FOREIGN)
def test_the_refusal_of_an_origin_says_what_to_do(ycimages: Double, name: str, value: str) -> None:
    """In the form of each API, and without leave for the page to read it."""
    answers = [ask(ycimages, "GET", path, f"{name}: {value}") for path in ("/endpoints", "/_ycimages/state")]
    assert [answer.status for answer in answers] == [403, 403]
    for text in (answers[0].json["message"], answers[1].json["error"]):
        assert text.startswith(f"The header '{name.lower()}: {value}' says")
        assert text.endswith("Send it from a program, without that header.")
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("header", ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: HTTP://{}"])
def test_a_page_of_the_double_itself_may_ask(ycimages: Double, header: str) -> None:
    """And a user may type its address."""
    origin = f"localhost:{ycimages.port}"
    assert ask(ycimages, "GET", "/_ycimages/state", header.format(origin)).status == 200


@pytest.mark.parametrize("setting", ["served_hosts", "intercept_hosts"])
def test_hosts_can_be_added(setting: Any) -> None:
    """By name or as a glob, for a name that leads here in the user's network."""
    hosts: dict[str, Any] = {setting: ["Images.test", "*.fake.test"]}
    with Double(**hosts) as double:
        for host, status in {"images.test:80": 200, "a.FAKE.test.": 200, "fake.test": 421, "ximages.test": 421}.items():
            assert ask(double, "GET", "/endpoints", host=host).status == status


@pytest.mark.costly
def test_in_process_any_host_is_answered_and_no_other_origin() -> None:
    """No name is looked up there; but what says that it comes from a page is refused."""
    double = Double()
    for transport in (double.httpx_transport(), httpx.WSGITransport(double.app)):
        with httpx.Client(transport=transport, base_url="http://anything.example") as client:
            assert client.get("/endpoints").status_code == 200
            for name, value in FOREIGN:
                assert client.get("/endpoints", headers={name: value}).status_code == 403
            assert client.post("/_ycimages/reset", content=b"{}").status_code == 415
    with double.intercept(hosts=["images.example.net"]):
        for host in ("compute.api.cloud.yandex.net", "images.example.net"):
            assert httpx.get(f"https://{host}/endpoints").status_code == 200
            assert httpx.get(f"https://{host}/endpoints", headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_refused_connection_stays_usable(ycimages: Double, version: str) -> None:
    """One misdirected request spoils no other, and its body is not taken for the next."""
    body = json.dumps({"a": 1}).encode()
    head = f"POST /x HTTP/{version}\r\nHost: evil.example\r\nConnection: keep-alive\r\nContent-Length: {len(body)}"
    with Client(ycimages) as client:
        assert client.ask(f"{head}\r\n\r\n".encode() + body).status == 421
        assert client.ask(b"GET /endpoints HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200
