"""What all tests share: a project of a user, in which a run of pytest costs little."""

from __future__ import annotations

import gc
import importlib.metadata
import pkgutil
import warnings
from typing import TYPE_CHECKING, Final

import pytest
import trustme

import pytest_ycimages

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LEAN: Final = "--assert=plain -p ycimages -p xdist"
"""Of the plugins that are installed, these two; no rewriting of asserts."""
OF_THE_TERMINAL: Final = ("CI", "BUILD_NUMBER", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS")
"""Variables by which pytest, rich and click change what they print: the same is expected everywhere."""
CLIENTS: Final = ("aiohttp", "httpcore", "httpx", "requests", "urllib3", "werkzeug.test")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what collection makes out of the garbage collector's sight: it would look at all of it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _same_terminal_everywhere() -> Iterator[None]:
    """Hide from the runs that tests start where this run takes place: pytest cuts no line of its summary in CI."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OF_THE_TERMINAL:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one authority, which signs nothing: clients read all of the system's anew, for 30 ms each."""
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session")
def _loaded() -> None:
    """Import what runs in process use, once: pytester forgets what a run was the first to load."""
    for module in pkgutil.walk_packages(pytest_ycimages.__path__, "pytest_ycimages."):
        importlib.import_module(module.name)
    for client in CLIENTS:
        importlib.import_module(client)


@pytest.fixture(scope="session")
def _with_plugins() -> list[importlib.metadata.Distribution]:
    """The installed distributions that have plugins of pytest: each run reads the entry points of all."""
    return [each for each in importlib.metadata.distributions() if each.entry_points.select(group="pytest11")]


@pytest.fixture
def project(
    _loaded: None,
    _with_plugins: list[importlib.metadata.Distribution],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[pytest.Pytester]:
    """A project of a user, with the plugin installed and Python's own warning filters instead of ours."""
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: iter(_with_plugins))
    monkeypatch.setenv("PYTEST_ADDOPTS", LEAN)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield pytester
