"""Whatever the secret and wherever it is put: its text is nowhere in what is saved, or nothing is saved."""

from __future__ import annotations

import base64
import gzip
import json
import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_ycimages.cassette.detector import check_before_saving, find_secrets
from pytest_ycimages.cassette.file import item_text
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.errors import CassetteError, SecretFoundError
from pytest_ycimages.redaction.shapes import PLACEHOLDERS
from tests.cassette.secrets.kinds import (
    AUTHORIZATIONS,
    HOST,
    NAMED,
    NAMED_PLACES,
    OPAQUE,
    ORDINARY,
    PLACES,
    PLAIN,
    QUOTED,
    SENTENCES,
    SHAPED,
    WORDS,
    Secret,
    readings,
    scrub,
    scrub_request,
    with_request,
    with_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cassette.model import Interaction


drawn = settings(derandomize=True, database=None, deadline=None, max_examples=6)
"""For one place; over all of them, each kind of secret has its turn. `test_many_more` draws places as well."""
ALWAYS_THERE: Final = item_text(ORDINARY) + "".join(PLACEHOLDERS).encode()
"""What is in every cassette. Who takes a word of it as a password cannot be helped."""
FORGETFUL: Final = {
    *("condition in the query", "condition in a form", "object in JSON in a form", "JSON in a multipart form"),
    *("deep in XML", "attribute in XML", "XML in a field", "XML in a form"),
    *(place for place in NAMED_PLACES if place.startswith("JSON in the query of an address")),
}
"""Places in which a secret is scrubbed, and not remembered: a text that says it, and parts with names of their own."""


def saved(interaction: Interaction, scrubber: Redactor) -> bytes | None:
    """What would be on the disk; None if saving is refused."""
    data = item_text(scrubber.scrub(interaction))
    try:
        check_before_saving(data, cassette="test.yaml", known=scrubber.known)
    except SecretFoundError:
        return None
    return data


def is_nowhere(secret: Secret, data: bytes | None) -> bool:
    """Whether the secret cannot be read from the data."""
    return data is None or all(secret.core not in reading for reading in readings(data))


@pytest.mark.parametrize("place", PLACES)
@drawn
@given(secret=SHAPED)
def test_a_secret_of_a_known_shape_is_nowhere(place: str, secret: Secret) -> None:
    """Nobody has to know it."""
    assert is_nowhere(secret, saved(PLACES[place](secret.text), Redactor()))


@pytest.mark.parametrize("place", sorted(set(PLACES) - {"base64 in a field"}))
@drawn
@given(secret=SHAPED)
def test_scrubbing_alone_removes_what_has_a_known_shape(place: str, secret: Secret) -> None:
    """The detector is a second net, not the first; what somebody put into base64 is left to it."""
    data = item_text(scrub(PLACES[place](secret.text)))
    assert place == "damaged JSON" or not find_secrets(data)


@pytest.mark.parametrize("place", PLACES)
@drawn
@given(secret=SHAPED)
def test_the_detector_alone_finds_what_has_a_known_shape(place: str, secret: Secret) -> None:
    """Scrubbing may have any gap, and it is not saved."""
    assert find_secrets(item_text(PLACES[place](secret.text)))


@pytest.mark.parametrize("place", PLACES)
@drawn
@given(secret=OPAQUE)
def test_a_credential_of_no_known_shape_is_nowhere(place: str, secret: Secret) -> None:
    """Because it has been seen in `Authorization`, here and in the interaction before."""
    assume(is_nowhere(secret, ALWAYS_THERE))
    scrubber = Redactor()
    credential = (("authorization", f"Bearer {secret.text}"),)
    assert is_nowhere(secret, saved(with_request(headers=credential), scrubber))
    assert is_nowhere(secret, saved(PLACES[place](secret.text), scrubber))


@settings(drawn, max_examples=40)
@given(
    name=st.sampled_from(["authorization", "proxy-authorization", "x-yacloud-subjecttoken", "x-access-token"]),
    authorization=st.sampled_from(AUTHORIZATIONS),
    value=PLAIN.filter(lambda value: any(map(str.islower, value)) and any(map(str.isdigit, value))),
)
def test_a_credential_of_any_scheme_is_removed_from_everywhere_else(name: str, authorization: str, value: str) -> None:
    """From the same interaction and from those after it."""
    assume(value not in ALWAYS_THERE.decode())
    scrubber = Redactor()
    body = json.dumps({"description": f"uses {value}, and base64"}).encode()
    first = with_request(headers=((name, authorization.format(value)),), body=body)
    for each in (first, with_request(body=body)):
        data = saved(each, scrubber)
        assert data is not None
        assert value.encode() not in data


@pytest.mark.parametrize("place", ["field", "text", "form", "query, with a plus", "text of the answer"])
@drawn
@given(
    text=st.one_of(
        st.tuples(st.sampled_from(QUOTED), st.sampled_from(AUTHORIZATIONS)).map(lambda both: both[0].format(both[1])),
        st.sampled_from(SENTENCES),
    ),
    value=PLAIN,
)
def test_a_secret_that_a_text_quotes_or_names_is_nowhere(place: str, text: str, value: str) -> None:
    """Neither is its second half, and a recording with it is saved."""
    assume(value not in ALWAYS_THERE.decode())
    once = scrub(PLACES[place](text.format(value)))
    assert scrub(once) == once
    data = saved(once, Redactor())
    assert data is not None
    assert is_nowhere(Secret("quoted", value, value), data)


@settings(drawn, max_examples=40)
@given(place=st.sampled_from(sorted(NAMED_PLACES)), name=NAMED, value=PLAIN)
def test_what_had_the_name_of_a_secret_is_removed_from_everywhere_else(place: str, name: str, value: str) -> None:
    """From the same body where it stands beside it, and from what comes after it."""
    assume(value not in ALWAYS_THERE.decode() and place not in FORGETFUL)
    scrubber = Redactor()
    scrubber.scrub(NAMED_PLACES[place](name, value))
    data = saved(with_request(body=json.dumps({"description": f"uses {value}"}).encode()), scrubber)
    assert data is not None
    assert value.encode() not in data


@pytest.mark.parametrize("place", NAMED_PLACES)
@drawn
@given(name=NAMED, value=st.one_of(OPAQUE, SHAPED).map(lambda secret: secret.text))
def test_what_has_the_name_of_a_secret_is_nowhere(place: str, name: str, value: str) -> None:
    """Whatever it looks like; in JSON, in forms, in addresses, and in each of them inside of another."""
    assume(is_nowhere(Secret(name, value, value), ALWAYS_THERE))
    assert is_nowhere(Secret(name, value, value), saved(NAMED_PLACES[place](name, value), Redactor()))


@pytest.mark.parametrize("place", NAMED_PLACES)
@drawn
@given(name=NAMED, value=PLAIN)
def test_scrubbing_alone_removes_what_has_the_name_of_a_secret(place: str, name: str, value: str) -> None:
    """A recording with a password of letters and digits in it is saved, and need not be refused."""
    assume(value not in ALWAYS_THERE.decode())
    data = saved(NAMED_PLACES[place](name, value), Redactor())
    assert data is not None
    assert is_nowhere(Secret(name, value, value), data)


@pytest.mark.parametrize("place", NAMED_PLACES)
@drawn
@given(name=NAMED, value=OPAQUE.map(lambda secret: secret.text))
def test_what_had_the_name_of_a_secret_stays_as_it_is(place: str, name: str, value: str) -> None:
    """So both sides of a match are alike here too."""
    once = scrub(NAMED_PLACES[place](name, value))
    assert scrub(once) == once


@pytest.mark.parametrize("place", PLACES)
@drawn
@given(secret=SHAPED | OPAQUE)
def test_what_has_been_scrubbed_stays_as_it_is(place: str, secret: Secret) -> None:
    """By whichever scrubber, so both sides of a match are alike."""
    once = scrub(PLACES[place](secret.text))
    assert scrub(once) == once
    assert scrub_request(once.request) == once.request
    assert Redactor([secret.text]).scrub(once).request.method == once.request.method


_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | NAMED, inner),
    max_leaves=12,
)


def keys_of(value: Any) -> Any:
    """A value's build: its names and lists, without what they hold."""
    match value:
        case dict():
            return {key: keys_of(each) for key, each in value.items()}
        case list():
            return [keys_of(each) for each in value]
    return None


@drawn
@given(value=st.dictionaries(st.text() | NAMED, _JSON) | st.lists(_JSON), indent=st.sampled_from([None, 1]))
def test_scrubbed_json_is_json_with_the_same_names(value: Any, indent: int | None) -> None:
    """So that a client can read the answer, and a match can compare the request."""
    body = json.dumps(value, indent=indent).encode()
    clean = scrub(with_request(body=body)).request.body
    assert keys_of(json.loads(clean)) == keys_of(value)


@drawn
@given(
    body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    uri=st.text(max_size=200),
    value=st.text(max_size=100),
)
def test_anything_at_all_can_be_scrubbed_and_stays_scrubbed(body: bytes, uri: str, value: str) -> None:
    """Neither bytes nor text nor an address that is none makes it fail."""
    once = scrub(with_request(uri=uri, headers=(("user-agent", value),), body=body))
    assert scrub(once) == once
    try:
        data = item_text(once)
    except CassetteError:  # half a surrogate pair
        return
    find_secrets(data)


@settings(drawn, max_examples=40)
@given(
    place=st.sampled_from(["field", "text", "form", "query, with a plus", "grpc-message"]),
    words=st.lists(st.sampled_from(WORDS), max_size=14),
)
def test_any_mixture_of_names_and_marks_stays_scrubbed(place: str, words: list[str]) -> None:
    """What is put in place of a secret never makes another text look like one."""
    once = scrub(PLACES[place]("".join(words)))
    assert scrub(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "%2525",
        "+%2525",
        "%41",
        "%22password%22%3A+",
        "a+",
        "a=%7B+",
        "token: a ",
        "Authorization:",
        "pass-",
        "token:,a",
        "token=~SCRUBBED~ ",
        "<password>",
        "<pwd>a</pwd>",
        "--b\nname=a\n\n",
        "a.",
        "eyJaaaaaaaaa.",
        "t1.",
        "-----BEGIN PRIVATE KEY-----",
        'password:"',
        "token ",
        '\\"',
        "a=",
        "eyJa",
        "eyJaaaaaaa.a ",
        'secret:"',
        "Basic+",
        "bearer +",
        "://",
        "://a?",
        "y0_",
        "<password1>a",
        "form-data; name=password\n",
    ],
)
def test_four_times_as_long_a_text_takes_four_times_as_long(text: str) -> None:
    """No expression goes back and forth in it: that would take sixteen times as long, in seconds of this thread."""
    small, large = (min(_seconds(text * (size // len(text))) for _ in range(3)) for size in (6_000, 24_000))
    assert large <= 8 * small + 0.02


def _seconds(text: str) -> float:
    before = time.thread_time()
    once = scrub(with_request(body=json.dumps({"description": text, "other": text}).encode()))
    scrub(with_response(body=text.encode()))
    find_secrets(text)
    find_secrets(once.request.body)
    after = time.thread_time()
    assert scrub(once) == once
    return after - before


@pytest.mark.parametrize("text", ["eyJa", 'secret:"', "password: a\n", "https://a?b=c ", "%41", '\\"', "<pwd>a</pwd>"])
def test_twice_as_long_a_text_takes_twice_as_many_steps(text: str) -> None:
    """Counted in calls, of Python and of its libraries, with some room for what is done once."""
    steps = []
    for size in (2_000, 4_000):
        request = with_request(body=json.dumps({"description": text * size}).encode())
        steps.append(calls_of(lambda: scrub(request)) + calls_of(lambda: find_secrets(text * size)))  # noqa: B023
    assert steps[1] <= 2.2 * steps[0]


def calls_of(work: Callable[[], object]) -> int:
    """How many calls `work` makes."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


TEXTS: Final = ("{}", "made by {}, at night", "a={}", '{{"a": "{}"}}')
"""What stands around a secret."""
ENCODINGS: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "plus": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "JSON": json.dumps,
}
BEYOND: Final[dict[str, Callable[[str, str], Interaction]]] = {
    "field": lambda name, text: with_request(body=json.dumps({"folderId": "b1g", name: text}).encode()),
    "nested field": lambda name, text: with_request(
        body=json.dumps({"os": {"nvidia": {name: [{"a": text}]}}}).encode()
    ),
    "object in the place of a text": lambda name, text: with_request(body=json.dumps({"name": {name: text}}).encode()),
    "text in the place of an object": lambda _, text: with_request(body=json.dumps({"os": text}).encode()),
    "query": lambda name, text: with_request(uri=f"{HOST}/compute/v1/images?pageSize=1&{name}={quote(text, safe='')}"),
    "query without a name": lambda _, text: with_request(uri=f"{HOST}/compute/v1/images?{quote(text, safe='')}"),
    "query of a path without a route": lambda name, text: with_request(uri=f"{HOST}/x?{name}={quote(text, safe='')}"),
    "query of a uri": lambda name, text: with_request(
        body=json.dumps({"uri": f"https://storage.yandexcloud.net/b/d?{name}={quote(text, safe='')}"}).encode()
    ),
    "header": lambda name, text: with_request(headers=((name.lower(), text),)),
    "header of the answer": lambda name, text: with_response(headers=((name.lower(), text),)),
    "text of the request": lambda _, text: with_request(body=text.encode()),
    "form": lambda name, text: with_request(body=f"a=1&{name}={quote_plus(text)}".encode()),
    "multipart form": lambda name, text: with_request(
        body=f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n--b--'.encode()
    ),
    "bytes": lambda _, text: with_request(body=b"\xff\xfe\xfd" + text.encode()),
    "UTF-16": lambda name, text: with_request(body=json.dumps({name: text}).encode("utf-16")),
    "compressed": lambda name, text: with_response(
        headers=(("content-encoding", "gzip"),), body=gzip.compress(json.dumps({name: text}).encode())
    ),
    "name that stands twice": lambda name, text: with_request(
        body=f'{{"{name}": {json.dumps(text)}, "{name}": "x"}}'.encode()
    ),
    "field of the answer": lambda name, text: with_response(body=json.dumps({"id": "x", name: text}).encode()),
    "unknown detail": lambda name, text: with_response(
        body=json.dumps({"code": 3, "details": [{"@type": "type.googleapis.com/x.Debug", name: text}]}).encode()
    ),
    "unknown metadata": lambda name, text: with_response(
        body=json.dumps({"done": False, "metadata": {"@type": "x", "imageId": text, name: text}}).encode()
    ),
    "markup of the answer": lambda _, text: with_response(body=f"<p>{escape(text)}</p>".encode()),
    "long text of the answer": lambda _, text: with_response(body=b"x" * 1025 + text.encode()),
    "answer of a path without a route": lambda name, text: with_request(uri=f"{HOST}/x")._replace(
        response=with_response(body=json.dumps({"id": text, name: text}).encode()).response
    ),
}
"""Places that the contract does not know, each with a name and a text."""


@pytest.mark.parametrize("place", BEYOND)
@drawn
@given(
    name=st.from_regex(r"x[A-Za-z_-]{2,20}", fullmatch=True),
    text=st.sampled_from(TEXTS),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    secret=OPAQUE | SHAPED | PLAIN.map(lambda value: Secret("plain", value, value)),
)
def test_whatever_stands_beyond_the_contract_is_nowhere(
    place: str, name: str, text: str, encoding: str, secret: Secret
) -> None:
    """Neither its name nor its shape has to tell that it is a secret, and the recording is saved."""
    written = ENCODINGS[encoding](text.format(secret.text))
    assume(secret.core not in f"{ALWAYS_THERE.decode()}{name}{text}" and written.isprintable())
    data = item_text(scrub(BEYOND[place](name, written)))
    assert is_nowhere(secret, data)
    assert written not in data.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "drawn_from"),
    [
        *(
            (check, {"place": st.sampled_from(sorted(PLACES)), "secret": secrets})
            for check, secrets in (
                (test_a_secret_of_a_known_shape_is_nowhere, SHAPED),
                (test_the_detector_alone_finds_what_has_a_known_shape, SHAPED),
                (test_a_credential_of_no_known_shape_is_nowhere, OPAQUE),
                (test_what_has_been_scrubbed_stays_as_it_is, SHAPED | OPAQUE),
            )
        ),
        *(
            (check, {"place": st.sampled_from(sorted(NAMED_PLACES)), "name": NAMED, "value": values})
            for check, values in (
                (test_what_has_the_name_of_a_secret_is_nowhere, (OPAQUE | SHAPED).map(lambda secret: secret.text)),
                (test_scrubbing_alone_removes_what_has_the_name_of_a_secret, PLAIN),
                (test_what_had_the_name_of_a_secret_stays_as_it_is, OPAQUE.map(lambda secret: secret.text)),
            )
        ),
        (
            test_any_mixture_of_names_and_marks_stays_scrubbed,
            {"place": st.sampled_from(["field", "text"]), "words": st.lists(st.sampled_from(WORDS), max_size=14)},
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_many_more(check: Any, drawn_from: dict[str, Any]) -> None:
    """Of the same, with places and secrets drawn together."""
    settings(drawn, max_examples=1000)(given(**drawn_from)(check.hypothesis.inner_test))()
