"""Requests that observe the service: calls that read, and no others, whatever the arguments are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages import Double
from pytest_ycimages.api.methods import METHODS, ROUTES, method_at
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.errors import UsageError
from pytest_ycimages.verify.observe import READING, ReadOnlyUpstream, harmless_calls, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST: Final = "https://compute.api.cloud.yandex.net"
OPERATION: Final = "/operations/fd8vvvvvvvvvvvvvvvvv"
IMAGES: Final = "/compute/v1/images"
CALLS: Final = harmless_calls(("fd8t5np17r7bs124814b",), ("fd8m1tfm92kr00000000",))
FOUND: Final = {"<folder>": "b1g1", "<page-token>": "a=&/:?<x>", "<public-image>": "fd8t5np17r7bs124814b"}

CHANGES: Final = (
    RecordedRequest("POST", f"{HOST}{IMAGES}"),
    RecordedRequest("PATCH", f"{HOST}{IMAGES}/fd8"),
    RecordedRequest("DELETE", f"{HOST}{IMAGES}/fd8"),
    RecordedRequest("POST", f"{HOST}{IMAGES}/fd8:setAccessBindings"),
    RecordedRequest("POST", f"{HOST}{OPERATION}:cancel"),
    RecordedRequest("GET", f"{HOST}{OPERATION}:cancel"),
    RecordedRequest("GET", f"{HOST}{OPERATION}%3Acancel"),
    RecordedRequest("GET", f"{HOST}{OPERATION}%253Acancel"),
    RecordedRequest("GET", f"{HOST}{OPERATION}:cancel:"),
    RecordedRequest("GET", f"{HOST}{OPERATION}:"),
    RecordedRequest("GET", f"{HOST}{OPERATION};x:cancel"),
    RecordedRequest("GET", f"{HOST}/operations/../operations/fd8:cancel"),
    RecordedRequest("GET", f"{HOST}/{OPERATION}"),
    RecordedRequest("GET", f"{HOST}{IMAGES}/.."),
    RecordedRequest("get", f"{HOST}{IMAGES}"),
    RecordedRequest("HEAD", f"{HOST}{IMAGES}"),
    RecordedRequest("GET", f"{HOST}{IMAGES}?folderId=b1g", body=b"{}"),
    RecordedRequest("GET", f"{HOST}{IMAGES}", (("x-http-method-override", "DELETE"),)),
    RecordedRequest("GET", f"{HOST}{IMAGES}", (("Idempotency-Key", "x"),)),
    RecordedRequest("GET", f"{HOST}/compute/v1/disks/epd"),
    RecordedRequest("POST", "https://iam.api.cloud.yandex.net/iam/v1/tokens"),
    RecordedRequest("GET", "https://[broken/"),
)
"""Requests that may change something, or that a server may read otherwise than they look."""


@pytest.fixture(scope="module")
def service() -> Iterator[Double]:
    """A double in place of the service."""
    with Double(name="observed") as double:
        yield double


def test_what_reads_is_what_get_serves_but_for_the_cancel() -> None:
    """No method of another verb, so that a new one is not among them by accident."""
    others = {method for verb, _, method in ROUTES if verb != "GET"}
    assert set(METHODS) - others == READING


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_every_call_passes_the_guard(call: object) -> None:
    """Also with what the service said put in."""
    assert isinstance(call, type(CALLS[0]))
    ready = call.filled(FOUND)
    assert call.is_open is (ready != call)
    request = RecordedRequest("GET", f"{HOST}{ready.target}", (("accept", "application/json"), ("authorization", "x")))
    assert reads(request)
    assert method_at(ready.path, "GET") in READING


@pytest.mark.parametrize("request_", CHANGES, ids=lambda each: f"{each.method} {each.uri}")
def test_what_may_change_something_is_refused_before_a_connection(service: Double, request_: RecordedRequest) -> None:
    """With what is sent, and where to turn instead."""
    count = len(service.calls)
    upstream = ReadOnlyUpstream(service.url)
    with pytest.raises(UsageError, match=r"is refused, and was not sent.*images.get.*ycimages record"):
        upstream.send(request_)
    assert len(service.calls) == count


_WORDS: Final = ("", "fd8", ":", "/", "%3A", "%2F", "%25", "cancel", "?", "#", ";", "..", "//", "operations")


@given(
    st.sampled_from(("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "get")),
    st.sampled_from([re.sub("<.*?>", "fd8", path) for _, path, _ in ROUTES]),
    st.lists(st.sampled_from(_WORDS), max_size=4).map("".join),
    st.sampled_from((b"", b"{}")),
)
def test_whatever_is_asked_for_only_a_read_passes(verb: str, path: str, more: str, body: bytes) -> None:
    """However often a server decodes the path; the double is the judge of what it then is."""
    if not reads(RecordedRequest(verb, f"{HOST}{path}{more}", (), body)):
        return
    assert (verb, body) == ("GET", b"")
    way = urlsplit(f"{HOST}{path}{more}").path
    for _ in range(3):
        assert method_at(way, "GET") in READING
        assert ":cancel" not in way
        way = unquote(way)


@pytest.mark.parametrize("id_", ["", "a b", "fd8/x", "fd8:cancel", "fd8%3Acancel", "..", "ё", "f" * 65, "fd8\n"])
def test_an_id_that_is_none_is_refused(id_: str) -> None:
    """As an image and as an operation."""
    with pytest.raises(UsageError, match=r"invalid image id .* expected letters and digits, such as fd8"):
        harmless_calls((id_,))
    with pytest.raises(UsageError, match="invalid operation id"):
        harmless_calls((), (id_,))
