"""Recipes of the pages: containers, CI, shell commands and the start page, carried out as far as one machine allows."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from pytest_ycimages import Double

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
HOW_TO: Final = DOCS / "how-to"
EXTRAS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


RECIPES: Final = [
    (page.stem, number, text)
    for page in sorted(DOCS.rglob("*.md"))
    for number, text in enumerate(blocks(page, "yaml"))
    if re.search(r"^ *(?:- run|script|jobs):", text, re.MULTILINE)
]


def commands_of(recipe: Any) -> Iterator[str]:
    """Yield the shell commands of a workflow, of its steps alone, or of a job of GitLab."""
    jobs = [{"steps": recipe}] if isinstance(recipe, list) else recipe.get("jobs", recipe).values()
    for job in jobs:
        yield from (step["run"] for step in job.get("steps", ()) if "run" in step)
        script = job.get("script", ())
        yield from [script] if isinstance(script, str) else script


@pytest.mark.costly
@pytest.mark.parametrize(("page", "number", "text"), RECIPES)
def test_the_commands_of_a_recipe_exist(page: str, number: int, text: str, project: pytest.Pytester) -> None:
    """Its YAML is valid, its extras exist, pytest takes its options, and `ycimages` its commands."""
    commands = list(commands_of(yaml.safe_load(text)))
    assert commands, f"{page}:{number}"
    project.makepyfile("def test_it(ycimages): pass")
    for command in commands:
        program, *words = shlex.split(re.sub(r"\$\{\{ matrix\.\w+ \}\}", "1", command))
        if program == "pip":
            assert set(re.findall(r"\w+", "".join(re.findall(r"ycimages\[(.+?)\]", command)))) <= set(EXTRAS)
        elif program == "pytest":
            assert project.runpytest_inprocess(*words).ret == 0
        else:
            assert program == "ycimages"
            options = [word for word in words if not word.startswith("-")][:2]
            run = [sys.executable, "-m", "pytest_ycimages", *options]
            shown = subprocess.run([*run, "--help"], capture_output=True, text=True, check=False)  # noqa: S603 - our own
            if shown.returncode:  # the second word is an argument
                shown = subprocess.run([*run[:-1], "--help"], capture_output=True, text=True, check=True)  # noqa: S603
            missing = [word for word in words if word.startswith("--") and word not in shown.stdout]
            assert not missing, command


# The container, without an engine: its commands on this machine, at loopback and at a free port.


def instructions(name: str) -> list[str]:
    """The arguments of the instructions of a name in the Containerfile."""
    (text,) = blocks(HOW_TO / "containers.md", "dockerfile")
    return re.findall(rf"^{name} (.+)$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The services of the compose file."""
    (text,) = blocks(HOW_TO / "containers.md", "yaml")
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


@pytest.fixture(scope="module")
def served(compose: dict[str, Any]) -> Iterator[str]:
    """The address of a double that the container's command has started."""
    (entry,) = (json.loads(text) for text in instructions("ENTRYPOINT"))
    words = [*entry, *compose["images-double"]["command"]]
    assert words[0] == "python"
    on_this_machine = {"python": sys.executable, "0.0.0.0": "127.0.0.1", "8080": "0"}  # noqa: S104 - what it replaces
    command = [on_this_machine.get(word, word) for word in words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        killer = threading.Timer(60, process.kill)
        killer.start()
        assert process.stdout
        yield process.stdout.readline().strip()
        killer.cancel()
        process.kill()


def status_of(url: str, host: str, **headers: str) -> int:
    """The status of an answer to a request for a host."""
    try:
        with urlopen(Request(url, headers={"Host": host, **headers}), timeout=20) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.mark.costly
def test_the_container_answers_by_the_name_of_its_service(served: str, compose: dict[str, Any]) -> None:
    """And no other, and the control API only with its token."""
    (name,) = (name for name, service in compose.items() if "build" in service)
    assert status_of(f"{served}/endpoints", name) == 200
    assert status_of(f"{served}/endpoints", "elsewhere") == 421
    assert status_of(f"{served}/_ycimages/calls", name) == 401
    assert status_of(f"{served}/_ycimages/calls", name, Authorization="Bearer for-tests") == 200


@pytest.mark.costly
def test_the_health_check_of_the_container_ends_with_zero(served: str) -> None:
    """Without a token."""
    ((check,),) = (re.findall(r"CMD (\[.+\])$", text) for text in instructions("HEALTHCHECK"))
    python, *words = json.loads(check)
    assert python == "python"
    words = [word.replace("http://127.0.0.1:8080", served) for word in words]
    assert subprocess.run([sys.executable, *words], check=False).returncode == 0  # noqa: S603 - our own


@pytest.mark.costly
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_client_of_the_compose_file_creates_an_image(served: str, compose: dict[str, Any]) -> None:
    """Its `curl`, at the address that the name has on this machine."""
    host, port = "images-double", served.rpartition(":")[2]
    words = [word.replace(":8080", f":{port}") for word in compose["client"]["command"]]
    command = ["curl", "--noproxy", "*", "--resolve", f"{host}:{port}:127.0.0.1", *words]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert json.loads(run.stdout)["metadata"]["imageId"]
    assert compose["client"]["depends_on"] == {host: {"condition": "service_healthy"}}


def test_the_containerfile_installs_extras_that_exist() -> None:
    """And gives up the rights of root before it starts."""
    assert set(re.findall(r"\[(\w+),(\w+)\]", "\n".join(instructions("RUN")))[0]) <= set(EXTRAS)
    assert instructions("USER") == ["double"]


# The start page.

START: Final = (DOCS / "index.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """A section of the start page."""
    return START.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


@pytest.mark.costly
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_commands_of_the_start_page_are_answered() -> None:
    """By a double at another port."""
    commands = re.findall(r"^\$ (curl .+)$", section("Test my baker"), re.MULTILINE)
    with Double() as double:
        for command in commands:
            words = shlex.split(command.replace("http://127.0.0.1:8080", double.url))
            run = subprocess.run([*words, "--fail"], capture_output=True, text=True, check=True)  # noqa: S603 - our own
            assert json.loads(run.stdout)
        assert [call.method for call in double.calls] == ["images.create", "images.list"]


@pytest.mark.slow
def test_a_user_of_the_sdk_gets_a_passing_test_from_the_start_page(tmp_path: Path) -> None:
    """In a fresh environment, with the commands and the file of the page, and this checkout in place of the index."""
    text = section("Test code that uses the SDK")
    (name,) = re.findall(r"Write this to\n?`(\w+\.py)`", text)
    (code, *_) = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (tmp_path / name).write_text(code, encoding="utf-8")
    make, activate, install, run = re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    assert (make, activate) == ("python -m venv .venv", ". .venv/bin/activate")
    venv.create(tmp_path / ".venv", with_pip=True)
    python = tmp_path / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    words = shlex.split(install.replace("pytest-ycimages[", f"{ROOT}["))
    quiet = ["--quiet", "--disable-pip-version-check"]
    installed = subprocess.run([python, "-m", *words, *quiet], capture_output=True, text=True, check=False)  # noqa: S603
    if installed.returncode and re.search(r"connection|resolve|timed out|No matching", installed.stderr, re.IGNORECASE):
        pytest.skip(f"pip reaches no index: {installed.stderr[-200:]}")
    assert installed.returncode == 0, installed.stderr
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [str(python), "-m", *shlex.split(run)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert "1 passed" in ran.stdout, ran.stdout
    assert "1 passed" in text
