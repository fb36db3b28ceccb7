"""The file from which a search that was stopped goes on."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import UsageError, internal, reset, run_experiment, unavailable
from pytest_ycimages.experiment.running import TrialLimits

from .flawed_clients import correct, duplicates_on_a_lost_answer
from .test_experiment import FEW, everything

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.costly
def test_a_search_that_was_stopped_goes_on_from_its_file(tmp_path: Path) -> None:
    """Nothing is tried twice, and the report is that of a search that was never stopped."""
    file = tmp_path / "progress"
    options: dict[str, Any] = {"faults": [unavailable(), reset(), internal()], "depth": 2}
    stopped = run_experiment(duplicates_on_a_lost_answer, state=file, budget=0, **options)
    assert not stopped.complete
    with file.open("a") as torn:
        torn.write('["torn')
    resumed = run_experiment(duplicates_on_a_lost_answer, state=file, **options)
    whole = run_experiment(duplicates_on_a_lost_answer, **options)
    assert everything(resumed) == everything(whole)
    seen: list[tuple[int, int]] = []
    run_experiment(duplicates_on_a_lost_answer, state=file, progress=lambda *each: seen.append(each), **options)
    assert seen == []  # all was known


@pytest.mark.costly
def test_a_file_of_another_experiment_is_refused(tmp_path: Path) -> None:
    """The error says what differs."""
    file = tmp_path / "progress"
    run_experiment(correct, faults=FEW, depth=0, state=file)
    with pytest.raises(UsageError, match=r"another experiment: seed differ"):
        run_experiment(correct, faults=FEW, depth=0, state=file, seed=3)
    with pytest.raises(UsageError, match=r"another experiment: limits differ"):
        run_experiment(correct, faults=FEW, depth=0, state=file, limits=TrialLimits(seconds=3))
    file.write_text(json.dumps([1]) + "\n[2]\n")
    with pytest.raises(UsageError, match="not the progress of an experiment"):
        run_experiment(correct, faults=FEW, depth=0, state=file)


@pytest.mark.costly
def test_a_file_from_before_a_judge_has_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has is what the old judge said."""
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "strictness_of_mine.py"
    module.write_text("def strict(trial):\n    return ''\n")
    strict = importlib.import_module("strictness_of_mine").strict
    options: dict[str, Any] = {"depth": 0, "judges": strict, "state": tmp_path / "progress"}
    assert run_experiment(correct, **options).ok
    module.write_text("def strict(trial):\n    return 'too many calls'\n")
    with pytest.raises(UsageError, match=r"another experiment: judges differ"):
        run_experiment(correct, **options)


@pytest.mark.parametrize("content", [b"\x7fELF\x02\xff", b"[1]\n[2]", b"{}", b"nothing of the kind\n"])
def test_a_file_that_is_none_is_refused_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    """Whatever is in it."""
    file = tmp_path / "notes"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="not the progress of an experiment"):
        run_experiment(correct, depth=0, state=file)
    assert file.read_bytes() == content


@pytest.mark.parametrize("where", ["", "no/such/folder"])
def test_a_file_that_cannot_be_is_refused_before_anything_is_tried(where: str, tmp_path: Path) -> None:
    """With what would do."""
    with pytest.raises(UsageError, match=r"cannot be kept in .*\. Name a file in a folder that exists"):
        run_experiment(correct, depth=0, state=tmp_path / where)


@pytest.mark.costly
def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    """Such as one that was made beforehand."""
    file = tmp_path / "progress"
    file.touch()
    run_experiment(correct, depth=0, state=file)
    assert len(file.read_text().splitlines()) == 2
