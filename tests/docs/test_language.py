"""Plain language: words that the project does not use, and docstrings that begin with what a caller can do."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


ROOT: Final = Path(__file__).parents[2]
AVOIDED: Final = re.compile(
    r"\b(nobody|somebody|whoever|whom|likewise|(?:is|are) no|as it may be|what stands behind|drawn by lot)\b"
    r"(?! longer)",
    re.IGNORECASE,
)
"""Say who or what: "no request used it" for "nobody asked for it", "is not valid" for "is no key"."""

IMPERATIVES: Final = frozenset(
    """
    Accept Add Advance Allow Answer Append Apply Assert Ask Begin Block Build Call Cancel Change Check Choose Clear
    Close Collect Combine Compact Compare Compute Connect Convert Copy Count Create Cut Damage Decide Decode Defer
    Delay Delete Deliver Derive Describe Detect Disable Discard Do Draw Drop Empty Encode End Enter Exchange Exit
    Expand Export Extend Fail Find Finish Fold Follow Format Forward Freeze Garble Generate Get Give Go Group Handle
    Hang Hide Hold Ignore Import Inject Insert Install Intercept Interrupt Invert Join Keep Lead Let List Listen
    Load Lock Look Make Map Mark Match Measure Merge Move Name Normalize Note Notify Open Parse Pass Patch Pause
    Perform Pick Plan Play Print Prune Pull Put Raise Read Record Redact Refuse Register Reject Release Remember
    Remove Render Repeat Replace Replay Report Require Reset Resolve Restore Resume Return Reverse Rewrite Roll
    Round Route Run Sample Save Say Scrub Search Seed Select Send Serve Set Settle Show Shrink Shut Skip Slow Sort
    Split Start Stop Store Substitute Summarize Switch Take Tell Test Trickle Truncate Try Undo Unlock Update Use
    Validate Verify Wait Wake Walk Warn Wrap Write Yield
    """.split()  # noqa: SIM905 - a list literal would be 190 lines
)
"""The verbs that docstrings of public functions begin with. A new one is added here."""

CODE: Final = sorted((ROOT / "pytest_ycimages").rglob("*.py"))
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def public_functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the public functions of a module, and the public methods of its public classes, but no properties."""
    scopes: list[ast.Module | ast.ClassDef] = [ast.parse(path.read_text(encoding="utf-8"))]
    for scope in scopes:
        for node in scope.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                scopes.append(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                decorators = " ".join(map(ast.unparse, node.decorator_list))
                if not re.search(r"property|overload|\.setter", decorators):
                    yield node


def test_avoided_words_are_not_used() -> None:
    """In docstrings, comments, messages, `--help`, README and pages."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in (*CODE, *PAGES)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in AVOIDED.finditer(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.costly
def test_docstrings_of_public_functions_begin_with_a_verb() -> None:
    """In the imperative: "Return ...", "Raise ..."."""
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {function.name}: {docstring.split(maxsplit=1)[0]}"
        for path in CODE
        for function in public_functions(path)
        if (docstring := ast.get_docstring(function)) and docstring.split()[0].rstrip(".,:;") not in IMPERATIVES
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [("5x is no latency", "is no"), ("Nobody asks", "Nobody"), ("it is no longer there", None), ("is none", None)],
)
def test_a_word_is_found_as_a_word(text: str, word: str | None) -> None:
    """And not as a part of another."""
    match = AVOIDED.search(text)
    assert (match and match[0]) == word
