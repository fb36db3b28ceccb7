"""All regular expressions of the package, and a counter of the work that one of them takes.

The counter walks the parsed expression as a backtracking engine does, and counts the steps.
"""

from __future__ import annotations

import ast
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from re import _constants as op
from re import _parser as parser
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest_ycimages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    Go = Callable[[int], bool]

ANCHORED: Final = frozenset({"match", "fullmatch"})
_TAKING: Final = frozenset({"match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split"})


class Expression(NamedTuple):
    """A regular expression of the package.

    Attributes:
        where: the module and the name or the line.
        source: the expression.
        flags: its flags.
        anchored: whether it is only ever tried at the beginning of a text.
    """

    where: str
    source: str
    flags: int
    anchored: bool


def modules() -> Iterator[ModuleType]:
    """All modules of the package."""
    for info in pkgutil.walk_packages(pytest_ycimages.__path__, "pytest_ycimages."):
        if not info.name.endswith("__main__"):
            yield import_module(info.name)


def expressions() -> list[Expression]:
    """Every compiled expression in a module, and every one that a call of `re` compiles."""
    found: dict[tuple[str, int], Expression] = {}
    sources = {module: Path(module.__file__ or "").read_text("utf-8") for module in modules()}
    calls = re.compile(rf"\bre\.({'|'.join(_TAKING)})\b")
    uses = _uses("\n".join(sources.values()))
    for module, source in sources.items():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                _add(found, f"{module.__name__}.{name}", value, anchored=name in uses and uses[name] <= ANCHORED)
        for node in ast.walk(ast.parse(source)) if calls.search(source) else ():
            called = _of_re(node)
            if called:
                for value in _compiled(node.args[0], module):  # type: ignore[attr-defined]  # it is a call
                    where = f"{module.__name__}:{node.lineno}"  # type: ignore[attr-defined]
                    _add(found, where, value, anchored=called in ANCHORED)
    return list(found.values())


def _uses(source: str) -> dict[str, set[str]]:
    """The methods that are called on each name, of those that search a text."""
    uses: dict[str, set[str]] = {}
    for name, method in re.findall(rf"\b(\w+)\.({'|'.join(_TAKING)})\b", source):
        uses.setdefault(name, set()).add(method)
    return uses


def _add(found: dict[tuple[str, int], Expression], where: str, value: re.Pattern[str], *, anchored: bool) -> None:
    key = value.pattern, value.flags
    if key not in found or (found[key].anchored and not anchored):
        found[key] = Expression(where, value.pattern, value.flags, anchored)


def _of_re(node: ast.AST) -> str:
    """The function of `re` that a call is of, other than `compile`; empty for other nodes."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        of = node.func.value
        if isinstance(of, ast.Name) and of.id == "re" and node.func.attr in _TAKING:
            return node.func.attr
    return ""


def _compiled(node: ast.expr, module: ModuleType) -> Iterator[re.Pattern[str]]:
    try:
        value = eval(compile(ast.Expression(node), "<pattern>", "eval"), dict(vars(module)))  # noqa: S307 - our own source
    except NameError:  # it is made from arguments, which are escaped
        return
    if isinstance(value, str):
        yield re.compile(value)


# Work.


class TooMuchError(Exception):
    """More steps than the budget."""


class Walk:
    """One text, walked over by one expression.

    Attributes:
        steps: how many there were so far.
    """

    def __init__(self, expression: Expression, text: str, budget: int) -> None:
        self.steps = 0
        self._budget = budget
        self._text = text
        self._flags = expression.flags
        self._tree = parser.parse(expression.source, expression.flags & ~re.DEBUG)
        self._groups: dict[int, tuple[int, int]] = {}

    def everywhere(self) -> int:
        """Find all matches, and return the steps that it took."""
        at = 0
        while at <= len(self._text):
            end = self._from(at)
            at = end if end is not None and end > at else at + 1
        return self.steps

    def at_the_beginning(self) -> int:
        """Match the whole text, and return the steps that it took."""
        self._groups = {}
        self._match(list(self._tree), 0, 0, lambda end: end == len(self._text))
        return self.steps

    def from_start(self) -> int | None:
        """The end of the match at the beginning; None without one."""
        return self._from(0)

    def _from(self, start: int) -> int | None:
        self._groups = {}
        ends: list[int] = []

        def take(end: int) -> bool:
            ends.append(end)
            return True

        return ends[-1] if self._match(list(self._tree), 0, start, take) else None

    def _step(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > self._budget:
            raise TooMuchError

    def _match(self, ops: list[Any], index: int, at: int, go: Go) -> bool:  # noqa: C901, PLR0911, PLR0915 - one case each
        self._step()
        if index == len(ops):
            return go(at)
        code, value = ops[index]

        def then(position: int) -> bool:
            return self._match(ops, index + 1, position, go)

        if code in {op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN}:
            return at < len(self._text) and self._is_one(code, value, self._text[at]) and then(at + 1)
        if code in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}:
            return self._repeat(code, value[0], value[1], value[2], at, then)
        if code is op.SUBPATTERN:
            group, on, off, inner = value

            def close(end: int) -> bool:
                before = self._groups.get(group)
                if group is not None:
                    self._groups[group] = at, end
                if then(end):
                    return True
                if before is not None:
                    self._groups[group] = before
                return False

            flags, self._flags = self._flags, self._flags & ~off | on
            found = self._match(list(inner), 0, at, close)
            self._flags = flags
            return found
        if code is op.BRANCH:
            return any(self._match(list(each), 0, at, then) for each in value[1])
        if code is op.AT:
            return self._is_at(value, at) and then(at)
        if code in {op.ASSERT, op.ASSERT_NOT}:
            direction, inner = value
            start = at if direction > 0 else at - inner.getwidth()[0]
            is_there = start >= 0 and self._match(list(inner), 0, start, lambda _: True)
            return is_there is (code is op.ASSERT) and then(at)
        if code is op.ATOMIC_GROUP:
            ends: list[int] = []
            is_there = self._match(list(value), 0, at, lambda end: not ends.append(end))  # type: ignore[func-returns-value]
            return is_there and then(ends[-1])
        if code is op.GROUPREF:
            start, end = self._groups.get(value, (0, 0))
            self._step(end - start)
            return self._text.startswith(self._text[start:end], at) and then(at + end - start)
        if code is op.GROUPREF_EXISTS:
            group, yes, no = value
            return self._match(list(yes if group in self._groups else no or ()), 0, at, then)
        if code is op.FAILURE:  # of Python 3.13 and newer
            return False
        raise NotImplementedError(code)

    def _repeat(  # noqa: C901, PLR0913, PLR0917 - what a repetition is
        self, code: Any, least: int, most: Any, inner: Any, at: int, then: Go
    ) -> bool:
        limit = len(self._text) + 1 if most is op.MAXREPEAT else most
        if len(inner) == 1 and inner[0][0] in {op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN}:
            count = 0
            while (
                count < limit
                and at + count < len(self._text)
                and self._is_one(inner[0][0], inner[0][1], self._text[at + count])
            ):
                count += 1
            self._step(count + 1)
            counts: Iterable[int] = range(least, count + 1)
            if code is op.MAX_REPEAT:
                counts = range(count, least - 1, -1)
            elif code is op.POSSESSIVE_REPEAT:
                counts = [count] if count >= least else []
            return any(then(at + each) for each in counts)

        def again(done: int, position: int) -> bool:
            def once_more(end: int) -> bool:
                return (end > position or done < least) and again(done + 1, end)

            if done < least:
                return self._match(list(inner), 0, position, once_more)
            if code is op.MIN_REPEAT:
                return then(position) or (done < limit and self._match(list(inner), 0, position, once_more))
            return (done < limit and self._match(list(inner), 0, position, once_more)) or then(position)

        if code is not op.POSSESSIVE_REPEAT:
            return again(0, at)
        ends = [at]
        while len(ends) <= limit and self._match(list(inner), 0, ends[-1], lambda end: not ends.append(end)):  # type: ignore[func-returns-value]
            if ends[-1] == ends[-2]:
                break
        return len(ends) > least and then(ends[-1])

    def _is_one(self, code: Any, value: Any, character: str) -> bool:
        self._step()
        if code is op.ANY:
            return character != "\n" or bool(self._flags & re.DOTALL)
        if code is op.IN:
            negated = bool(value) and value[0][0] is op.NEGATE
            return negated is not any(self._is_in(each, character) for each in value[negated:])
        return (code is op.LITERAL) is self._is_same(value, character)

    def _is_same(self, value: int, character: str) -> bool:
        if self._flags & re.IGNORECASE:
            return chr(value).lower() == character.lower()
        return value == ord(character)

    def _is_in(self, entry: Any, character: str) -> bool:
        code, value = entry
        if code is op.LITERAL:
            return self._is_same(value, character)
        if code is op.RANGE:
            both = {character, character.lower(), character.upper()} if self._flags & re.IGNORECASE else {character}
            return any(value[0] <= ord(each) <= value[1] for each in both if len(each) == 1)
        return bool(re.match(_CATEGORIES[str(value)], character, self._flags & re.ASCII))

    def _is_at(self, where: Any, at: int) -> bool:
        text = self._text
        if where in {op.AT_BOUNDARY, op.AT_NON_BOUNDARY}:
            before, after = (
                bool(re.match(r"\w", text[each : each + 1])) if each >= 0 else False for each in (at - 1, at)
            )
            return (before is not after) is (where is op.AT_BOUNDARY)
        if where in {op.AT_BEGINNING, op.AT_BEGINNING_STRING}:
            is_line = bool(self._flags & re.MULTILINE) and where is op.AT_BEGINNING
            return at == 0 or (is_line and text[at - 1] == "\n")
        is_line = bool(self._flags & re.MULTILINE) and where is op.AT_END
        return at == len(text) or (where is op.AT_END and text[at:] == "\n") or (is_line and text[at] == "\n")


_CATEGORIES: Final = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


_MEMBERS: Final = {
    "CATEGORY_DIGIT": "1",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "a",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_WORD": "-",
}


def is_endless(expression: Expression) -> bool:
    """Whether an expression can match a text of any length; one that cannot takes linear time anyway."""
    return bool(parser.parse(expression.source, expression.flags & ~re.DEBUG).getwidth()[1] > SHORT)


SHORT: Final = 128


def work(expression: Expression, text: str, budget: int) -> int:
    """The steps that an expression takes for a text, as it is used; the budget, if it takes more."""
    walk = Walk(expression, text, budget)
    try:
        return walk.at_the_beginning() if expression.anchored else walk.everywhere()
    except TooMuchError:
        return budget


# Texts that may take long.


def pumps(expression: Expression) -> list[tuple[str, str, str]]:
    """A beginning, what is repeated, and an end: for each repetition in an expression, and some for all."""
    tree = parser.parse(expression.source, expression.flags & ~re.DEBUG)
    found = dict.fromkeys((before, body, end) for before, body in _repetitions(list(tree), "") for end in ENDS if body)
    common = dict.fromkeys(("", body, end) for body in COMMON for end in ("", "\x00"))
    return [*found, *common]


ENDS: Final = ("", "\x00")
COMMON: Final = ("a", "A", "0", " ", '"', "\\", "a=", "%41", "-----BEGIN ")


def _repetitions(ops: list[Any], before: str) -> Iterator[tuple[str, str]]:  # noqa: C901 - one case each
    """What comes before a repetition, and what it repeats: samples, one or two for each."""
    for code, value in ops:
        if code in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}:
            least, most, inner = value
            if most is op.MAXREPEAT or most > 3:
                for last in (False, True):
                    body = _sample(list(inner), last=last)
                    yield before, body
                    yield "", before + body
            yield from _repetitions(list(inner), before)
            before += _sample(list(inner)) * min(least, 20)
        elif code is op.SUBPATTERN:
            yield from _repetitions(list(value[3]), before)
            before += _sample(list(value[3]))
        elif code is op.BRANCH:
            for each in value[1]:
                yield from _repetitions(list(each), before)
            before += _sample(list(value[1][0]))
        elif code is op.ATOMIC_GROUP:
            yield from _repetitions(list(value), before)
            before += _sample(list(value))
        elif code in {op.ASSERT, op.ASSERT_NOT}:
            yield from _repetitions(list(value[1]), before)
        else:
            before += _sample([(code, value)])


def _sample(ops: list[Any], *, last: bool = False) -> str:  # noqa: C901 - one case each
    """A text that the operations match, but for lookarounds: with the first choices, or the last."""
    text = ""
    for code, value in ops:
        if code is op.LITERAL:
            text += chr(value)
        elif code in {op.ANY, op.NOT_LITERAL}:
            text += "x" if value != ord("x") else "y"
        elif code is op.IN:
            text += _member(value, last=last)
        elif code in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}:
            text += _sample(list(value[2]), last=last) * min(max(value[0], 1), 20)
        elif code is op.SUBPATTERN:
            text += _sample(list(value[3]), last=last)
        elif code is op.BRANCH:
            text += _sample(list(value[1][-1 if last else 0]), last=last)
        elif code is op.ATOMIC_GROUP:
            text += _sample(list(value), last=last)
    return text


def _member(entries: Any, *, last: bool) -> str:
    if entries[0][0] is op.NEGATE:
        kept = re.compile("[" + "".join(map(_shown, entries[1:])) + "]")
        return next((each for each in "xa0 -_." if not kept.match(each)), "\u00e9")
    code, value = entries[-1 if last else 0]
    if code is op.LITERAL:
        return chr(value)
    return chr(value[0]) if code is op.RANGE else _MEMBERS[str(value)]


def _shown(entry: Any) -> str:
    code, value = entry
    if code is op.LITERAL:
        return re.escape(chr(value))
    if code is op.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    return _CATEGORIES[str(value)]
