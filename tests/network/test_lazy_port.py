"""A double that is never asked for its address opens no socket."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_ycimages import Double, UsageError, VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable

REAL = "https://compute.api.cloud.yandex.net/endpoints"


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening one is an error."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("A socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)


def by_interception(double: Double) -> None:
    """Call the real host name."""
    with double.intercept():
        assert requests.get(REAL, timeout=10).ok


def by_adapter(double: Double) -> None:
    """Call it through an adapter."""
    with requests.Session() as session:
        session.mount("https://", double.requests_adapter())
        assert session.get(REAL, timeout=10).ok


def by_vcrpy(double: Double) -> None:
    """Call the real host name through vcrpy."""
    with double.through_vcrpy():
        assert requests.get(REAL, timeout=10).ok


@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize("call", [by_interception, by_adapter, by_vcrpy])
def test_ways_in_process_open_no_socket(call: Callable[[Double], None]) -> None:
    """Nor a thread; and nothing else is needed to show the double."""
    threads = threading.active_count()
    with Double() as double:
        assert "no port opened yet" in repr(double)
        call(double)
        assert len(double.calls) == 1
        assert threading.active_count() == threads
    assert "not serving" in repr(double)


@pytest.mark.parametrize("attribute", ["url", "port", "host", "grpc_endpoint"])
def test_reading_the_address_opens_the_port(attribute: str) -> None:
    """Once, for all threads that ask at the same time."""
    with Double() as double:
        first = getattr(double, attribute)
        assert requests.get(f"{double.url}/endpoints", timeout=10).ok
        assert getattr(double, attribute) == first


def test_many_threads_open_one_port() -> None:
    """All of them read the same address."""
    with Double() as double, ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: double.url, range(64)))) == 1


def test_a_named_port_is_opened_at_the_start() -> None:
    """Its clients know it without asking."""
    with Double() as first:
        port = first.port
    with Double(port=port):
        assert requests.get(f"http://127.0.0.1:{port}/endpoints", timeout=10).ok


def test_a_closed_double_opens_no_port() -> None:
    """One that has had a port keeps its address, to be read in reports; one that starts again takes another."""
    double = Double().start()
    double.close()
    with pytest.raises(UsageError, match="not serving"):
        _ = double.url
    with double:
        address = double.url
    assert double.url == address
    with double:
        assert requests.get(f"{double.url}/endpoints", timeout=10).ok


def test_a_port_that_is_opened_in_virtual_time_outlives_it() -> None:
    """The double was started before."""
    with Double() as double:
        with VirtualTime():
            assert requests.get(f"{double.url}/endpoints", timeout=10).ok
        assert requests.get(f"{double.url}/endpoints", timeout=10).ok


def test_a_suite_that_forbids_sockets(project: pytest.Pytester) -> None:
    """Ways in process work under --disable-socket of pytest-socket, and the address is refused by its own error."""
    project.makepyfile("""
        import pytest
        import requests
        from pytest_socket import SocketBlockedError

        URL = "https://compute.api.cloud.yandex.net/endpoints"

        def test_intercepted(ycimages_intercept):
            assert requests.get(URL).ok

        def test_cassette(ycimages_cassette):
            assert requests.get(URL).ok

        def test_adapter(ycimages):
            session = requests.Session()
            session.mount("https://", ycimages.requests_adapter())
            assert session.get(URL).ok

        def test_wsgi(ycimages):
            from werkzeug.test import Client
            assert Client(ycimages.app).get("/endpoints").status_code == 200

        def test_virtual_time(ycimages_time, ycimages_intercept):
            assert requests.get(URL).ok

        def test_a_failing_one_shows_its_calls(ycimages_intercept):
            requests.get(URL)
            assert False

        def test_address(ycimages):
            with pytest.raises(SocketBlockedError):
                ycimages.url
    """)
    result = project.runpytest_inprocess("-p", "pytest_socket", "--disable-socket", "--ycimages-mode=fake")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*endpoints.list*GET /endpoints*OK*"])
