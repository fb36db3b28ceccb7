"""What the tutorial on experiments shows: the clients, what changes from one to the next, and what is found of each.

The page says before each block what it is, and `python -m tests.examples.tutorial` writes the blocks anew:

    file: bake_1.py                             a client
    diff: bake_1.py bake_2.py                   what changes
    head: bake_1.py 1                           the first line of the report of an experiment of depth 1
    verdict: bake_1.py 1 truthful               the verdict of the first finding of a judge, and what goes wrong
    timeline: bake_1.py 1 no_duplicates         these and the timeline
    test: bake_1.py 1 no_duplicates             the test to paste
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_ycimages import run_experiment

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Finding, Report

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs" / "tutorial" / "experiment.md"
BLOCK: Final = re.compile(r"^<!-- (\w+): (.+?) -->\n\n(```.*?^```)$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of the page.

    Attributes:
        kind: what it shows.
        words: of which client, and of what of it.
        shown: the block as it stands on the page, fences included.
    """

    kind: str
    words: tuple[str, ...]
    shown: str

    @property
    def experiment(self) -> tuple[str, int] | None:
        """The client and the depth of the experiment that it comes from; None when it comes from none."""
        return None if self.kind in {"file", "diff"} else (self.words[0], int(self.words[1]))

    def made(self) -> str:
        """The block as it should be."""
        return _MAKERS[self.kind](*self.words)


def blocks() -> list[Block]:
    """The blocks of the page that are made."""
    return [Block(kind, tuple(words.split()), shown) for kind, words, shown in BLOCK.findall(PAGE.read_text())]


def client_of(name: str) -> Callable[[str, str], Any]:
    """The function of a client's file, which is called `bake` as on the page, whatever its name here."""
    spec = importlib.util.spec_from_file_location("bake", HERE / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bake"] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["bake"]
    client: Callable[[str, str], Any] = module.bake
    return client


@cache
def report_of(name: str, depth: int) -> Report:
    """What an experiment finds of a client."""
    return run_experiment(client_of(name), depth=depth)


def _finding(name: str, depth: str, judge: str) -> Finding:
    found = report_of(name, int(depth)).findings
    return next(each for each in found if each.judge.partition("(")[0] == judge)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _file(name: str) -> str:
    return _fenced('python title="bake.py"', (HERE / name).read_text())


def _diff(before: str, after: str) -> str:
    one, other = ((HERE / name).read_text().splitlines() for name in (before, after))
    _, _, *lines = difflib.unified_diff(one, other, n=2, lineterm="")
    return _fenced("diff", "\n".join(lines))


def _head(name: str, depth: str) -> str:
    return _fenced("text", str(report_of(name, int(depth))).partition("\n")[0])


def _verdict(name: str, depth: str, judge: str) -> str:
    return _fenced("text", "\n".join(str(_finding(name, depth, judge)).splitlines()[:2]))


def _timeline(name: str, depth: str, judge: str) -> str:
    text = str(_finding(name, depth, judge))
    return _fenced("text", re.split(r"^(?:Also |\d+ other |A test that )", text, maxsplit=1, flags=re.MULTILINE)[0])


def _test(name: str, depth: str, judge: str) -> str:
    return _fenced("text", _finding(name, depth, judge).test)


_MAKERS: Final[dict[str, Callable[..., str]]] = {
    "file": _file,
    "diff": _diff,
    "head": _head,
    "verdict": _verdict,
    "timeline": _timeline,
    "test": _test,
}


def rewrite() -> None:
    """Write all blocks of the page anew."""
    text = PAGE.read_text()
    for block in blocks():
        name = f"<!-- {block.kind}: {' '.join(block.words)} -->\n\n"
        text = text.replace(name + block.shown, name + block.made())
    PAGE.write_text(text)


if __name__ == "__main__":
    rewrite()
