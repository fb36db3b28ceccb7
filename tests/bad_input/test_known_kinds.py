"""The known kinds of bad input, one row each: what is sent, and the refusal."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest

from pytest_ycimages import (
    Double,
    Failure,
    LogNormal,
    PerGiB,
    Rule,
    Uniform,
    UnknownFieldWarning,
    UsageError,
    reset,
    unavailable,
)
from pytest_ycimages.api import methods
from pytest_ycimages.latency import Latency
from tests.bad_input.requests_to_refuse import (
    DIGITS,
    JSON,
    MOMENTS,
    RULES,
    SETTINGS,
    TOO_MANY,
    Answered,
    Asked,
    in_process,
)

IMAGES: Final = "/compute/v1/images"
CONTROL: Final = "/_ycimages/"
VALID: Final = b'{"folderId": "f", "diskId": "d"}'


pytestmark = pytest.mark.filterwarnings("ignore::pytest_ycimages.UnknownFieldWarning")


@pytest.fixture
def double() -> Double:
    """One with an image and its operation."""
    double = Double(clock="manual")
    assert create(double).status == 200
    return double


def create(double: Double, **fields: Any) -> Answered:
    """Begin to create an image."""
    body = json.dumps({"folderId": "f", "diskId": "d", **fields}).encode()
    return in_process(double, Asked("POST", IMAGES, body=body))


def told(double: Double, path: str, body: Any, verb: str = "POST") -> Answered:
    """Send a body to the control API: bytes, text of JSON, or a value."""
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return in_process(double, Asked(verb, CONTROL + path, body=data))


def is_well(double: Double) -> bool:
    """Whether the double has not failed, and everything can still be looked at."""
    double.check(faults=False)
    looks = [CONTROL + path for path in ("state", "calls", "pacing", "faults", "timing")]
    removed = in_process(double, Asked("DELETE", f"{CONTROL}faults"))
    answers = [removed, *(in_process(double, Asked("GET", path)) for path in (*looks, "/endpoints"))]
    return [each.status for each in answers] == [200] * len(answers)


def is_refused(double: Double, answer: Answered) -> bool:
    """Whether a request was refused with a text of bounded length, and the double is well."""
    text = answer.json.get("error") or answer.json.get("message")
    return 400 <= answer.status < 500 and 0 < len(text) < 5000 and is_well(double)


@pytest.mark.parametrize(
    "number", ["f" * 20, "8" + "0" * 19, f"{2**63:020x}", f"{2**63 - 1:020x}", f"{2**64:020x}", "0" * 20]
)
@pytest.mark.parametrize("id_", ["", "AA", "_w", "_____w", "AAA"])
def test_a_page_token_of_any_number_is_a_place(double: Double, number: str, id_: str) -> None:
    """Beyond the end of a list, before its beginning, or of an id that is not UTF-8."""
    image = next(iter(double.images))
    for order in ("", "&orderBy=id", "&orderBy=id%20desc", "&orderBy=createdAt", "&orderBy=createdAt%20desc"):
        answer = in_process(double, Asked("GET", f"{IMAGES}?folderId=f&pageToken={number}{id_}{order}"))
        assert answer.status == 200
    assert in_process(double, Asked("GET", f"{IMAGES}/{image}/operations?pageToken={number}{id_}")).status == 200
    assert is_well(double)


@pytest.mark.parametrize(
    "token", ["f" * 19, "f" * 20 + "A", "F" * 20, "f" * 20 + "A" * 81, "%00" * 20, "g" * 20, "-" + "0" * 20, DIGITS]
)
def test_garbage_is_no_page_token(double: Double, token: str) -> None:
    """A page of images, and of operations."""
    image = next(iter(double.images))
    assert is_refused(double, in_process(double, Asked("GET", f"{IMAGES}?folderId=f&pageToken={token}")))
    assert is_refused(double, in_process(double, Asked("GET", f"{IMAGES}/{image}/operations?pageToken={token}")))


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00Z", "2554-08-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_pages_go_on_in_any_year(moment: str) -> None:
    """The token of an image created then is read back."""
    double = Double(clock="manual")
    ids = {double.add_image(created_at=moment) for _ in range(5)}
    seen: list[str] = []
    token = ""
    while len(seen) <= len(ids):
        target = f"{IMAGES}?folderId={double.folder_id}&pageSize=2&orderBy=createdAt&pageToken={token}"
        page = in_process(double, Asked("GET", target)).json
        seen += [each["id"] for each in page["images"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert sorted(seen) == sorted(ids)


@pytest.mark.parametrize("moment", [each for each in MOMENTS if not each.startswith(("2026-01-01T00:00:00+", "2554"))])
def test_a_moment_that_cannot_be_is_refused(double: Double, moment: str) -> None:
    """Beyond the years that can be printed, or no moment at all; the rest of the control API goes on."""
    answer = told(double, "images", {"created_at": moment})
    assert answer.status == (201 if moment == "20260101T000000Z" else 400)
    assert is_well(double)


def _jwt(header: bytes, claims: bytes) -> str:
    return ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (header, claims, b"y"))


@pytest.mark.parametrize("auth", ["any", "strict"])
@pytest.mark.parametrize(
    "part",
    [
        b'{"kid": 1, "iss": "\\ud800"}',
        b"[" * 5000,
        b'{"a":' * 900,
        TOO_MANY.encode(),
        b'{"iss": 1e999}',
        b"\xff",
        b"\x00",
    ],
)
def test_a_jwt_of_any_json_gives_a_token_or_a_refusal(auth: Any, part: bytes) -> None:
    """The token can be used, and the account that it belongs to can be printed."""
    double = Double(clock="manual", auth=auth)
    body = json.dumps({"jwt": _jwt(part, part)[:8000]}).encode()
    answer = in_process(double, Asked("POST", "/iam/v1/tokens", body=body))
    assert answer.status in {200, 401}
    if answer.status == 200:
        asked = Asked(
            "POST", IMAGES, (f"Authorization: Bearer {answer.json['iamToken']}",), b'{"folderId": "f", "diskId": "d"}'
        )
        assert in_process(double, asked._replace(authorized=False)).status == 200
    assert is_well(double)


@pytest.mark.parametrize("contract", ["page", "current"])
@pytest.mark.parametrize("field", ["minDiskSize", "name", "labels", "os", "productIds", "unknown", "pooled"])
def test_any_value_in_a_field_is_taken_or_refused(contract: Any, field: str) -> None:
    """Of a create and of an update, in both revisions."""
    double = Double(clock="manual", contract=contract, unknown_fields="ignore")
    image = double.add_image()
    for value in JSON:
        data = f'{{"folderId": "f", "diskId": "d", "{field}": {value}}}'.encode()
        assert in_process(double, Asked("POST", IMAGES, body=data)).status in {200, 400, 409}, value
        assert in_process(double, Asked("PATCH", f"{IMAGES}/{image}", body=data)).status in {200, 400, 409}, value
        assert in_process(double, Asked("POST", IMAGES, body=value.encode("utf-8", "surrogatepass"))).status == 400, (
            value
        )
    assert in_process(double, Asked("POST", f"{IMAGES}?{field}=%ff", body=VALID)).status in {200, 400}
    assert is_well(double)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[:40])
def test_a_rule_strikes_or_is_refused(rule: str) -> None:
    """And is printed afterwards. A rule that strikes gives the answer that it says."""
    double = Double(clock="manual")
    answer = told(double, "faults", json.dumps({"fault": rule.partition("), ")[0] + ")"} if "), " in rule else rule))
    assert answer.status in {201, 400}
    assert told(double, "faults", json.dumps(rule)).status in {201, 400}
    create(double, name="a" * 60)
    assert in_process(double, Asked("GET", f"{IMAGES}?folderId=f")).status < 600
    assert is_well(double)


@pytest.mark.costly
@pytest.mark.parametrize("name", ["timing", "latency", "rollback", "cancel_delay", "outcome", "cancel"])
def test_a_setting_is_taken_or_refused(name: str) -> None:
    """As text and as a number, for good and for the next operation; operations then begin, and time is printed."""
    for value in SETTINGS:
        double = Double(clock="manual")
        for written in (json.dumps(value), *([value] if value.strip("-").isdigit() else [])):
            assert told(double, "timing", f'{{"{name}": {written}}}', "PUT").status in {200, 400}, value
            assert told(double, "next-operation", f'{{"{name}": {written}}}').status in {201, 400}, value
            for _ in range(3):
                operation = create(double).json["id"]
                assert in_process(double, Asked("GET", f"/operations/{operation}")).status == 200, value
                cancel = in_process(double, Asked("POST", f"/operations/{operation}:cancel"))
                assert cancel.status in {200, 400, 404}, value  # 404 when two weeks have passed meanwhile
        assert is_well(double), value


@pytest.mark.parametrize(
    "seconds", ["1e308", "251618400000", "1e11", DIGITS, TOO_MANY, "-1", "-0.0", "1e-320", "1e400", "NaN"]
)
def test_time_ends_with_the_year_9999(double: Double, seconds: str) -> None:
    """However often it is moved, and whatever moves it."""
    for _ in range(4):
        assert told(double, "clock/advance", f'{{"seconds": {seconds}}}').status in {200, 400}
    told(double, "timing", {"latency": 1e11}, "PUT")
    for _ in range(4):
        assert create(double).status == 200
    assert in_process(double, Asked("POST", "/iam/v1/tokens", body=b'{"jwt": "a"}')).status == 200
    assert is_well(double)


@pytest.mark.parametrize("path", ["calls?after=", "calls?page_size=", "calls?page_token=", "faults/"])
@pytest.mark.parametrize("number", [TOO_MANY, DIGITS, "00000000000000000000000000001", "%D9%A3", "-1", "1e3", "%C2%B2"])
def test_a_number_in_an_address_is_read_or_refused(double: Double, path: str, number: str) -> None:
    """Of calls and of faults."""
    assert in_process(double, Asked("GET", f"{CONTROL}{path}{number}")).status in {200, 400, 404}
    assert is_well(double)


@pytest.mark.parametrize("size", [10**30, 2**63, 2**60 + 1, int(DIGITS), -1, True, 1.5, "5x", None])
def test_a_size_that_cannot_be_is_refused(double: Double, size: Any) -> None:
    """Of disks, snapshots, images and files; the largest can be used."""
    assert told(double, "disks", {"size": size}).status == 400
    assert told(double, "snapshots", {"size": size}).status == 400
    assert told(double, "objects", {"uri": "https://storage.yandexcloud.net/b/k", "size": size}).status == 400
    assert told(double, "disks", {"disk_id": "large", "size": 2**60, "data_size": 2**60}).status == 201
    assert create(double, diskId="large").status == 200
    assert is_well(double)


def test_sums_beyond_int64_are_refused_with_a_quota() -> None:
    """Which says as much as an int64 can."""
    double = Double(clock="manual", quotas={"total_size": 2**61})
    for _ in range(8):
        double.add_image(storage_size=2**62, min_disk_size=2**62)
    assert create(double).status == 429
    assert is_well(double)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Failure("ABORTED", "\ud800"),
        lambda: Failure("ABORTED", "x", [{"@type": "a/b", "x": ["\ud800"]}]),
        lambda: Rule(unavailable(), where={"header.x": "\ud800"}),
        lambda: Double(texts={"image_not_found": "\udfff"}),
        lambda: Double().add_disk(product_ids=["\ud800"]),
        lambda: Double().add_disk(product_ids=[1]),  # type: ignore[list-item]  # what is refused
        lambda: Double().add_image(name="\ud800"),
        lambda: reset(after=2**64),
        lambda: PerGiB(10**400),
        lambda: Uniform(0, 10**400),
        lambda: LogNormal(10**400, 1),
        lambda: Latency.fixed(10**400),
    ],
)
def test_what_no_answer_could_hold_is_refused_when_it_is_written(make: Any) -> None:
    """In Python too: text that UTF-8 cannot express, and numbers that neither int64 nor a float can hold."""
    with pytest.raises(UsageError):
        make()


@pytest.mark.parametrize("large", ["a" * 200_000, "\x1b[2J" * 10_000, "é" * 50_000])
def test_what_was_sent_is_repeated_in_part(double: Double, large: str) -> None:
    """A refusal stays readable, however much is refused."""
    for path in ("folders", "disks", "images", "objects", "faults", "next-operation", "clock/advance"):
        assert is_refused(double, told(double, path, {large: large}))
        assert told(double, path, json.dumps(large)).status == 400
    for target in (f"/{large[:9000]}", f"{IMAGES}/x?{large[:9000]}"):
        asked = Asked("GET", target.encode("ascii", "ignore").decode().replace("\x1b", "%1b"))
        assert len(in_process(double, asked).body) < 5000
    assert is_well(double)


def test_the_journal_is_printed_on_one_line_for_each_call(double: Double) -> None:
    """Whatever a path says: no line break and no escape sequence reaches the terminal."""
    before = len(double.calls)
    for target in ("/%0d%0aGET%20/fake", "/%1b%5b2J", "/operations/%0a%00%7f", "/operations/%e2%80%ae"):
        in_process(double, Asked("GET", target))
    assert all(str(call).isprintable() for call in double.calls)
    assert len(str(double.calls).splitlines()) - len(str(double.calls[:before]).splitlines()) == 4


def test_the_memory_of_addresses_is_bounded(double: Double) -> None:
    """Long paths are not kept."""
    size = vars(methods)["_route"].cache_info().currsize
    for number in range(50):
        in_process(double, Asked("GET", f"/operations/{number}{'a' * 10_000}"))
    assert vars(methods)["_route"].cache_info().currsize == size


def test_a_warning_of_unknown_fields_is_one_readable_line() -> None:
    """Whatever the fields are called."""
    double = Double(clock="manual")
    with pytest.warns(UnknownFieldWarning) as caught:  # noqa: PT031 - the request and the check that warns of it
        create(double, **{"\x1b[2J" * 5000: 1})
        double.check()
    (warning,) = caught
    assert str(warning.message).isprintable()
    assert len(str(warning.message)) < 2000


@pytest.mark.parametrize("value", [[], {}, 5, None, [{}], "x"], ids=repr)
@pytest.mark.parametrize("name", ["operation_id", "operationId", "image_id", "imageId", "folderId", "updateMask"])
def test_an_unknown_field_named_like_an_id_is_not_read_as_one(name: str, value: object) -> None:
    """Reports look at the ids that a message declares, whatever else it carries."""
    with Double(auth="off", unknown_fields="ignore") as double:
        for verb, target in (("PATCH", "/compute/v1/images/x"), ("POST", "/compute/v1/images")):
            body = json.dumps({name: value}).encode()
            in_process(double, Asked(verb, target, (), body, authorized=False))
        assert str(double.calls)
        assert len(double.calls.pacing) == 0
        assert double.calls.hints == []
