"""Words of closed sets: they equal their text, and a comparison that could only have one result raises."""

from __future__ import annotations

import copy
import json
import pickle
from collections import Counter
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin
from unittest.mock import ANY

import grpc
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pytest_ycimages import (
    Calls,
    Code,
    Double,
    ImageStatus,
    Origin,
    OsType,
    Outcome,
    PlannedFault,
    Rule,
    Scenario,
    Settings,
    Status,
    Trial,
    UsageError,
    unavailable,
)
from pytest_ycimages.api.exchange import GAVE_UP, GaveUp, GrpcCall
from pytest_ycimages.api.methods import METHOD_WORDS
from pytest_ycimages.api.resources import PciTopology
from pytest_ycimages.experiment.trial import VERBS, Ending, Limit
from pytest_ycimages.settings import merged
from tests.words.typos import one_edit_away

if TYPE_CHECKING:
    from collections.abc import Callable

SETS: list[Any] = [Code, ImageStatus, OsType, Origin, PciTopology]
WORDS = [word for each in SETS for word in each] + list(METHOD_WORDS.values())
words = st.sampled_from(WORDS)


class Other(Enum):
    """An enum of another library, with one name in common."""

    UNAVAILABLE = (1, 2)
    BROKEN = (3, 4)


@given(words)
@settings(max_examples=60)
def test_a_word_is_its_text_wherever_it_is_printed_stored_or_looked_up(word: Any) -> None:
    """In mappings and sets too: its hash is that of the text."""
    text = str(word)

    assert type(text) is str
    assert word == text
    assert not word != text  # noqa: SIM202 - the operator is what is tested
    assert text == word
    assert (f"{word}", repr(word), json.dumps([word])) == (text, repr(text), f'["{text}"]')
    assert Counter([word, word])[text] == 2
    assert word in {text, 1}
    assert word in (text, None)
    copied = pickle.loads(pickle.dumps(word))  # noqa: S301 - its own
    assert copied == word
    assert type(copied) is type(word)
    assert word == ANY
    assert word != None  # noqa: E711 - the operator is what is tested
    assert word != object()


@pytest.mark.costly
@given(st.data(), words)
@settings(max_examples=50)
def test_a_text_one_edit_away_raises_with_the_word_whichever_side_it_is_on(data: st.DataObject, word: Any) -> None:
    """Also within lists and tuples, and for `!=`, `in` and `match`."""
    typo = data.draw(one_edit_away(str(word)).filter(lambda text: text not in type(word).known()))
    comparisons: list[Callable[[], object]] = [
        lambda: word == typo,
        lambda: typo == word,
        lambda: word != typo,
        lambda: typo != word,
        lambda: word in [None, typo],
        lambda: [1, word] == [1, typo],
        lambda: {"status": word} == {"status": typo},
    ]
    for compare in comparisons:
        with pytest.raises(UsageError, match=r"Unknown .* Known: ") as raised:
            compare()
        assert len(word) < 4 or "Did you mean" in str(raised.value)


@pytest.mark.parametrize("word", WORDS, ids=str)
def test_a_word_in_another_case_raises_with_the_word(word: Any) -> None:
    """Clients of other languages write lower case."""
    with pytest.raises(UsageError) as raised:
        assert word == str(word).swapcase()

    assert f"Did you mean {str(word)!r}?" in str(raised.value)


@pytest.mark.parametrize("other", [14, 503, 0, True, 0.5, b"UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE, Other.BROKEN])
def test_a_status_is_not_compared_with_numbers_or_other_enums(other: object) -> None:
    """The result would be false whatever the double answered."""
    with pytest.raises(UsageError, match=r"its number as \.number, or its HTTP status as \.http_status"):
        assert other != Code.UNAVAILABLE


def test_a_status_equals_the_members_of_other_enums_with_its_name() -> None:
    """Such as those of grpcio, which have the same hash too."""
    for code in Code:
        assert code == grpc.StatusCode[code.name]
        assert code in {grpc.StatusCode[code.name], 1}
        assert grpc.StatusCode[code.name] == code
    assert Code.UNAVAILABLE == Other.UNAVAILABLE
    assert Code.ABORTED != Other.UNAVAILABLE


def test_words_of_two_sets_are_not_compared() -> None:
    """A status of a call is never one of an image."""
    with pytest.raises(UsageError, match="Unknown status 'READY'"):
        assert Code.OK != ImageStatus.READY


def test_a_code_is_found_by_its_name_and_its_number() -> None:
    """An undefined code is refused."""
    for code in Code:
        assert Code(code.number) is Code(code.name) is code
        assert TypeAdapter(Code).validate_python(code.number) is code
        assert int(json.loads(TypeAdapter(int).dump_json(code.number))) == code.number
    for wrong in (99, -1, "unavailable", True):
        with pytest.raises(ValueError, match="is not a valid Code"):
            Code(wrong)


def test_a_call_shows_the_name_of_its_status_and_compares_its_method() -> None:
    """In the journal, its texts, and a `match`."""
    with Double(clock="manual") as double:
        double.inject(unavailable(), on="images.list")
        httpx.Client(transport=double.httpx_transport()).get(f"{double.url}/compute/v1/images")
        (call,) = double.calls

    assert (call.status, call.method) == ("UNAVAILABLE", "images.list")
    assert (call.status.number, call.status.http_status) == (14, 503)
    assert "status='UNAVAILABLE'" in repr(call)
    assert " UNAVAILABLE " in str(call)
    match call.status:
        case "OK" | "ABORTED":
            raise AssertionError
        case "UNAVAILABLE":
            pass
    with pytest.raises(UsageError, match=r"Unknown method 'images.lists'\. Did you mean 'images.list'\?"):
        assert not [call for call in double.calls if call.method == "images.lists"]


def test_the_error_of_an_operation_has_a_code_with_a_name() -> None:
    """Its JSON has the number, and an unknown number is UNKNOWN, as in gRPC's libraries."""
    for code in Code:
        status = Status.model_validate({"code": code.number, "message": "x"})
        assert status.code is code
        assert status.to_wire() == {"code": code.number, "message": "x"}
        assert Status.model_validate_json(status.to_json()) == status
    assert Status.model_validate({"code": 99}).code == "UNKNOWN"
    wrong: Any
    for wrong in (None, "NO_CODE", [], 1.5, True):
        with pytest.raises(ValidationError):
            Status.model_validate({"code": wrong})


_OUTCOME = Outcome("unended", limit="calls")
_CHOSEN: Final = {
    "ending": (_OUTCOME.ending, get_args(Ending)),
    "limit": (_OUTCOME.limit, get_args(Limit)),
    "verb": (Trial(Scenario(), _OUTCOME, Calls(()), (), (), 0.0, verb="cleanup").verb, VERBS),
    "gave up": (GrpcCall("Create", gave_up=GAVE_UP["deadline"]).gave_up, get_args(GaveUp)),
    "gave up at first": (GrpcCall("Create").gave_up, get_args(GaveUp)),
}


@pytest.mark.parametrize(("word", "known"), _CHOSEN.values(), ids=_CHOSEN)
def test_words_that_are_no_enum_compare_as_such(word: Any, known: tuple[str, ...]) -> None:
    """A word equals its text; an unknown one, and what is no text, raises."""
    assert [text for text in known if word == text] == [str(word)]
    assert [text for text in known if word != text] == [text for text in known if text != str(word)]
    for text in known:
        misspelt = f"{text}s"
        if misspelt not in known:
            with pytest.raises(UsageError, match=r"^Unknown "):
                assert word != misspelt
    with pytest.raises(UsageError, match="compare it with a text"):
        assert word != 3
    assert word is not None
    assert (isinstance(word, str), hash(word), repr(word)) == (True, hash(str(word)), repr(str(word)))
    again = pickle.loads(pickle.dumps(word))  # noqa: S301 - our own
    assert (again, type(again)) == (word, type(word))
    assert json.loads(json.dumps(word)) == str(word)
    assert {str(word): 1}[word] == 1


def _settings() -> dict[str, tuple[Any, list[Any]]]:
    """Return each word of the settings, with what it may be, and objects that show it."""
    kinds = {name: field.annotation for name, field in Settings.model_fields.items()}
    shown: dict[str, tuple[Any, list[Any]]] = {}
    for name, kind in kinds.items():
        if get_origin(kind) is Literal:
            known = get_args(kind)
            given_one = Settings(**{name: known[-1]})
            shown[name] = (
                known,
                [Settings(), given_one, given_one.model_copy(update={name: known[0]}), *_copies(given_one)],
            )
    return shown


def _copies(one: Settings) -> list[Settings]:
    copied: Settings = pickle.loads(pickle.dumps(one))  # noqa: S301 - its own
    return [copied, copy.deepcopy(one), one.decided(), merged({"seed": 5}, one)]


SETTINGS = _settings()


def test_the_words_of_settings_are_known() -> None:
    """Those of the issue among them."""
    expected = {"mode", "auth", "real_hosts", "contract", "unknown_resources", "expired", "replay_pace", "clock"}
    assert expected <= SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_word_of_settings_equals_its_text_and_raises_for_a_misspelt_one(name: str) -> None:
    """However the settings were made: given, by default, copied, sent to another process."""
    known, objects = SETTINGS[name]
    for each in objects:
        word = getattr(each, name)
        assert word in known
        assert word == str(word)
        assert json.loads(json.dumps(word)) == str(word)
        typo = f"{word}a"
        with pytest.raises(UsageError, match=rf"Unknown {name.replace('_', ' ')} '{typo}'\. Did you mean '{word}'\?"):
            assert word != typo
    with pytest.raises(UsageError, match="Did you mean"):
        objects[0].model_copy(update={name: f"{known[0]}a"})


def test_the_words_of_a_double_raise_for_a_misspelt_one() -> None:
    """Its mode, its cancel, and the rules of its faults."""
    with Double(clock="manual", cancel={"images.create": "late"}, auth="off") as double:
        injection = double.inject(unavailable(), per="call", expect=False)
        words = [
            (double.settings.mode, "fake"),
            (double.settings.auth, "off"),
            (double.cancel.of("images.create"), "late"),  # type: ignore[union-attr]  # a mapping was given
            (injection.rule.per, "call"),
            (injection.rule.commit, "before"),
        ]
        words.append((Double().cancel, "wins"))
        double.cancel = "loses"
        words += [(double.cancel, "loses"), (Settings(cancel="refused").cancel, "refused"), (Settings().cancel, "wins")]
        words += [(PlannedFault(unavailable(), "images.create", 1, "after").commit, "after")]
    for word, text in words:
        assert word == text
        with pytest.raises(UsageError, match=f"Did you mean '{text}'"):
            assert word != f"{text}a"


def test_a_misspelt_word_is_refused_where_it_is_given() -> None:
    """With the nearest."""
    wrong: Any
    for wrong in (
        lambda: Outcome("retuned"),  # type: ignore[arg-type]  # on purpose
        lambda: PlannedFault(unavailable(), "images.create", 1, "befor"),  # type: ignore[arg-type]  # on purpose
        lambda: Rule(unavailable(), per="cal"),  # type: ignore[arg-type]  # on purpose
        lambda: Rule(unavailable(), commit="afterr"),  # type: ignore[arg-type]  # on purpose
    ):
        with pytest.raises(UsageError, match="Did you mean"):
            wrong()
