"""Patches of classes, and of libraries as soon as they are imported, for as long as a context lasts."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import ExitStack
    from importlib.machinery import ModuleSpec

    Notify = Callable[[str], None]


def replace(stack: ExitStack, owner: type | ModuleType, name: str, value: object) -> None:
    """Set an attribute of a class or a module until `stack` unwinds; an inherited attribute is inherited again then."""
    if name in vars(owner):
        stack.callback(setattr, owner, name, vars(owner)[name])
    else:
        stack.callback(delattr, owner, name)
    setattr(owner, name, value)


def when_imported(names: Collection[str], notify: Notify, stack: ExitStack) -> None:
    """Call `notify` for each of these modules: at once if it is loaded, else after its import, until `stack` unwinds.

    Args:
        names: the modules; a package is loaded once its `__init__` has run.
        notify: called with the name, maybe more than once, on the thread that imports it.
        stack: when to stop.
    """
    finder = _Finder(names, notify)
    sys.meta_path.insert(0, finder)
    stack.callback(sys.meta_path.remove, finder)
    for name in names:
        if type(sys.modules.get(name)) is ModuleType:  # and no odd object, any attribute of which may raise
            import_module(name)  # waits for another thread that is importing it
            notify(name)


class _Finder(MetaPathFinder):
    """Finds what the finders behind it find, with a loader that notifies."""

    def __init__(self, names: Collection[str], notify: Notify) -> None:
        self._names = names
        self._notify = notify

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names or self not in sys.meta_path:
            return None
        others = sys.meta_path[sys.meta_path.index(self) + 1 :]  # those before it may ask it in their turn
        spec = next((found for finder in others if (found := finder.find_spec(fullname, path, target))), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._notify)
        return spec


class _Loader(Loader):
    """Loads as another loader does, then notifies. The module sees only the other."""

    def __init__(self, loader: Loader, notify: Notify) -> None:
        self._loader = loader
        self._notify = notify

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._notify(module.__name__)
