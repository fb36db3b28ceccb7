"""Every example in the README and in docs/ runs as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

import pytest_ycimages.double
from pytest_ycimages.cli.serve import settings_in

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE: Final = re.compile(r"`[^`\n]+`")
LINK: Final = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


ASYNCIO: Final = ("-p", "asyncio", "-o", "asyncio_default_fixture_loop_scope=function")
SDK = "ignore:Call to deprecated class RetryInterceptor:DeprecationWarning"
"""What the official SDK warns about in itself."""


def examples(language: str) -> list[object]:
    """The fenced blocks of one language, each named after its page and line."""
    found: list[object] = []
    for page in PAGES:
        text = page.read_text()
        for fence in FENCE.finditer(text):
            if fence[1] == language:
                line = text.count("\n", 0, fence.start()) + 1
                found.append(pytest.param(fence[2], id=f"{page.relative_to(ROOT)}:{line}"))
    return found


@pytest.mark.costly
@pytest.mark.parametrize("code", examples("python"))
def test_a_python_example_runs(code: str, project: pytest.Pytester) -> None:
    """A block with tests runs under pytest, against the fake; any other block runs as a script."""
    for foreign in re.findall(r"^import (responses|boto3)$", code, re.MULTILINE):
        pytest.importorskip(foreign, reason="make docs installs it")
    if "def test_" in code:
        project.makepyfile(code)
        more = ASYNCIO if "pytest_asyncio" in code else ()
        result = project.runpytest_inprocess("-W", "error", "-W", SDK, "--ycimages-mode=fake", *more)
        outcomes = result.parseoutcomes()
        assert outcomes.get("passed"), "the example has a test that pytest did not collect"
        assert set(outcomes) <= {"passed"}
    else:
        exec(compile(code, "example", "exec"), {})  # noqa: S102 - that is what a reader does with it


@pytest.mark.parametrize("text", examples("toml"))
def test_a_toml_example_is_taken(text: str, project: pytest.Pytester) -> None:
    """The ini names in a block are known to pytest, and their values to the double; else it is a file for `serve`."""
    if "tool" not in tomllib.loads(text):
        path = project.makefile(".toml", double=text)
        assert pytest_ycimages.double.Double(settings_in(path)).settings.model_fields_set
        return
    project.makefile(".toml", pyproject=text)
    project.makepyfile("def test_it(ycimages):\n    assert ycimages.url")
    project.runpytest_inprocess("--strict-config").assert_outcomes(passed=1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    """A relative link names a file that is there. What looks like one inside code, such as a pattern, is none."""
    for target in LINK.findall(CODE.sub("", page.read_text())):
        assert (page.parent / target).exists(), target


@pytest.mark.slow
def test_the_annotations_that_users_are_shown_are_strict(tmp_path: Path) -> None:
    """With mypy, in the configuration of the project; beside `make lint` it finds most of its work done."""
    pytest.importorskip("mypy")
    page = (ROOT / "docs" / "how-to" / "annotate.md").read_text(encoding="utf-8")
    files = [tmp_path / f"test_annotated_{number}.py" for number in range(len(FENCE.findall(page)))]
    for file, (_, code) in zip(files, FENCE.findall(page), strict=True):
        file.write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *map(str, files)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert run.returncode == 0, run.stdout
    broken = files[0].read_text(encoding="utf-8").replace("ycimages.timing", "ycimages.timming")
    files[0].write_text(broken, encoding="utf-8")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert '"Double" has no attribute "timming"' in run.stdout
