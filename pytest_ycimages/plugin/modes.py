"""Modes in pytest: which backend answers a test, how many tests send requests where, and with which credential.

Loaded by the first run that collects a test with a double.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest

from pytest_ycimages.plugin.cassettes import cassette_path, has_cassette, settings_of_markers
from pytest_ycimages.plugin.nodes import Node, label, owners

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ycimages.settings import Settings

    Source = Settings | Mapping[str, Any]

_SERVICE: Final = "the service itself"
_OF_TESTS_WITH_CASSETTES: Final = frozenset({"record", "missing"})
"""The modes of a run that concern only tests with a cassette: the others would create real images."""
_KINDS: Final = {"t1.": "IAM token", "y0_": "OAuth token", "AQAA": "OAuth token", "AQVN": "API key"}
"""The first characters of a credential -> its kind."""
_NOTHING: Final[Mapping[str, Any]] = {}
NOT_WHOLE: Final = pytest.StashKey[set[Path | None]]()
"""The files that an earlier try of the same test has recorded in part: plugins run tests that fail again."""
_ANNOUNCED: Final = pytest.StashKey[tuple[str, str]]()
"""The mode and the upstream of a test that sends requests, as they were printed."""


def mode_of(node: Node, given: Source = _NOTHING, fixture: Source = _NOTHING) -> str:
    """Return the mode of a test's double: that of `given`, the command line, a marker, `fixture`, or the ini file.

    `record` and `missing` for a whole run do not concern a test without a cassette; `record-all` does. A marker that
    pins a test to the fake wins over every option. By default, a test with a cassette replays it.
    """
    if mode := _value(given, "mode"):
        return str(mode)
    markers = settings_of_markers(node)
    if any(marker.get("mode") == "fake" for marker in markers):
        return "fake"
    asks = asks_for_cassette(node, given, fixture)
    of_run = (node.config.option.ycimages_mode, node.config.getini("ycimages_mode"))
    option, ini = (_of_run(str(mode or ""), asks=asks) for mode in of_run)
    own = str(_first("mode", *markers, fixture) or "")
    return option or own or ini or ("replay" if has_cassette(node) else "fake")


def asks_for_cassette(node: Node, given: Source = _NOTHING, fixture: Source = _NOTHING) -> bool:
    """Return whether a test asks for a cassette, by a marker, a fixture, or a setting of its own."""
    own = (given, *settings_of_markers(node), fixture)
    return has_cassette(node) or bool(_first("cassette", *own)) or (_first("mode", *own) or "fake") != "fake"


def _of_run(mode: str, *, asks: bool) -> str:
    """Return the mode of one test in a run with `mode`; empty: the run does not say."""
    if mode == "record-all":
        return "record"
    return "" if mode in _OF_TESTS_WITH_CASSETTES and not asks else mode


def _value(source: Source, name: str) -> Any:
    if isinstance(source, Mapping):
        return source.get(name)
    return getattr(source, name) if name in getattr(source, "model_fields_set", ()) else None


def _first(name: str, *sources: Source) -> Any:
    """Return the value of the first source that gives a setting."""
    return next(filter(None, (_value(source, name) for source in sources)), None)


def upstream_of(node: Node, fixture: Source = _NOTHING) -> str:
    """Return the upstream of a test's double; empty: the service itself to record, and the fake to compare with."""
    option, ini = node.config.option.ycimages_upstream, node.config.getini("ycimages_upstream")
    upstream = str(option or _first("upstream", *settings_of_markers(node), fixture) or ini or "")
    return "" if upstream == "none" else upstream


def sends(node: Node, fixture: Source = _NOTHING) -> bool:
    """Return whether the first double of a test sends requests to another process: to record, or to compare answers."""
    upstream = upstream_of(node, fixture)
    if _mode_that_sends(node, upstream, fixture) is None:
        return False
    from pytest_ycimages.backing.record import shares_time  # noqa: PLC0415 - only for tests that send requests

    return not shares_time(upstream)


def records(node: Node) -> bool:
    """Return whether the doubles of a test, class or module are known to record before it runs, but for fixtures."""
    return _mode_that_sends(node, upstream_of(node)) == "record"


def _mode_that_sends(node: Node, upstream: str, fixture: Source = _NOTHING) -> str | None:
    mode = mode_of(node, fixture=fixture)
    if mode == "missing":
        mode = "record" if is_missing(node, _cassette_of(node, fixture)) else "replay"
    return mode if mode == "record" or (mode == "verify" and upstream) else None


def is_missing(node: Node, path: Path) -> bool:
    """Return whether a run with the mode `missing` records a cassette of a test, class or module."""
    return path in node.stash.get(NOT_WHOLE, ()) or not path.exists()


def _cassette_of(node: Node, fixture: Source) -> Path:
    given = _first("cassette", *settings_of_markers(node), fixture)
    return cassette_path(node) if given is None else Path(given)


# What is printed before the first request.


def announcements(items: Iterable[pytest.Item]) -> list[str]:
    """Return a line for each upstream: how many tests will send requests there, and with which credential."""
    counted = Counter[tuple[str, str]]()
    for item in items:
        for node in owners(item):
            upstream = upstream_of(node)
            mode = _mode_that_sends(node, upstream)
            if mode is not None:
                node.stash[_ANNOUNCED] = mode, _address(upstream)
        counted.update({node.stash[_ANNOUNCED] for node in owners(item) if _ANNOUNCED in node.stash})
    return [_line(f"{number} test{'s' * (number > 1)} will send", *key) for key, number in counted.items()]


def announce(node: Node, settings: Settings) -> None:
    """Print that a test sends requests, if its fixtures or its code have decided so after the collection."""
    what = settings.mode, _address(settings.upstream or "")
    if node.stash.get(_ANNOUNCED, None) != what:
        node.stash[_ANNOUNCED] = what
        show(node.config, [_line(f"{label(node)} sends", *what)])


def show(config: pytest.Config, lines: Iterable[str]) -> None:
    """Print lines at once, also from a worker of pytest-xdist, of whose output only the standard error is shown."""
    capture = config.pluginmanager.getplugin("capturemanager")  # absent under -p no:capture
    reporter = None if hasattr(config, "workerinput") else config.pluginmanager.getplugin("terminalreporter")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        for line in lines:
            if reporter is not None:
                reporter.ensure_newline()
                reporter.write_line(line)
            else:
                print(line, file=sys.stderr, flush=True)  # noqa: T201 - the only output that is shown


def _line(who: str, mode: str, address: str) -> str:
    then = "record the answers" if mode == "record" else "compare the answers with a cassette"
    return f"ycimages: {who} requests to {address or _SERVICE} as {_credential(address)}, and {then}"


def _address(upstream: str) -> str:
    """Return scheme, host and port, without a credential before the host."""
    try:
        parts = urlsplit(upstream)
    except ValueError:
        return "an invalid address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if upstream else ""


def _credential(address: str) -> str:
    """Return the kind of the credential that a recording sends, and its source."""
    from pytest_ycimages.cassette.credential import Credential  # noqa: PLC0415 - as above
    from pytest_ycimages.cassette.upstream import FOLDER, TOKEN  # noqa: PLC0415 - as above
    from pytest_ycimages.errors import printable  # noqa: PLC0415 - only for tests that send requests

    credential, folder = Credential(os.environ.get(TOKEN, ""), TOKEN), printable(os.environ.get(FOLDER, ""))
    if not credential:
        return "the owner of the token that a double there gives" if address else f"an unknown user: {TOKEN} is not set"
    kind = next((kind for start, kind in _KINDS.items() if credential.reveal().startswith(start)), "credential")
    return f"the owner of the {kind} in {TOKEN}" + (f", in folder {folder}" if folder else "")
