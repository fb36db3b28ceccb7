"""Rules: which fault strikes which calls and when, from values, dicts or text. An invalid rule is refused at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from pydantic.alias_generators import to_camel, to_snake

from pytest_ycimages.api.methods import CONTRACTS, matching
from pytest_ycimages.cloud.timing import TIMINGS
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.catalogue import CATALOGUE
from pytest_ycimages.faults.fault import Commit, Fault
from pytest_ycimages.faults.schedules import SCHEDULES, When, always
from pytest_ycimages.text_values import Vocabulary, Written, is_text, read_text
from pytest_ycimages.words import choose, exact

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call

Per = Literal["rule", "call", "connection"]
On = str | Callable[["Request"], bool]
_HEADER: Final = "header."
_Read = TypeVar("_Read")
_EXAMPLE: Final = 'reset(), on="images.create", when=first(2), commit="after"'


@exact
@dataclass(frozen=True, slots=True, repr=False)
class Rule(Written):
    """A fault, and the calls that it strikes.

    Attributes:
        fault: what goes wrong.
        on: a method word or glob, or a predicate on the request.
        when: which of the calls that match are struck.
        commit: whether it strikes `before` the cloud executes the call, which then never happens, or `after`.
            None: the default of the fault.
        per: what `when` counts: calls of this `rule`, attempts of one `call`, or calls over one `connection`.
        where: fields of the request, such as `folderId`, or headers, such as `header.x-request-id`, with the pattern
            that the value matches; `*` and `?` stand for anything. In a list, one element has to match.
        expect: whether the test fails when the fault never strikes.

    Raises:
        UsageError: the rule is invalid.
    """

    fault: Fault
    on: On = "*"
    when: When = field(default_factory=always)
    commit: Commit | None = None
    per: Per = "rule"
    where: Mapping[str, str] = field(default_factory=dict, hash=False)
    expect: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.fault, Fault):
            raise _FAULTS.error(self.fault)
        if not isinstance(self.when, When):
            raise _SCHEDULES.error(self.when)
        if self.commit is None:
            object.__setattr__(self, "commit", self.fault.commits[0])
        choose(self, per=get_args(Per), commit=get_args(Commit))
        if self.commit not in self.fault.commits:
            raise UsageError(
                f"{self.fault} cannot strike {self.commit} the commit, only {self.fault.commits[0]} it; omit commit"
            )
        if not isinstance(self.expect, bool):
            raise UsageError(f"invalid expect={self.expect!r}: expected True to fail a test without a strike, or False")
        if isinstance(self.on, str):
            object.__setattr__(self, "on", str(self.on))  # a word of the journal is not compared with globs
        _check_where(self.where, self.methods())

    def methods(self) -> frozenset[str]:
        """Return the words of the methods that it can strike.

        Raises:
            UsageError: it can strike none.
        """
        able = frozenset(self.fault.methods)
        if not isinstance(self.on, str) and not callable(self.on):
            raise UsageError(
                f"invalid on={self.on!r}: expected a method such as 'images.create', a glob or a predicate"
            )
        named = matching("*") if callable(self.on) else matching(self.on)
        if not named & able:
            raise UsageError(f"{self.fault} cannot strike on={self.on!r}, only {', '.join(sorted(able))}.")
        return named & able

    def is_about(self, request: Request) -> bool:
        """Return whether the predicate and `where` match the request, of whatever method."""
        return all(fits(request, *each) for each in self.where.items()) and self._predicate_matches(request)

    def _predicate_matches(self, request: Request) -> bool:
        if not callable(self.on):
            return True
        try:
            return bool(self.on(request))
        except Exception as error:
            error.add_note(
                f"Raised by the predicate of {self} for a request of {request.method}. A request may lack fields, and "
                "one that breaks the contract has no message."
            )
            raise

    def unlike(self, call: Call) -> str:
        """Return why `where` does not match a call of the journal; empty when it does."""
        for path, pattern in self.where.items():
            if not fits(call, path, pattern):
                found = " and ".join(map(repr, texts_at(call, path)))
                return f"{path} is {found or 'not given'}, and not {pattern!r}"
        return ""

    def __str__(self) -> str:
        """Return the call of `inject` that makes it."""
        return f"inject({self.words}{'' if self.expect else ', expect=False'})"

    def __repr__(self) -> str:
        """Return the call of `Rule` that makes it."""
        return f"Rule({self.words}{'' if self.expect else ', expect=False'})"

    @property
    def words(self) -> str:
        """The arguments that decide what it strikes. Rules with the same words make the same random choices."""
        named = self.on if isinstance(self.on, str) else getattr(self.on, "__qualname__", type(self.on).__qualname__)
        on = "" if self.on == "*" else f", on={named!r}" if isinstance(self.on, str) else f", on={named}"
        when = "" if self.when == always() else f", when={self.when}"
        commit = "" if self.commit == self.fault.commits[0] else f", commit={self.commit!r}"
        per = "" if self.per == "rule" else f", per={self.per!r}"
        where = f", where={dict(self.where)!r}" if self.where else ""
        return f"{self.fault}{on}{when}{commit}{per}{where}"


# Fields and headers of a request.


def _check_where(where: object, methods: Iterable[str]) -> None:
    """Refuse patterns that are not text, and fields that requests of these methods do not have."""
    if not isinstance(where, Mapping):
        raise UsageError(f"invalid where={where!r}: expected a dict of fields to patterns: {{'name': 'web-*'}}")
    requests = (contract.requests[method] for contract in CONTRACTS.values() for method in methods)
    known = frozenset(name for request in requests for name in request.model_fields)
    for path, pattern in where.items():
        if not is_text(path) or not is_text(pattern):
            given = f"{{{path!r}: {pattern!r}}}"
            raise UsageError(f"invalid where={given}: expected two texts, such as {{'name': 'web-*'}}")
        if not path.startswith(_HEADER) and to_snake(path.partition(".")[0]) not in known:
            raise unknown_word("field (where)", path, (*map(to_camel, known), "header.<name>"))


def fits(call: Request | Call, path: str, pattern: str) -> bool:
    """Return whether the value at `path` of a call matches the pattern; in a list, one element is enough."""
    return any(fnmatchcase(text, pattern) for text in texts_at(call, path))


def texts_at(call: Request | Call, path: str) -> Sequence[str]:
    """Return the value at `path` of a call as text, one text for each element of a list; empty when it has none."""
    if path.startswith(_HEADER):
        value: Any = call.metadata.get(path.removeprefix(_HEADER).lower())
    else:
        value = _field(call.message, path)
    if isinstance(value, tuple | list):
        return [text_of(each) for each in value]
    return () if value is None else (text_of(value),)


def _field(message: object, path: str) -> Any:
    """Return a field, however deep; keys of a map may contain dots themselves."""
    name, _, rest = path.partition(".")
    if isinstance(message, Mapping):
        return message[path] if path in message else _field(message.get(name), rest) if rest else None
    value = getattr(message, to_snake(name), None)
    return _field(value, rest) if rest else value


def text_of(value: object) -> str:
    """Return a value as JSON writes it, without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


# Rules as users write them.

if TYPE_CHECKING:
    FaultsSetting = Iterable[Rule | Fault | str | Mapping[str, Any]] | Rule | Fault | str
else:  # pydantic reads it with `rules_of`, and needs no type
    FaultsSetting = object


def rules_of(value: object) -> tuple[Rule, ...]:
    """Return the rules that a user gave: a list of them, or one.

    Raises:
        UsageError: one of them is invalid.
    """
    several = value if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else (value,)
    return tuple(rule_of(each) for each in several)


def rule_of(value: object) -> Rule:
    """Return the rule that a user gave: a `Rule`, a fault for every call, a dict of the arguments of `inject`, or text.

    Raises:
        UsageError: the rule is invalid.
    """
    if isinstance(value, Fault):
        return Rule(value)
    if isinstance(value, Mapping):
        return _from_dict(value)
    return _read(value, _RULES, Rule, call="inject")


def fault_of(value: object) -> Fault:
    """Return the fault that a user gave: a `Fault`, or text such as `reset(after=10)`.

    Raises:
        UsageError: the fault is invalid.
    """
    return _read(value, _FAULTS, Fault)


def when_of(value: object) -> When:
    """Return the schedule that a user gave: a schedule, text such as `first(2) & ~between(0, 60)`, or None for always.

    Raises:
        UsageError: the schedule is invalid.
    """
    return always() if value is None else _read(value, _SCHEDULES, When)


def _read(value: object, vocabulary: Vocabulary, kind: type[_Read], call: str = "") -> _Read:
    found = read_text(value, vocabulary, call=call) if isinstance(value, str) else value
    if not isinstance(found, kind):
        raise vocabulary.error(value)
    return found


def _inject(  # noqa: PLR0913 - the arguments of `inject`
    fault: object,
    *,
    on: On = "*",
    when: object = None,
    commit: Commit | None = None,
    per: Per = "rule",
    where: Mapping[str, str] | None = None,
    expect: bool = True,
) -> Rule:
    return Rule(fault_of(fault), on, when_of(when), commit, per, {} if where is None else where, expect)


def _from_dict(written: Mapping[str, Any]) -> Rule:
    known = {field.name for field in fields(Rule)}
    for name in written:
        if name not in known:
            raise unknown_word("part of a rule", name, known)
    if "fault" not in written:
        raise UsageError(f"invalid rule {dict(written)!r}: expected a fault, such as {{'fault': 'reset()'}}")
    return _inject(**written)


_FAULTS: Final = Vocabulary(
    what="fault",
    makers={**CATALOGUE, **SCHEDULES, **TIMINGS},
    expected="a fault of the catalogue with its arguments, such as reset(after=10)",
    operand=when_of,
    names="fault, schedule or timing",
)
_SCHEDULES: Final = _FAULTS._replace(what="schedule", expected="a schedule with its arguments, such as first(2)")
_RULES: Final = _FAULTS._replace(
    what="rule",
    makers={"inject": _inject, **_FAULTS.makers},
    expected=f"a fault, a Rule, a dict, or the arguments of inject(...), such as {_EXAMPLE}",
)
