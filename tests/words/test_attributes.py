"""Attributes of the objects that tests hold: a misspelt one raises with the right one, when it is read or set."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import (
    Double,
    Latency,
    Outcome,
    Rule,
    Scenario,
    Settings,
    UnknownAttributeError,
    UsageError,
    VirtualTime,
    unavailable,
)
from tests.words.typos import one_edit_away


def _objects() -> list[Any]:
    with Double(clock="manual") as double:
        injection = double.inject(unavailable(), on="images.list")
        double.add_image()
        client = httpx.Client(transport=double.httpx_transport())
        client.get(f"{double.url}/compute/v1/images")
        headers = {"Authorization": "Bearer x"}
        disk = {"folderId": double.folder_id, "diskId": double.add_disk()}
        created = client.post(
            f"{double.url}/compute/v1/images", json=disk, headers={"Authorization": "Bearer x"}
        ).json()
        client.get(f"{double.url}/operations/{created['id']}", headers=headers)
    shown = [double, injection, double.clock, double.calls, double.calls[0], double.calls.pacing[created["id"]]]
    shown += [injection.strikes[0], double.accounts[0], *double.images.values(), *double.operations.values()]
    values = [Settings(), Latency.fixed(1), Rule(unavailable()), unavailable(), Scenario(()), Outcome("returned")]
    return [*shown, *values, VirtualTime()]


OBJECTS = _objects()
NAMES = [
    (each, name)
    for each in OBJECTS
    for name in dir(each)
    if len(name) > 3 and not name.startswith("_") and not name.startswith("model_")
]


@given(st.data(), st.sampled_from(NAMES))
@settings(max_examples=60)
def test_a_name_one_edit_away_is_refused_with_the_right_one(data: st.DataObject, named: tuple[Any, str]) -> None:
    """`hasattr` and the default of `getattr` work as usual."""
    owner, name = named
    typo = data.draw(one_edit_away(name).filter(lambda text: not hasattr(owner, text) and not text.startswith("_")))

    assert getattr(owner, typo, None) is None
    with pytest.raises(AttributeError, match=rf"has no attribute {typo!r}\. Did you mean ") as raised:
        getattr(owner, typo)
    assert isinstance(raised.value, UnknownAttributeError)
    before = dict(getattr(owner, "__dict__", {}))
    with pytest.raises((AttributeError, ValueError)):  # what is frozen refuses every name
        setattr(owner, typo, 30)
    assert dict(getattr(owner, "__dict__", {})) == before


@pytest.mark.parametrize("owner", OBJECTS[:4], ids=lambda owner: type(owner).__name__)
def test_a_name_like_no_other_is_refused_with_all(owner: Any) -> None:
    """None resembles it."""
    with pytest.raises(UsageError, match=r"has no attribute 'qqqqqqqq'\. It has: "):
        owner.qqqqqqqq = 1
    with pytest.raises(UsageError, match=r"has no attribute 'qqqqqqqq'\. It has: "):
        owner.qqqqqqqq  # noqa: B018 - reading is what is tested


def test_an_error_of_this_kind_can_be_sent_to_another_process() -> None:
    """Workers of pytest-xdist do."""
    with pytest.raises(UnknownAttributeError) as raised:
        Double().timming = 3  # type: ignore[attr-defined]  # it is not there

    copied = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - its own

    assert str(copied) == str(raised.value) == "Double has no attribute 'timming'. Did you mean 'timing'?"
    assert copied.nearest == "timing"


def test_a_subclass_may_have_attributes_of_its_own_unless_they_resemble_others() -> None:
    """Before and after the constructor of `Double`."""

    class Own(Double):
        def __init__(self) -> None:
            super().__init__()
            self.baked_by = "packer"

    own = Own()
    own.baked_by = "terraform"
    own.extra = 1  # type: ignore[attr-defined]  # not declared, and like no other

    with pytest.raises(UsageError, match="Did you mean 'latency'"):
        own.latncy = 5  # type: ignore[attr-defined]  # it is not there


def test_what_exists_may_be_replaced_and_an_error_of_a_property_stays_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `monkeypatch` and `mock` do."""
    double = Double()
    monkeypatch.setattr(double, "reset", lambda: None)
    double.on_call = None
    with pytest.raises(AttributeError, match=r"can't set|no setter"):
        double.images = {}  # type: ignore[misc]  # a property

    class Broken(Double):
        @property
        def images(self) -> Any:
            return object().missing  # type: ignore[attr-defined]  # on purpose

    with pytest.raises(AttributeError, match="'object' object has no attribute 'missing'"):
        Broken().images  # noqa: B018 - reading is what is tested
    assert copy.copy(Settings(timing=3)) == Settings(timing=3)
    assert copy.deepcopy(Latency.fixed(1)) == Latency.fixed(1)
