"""The name of a client, and how another process imports it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.experiment.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable


class ModuleOrigin(NamedTuple):
    """The name of a module, and its file; empty without one."""

    name: str
    path: str

    def load(self) -> None:
        """Import the module under its name, from its file if the name alone is not found."""
        if self.name in sys.modules:
            return
        try:
            importlib.import_module(self.name)
        except ImportError:
            spec = importlib.util.spec_from_file_location(self.name, self.path) if self.path else None
            if spec is None or spec.loader is None:
                raise
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.name] = module
            spec.loader.exec_module(module)


def origins_of(values: Iterable[object]) -> list[ModuleOrigin]:
    """Return the modules that other processes need before they can unpickle `values`."""
    modules = {name: sys.modules.get(name) for each in values if (name := getattr(each, "__module__", None))}
    return [ModuleOrigin(name, getattr(module, "__file__", None) or "") for name, module in sorted(modules.items())]


def client_of(text: str) -> Any:
    """Return the client that `module:function` names; raise UsageError, with the nearest name, if it is not found."""
    module_name, _, path = text.partition(":")
    if not module_name or not path:
        raise UsageError(f"invalid client {text!r}: expected module:function, such as bakery.images:bake.")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(f"The module of {text!r} cannot be imported: {error}.") from error
    for name in path.split("."):
        if not hasattr(found, name):
            public = (each for each in vars(found) if not each.startswith("_"))
            raise unknown_word(f"client of {module_name}", path, public)
        found = getattr(found, name)
    return checked_client(found)


def client_name(client: Any) -> str:
    """Return a client as `module:function`, or the line of a command."""
    if isinstance(client, Command):
        return str(client)
    named = client if hasattr(client, "__qualname__") else type(client)
    return f"{named.__module__}:{named.__qualname__}"


def source_digest(client: Any) -> str:
    """Return a digest of the client's module; empty when that has no file."""
    path = Path(getattr(sys.modules.get(getattr(client, "__module__", "")), "__file__", None) or "")
    return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest() if path.is_file() else ""


def is_importable(value: object) -> bool:
    """Return whether a function can be imported by the name of its module and its own."""
    name = getattr(value, "__qualname__", "<unnamed>")
    return "<" not in name and getattr(value, "__module__", "__main__") != "__main__"


def checked_client(client: Any) -> Any:
    """Return `client` if it can be called with a URL and a token; otherwise raise UsageError."""
    if isinstance(client, Command):
        return client
    if not callable(client):
        raise UsageError(
            f"invalid client {client!r}: expected a function client(url, token) that returns the id of an image."
        )
    try:
        inspect.signature(client).bind("url", "token")
    except TypeError as error:
        raise UsageError(
            f"The client {client_name(client)} cannot be called with a URL and a token: {error}. Wrap it in a function "
            "client(url, token) that returns the id of the image that it made, or raises."
        ) from None
    except ValueError:
        return client  # built in: it has no signature to look at
    return client
