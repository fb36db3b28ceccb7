"""Secrets of every known shape, drawn; and the places at which a client or a server may put one."""

from __future__ import annotations

import base64
import json
import string
from html import escape, unescape
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from hypothesis import strategies as st

from pytest_ycimages.cassette.model import Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.redaction.rules import NO_RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.redaction.rules import RedactionRules

BASE64URL: Final = string.ascii_letters + string.digits + "-_"
VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
HOST: Final = "https://compute.api.cloud.yandex.net"
FOLDER: Final = "b1gaec42k169jqpo02f7"


class Secret(NamedTuple):
    """A secret, and the part of it that must be nowhere."""

    kind: str
    text: str
    core: str


def _of(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=least if most is None else most)


def _kind(kind: str, pattern: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[Secret]:
    texts = st.tuples(*parts).map(lambda drawn: pattern.format(*drawn))
    return texts.map(lambda text: Secret(kind, text, text))


def _private_key(lines: list[str]) -> Secret:
    text = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END PRIVATE KEY-----\n"
    return Secret("private key", text, lines[0])


_PADDING: Final = st.sampled_from(["", "=", "=="])

SHAPED: Final = st.one_of(
    _kind("IAM token", "t1.{}{}.{}{}", _of(BASE64URL, 40, 200), _PADDING, _of(BASE64URL, 86), _PADDING),
    _kind("cookie of the console", "c1.{}.{}", _of(BASE64URL, 40, 90), _of(BASE64URL, 86)),
    _kind("OAuth token", "y{}_{}", st.sampled_from("0123456"), _of(BASE64URL, 55)).filter(
        lambda secret: any(map(str.isdigit, secret.text[3:]))
    ),
    _kind("OAuth token of before", "AQAA{}", _of(BASE64URL, 35)),
    _kind("JWT", "eyJ{}.{}.{}", _of(BASE64URL, 20, 80), _of(BASE64URL, 20, 200), _of(BASE64URL, 40, 342)),
    _kind("API key", "AQVN{}", _of(BASE64URL, 35, 38)),
    _kind("id of a static key", "YCAJE{}", _of(BASE64URL, 20)),
    _kind("static key", "YCP{}", _of(BASE64URL, 37)),
    _kind("id of a key of AWS", "AKIA{}", _of(string.ascii_uppercase + string.digits, 16)),
    st.lists(_of(string.ascii_letters + string.digits + "+", 64), min_size=2, max_size=5).map(_private_key),
)
OPAQUE: Final = _of(VISIBLE, 8, 64).map(lambda text: Secret("opaque", text, text))
PLAIN: Final = _of(string.ascii_letters + string.digits, 8, 40)
"""Passwords as most people have them."""
NAMED: Final = st.sampled_from(
    (
        *("iamToken", "iam_token", "jwt", "yandexPassportOauthToken", "access_token", "sessionToken"),
        *("accessKey", "access_key", "private_key", "apiKey", "api-key", "secret", "clientSecret"),
        *("password", "user_password", "X-Amz-Signature", "passwd", "db_pwd", "client_secret", "signing-key"),
    )
)
"""Names whose values are secrets, whatever they look like."""

AUTHORIZATIONS: Final = (
    *(
        "{}",
        "Bearer {}",
        "bearer   {}",
        "Bearer\t{}",
        "Basic {}",
        "Token {}",
        "ApiKey {}",
        "Token token={}",
        "Key  a {}",
    ),
    *('Digest username="a", realm="b", uri="/c", response="{}"', 'Hawk id="a", mac="{}"', "SharedKey account:{}"),
    *("AWS4-HMAC-SHA256 Credential=a/20261125, SignedHeaders=host;x-amz-date, Signature={}", 'MAC id="{}",nonce="a"'),
    *(
        'OAuth realm="Photos", oauth_signature="{}"',
        "Negotiate {}==",
        "{} and more",
        "Custom {}, v=1",
        "Token token={}",
    ),
)
"""Values of `Authorization`, of schemes that are known and of others."""

QUOTED: Final = (
    *("Authorization: {}", "sent proxy-authorization:{}", "GET / HTTP/1.1\r\nAuthorization: {}\r\nHost: h\r\n\r\n"),
    *("curl -H 'Authorization: {}' https://h/", "Cookie: a=b; session={}; c=d", "[Authorization: {}, Host: h]"),
)
"""Texts that quote a header."""
SENTENCES: Final = (
    *(
        "the password: my {} pass",
        "password => {}",
        "password = my {} pass, and more",
        "token: a b c {} folder=x",
        "secret:\n  in {}\n",
    ),
    *("password: a,{}", "password=a({})", "password=[{}]", "password: a&{}", "see https://h/?token={} for more"),
    *(
        'password="{}"/x',
        "Authorization=a {}",
        "bake --password={} --user=baker",
        "bake --password {}",
        "api_key: 'my {} key' of mine",
    ),
)
"""Texts in which a secret is named, and is not all that follows its name."""

WORDS: Final = (
    *("token", "password", "Authorization", "secret", "cookie", "api_key", "pwd", "key", "name", "image", "x"),
    *(
        ":",
        "=",
        ": ",
        '="',
        "'",
        '"',
        ",",
        ", ",
        ";",
        " ",
        "\n",
        "\t",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "&",
        "?",
        "--",
        "-",
    ),
    *("Bearer ", "Token ", "basic ", "abcdefgh1", "ubuntu-22.04", "a=1", "folder=b1g", "https://h/?token=z"),
    *("<token>", "</token>", "%20", "%", "+", "\\", "~SCRUBBED~", '{"a":'),
)
"""What texts about secrets are made of."""

ORDINARY: Final = Interaction(
    RecordedRequest(
        "POST",
        f"{HOST}/compute/v1/images?pageSize=10",
        (("content-type", "application/json"), ("idempotency-key", "2f0a0f6a-4b8e-4f6a-9d0e-3c5f0a0b0c0d")),
        json.dumps({"folderId": FOLDER, "name": "my-image", "labels": {"team": "bakers"}}).encode(),
    ),
    RecordedResponse(
        200,
        "OK",
        (("content-type", "application/json"), ("x-request-id", "5899fc83-b123-47b8-94c3-1ad1c0ffee00")),
        b'{\n "done": false,\n "id": "fd8m1tfm92krd3k0qpl1",\n "description": "Create image"\n}\n',
    ),
    at=1.5,
    duration=0.25,
)


def scrub(interaction: Interaction, rules: RedactionRules = NO_RULES) -> Interaction:
    """The interaction as a redactor of its own leaves it."""
    return Redactor(rules=rules).scrub(interaction)


def scrub_request(request: RecordedRequest, rules: RedactionRules = NO_RULES) -> RecordedRequest:
    """The request as a redactor of its own leaves it."""
    return Redactor(rules=rules).scrub_request(request)


def with_request(**parts: object) -> Interaction:
    """The ordinary interaction, with other parts of its request."""
    return ORDINARY._replace(request=ORDINARY.request._replace(**parts))  # type: ignore[arg-type]


def with_response(**parts: object) -> Interaction:
    """The ordinary interaction, with other parts of its answer."""
    return ORDINARY._replace(response=ORDINARY.response._replace(**parts))  # type: ignore[arg-type]


def _body(value: object) -> bytes:
    return json.dumps(value).encode()


def _line(text: str) -> str:
    return text.replace("\n", " ")


def _in_base64(text: str) -> str:
    return base64.b64encode(f"bakery:{text}".encode()).decode()


def _header(name: str, before: str = "") -> Callable[[str], Interaction]:
    return lambda text: with_request(headers=((name, before + _line(text)),))


def _uri(text: str) -> str:
    return f"https://storage.yandexcloud.net/bucket/disk.qcow2?{text}"


PLACES: Final[dict[str, Callable[[str], Interaction]]] = {
    "authorization": _header("authorization", "Bearer "),
    "authorization without a scheme": _header("authorization"),
    "cookie": _header("cookie", "session="),
    "a header that nobody knows": _header("x-from-me"),
    "idempotency-key": _header("idempotency-key"),
    "user-agent": _header("user-agent", "baker/1.0 "),
    "x-request-id": _header("x-request-id"),
    "field": lambda text: with_request(body=_body({"folderId": FOLDER, "description": text})),
    "deep field": lambda text: with_request(body=_body({"a": [{"b": {"c": [1, text, None]}}]})),
    "middle of a field": lambda text: with_request(body=_body({"description": f"made by {text}, at night"})),
    "name of a field": lambda text: with_request(body=_body({"labels": {text: "x"}})),
    "JSON in a field": lambda text: with_request(body=_body({"description": json.dumps({"a": text})})),
    "JSON after words in a field": lambda text: with_request(body=_body({"x": "see " + json.dumps({"a": text})})),
    "base64 in a field": lambda text: with_request(body=_body({"userData": _in_base64(text)})),
    "text": lambda text: with_request(body=f"it is {text}\n".encode(), headers=(("content-type", "text/plain"),)),
    "damaged JSON": lambda text: with_request(body=_body({"description": text})[:-1]),
    "bytes that are no UTF-8": lambda text: with_request(body=b"\xff\xfa " + text.encode() + b" \xff"),
    "form": lambda text: with_request(body=f"a=1&b={quote_plus(text)}&c=2".encode()),
    "JSON in a form": lambda text: with_request(body=f"payload={quote_plus(json.dumps({'a': text}))}".encode()),
    "path": lambda text: with_request(uri=f"{HOST}/compute/v1/images/{quote(text, safe='')}"),
    "query": lambda text: with_request(uri=f"{HOST}/compute/v1/images?a=1&filter={quote(text, safe='')}&b=2"),
    "query, with a plus": lambda text: with_request(uri=f"{HOST}/compute/v1/images?filter={quote_plus(f'by {text}')}"),
    "JSON in the query": lambda text: with_request(uri=f"{HOST}/x?a={quote_plus(json.dumps({'a': [text, 'b c']}))}"),
    "address in the query": lambda text: with_request(
        uri=f"{HOST}/x?next={quote('https://h/?a=' + quote(text, safe='') + '&b=1', safe='')}"
    ),
    "signature of a uri": lambda text: with_request(
        body=_body({"uri": _uri(f"X-Amz-Signature={quote(text, safe='')}&X-Amz-Expires=60")})
    ),
    "credential of a uri": lambda text: with_request(
        body=_body({"uri": _uri(f"AWSAccessKeyId={quote(text, safe='')}&Signature=c2ln%2BMQ%3D%3D&Expires=1764072000")})
    ),
    "user of the address": lambda text: with_request(uri=f"https://baker:{quote(text, safe='')}@h/compute/v1/images"),
    "user of a uri": lambda text: with_request(body=_body({"uri": f"https://baker:{quote(text, safe='')}@h/disk"})),
    "field of the answer": lambda text: with_response(body=_body({"error": {"message": f"bad value {text}"}})),
    "text of the answer": lambda text: with_response(body=f"invalid value {text} for type TYPE_INT".encode()),
    "reason": lambda text: with_response(reason=_line(text)),
    "location": lambda text: with_response(headers=(("location", f"/login?next=1&a={quote(text, safe='')}"),)),
    "grpc-message": lambda text: with_response(headers=(("grpc-message", quote(f"bad value {text}")),)),
    "set-cookie": lambda text: with_response(headers=(("set-cookie", f"session={_line(text)}; Secure"),)),
    "header of the answer that nobody knows": lambda text: with_response(headers=(("x-from-them", _line(text)),)),
}


def _form(body: str) -> Interaction:
    return with_request(body=body.encode(), headers=(("content-type", "application/x-www-form-urlencoded"),))


def _multipart(name: str, value: str) -> Interaction:
    parts = ({'file"; filename="a.txt': "some text", name: value, "b": "c"}).items()
    body = "".join(f'--4f1c\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{each}\r\n' for key, each in parts)
    headers = (("content-type", "multipart/form-data; boundary=4f1c"),)
    return with_request(body=f"{body}--4f1c--\r\n".encode(), headers=headers)


NAMED_PLACES: Final[dict[str, Callable[[str, str], Interaction]]] = {
    "field": lambda name, value: with_request(body=_body({name: value})),
    "list in a deep field": lambda name, value: with_request(body=_body({"a": [{name: [value]}]})),
    "JSON in a field": lambda name, value: with_request(body=_body({"text": json.dumps({name: value})})),
    "form": lambda name, value: _form(f"a=1&{quote_plus(name)}={quote_plus(value)}"),
    "list in a form": lambda name, value: _form(f"a=1&{name}[0]={quote_plus(value)}&{name}[1]=x"),
    "JSON in a form": lambda name, value: _form(f"a=1&payload={quote_plus(json.dumps({name: value}))}"),
    "JSON in a form that does not say it is one": lambda name, value: with_request(
        body=f"payload={quote_plus(json.dumps({name: value}))}&a=1".encode()
    ),
    "list in JSON in a form": lambda name, value: _form(f"payload={quote_plus(json.dumps([{name: [1, value]}]))}"),
    "object in JSON in a form": lambda name, value: _form(f"payload={quote_plus(json.dumps({name: {'a': value}}))}"),
    "JSON in the query": lambda name, value: with_request(
        uri=f"{HOST}/compute/v1/images?filter={quote_plus(json.dumps({name: value}))}&a=1"
    ),
    "JSON in the query, without a plus": lambda name, value: with_request(
        uri=f"{HOST}/compute/v1/images?filter={quote(json.dumps({name: value}), safe='')}"
    ),
    "JSON in the query of an address in a field": lambda name, value: with_request(
        body=_body({"uri": f"{HOST}/compute/v1/images?filter={quote_plus(json.dumps({name: [value]}))}"})
    ),
    "JSON in the query of an address in the query": lambda name, value: with_request(
        uri=f"{HOST}/x?next={quote_plus('https://h/?a=' + quote_plus(json.dumps({name: {'a': value}})))}"
    ),
    "condition in the query": lambda name, value: with_request(
        uri=HOST + "/compute/v1/images?filter=" + quote_plus(f"{name} = '{value}'")
    ),
    "condition in a form": lambda name, value: _form(f"filter={quote_plus(f'{name} : {value}')}"),
    "multipart form": _multipart,
    "multipart form of a single part": lambda name, value: with_request(
        body=f"--b\nContent-Disposition: form-data; name={name}\n\n{value}\n--b--\n".encode(), headers=()
    ),
    "JSON in a multipart form": lambda name, value: _multipart("payload", json.dumps({"a": [{name: [value]}]})),
    "XML": lambda name, value: with_request(body=f"<a><{name} b='c'>{escape(value)}</{name}></a>".encode()),
    "XML with a namespace": lambda name, value: with_request(body=f"<x:{name}>{escape(value)}</x:{name}>".encode()),
    "XML with its text marked": lambda name, value: with_request(
        body=f"<a>\n <{name}><![CDATA[{value}]]></{name}>\n</a>".encode()
    ),
    "deep in XML": lambda name, value: with_request(body=f"<{name}><a>{escape(value)}</a></{name}>".encode()),
    "attribute in XML": lambda name, value: with_request(body=f'<a {name}="{escape(value)}"/>'.encode()),
    "XML in a field": lambda name, value: with_request(body=_body({"a": f"see <{name}>{escape(value)}</{name}>"})),
    "XML in a form": lambda name, value: _form(f"a={quote_plus(f'<{name}>{escape(value)}</{name}>')}"),
}
"""Places for a value with a name."""


def _unescaped(text: str) -> str:
    return text.replace("\\\\", "\\").replace('\\"', '"').replace("\\/", "/")


def readings(saved: bytes) -> list[str]:
    """What is saved as it is, and without its escapes and its percent-encoding: where a text may be seen."""
    plain = saved.decode()
    bare = _unescaped(plain)
    deeper = [_unescaped(again(again(text))) for again in (unquote, unquote_plus) for text in (plain, bare)]
    return [plain, bare, unescape(bare), unquote(plain), unquote_plus(plain), *deeper]
