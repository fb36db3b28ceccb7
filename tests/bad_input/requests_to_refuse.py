"""Requests with odd values in every place, as bytes, and two ways to send them: in process and over a socket.

Most of a request is valid, so that the odd part gets as far into the double as it can.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from pytest_ycimages.api.methods import CONTRACTS, PREFIX
from pytest_ycimages.api.methods import ROUTES as IMAGE_ROUTES
from pytest_ycimages.control.routes import ROUTES as CONTROL_ROUTES
from pytest_ycimages.server.http1 import RequestReader, encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages import Double

LIMIT: Final = 64 * 2**10
"""Characters of the text that a refusal may have: what the client sent is repeated in part."""
DIGITS: Final = "9" * 4000
"""A number that Python reads, and that neither int64 nor a float can hold."""
TOO_MANY: Final = "9" * 5000
"""Digits that Python refuses to read as a number."""
DEEP: Final = 3000

JSON: Final = (
    "null", "true", "false", "0", "-0", "-0.0", "1", "-1", "1.0", "1.5", "4194304", "4194304.0", "4398046511104",
    "2147483648", str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), str(2**64), "1e18",
    "1e19", "1e308", "1e309", "1e400", "-1e400", "1e-400", "1e999999999", "1" + "0" * 400, DIGITS, f"-{DIGITS}",
    TOO_MANY, f"-{TOO_MANY}", "NaN", "Infinity", "-Infinity", "0x10", "1_000", "01", "+1", "-", ".5", "5.", '""', '" "',
    '"a"', '"A"', '"LINUX"', '"[key]"', f'"{2**63 - 1}"', f'"{2**63}"', f'"{DIGITS}"', f'"{TOO_MANY}"', '" 5"', '"5 "',
    '"+5"', '"1_000"', '"0x10"', '"1e9"', '"nan"', '"inf"', '"\\u0665"', '"\uff15"', '"\u00b2"', '"\\u0000"',
    '"a\\u0000b"', '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\udfff\\ud800"', '"\ufeff"', '"\\r\\nX: y"',
    '"\\u001b[2J"', '"\u202e"', '"\t"', '"\\x"', '"\\', f'"{"a" * 70_000}"', f'"{"é" * 300}"', "[]", "{}", "[[]]",
    "[{}]", "[null]", '["a", 1, null, {}]', '{"": ""}', '{"a": {"a": {"a": 1}}}', '{"a": 1, "a": 2}',
    '{"@type": "type.googleapis.com/google.protobuf.Empty"}', '{"__class__": 1}', "[" * 150 + "]" * 150,
    '{"a":' * 150 + "1" + "}" * 150, "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "[" * DEEP, "'a'",
    "None", "undefined", "", " ", "\x00", "//", "{,}", "[1,]", "\ufeff1",
)  # fmt: skip
"""Values of JSON, and some that are not, as text."""

TEXTS: Final[tuple[bytes, ...]] = (
    b"", b" ", b"a", b".", b"..", b"/", b"%", b"%%", b"%zz", b"%2", b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", "é".encode(), "\u0665".encode(), "\u00b2".encode(), b"\r\nX: y", b"\x1b[2J", b"a" * 51, b"a" * 101,
    b"a" * 1001, b"a" * 20_000, b"0", b"-1", b"1.0", b"1e3", b"nan", b"true", b"null", b"1000", b"1001",
    str(2**63 - 1).encode(), str(2**63).encode(), DIGITS.encode(), TOO_MANY.encode(), b"+5", b"1_0", b"f" * 20 + b"AA",
    b"8" + b"0" * 19 + b"AA", b"0" * 20 + b"_w", b"f" * 20 + b"A" * 80, b"f" * 19, b"f" * 20 + b"A", b'name="a"',
    b"name IN (" * 90, b'name = "' + b"\\" * 500 + b'"', b'name="\xff"', b'"' * 900, b"(" * 900,
    b'name = "a" AND ' * 60, b"id asc", b"createdAt desc", b"id  id", b"[", b"[z-a]", b"[!", b"*a" * 400,
    b"images.[cg]*", b":cancel", b"a:cancel", b"a:b", b"a?b", b"a#b", b"a;b", b"a&b=c", b"name,,name", b"name , labels",
    b"[key]", b"{}",
)  # fmt: skip
"""Texts of paths and queries, before they are percent-encoded."""

RAW: Final = (
    "%",
    "%zz",
    "%2",
    "%00",
    "%ff",
    "%ed%a0%80",
    "%252f",
    "%2f",
    "+",
    "a=b",
    "=",
    "&&",
    ";",
    "%c0%af",
    "%u0041",
)
"""What percent-encoding does not give."""

HEADERS: Final = (
    "Authorization:", "Authorization: Bearer", "Authorization: Bearer  ", "Authorization: Basic x",
    "Authorization: \xff", f"Authorization: bearer {'a' * 20_000}", "Content-Type:", "Content-Type: text/plain",
    "Content-Type: x", "Content-Type: application/json; charset=utf-16", 'Content-Type: application/json; charset="',
    "Content-Type: \xff/\xff", "Content-Type: multipart/form-data", "Content-Type: application/x-www-form-urlencoded",
    "Content-Encoding: gzip", "Content-Encoding: br, gzip", "Content-Encoding: x", "Accept: text/html;q=\xff",
    "Accept-Encoding: identity;q=0", "Idempotency-Key:", "Idempotency-Key: \xff", f"Idempotency-Key: {'a' * 20_000}",
    "Idempotency-Key: {}", f"Idempotency-Key: {{{'0' * 36}}}", f"Idempotency-Key: urn:uuid:{'0' * 32}",
    "Idempotency-Key: \xb2", "Expect: 200-maybe", "Range: bytes=9-", "If-Match: *", "X-Request-Id: \xff",
    "Forwarded: for=\x80", *(f"X-Many-{number}: 1" for number in range(3)), f"X-Long: {'x' * 60_000}",
    f"X-Longer: {'x' * 70_000}", "Referer: \x01", "Cookie: a=\xff; =; ;;",
)  # fmt: skip

RULES: Final = (
    "reset()", f"reset(after={DIGITS})", f"reset(after={TOO_MANY})", "reset(after=-1)", "reset(after=1e400)",
    "reset(after='\\ud800')", "reset(after=[1])", "error(5)", "error('ABORTED', '\\ud800')",
    "error('ABORTED', details=[{'@type': 'a/b', 'x': '\\ud800'}])",
    f"error('ABORTED', details=[{{'@type': 'a/b', 'x': {DIGITS}}}])",
    "error('ABORTED', details=[{'@type': 'a/b', 'x': 1e999}])",
    "error('ABORTED', details=[{'@type': 'a/b', 1: {2: 3}}])",
    "error('ABORTED', details=[{'@type': 'a/b', 'x': b'y'}])", "error('ABORTED', details=[{'@type': 'a/b', 'x': {1}}])",
    "error({})", "error(1.0)", "error(True)", "garble({})", "garble(['a'])", "quota_exceeded('\\ud800')",
    f"quota_exceeded(limit={DIGITS})", f"quota_exceeded(limit={2**63 - 1})", f"unavailable(retry_after={DIGITS})",
    "slow(1e11)", "slow(1e400)", "slow(nan)", "ramp(1e11, 1e11, over=1e-300)", "trickle(1e11)",
    "operation_fails(rollback=1e11, after=1e11)", "operation_fails('INTERNAL', '\\ud800')",
    f"operation_fails(after={DIGITS})", f"operation_fails(after=PerGiB({10**308}))", "operation_lost(after=1e11)",
    f"reset(), when=first({DIGITS})", f"reset(), when=between(0, {DIGITS})",
    f"reset(), when=over_rate(1, per={10**400})", f"reset(), when=nth(1, {TOO_MANY})", "reset(), when=chance(nan)",
    "reset(), when=script('ab')", "reset(), on='images.['", "reset(), when=" + "first(1) & " * 300 + "first(1)",
    "reset(), when=" + "~" * DEEP + "first(1)", "reset(" + "(" * DEEP, "reset(after=" + "-" * DEEP + "1)",
    "reset(after=" + "1+" * DEEP + "1)", "a." * DEEP + "b", "reset(), where={'name': '\\ud800'}",
    "reset(), on='images.create', where={'name': '*a*a*a*a*a*a*a*a*b'}",
    "reset(), on='images.create', where={'name': '[z-a]'}", "\x00", "reset()\x00", "reset() # \\", "'\\N{x}'", "f'{1}'",
    "reset(**{'after': 1})", "lambda: 1", "reset(", ")", "*", "",
)  # fmt: skip

SETTINGS: Final = (
    DIGITS, TOO_MANY, "1e308", "1e400", "nan", "inf", "-inf", "-1", "10000000000h", f"{DIGITS}s", f"{TOO_MANY}ms",
    "\x00", "REALISTIC", "LogNormal(1, 1e308)", f"LogNormal({10**308}, 5)", f"PerGiB({10**308}, base=1e308)",
    "Uniform(0, 1e308)", f"Uniform(0, {10**400})", f"AfterPolls({DIGITS})", "lognormal(1, 700)", f"fixed({10**400})",
    f"uniform(0, {10**308})", "Failure('ABORTED', '\\ud800')",
    "Failure('ABORTED', 'x', details=[{'@type': 'a/b', 'x': '\\ud800'}])", "Success()",
    "{'images.create': 5, 'images.create': 6}", "{'images.*': '1e400'}", "{" * 300, "{1: 2}", "loses", "wins", "[]",
    "'",
)  # fmt: skip
"""Values of the settings that can be changed while a double runs, as text."""

MOMENTS: Final = (
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
    "2026-01-01T00:00:00+23:59:59.999999", "2026-02-30T00:00:00Z", "20260101T000000Z", "2026-01-01",
    "2554-08-01T00:00:00Z",
)  # fmt: skip

VALID: Final[dict[str, dict[str, str]]] = {
    "images.create": {"folderId": '"f"', "diskId": '"d"'},
    "images.list": {"folderId": "f"},
    "images.latestByFamily": {"folderId": "f"},
    "images.update": {"name": '"a"'},
    "tokens.create": {"jwt": '"a.b.c"'},
    "tokens.createForServiceAccount": {"serviceAccountId": '"aje"'},
    "tokens.revoke": {"iamToken": '"t1.a.b"'},
    "faults": {"fault": '"unavailable()"', "on": '"images.list"', "expect": "false"},
    "clock/advance": {"seconds": "1"},
    "objects": {"uri": '"https://storage.yandexcloud.net/b/k"'},
    "images": {},
}
"""The fields that make a request to a route valid: JSON of a body, or text of a query."""


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


JWTS: Final = tuple(
    f"{_encoded(header)}.{_encoded(claims)}.y"
    for header in (b'{"kid": 1}', b"[" * 5000, b"{", b"\xff", TOO_MANY.encode())
    for claims in (
        b'{"iss": "\\ud800"}',
        b'{"iss": "a"}',
        b'{"iss": 1e999}',
        b'{"iss": {}}',
        b"[" * 5000,
        b"5",
        b"\xff",
    )
)
"""Tokens that a client exchanges for another."""


class Asked(NamedTuple):
    """A request as it is sent.

    Attributes:
        verb: the HTTP method.
        target: path and query.
        headers: lines, besides those of `Host`, authorization and length.
        body: the body.
        authorized: whether it has a valid token.
    """

    verb: str
    target: str
    headers: tuple[str, ...] = ()
    body: bytes = b""
    authorized: bool = True

    def data(self, token: str) -> bytes:
        """The bytes, for a double with this token; the connection ends after it."""
        token_line = (f"Authorization: Bearer {token}",) if self.authorized else ()
        json_line = (
            () if any(each.startswith("Content-Type") for each in self.headers) else ("Content-Type: application/json",)
        )
        lines = ["Host: 127.0.0.1", *token_line, *json_line, *self.headers, f"Content-Length: {len(self.body)}"]
        head = "\r\n".join([f"{self.verb} {self.target} HTTP/1.1", *lines, "Connection: close", "", ""])
        return head.encode("latin-1") + self.body


class Answered(NamedTuple):
    """An answer.

    Attributes:
        status: the HTTP status.
        content_type: what it says of its body.
        body: the body.
    """

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body as a JSON value."""
        return json.loads(self.body)


def in_process(double: Double, asked: Asked) -> Answered:
    """Send a request through the parser and the application of a double, without a connection."""
    (request,) = RequestReader().feed(asked.data(double.token))
    reply = double.app.answer(request)
    head, body = encoded(reply, request)
    assert head.count(b"\r\n\r\n") == 1
    return Answered(reply.status, dict(reply.headers).get("content-type", ""), body)


def over_a_socket(double: Double, asked: Asked) -> Answered:
    """Send a request over a connection of its own."""
    with socket.create_connection((double.host, double.port), timeout=20) as sock:
        sock.sendall(asked.data(double.token))
        answer = http.client.HTTPResponse(sock, method=asked.verb)
        answer.begin()
        return Answered(answer.status, answer.headers.get("content-type", ""), answer.read())


# Strategies.

FIELDS: Final = sorted(
    {name for contract in CONTRACTS.values() for model in contract.requests.values() for name in model.model_fields}
    | {"type", "nvidia", "driver", "legacy_features", "generation2_features", "pci_topology"}
)
KEYS: Final = (
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"@type"',
    '"__class__"',
    '"model_fields"',
    '"[key]"',
    f'"{"A" * 5000}"',
    "1",
    "a",
)
"""Keys of objects in JSON, some of which are not."""

targets = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: quote_from_bytes(text, safe="")),
    st.sampled_from(RAW),
    st.binary(max_size=6).map(lambda text: quote_from_bytes(text, safe="")),
)
numbers = st.integers(-(2**70), 2**70).map(str) | st.floats().map(json.dumps)
words = st.text(max_size=5).map(json.dumps) | st.text(st.characters(codec=None), max_size=3).map(json.dumps)
scalars = st.sampled_from(JSON) | numbers | words


def _keys(names: Sequence[str]) -> st.SearchStrategy[str]:
    known = [f'"{each}"' for name in names for each in (name, to_camel(name))]
    return st.sampled_from(known or ['"a"']) | st.sampled_from(KEYS)


def _objects(names: Sequence[str], values: st.SearchStrategy[str], valid: Any = None) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(_keys(names), values), max_size=3)
    base = [(f'"{name}"', value) for name, value in (valid or {}).items()]
    whole = st.tuples(st.sampled_from([base, base, []]), members).map(lambda two: [*two[0], *two[1]])
    return whole.map(lambda pairs: "{" + ",".join(f"{name}: {value}" for name, value in pairs) + "}")


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]") | _objects(FIELDS, inner),
    max_leaves=4,
)


def _bodies(names: Sequence[str], valid: Any, special: Sequence[str] = ()) -> st.SearchStrategy[bytes]:
    odd = values | st.sampled_from([json.dumps(each) for each in special]) if special else values
    texts = _objects(names, odd, valid) | odd
    return st.one_of(
        texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.builds(_damaged, texts, st.integers(0, 200), st.binary(max_size=2)),
        texts.map(lambda text: b"\xef\xbb\xbf" + text.encode("utf-8", "surrogatepass")),
        texts.map(lambda text: text.encode("utf-16", "surrogatepass")),
        st.binary(max_size=20),
    )


def _damaged(text: str, at: int, by: bytes) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return data[:at] + by + data[at + 1 :]


def _queries(names: Sequence[str], valid: Any) -> st.SearchStrategy[str]:
    known = [each for name in names for each in (name, to_camel(name))]
    keys = st.sampled_from([*known, "x"]) | targets
    pairs = st.lists(st.tuples(keys, targets), max_size=4)
    base = list((valid or {}).items())
    return pairs.map(lambda odd: "&".join(f"{name}={value}" for name, value in [*base, *odd]))


headers = st.lists(st.sampled_from(HEADERS), max_size=2).map(tuple)


def _target(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


@st.composite
def image_requests(draw: st.DrawFn) -> Asked:
    """Requests to every route of the path table."""
    verb, template, method = draw(st.sampled_from(IMAGE_ROUTES))
    names = sorted({name for contract in CONTRACTS.values() for name in contract.requests[method].model_fields})
    path = re.sub(r"<\w+>", lambda _: draw(targets | st.sampled_from(["{image}", "{operation}"])), template)
    has_body = verb in {"POST", "PATCH"}
    body = draw(_bodies(names, VALID.get(method), JWTS if method == "tokens.create" else ())) if has_body else b""
    query = draw(_queries(names, None if has_body else VALID.get(method)))
    return Asked(verb, _target(path, query), draw(headers), body, authorized=draw(st.integers(0, 9)) > 0)


@st.composite
def control_requests(draw: st.DrawFn) -> Asked:
    """Requests to every route of the control API but the stream of events, which has no end."""
    route = draw(st.sampled_from([each for each in CONTROL_ROUTES if each.path != "events"]))
    path = PREFIX + re.sub(
        r"<int:\w+>", lambda _: draw(targets | st.sampled_from(["0", "1", "٣"]).map(_quoted)), route.path
    )
    names = sorted(getattr(route.body, "model_fields", {})) or [
        "fault",
        "on",
        "when",
        "commit",
        "per",
        "where",
        "expect",
    ]
    special = {"faults": RULES, "images": MOMENTS}.get(route.path, SETTINGS)
    body = (
        draw(_bodies(names, VALID.get(route.path), special))
        if route.body
        else draw(st.just(b"") | st.binary(max_size=9))
    )
    query = draw(st.just("") | _queries(["after", "method", "page_size", "page_token"], None))
    return Asked(route.verb, _target(path, query), draw(headers), body)


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode(), safe="")
