"""Clients that got hold of `time.sleep` or a clock long before: wherever it is kept, it is virtual, and then not."""

from __future__ import annotations

import importlib.util
import sys
import time
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import MagicMock

import freezegun.api
import pytest

from pytest_ycimages import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SOURCE: Final = """
import functools
import time
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic, sleep
from time import sleep as nap
from typing import NamedTuple

import attrs

later = functools.partial(time.sleep, 10)
clock_later = functools.partial(monotonic)


def imported():
    before = monotonic()
    sleep(10)
    return monotonic() - before

def imported_by_another_name():
    before = monotonic()
    nap(10)
    return monotonic() - before

def by_default(sleep=time.sleep, clock=time.monotonic):
    before = clock()
    sleep(10)
    return clock() - before

def by_keyword(*, pause: object = None, sleep=time.sleep, clock=time.perf_counter):
    before = clock()
    sleep(10)
    return clock() - before

def by_nanoseconds(sleep=time.sleep, clock=time.time_ns):
    before = clock()
    sleep(10)
    return (clock() - before) / 10**9

def decorate(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

@decorate
@decorate
def decorated(sleep=time.sleep, clock=time.monotonic):
    before = clock()
    sleep(10)
    return clock() - before

def by_partial():
    before = clock_later()
    later()
    return clock_later() - before

def by_queue():
    before = monotonic()
    try:
        SimpleQueue().get(timeout=10)
    except Exception:
        return monotonic() - before


class Attributes:
    sleep = time.sleep
    clock = time.monotonic
    later = staticmethod(functools.partial(time.sleep, 10))

    def run(self):
        before = self.clock()
        self.sleep(4)
        Attributes.sleep(6)
        return self.clock() - before

    def run_later(self):
        before = self.clock()
        self.later()
        return self.clock() - before


class Static:
    sleep = staticmethod(time.sleep)
    clock = staticmethod(time.monotonic)

    def run(self):
        before = self.clock()
        self.sleep(10)
        return self.clock() - before

    @staticmethod
    def by_static(sleep=time.sleep, clock=time.monotonic):
        before = clock()
        sleep(10)
        return clock() - before

    @classmethod
    def by_class(cls, sleep=time.sleep, *, clock=time.monotonic):
        before = clock()
        sleep(10)
        return clock() - before

    @decorate
    def by_decorated(self, sleep=time.sleep, clock=time.monotonic):
        before = clock()
        sleep(10)
        return clock() - before


class Stored:
    def __init__(self, sleep=time.sleep, clock=time.monotonic):
        self._sleep, self._clock = sleep, clock

    def run(self):
        before = self._clock()
        self._sleep(10)
        return self._clock() - before


class Child(Stored, Static):
    pass


@dataclass
class Data:
    sleep: object = time.sleep
    clock: object = time.monotonic

    def run(self):
        before = self.clock()
        self.sleep(10)
        return self.clock() - before


@dataclass(frozen=True, slots=True)
class SlottedData:
    sleep: object = time.sleep
    clock: object = time.monotonic

    def run(self):
        before = self.clock()
        self.sleep(10)
        return self.clock() - before


@attrs.define
class WithAttrs:
    sleep: object = time.sleep
    clock: object = time.monotonic

    def run(self):
        before = self.clock()
        self.sleep(10)
        return self.clock() - before


class Named(NamedTuple):
    sleep: object = time.sleep
    clock: object = time.monotonic

    def run(self):
        before = self.clock()
        self.sleep(10)
        return self.clock() - before
"""

WAYS: Final = (
    "imported()", "imported_by_another_name()", "by_default()", "by_keyword()", "by_nanoseconds()", "decorated()",
    "by_partial()", "by_queue()", "Attributes().run()", "Attributes().run_later()", "Static().run()",
    "Static.by_static()", "Static.by_class()", "Static().by_decorated()", "Stored().run()", "Child().run()",
    "Data().run()", "SlottedData().run()", "WithAttrs().run()", "Named().run()",
)  # fmt: skip


def _made(name: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    exec(SOURCE, vars(module))  # noqa: S102 - as importing does
    return module


@pytest.fixture
def client() -> Iterator[Any]:
    """A client that was imported before virtual time began."""
    yield _made("captures_of_a_test")
    del sys.modules["captures_of_a_test"]


def _held(module: ModuleType) -> dict[str, object]:
    """Everything that a module holds, with what its functions and classes hold."""
    held: dict[str, object] = {}
    for name, value in vars(module).items():
        held[name] = value
        for attribute in ("__defaults__", "__kwdefaults__"):
            held[f"{name}.{attribute}"] = getattr(value, attribute, None)
        if isinstance(value, type):
            for key, member in vars(value).items():
                held[f"{name}.{key}"] = member
                held[f"{name}.{key}.__defaults__"] = getattr(member, "__defaults__", None)
                held[f"{name}.{key}.__kwdefaults__"] = getattr(member, "__kwdefaults__", None)
    return held


@pytest.mark.parametrize("way", WAYS)
def test_what_is_kept_is_virtual(client: Any, way: str) -> None:
    """Wherever it is kept: ten seconds pass, and no real one."""
    with VirtualTime() as virtual_time:
        assert eval(way, vars(client)) == 10  # noqa: S307 - a way from the list above
        assert virtual_time.elapsed == 10


def test_what_was_kept_is_put_back(client: Any) -> None:
    """By identity, also in the second run, for which what was found is remembered."""
    before = during = _held(client)
    for _ in range(2):
        with VirtualTime():
            during = _held(client)
            assert client.by_default() == 10
        after = _held(client)
        assert [key for key, value in before.items() if after[key] is not value] == []
        assert after.keys() == before.keys()
    assert sum(during.get(key) is not value for key, value in before.items()) > len(WAYS)


def test_a_module_that_comes_in_the_place_of_another_is_looked_at(client: Any) -> None:
    """Of the same name and as large, and perhaps where the other one was in memory."""
    with VirtualTime():
        assert client.by_default() == 10
    for _ in range(5):
        module: Any = _made("captures_of_a_test")
        with VirtualTime() as virtual_time:
            assert module.by_default() == module.Stored().run() == 10
            assert virtual_time.elapsed == 20


def test_a_function_that_has_lost_its_defaults_is_left_alone(client: Any) -> None:
    """Virtual time begins, though it remembers where they were."""
    with VirtualTime():
        assert client.by_default() == client.by_keyword() == 10
    client.by_default.__defaults__ = client.by_keyword.__kwdefaults__ = None
    with VirtualTime():
        assert client.by_default(time.sleep, time.monotonic) == 10
    assert client.by_default.__defaults__ is client.by_keyword.__kwdefaults__ is None


def test_a_class_that_lets_nobody_change_it_is_left_alone(client: Any) -> None:
    """Virtual time begins all the same."""

    class Stubborn(type):
        def __setattr__(cls, name: str, value: object) -> None:
            raise AttributeError(name, value)

    client.Stone = Stubborn("Stone", (), {"sleep": client.sleep, "__module__": "captures_of_a_test"})
    with VirtualTime() as virtual_time:
        assert client.by_default() == virtual_time.elapsed == 10


class _NoWeakReference:
    """A cffi library: it says that it is a module, and allows no weak reference (`_openssl.lib` of cryptography)."""

    __slots__ = ()

    @property  # type: ignore[misc]  # as such libraries do
    def __class__(self) -> type:
        return ModuleType


class _RaisingClass:
    """Django's settings that are not configured: even `isinstance` raises."""

    @property  # type: ignore[misc]  # as such libraries do
    def __class__(self) -> type:
        raise LookupError("not configured")


class _RaisingAttributes:
    """An object in the place of a module, none of whose attributes can be read."""

    def __getattribute__(self, name: str) -> object:
        raise LookupError(name)


class _RaisingModule(ModuleType):
    """A module that says what it has, and does not give it."""

    def __dir__(self) -> list[str]:
        return ["sleep"]

    def __getattribute__(self, name: str) -> object:
        raise LookupError(name)


class _Deprecated:
    """An object in the place of a module that warns of itself, as `typing.io` does."""

    @property
    def sleep(self) -> object:
        warnings.warn("deprecated", DeprecationWarning, stacklevel=2)
        return time.sleep


def _module_with_getattr() -> ModuleType:
    module = ModuleType("odd_module")

    def refuse(name: str) -> object:
        raise LookupError(name)

    vars(module).update(__getattr__=refuse, __dir__=lambda: ["sleep"])
    return module


ODD: Final = {
    "no weak reference": _NoWeakReference,
    "its class raises": _RaisingClass,
    "its attributes raise": _RaisingAttributes,
    "a module whose attributes raise": lambda: _RaisingModule("odd_module"),
    "a module whose __getattr__ raises": _module_with_getattr,
    "it warns": _Deprecated,
    "no module": object,
    "None": lambda: None,
}
"""What libraries put into `sys.modules` besides modules."""


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
@pytest.mark.parametrize("meanwhile", [False, True], ids=["before", "meanwhile"])
def test_an_odd_entry_of_sys_modules_does_no_harm(
    client: Any, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any], *, meanwhile: bool
) -> None:
    """Virtual time begins and ends, whether the entry was there before it or came while it ran."""
    odd = make()
    if not meanwhile:
        monkeypatch.setitem(sys.modules, "odd_module", odd)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with VirtualTime() as virtual_time:
            monkeypatch.setitem(sys.modules, "odd_module", odd)
            assert client.by_default() == virtual_time.elapsed == 10
    assert client.monotonic is time.monotonic
    assert freezegun.api.freeze_factories == []
    assert vars(freezegun.api)["sys"] is sys
    assert warned == []


@pytest.mark.parametrize("make", [_RaisingClass, _RaisingAttributes])
def test_an_odd_value_in_a_module_does_no_harm(client: Any, make: Callable[[], object]) -> None:
    """A lazy object, in a module and in a class of it."""
    client.settings = client.Static.settings = make()
    with VirtualTime() as virtual_time:
        assert client.by_default() == virtual_time.elapsed == 10


def test_a_lazy_module_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code runs when the client first uses it, with virtual time in force; afterwards it has real time."""
    (tmp_path / "lazy_module.py").write_text("from time import monotonic, sleep\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = importlib.util.find_spec("lazy_module")
    assert spec
    assert spec.loader
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "lazy_module", module)
    spec.loader.exec_module(module)
    with VirtualTime():
        assert type(module) is not ModuleType
    with VirtualTime() as virtual_time:
        module.sleep(10)
        assert type(module) is ModuleType
        assert virtual_time.elapsed == 10
    assert module.monotonic is time.monotonic


def test_a_module_that_loads_what_it_lists_loads_nothing(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As large libraries do: `dir` names what an attribute would import."""
    loaded: list[str] = []

    class Lazy(ModuleType):
        def __dir__(self) -> list[str]:
            return ["torch"]

        def __getattr__(self, name: str) -> object:
            loaded.append(name)
            raise AttributeError(name)

    with_function = ModuleType("lazy_by_function")
    vars(with_function).update(__dir__=lambda: ["torch"], __getattr__=loaded.append)
    monkeypatch.setitem(sys.modules, "lazy_by_class", Lazy("lazy_by_class"))
    monkeypatch.setitem(sys.modules, "lazy_by_function", with_function)
    with VirtualTime() as virtual_time:
        monkeypatch.setitem(sys.modules, "lazy_later", Lazy("lazy_later"))
        assert client.by_default() == virtual_time.elapsed == 10
    assert loaded == []


@pytest.mark.parametrize("make", [_RaisingClass, _RaisingAttributes, _NoWeakReference, object, lambda: None, MagicMock])
@pytest.mark.parametrize("name", ["odd_object", "trio", "uvloop", "gevent.hub", "time_machine"])
def test_an_odd_object_under_a_name_that_is_known_does_no_harm(
    client: Any, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any], name: str
) -> None:
    """Suites put stand-ins for optional libraries there; they stay as they are."""
    odd = make()
    monkeypatch.setitem(sys.modules, name, odd)
    with VirtualTime() as virtual_time:
        assert client.by_default() == virtual_time.elapsed == 10
        assert sys.modules[name] is odd


def test_whose_name_only_begins_like_ours_is_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pytest_ycimages_of_mine` and `freezegun_of_mine` are no part of this package, nor of freezegun."""
    for name in ("pytest_ycimages_of_mine", "freezegun_of_mine", "hypothesis_of_mine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        module: Any = _made(name)
        with VirtualTime():
            assert module.imported() == module.by_default() == 10
        del sys.modules[name]
