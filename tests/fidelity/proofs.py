"""Which test proves which behaviour, read from the marks in the tests' own source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).parents[2]
"""The folder that holds `tests`."""

_NEVER_RUN: Final = frozenset({"skip", "skipif", "xfail"})


class Proof(NamedTuple):
    """A test that is marked with a behaviour.

    Attributes:
        behaviour: the id in the mark.
        test: the pytest node id.
        excuses: marks that may keep the test from running or from failing.
    """

    behaviour: str
    test: str
    excuses: tuple[str, ...] = ()


def proofs() -> list[Proof]:
    """All of them, in `tests` and its folders."""
    return [proof for path in sorted((ROOT / "tests").rglob("test_*.py")) for proof in proofs_in(path)]


def proofs_in(path: Path) -> Iterator[Proof]:
    """Those of one module, whose tests are functions on its top level."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            test = f"{path.relative_to(ROOT).as_posix()}::{node.name}"
            excuses = tuple(word for word, _ in _marks(node.decorator_list) if word in _NEVER_RUN)
            for word, arguments in _marks(node.decorator_list):
                if word == "fidelity":
                    yield Proof(" ".join(arguments), test, excuses)


def _marks(decorators: Iterable[ast.expr]) -> Iterator[tuple[str, list[str]]]:
    """The word of each `pytest.mark.<word>`, and its arguments that are texts."""
    for decorator in decorators:
        call = decorator if isinstance(decorator, ast.Call) else None
        mark = call.func if call else decorator
        if isinstance(mark, ast.Attribute) and ast.unparse(mark.value) == "pytest.mark":
            yield mark.attr, [str(each.value) for each in (call.args if call else ()) if isinstance(each, ast.Constant)]
