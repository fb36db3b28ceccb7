"""Nodes of pytest: names of tests by their definition, which of them share a double, and whether all of these run.

Plugins that repeat or group tests change node ids, and not the names by definition.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_ycimages.double import Double


Node = pytest.Item | pytest.Collector
"""A test, a class, a module or the session: what owns doubles."""

WIDER: Final = ("class", "module", "session")
"""The scopes of doubles that several tests share, the narrowest first."""
_CAPABILITIES: Final = frozenset({"ycimages_cassette", "ycimages_intercept"})
"""Fixtures that take a double of the test: its own, unless it asks for one of a wider scope only."""
_REACHING: Final = pytest.StashKey[set[int]]()
"""The identities of the tests, classes and modules whose markers hold for some double."""
CURRENT: Final = pytest.StashKey[pytest.Item]()
"""The test that runs."""
SHARED: Final = pytest.StashKey["dict[SharedDoubles, None]"]()
"""Of the session: the doubles of wider scopes that are open. Of a test: those that were open while it ran."""
DOUBLES: Final = pytest.StashKey["dict[str, SharedDoubles]"]()
"""Of a test, class, module or session: its doubles, by the scope of their fixture."""
PASSED: Final = pytest.StashKey[bool]()
"""Whether a test has passed; False as soon as it is known that it does not."""
ALIKE: Final = pytest.StashKey[bool]()
"""Whether another node beside this one has a name that differs by case only."""
_COLLECTED: Final = pytest.StashKey[Counter[tuple[str, str]]]()
"""Scopes and nodes -> how many of the collected tests share a double there, before any were deselected."""


class SharedDoubles(Protocol):
    """The doubles of a scope, as modules see them that are loaded without any."""

    node: Node
    all: list[Double]
    is_closed: bool

    @property
    def has_passed(self) -> bool:
        """Whether all tests that share them are in this run, and have passed."""

    def begin(self, item: pytest.Item) -> None:
        """Record that a test begins, while these doubles are open already."""


def fixtures(item: Node) -> Sequence[str]:
    """Return the names of the fixtures that a test is known to use before it runs; none for a wider scope."""
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return names


def definitions(item: Node, name: str) -> Sequence[pytest.FixtureDef[Any]]:
    """Return the definitions of a fixture that a test is known to use: the last one holds, and may take the others."""
    info = getattr(item, "_fixtureinfo", None)  # what was known before any plugin added to it
    found: Sequence[pytest.FixtureDef[Any]] = getattr(info, "name2fixturedefs", {}).get(name, ())
    return found


def place_of(definition: pytest.FixtureDef[Any] | None) -> str:
    """Return the file and line of a fixture."""
    code = getattr(getattr(definition, "func", None), "__code__", None)  # which a partial function lacks
    return f"{os.path.relpath(code.co_filename)}:{code.co_firstlineno}" if code else "an unknown place"


def closure(item: Node, names: Iterable[str]) -> list[str]:
    """Return the names of fixtures, and of those that they depend on, in this order."""
    found, waiting = dict[str, None](), [*names]
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting = [each for definition in definitions(item, name) for each in definition.argnames] + waiting
    return list(found)


def suffix(scope: str) -> str:
    """Return what the names of the fixtures of a scope end with, such as `_class`; empty for those of a test."""
    return "" if scope == "function" else f"_{scope}"


def node_of(item: pytest.Item, scope: str) -> Node:
    """Return what owns the fixtures of a scope, as pytest does: for `class`, the test itself if it has no class."""
    kinds: dict[str, type[Any]] = {"class": pytest.Class, "module": pytest.Module, "session": pytest.Session}
    found: Node | None = item.getparent(kinds[scope]) if scope in kinds else None
    return item if found is None else found


def scopes_of(item: pytest.Item) -> list[str]:
    """Return the scopes of the doubles that a test is known to use before it runs, the narrowest first."""
    names = fixtures(item)
    wider = [scope for scope in WIDER if f"ycimages_factory_{scope}" in names]
    has_own = "ycimages_factory" in names or (not wider and not _CAPABILITIES.isdisjoint(names))
    return ["function"] * has_own + wider


def owners(item: pytest.Item) -> list[Node]:
    """Return the test, class, module and session whose doubles a test is known to use before it runs."""
    return list(dict.fromkeys(node_of(item, scope) for scope in scopes_of(item)))


def label(node: Node) -> str:
    """Return a node in words, such as `class test_it.py::TestBake`."""
    if isinstance(node, pytest.Session):
        return "the session"
    kinds = ((pytest.Module, "module "), (pytest.Class, "class "))
    return next((word for kind, word in kinds if isinstance(node, kind)), "") + node.nodeid


def begin_test(item: pytest.Item) -> None:
    """Record that a test begins, for the doubles of wider scopes that are open."""
    item.session.stash[CURRENT] = item
    suspend_time(is_suspended=False)
    shared = item.session.stash.get(SHARED, {})
    item.stash[SHARED] = dict(shared)
    _refuse_markers(item)
    for doubles in shared:
        doubles.begin(item)


def suspend_time(*, is_suspended: bool) -> None:
    """Let virtual time of a wider scope expect nothing of the client between two tests."""
    virtual = sys.modules.get("pytest_ycimages.virtual.time")
    shared = virtual and virtual.clock.shared
    if isinstance(shared, virtual.VirtualTime if virtual else ()):
        shared.scheduler.is_suspended = is_suspended


def _refuse_markers(item: pytest.Item) -> None:
    """Refuse markers of a test that reach no double, as all that it uses are shared by tests without the marker."""
    scopes = scopes_of(item)
    if not scopes:
        return
    owner, fixture = node_of(item, scopes[0]), f"ycimages_{scopes[0]}"
    reaching = item.config.stash.get(_REACHING, set())
    for kind in ("ycimages", "ycimages_cassette"):
        for node, _ in item.iter_markers_with_node(kind):
            if id(node) not in reaching and isinstance(node, Node):
                there = f"Put it on {label(owner)}"
                if isinstance(owner, pytest.Session):
                    there = 'Give settings by the fixture ycimages_settings with scope="session", or by the ini file'
                pytest.fail(
                    f"@pytest.mark.{kind} on {label(node)} reaches no double: the one of {fixture} belongs to "
                    f"{label(owner)}. {there}; or use `ycimages`, a double for each test.",
                    pytrace=False,
                )


# Names of tests.


class DefinedName(NamedTuple):
    """The name of a test by its definition.

    Attributes:
        module: the file, relative to the root of the run, with slashes.
        parts: the names of its classes, and its own with the parameters that it was defined with.
        is_alike: whether a file system that ignores case may take it for another test.
    """

    module: str
    parts: tuple[str, ...]
    is_alike: bool = False

    def __str__(self) -> str:
        """Return the node id that selects it."""
        return "::".join((self.module, *self.parts))


def defined_name(node: Node) -> DefinedName:
    """Return the name of a test, which is the same for each of its repetitions and in each group of pytest-xdist.

    A class, a module and the session have one too: `test_it.py::TestBake`, `test_it.py` and `session`.
    """
    above = node.listchain()
    file = next((each for each in above if isinstance(each, pytest.File)), None)
    if file is None:
        module, *parts = (node.nodeid or "session").split("::")
        return DefinedName(module, tuple(parts))
    parts = [each.name for each in above[above.index(file) + 1 :]]
    if isinstance(node, pytest.Item):
        parts[-1] = _without_repetitions(node)
    return DefinedName(file.nodeid, tuple(parts), any(each.stash.get(ALIKE, False) for each in above))


def mark_alike(nodes: Iterable[pytest.Item | pytest.Collector]) -> None:
    """Mark the nodes of one collector whose names differ by case only, but for one of them, the most lower-case."""
    names = {node.name for node in nodes}
    folded = dict(sorted((name.casefold(), name) for name in names))  # the last of each
    if len(folded) < len(names):
        for node in nodes:
            node.stash[ALIKE] = folded[node.name.casefold()] != node.name


def _without_repetitions(item: pytest.Item) -> str:
    """Return the name of a test without the counters of plugins that repeat it, such as pytest-repeat."""
    callspec: Any = getattr(item, "callspec", None)
    counters = _counters(item, callspec) if callspec else set()
    if not counters:
        return item.name
    ids = _ids_of_others(list(callspec.params), list(callspec._idlist), counters)  # noqa: SLF001 - pytest joins them
    name: str = getattr(item, "originalname", item.name)
    return f"{name}[{'-'.join(ids)}]" if ids else name


def _counters(item: pytest.Item, callspec: Any) -> set[str]:
    """Return the parameters that are whole numbers, and that neither the test nor its fixtures ask for."""
    counting = {name for name, value in callspec.params.items() if type(value) is int}
    info: Any = getattr(item, "_fixtureinfo", None)
    return counting.difference(closure(item, info.initialnames)) if counting and info is not None else set()


def _ids_of_others(params: Sequence[str], ids: list[str], counters: set[str]) -> list[str]:
    """Return the parts of an id that are not of a counter.

    A part is of one parameter or of several that were given together. A counter stands alone, before or behind all
    others.
    """
    if len(params) == len(ids):
        return [part for name, part in zip(params, ids, strict=True) if name not in counters]
    first = next((index for index, name in enumerate(params) if name not in counters), len(params))
    last = next((index for index, name in enumerate(reversed(params)) if name not in counters), len(params))
    return ids[first : len(ids) - last]


# Scopes that do not match.

_MISMATCH: Final = (  # compiled when it is needed, and not on import
    r"ScopeMismatch: You tried to access the \w+ scoped fixture (ycimages\w*) with a (\w+) scoped request object"
)
_METHODS: Final = {"ycimages_intercept": "intercept", "ycimages_cassette": "through_vcrpy"}


def advise(call: pytest.CallInfo[Any]) -> None:
    """Add to pytest's error what to use instead of a fixture of ours that is of a narrower scope than its user."""
    error = call.excinfo.value if call.excinfo is not None else None
    if isinstance(error, pytest.fail.Exception) and (found := re.match(_MISMATCH, error.msg or "")):
        name, asking = found.groups()
        error.msg = f"{error.msg}\n\n{_advice(name, asking)}"


def _advice(name: str, asking: str) -> str:
    scope = asking if asking in WIDER else WIDER[-1]  # none is for a package
    family = name.removesuffix("_class").removesuffix("_module")
    if family in {"ycimages", "ycimages_factory", "ycimages_time"}:
        return f"Use `{family}_{scope}` here: it has the scope of a {scope}."
    if name == "ycimages_settings":
        return (
            f"Doubles of a {scope} take their settings from a `ycimages_settings` of at least this scope: write "
            f'@pytest.fixture(scope="{scope}") above its definition. Tests that use `ycimages` have these, too.'
        )
    if name in _METHODS:
        return f"Use `with ycimages_{scope}.{_METHODS[name]}():` around the `yield` of your fixture."
    return "Use it in tests, or in fixtures without a scope."


# Parameters and settings, as fixtures give them.


def settings_definition(item: pytest.Item) -> pytest.FixtureDef[Any] | None:
    """Return the definition of `ycimages_settings` that holds for a test."""
    return next(reversed(definitions(item, "ycimages_settings")), None)


def parameters(item: pytest.Item) -> str:
    """Return the parameters of a test that its settings depend on, such as `page`; empty for none."""
    callspec = getattr(item, "callspec", None)
    values: dict[str, object] = getattr(callspec, "params", {})
    names = [name for name in closure(item, ["ycimages_settings"]) if name in values]
    if not names:
        return ""
    indices: dict[str, int] = getattr(callspec, "indices", {})
    plain = (str, int, float, type(None))
    words = (str(values[name]) if isinstance(values[name], plain) else f"{name}{indices[name]}" for name in names)
    return "-".join(words)


def part_of(item: pytest.Item, scope: str) -> str:
    """Return what the doubles of a scope have in their names beyond that of their node."""
    if scope == "function":
        return ""
    part = parameters(item) if node_of(item, scope) is not item else scope
    return f" #{part}" if part else ""


# Whether all tests of a scope run.


def count_sharing(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Count the collected tests that share doubles, before any are deselected; find the markers that reach one."""
    items = list(items)
    config.stash[_COLLECTED] = _sharing(items)
    config.stash[_REACHING] = {id(node) for item in items for owner in owners(item) for node in owner.listchain()}


def _sharing(items: Iterable[pytest.Item]) -> Counter[tuple[str, str]]:
    return Counter((scope, node_of(item, scope).nodeid) for item in items for scope in scopes_of(item))


def tests_sharing(node: Node, scope: str) -> int | None:
    """Return how many tests share the doubles of a scope; None: this run may have collected only a part of them."""
    count = node.config.stash.get(_COLLECTED, Counter())[scope, node.nodeid]
    return count if isinstance(node, pytest.Item) or any(_covers(node, arg) for arg in node.config.args) else None


def is_selected(node: Node, scope: str) -> bool:
    """Return whether all tests that share the doubles of a scope were collected and selected for this run."""
    return _sharing(node.session.items)[scope, node.nodeid] == tests_sharing(node, scope)


def _covers(node: Node, arg: str) -> bool:
    """Return whether an argument of the command line selects all tests of a node."""
    given, *names = arg.partition("[")[0].split("::")
    path: Path = (node.config.invocation_params.dir / given).resolve()
    if isinstance(node, pytest.Session):
        narrowed = (getattr(node.config.option, name, None) for name in ("ignore", "ignore_glob", "lf"))
        root = node.config.rootpath
        is_broad = root.is_relative_to(path) or path.parent == root  # such as `pytest tests`
        return is_broad and path.is_dir() and not any(narrowed)
    inside = node.nodeid.split("::")[1:]
    return node.path.is_relative_to(path) and (path != node.path or names == inside[: len(names)])
