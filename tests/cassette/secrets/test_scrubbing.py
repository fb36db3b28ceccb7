"""What is scrubbed, where, and what stays."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import pytest

from pytest_ycimages import UsageError
from pytest_ycimages.cassette.interaction import RecordedRequest
from pytest_ycimages.cassette.placeholders import EXPIRES_AT, IAM_TOKEN, SCRUBBED
from pytest_ycimages.cassette.redact import Scrubber, scrub, scrub_request
from pytest_ycimages.cassette.scrub_headers import HEAD_HEADERS, REQUEST_HEADERS, RESPONSE_HEADERS
from pytest_ycimages.cassette.scrub_rules import scrub_rules_of
from pytest_ycimages.errors import SecretFoundError
from tests.cassette.secrets.kinds import HOST, ORDINARY, with_request, with_response

TOKEN: Final = "t1.9euelZqRyMqWmZeTzc.7f8Qj5qRlps" + "aB3" * 30
"""In the shape of an IAM token."""
JSON: Final = (("content-type", "application/json"),)


def request_body(value: object) -> object:
    """What is kept of a request's JSON."""
    return json.loads(scrub(with_request(body=json.dumps(value).encode())).request.body)


def response_body(value: object) -> object:
    """What is kept of an answer's JSON."""
    return json.loads(scrub(with_response(body=json.dumps(value).encode())).response.body)


def kept_uri(uri: str) -> str:
    """What is kept of a request's address."""
    return scrub_request(RecordedRequest("GET", uri)).uri


def test_an_interaction_without_secrets_stays_as_it_is() -> None:
    """To the byte, its indentation included."""
    assert scrub(ORDINARY) == ORDINARY


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (f"Bearer {TOKEN}", f"Bearer {SCRUBBED}"),
        ("bearer x", f"bearer {SCRUBBED}"),
        ("Basic dXNlcjpwYXNz", f"Basic {SCRUBBED}"),
        ("Api-Key AQVN0", f"Api-Key {SCRUBBED}"),
        ("Bearer\tx", f"Bearer {SCRUBBED}"),
        ("whatever it is", SCRUBBED),
        ("", SCRUBBED),
        ("opaque", SCRUBBED),
    ],
)
def test_of_authorization_only_the_scheme_is_kept(sent: str, kept: str) -> None:
    """Whether a client sent a credential, and of which kind, is part of what happened."""
    assert scrub(with_request(headers=(("authorization", sent),))).request.headers == (("authorization", kept),)


def test_headers_that_nobody_knows_are_left_out() -> None:
    """So are cookies, and what belongs to the connection."""
    names = (
        "cookie",
        "x-api-key",
        "x-anything",
        "traceparent",
        "connection",
        "content-length",
        "accept-encoding",
        "host",
    )
    assert scrub(with_request(headers=tuple((name, "1") for name in names))).request.headers == ()
    names_of_answers = ("set-cookie", "transfer-encoding", "connection", "content-length", "x-anything")
    assert scrub(with_response(headers=tuple((name, "1") for name in names_of_answers))).response.headers == ()


def test_the_documentation_names_the_headers_that_are_kept() -> None:
    """All of them, each on its side."""
    page = (Path(__file__).parents[3] / "docs/explanation/secrets.md").read_text()
    both, requests, answers, head = (
        set(re.findall(r"`([a-z-]+)`", part))
        for part in page.partition("kept:")[2].partition("## ")[0].split("\n- ")[1:]
    )
    assert REQUEST_HEADERS - {"content-encoding"} == both | requests
    assert RESPONSE_HEADERS - {"content-encoding"} == both | answers
    assert head == HEAD_HEADERS


def test_an_answer_keeps_the_headers_that_clients_read() -> None:
    """In their order, with their values."""
    headers = (
        ("content-type", "application/json"),
        ("retry-after", "3"),
        ("x-operation-poll-interval", "2"),
        ("location", "/operations/fd8m1tfm92krd3k0qpl1?token_type=bearer"),
        ("x-request-id", "5899fc83-b123-47b8-94c3-1ad1c0ffee00"),
        ("x-server-trace-id", "7ac1a5e1f00dbeef:7ac1a5e1f00dbeef:7ac1a5e1f00dbeef:1"),
        ("date", "Wed, 25 Nov 2026 12:00:00 GMT"),
    )
    assert scrub(with_response(headers=headers)).response.headers == headers


def test_a_header_may_be_kept_by_its_name() -> None:
    """Its value is scrubbed like any other text."""
    scrubber = Scrubber(rules=scrub_rules_of(keep_headers=["X-Bakery"]))
    headers = (("x-bakery", f"oven {TOKEN}"),)
    assert scrubber.scrub(with_request(headers=headers)).request.headers == (("x-bakery", f"oven {SCRUBBED}"),)


def test_an_iam_token_in_an_answer_becomes_one_of_the_same_shape() -> None:
    """Clients check its shape; and one that expired when it was recorded would be asked for without an end."""
    body = {"iamToken": TOKEN, "expiresAt": "2026-11-25T12:00:00.123456789Z"}
    assert response_body(body) == {"iamToken": IAM_TOKEN, "expiresAt": EXPIRES_AT}


def test_the_token_of_the_metadata_service_becomes_one_of_the_same_shape() -> None:
    """It says how long it lives in seconds, so that stays."""
    body = {"access_token": TOKEN, "expires_in": 41234, "token_type": "Bearer"}
    assert response_body(body) == {"access_token": IAM_TOKEN, "expires_in": 41234, "token_type": "Bearer"}


def test_a_token_exchange_is_scrubbed_on_both_sides() -> None:
    """In the body, in the query, and when a token is revoked."""
    assert request_body({"jwt": "eyJ0eXAi.eyJpc3Mi.c2ln"}) == {"jwt": SCRUBBED}
    assert request_body({"yandexPassportOauthToken": "y0_AgAAAA"}) == {"yandexPassportOauthToken": SCRUBBED}
    assert request_body({"iamToken": "opaque"}) == {"iamToken": IAM_TOKEN}
    assert kept_uri("https://iam/iam/v1/tokens?jwt=eyJ0.eyJp.c2ln") == f"https://iam/iam/v1/tokens?jwt={SCRUBBED}"
    body = {"serviceAccountId": "ajeol2afu1js0123456c"}
    assert request_body(body) == body


def test_a_form_is_scrubbed_by_the_names_in_it() -> None:
    """As curl sends one."""
    headers = (("content-type", "application/x-www-form-urlencoded"),)
    scrubbed = scrub(with_request(headers=headers, body=b'grant_type=jwt-bearer&assertion=a%2Cb,c&password=x;y"z'))
    assert scrubbed.request.body == f"grant_type=jwt-bearer&assertion={SCRUBBED}&password={SCRUBBED}".encode()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('{"password": "my word"}', f'{{"password":"{SCRUBBED}"}}'),
        ('[{"a": "x+y", "token": ["b", {"c": 1}]}]', f'[{{"a":"x+y","token":["{SCRUBBED}",{{"c":"{SCRUBBED}"}}]}}]'),
        ("name = 'x' AND password = 'my word'", f"name = 'x' AND password = '{SCRUBBED}'"),
    ],
)
def test_what_a_parameter_holds_is_read_as_whoever_gets_it_reads_it(sent: str, kept: str) -> None:
    """A plus is a space, and JSON is JSON; both are written again as they were."""
    for spelled in (quote_plus, quote):
        form = with_request(
            headers=(("content-type", "application/x-www-form-urlencoded"),),
            body=f"a=1&payload={spelled(sent)}&b=1+1".encode(),
        )
        assert scrub(form).request.body == f"a=1&payload={spelled(kept)}&b=1+1".encode()
        uri = f"{HOST}/compute/v1/images?pageSize=10&filter={spelled(sent)}"
        assert kept_uri(uri) == f"{HOST}/compute/v1/images?pageSize=10&filter={spelled(kept)}"
        assert request_body({"see": f"{uri}, it says"}) == {"see": f"{kept_uri(uri)}, it says"}


def test_a_credential_in_json_in_a_parameter_or_in_a_field_is_remembered() -> None:
    """And removed wherever else it appears."""
    inner = json.dumps({"password": "opens-every-door"})
    later = with_request(body=b'{"description": "by opens-every-door"}')
    for first in (
        with_request(uri=f"{HOST}/x?filter={quote_plus(inner)}"),
        with_request(body=json.dumps({"userData": inner}).encode()),
    ):
        scrubber = Scrubber()
        scrubber.scrub(first)
        assert json.loads(scrubber.scrub(later).request.body) == {"description": f"by {SCRUBBED}"}


@pytest.mark.parametrize("name", ["password", "client_secret", "pwd", "passwd"])
def test_what_opens_something_is_removed_beside_its_name(name: str) -> None:
    """In JSON and in a form."""
    value = "Zq8-vR3nT5wLk2Pd"
    assert request_body({name: value, "a": f"uses {value}"}) == {name: SCRUBBED, "a": f"uses {SCRUBBED}"}
    form = with_request(
        headers=(("content-type", "application/x-www-form-urlencoded"),), body=f"{name}={value}&a=uses+{value}".encode()
    )
    assert scrub(form).request.body == f"{name}={SCRUBBED}&a=uses+{SCRUBBED}".encode()


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "user_password",
        "clientSecret",
        "client-secret",
        "accessKey",
        "private_key",
        "oauthToken",
        "password2",
        "token[0]",
    ],
)
def test_a_field_is_known_by_its_name_however_it_is_spelled(name: str) -> None:
    """At any depth; texts, numbers, and whatever is inside; what cannot be secret stays."""
    assert request_body({"a": [{name: "x"}]}) == {"a": [{name: SCRUBBED}]}
    assert request_body({name: 12345}) == {name: SCRUBBED}
    assert request_body({name: {"b": ["x", 1], "c": None}}) == {name: {"b": [SCRUBBED, SCRUBBED], "c": None}}
    assert request_body({name: ""}) == {name: ""}
    assert request_body({name: True}) == {name: True}


@pytest.mark.parametrize(
    "name", ["pageToken", "nextPageToken", "page_token", "tokenType", "token_type", "kmsKey", "keys"]
)
def test_names_that_only_look_like_a_secrets_stay(name: str) -> None:
    """What the API itself sends above all."""
    assert request_body({name: "CgRmZDh2"}) == {name: "CgRmZDh2"}
    assert kept_uri(f"{HOST}/x?{name}=CgRmZDh2") == f"{HOST}/x?{name}=CgRmZDh2"


def test_a_signed_address_keeps_its_path_and_its_parameters() -> None:
    """In a body, and in the text of an error; what says how it was signed stays."""
    signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={0}&X-Amz-Date={0}&X-Amz-Expires=60&X-Amz-Signature={0}"
    uri = "https://storage.yandexcloud.net/bucket/disk.qcow2?" + signed
    sent, kept = uri.format("20261125%2Fru-central1%2Fs3%2Faws4_request"), uri.format(SCRUBBED)
    assert request_body({"uri": sent}) == {"uri": kept}
    assert response_body({"message": f"cannot read {sent}."}) == {"message": f"cannot read {kept}"}
    assert kept_uri(sent) == kept


def test_an_address_signed_in_the_older_way_loses_when_it_expires() -> None:
    """That is as new each time as the signature, and would keep it from being matched."""
    uri = "https://h/d?AWSAccessKeyId={0}&Expires={1}&Signature={0}"
    assert request_body({"uri": uri.format("abc%2B", "1764072000")}) == {"uri": uri.format(SCRUBBED, SCRUBBED)}
    assert kept_uri("https://h/d?Expires=1764072000") == "https://h/d?Expires=1764072000"


def test_the_user_in_an_address_goes() -> None:
    """From the request's own altogether, so that it is the same as without; in a text, it leaves a mark."""
    assert kept_uri("https://baker:pass@word@h/d?a=x@y") == "https://h/d?a=x@y"
    assert request_body({"uri": "https://baker:pw@h/d"}) == {"uri": f"https://{SCRUBBED}@h/d"}


def test_a_credential_is_removed_wherever_else_it_appears() -> None:
    """In the same interaction and in later ones; in base64 and in a path as well."""
    scrubber = Scrubber()
    scrubber.scrub(with_request(headers=(("authorization", 'Bearer my"secret/word'),)))
    body = json.dumps({"a": 'my"secret/word!', "b": "eDpteSJzZWNyZXQvd29yZA=="}).encode()
    later = scrubber.scrub(with_request(uri=f"{HOST}/a/my%22secret%2Fword/b", body=body))
    assert later.request.uri == f"{HOST}/a/{SCRUBBED}/b"
    assert json.loads(later.request.body)["a"] == f"{SCRUBBED}!"
    assert "bXkic2VjcmV0L3dvcm" not in later.request.body.decode()


def test_what_says_how_something_was_signed_is_no_credential() -> None:
    """An address or a name that stands in an `Authorization` stays what it is elsewhere."""
    scrubber = Scrubber()
    digest = 'Digest username="baker-of-images", uri="/compute/v1/images", algorithm=SHA-256-sess, mac="6629fae4"'
    request = with_request(headers=(("authorization", digest),)).request
    assert scrubber.scrub_request(request).uri == request.uri
    assert scrubber.known == {digest.partition(" ")[2], "6629fae4"}


def test_what_a_token_answer_gave_is_removed_later() -> None:
    """A token of no known shape too."""
    scrubber = Scrubber()
    scrubber.scrub(with_response(body=b'{"iamToken": "an-opaque-token"}'))
    later = scrubber.scrub(with_request(body=b'{"description": "by an-opaque-token"}'))
    assert json.loads(later.request.body) == {"description": f"by {SCRUBBED}"}


def test_a_credential_that_is_handed_in_is_removed_from_the_first_interaction_on() -> None:
    """Such as the one from the environment. A very short one would break words."""
    scrubber = Scrubber(["from-the-environment", "fd8"])
    scrubbed = scrubber.scrub(with_request(body=b'{"a": "fd8 from-the-environment"}'))
    assert json.loads(scrubbed.request.body) == {"a": f"fd8 {SCRUBBED}"}
    assert scrubber.known == {"from-the-environment"}


def test_a_placeholder_that_comes_back_as_a_credential_is_not_learned() -> None:
    """A client that replays a token answer sends it, and answers must keep it."""
    scrubber = Scrubber()
    scrubber.scrub_request(with_request(headers=(("authorization", f"Bearer {IAM_TOKEN}"),)).request)
    assert not scrubber.known
    answer = json.dumps({"iamToken": IAM_TOKEN})
    assert json.loads(scrubber.scrub(with_response(body=answer.encode())).response.body) == {"iamToken": IAM_TOKEN}


def test_a_scrubber_does_not_show_what_it_knows() -> None:
    """It may be printed by accident."""
    assert repr(Scrubber(["from-the-environment"])) == "Scrubber(<1 known>)"


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, lambda body: zlib.compress(body)[2:-4]])
def test_a_compressed_body_is_stored_decoded(encode: object) -> None:
    """Without its Content-Encoding, and without a length that would no longer be true."""
    assert callable(encode)
    name = "gzip" if encode is gzip.compress else "deflate"
    body = encode(json.dumps({"iamToken": TOKEN}).encode())
    headers = (*JSON, ("content-encoding", name), ("content-length", str(len(body))))
    response = scrub(with_response(headers=headers, body=body)).response
    assert json.loads(response.body) == {"iamToken": IAM_TOKEN}
    assert response.headers == JSON


@pytest.mark.parametrize(
    ("name", "body"), [("zstd", b"(zstd"), ("gzip", b"no gzip"), ("gzip", gzip.compress(b"x", mtime=0)[:-5])]
)
def test_a_body_that_cannot_be_decoded_is_refused(name: str, body: bytes) -> None:
    """What cannot be looked through is not saved."""
    with pytest.raises(SecretFoundError, match=rf"Content-Encoding '{name}' cannot be looked through.*Accept-Encoding"):
        scrub(with_response(headers=(("content-encoding", name),), body=body))


def test_a_name_that_stands_twice_hides_nothing() -> None:
    """JSON readers take the last; the first is in the bytes all the same."""
    body = f'{{"password": "hunter2", "password": "{SCRUBBED}"}}'.encode()
    assert b"hunter2" not in scrub(with_request(body=body)).request.body


def test_names_with_values_in_text_are_scrubbed() -> None:
    """In a message, in JSON that is damaged, and in quotes."""
    for sent, kept in (
        ("the password: hunter2, of all", f"the password: {SCRUBBED}, of all"),
        ("Authorization: Bearer abc", f"Authorization: {SCRUBBED}"),
        ('{"password": "a b", ', f'{{"password": "{SCRUBBED}", '),
    ):
        assert scrub(with_response(body=sent.encode())).response.body.decode() == kept


def test_a_part_of_a_multipart_form_is_scrubbed_by_its_name() -> None:
    """The others, and what says where a part ends, stay; JSON in a part is scrubbed as JSON."""
    parts = (("a", "b"), ("password", "{}"), ("Token", "-- {}\r\n--"), ("payload", '{{"secret":["{}"]}}'), ("pwd", ""))
    form = "".join(f'--4f1c\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{{}}\r\n' for name, _ in parts)
    sent = form.format(*(text.format("x y") for _, text in parts)) + "--4f1c--\r\n"
    kept = form.format("b", SCRUBBED, SCRUBBED, f'{{"secret":["{SCRUBBED}"]}}', "") + "--4f1c--\r\n"
    headers = (("content-type", "multipart/form-data; boundary=4f1c"),)
    assert scrub(with_request(headers=headers, body=sent.encode())).request.body.decode() == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("<a><password>{}</password><b>c</b></a>", "<a><password>{}</password><b>c</b></a>"),
        ("<a:pwd x='1'> {} </a:pwd>", "<a:pwd x='1'>{}</a:pwd>"),
        ("<token><![CDATA[{}]]></token>", "<token>{}</token>"),
        ("<secret><a>{}</a><b/></secret>", "<secret>{}</secret>"),
        ('<a password="{}"/><password/>', '<a password="{}"/><password/>'),
    ],
)
def test_an_element_of_xml_is_scrubbed_by_its_name(sent: str, kept: str) -> None:
    """With all that is in it; in a body and in a text."""
    for before in ("<?xml version='1.0'?>\n", "see "):
        body = (before + sent.format("x &amp; y")).encode()
        assert scrub(with_response(body=body)).response.body.decode() == before + kept.format(SCRUBBED)


@pytest.mark.parametrize(
    "text",
    [
        "bake --user=<name> <token> <password>",
        "<NextPageToken>CgRmZDh2</NextPageToken>",
        "The token is invalid",
        "The required field 'kid' is missing from the JWT header",
        "Bearer authentication is required",
        "basic ubuntu-22.04 image",
        "Permission denied to folder b1gaec42k169jqpo02f7",
        "name=\"x\" AND family IN ('a', 'b')",
        "part1.of-a-name-that-is-long.and-goes-on",
        "invalid value 12345 for type TYPE_STRING",
        "operation fd8m1tfm92krd3k0qpl1:cancel",
        "100 % of it, 50%25 off",
        "mail to baker@example.com",
    ],
)
def test_what_people_and_the_api_write_stays(text: str) -> None:
    """Words about credentials are no credentials."""
    assert response_body({"message": text}) == {"message": text}


def test_users_add_names_and_shapes() -> None:
    """Beside what is always scrubbed."""
    rules = scrub_rules_of(("ticket", "re:tkt-[0-9]{4}"))
    body = json.dumps({"Ticket": "a", "myTicket": "b", "text": "see tkt-1234"}).encode()
    scrubbed = scrub(with_request(uri=f"{HOST}/x?ticket=a&text=tkt%2D1234", body=body), rules).request
    assert json.loads(scrubbed.body) == {"Ticket": SCRUBBED, "myTicket": "b", "text": f"see {SCRUBBED}"}
    assert scrubbed.uri == f"{HOST}/x?ticket={SCRUBBED}&text={SCRUBBED}"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("two words", "'two words' is no name"),
        ("re:[", "'\\[' is no regular expression"),
        ("re:a*", "matches a text with nothing"),
        ("allow:(", "'\\(' is no regular expression"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(word: str, text: str) -> None:
    """When it is read, not when it is used."""
    with pytest.raises(UsageError, match=text):
        scrub_rules_of((word,))


def test_json_keeps_its_form() -> None:
    """Indented or not, with its letters or their escapes, and the order of its names."""
    sent = '{\n "ключик": "имя",\n "password": "x",\n "a": 1\n}'
    assert scrub(with_request(body=sent.encode())).request.body.decode() == sent.replace('"x"', f'"{SCRUBBED}"')
    sent = '{"b":"\\ud83d","password":"x","a":1.5}'
    assert scrub(with_request(body=sent.encode())).request.body.decode() == sent.replace('"x"', f'"{SCRUBBED}"')


def test_json_in_utf16_is_read() -> None:
    """Some clients on Windows send it."""
    body = json.dumps({"password": "x"}).encode("utf-16")
    assert json.loads(scrub(with_request(body=body)).request.body) == {"password": SCRUBBED}


def test_json_too_deep_to_be_read_is_scrubbed_as_text() -> None:
    """By names and shapes, as far as that goes."""
    body = "[" * 5000 + '{"password": "hunter2"}' + "]" * 5000
    assert b"hunter2" not in scrub(with_request(body=body.encode())).request.body


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((("x-client-token", "nightly-1"),), {}),
        ((("idempotency-token", "nightly-1"),), {}),
        ((("proxy-authorization", "Custom user=nightly-1, key=Zq8vR3nT5wLk2Pd"),), {}),
        ((), {"labels": {"session-id": "nightly-1"}}),
        ((), {"labels": {"pass": "nightly-1"}}),
    ],
)
def test_names_that_tell_one_request_from_another_are_no_secrets_elsewhere(
    headers: tuple[tuple[str, str], ...], body: dict[str, object]
) -> None:
    """A client that is replayed reads the name that it gave."""
    text = json.dumps({**body, "name": "nightly-1"}).encode()
    clean = scrub(with_request(headers=headers, body=text))
    assert json.loads(clean.request.body)["name"] == "nightly-1"
