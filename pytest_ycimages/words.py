"""Words of closed sets, such as a status, and names of attributes: an unknown one raises, with the nearest known."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import is_dataclass
from enum import Enum, StrEnum
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_ycimages.errors import UnknownAttributeError, UsageError, nearest, unknown_word

if TYPE_CHECKING:
    from collections.abc import Collection

_AnyClass = TypeVar("_AnyClass", bound=type)


class Compared:
    """A text of a closed set. It equals its text, prints as its text, and has the hash of its text.

    A comparison by `==` or `!=` that could only have one result raises `UsageError`: with a text that is not in the set
    (the error has the nearest that is), with a number, or with a member of another enum unless that has the same name.
    None and values of other types are not equal. Sets and keys of mappings compare hashes first, so that an unknown
    text in a set is not found: write a tuple.
    """

    __slots__ = ()

    @classmethod
    def known(cls) -> Collection[str]:
        """Return the texts of the set."""
        raise NotImplementedError

    @classmethod
    def noun(cls) -> str:
        """Return what errors call a text of the set."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()

    @classmethod
    def advice(cls) -> str:
        """Return what errors say about a value of another type."""
        return f"compare it with a text, such as {min(cls.known())!r}"

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same text."""
        __tracebackhide__ = True
        if self is other:
            return True
        known = self.known()
        if isinstance(other, Enum) and not isinstance(other, str) and other.name in known:
            other = other.name  # such as grpc.StatusCode, whose hash is that of its name
        if isinstance(other, str):
            if other not in known:
                raise unknown_word(self.noun(), str(other), known)
            return str.__eq__(str(self), str(other))
        if isinstance(other, Enum | int | float | bytes):
            raise UsageError(f"{self.noun()} {str(self)!r} was compared with {other!r}: {self.advice()}.")
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        """Return whether they are different texts."""
        __tracebackhide__ = True
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...


class Word(Compared, StrEnum):
    """A member of an enum that is compared as a text of a closed set."""

    @classmethod
    def known(cls) -> Collection[str]:
        """Return the values of the members."""
        return _values(cls)

    __hash__ = str.__hash__

    def __repr__(self) -> str:
        """Return the text in quotes."""
        return repr(self.value)


class Choice(Compared, str):
    """A text of a closed set whose type is a `Literal`, such as how a client ended."""

    __slots__ = ()
    __hash__ = str.__hash__
    __repr__ = str.__repr__

    @classmethod
    def advice(cls) -> str:
        """Return what errors say about a value of another type."""
        return f"compare it with a text, such as {min(filter(None, cls.known()))!r}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how another process makes it: its class has no name there."""
        return _chosen, (self.noun(), tuple(self.known()), str(self))


@cache
def choices(noun: str, words: tuple[str, ...]) -> dict[str, Any]:
    """Return the texts of a closed set, by themselves, for a field that is assigned."""
    own = {"__slots__": (), "known": classmethod(lambda _: words), "noun": classmethod(lambda _: noun)}
    kind = type("Choice", (Choice,), own)
    return {text: kind(text) for text in words}


def _chosen(noun: str, words: tuple[str, ...], text: str) -> Any:
    return choices(noun, words)[text]


def choose(owner: object, **words: tuple[str, ...]) -> None:
    """Let fields of a frozen object compare as texts of closed sets, given by their names; None stays.

    Raises:
        UsageError: a field has another value; the text names the nearest.
    """
    for name, known in words.items():
        text, noun = getattr(owner, name), name.replace("_", " ")
        if text is not None and str(text) not in known:
            raise unknown_word(noun, text, known)
        if text is not None:
            object.__setattr__(owner, name, choices(noun, known)[str(text)])


@cache
def _values(words: type[Word]) -> frozenset[str]:
    return frozenset(str(word.value) for word in words)


def exact(cls: _AnyClass) -> _AnyClass:
    """Let reading an attribute that objects of this class lack raise with the nearest that they have."""
    inherited: Any = getattr(cls, "__getattr__", None)

    def read(self: Any, name: str) -> Any:
        __tracebackhide__ = True
        if inherited is not None:
            with suppress(AttributeError):
                return inherited(self, name)
        if name in dir(type(self)):
            return object.__getattribute__(self, name)  # a property raised an AttributeError: raise it again
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        raise _unknown(self, name)

    cls.__getattr__ = read  # type: ignore[attr-defined]  # not in the class body: type checkers know the attributes
    if is_dataclass(cls) and "__slots__" in vars(cls):  # whose own refusal is a TypeError about `super`
        put: Any = cls.__setattr__

        def write(self: Any, name: str, value: object) -> None:
            __tracebackhide__ = True
            if name not in _attributes(type(self)):  # type: ignore[arg-type]  # classes are hashable
                raise _unknown(self, name)
            put(self, name, value)

        cls.__setattr__ = write  # type: ignore[method-assign]  # as above
    return cls


@cache
def _attributes(cls: type[object]) -> frozenset[str]:
    return frozenset(dir(cls))


def sealed(cls: _AnyClass) -> _AnyClass:
    """Refuse attributes that objects of this class lack as `exact` does, and also when they are set.

    The attributes are those that its methods and `__init__` define. A subclass may add attributes whose names resemble
    none of these.
    """
    make: Any = cls.__init__  # type: ignore[misc]  # that of this class
    put: Any = cls.__setattr__

    @wraps(make)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        put(self, "_is_made", True)  # noqa: FBT003 - a value

    def write(self: Any, name: str, value: object) -> None:
        __tracebackhide__ = True
        known = name.startswith("_") or name in vars(self) or name in dir(type(self))
        if not known and "_is_made" in vars(self):
            error = _unknown(self, name)
            if type(self) is cls or error.nearest:
                raise error
        put(self, name, value)

    cls.__init__, cls.__setattr__ = made, write  # type: ignore[misc, method-assign, assignment]  # as above
    return exact(cls)


def _unknown(owner: object, name: str) -> UnknownAttributeError:
    known = [each for each in dir(owner) if not each.startswith("_")]
    near = nearest(name, known, cutoff=0.7)
    hint = f" Did you mean {near!r}?" if near else f" It has: {', '.join(known)}."
    return UnknownAttributeError(f"{type(owner).__name__} has no attribute {name!r}.{hint}", near)
