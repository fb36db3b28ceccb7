"""Says which methods of a client a state machine calls, and refuses a client with which it would do nothing."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final

from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "create": ("body",),
    "wait": ("operation_id",),
    "get": ("image_id",),
    "list": ("folder_id",),
    "update": ("image_id", "changes"),
    "delete": ("image_id",),
    "cancel": ("operation_id",),
}
"""Their names, and what each is given, by position."""

_FIRST: Final = ("create", "list")
"""Those that can be called when there is nothing yet."""
_SHOWN: Final = 8


def offers(client: object, method: str) -> bool:
    """Whether a client has a method."""
    return callable(getattr(client, method, None))


def check_client(machine: str, client: object, *, has_own_rules: bool) -> None:
    """Refuse a client that a machine could not drive.

    Args:
        machine: the machine's name, for people.
        client: what its `connect` has returned.
        has_own_rules: whether the machine has rules besides those that call these methods.

    Raises:
        UsageError: the client has none of the methods, or none to begin with, or one that does not take what it gets.
    """
    found = [method for method in METHODS if offers(client, method)]
    if not found:
        raise UsageError(
            f"{machine}.connect returned {_named(client)}, which has none of the methods that a machine calls, so that "
            f"nothing is tested: {_listed(METHODS)}. {_public(client)} Name yours so, or return what adapts them."
        )
    if not has_own_rules and not set(_FIRST) & set(found):
        raise UsageError(
            f"{machine}.connect returned {_named(client)}, of which a machine calls {_listed(found)}. None of these "
            f"can be called when there is nothing yet: add {' or '.join(map(_written, _FIRST))}, or a rule of your own."
        )
    for method in found:
        _check_signature(client, method)


def _check_signature(client: object, method: str) -> None:
    try:
        signature = inspect.signature(getattr(client, method))
    except (TypeError, ValueError):  # it has none that can be read, as some that are written in C
        return
    try:
        signature.bind(*METHODS[method])
    except TypeError as error:
        raise UsageError(
            f"{_named(client)}.{method} cannot be called as a machine does it, {_written(method)}: {error}."
        ) from None


def _listed(methods: Iterable[str]) -> str:
    return ", ".join(map(_written, methods))


def _written(method: str) -> str:
    return f"{method}({', '.join(METHODS[method])})"


def _named(client: object) -> str:
    return type(client).__qualname__


def _public(client: object) -> str:
    names = [name for name in dir(client) if not name.startswith("_") and offers(client, name)]
    return f"It has {', '.join(names[:_SHOWN])}." if names else "It has no method at all."
