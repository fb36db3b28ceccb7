"""A rule: which fault strikes which calls, and when. Refused when it is written if it could never be right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from pytest_ycimages.api.methods import matching
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.fault import Commit, Fault
from pytest_ycimages.faults.when import When, always
from pytest_ycimages.faults.where import checked_where, fits, texts_at
from pytest_ycimages.text_values import Written

if TYPE_CHECKING:
    from pytest_ycimages.api.exchange import Request
    from pytest_ycimages.call import Call

Per = Literal["rule", "call", "connection"]
On = str | Callable[["Request"], bool]


@dataclass(frozen=True, slots=True, repr=False)
class Rule(Written):
    """One rule.

    Attributes:
        fault: what goes wrong.
        on: a method word or glob, or a predicate on the request.
        when: which of the calls that match are struck.
        commit: whether it strikes `before` the cloud does what it was asked, which then never happens, or `after`.
            None: as the fault does unless told.
        per: what `when` counts: calls of this `rule`, attempts of one `call`, or calls over one `connection`.
        where: fields of the request, such as `folderId`, or headers, such as `header.x-request-id`, with the pattern
            that the value matches; `*` and `?` stand for anything. In a list, one element has to match.
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
        if not isinstance(self.expect, bool):
            raise UsageError(f"expect={self.expect!r} cannot be: True fails a test that it never struck in, False not.")
        object.__setattr__(self, "commit", self._commit())
        checked_where(self.where, self.methods())

    def _commit(self) -> Commit:
        if self.commit is None:
            return self.fault.commits[0]
        if self.commit not in get_args(Commit):
            raise unknown_word("commit", self.commit, get_args(Commit))
        if self.commit not in self.fault.commits:
            raise UsageError(
                f"{self.fault} cannot strike {self.commit} the commit, only {self.fault.commits[0]} it. Leave it out."
            )
        return self.commit

    def methods(self) -> frozenset[str]:
        """The words of the methods that it can strike.

        Raises:
            UsageError: there are none.
        """
        able = frozenset(self.fault.methods)
        if not isinstance(self.on, str) and not callable(self.on):
            raise UsageError(
                f"on={self.on!r} names no method. Give a word such as 'images.create', a glob or a predicate."
            )
        named = matching("*") if callable(self.on) else matching(self.on)
        if not named & able:
            raise UsageError(f"{self.fault} cannot strike on={self.on!r}, only {', '.join(sorted(able))}.")
        return named & able

    def is_about(self, request: Request) -> bool:
        """Whether the predicate and the fields of `where` say so; the method is not looked at."""
        return all(fits(request, *each) for each in self.where.items()) and self._says_yes(request)

    def _says_yes(self, request: Request) -> bool:
        """Whether the predicate says so, if there is one."""
        if not callable(self.on):
            return True
        try:
            return bool(self.on(request))
        except Exception as error:
            error.add_note(
                f"Raised by the predicate of {self}, which was asked about {request.method}. Not every request has "
                "every field, and one that breaks the contract has no message at all."
            )
            raise

    def unlike(self, call: Call) -> str:
        """The first field of `where` that keeps the rule from being about a call of the journal; empty for none."""
        for path, pattern in self.where.items():
            if not fits(call, path, pattern):
                found = " and ".join(map(repr, texts_at(call, path)))
                return f"{path} is {found or 'not given'}, and not {pattern!r}"
        return ""

    def __str__(self) -> str:
        """As it may be injected."""
        return f"inject({self.words}{'' if self.expect else ', expect=False'})"

    def __repr__(self) -> str:
        """As it may be written."""
        return f"Rule({self.words}{'' if self.expect else ', expect=False'})"

    @property
    def words(self) -> str:
        """What decides whom it strikes, as it may be written. Two rules with the same words draw alike."""
        named = self.on if isinstance(self.on, str) else getattr(self.on, "__qualname__", type(self.on).__qualname__)
        on = "" if self.on == "*" else f", on={named!r}" if isinstance(self.on, str) else f", on={named}"
        when = "" if self.when == always() else f", when={self.when}"
        commit = "" if self.commit == self.fault.commits[0] else f", commit={self.commit!r}"
        per = "" if self.per == "rule" else f", per={self.per!r}"
        where = f", where={dict(self.where)!r}" if self.where else ""
        return f"{self.fault}{on}{when}{commit}{per}{where}"
