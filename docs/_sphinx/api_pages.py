"""API reference from the code: blocks of Markdown pages that name what they list.

`{public-names} MODULES` lists the public names that these modules, or the modules of these folders, define.
`others` are those that no page lists by module.
`{pytest} fixtures`, `markers`, `options` and `ini` list what the plugin registers with pytest.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from sphinx.errors import ExtensionError
from sphinx.pycode import ModuleAnalyzer

import pytest_ycimages
from pytest_ycimages import plugin, strategies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sphinx.application import Sphinx

_BLOCK: Final = re.compile(r"^```\{(public-names|pytest)\} (.+)\n```$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`]+)`")
_HOMES: Final[dict[str, str]] = {
    **{name: f"pytest_ycimages.{home}" for name, home in vars(pytest_ycimages)["_HOME"].items()},
    **dict.fromkeys(vars(pytest_ycimages)["_faults"](), "pytest_ycimages.faults.catalogue"),
}
"""Public names -> the module that defines each."""

_FOREIGN: Final = "object, BaseModel, tuple, str, dict, Sequence, Mapping, RuleBasedStateMachine"
"""Classes whose own methods are not repeated on the pages."""


class Registered:
    """What the plugin registers: it takes the place of pytest's parser and of its configuration."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str, str]] = []
        self.keys: list[tuple[str, str, str]] = []
        plugin.pytest_addoption(self)  # type: ignore[arg-type]  # it has the methods that the plugin calls

    def register(self, part: Any, _name: str) -> None:
        """Take the options and keys of a part."""
        if hasattr(part, "pytest_addoption"):
            part.pytest_addoption(self)

    def getgroup(self, *_names: str) -> Registered:
        """Return this object, which takes options as well."""
        return self

    def addoption(self, name: str, *, help: str, metavar: str = "", choices: Any = (), **_others: Any) -> None:  # noqa: A002 - pytest's name
        """Note an option."""
        self.options.append((name, metavar or (f"{{{','.join(choices)}}}" if choices else ""), help))

    def addini(self, name: str, help: str, type: str = "string", *_others: Any) -> None:  # noqa: A002 - pytest's names
        """Note a key of the configuration."""
        self.keys.append((name, type, help.removeprefix("ycimages: ")))


def _public_names(modules: str) -> Iterator[str]:
    yield ".. py:currentmodule:: pytest_ycimages\n"
    if modules == "strategies":
        yield ".. py:currentmodule:: pytest_ycimages.strategies\n"
        for name in strategies.__all__:
            yield _directive(name, getattr(strategies, name), "pytest_ycimages.strategies")
        return
    for module in modules.split():
        names = _others() if module == "others" else _defined_in(module)
        if not names and module != "others":
            raise ExtensionError(f"no public name is defined in {module}: correct this block")
        for name in names:
            yield _directive(name, getattr(pytest_ycimages, name), "pytest_ycimages")


def _defined_in(module: str) -> list[str]:
    home = f"pytest_ycimages.{module}"
    return [name for name, its in _HOMES.items() if its == home or its.startswith(f"{home}.")]


def _others() -> list[str]:
    pages = Path(__file__).parents[1].glob("reference/api/*.md")
    blocks = [block[1] for page in pages for block in _BLOCK.findall(page.read_text(encoding="utf-8"))]
    listed = {name for modules in blocks for module in modules.split() for name in _defined_in(module)}
    return [name for name in _HOMES if name not in listed]


def _directive(name: str, value: object, package: str) -> str:
    path = f"{package}.{name}"
    if not isinstance(value, type):
        return f".. autofunction:: {path}\n" if inspect.isfunction(value) else f".. autodata:: {path}\n   :no-value:\n"
    if issubclass(value, BaseException):
        return f".. autoexception:: {path}\n   :show-inheritance:\n"
    signature = "(**fields)" if hasattr(value, "model_fields") else ""
    return f".. autoclass:: {path}{signature}\n   :members:\n   :inherited-members: {_FOREIGN}\n"


def _fixtures() -> Iterator[str]:
    for name, fixture in sorted(vars(plugin.fixtures).items()):
        if name.startswith("ycimages"):
            function = inspect.unwrap(fixture._get_wrapped_function())  # noqa: SLF001 - pytest shows it nowhere else
            scope = fixture._fixture_function_marker.scope  # noqa: SLF001 - as above
            returned = re.sub(r"^Generator\[(.*)\]$", r"\1", str(function.__annotations__["return"]))
            yield f".. fixture:: {name}\n\n   Scope: {scope}. Type: ``{returned}``.\n"
            yield "\n".join(f"   {line}" for line in restructured(inspect.getdoc(function) or "").splitlines()) + "\n"


def _markers() -> Iterator[str]:
    for text in plugin.MARKERS:
        signature, _, said = text.partition(": ")
        yield f".. marker:: {signature}\n\n   {restructured(said)}\n"


def _options() -> Iterator[str]:
    for name, metavar, text in Registered().options:
        yield f".. option:: {name}{'=' if metavar else ''}{metavar}\n\n   {restructured(text)}\n"


def _ini() -> Iterator[str]:
    for name, kind, text in Registered().keys:
        said, _, default = text.partition(" (default: ")
        default = default.removesuffix(")") or "none"
        yield f".. confval:: {name}\n   :type: {kind}\n   :default: {default}\n\n   {restructured(said)}\n"


_LISTS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "fixtures": _fixtures,
    "markers": _markers,
    "options": _options,
    "ini": _ini,
}


def restructured(text: str) -> str:
    """Return the text of a docstring, which is Markdown, as reStructuredText; public names in it become links."""
    parts = enumerate(_CODE.split(text))
    return "".join(_code(part) if number % 2 else _plain(part) for number, part in parts)


def _plain(text: str) -> str:
    return re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", text)


def _code(code: str) -> str:
    code = " ".join(code.split())
    name = code.removesuffix("()")
    role = f":py:obj:`{code} <pytest_ycimages.{name}>`" if name in _HOMES else f"``{code}``"
    return f"{role}\\ "


def _without_extras(_app: Sphinx, value: Any, _is_method: object) -> None:
    """Show the types of a fault's arguments, and not how they are read from text."""
    if getattr(value, "__module__", "") == "pytest_ycimages.faults.catalogue" and inspect.isfunction(value):
        function = inspect.unwrap(value)
        function.__annotations__ = get_type_hints(function)
        value.__annotations__ = function.__annotations__


def _docstring(_app: Sphinx, what: str, name: str, _value: object, _options: object, lines: list[str]) -> None:
    """Replace the lines of a docstring by what Sphinx reads; those of a value are below it in its module."""
    public = name.removeprefix("pytest_ycimages.")
    if what == "data" and public in _HOMES:
        lines[:] = ModuleAnalyzer.for_module(_HOMES[public]).find_attr_docs().get(("", public), lines)
    lines[:] = restructured("\n".join(lines)).splitlines()


def _read(_app: Sphinx, _document: str, content: list[str]) -> None:
    content[0] = _BLOCK.sub(_written, content[0])


def _written(match: re.Match[str]) -> str:
    kind, what = match.groups()
    blocks = _public_names(what) if kind == "public-names" else _LISTS[what]()
    return "```{eval-rst}\n" + "\n".join(blocks) + "\n```"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the kinds of objects and the changes of pages and docstrings."""
    app.add_object_type("fixture", "fixture", indextemplate="pair: %s; fixture")
    app.add_object_type("marker", "marker", indextemplate="pair: %s; marker")
    app.connect("source-read", _read)
    app.connect("autodoc-before-process-signature", _without_extras)
    app.connect("autodoc-process-docstring", _docstring, priority=400)  # before napoleon reads the sections
    for home in set(_HOMES.values()):
        import_module(home)
    return {"parallel_read_safe": True}
