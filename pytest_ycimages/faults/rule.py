"""A rule: which fault strikes which calls, and when. Refused when it is written if it could never be right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from pydantic.alias_generators import to_snake

from pytest_ycimages.api.methods import matching
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.fault import Commit, Fault
from pytest_ycimages.faults.when import When, always

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Request

Per = Literal["rule", "call", "connection"]
On = str | Callable[["Request"], bool]

_HEADER: Final = "header."


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        fault: what goes wrong.
        on: a method word or glob, or a predicate on the request.
        when: which of the calls that match are struck.
        commit: whether the cloud has done what it was asked `before` it goes wrong (`after` the commit) or not.
        per: what `when` counts: calls of this `rule`, attempts of one `call`, or calls over one `connection`.
        where: fields of the request, such as `folderId`, or headers, such as `header.x-request-id`, with the pattern
            that the value matches; `*` and `?` stand for anything.
        expect: whether the test fails when the fault never strikes.

    Raises:
        UsageError: it could never be right; the text says what would be.
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
            raise UsageError(
                f"{self.fault!r} is no fault. Call one of the catalogue, such as reset(after=10) or unavailable()."
            )
        if not isinstance(self.when, When):
            raise UsageError(f"when={self.when!r} does not say when. Give a schedule, such as first(2) or always().")
        if self.per not in get_args(Per):
            raise unknown_word("count (per)", self.per, get_args(Per))
        object.__setattr__(self, "commit", self._commit())
        self.methods()

    def _commit(self) -> Commit:
        if self.commit is None:
            return self.fault.commits[0]
        if self.commit not in get_args(Commit):
            raise unknown_word("commit", self.commit, get_args(Commit))
        if self.commit not in self.fault.commits:
            raise UsageError(
                f"{self.fault} cannot strike {self.commit} the commit, only {self.fault.commits[0]} it. Leave `commit` "
                "out."
            )
        return self.commit

    def methods(self) -> frozenset[str]:
        """The words of the methods that it can strike.

        Raises:
            UsageError: there are none.
        """
        able = frozenset(self.fault.methods)
        named = matching("*") if callable(self.on) else matching(self.on)
        if not named & able:
            raise UsageError(f"{self.fault} cannot strike on={self.on!r}, only {', '.join(sorted(able))}.")
        return named & able

    def matches(self, request: Request) -> str:
        """Empty when the rule is about `request`, else why it is not."""
        if callable(self.on) and not self.on(request):
            return "the predicate says no"
        for path, pattern in self.where.items():
            value = _value(request, path)
            if value is None or not fnmatchcase(str(value), pattern):
                return f"{path} is {value!r}"
        return ""

    def __str__(self) -> str:
        """As it may be written."""
        on = "" if self.on == "*" else f", on={self.on!r}"
        when = "" if self.when == always() else f", when={self.when}"
        commit = "" if self.commit == self.fault.commits[0] else f", commit={self.commit!r}"
        per = "" if self.per == "rule" else f", per={self.per!r}"
        where = f", where={dict(self.where)!r}" if self.where else ""
        return f"inject({self.fault}{on}{when}{commit}{per}{where})"


def _value(request: Request, path: str) -> Any:
    """A header, or a field of the message, however deep; None where there is none."""
    if path.startswith(_HEADER):
        return request.metadata.get(path.removeprefix(_HEADER).lower())
    value: Any = request.message
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, to_snake(name), None)
    return value
