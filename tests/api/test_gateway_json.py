"""Bodies that are no JSON, or no JSON object: the gateway says so in plain text, and marks the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.api.create_image import CreateImageRequest
from pytest_ycimages.api.gateway import GatewayRefusalError, parse_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.gateway import Decoded

MALFORMED: dict[str, tuple[bytes, str]] = {
    "a value is missing": (b'{"name":}', 'Unexpected token.\n{"name":}\n        ^'),
    "a comma too many, in line 3": (b'{\n "name": "a",\n}', "Unexpected token.\n}\n^"),
    "a word, in line 2": (b'{"a": 1,\n "name": none}', 'Unexpected token.\n "name": none}\n          ^'),
    "cut off": (b'{"name": "a"', 'Unexpected end of string.\n{"name": "a"\n           ^'),
    "cut off in a string": (b'{"name": "a', 'Unexpected end of string.\n{"name": "a\n          ^'),
    "cut off at once": (b"{", "Unexpected end of string.\n{\n^"),
    "more after the object": (b"{} {}", "Unexpected token.\n{} {}\n   ^"),
}

UNREADABLE: dict[str, bytes] = {
    "no JSON": b"folderId=f&uri=u",
    "not a number": b'{"minDiskSize": NaN}',
    "infinity": b'{"minDiskSize": -Infinity}',
    "a bare key": b'{folderId: "f"}',
    "apostrophes": b"{'folderId': 'f'}",
    "a comment": b'{"folderId": "f" /* mine */}',
    "a line end in a string": b'{"folderId": "a\nb"}',
    "a wrong escape": rb'{"folderId": "\x"}',
    "invalid UTF-8": b"\xff\xfe",
    "invalid UTF-8 in a string": b'{"folderId": "\xff"}',
    "UTF-8 cut off": '{"folderId": "ж'.encode()[:-1] + b'"}',
    "a surrogate in UTF-8": b'{"folderId": "\xed\xa0\x80"}',
    "UTF-16": '{"folderId": "f"}'.encode("utf-16"),
    "a lone surrogate": rb'{"folderId": "\ud800", "uri": "u"}',
    "a lone low surrogate": rb'{"folderId": "\udc00", "uri": "u"}',
    "a lone surrogate in a key": rb'{"\ud83d": 1}',
    "a zero byte": b'{"folderId": "f"}\0',
    "zero bytes": bytes(100),
    "a number of 10,000 digits": b'{"minDiskSize": ' + b"9" * 10_000 + b"}",
    "a number with a leading zero": b'{"minDiskSize": 05000000}',
    "100,000 open lists": b"[" * 100_000,
    "100,000 open objects": b'{"os":' * 100_000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
}

NO_OBJECTS = [b"null", b"true", b"0", b"1.5", b'"text"', b'""', b"[]", b'[{"folderId": "f"}]']


@pytest.mark.parametrize(("body", "text"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_json_is_refused_with_the_line_and_a_mark_under_the_place(body: bytes, text: str) -> None:
    """Three lines: the reason, the line of the body, and a caret."""
    with pytest.raises(GatewayRefusalError) as caught:
        parse_body(body)

    assert str(caught.value) == text


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_bytes_that_are_no_json_are_refused(body: bytes) -> None:
    """Whatever they are: a refusal, never an exception of another kind."""
    with pytest.raises(GatewayRefusalError) as caught:
        parse_body(body)

    reason, *_, mark = str(caught.value).split("\n")
    assert reason in {"Unexpected token.", "Unexpected end of string."}
    assert mark.strip() == "^"


@pytest.mark.parametrize(
    "line",
    [' "name": "語語語語" !', ' "name": "a\u2028b" !', ' "name": "a\u0085b" !', ' "name": "😀", "family": "ж" !'],
    ids=["three bytes each", "line separator", "next line", "four bytes and two"],
)
def test_the_mark_stands_under_the_character_that_is_wrong(line: str) -> None:
    """Columns count characters, as the line is shown in characters; only a line feed ends a line."""
    with pytest.raises(GatewayRefusalError) as caught:
        parse_body(f"{{\n{line}\n}}".encode())

    reason, *shown, mark = str(caught.value).split("\n")
    assert (reason, shown) == ("Unexpected token.", [line])
    assert line[len(mark) - 1] == "!"


@pytest.mark.parametrize("length", [10, 100, 100_000])
def test_of_a_long_line_the_text_around_the_place_is_shown(length: int) -> None:
    """At most 80 characters of it, and the mark still stands under the place."""
    with pytest.raises(GatewayRefusalError) as caught:
        parse_body(b'{"name": "' + b"n" * length + b'" ! "tail": "' + b"t" * length + b'"}')

    _, shown, mark = str(caught.value).split("\n")
    assert len(shown) <= 80
    assert shown[len(mark) - 1] == "!"


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    """The root of a request is a message."""
    with pytest.raises(GatewayRefusalError) as caught:
        parse_body(body)

    assert str(caught.value) == ": Root element must be a message."


def test_of_a_key_that_comes_twice_the_later_counts(read: Callable[..., Decoded]) -> None:
    """As in any JSON reader; what the gateway does with the two nobody has recorded."""
    message = read(b'{"folderId": "f", "uri": "one", "uri": "two"}').message
    assert isinstance(message, CreateImageRequest)
    assert message.uri == "two"


def test_a_number_beyond_a_double_is_refused(read: Callable[..., Decoded]) -> None:
    """It is JSON, and no number that any field can hold."""
    with pytest.raises(GatewayRefusalError):
        read(b'{"folderId": "f", "uri": "u", "minDiskSize": 1e400}')


def test_a_known_field_is_read_however_deep_an_unknown_one_is(read: Callable[..., Decoded]) -> None:
    """A body nested as deeply as a client may sanely nest it is read."""
    deep = b'{"a":' * 50 + b"1" + b"}" * 50

    message = read(b'{"folderId": "f", "unknown": ' + deep + b', "uri": "u"}').message

    assert message is not None
    assert message.unknown_fields() == ["unknown"]
