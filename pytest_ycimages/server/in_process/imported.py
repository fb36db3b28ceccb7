"""Modules that somebody else imports: it tells when each is there, and imports none itself."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import ExitStack
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Tell = Callable[[str], None]


def when_imported(names: Collection[str], tell: Tell, stack: ExitStack) -> None:
    """Tell of each of these modules: at once if it has been imported, else when it has, until `stack` unwinds.

    Args:
        names: those of the modules; a package is there when its `__init__` has run, with all that this imports.
        tell: is called with the name, maybe more than once, on the thread that imports it.
        stack: when to stop.
    """
    finder = _Finder(names, tell)
    sys.meta_path.insert(0, finder)
    stack.callback(sys.meta_path.remove, finder)
    for name in names:
        if name in sys.modules:
            import_module(name)  # which waits for another thread that is just importing it
            tell(name)


class _Finder(MetaPathFinder):
    """Finds what the other finders find, and has its loader tell."""

    def __init__(self, names: Collection[str], tell: Tell) -> None:
        self._names = names
        self._tell = tell

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        spec = next((found for finder in others if (found := finder.find_spec(fullname, path, target))), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._tell)
        return spec


class _Loader(Loader):
    """Loads as another does, and tells then. The module never learns of it."""

    def __init__(self, loader: Loader, tell: Tell) -> None:
        self._loader = loader
        self._tell = tell

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._tell(module.__name__)
