"""Links of types: to the public names of the package, and, by rule, to the documentation of Python and pytest.

No inventory is fetched for a build.
"""

from __future__ import annotations

import builtins
import collections.abc
import sys
from typing import TYPE_CHECKING, Final

from docutils import nodes

import pytest_ycimages

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_PYTHON: Final = "https://docs.python.org/3/library/"
_PYTEST: Final = "https://docs.pytest.org/en/stable/reference/reference.html#"
_FUNCTIONS: Final = frozenset({"bool", "complex", "float", "int", "object", "property", "type"})
"""The built-in types that Python describes among its functions."""
_MODULES: Final = {
    **dict.fromkeys(collections.abc.__all__, "collections.abc"),
    **dict.fromkeys(("Annotated", "Any", "Literal", "Self"), "typing"),
    **dict.fromkeys(("datetime", "timedelta"), "datetime"),
    "Path": "pathlib",
    "TracebackType": "types",
}
"""The modules of names that annotations use, and that are imported for type checkers only."""


def address(target: str) -> str | None:
    """Return the address of an object of Python or pytest, or None for one of others."""
    target = f"{_MODULES[target]}.{target}" if target in _MODULES else target
    module, _, name = target.rpartition(".")
    if module in {"", "builtins"} and (name == "None" or hasattr(builtins, name)):
        thing = getattr(builtins, name, None)
        if name == "None":
            page = "constants"
        elif isinstance(thing, type) and issubclass(thing, BaseException):
            page = "exceptions"
        else:
            page = "stdtypes" if isinstance(thing, type) and name not in _FUNCTIONS else "functions"
        return f"{_PYTHON}{page}.html#{name}"
    if module == "pytest":
        return f"{_PYTEST}{target}"
    return f"{_PYTHON}{module}.html#{target}" if module.split(".")[0] in sys.stdlib_module_names else None


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element) -> Element | None:
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    package, _, name = target.rpartition(".")
    if package.startswith("pytest_ycimages.") and name in pytest_ycimages.__all__:
        public, page = f"pytest_ycimages.{name}", node["refdoc"]
        return env.domains.python_domain.resolve_xref(env, page, app.builder, "obj", public, node, content)
    if not (found := address(target)):
        return None
    link = nodes.reference("", "", internal=False, refuri=found)
    link += content
    return link


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the resolution of references that the pages themselves do not resolve."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True}
