"""The configuration of a run, checked at its start: keys and values of its file, the environment, and markers.

A misspelt name is an error with the file, the line and the nearest name, instead of a setting that has no effect.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pytest_ycimages.plugin.nodes import definitions, fixtures, place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

_OURS: Final = r"(?i)yc[_-]?images?(?![a-z0-9])|yc[_-]?images|ycimage"
"""How a name of this plugin begins, also if it is misspelt; compiled when a name begins with `yc`."""
_HINTS: Final = (b"yc", b"images")
"""What a file has that may have a key of this plugin: a misspelt one too."""
_SECTIONS: Final = ("pytest", "tool:pytest")
_EXPORTED: Final = frozenset({"YCIMAGES_URL", "YCIMAGES_GRPC_ENDPOINT", "YCIMAGES_CA_FILE"})
"""Environment variables that this package sets for the commands that it runs."""
_PACKAGE: Final = "pytest_ycimages"
_MARKERS: Final = ("ycimages", "ycimages_cassette", "ycimages_experiment")
_READ: Final = ("ycimages", "ycimages_cassette")
"""The markers that the fixture `ycimages` reads."""
_UNUSED: Final = ": no test that has it uses a double. Let the test take the fixture `ycimages`, or remove the marker."
_REPLACED: Final = (
    " on {}: the fixture `ycimages` of {} replaces that of the plugin. Give it another name, or let it take `ycimages` "
    "or `ycimages_factory` as an argument: these read markers."
)


_NATIVE: Final = pytest.StashKey[dict[str, Any]]()
"""The values that a TOML file gives, with their types; those of an ini file, and of `-o`, are texts."""
_PLACES: Final = pytest.StashKey[dict[str, str]]()
_MARKS: Final = pytest.StashKey["_Marks"]()


def check_configuration(config: pytest.Config, known: Collection[str]) -> None:
    """Refuse unknown keys of the configuration file, of `-o`, and of the environment that resemble those of the plugin.

    Args:
        config: the configuration of the run.
        known: the keys of the plugin.

    Raises:
        pytest.UsageError: there are some; the text has the place and the nearest key of each.
    """
    native: dict[str, Any] = {}
    places: dict[str, str] = {}
    problems = []
    for key, value, place in _keys(config):
        if key in known:
            if value is not None:
                native[key] = value
            places[key] = place
        elif _is_meant(key, known) and not _is_registered(config, key):
            problems.append(f"{place}{_unknown('key', key, known)}")
    for name in _overrides(config):
        native.pop(name, None)
        if name in known:
            places[name] = f"-o {name}: "
    problems += _environment(known)
    if problems:
        raise pytest.UsageError("\n".join(problems))
    config.stash[_NATIVE], config.stash[_PLACES] = native, places


def configured(config: pytest.Config, name: str) -> Any:
    """Return the value of a key, with its type if a TOML file gives it; None: it is not given."""
    native = config.stash.get(_NATIVE, {})
    return native[name] if name in native else config.getini(name) or None


def check_values(config: pytest.Config, values: Mapping[str, Any]) -> None:
    """Refuse invalid values of settings in the configuration, all at once.

    Raises:
        pytest.UsageError: there are some; the text has the place of each, and what is expected.
    """
    if not values or hasattr(config, "workerinput"):  # the controller has checked them
        return
    places = config.stash[_PLACES]
    problems = []
    for name, value in values.items():
        problem = _invalid({name: value})
        if problem:
            problems.append(f"{places.get(f'ycimages_{name}', '')}ycimages_{name}: {problem}")
    if problems:
        raise pytest.UsageError("\n".join(problems))


def _invalid(values: Mapping[str, Any]) -> str:
    """Return what is wrong with settings; empty: nothing."""
    from pytest_ycimages.errors import UsageError  # noqa: PLC0415 - only for runs with settings
    from pytest_ycimages.settings import merged  # noqa: PLC0415 - heavy, so only for runs with settings

    try:
        merged({"allow_remote": True, **values})  # another source may set it
    except UsageError as error:
        return str(error)
    return ""


# Keys.


def _keys(config: pytest.Config) -> Iterator[tuple[str, Any, str]]:
    """Yield the keys of the file and of `-o`: each with its value, if that has a type of its own, and its place."""
    path = config.inipath
    if path is not None and path.is_file():
        data = path.read_bytes()
        if any(hint in data.lower() for hint in _HINTS):
            text = data.decode("utf-8", "replace")
            yield from _of_toml(path, text) if path.suffix == ".toml" else _of_ini(path, text)
    yield from ((name, None, "-o: ") for name in _overrides(config))


def _overrides(config: pytest.Config) -> list[str]:
    return [each.partition("=")[0].strip() for each in config.getoption("override_ini", default=None) or ()]


def _of_toml(path: Path, text: str) -> Iterator[tuple[str, Any, str]]:
    import tomllib  # noqa: PLC0415 - only for TOML

    document = tomllib.loads(text)
    tool = document.get("tool", {}).get("pytest", {})
    own = {key: value for key, value in tool.items() if key != "ini_options"} if pytest.version_tuple >= (9,) else {}
    table = own or tool.get("ini_options") or (document.get("pytest", {}) if path.name != "pyproject.toml" else {})
    for key, value in table.items():
        found = re.search(rf"^[ \t]*(?:\[[^\]\n]*\.)?[\"']?{re.escape(key)}\b", text, re.MULTILINE)
        line = text.count("\n", 0, found.start()) + 1 if found else 0
        yield key, value, f"{path.name}:{line}: " if line else f"{path.name}: "


def _of_ini(path: Path, text: str) -> Iterator[tuple[str, Any, str]]:
    from iniconfig import IniConfig  # noqa: PLC0415 - only for files that may have a key; pytest reads them with it

    config = IniConfig(path, data=text)
    for section in _SECTIONS:
        for key in config.sections.get(section, {}):
            yield key, None, f"{path.name}:{config.lineof(section, key)}: "


def _is_ours(name: str) -> bool:
    return name[:2].lower() == "yc" and re.match(_OURS, name) is not None


def _is_meant(name: str, known: Iterable[str]) -> bool:
    """Return whether a name that is unknown is one of this plugin's, misspelt."""
    from pytest_ycimages.errors import nearest  # noqa: PLC0415 - only for names that pytest does not know either

    return _is_ours(name) or nearest(name, known, cutoff=0.9) != ""


def _is_registered(config: pytest.Config, key: str) -> bool:
    try:
        config.getini(key)
    except (KeyError, ValueError):
        return False
    return True


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    from pytest_ycimages.errors import nearest  # noqa: PLC0415 - only for errors

    near = nearest(name, known)
    return f"unknown {what} {name!r}." + (
        f" Did you mean {near!r}?" if near else f" Known: {', '.join(sorted(known))}."
    )


def _environment(known: Iterable[str]) -> list[str]:
    """Return what is wrong with the environment: a variable that looks like a setting has no effect."""
    variables = [name for name in sorted(os.environ) if _is_ours(name) and name not in _EXPORTED]
    if not variables:
        return []
    from pytest_ycimages.errors import nearest  # noqa: PLC0415 - only for such variables

    settings = {key.partition("_")[2]: key for key in known}
    problems = []
    for variable in variables:
        near = settings.get(nearest(re.sub(_OURS, "", variable).strip("_"), settings, cutoff=0.7))
        if near:
            problems.append(
                f"environment: the variable {variable} is not read. Did you mean the key {near!r}? Give it in the "
                f"configuration file, or for one run as PYTEST_ADDOPTS='-o {near}=...'."
            )
    return problems


# Markers.


class _Marks(NamedTuple):
    """The markers of the plugin that were collected, by their identity: those of a class are the same for its tests.

    Attributes:
        texts: what warnings call each of which none has been given.
        used: those that a test has that is known to use a double.
    """

    texts: dict[int, str]
    used: set[int]


def wrong_markers(config: pytest.Config, nodes: Iterable[pytest.Item | pytest.Collector]) -> str:
    """Return what is wrong with the markers of collected tests, a line each; empty: nothing."""
    marks = config.stash.setdefault(_MARKS, _Marks({}, set()))
    problems: dict[int, str] = {}
    for item in nodes:
        if isinstance(item, pytest.Class):
            item.obj  # noqa: B018 - from which pytest reads its markers
        for node, mark in item.iter_markers_with_node():
            if mark.name in _MARKERS:
                if id(mark) not in marks.texts:
                    marks.texts[id(mark)] = f"{_place(item, node)}{_text(mark)}"
                    problem = _problem_of(mark)
                    problems[id(mark)] = problem and f"{marks.texts[id(mark)]}: {problem}"
                if _uses_a_double(item):
                    marks.used.add(id(mark))
            elif _is_misspelt(mark.name) and mark.name not in _registered(config):
                problems[id(mark)] = f"{_place(item, node)}{_unknown('marker', mark.name, _MARKERS)}"
    return "\n".join(filter(None, problems.values()))


def warn_of_unused(item: pytest.Item, *, is_unused: bool) -> None:
    """Warn once about each marker without an effect on a test that has ended.

    Args:
        item: the test. Its own `ycimages` may have replaced that of the plugin, which reads markers.
        is_unused: whether it has passed without a double; a marker may have an effect on other tests of its class.
    """
    marks = item.config.stash.get(_MARKS, None)
    if not marks or not marks.texts:
        return
    replacing = _fixture_without_double(item)
    if replacing is None and not is_unused:
        return
    for mark in item.iter_markers():
        if id(mark) in marks.texts and (id(mark) not in marks.used if replacing is None else mark.name in _READ):
            from pytest_ycimages.errors import MarkerWarning  # noqa: PLC0415 - only for warnings

            why = _REPLACED.format(item.nodeid, place_of(replacing)) if replacing else _UNUSED
            item.warn(MarkerWarning(f"{marks.texts.pop(id(mark))} has no effect{why}"))


def _fixture_without_double(item: pytest.Item) -> pytest.FixtureDef[Any] | None:
    """Return the user's fixture that a test gets as `ycimages`, if it is known to use no double of the plugin."""
    replacing = _replaced_by(item, "ycimages") if "ycimages" in fixtures(item) else None
    return None if replacing is None or _may_use_a_double(item, replacing) else replacing


def _may_use_a_double(item: pytest.Item, definition: pytest.FixtureDef[Any]) -> bool:
    """Return whether a fixture asks for a double of the plugin, or for `request`, by which it may."""
    for name in definition.argnames:
        replacing = _replaced_by(item, name)
        if name == "request" or (_is_double(name) and replacing is None):
            return True
        if replacing is not None and replacing is not definition and _may_use_a_double(item, replacing):
            return True
    return False


def _problem_of(mark: pytest.Mark) -> str:
    """Return what is wrong with a marker of the plugin; empty: nothing."""
    if mark.name == "ycimages_experiment":
        return _wrong_shards(mark)
    return wrong_arguments(mark) or _invalid({name: each for name, each in mark.kwargs.items() if name != "name"})


def names_in(mark: pytest.Mark) -> tuple[Any, ...]:
    """Return the names that a marker of a cassette gives: one, or none."""
    return (*mark.args, *([mark.kwargs["name"]] if "name" in mark.kwargs else []))


def wrong_arguments(mark: pytest.Mark) -> str:
    """Return what is wrong with the arguments of a marker of settings that are none; empty: nothing."""
    if mark.name == "ycimages":
        return f"it takes settings by name, such as timing=30; it was given {mark.args!r}." if mark.args else ""
    names = names_in(mark)
    is_wrong = len(names) > 1 or not all(isinstance(name, str) for name in names)
    return f"it takes one name; it was given {names!r}." if is_wrong else ""


def _wrong_shards(mark: pytest.Mark) -> str:
    """Return what is wrong with a marker of shards; empty: nothing."""
    shards = mark.kwargs.get("shards", "auto")
    if mark.args or mark.kwargs.keys() - {"shards"}:
        return "it takes shards= and nothing else: 'auto', or a whole number such as 4."
    if shards != "auto" and (type(shards) is not int or shards < 1):
        return f"invalid shards={shards!r}: expected 'auto', or a whole number such as 4."
    return ""


def _uses_a_double(item: pytest.Item | pytest.Collector) -> bool:
    return any(_is_double(name) and _replaced_by(item, name) is None for name in fixtures(item))


def _is_double(name: str) -> bool:
    return name.startswith("ycimages") and name not in _NO_DOUBLES


def _replaced_by(item: pytest.Item | pytest.Collector, name: str) -> pytest.FixtureDef[Any] | None:
    """Return the user's fixture that a test gets in place of the plugin's, unless it takes that as an argument."""
    definition: pytest.FixtureDef[Any]
    for definition in reversed(definitions(item, name)):
        if getattr(definition.func, "__module__", "").startswith(f"{_PACKAGE}."):
            return None
        if name not in definition.argnames:
            return definition
    return None


_NO_DOUBLES: Final = frozenset({"ycimages_settings", "ycimages_time"})


@cache
def _is_misspelt(name: str) -> bool:
    return _is_meant(name, _MARKERS)


def _registered(config: pytest.Config) -> set[str]:
    return {re.split(r"[(:]", line)[0].strip() for line in config.getini("markers")}


def _text(mark: pytest.Mark) -> str:
    given = [*map(repr, mark.args), *(f"{name}=..." for name in mark.kwargs)]
    return f"@pytest.mark.{mark.name}({', '.join(given)})"


def _place(item: pytest.Item | pytest.Collector, node: Any) -> str:
    if node is not item or not isinstance(item, pytest.Item):
        return f"{node.nodeid}: "
    path, line, _ = item.location
    return f"{path}:{(line or 0) + 1}: "
