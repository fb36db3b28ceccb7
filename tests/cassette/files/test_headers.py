"""Headers of a cassette: none splits the response that has it, whatever the layout of the file."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import CassetteBrokenError, Double
from pytest_ycimages.cassette.file import cassette_text, read_cassette, write_cassette
from pytest_ycimages.cassette.parsing import parse
from pytest_ycimages.cassette.schema import as_vcr
from tests.cassette.files.some import cassette, poll

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_ycimages.cassette.model import CassetteData

BREAKS: Final = ("\r\n", "\n", "\r", "\0", "\r\n\r\n", "\n ", "\r\n\t")
NAMES: Final = (
    "x-a\r\nset-cookie",
    "x-a\n",
    "x a",
    "x-a ",
    " x-a",
    "x-a:",
    "",
    "x-a\0",
    "transfer-encoding ",
    "x\u00e9",
    "\u2028",
)
drawn = settings(derandomize=True, database=None, deadline=None, max_examples=60)


def with_header(name: str, value: str, *, of_request: bool = False) -> CassetteData:
    """A cassette with this header in a response, or in a request."""
    whole = cassette(1)
    (only,) = whole.interactions
    headers = (("content-type", "application/json"), (name, value))
    if of_request:
        return whole._replace(interactions=(only._replace(request=only.request._replace(headers=headers)),))
    return whole._replace(interactions=(only._replace(response=only.response._replace(headers=headers)),))


def _ours(data: CassetteData, name: str, value: str) -> bytes:
    text = cassette_text(data).decode()
    return text.replace(json.dumps(MARK), json.dumps(value)).replace("x-mark", json.dumps(name)[1:-1]).encode()


def _form(data: CassetteData, name: str, value: str) -> dict[str, object]:
    text = json.dumps({"version": 1, "interactions": list(map(as_vcr, data.interactions))})
    found: dict[str, object] = json.loads(
        text.replace(json.dumps(MARK), json.dumps(value)).replace("x-mark", json.dumps(name)[1:-1])
    )
    return found


MARK: Final = "the value"
LAYOUTS: Final[dict[str, Callable[[CassetteData, str, str], bytes]]] = {
    "our own": _ours,
    "JSON": lambda *given: json.dumps(_form(*given)).encode(),
    "YAML": lambda *given: yaml.safe_dump(_form(*given)).encode(),
}


@pytest.mark.parametrize("of_request", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", BREAKS, ids=repr)
def test_a_value_with_a_break_is_refused(text: str, layout: str, of_request: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the table
    """With the place; the value is not shown."""
    path = tmp_path / ("a.json" if layout == "JSON" else "a.yaml")
    value = f"one{text}Set-Cookie: s=Zk3-vR9nT5wLk2Pd"
    path.write_bytes(LAYOUTS[layout](with_header("x-mark", MARK, of_request=of_request), "x-mark", value))
    part = "request" if of_request else "response"
    with pytest.raises(CassetteBrokenError, match=rf"interaction 1, {part}\.headers .*values on one line") as refused:
        read_cassette(path)
    assert "Zk3" not in str(refused.value)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_name_that_http_has_not_is_refused(name: str, layout: str, tmp_path: Path) -> None:
    """It could end the line, or hide a header of the connection from those who drop these."""
    path = tmp_path / ("a.json" if layout == "JSON" else "a.yaml")
    path.write_bytes(LAYOUTS[layout](with_header("x-mark", MARK), name, MARK))
    with pytest.raises(CassetteBrokenError, match=r"interaction 1, response\.headers .*names of HTTP"):
        read_cassette(path)


@drawn
@given(value=st.text() | st.text(st.sampled_from("\r\n\0 \ta:\u2028\u0085\x0b\x0c\x1c")))
def test_what_is_recorded_can_be_read(value: str) -> None:
    """A recorder writes a break as HTTP reads it, a space, so no recording refuses to be replayed."""
    (read,) = parse(_written(with_header("x-mark", value)), _path()).interactions
    shown = dict(read.response.headers)["x-mark"]
    assert not set("\r\n\0") & set(shown)
    if not set("\r\n\0") & set(value):
        assert shown == value


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_what_is_recorded_has_names_of_http_alone(name: str) -> None:
    """Some clients and servers send others; the file could not be read with them."""
    (read,) = parse(cassette_text(with_header(name, MARK)), _path()).interactions
    assert read.response.headers == (("content-type", "application/json"),)


def _path() -> Path:
    from pathlib import Path  # noqa: PLC0415 - only for the text of an error

    return Path("a.yaml")


def _written(data: CassetteData) -> bytes:
    kept = data.interactions[0].response.headers
    encodable = tuple((name, value.encode("utf-8", "replace").decode()) for name, value in kept)
    only = data.interactions[0]
    response = only.response._replace(headers=encodable)
    return cassette_text(data._replace(interactions=(only._replace(response=response),)))


@pytest.mark.parametrize(
    "value", ["plain", "tab\there", "\u00e9", "\u0434\u0435\u043d\u044c", "\x7f\x1b[31m", "\u2028", "\x85", "\x0b\x0c"]
)
def test_a_replay_sends_as_many_lines_as_there_are_headers(value: str, tmp_path: Path) -> None:
    """Also with characters that other readers take for the end of a line."""
    write_cassette(path := tmp_path / "a.yaml", with_header("x-odd", value))
    line = f"GET {poll(0).request.uri.partition('.net')[2]} HTTP/1.1"
    double = Double(mode="replay", cassette=path)
    with double, socket.create_connection((double.host, double.port), 10) as sock:
        sock.sendall(f"{line}\r\nHost: {double.host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    head = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0].startswith(b"HTTP/1.1 200")
    names = [each.partition(b":")[0] for each in head[1:]]
    assert sorted(names) == sorted({*names})
    assert b"x-odd" in names
    assert set(names) <= {b"content-type", b"x-odd", b"content-length", b"connection"}
