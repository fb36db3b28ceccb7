"""Faults of `double.app` for whoever calls it as a WSGI application: what that client raises when a socket breaks."""

from __future__ import annotations

import sys
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import requests
import requests.adapters
from werkzeug.test import Client as WerkzeugClient

from pytest_ycimages import (
    Double,
    VirtualTime,
    close,
    first,
    garble,
    hang,
    refuse,
    reset,
    slow,
    stall,
    trickle,
    truncate,
)
from pytest_ycimages.faults.rule import fault_of
from tests.clients.sessions import ask_double, of_requests
from tests.faults_in_process.test_same_as_over_a_socket import CREATE, FAULTS, IN_THE_BODY, IN_THE_HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ycimages.faults.fault import Commit, Fault

HEADERS: Final = {"Authorization": "Bearer t1.a.b"}
FRESH: Final = [fault for fault in FAULTS if not fault.startswith("stale")]
"""Without connections, none is kept."""


def _created(client: httpx.Client) -> tuple[object, ...]:
    try:
        answer = client.post(CREATE.path, content=CREATE.body, headers=HEADERS)
    except httpx.HTTPError as error:
        return type(error), str(error).replace("…", ""), error.request.url.path
    return answer.status_code, answer.content, answer.headers.get("content-type")


def _cases() -> list[tuple[str, Commit]]:
    return [(fault, commit) for fault in FRESH for commit in fault_of(fault).commits]


@pytest.mark.parametrize(("fault", "commit"), _cases())
def test_httpx_sees_the_same(fault: str, commit: Commit) -> None:
    """Through `httpx.WSGITransport`: the same answer, or the same error with the same text."""
    with VirtualTime(), Double() as double:
        double.inject(fault_of(fault), on="images.create", when=first(1), commit=commit)
        with httpx.Client(base_url=double.url, timeout=60 if "seconds" in fault or "slow" in fault else 5) as client:
            over_a_socket = _created(client), len(double.images)
    double = Double(clock="manual")
    double.inject(fault_of(fault), on="images.create", when=first(1), commit=commit)
    with httpx.Client(base_url="http://x", transport=httpx.WSGITransport(double.app)) as client:
        assert (_created(client), len(double.images)) == over_a_socket


class WsgiAdapter(requests.adapters.BaseAdapter):
    """What adapters of requests for WSGI applications do, in short."""

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._app = app

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Call the application."""
        started: list[Any] = []
        environ = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path_url.partition("?")[0],
            "QUERY_STRING": request.path_url.partition("?")[2],
            "CONTENT_LENGTH": request.headers.get("Content-Length", "0"),
            "HTTP_AUTHORIZATION": request.headers["Authorization"],
            "HTTP_USER_AGENT": request.headers["User-Agent"],
            "wsgi.input": BytesIO(request.body if isinstance(request.body, bytes) else b""),
        }
        body = b"".join(self._app(environ, lambda *given: started.append(given)))
        answer = requests.Response()
        answer.status_code, answer.raw, answer.request = int(started[0][0][:3]), BytesIO(body), request
        return answer

    def close(self) -> None:
        """Nothing to close."""


def _error(session: requests.Session) -> str:
    try:
        session.post(f"http://x{CREATE.path}", data=CREATE.body, headers=HEADERS)
    except requests.RequestException as error:
        return f"{type(error).__module__}.{type(error).__qualname__}"
    return ""


@pytest.mark.parametrize(
    "fault",
    [reset(), reset(after=IN_THE_HEAD), reset(after=IN_THE_BODY), close(), close(after=IN_THE_BODY), truncate(), hang(),
     stall(after=IN_THE_BODY), refuse(3)],
    ids=str,
)  # fmt: skip
def test_requests_sees_the_same(fault: Fault) -> None:
    """Through an adapter that calls the application: the same type of error."""
    with VirtualTime(), Double() as double:
        double.inject(fault, on="images.create", when=first(1))
        over_a_socket = [seen.error for seen in ask_double(of_requests, double, [CREATE, CREATE], in_process=False)]
    double = Double(clock="manual")
    double.inject(fault, on="images.create", when=first(1))
    with requests.Session() as session:
        session.mount("http://", WsgiAdapter(double.app))
        assert [_error(session) for _ in over_a_socket] == over_a_socket


def _through_werkzeug(double: Double, headers: Mapping[str, str] = HEADERS) -> Any:
    return WerkzeugClient(double.app).post(CREATE.path, data=CREATE.body, headers=headers, buffered=True)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (reset(), ConnectionResetError),
        (reset(after=IN_THE_BODY), ConnectionResetError),
        (close(), RemoteDisconnected),
        (close(after=IN_THE_HEAD), RemoteDisconnected),
        (close(after=IN_THE_BODY), IncompleteRead),
        (truncate(), IncompleteRead),
        (hang(), TimeoutError),
        (refuse(3), ConnectionResetError),
    ],
    ids=str,
)
@pytest.mark.parametrize("commit", ["before", "after"])
def test_everybody_else_gets_what_python_raises(fault: Fault, error: type[Exception], commit: Commit) -> None:
    """Such as the test client of werkzeug."""
    double = Double(clock="manual")
    double.inject(fault, commit=commit)
    with pytest.raises((OSError, HTTPException)) as raised:
        _through_werkzeug(double)
    assert raised.type is error
    assert len(double.images) == (commit == "after")


def test_a_client_whose_library_is_not_loaded_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is imported for the sake of a header."""
    monkeypatch.delitem(sys.modules, "httpx")
    double = Double()
    double.inject(reset())
    with pytest.raises(ConnectionResetError):
        _through_werkzeug(double, {**HEADERS, "User-Agent": "python-httpx/0.28.1"})
    assert "httpx" not in sys.modules


def test_nobody_is_let_in_for_a_while() -> None:
    """`refuse` counts on the double's clock."""
    double = Double(clock="manual")
    double.inject(refuse(3), when=first(1))
    with pytest.raises(ConnectionResetError):
        _through_werkzeug(double)
    with pytest.raises(ConnectionRefusedError):
        _through_werkzeug(double)
    double.clock.advance(3)
    assert _through_werkzeug(double).status_code == 200


@pytest.mark.parametrize("fault", [slow(20), stall(seconds=20), stall(after=IN_THE_BODY, seconds=20)], ids=str)
def test_waits_move_the_double_s_clock(fault: Fault) -> None:
    """A caller without a time-out waits as long as it takes."""
    double = Double(clock="manual")
    double.inject(fault, commit="after")
    began_at = double.clock.now()
    assert len(_through_werkzeug(double).json["id"]) == 20
    assert double.clock.now() - began_at == 20 * 10**9


def test_an_answer_trickles() -> None:
    """At its rate, its head included."""
    double = Double(clock="manual")
    double.inject(trickle(100), commit="after")
    began_at = double.clock.now()
    answer = _through_werkzeug(double)
    assert len(answer.data) < (double.clock.now() - began_at) / 10**7 < len(answer.data) + 350


def test_head_has_no_body_to_damage() -> None:
    """A cut body and a garbled one are both empty."""
    double = Double()
    double.inject(truncate(), on="endpoints.list", when=first(1), commit="after")
    double.inject(garble(), on="endpoints.list", commit="after")
    client = WerkzeugClient(double.app)
    for _ in range(2):
        answer = client.head("/endpoints", headers=HEADERS)
        assert (answer.status_code, answer.data) == (200, b"")
