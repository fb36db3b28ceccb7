"""The table of behaviours and the tests say the same, and the page of the documentation is the table."""

from __future__ import annotations

import re
from dataclasses import fields
from string import Formatter
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Settings, YCImagesError
from pytest_ycimages.api.texts import TEXTS
from pytest_ycimages.cloud.rules import Rules
from pytest_ycimages.fidelity import BrokenTableError, Mark, read_table, render
from tests.fidelity.proofs import ROOT, Proof, proofs, proofs_in

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ycimages.fidelity import Table


PAGE: Final = ROOT / "docs" / "reference" / "fidelity.md"


@pytest.fixture(scope="module")
def table() -> Table:
    """The double's own table."""
    return read_table()


@pytest.fixture(scope="module")
def marked() -> list[Proof]:
    """Every test that is marked with a behaviour."""
    return proofs()


def test_every_behaviour_has_its_test(table: Table, marked: list[Proof]) -> None:
    """The test that a row names exists, and is marked with the row's id."""
    there = {(proof.behaviour, proof.test) for proof in marked}
    unproven = [
        f"{row.id}: no {row.test} marked with it" for row in table.behaviours if (row.id, row.test) not in there
    ]
    assert not unproven, "rows of behaviours.toml without a proof:\n" + "\n".join(unproven)


def test_every_marked_test_has_its_behaviour(table: Table, marked: list[Proof]) -> None:
    """The row that a test is marked with exists, and names this test."""
    rows = {(row.id, row.test) for row in table.behaviours}
    homeless = [f'{proof.test}: no [[behaviour]] id = "{proof.behaviour}" names it' for proof in marked]
    homeless = [text for text, proof in zip(homeless, marked, strict=True) if (proof.behaviour, proof.test) not in rows]
    assert not homeless, "marked tests without a row in behaviours.toml:\n" + "\n".join(homeless)


def test_every_proof_runs(marked: list[Proof]) -> None:
    """A proof that is skipped or expected to fail proves nothing."""
    assert [proof for proof in marked if proof.excuses] == []


def test_the_page_is_the_table(table: Table) -> None:
    """Word for word."""
    assert PAGE.read_text(encoding="utf-8") == render(table), (
        f"{PAGE.relative_to(ROOT)} is not what the table says. Make it anew: "
        f"ycimages fidelity --markdown > {PAGE.relative_to(ROOT)}"
    )


def test_every_setting_of_a_row_exists(table: Table) -> None:
    """By the name that users give it."""
    assert {row.setting for row in table.behaviours if row.setting} <= set(Settings.model_fields)


def test_every_open_question_has_a_row(table: Table) -> None:
    """A setting that says how the cloud behaves is named by a row; `journal_limit` concerns memory only."""
    asked = {each.name for each in fields(Rules)} - {"journal_limit"} | {"contract", "violation_paths"}
    assert asked <= {row.setting for row in table.behaviours if row.mark is Mark.SETTING}


@pytest.mark.costly
def test_the_words_of_every_error_are_proven(marked: list[Proof]) -> None:
    """What stands between the placeholders of a text occurs in the tests, piece by piece."""
    source = "".join((ROOT / path).read_text(encoding="utf-8") for path in {p.test.partition("::")[0] for p in marked})
    pieces = {(key, piece) for key, text in TEXTS.items() for piece, *_ in Formatter().parse(text.words)}
    assert {(key, piece) for key, piece in pieces if piece not in source} == set()


CALL: Final = re.compile(r"`(images|operations|tokens|endpoints)\.\w+`|\b[A-Z]\w+Service[./][A-Z]\w+|\bcalls?\b|`yc`")
YEAR: Final = re.compile(r"\b20(1[89]|2\d)\b")
KIND: Final = re.compile(r"\b(logs?|traces?|guides?|recorded answer|report|run|command[ -]line)\b")
"""The kinds of what was seen: a log or a trace, an answer or a guide that shows one, a report, a client's run."""


def unnamed(source: str) -> list[str]:
    """What the remarks of a source do not name of the call, the year and the kind of log."""
    remarks = " ".join(re.findall(r"\(([^()]*)\)", source))
    wanted = {"the call": CALL, "the year": YEAR, "the kind of log": KIND}
    return [name for name, pattern in wanted.items() if not pattern.search(remarks)]


def test_what_was_observed_says_where(table: Table) -> None:
    """A row is marked so only if its source names call, year and kind of log."""
    rows = {row.id: unnamed(row.source) for row in table.marked(Mark.OBSERVED).behaviours}
    assert {id_: missing for id_, missing in rows.items() if missing} == {}


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("api-facts.md 2.2 (InstanceService.Create, 2022, Terraform log)", []),
        ("api-facts.md 2.1 (VPC)", ["the call", "the year", "the kind of log"]),
        ("api-facts.md 2.1", ["the call", "the year", "the kind of log"]),
        ("api-facts.md 2.2 (instances, 2026)", ["the call", "the kind of log"]),
        ("api-facts.md 5 (`images.create`, command-line log)", ["the year"]),
        ("api-facts.md 2026, InstanceService.Create, log", ["the call", "the year", "the kind of log"]),
    ],
)
def test_a_source_that_names_too_little_is_noticed(source: str, missing: list[str]) -> None:
    """Only what stands in its remarks counts."""
    assert unnamed(source) == missing


def test_less_is_inferred_than_known(table: Table) -> None:
    """What users told of the service has taken the place of guesses; new guesses need a reason."""
    counts = table.counts()
    assert counts[Mark.INFERRED] <= 67 < counts[Mark.OBSERVED] + counts[Mark.DOCUMENTED]


ASKED: Final = "The behaviour 'create.name-taken'"
ROW: Final = "A row has these, each a text: id, does, mark, source, test, setting."
GOOD: Final = """
[areas]
create = "Creating"

[[behaviour]]
id = "create.name-taken"
does = "Refuses it."
mark = "page"
source = "images-create.md"
test = "tests/test_x.py::test_y"
"""


def test_a_table_is_read_into_rows() -> None:
    """Areas, rows and gaps."""
    table = read_table(f'{GOOD}[[missing]]\nwhat = "gRPC"\ninstead = "REST"\nsource = "api-facts.md 1"\n')
    (row,) = table.of("create")
    assert (row.id, row.mark, row.setting) == ("create.name-taken", Mark.PAGE, "")
    assert [gap.what for gap in table.gaps] == ["gRPC"]
    assert table.marked(Mark.INFERRED).behaviours == ()
    assert table.counts() == {Mark.PAGE: 1, Mark.OBSERVED: 0, Mark.DOCUMENTED: 0, Mark.INFERRED: 0, Mark.SETTING: 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            GOOD + GOOD.partition("\n\n")[2].replace("Refuses", "Takes"),
            f"{ASKED} stands twice: once it says 'Refuses it.', once 'Takes it.'. Give one of them another id.",
        ),
        (
            GOOD.replace('"page"', '"guessed"'),
            f"{ASKED} has the unknown mark 'guessed'. Known: page, observed, documented, inferred, setting.",
        ),
        (
            GOOD.replace('"page"', '"setting"'),
            f"{ASKED} is decided by a setting: say which, as `setting`.",
        ),
        (
            GOOD.replace("create.name", "make.name"),
            "The area 'create' has a title and no behaviour: add one, or take the title out.",
        ),
        (
            GOOD.replace("create =", 'make = "Making"\ncreate =').replace("create.name", "other.name"),
            "The area 'make' has a title and no behaviour: add one, or take the title out.",
        ),
        (
            GOOD + GOOD.partition("\n\n")[2].replace("create.name", "make.name"),
            "The behaviour 'make.name-taken' is of no area. Known: create.",
        ),
        (
            GOOD.replace("source =", "sauce ="),
            f"[[behaviour]] 'create.name-taken': invalid sauce, source. {ROW}",
        ),
        (
            GOOD.replace('"Refuses it."', '" "'),
            f"[[behaviour]] 'create.name-taken': invalid does. {ROW}",
        ),
        (
            f'{GOOD}[[missing]]\nwhat = "gRPC"\n',
            "[[missing]] 'gRPC': invalid instead, source. A row has these, each a text: what, instead, source.",
        ),
        (
            f'{GOOD}[evidence]\nimage = [{{ behaviour = "image.gone" }}]\n',
            "A row of evidence is about the unknown behaviour 'image.gone'.",
        ),
        (
            "[areas",
            (
                "The table of behaviours is invalid TOML: "
                "Expected ']' at the end of a table declaration (at end of document)."
            ),
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(text: str, message: str) -> None:
    """When it is read, and in words that say what to do."""
    with pytest.raises(BrokenTableError) as refusal:
        read_table(text)
    assert str(refusal.value) == message
    assert isinstance(refusal.value, YCImagesError)


def test_marks_are_found_in_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else decorates a test."""
    monkeypatch.setattr("tests.fidelity.proofs.ROOT", tmp_path)
    module = tmp_path / "test_it.py"
    module.write_text(
        "import pytest\n\n"
        "def test_plain(): ...\n\n"
        '@pytest.mark.fidelity("a.b")\n@pytest.mark.parametrize("x", [1])\ndef test_one(x): ...\n\n'
        '@pytest.mark.skip\n@pytest.mark.fidelity("a.c")\nasync def test_two(): ...\n',
        encoding="utf-8",
    )
    assert list(proofs_in(module)) == [
        Proof("a.b", "test_it.py::test_one"),
        Proof("a.c", "test_it.py::test_two", ("skip",)),
    ]
