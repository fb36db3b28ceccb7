"""What the detector finds, where it says that it is, what it leaves alone, and how saving is refused."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double
from pytest_ycimages.cassette.detector import Finding, check_before_saving, find_secrets
from pytest_ycimages.cassette.file import item_text
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.errors import SecretFoundError
from pytest_ycimages.redaction.shapes import IAM_TOKEN, SCRUBBED
from tests.cassette.secrets.kinds import HOST, with_request, with_response
from tests.cassette.secrets.traffic import FIELDS, KEYS, Traffic

SIGNATURE: Final = "7f8Qj5qRlps" + "xB3" * 25
TOKEN: Final = f"t1.9euelZqRyMqWmZeTzc.{SIGNATURE}"
JWT: Final = "eyJ0eXAiOiJKV1QiLCJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJhamVvbDJhZnUxanMwMTIzNDU2YyJ9.c2lnbmF0dXJl"
DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def rules(data: str | bytes, known: tuple[str, ...] = (), allow: tuple[str, ...] = ()) -> set[str]:
    """The names of the rules that find something."""
    return {find.rule for find in find_secrets(data, known, allow)}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (TOKEN, "iam-token"),
        (TOKEN[:40], "iam-token"),
        (f"c1{TOKEN[2:]}", "iam-token"),
        (JWT, "json-web-token"),
        ("y0_AgAAAABhbGljZQATuwQAAAADabcdefghijklmnop", "oauth-token"),
        ("AQAAAAAhbGljZQATuwQAAAADabcdefghijklmnop", "oauth-token"),
        ("AQVN0x35bd5AgbWb6f4WpwEW0_2f4sYy5aH5Z_aM", "api-key"),
        ("YCAJEabcdefghijklmnopqrst", "static-key"),
        ("YCPabcdefghijklmnopqrstuvwxyz0123456789ab", "static-key"),
        ("AKIAIOSFODNN7EXAMPLE", "aws-key"),
        ("ghp_" + "aB3" * 12, "token-of-another-service"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private-key"),
        ("-----END ENCRYPTED PRIVATE KEY-----", "private-key"),
        ("Bearer 0123456789Abcdef", "authorization"),
        ("Basic dXNlcjpwYXNzd29yZDE=", "authorization"),
        ("https://baker:hunter2@example.com/", "password-in-address"),
        ("https://h/d?X-Amz-Signature=abc", "signed-address"),
        ("https://h/d?a=b&AWSAccessKeyId=abc", "signed-address"),
        ("password: hunter2", "name-of-a-secret"),
        ('"clientSecret": "x"', "name-of-a-secret"),
        ("my_token=opaque", "name-of-a-secret"),
        ("password+=+'hunter2'", "name-of-a-secret"),
        ('{"password":+"hunter2"}', "name-of-a-secret"),
        ("password[0]=hunter2", "name-of-a-secret"),
        ("token_2: hunter2", "name-of-a-secret"),
        ("secret-of-the-house: aB3dE6gH9jK2mN5p", "name-of-a-secret"),
        ('Authorization: Digest username="a"', "name-of-a-secret"),
        (DIGEST, "long-hexadecimal"),
        (SIGNATURE, "long-random-text"),
    ],
)
def test_a_rule_finds_it_alone_and_inside_of_what_encodes_it(text: str, rule: str) -> None:
    """JSON in JSON, percent-encoding twice, base64, and UTF-16."""
    percent = "".join(f"%{byte:02X}" for byte in text.encode())
    assert rule in rules(text)
    assert rule in rules(f'x ,{text}\n"')
    assert rule in rules(json.dumps({"a": json.dumps({"b": text})}))
    assert rule in rules(json.dumps({"a": text}).replace(text[1], f"\\u{ord(text[1]):04x}"))
    assert rule in rules(percent)
    assert rule in rules(percent.replace("%", "%25"))
    assert rule in rules(text.encode("utf-16"))
    if not rule.startswith("long"):
        assert rule in rules("a" + base64.b64encode(f"some text and {text}".encode()).decode())


@pytest.mark.parametrize(
    "text",
    [
        '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b--\r\n',
        "--b\nContent-Disposition: form-data; name=user_token\nContent-Type: text/plain\n\nhunter2\n--b--\n",
        "<password>hunter2</password>",
        '<x:ClientSecret a="b">\n  hunter2\n</x:ClientSecret>',
        "<passwd><![CDATA[hunter2]]></passwd>",
    ],
)
def test_a_named_part_or_element_is_found(text: str) -> None:
    """As it is, in JSON and in base64; not with a placeholder in it."""
    encoded = base64.b64encode(text.encode()).decode()
    for each in (text, json.dumps({"a": text}), json.dumps({"a": json.dumps({"b": text})}), f"x {encoded}"):
        assert "name-of-a-secret" in rules(each)
    for none in ("", SCRUBBED):
        assert rules(json.dumps({"a": text.replace("hunter2", none)})) == set()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: {SCRUBBED} hunter2",
        f"cookie: {SCRUBBED}; a=hunter2",
        f"password: {SCRUBBED} hunter2",
        f'"password":{SCRUBBED}"hunter2"',
        f"password={SCRUBBED},hunter2",
    ],
)
def test_a_placeholder_does_not_hide_what_goes_on_behind_it(text: str) -> None:
    """Something that replaced half of a secret would else be trusted with the other half."""
    assert rules(text) == {"rest-of-a-secret"}
    assert rules(json.dumps({"a": json.dumps({"b": text})})) == {"rest-of-a-secret"}
    assert rules("".join(f"%{byte:02X}" for byte in text.encode())) == {"rest-of-a-secret"}


@pytest.mark.parametrize("place", ["plain", "folded", "binary"])
def test_it_is_found_in_yaml_of_vcrpy(place: str) -> None:
    """Where lines are folded, bodies are escaped, and bytes are base64 over several lines."""
    text = json.dumps({"description": "é" * 40 + f" {TOKEN} " + "é" * 40})
    body: object = {"plain": f"by {TOKEN}", "folded": text, "binary": b"\xff\x00" * 30 + TOKEN.encode() + b"\xff" * 90}[
        place
    ]
    data = yaml.safe_dump({"interactions": [{"request": {"body": body}}]})
    assert "iam-token" in rules(data)


def test_a_credential_in_a_list_below_its_name_is_found() -> None:
    """As vcrpy writes headers."""
    assert rules("    headers:\n      Cookie:\n      - session=1\n") == {"name-of-a-secret"}
    assert rules("    headers:\n      Authorization:\n      - Bearer x\n") == {"name-of-a-secret"}


def test_a_known_credential_is_found_whatever_its_shape() -> None:
    """Also inside of JSON, percent-encoding and base64. One of few characters is not looked for."""
    known = ('hi "there"/you',)
    assert rules('"hi \\"there\\"\\/you"', known) == {"known-credential"}
    assert rules("hi%20%22there%22%2Fyou", known) == {"known-credential"}
    assert rules("x " + base64.b64encode(b'user:hi "there"/you!').decode(), known) == {"known-credential"}
    assert rules("a fd8 b", ("fd8",)) == set()
    assert rules(SCRUBBED, (SCRUBBED, IAM_TOKEN)) == set()


def test_a_find_says_where_and_never_what() -> None:
    """The rule, the line, the name that it is the value of, and what it was inside of."""
    data = f'a: 1\n"description": "by {TOKEN}"\nb: "\\"c\\": \\"{JWT}\\""\n'
    assert find_secrets(data) == (
        Finding("iam-token", 2, "description"),
        Finding("long-random-text", 2, "description"),
        Finding("json-web-token", 3, "c"),
    )
    assert str(find_secrets(data)[0]) == "iam-token, line 2 at 'description'"
    assert (
        str(find_secrets("x\n" + base64.b64encode(JWT.encode()).decode())[0]) == "json-web-token, line 2, inside base64"
    )
    (found,) = find_secrets(f'{{"{JWT}": "{JWT}"}}')
    assert found.key == ""


@pytest.mark.parametrize(
    "text",
    [
        "fd8m1tfm92krd3k0qpl1 b1gaec42k169jqpo02f7",
        "5899fc83-b123-47b8-94c3-1ad1c0ffee00",
        "x-server-trace-id: 7ac1a5e1f00dbeef:7ac1a5e1f00dbeef:7ac1a5e1f00dbeef:1",
        f'{{"labels": {{"commit": "{DIGEST[:63]}", "tree": "{DIGEST[:40]}"}}}}',
        f'{{"description": "built from sha256:{DIGEST}"}}',
        f'{{"nextPageToken": "{"xB3" * 33}"}}',
        f"GET /compute/v1/images?pageToken={'xB3' * 33}&folderId=b1gaec42k169jqpo02f7",
        "POST /iam/v1/tokens:createForServiceAccount",
        '{"access_token": "' + IAM_TOKEN + '", "expires_in": 41234, "token_type": "Bearer"}',
        f'"authorization": ["Bearer {SCRUBBED}"]',
        f"https://{SCRUBBED}@h/d?X-Amz-Signature={SCRUBBED}&X-Amz-Expires=60",
        f"https://h/d?X-Amz-Signature={SCRUBBED.replace('~', '%7E')}",
        'www-authenticate: Bearer realm="compute"',
        "bake --user <name> <token> <password> </dev/null",
        "<NextPageToken>CgRmZDh2</NextPageToken><token></token>",
        '--b\nContent-Disposition: form-data; name="pageToken"\n\nCgRmZDh2\n--b--\n',
        f"Authorization: {SCRUBBED}\nHost: h",
        f"token={SCRUBBED} folder=b1gaec42k169jqpo02f7",
        f"see https://h/?a=1&token={SCRUBBED} for more",
        f"the password: {SCRUBBED}, of all",
        f'{{"password": "{SCRUBBED}", "a": "b"}}',
        '{"message": "The token is invalid", "code": 16}',
        '{"message": "The required field \'kid\' is missing from the JWT header"}',
        '{"@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata"}',
        "https://storage.yandexcloud.net/bucket/folder/2026/11/Ubuntu-24.04-with-a-long-name-of-an-image-build-7.qcow2",
        "secretary: Bob, tokenizer=bpe, passwords: none, keys: 3, max_tokens: 4096",
        "-" * 200,
        "=" * 200,
        "A" * 200,
        'yaml: !!binary "' + base64.b64encode(bytes(range(256))).decode() + '"',
        "filter=name%3D%22my-image%22%20AND%20family%20IN%20(%22a%22)",
        "2026-11-25T12:00:00.123456789Z",
    ],
)
def test_what_the_api_and_people_say_is_no_secret(text: str) -> None:
    """Nothing of it is refused."""
    assert find_secrets(text) == ()
    assert find_secrets(json.dumps(text)) == ()


def test_only_a_whole_placeholder_is_one() -> None:
    """What begins like one and goes on is something else."""
    assert rules(f'"iamToken": "{IAM_TOKEN}"') == set()
    assert "iam-token" in rules(f'"iamToken": "{IAM_TOKEN}x"')
    assert "iam-token" in rules(f'"iamToken": "{IAM_TOKEN[:-1]}"')
    assert "name-of-a-secret" in rules(f'"password": "{SCRUBBED}x"')


def test_what_is_allowed_is_no_secret() -> None:
    """In every way of reading it, if an expression is for one of them; a known credential is one all the same."""
    data = json.dumps(json.dumps({"key": DIGEST, "other": TOKEN}))
    assert rules(data) == {"long-hexadecimal", "iam-token", "long-random-text"}
    assert rules(data, allow=("[0-9a-f]{64}",)) == {"iam-token", "long-random-text"}
    assert rules(data, allow=('"key": "[0-9a-f]{64}"',)) == {"iam-token", "long-random-text"}
    assert rules(data, (DIGEST,), (".+",)) == {"known-credential"}


def test_a_refusal_says_where_and_what_to_do() -> None:
    """The cassette, the call, each part of it with the rule; and that nothing was written."""
    interaction = with_request(
        uri=f"{HOST}/compute/v1/images?a=1",
        headers=(("user-agent", f"baker {JWT}"),),
        body=json.dumps({"checksum_of_it": {"a": DIGEST}}).encode(),
    )
    with pytest.raises(SecretFoundError) as refused:
        check_before_saving(item_text(interaction), cassette="bake.yaml", interaction=interaction)
    assert str(refused.value) == (
        "bake.yaml was not saved for POST /compute/v1/images: it would hold what "
        "looks like a secret. What was saved before is as it was.\n"
        "  the request's header user-agent: json-web-token, line 1 at 'user-agent'\n"
        "  the request's body: long-hexadecimal, line 1 at 'a'\n"
        'If it is a secret, have it scrubbed: scrub=("name_of_field",) or scrub=("re:expression",). '
        'If it is none: scrub=("allow:expression",).'
    )


def test_a_refusal_never_shows_a_secret() -> None:
    """Not in the path, where one may be as well, nor what was known."""
    interaction = with_request(uri=f"{HOST}/compute/v1/images/{JWT}/an-opaque-one?a=an-opaque-one")
    with pytest.raises(SecretFoundError) as refused:
        check_before_saving(item_text(interaction), cassette="a.yaml", interaction=interaction, known=["an-opaque-one"])
    assert JWT not in str(refused.value)
    assert "opaque" not in str(refused.value)
    assert "for one of its interactions" in str(refused.value)
    assert "the request's address: known-credential, line 1" in str(refused.value)


def test_a_secret_that_only_the_file_shows_is_refused_by_its_line() -> None:
    """Such as in a label of the cassette, of which no interaction knows."""
    with pytest.raises(SecretFoundError, match=r"a\.yaml was not saved(.*\n)*  json-web-token, line 2 at 'note'"):
        check_before_saving(f"# ...\nnote: {JWT}\n", cassette="a.yaml", interaction=with_response())


@pytest.mark.parametrize(
    "text",
    [
        "Invalid token: it's expired",
        "Invalid IAM token: can't parse",
        "iam token: token's signature has expired",
        "password: don't use\nname: web",
        "Credentials: ask Dan's team",
        "secret: O'Reilly, Anna's base image",
        "password: 'it''s'",
        'SECRET="$1"more',
        "Reason: token => expired",
        'Validation failed: "token" => required',
        "Key: 'password' => too short",
        "errors: password: required",
        'Field: "token": unknown',
        "env: token: abc",
        "db:\n  password: 'x'\n  user: web",
        "use <token> and </token>",
        "token: \"a\" or 'b'",
    ],
)
def test_texts_that_speak_of_secrets_are_not_refused(text: str) -> None:
    """In a description, in an error's message, and on their own; scrubbed once is scrubbed for good."""
    for body in (text.encode(), json.dumps({"code": 16, "message": text, "details": [{"field": text}]}).encode()):
        scrubber = Redactor()
        clean = scrubber.scrub(with_response(body=body)._replace(request=with_request(body=body).request))
        check_before_saving(item_text(clean), cassette="a.yaml", interaction=clean, known=scrubber.known)
        assert Redactor().scrub(clean) == clean


@pytest.mark.costly
@settings(derandomize=True, database=None, deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), fields=FIELDS, key=KEYS)
def test_ordinary_traffic_is_never_refused(seed: int, fields: dict[str, Any], key: str) -> None:
    """A client that gets a token, creates, polls, lists page by page, and asks for what is not there."""
    with Double(seed=seed) as double:
        traffic = Traffic(double)
        traffic.ask(
            "POST", "/iam/v1/tokens", {"yandexPassportOauthToken": "y0_AgAAAABhbGljZQATuwQAAAADabcdefghijklmnop"}
        )
        body = {"folderId": double.folder_id, "diskId": "epd0000000000000000a"}
        for each in (fields, fields, {}):
            operation = traffic.ask("POST", "/compute/v1/images", body | each, **{"idempotency-key": key})
            traffic.ask("GET", f"/operations/{operation.get('id', 'x')}")
            key = key[::-1]
        images = f"/compute/v1/images?folderId={double.folder_id}&pageSize=1"
        token = traffic.ask("GET", images).get("nextPageToken", "x")
        for path in (f"{images}&pageToken={token}", "/endpoints", f"/compute/v1/images/{key}"):
            traffic.ask("GET", path)
    scrubber = Redactor()
    for interaction in traffic.interactions:
        clean = scrubber.scrub(interaction)
        check_before_saving(item_text(clean), cassette="a.yaml", interaction=clean, known=scrubber.known)
