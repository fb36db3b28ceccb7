"""What is published: the files of wheel and sdist, the metadata, and what an installation brings along."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import pytest_ycimages

if TYPE_CHECKING:
    from email.message import Message

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "pytest_ycimages"
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PUBLIC: Final = ("cli", "grpc", "hypothesis", "report")
"""The extras for users."""
ESSENTIAL: Final = {
    "vcrpy": "reads and writes cassettes' form, and patches clients",
    "werkzeug": "routes",
    "freezegun": "virtual time",
    "pydantic": "the messages",
    "pytest": "the plugin",
}

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the package is not beside the tests: nothing to build")


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what Python prints for these arguments, in the folder of the project."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run = ran("-m", "hatchling", "build", "-d", str(folder))
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    """The files of the wheel."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def sdist(built: Path) -> set[str]:
    """The names of the files of the sdist, without its own folder."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.fixture(scope="module")
def described(wheel: dict[str, bytes]) -> Message:
    """The metadata of the wheel."""
    (name,) = (name for name in wheel if name.endswith(".dist-info/METADATA"))
    return HeaderParser().parsestr(wheel[name].decode())


def files_below(*folders: Path) -> set[str]:
    """The files of the working copy, without what runs leave there."""
    return {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


@pytest.mark.costly
def test_the_wheel_has_the_package_and_nothing_else(wheel: dict[str, bytes]) -> None:
    """Code, types, pages, templates and tables; no test, no page of the documentation."""
    assert {name for name in wheel if ".dist-info/" not in name} == files_below(PACKAGE)
    assert "pytest_ycimages/py.typed" in wheel
    assert any(name.endswith(".jinja") for name in wheel)
    assert any(name.endswith("licenses/docs/LICENSE") for name in wheel)


@pytest.mark.costly
def test_the_sdist_has_what_its_tests_need(sdist: set[str]) -> None:
    """The package, the tests with their data, the pages whose examples they run, and what sets them up."""
    folders = (PACKAGE, ROOT / "tests", ROOT / "docs", ROOT / "cassettes")
    assert files_below(*folders) - sdist == set()
    assert {"pyproject.toml", "README.md", "Makefile", ".ci/run"} <= sdist
    assert not [name for name in sdist if re.search(r"__pycache__|\.venv|(^|/)build/|\.pyc$|\.hypothesis", name)]


@pytest.mark.costly
def test_the_metadata_of_the_wheel_describes_the_project(described: Message) -> None:
    """Name, version, readme, licence, the entry points' extras, and addresses."""
    assert described["Name"] == "pytest-ycimages"
    assert described["Version"] == PROJECT["version"]
    assert described["License-Expression"] == "MIT"
    assert str(described.get_payload()).startswith("# pytest-ycimages")
    assert {"Framework :: Pytest", "Typing :: Typed"} <= set(described.get_all("Classifier", []))
    for url in described.get_all("Project-URL", []):
        assert re.match(r".+, https://(?!pypi|.*\bpackages?\b)", url), url


def test_the_version_stands_in_one_place() -> None:
    """`pyproject.toml`: the package and the site ask the installed distribution for it."""
    text = re.compile(rf"^\s*_*version_*\s*=\s*[\"']{re.escape(PROJECT['version'])}", re.MULTILINE)
    holders = [ROOT / "pyproject.toml", ROOT / "docs" / "conf.py", *PACKAGE.rglob("*.py")]
    assert [path.name for path in holders if text.search(path.read_text(encoding="utf-8"))] == ["pyproject.toml"]
    assert pytest_ycimages.__version__ == metadata.version("pytest-ycimages")


def test_every_python_of_the_classifiers_is_allowed_and_tested() -> None:
    """`make wheel-test` runs the tests of the wheel with each that it finds."""
    found = re.findall(r"Python :: (3\.\d+)'", str(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={found[0]}"
    tested = re.search(r"^PYTHONS \?= (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert tested
    assert tested[1].split() == [f"python{version}" for version in found]


def requirements_of(name: str) -> list[str]:
    """The requirements of a distribution: those of this project by its own file, others by what is installed."""
    if name != "pytest-ycimages":
        return metadata.requires(name) or []
    extras = {extra: all_ for extra, all_ in PROJECT["optional-dependencies"].items() if extra in PUBLIC}
    return [*PROJECT["dependencies"], *(f"{each}; extra == '{extra}'" for extra in extras for each in extras[extra])]


def required(
    name: str, extras: frozenset[str] = frozenset(), seen: frozenset[tuple[str, ...]] = frozenset()
) -> set[str]:
    """The distributions that an installation of `name` brings along."""
    found: set[str] = set()
    for requirement in map(Requirement, requirements_of(name)):
        wanted = canonicalize_name(requirement.name)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in extras or {""}):
            found.add(wanted)
            if (wanted, *requirement.extras) not in seen:
                known = seen | {(wanted, *requirement.extras)}
                found |= required(wanted, frozenset(requirement.extras), known)
    return found


def test_an_installation_is_light() -> None:
    """Two dozen distributions with those of pytest; what only some features need is an extra."""
    brought = required("pytest-ycimages")
    assert set(ESSENTIAL) <= brought
    assert len(brought) <= 24, sorted(brought)
    assert not brought & {"click", "grpcio", "h2", "hypothesis", "jinja2", "protobuf", "requests", "rich", "trustme"}


@pytest.mark.parametrize(
    ("extra", "own"),
    [
        ("cli", {"click", "jinja2", "jsonschema-rs", "rich"}),
        ("grpc", {"h2", "protobuf", "trustme"}),
        ("hypothesis", {"hypothesis"}),
        ("report", {"jinja2"}),
    ],
)
def test_an_extra_brings_what_it_is_for(extra: str, own: set[str]) -> None:
    """And no client: grpcio is the user's own."""
    brought = required("pytest-ycimages", frozenset({extra})) - required("pytest-ycimages")
    assert own <= brought
    assert not brought & {"grpcio", "requests", "yandexcloud"}


HIDING: Final = """
import sys
class Hiding:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hiding())
sys.argv = ["ycimages", "--help"]
"""
"""What makes a module look as if it were not installed."""
MISSING: Final = {
    "cli": ("click", "from pytest_ycimages.cli import main; main()"),
    "cli, by its module": ("rich", "import runpy; runpy.run_module('pytest_ycimages', run_name='__main__')"),
    "report": ("jinja2", "import pytest_ycimages as y; y.report_html(y.run_experiment(print, budget=0))"),
    "hypothesis": ("hypothesis", "import pytest_ycimages.strategies"),
    "hypothesis, in experiments": (
        "hypothesis",
        "import pytest_ycimages as y; y.run_experiment(lambda url, token: 'x', random=1)",
    ),
    "grpc": ("trustme", "import pytest_ycimages as y; print(y.Double().root_certificates)"),
}
"""A feature -> a module of its extra, and code that needs it."""


@pytest.mark.costly
@pytest.mark.parametrize("feature", MISSING)
def test_a_missing_extra_is_named(feature: str) -> None:
    """With the command that installs it."""
    module, code = MISSING[feature]
    run = ran("-c", HIDING.format(module=module) + code)
    assert run.returncode != 0
    assert f"pip install 'pytest-ycimages[{feature.partition(',')[0]}]'" in run.stderr


@pytest.mark.costly
def test_the_module_is_the_command() -> None:
    """`python -m pytest_ycimages` takes the same commands."""
    assert PROJECT["version"] in ran("-m", "pytest_ycimages", "--version").stdout
