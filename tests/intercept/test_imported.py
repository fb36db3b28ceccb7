"""Libraries that are there, that come meanwhile, and that nobody uses: none of these is imported."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.network.patching import when_imported

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = {"aiohttp", "anyio", "httpcore", "httpx", "requests", "urllib3"}

WITHOUT_NETWORK = """
    import socket
    import sys

    from pytest_ycimages import Double

    def refuse_to(*_, **__):
        raise OSError("no network")

    socket.getaddrinfo = refuse_to
    URL = "https://compute.api.cloud.yandex.net/endpoints"
"""

AWAITED = """
    def ask():
        import asyncio
        asyncio.run(awaited())"""

LATER = {
    "urllib3": """
    def ask():
        import urllib3
        urllib3.request("GET", URL, retries=False)
    """,
    "requests": """
    def ask():
        import requests
        requests.get(URL)
    """,
    "httpcore": """
    def ask():
        import httpcore
        httpcore.request("GET", URL)
    """,
    "httpx": """
    def ask():
        import httpx
        httpx.get(URL)
    """,
    "httpx async": f"""
    async def awaited():
        import httpx
        async with httpx.AsyncClient() as client:
            await client.get(URL)
    {AWAITED}""",
    "aiohttp": f"""
    async def awaited():
        import aiohttp
        async with aiohttp.ClientSession() as session, session.get(URL) as answer:
            await answer.read()
    {AWAITED}""",
}
"""What asks, and imports what it asks with only then."""


def script(pytester: pytest.Pytester, *pieces: str) -> pytest.RunResult:
    """Run some pieces of code, one after the other, in a fresh process."""
    path = pytester.makepyfile(script="\n".join(dedent(piece) for piece in pieces))
    return pytester.run(sys.executable, "-W", "error", "-X", "dev", path)


@pytest.mark.costly
def test_no_library_is_imported_that_the_client_does_not_use(pytester: pytest.Pytester) -> None:
    """Only http.client and urllib.request are needed by nobody's request."""
    result = script(
        pytester,
        WITHOUT_NETWORK,
        f"""
        from urllib.request import urlopen
        with Double().intercept() as double:
            urlopen(URL).close()
            assert len(double.calls) == 1
        print(sorted({{name.partition(".")[0] for name in sys.modules}} & {CLIENTS}))
        """,
    )
    assert result.outlines == ["[]"]
    assert result.ret == 0


@pytest.mark.costly
@pytest.mark.parametrize("client", LATER)
def test_a_library_that_comes_meanwhile_is_intercepted(client: str, pytester: pytest.Pytester) -> None:
    """As soon as it is imported, and only then; afterwards it is as if nobody had waited for it."""
    result = script(
        pytester,
        WITHOUT_NETWORK,
        LATER[client],
        f"""
        from importlib.machinery import SourceFileLoader

        before = list(sys.meta_path)
        with Double().intercept() as double:
            assert not set(sys.modules) & {CLIENTS}
            ask()
        assert sys.meta_path == before
        for name in set(sys.modules) & {CLIENTS}:
            module = sys.modules[name]
            assert type(module.__loader__) is type(module.__spec__.loader) is SourceFileLoader
        try:
            ask()
        except Exception as error:
            print("no network" in str(error) + repr(error))
        assert len(double.calls) == 1
        """,
    )
    assert (result.ret, result.outlines) == (0, ["True"]), result.stderr.str()


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that can be imported, and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def test_a_module_is_told_of_when_it_has_run(modules: Path) -> None:
    """With all that it defines; one that fails is not told of, and comes as new the next time."""
    (modules / "comes_late.py").write_text("import comes_never_loaded_flag as flag\nready = flag.ready")
    (modules / "comes_never_loaded_flag.py").write_text("ready = True")
    told: list[tuple[str, bool]] = []
    with ExitStack() as stack:
        when_imported({"comes_late", "comes_never"}, lambda name: told.append((name, sys.modules[name].ready)), stack)
        assert told == []
        import comes_late  # type: ignore[import-not-found] # noqa: F401, PLC0415 - it is there now

        assert told == [("comes_late", True)]
        with pytest.raises(ModuleNotFoundError):
            import comes_never  # type: ignore[import-not-found] # noqa: F401, PLC0415 - it never is
    assert told == [("comes_late", True)]


@pytest.mark.parametrize("count", [2, 3])
def test_several_are_told_of_one_module(count: int, modules: Path) -> None:
    """Interception, the network guard and virtual time wait for the same libraries, and begin and end in any order."""
    (modules / "comes_once.py").write_text("ready = True")
    told: list[int] = []
    with ExitStack() as gone, ExitStack() as stack:
        when_imported({"comes_once"}, lambda _: told.append(-1), gone)
        for number in range(count):
            when_imported({"comes_once"}, lambda _, number=number: told.append(number), stack)  # type: ignore[misc]
        gone.close()
        import comes_once  # type: ignore[import-not-found] # noqa: F401, PLC0415 - it is there now

        assert sys.modules["comes_once"].__spec__ is not None
        assert type(sys.modules["comes_once"].__loader__).__name__ == "SourceFileLoader"
    assert sorted(told) == list(range(count))


def test_a_module_that_is_there_is_told_of_at_once() -> None:
    """And nobody is told of one that comes when nobody waits any more."""
    told: list[str] = []
    with ExitStack() as stack:
        when_imported({"json", "no_such_module"}, told.append, stack)
    assert told == ["json"]


def test_a_module_that_fails_is_not_told_of(modules: Path) -> None:
    """Its error is its own."""
    (modules / "comes_broken.py").write_text("1 / 0")
    told: list[str] = []
    with ExitStack() as stack:
        when_imported({"comes_broken"}, told.append, stack)
        with pytest.raises(ZeroDivisionError):
            import comes_broken  # type: ignore[import-not-found] # noqa: F401, PLC0415 - likewise
    assert told == []
