"""Credentials: no representation, copy or comparison shows the secret, and only a request carries it."""

from __future__ import annotations

import copy
import io
import json
import logging
import operator
import pickle
import pprint
import re
import reprlib
import traceback
import types
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.pretty import pretty_repr

from pytest_ycimages import UsageError
from pytest_ycimages.cassette.credential import Credential

if TYPE_CHECKING:
    from collections.abc import Callable

VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
SECRETS: Final = st.text(VISIBLE, min_size=40, max_size=400)
drawn = settings(derandomize=True, database=None, deadline=None, max_examples=8)


@dataclass
class Holder:
    """A value of the kind that printing tools walk through."""

    credential: Credential


def _traceback_with_locals(credential: Credential) -> str:
    error = ValueError(credential)
    try:
        raise error
    except ValueError as raised:
        return "".join(traceback.TracebackException.from_exception(raised, capture_locals=True).format())


def _logged(credential: Credential) -> str:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "with %s and %r", (credential, credential), None)
    return logging.Formatter().format(record)


def _on_a_console(credential: Credential) -> str:
    console = Console(file=io.StringIO(), width=500)
    console.print(credential, {"it": credential})
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


SHOWN: Final[dict[str, Callable[[Credential], object]]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": format,
    "a width": lambda it: f"{it:>80}",
    "percent": lambda it: f"{it!r} {it!s}",
    "a list": lambda it: repr([it, {it: it}]),
    "a dataclass": lambda it: repr(Holder(it)),
    "asdict": lambda it: repr(asdict(Holder(it))),
    "pprint": lambda it: pprint.pformat([it]),
    "reprlib": lambda it: reprlib.repr([it]),
    "rich": pretty_repr,
    "a console": _on_a_console,
    "json": lambda it: json.dumps([it], default=repr),
    "a log": _logged,
    "a traceback": _traceback_with_locals,
    "dir": lambda it: repr({name: getattr(it, name, None) for name in dir(it)}),
    "a copy": lambda it: repr([copy.copy(it), copy.deepcopy([it])]),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
@drawn
@given(secret=SECRETS)
def test_no_representation_shows_any_part(shown: Callable[[Credential], object], secret: str) -> None:
    """Whatever tool prints it."""
    text = str(shown(Credential(secret, "YC_TOKEN")))
    assert not any(secret[at : at + 10] in text for at in range(len(secret) - 9))


def test_the_source_is_named() -> None:
    """So that a message can say which variable was read."""
    assert (str(Credential("secret", "YC_TOKEN")), str(Credential("", "YC_TOKEN"))) == (
        "<Credential from YC_TOKEN>",
        "<no Credential>",
    )


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(protocol: int) -> None:
    """Neither alone nor inside another value."""
    for value in (Credential("secret", "it"), [Holder(Credential("secret", "it"))]):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(value, protocol)


def test_it_has_no_state_to_look_at_or_to_change() -> None:
    """`vars`, the state of copies, and assignments are refused."""
    credential = Credential("secret", "it")
    with pytest.raises(TypeError):
        vars(credential)
    with pytest.raises(TypeError, match="cannot be pickled"):
        credential.__getstate__()
    with pytest.raises(AttributeError, match="cannot be changed"):
        credential.source = "else"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del credential.source
    attribute: Any = object.__getattribute__(credential, "_reveal")
    assert isinstance(attribute, types.FunctionType)


def test_comparison_and_hash_say_nothing_of_the_secret() -> None:
    """Two credentials with one secret are unlike, and neither equals the text."""
    one: Any = Credential("secret", "it")
    other: Any = Credential("secret", "it")
    assert one == one  # noqa: PLR0124 - identity
    assert one != other
    assert one != "secret"
    assert hash(one) == object.__hash__(one)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError):
            compare(one, other)
    for inside in (len, list, bytes):
        with pytest.raises(TypeError):
            inside(one)


@drawn
@given(secret=SECRETS, scheme=st.sampled_from(["Bearer", "bearer", "BEARER  "]))
def test_a_request_carries_it(secret: str, scheme: str) -> None:
    """In the place of the stand-in, which is the only way out besides `reveal`."""
    credential = Credential(f" {secret}\n", "YC_TOKEN")
    assert credential.put_into(f"{scheme} stand-in", "stand-in") == f"{scheme} {secret}".encode()
    assert credential.put_into("Basic dTpw", "stand-in") == b"Basic dTpw"
    assert credential.put_into("Basic dTpw", "") == b"Basic dTpw"
    assert credential.reveal() == secret


def test_none_is_put_into_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set, or is blank, is a false credential."""
    monkeypatch.delenv("YC_TOKEN", raising=False)
    assert not Credential.from_environment("YC_TOKEN")
    monkeypatch.setenv("YC_TOKEN", " \n")
    credential = Credential.from_environment("YC_TOKEN")
    assert not credential
    assert credential.put_into("Bearer stand-in", "stand-in") == b"Bearer stand-in"


@pytest.mark.parametrize("junk", ["\n", "\r\nx-evil: 1", " ", "\t", "\x7f", "\u00e9", "\u2028", "\udcff"])
def test_what_no_header_can_carry_is_refused_without_showing_it(junk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the message nor any frame of the error has a part of it."""
    secret = "t1." + "A1b2" * 12 + junk + "C3d4" * 12
    monkeypatch.setenv("YC_TOKEN", secret)
    with pytest.raises(UsageError, match="invalid YC_TOKEN: expected a token of visible ASCII") as refused:
        Credential.from_environment("YC_TOKEN")
    own = refused.value.__traceback__
    assert own is not None
    text = "".join(
        traceback.TracebackException(type(refused.value), refused.value, own.tb_next, capture_locals=True).format()
    )
    assert not re.search("A1b2|C3d4", text)
