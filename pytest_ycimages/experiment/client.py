"""The client of an experiment: how it is checked, named, and called once, with what it asks for."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import sys
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncContextDecorator,
    AsyncExitStack,
    ContextDecorator,
    ExitStack,
    suppress,
)
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pytest_ycimages.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from pytest_ycimages.double import Double

    Client = Callable[..., Any]
    """A client: takes the URL and the token, or what else it names, and returns ids or nothing, or raises."""

GIVEN: Final = ("url", "token", "folder_id", "grpc_endpoint", "root_certificates", "ca_path", "ycimages")
"""What a client may ask for by the name of a parameter: attributes of the double, and the double itself."""


class Fixtures(Protocol):
    """Where the other arguments of a client come from: anew for each trial."""

    def prepare(self, names: Sequence[str]) -> None:
        """Raise UsageError unless these can be made for each trial."""

    def opened(self, names: Sequence[str], double: Double) -> AbstractContextManager[Mapping[str, Any]]:
        """Return a context in which these exist, for the double of a trial."""

    def __contains__(self, name: object) -> bool:
        """Return whether there is one of this name."""


class Parameter(NamedTuple):
    """A parameter of a client: its name, or None if it is given by position; and the name of what it gets."""

    name: str | None
    source: str


_MOST: Final = 10_000
"""How many ids are taken from a generator, which may have no end."""
BY_POSITION: Final = (Parameter(None, "url"), Parameter(None, "token"))


def checked_client(client: Any, fixtures: Fixtures | None = None) -> Any:
    """Return `client` if it can be called with what an experiment has; otherwise raise UsageError."""
    if not callable(client):
        raise UsageError(
            f"invalid client {client!r}: expected a function client(url, token) that returns the id of an image."
        )
    if inspect.isclass(client) and "__call__" not in {name for each in client.__mro__[:-1] for name in vars(each)}:
        raise UsageError(
            f"The client {client_name(client)} is a class whose objects cannot be called. Give it a method "
            "__call__(self), or write a function client(url, token) that calls the right method and returns the id."
        )
    names = sources_of(client, fixtures or ())
    if fixtures is not None:
        fixtures.prepare(names)
    return client


def sources_of(client: Client, fixtures: Container[str]) -> list[str]:
    """Return the names of the fixtures that a client asks for."""
    return [each.source for each in parameters_of(client, fixtures) if each.source not in GIVEN]


def parameters_of(client: Client, fixtures: Container[str]) -> tuple[Parameter, ...]:
    """Return what a client is to be called with: the URL and the token, or what the names of its parameters ask for.

    Raises:
        UsageError: it can be called with neither.
    """

    def asks(name: str) -> bool:
        return name in GIVEN or name in fixtures

    try:
        signature = inspect.signature(client)
    except ValueError:
        return BY_POSITION  # built in: it has no signature to look at
    try:
        bound = signature.bind("url", "token").arguments
        if not any(asks(name) and name != value for name, value in bound.items()):
            return BY_POSITION
        problem = ""
    except TypeError as error:
        problem = str(error)
    needed = [each for each in signature.parameters.values() if each.default is each.empty]
    needed = [each for each in needed if each.kind not in {each.VAR_POSITIONAL, each.VAR_KEYWORD}]
    unknown = [each.name for each in needed if not asks(each.name)]
    left = [name for name in ("url", "token") if all(each.name != name for each in needed)]
    is_nothing = not needed and not isinstance(client, partial)  # which may have been given all
    if is_nothing or len(unknown) not in {0, len(left)}:
        raise _cannot_be_called(client, problem, unknown, fixtures)
    sources = dict(zip(unknown, left, strict=False))
    return tuple(
        Parameter(None if each.kind is each.POSITIONAL_ONLY else each.name, sources.get(each.name, each.name))
        for each in needed
    )


def _cannot_be_called(client: Client, problem: str, unknown: list[str], fixtures: Container[str]) -> UsageError:
    further = "; fixtures in `ycimages_experiment` alone" if isinstance(fixtures, tuple) else ", or any fixture"
    close = [f"{name!r} ({hint!r}?)" if (hint := nearest(name, GIVEN)) else repr(name) for name in unknown]
    asked = f" It asks for {', '.join(close)}." if unknown else ""
    why = f": {problem}" if problem else ""
    return UsageError(
        f"The client {client_name(client)} cannot be called with a URL and a token{why}.{asked} Its parameters are "
        f"(url, token), or name what they get: {', '.join(GIVEN)}{further}. Wrap it in a function client(url, token) "
        "that returns the id of the image that it made, or raises."
    )


# Names.


def client_name(client: Any) -> str:
    """Return a client as `module:function`, or the line of a command."""
    if not callable(client):
        return str(client)
    named = client if hasattr(client, "__qualname__") else getattr(client, "func", type(client))
    return f"{named.__module__}:{named.__qualname__}"


def source_digest(client: Any) -> str:
    """Return a digest of the client's module; empty when that has no file."""
    path = Path(getattr(sys.modules.get(getattr(client, "__module__", "")), "__file__", None) or "")
    return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest() if path.is_file() else ""


def is_importable(value: object) -> bool:
    """Return whether a function can be imported by the name of its module and its own."""
    name = getattr(value, "__qualname__", "<unnamed>")
    return "<" not in name and getattr(value, "__module__", "__main__") != "__main__"


# The call.


def set_up(setup: Callable[[Double], object] | None, double: Double) -> None:
    """Add to a double what exists before the client begins; raise UsageError if the setup fails."""
    if setup is None:
        return
    try:
        setup(double)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"The setup {client_name(setup)} raised {type(error).__name__}: {error}. It is called with the double of "
            "each trial, before any fault is injected."
        ) from error


class ClientCall:
    """One call of a client: a function, a class or a context manager, sync or async.

    An object of a class is called within its `with` statement, if it has one. What a function returns is awaited,
    entered if `contextlib` made it a context manager, and read to its end if it is a generator.
    """

    def __init__(self, client: Client, double: Double, fixtures: Mapping[str, Any]) -> None:
        self._client = client
        self._positional: list[Any] = []
        self._named: dict[str, Any] = {}
        for name, source in parameters_of(client, fixtures):
            given = fixtures if source in fixtures else {"ycimages": double}
            value = given[source] if source in given else getattr(double, source)
            if name is None:
                self._positional.append(value)
            else:
                self._named[name] = value
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> Any:
        """Call the client, and return what it reports."""
        made = self._client(*self._positional, **self._named)
        with ExitStack() as stack:
            if _is_entered(made, self._client, AbstractContextManager, ContextDecorator):
                made = _reported(stack.enter_context(made), self._client)
            elif inspect.isclass(self._client) and not isinstance(made, AbstractAsyncContextManager):
                made = made()
            is_async = inspect.isawaitable(made) or inspect.isasyncgen(made)
            if is_async or _is_entered(made, self._client, AbstractAsyncContextManager, AsyncContextDecorator):
                made = asyncio.run(self._awaited(made))
            return list(islice(made, _MOST)) if inspect.isgenerator(made) else made

    async def _awaited(self, made: Any) -> Any:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        async with AsyncExitStack() as stack:
            if _is_entered(made, self._client, AbstractAsyncContextManager, AsyncContextDecorator):
                made = _reported(await stack.enter_async_context(made), self._client)
            if inspect.isawaitable(made):
                made = await made
            return [each async for each in made] if inspect.isasyncgen(made) else made

    def cancel(self) -> bool:
        """Ask an async client to end; return whether it is one."""
        if self._loop is None or self._task is None:
            return False
        with suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)
        return True


def _is_entered(made: Any, client: Client, manager: type, decorator: type) -> bool:
    """Return whether an object is a context manager that belongs to the client, and not what it reports."""
    return isinstance(made, manager) and (
        isinstance(made, decorator) or (inspect.isclass(client) and isinstance(made, client))
    )


def _reported(entered: Any, client: Client) -> Any:
    """Return what a client reports whose context was entered: of a class, what its object returns when it is called."""
    return entered() if inspect.isclass(client) else entered
