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
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.errors import SecretFoundError
from pytest_ycimages.redaction.rules import HEAD_HEADERS, REQUEST_HEADERS, RESPONSE_HEADERS, redaction_rules
from pytest_ycimages.redaction.shapes import EXPIRES_AT, IAM_TOKEN, SCRUBBED
from tests.cassette.secrets.kinds import HOST, ORDINARY, scrub, scrub_request, with_request, with_response

TOKEN: Final = "t1.9euelZqRyMqWmZeTzc.7f8Qj5qRlps" + "aB3" * 30
"""In the shape of an IAM token."""
JSON: Final = (("content-type", "application/json"),)


def request_body(value: object) -> object:
    """What is kept of a request's JSON."""
    return json.loads(scrub(with_request(body=json.dumps(value).encode())).request.body)


def response_body(value: object) -> object:
    """What is kept of an answer's JSON."""
    return json.loads(scrub(with_response(body=json.dumps(value).encode())).response.body)


def token_body(value: object, *, side: str) -> object:
    """What is kept of the JSON of a token exchange, on one of its sides."""
    body = json.dumps(value).encode()
    exchange = with_request(uri="https://iam.api.cloud.yandex.net/iam/v1/tokens", body=body)
    clean = scrub(exchange._replace(response=with_response(body=body).response))
    return json.loads(clean.request.body if side == "request" else clean.response.body)


def described(text: str) -> str:
    """What is kept of a description."""
    body = request_body({"description": text})
    assert isinstance(body, dict)
    return str(body["description"])


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
    scrubber = Redactor(rules=redaction_rules(keep_headers=["X-Bakery"]))
    headers = (("x-bakery", f"oven {TOKEN}"),)
    assert scrubber.scrub(with_request(headers=headers)).request.headers == (("x-bakery", f"oven {SCRUBBED}"),)


def test_an_iam_token_in_an_answer_becomes_one_of_the_same_shape() -> None:
    """Clients check its shape; and one that expired when it was recorded would be asked for without an end."""
    body = {"iamToken": TOKEN, "expiresAt": "2026-11-25T12:00:00.123456789Z"}
    assert token_body(body, side="response") == {"iamToken": IAM_TOKEN, "expiresAt": EXPIRES_AT}


def test_the_token_of_the_metadata_service_becomes_one_of_the_same_shape() -> None:
    """It says how long it lives in seconds, so that stays."""
    body = {"access_token": TOKEN, "expires_in": 41234, "token_type": "Bearer"}
    assert token_body(body, side="response") == {"access_token": IAM_TOKEN, "expires_in": 41234, "token_type": "Bearer"}


def test_a_token_exchange_is_scrubbed_on_both_sides() -> None:
    """In the body, in the query, and when a token is revoked."""
    assert token_body({"jwt": "eyJ0eXAi.eyJpc3Mi.c2ln"}, side="request") == {"jwt": SCRUBBED}
    assert token_body({"yandexPassportOauthToken": "y0_AgAAAA"}, side="request") == {
        "yandexPassportOauthToken": SCRUBBED
    }
    assert token_body({"iamToken": "opaque"}, side="request") == {"iamToken": SCRUBBED}
    assert kept_uri("https://iam/iam/v1/tokens?jwt=eyJ0.eyJp.c2ln") == f"https://iam/iam/v1/tokens?jwt={SCRUBBED}"
    body = {"serviceAccountId": "ajeol2afu1js0123456c"}
    assert token_body(body, side="request") == body


def test_a_request_that_is_no_json_is_stored_as_its_length() -> None:
    """A form, a multipart form, markup, damaged JSON, and bytes; redacted once is redacted for good."""
    for body in (
        b"grant_type=a&assertion=a%2Cb,c",
        b"--b\r\nform-data",
        b"<a>b</a>",
        b'{"name": "hunter2"',
        b"\xff\xfe\xfd",
    ):
        once = scrub(with_request(body=body))
        assert once.request.body == f"{SCRUBBED} ({len(body)} bytes)".encode()
        assert scrub(once) == once


def test_a_path_without_a_route_keeps_no_body_and_no_parameter() -> None:
    """Only a short answer in plain text, such as that of a gateway."""
    away = with_request(uri=f"{HOST}/x?folderId=b1g&a=x%20y", body=b'{"folderId": "b1g"}')
    clean = scrub(away._replace(response=with_response(body=b'{"id": "b1g"}').response))
    assert clean.request.uri == f"{HOST}/x?folderId={SCRUBBED}&a={SCRUBBED}"
    assert clean.request.body == f"{SCRUBBED} (19 bytes)".encode()
    assert clean.response.body == f"{SCRUBBED} (13 bytes)".encode()
    gone = away._replace(response=with_response(body=b"Not Found\n").response)
    assert scrub(gone).response.body == b"Not Found\n"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("name = 'x' AND password = 'my word'", f"name = 'x' AND password = '{SCRUBBED}'"),
        ('{"password":"my word"}', f'{{"password":"{SCRUBBED}"}}'),
    ],
)
def test_what_a_parameter_holds_is_read_as_whoever_gets_it_reads_it(sent: str, kept: str) -> None:
    """A plus is a space, and JSON is JSON; both are written again as they were."""
    for spelled in (quote_plus, quote):
        uri = f"{HOST}/compute/v1/images?pageSize=10&filter={spelled(sent)}"
        assert kept_uri(uri) == f"{HOST}/compute/v1/images?pageSize=10&filter={spelled(kept)}"


def test_fields_and_parameters_beyond_the_contract_lose_their_values() -> None:
    """They keep their names and their JSON types, at any depth and whatever they are called."""
    secret = "hT9kQ2vLx7Zp$Ab4Wd"  # noqa: S105 - made up
    names = [
        "pass",
        "DB_PASS",
        "adminPass",
        "ldap_pw",
        "encryptionKey",
        "hmacKey",
        "psk",
        "creds",
        "PHPSESSID",
        "pin",
        "code",
        "anything",
    ]
    for name in names:
        value = {"os": {name: [secret, {"a": secret, "b": 7, "c": None, "d": True, "e": ""}]}, "folderId": "b1g"}
        kept = {"os": {name: [SCRUBBED, {"a": SCRUBBED, "b": 0, "c": None, "d": True, "e": ""}]}, "folderId": "b1g"}
        assert request_body(value) == kept
        assert (
            kept_uri(f"{HOST}/compute/v1/images?{name}={quote(secret)}")
            == f"{HOST}/compute/v1/images?{name}={SCRUBBED}"
        )
    assert request_body({"name": {"a": secret}, "os": secret}) == {"name": {"a": SCRUBBED}, "os": SCRUBBED}


@pytest.mark.parametrize(
    "name", ["pass", "DB_PASS", "adminPass", "ldap_pw", "encryptionKey", "hmac_key", "psk", "creds", "PHPSESSID", "otp"]
)
def test_telling_names_of_labels_and_in_texts_lose_their_values(name: str) -> None:
    """Where any name is allowed, the name decides."""
    assert request_body({"labels": {name: "hunter2", "team": "bakers"}}) == {
        "labels": {name: SCRUBBED, "team": "bakers"}
    }
    assert described(f"for {name}=hunter2, of all") == f"for {name}={SCRUBBED}, of all"


def test_details_of_an_error_are_kept_by_their_type() -> None:
    """Those that the contract knows; of others only the type."""
    known = {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "5899fc83", "servingData": "x"}
    other = {"@type": "type.googleapis.com/google.rpc.DebugInfo", "requestId": "x", "detail": ["x"]}
    assert response_body({"code": 3, "message": "no", "details": [known, other]}) == {
        "code": 3,
        "message": "no",
        "details": [known | {"servingData": SCRUBBED}, other | {"requestId": SCRUBBED, "detail": [SCRUBBED]}],
    }


def test_both_spellings_and_both_revisions_of_the_contract_stay() -> None:
    """To the byte."""
    body = {
        "folder_id": "b1g",
        "minDiskSize": "4194304",
        "product_ids": ["f2e"],
        "hardwareGeneration": {"legacy_features": {"pciTopology": "PCI_TOPOLOGY_V1"}},
        "os": {"type": 1, "nvidia": {"driver": "535"}},
        "pooled": True,
    }
    text = json.dumps(body).encode()
    assert scrub(with_request(body=text)).request.body == text


def test_users_keep_fields_beyond_the_contract() -> None:
    """Their values are redacted as any text."""
    rules = redaction_rules(keep=("buildInfo",))
    body = {"build_info": {"host": "ci-7", "password": "hunter2", "see": f"by {TOKEN}"}, "other": "x"}
    clean = scrub(
        with_request(uri=f"{HOST}/compute/v1/images?buildInfo=7", body=json.dumps(body).encode()), rules
    ).request
    assert clean.uri.endswith("?buildInfo=7")
    assert json.loads(clean.body) == {
        "build_info": {"host": "ci-7", "password": SCRUBBED, "see": f"by {SCRUBBED}"},
        "other": SCRUBBED,
    }


def test_a_credential_in_json_in_a_parameter_or_in_a_field_is_remembered() -> None:
    """And removed wherever else it appears."""
    inner = json.dumps({"password": "opens-every-door"})
    later = with_request(body=b'{"description": "by opens-every-door"}')
    for first in (
        with_request(uri=f"{HOST}/x?filter={quote_plus(inner)}"),
        with_request(body=json.dumps({"userData": inner}).encode()),
    ):
        scrubber = Redactor()
        scrubber.scrub(first)
        assert json.loads(scrubber.scrub(later).request.body) == {"description": f"by {SCRUBBED}"}


@pytest.mark.parametrize("name", ["password", "client_secret", "pwd", "passwd"])
def test_what_opens_something_is_removed_beside_its_name(name: str) -> None:
    """In JSON and in a form."""
    value = "Zq8-vR3nT5wLk2Pd"
    kept = {name: SCRUBBED, "description": f"uses {SCRUBBED}"}
    assert request_body({name: value, "description": f"uses {value}"}) == kept
    form = with_request(body=f"{name}={value}".encode())._replace(
        response=with_response(body=f"no {value}".encode()).response
    )
    assert scrub(form).response.body == f"no {SCRUBBED}".encode()


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
    assert request_body({name: 12345}) == {name: 0}
    assert request_body({name: {"b": ["x", 1], "c": None}}) == {name: {"b": [SCRUBBED, 0], "c": None}}
    assert request_body({name: ""}) == {name: ""}
    assert request_body({name: True}) == {name: True}


@pytest.mark.parametrize(
    "name", ["pageToken", "nextPageToken", "page_token", "tokenType", "token_type", "kmsKey", "keys"]
)
def test_names_that_only_look_like_a_secrets_stay(name: str) -> None:
    """What the API itself sends above all."""
    assert request_body({"labels": {name: "CgRmZDh2"}}) == {"labels": {name: "CgRmZDh2"}}
    if name in {"pageToken", "page_token"}:
        uri = f"{HOST}/compute/v1/images?{name}=CgRmZDh2"
        assert kept_uri(uri) == uri


def test_the_query_of_an_address_in_a_text_loses_its_values() -> None:
    """Such as a signature, in either way of signing; the path and the names of the parameters stay."""
    names = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Expires", "X-Amz-Signature", "AWSAccessKeyId", "Expires")
    uri = "https://storage.yandexcloud.net/bucket/disk.qcow2?"
    sent, kept = (uri + "&".join(f"{name}={value}" for name in names) for value in ("20261125%2Fru%2Bs3", SCRUBBED))
    assert request_body({"uri": sent}) == {"uri": kept}
    assert response_body({"message": f"cannot read {sent} now"}) == {"message": f"cannot read {kept} now"}
    assert kept_uri(sent) == kept


def test_the_user_in_an_address_goes() -> None:
    """From the request's own altogether, so that it is the same as without; in a text, it leaves a mark."""
    assert kept_uri("https://baker:pass@word@h/d/x@y") == "https://h/d/x@y"
    assert request_body({"uri": "https://baker:pw@h/d"}) == {"uri": f"https://{SCRUBBED}@h/d"}


def test_a_credential_is_removed_wherever_else_it_appears() -> None:
    """In the same interaction and in later ones; in base64 and in a path as well."""
    scrubber = Redactor()
    scrubber.scrub(with_request(headers=(("authorization", 'Bearer my"secret/word'),)))
    body = json.dumps({"name": 'my"secret/word!', "description": "eDpteSJzZWNyZXQvd29yZA=="}).encode()
    uri = f"{HOST}/a/my%22secret%2Fword/b"
    assert scrubber.scrub_request(with_request(uri=uri).request).uri == f"{HOST}/a/{SCRUBBED}/b"
    later = scrubber.scrub(with_request(body=body))
    assert json.loads(later.request.body)["name"] == f"{SCRUBBED}!"
    assert "bXkic2VjcmV0L3dvcm" not in later.request.body.decode()


def test_what_says_how_something_was_signed_is_no_credential() -> None:
    """An address or a name that stands in an `Authorization` stays what it is elsewhere."""
    scrubber = Redactor()
    digest = 'Digest username="baker-of-images", uri="/compute/v1/images", algorithm=SHA-256-sess, mac="6629fae4"'
    request = with_request(headers=(("authorization", digest),)).request
    assert scrubber.scrub_request(request).uri == request.uri
    assert scrubber.known == {digest.partition(" ")[2], "6629fae4"}


def test_what_a_token_answer_gave_is_removed_later() -> None:
    """A token of no known shape too."""
    scrubber = Redactor()
    scrubber.scrub(with_response(body=b'{"iamToken": "an-opaque-token"}'))
    later = scrubber.scrub(with_request(body=b'{"description": "by an-opaque-token"}'))
    assert json.loads(later.request.body) == {"description": f"by {SCRUBBED}"}


def test_a_credential_that_is_handed_in_is_removed_from_the_first_interaction_on() -> None:
    """Such as the one from the environment. A very short one would break words."""
    scrubber = Redactor(["from-the-environment", "fd8"])
    scrubbed = scrubber.scrub(with_request(body=b'{"name": "fd8 from-the-environment"}'))
    assert json.loads(scrubbed.request.body) == {"name": f"fd8 {SCRUBBED}"}
    assert scrubber.known == {"from-the-environment"}


def test_a_placeholder_that_comes_back_as_a_credential_is_not_learned() -> None:
    """A client that replays a token answer sends it, and answers must keep it."""
    scrubber = Redactor()
    scrubber.scrub_request(with_request(headers=(("authorization", f"Bearer {IAM_TOKEN}"),)).request)
    assert not scrubber.known
    answer = json.dumps({"iamToken": IAM_TOKEN})
    exchange = with_request(uri="https://iam.api.cloud.yandex.net/iam/v1/tokens")
    exchange = exchange._replace(response=with_response(body=answer.encode()).response)
    assert json.loads(scrubber.scrub(exchange).response.body) == {"iamToken": IAM_TOKEN}


def test_a_scrubber_does_not_show_what_it_knows() -> None:
    """It may be printed by accident."""
    assert repr(Redactor(["from-the-environment"])) == "Redactor(<1 known>)"


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, lambda body: zlib.compress(body)[2:-4]])
def test_a_compressed_body_is_stored_decoded(encode: object) -> None:
    """Without its Content-Encoding, and without a length that would no longer be true."""
    assert callable(encode)
    name = "gzip" if encode is gzip.compress else "deflate"
    body = encode(json.dumps({"description": TOKEN}).encode())
    headers = (*JSON, ("content-encoding", name), ("content-length", str(len(body))))
    response = scrub(with_response(headers=headers, body=body)).response
    assert json.loads(response.body) == {"description": SCRUBBED}
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
    """In a message, and in quotes."""
    for sent, kept in (
        ("the password: hunter2, of all", f"the password: {SCRUBBED}, of all"),
        ("Authorization: Bearer abc", f"Authorization: {SCRUBBED}"),
        ('see {"password": "a b", ', f'see {{"password": "{SCRUBBED}", '),
    ):
        assert scrub(with_response(body=sent.encode())).response.body.decode() == kept
        assert described(sent) == kept


@pytest.mark.parametrize(
    "text",
    [
        "<a><password>{}</password><b>c</b></a>",
        "<token><![CDATA[{}]]></token>",
        '<a password="{}"/><password/>',
        '--4f1c\r\nContent-Disposition: form-data; name="password"\r\n\r\n{}\r\n--4f1c--\r\n',
        "x" * 1025 + " {}",
        "é {}",
    ],
)
def test_an_answer_that_is_neither_json_nor_a_short_message_is_stored_as_its_length(text: str) -> None:
    """Markup, forms, long texts, and other letters than ASCII."""
    for before in ("", "see "):
        body = (before + text.format("hunter2")).encode()
        assert scrub(with_response(body=body)).response.body == f"{SCRUBBED} ({len(body)} bytes)".encode()


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
    rules = redaction_rules(("ticket", "re:tkt-[0-9]{4}"))
    body = json.dumps({"labels": {"Ticket": "a", "myTicket": "b"}, "name": "see tkt-1234"}).encode()
    scrubbed = scrub(with_request(uri=f"{HOST}/compute/v1/images?ticket=a&filter=tkt%2D1234", body=body), rules).request
    assert json.loads(scrubbed.body) == {"labels": {"Ticket": SCRUBBED, "myTicket": "b"}, "name": f"see {SCRUBBED}"}
    assert scrubbed.uri == f"{HOST}/compute/v1/images?ticket={SCRUBBED}&filter={SCRUBBED}"
    family = scrub(with_request(body=b'{"family": "a", "name": "b"}'), redaction_rules("family")).request
    assert json.loads(family.body) == {"family": SCRUBBED, "name": "b"}


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("two words", "invalid field name 'two words'"),
        ("re:[", r"invalid regular expression '\['"),
        ("re:a*", "matches the empty text"),
        ("allow:(", r"invalid regular expression '\('"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(word: str, text: str) -> None:
    """When it is read, not when it is used."""
    with pytest.raises(UsageError, match=text):
        redaction_rules((word,))


def test_json_keeps_its_form() -> None:
    """Indented or not, with its letters or their escapes, and the order of its names."""
    sent = '{\n "family": "имя",\n "password": "x",\n "a": 0\n}'
    assert scrub(with_request(body=sent.encode())).request.body.decode() == sent.replace('"x"', f'"{SCRUBBED}"')
    sent = '{"name":"\\ud83d","password":"x","minDiskSize":1.5}'
    assert scrub(with_request(body=sent.encode())).request.body.decode() == sent.replace('"x"', f'"{SCRUBBED}"')


def test_json_in_utf16_is_read() -> None:
    """Some clients on Windows send it."""
    body = json.dumps({"password": "x"}).encode("utf-16")
    assert json.loads(scrub(with_request(body=body)).request.body) == {"password": SCRUBBED}


def test_json_too_deep_to_be_read_is_stored_as_its_length() -> None:
    """Nothing of it is kept."""
    body = "[" * 5000 + '{"password": "hunter2"}' + "]" * 5000
    assert scrub(with_request(body=body.encode())).request.body == f"{SCRUBBED} ({len(body)} bytes)".encode()


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
