"""Hosts and origins over HTTP/2: the rules are those of HTTP/1.1, for gRPC and for REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import grpc
import pytest

from tests.grpc.clients import Http2

if TYPE_CHECKING:
    from pytest_ycimages import Double

GET: Final = "yandex.cloud.operation.OperationService/Get"
REFLECT: Final = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
FOREIGN: Final = (
    ("evil.example", ()),
    ("", ()),
    ("localhost", (("origin", "http://evil.example"),)),
    ("localhost", (("sec-fetch-site", "cross-site"),)),
)


@pytest.fixture
def http2(ycimages: Double) -> Any:
    """A client by hand, which sends what it is told."""
    with Http2(ycimages) as client:
        yield client


@pytest.mark.parametrize(("authority", "headers"), FOREIGN)
@pytest.mark.parametrize("rpc", [GET, REFLECT])
def test_a_call_of_a_page_is_refused(ycimages: Double, http2: Http2, rpc: str, authority: str, headers: Any) -> None:
    """With a status of gRPC that says what to do; the journal does not have it, and the connection serves on."""
    http2.authority = authority
    answer = http2.call(rpc, bytes(5), *headers)
    assert answer.headers["grpc-status"] == str(grpc.StatusCode.PERMISSION_DENIED.value[0])
    assert unquote(answer.headers["grpc-message"]).startswith(("This double does not serve the host", "The header '"))
    assert not ycimages.calls
    http2.authority = ycimages.grpc_endpoint
    assert http2.call(GET, bytes(5)).headers["grpc-status"] == str(grpc.StatusCode.INVALID_ARGUMENT.value[0])


@pytest.mark.parametrize(("authority", "headers"), FOREIGN)
def test_a_request_of_rest_is_refused(ycimages: Double, http2: Http2, authority: str, headers: Any) -> None:
    """As over HTTP/1.1."""
    http2.authority = authority
    for path in ("/endpoints", "/_ycimages/state"):
        number = http2.start(path, *headers, method="GET", end=True)
        assert http2.answer(number).headers[":status"] in {"421", "403"}
    assert not ycimages.calls


@pytest.mark.parametrize("authority", ["localhost", "127.0.0.1:1", "[::1]:80", "compute.api.cloud.yandex.net:443"])
def test_this_machine_and_the_service_are_answered(ycimages: Double, http2: Http2, authority: str) -> None:
    """Names that clients of gRPC put there."""
    http2.authority = authority
    assert http2.call(GET, bytes(5)).headers["grpc-status"] == str(grpc.StatusCode.INVALID_ARGUMENT.value[0])
    assert len(ycimages.calls) == 1
