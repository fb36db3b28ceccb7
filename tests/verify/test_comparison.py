"""Two answers side by side: equal ones differ in nothing, and one change is one difference, where it was made."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages.cassette.model import Interaction, RecordedRequest, RecordedResponse
from pytest_ycimages.verify.diff import Difference, diff
from pytest_ycimages.verify.normalize import IdMap, Kind

REQUEST: Final = RecordedRequest("GET", "https://compute.api.cloud.yandex.net/compute/v1/images/x")
ID, OTHER, THIRD = "fd80000000000000000a", "fd80000000000000000b", "fd80000000000000000c"
FRACTIONS = ("", ".120", ".120001", ".000000009")
"""The digits of a second that protobuf may print."""

words: Final = st.text('abcäй"\\ {}[]:,', max_size=5)
values: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
bodies: Final = st.dictionaries(words, values, max_size=4)


def answer(body: Any, status: int = 200, **layout: Any) -> RecordedResponse:
    """An answer of JSON."""
    return RecordedResponse(status, body=json.dumps(body, **(layout or {"indent": 1})).encode())


def differences(recorded: Any, answered: Any, known: IdMap | None = None) -> list[Difference]:
    """What differs between two JSON bodies."""
    known = IdMap() if known is None else known
    return [*diff(Interaction(REQUEST, answer(recorded)), answer(answered), known)]


@pytest.mark.costly
@settings(max_examples=60, deadline=None, derandomize=True)
@given(body=bodies)
def test_an_answer_does_not_differ_from_itself(body: Any) -> None:
    """Whatever it holds."""
    assert differences(body, body) == []


@pytest.mark.costly
@settings(max_examples=60, deadline=None, derandomize=True)
@given(body=bodies, name=words, value=values)
def test_a_field_more_or_less_is_one_difference(body: dict[str, Any], name: str, value: Any) -> None:
    """Missing if it was recorded, and extra if it is answered."""
    body.pop(name, None)
    text = json.dumps(value, ensure_ascii=False)
    assert differences(body | {name: value}, body) == [Difference(f"body.{name}", text, "", Kind.MISSING)]
    assert differences(body, body | {name: value}) == [Difference(f"body.{name}", "", text, Kind.EXTRA)]


@pytest.mark.costly
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    body=bodies,
    recorded=st.sampled_from(["indent", "compact", "spaced", "tab"]),
    answered=st.sampled_from(["indent", "compact", "spaced", "tab"]),
)
def test_layouts_differ_only_where_white_space_shows(body: Any, recorded: str, answered: str) -> None:
    """Braces and commas inside of texts are no layout."""
    layouts: dict[str, dict[str, Any]] = {
        "indent": {"indent": 1},
        "compact": {"separators": (",", ":")},
        "spaced": {"indent": None},
        "tab": {"indent": "\t"},
    }
    was, now = answer(body, **layouts[recorded]), answer(body, **layouts[answered])
    kinds = [each.kind for each in diff(Interaction(REQUEST, was), now, IdMap())]
    assert kinds == ([] if was.body == now.body else [Kind.WHITESPACE])
    assert not diff(Interaction(REQUEST, was), now, IdMap(), whole=False)


def test_ids_stand_for_one_another_throughout() -> None:
    """The first answer says which; a later one that says otherwise differs, in a text as well."""
    known = IdMap()
    assert differences({"id": ID}, {"id": OTHER}, known) == []
    assert (
        differences({"imageId": ID, "message": f"no {ID}"}, {"imageId": OTHER, "message": f"no {OTHER}"}, known) == []
    )
    assert [each.kind for each in differences({"id": ID}, {"id": THIRD}, known)] == [Kind.IDENTITY]
    assert [each.kind for each in differences({"id": THIRD}, {"id": OTHER}, known)] == [Kind.IDENTITY]
    assert [each.kind for each in differences({"message": ID}, {"message": THIRD}, known)] == [Kind.VALUE]
    assert known.rewrite(f"/operations/{ID}:cancel?{THIRD}") == f"/operations/{OTHER}:cancel?{THIRD}"


@pytest.mark.parametrize(
    ("recorded", "answered", "kind"),
    [
        ({"id": ID}, {"id": "epd0000000000000000b"}, Kind.FORM),
        ({"id": ID}, {"id": "x"}, Kind.FORM),
        ({"id": "compute"}, {"id": "iam"}, Kind.VALUE),
        ({"productIds": [ID]}, {"productIds": [OTHER]}, Kind.VALUE),
        ({"at": "2026-01-01T00:00:00Z"}, {"at": "2026-01-01T00:00:00.5Z"}, Kind.FORM),
        ({"at": "2026-01-01T00:00:00Z"}, {"at": "2026-01-01T00:00:00+00:00"}, Kind.FORM),
        ({"at": "2026-01-01T00:00:00Z"}, {"at": 1767225600}, Kind.TYPE),
        ({"done": False}, {"done": 0}, Kind.TYPE),
        ({"done": False}, {"done": None}, Kind.TYPE),
        ({"list": [1, 2]}, {"list": [1]}, Kind.MISSING),
        ({"list": [1]}, {"list": [1, 2]}, Kind.EXTRA),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, Kind.ORDER),
    ],
)
def test_what_is_otherwise_is_of_its_kind(recorded: Any, answered: Any, kind: Kind) -> None:
    """One difference each."""
    assert [each.kind for each in differences(recorded, answered)] == [kind]


@pytest.mark.parametrize(
    ("recorded", "answered"),
    [
        ({"at": "2026-01-01T00:00:00.123456789Z"}, {"at": "2027-12-31T23:59:59.000000000Z"}),
        *(
            (
                {"id": ID, "createdAt": f"2026-01-01T00:00:00{was}Z", "modifiedAt": f"2026-01-01T00:00:00{was}Z"},
                {"id": ID, "createdAt": f"2027-12-31T00:00:00{now}Z", "modifiedAt": f"2027-12-31T00:00:00{now}Z"},
            )
            for was in FRACTIONS
            for now in FRACTIONS
        ),
        *(({"expiresAt": "2026-01-01T00:00:00Z"}, {"expiresAt": f"2026-01-01T00:00:00{each}Z"}) for each in FRACTIONS),
        ({"requestId": "00000000-0000-4000-8000-000000000000"}, {"requestId": "12345678-1234-4123-8123-123456789012"}),
        ({"nextPageToken": "a"}, {"nextPageToken": "bcd"}),
        ({"iamToken": "~SCRUBBED~"}, {"iamToken": "t1.a.b"}),
        ({"uri": "https://a/?sign=~SCRUBBED~"}, {"uri": "https://a/?sign=0"}),
        ({"labels": {"a": "1", "b": "2"}}, {"labels": {"b": "2", "a": "1"}}),
        ({"id": "fd8g5p4hllq8********"}, {"id": ID}),
        ({"limit": 1}, {"limit": 1.0}),
    ],
)
def test_what_may_be_otherwise_is_no_difference(recorded: Any, answered: Any) -> None:
    """Ids, times, tokens, secrets, and the order of a map of the user's."""
    assert differences(recorded, answered) == []


def test_a_refusal_beside_an_answer_is_one_difference() -> None:
    """Their bodies have nothing to do with each other."""
    refusal = {"code": 5, "message": f'Image "{ID}" not found', "details": []}
    (found,) = diff(Interaction(REQUEST, answer({"id": ID})), answer(refusal, 404), IdMap())
    assert found == Difference("status", "200", f'404 NOT_FOUND Image "{ID}" not found', Kind.VALUE)


def test_text_is_compared_as_text() -> None:
    """As the gateway's own refusals are; text where JSON was is of another type."""
    was = RecordedResponse(400, body=f"cannot read {ID}".encode())
    known = IdMap({ID: OTHER})
    assert not diff(Interaction(REQUEST, was), RecordedResponse(400, body=f"cannot read {OTHER}".encode()), known)
    (found,) = diff(Interaction(REQUEST, was), RecordedResponse(400, body=b"cannot"), known)
    assert found == Difference("body", f"cannot read {ID}", "cannot", Kind.VALUE)
    (found,) = diff(Interaction(REQUEST, was), answer({"code": 3}, 400), known)
    assert found == Difference("body", f"cannot read {ID}", '{"code": 3}', Kind.TYPE)


def test_the_id_of_a_call_is_the_same_in_the_header_and_in_the_details() -> None:
    """If it was so in the recording."""
    one, two = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"

    def told(header: str, detail: str) -> RecordedResponse:
        return answer({"details": [{"requestId": detail}]}, 404)._replace(headers=(("x-request-id", header),))

    assert not diff(Interaction(REQUEST, told(one, one)), told(two, two), IdMap())
    (found,) = diff(Interaction(REQUEST, told(one, one)), told(two, one), IdMap())
    assert (found.field, found.kind) == ("body.details[0].requestId", Kind.FORM)


def test_a_moment_in_retry_after_is_another_each_time() -> None:
    """A number of seconds is not."""

    def told(value: str) -> RecordedResponse:
        return answer({}, 503)._replace(headers=(("retry-after", value),))

    dates = told("Wed, 25 Nov 2026 03:10:48 GMT"), told("Thu, 26 Nov 2026 03:10:48 GMT")
    assert not diff(Interaction(REQUEST, dates[0]), dates[1], IdMap())
    (found,) = diff(Interaction(REQUEST, told("5")), told("6"), IdMap())
    assert found == Difference("headers.retry-after", "5", "6", Kind.VALUE)
