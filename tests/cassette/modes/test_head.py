"""HEAD through a cassette: a length that is not the body's, which travels with the recorded headers."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING

import httpx
import requests
import vcr
from werkzeug.test import Client as WsgiClient

from pytest_ycimages import Double
from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)

if TYPE_CHECKING:
    from pathlib import Path

LIST, ONE = "/endpoints", "/endpoints/iam"
HOST = "https://api.cloud.yandex.net"


def lengths(double: Double) -> list[str | None]:
    """The lengths that are told of two resources, over one connection, with a GET between."""
    connection = HTTPConnection(double.host, double.port, timeout=10)
    told = []
    for verb, path in (("HEAD", LIST), ("GET", ONE), ("HEAD", ONE), ("HEAD", LIST)):
        connection.request(verb, path)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read()), answer.getheader("connection")) == (200, verb == "GET", None)
        told.append(answer.getheader("content-length"))
    connection.close()
    return told


def test_head_is_told_the_length_that_the_service_told(tmp_path: Path) -> None:
    """While it is recorded, when it is replayed, without sockets, and by plain vcrpy."""
    path = tmp_path / "a.yaml"
    with Double() as upstream:
        with Double(mode="record", cassette=path, upstream=upstream.url) as recording:
            told = lengths(recording)
        assert told == lengths(upstream)
    assert int(told[0] or 0) > int(told[1] or 0) > 0
    assert told[1:] == [told[2], told[1], told[0]]
    with Double(mode="replay", cassette=path) as replay:
        assert lengths(replay) == told
        for target, length in ((LIST, told[0]), (ONE, told[1])):
            answer = WsgiClient(replay.app).head(target)
            assert (answer.headers.getlist("content-length"), answer.data) == ([length], b"")
    with vcr.use_cassette(str(path), record_mode="none"):
        assert requests.head(HOST + ONE, timeout=10).headers["content-length"] == told[1]


def test_a_length_is_only_kept_where_nobody_can_make_it_anew(tmp_path: Path) -> None:
    """An answer that has its body needs none."""
    path = tmp_path / "a.yaml"
    with Double() as upstream, Double(mode="record", cassette=path, upstream=upstream.url) as recording:
        lengths(recording)
    kept = [
        (each.request.method, "content-length" in dict(each.response.headers))
        for each in read_cassette(path).interactions
    ]
    assert set(kept) == {("HEAD", True), ("GET", False)}


def test_head_is_told_no_length_where_none_was_told(tmp_path: Path) -> None:
    """Or where a hand has written nonsense; and the connection goes on."""
    path = tmp_path / "a.yaml"
    asked = RecordedRequest("HEAD", f"{HOST}/a")
    nonsense = RecordedResponse(200, headers=(("content-length", "2, 2"),))
    other = asked._replace(uri=f"{asked.uri}b")
    write_cassette(
        path,
        CassetteData(CassetteMetadata(), (Interaction(asked, RecordedResponse(200)), Interaction(other, nonsense))),
    )
    with Double(mode="replay", cassette=path) as replay, httpx.Client(base_url=replay.url) as client:
        for target in ("/a", "/ab", "/a"):
            assert "content-length" not in client.head(target).headers
        assert "content-length" not in WsgiClient(replay.app).head("/a").headers


def test_a_length_beside_no_body_is_not_told_to_another_verb(tmp_path: Path) -> None:
    """The client would wait for a body that never comes."""
    path = tmp_path / "a.yaml"
    answer = RecordedResponse(200, headers=(("content-length", "28"),))
    write_cassette(path, CassetteData(CassetteMetadata(), (Interaction(RecordedRequest("GET", f"{HOST}/a"), answer),)))
    with Double(mode="replay", cassette=path) as replay:
        assert requests.get(f"{replay.url}/a", timeout=10).headers["content-length"] == "0"
