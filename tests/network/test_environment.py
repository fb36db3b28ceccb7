"""No proxy of the environment stands between a client and its double, and the variables are as before afterwards."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import grpc
import grpc.aio
import httpx
import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yandex.cloud.endpoint.api_endpoint_service_pb2 import ListApiEndpointsRequest
from yandex.cloud.endpoint.api_endpoint_service_pb2_grpc import ApiEndpointServiceStub

from pytest_ycimages import Double
from pytest_ycimages.network import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES: Final = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
LISTS: Final = st.sampled_from(
    [None, "", "*", "corp.example", ".corp.example, 10.0.0.0/8", "localhost", "127.0.0.1,::1"]
)
STATES: Final = st.fixed_dictionaries(dict.fromkeys(NAMES, LISTS))


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """No variable of this kind at the beginning, and those of before at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in tuple(os.environ):
            if name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture
def dead_proxy() -> Iterator[str]:
    """An address that refuses connections: any use of it is an error."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def by_requests(double: Double, url: str) -> None:
    """Get it with requests."""
    requests.get(url, timeout=10, verify=double.ca_path).raise_for_status()


def by_httpx(double: Double, url: str) -> None:
    """Get it with httpx."""
    httpx.get(url, verify=ssl.create_default_context(cafile=double.ca_path)).raise_for_status()


def by_httpx_async(double: Double, url: str) -> None:
    """Get it with httpx and asyncio."""

    async def get() -> None:
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=double.ca_path)) as client:
            (await client.get(url)).raise_for_status()

    asyncio.run(get())


def by_aiohttp(double: Double, url: str) -> None:
    """Get it with a session of aiohttp that heeds the environment."""

    async def get() -> None:
        context = ssl.create_default_context(cafile=double.ca_path)
        async with aiohttp.ClientSession(trust_env=True) as session, session.get(url, ssl=context) as answer:
            answer.raise_for_status()

    asyncio.run(get())


def by_urllib(double: Double, url: str) -> None:
    """Get it with urllib.request."""
    urllib.request.urlopen(url, timeout=10, context=ssl.create_default_context(cafile=double.ca_path)).close()  # noqa: S310 - the double's


def by_curl(double: Double, url: str) -> None:
    """Get it in another process."""
    subprocess.run(["curl", "-sSf", "-m", "10", "--cacert", double.ca_path, "-o", os.devnull, url], check=True)  # noqa: S603, S607 - as users do


def by_grpc(double: Double, url: str) -> None:
    """Call the same method with grpcio."""
    with channel_of(grpc, double, url) as channel:
        list_endpoints: Any = ApiEndpointServiceStub(channel).List
        list_endpoints(ListApiEndpointsRequest(), timeout=10)


def by_grpc_aio(double: Double, url: str) -> None:
    """Call the same method with the asyncio API of grpcio."""

    async def call() -> None:
        async with channel_of(grpc.aio, double, url) as channel:
            list_endpoints: Any = ApiEndpointServiceStub(channel).List
            await list_endpoints(ListApiEndpointsRequest(), timeout=10)

    asyncio.run(call())


def channel_of(kind: Any, double: Double, url: str) -> Any:
    """Return a channel to the double, over TLS if the address has it."""
    target = url.partition("://")[2].partition("/")[0]
    if url.startswith("http://"):
        return kind.insecure_channel(target)
    return kind.secure_channel(target, grpc.ssl_channel_credentials(root_certificates=double.root_certificates))


CLIENTS: Final = (by_requests, by_httpx, by_httpx_async, by_aiohttp, by_urllib, by_curl, by_grpc, by_grpc_aio)
VARIABLES: Final = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "grpc_proxy")


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("client", CLIENTS)
def test_no_client_asks_a_proxy(
    client: Callable[[Double, str], None], variable: str, dead_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name and by number, in the clear and over TLS."""
    monkeypatch.setenv(variable, dead_proxy)
    with Double() as double:
        for origin in (f"http://127.0.0.1:{double.port}", f"https://localhost:{double.port}"):
            client(double, f"{origin}/endpoints")
        assert [call.method for call in double.calls] == ["endpoints.list"] * 2


@pytest.mark.parametrize("client", CLIENTS)
def test_the_user_s_own_exemptions_do_not_matter(
    client: Callable[[Double, str], None], dead_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of hosts that lacks this machine is extended, whichever variable has it."""
    for name in NAMES:
        for value in ("", "*", " .corp.example , 10.0.0.0/8,"):
            with monkeypatch.context() as patch:
                patch.setenv("http_proxy", dead_proxy)
                patch.setenv(name, value)
                with Double() as double:
                    client(double, f"{double.url}/endpoints")
                assert os.environ[name] == value


def test_a_proxy_that_the_test_sets_later_does_not_matter(dead_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is read after that, or the client is made before it."""
    with Double() as double:
        monkeypatch.setenv("HTTP_PROXY", dead_proxy)
        monkeypatch.setenv("no_proxy", "corp.example")
        with httpx.Client() as early:
            assert requests.get(f"{double.url}/endpoints", timeout=10).ok
            with httpx.Client() as late:
                assert late.get(f"{double.url}/endpoints").is_success
            assert early is not late
        assert os.environ["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"
    assert os.environ["no_proxy"] == "corp.example"


def test_a_client_that_is_made_before_the_address_is_read(dead_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpx reads the variables when a client is made."""
    monkeypatch.setenv("HTTP_PROXY", dead_proxy)
    with Double() as double, httpx.Client() as client:
        assert client.get(f"{double.url}/endpoints").is_success


@pytest.mark.parametrize("client", [each for each in CLIENTS if each is not by_urllib])
def test_ipv6(client: Callable[[Double, str], None], dead_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but urllib.request, which compares the address with its brackets."""
    monkeypatch.setenv("http_proxy", dead_proxy)
    with Double(host="::1") as double:
        client(double, f"{double.url}/endpoints")


def test_an_address_that_others_can_reach_is_exempt_too() -> None:
    """As it is written in the setting."""
    with Double(host="0.0.0.0", allow_remote=True):  # noqa: S104 - the case in question
        assert os.environ["no_proxy"] == "127.0.0.1,localhost,::1,0.0.0.0"
    assert "no_proxy" not in os.environ


@given(STATES, STATES)
@settings(max_examples=50)
@example({"no_proxy": None, "NO_PROXY": "corp.example", "no_grpc_proxy": None}, dict.fromkeys(NAMES))
def test_variables_are_restored_exactly(before: dict[str, str | None], changes: dict[str, str | None]) -> None:
    """Before, during and after several doubles; a change that the test makes meanwhile stays."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in before.items():
            _set(patch, name, value)
        outer, inner = Double().start(), Double().start()
        outer.close()
        for name in NAMES[:2]:
            assert os.environ[name].strip() == "*" or {"127.0.0.1", "localhost", "::1"} <= {
                host.strip() for host in os.environ[name].split(",")
            }
        inner.close()
        assert {name: os.environ.get(name) for name in NAMES} == before
        for ends_first in (True, False):
            with pytest.MonkeyPatch.context() as meanwhile:
                double = Double().start()
                for name, value in changes.items():
                    _set(meanwhile, name, value)
                environment.ensure()  # as the double does when its address is read
                if ends_first:
                    double.close()
                    assert {name: os.environ.get(name) for name in NAMES} == changes
            double.close()
            environment.settle()
            assert {name: os.environ.get(name) for name in NAMES} == before


def _set(patch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        patch.delenv(name, raising=False)
    else:
        patch.setenv(name, value)


def test_a_test_that_changes_the_variables_leaves_none_behind(project: pytest.Pytester) -> None:
    """Whichever fixture ends first."""
    project.makepyfile("""
        import os

        def test_before(ycimages, monkeypatch):
            monkeypatch.setenv("NO_PROXY", "corp.example")
            monkeypatch.setenv("no_proxy", "corp.example")
            assert ycimages.url
            assert os.environ["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"

        def test_after():
            assert not {"no_proxy", "NO_PROXY"} & set(os.environ)
    """)
    project.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=2)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_the_proxies_of_the_system_are_not_hidden(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python asks macOS and Windows only while the environment has no such variable."""
    monkeypatch.setattr(sys, "platform", system)
    with Double() as double:
        assert "no_proxy" not in os.environ
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
        assert double.port
        assert os.environ["no_proxy"] == "127.0.0.1,localhost,::1"


def test_doubles_of_many_threads_leave_nothing() -> None:
    """They begin and end in any order."""

    def open_and_close() -> None:
        for _ in range(50):
            Double().start().close()

    threads = [threading.Thread(target=open_and_close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not set(NAMES) & set(os.environ)
