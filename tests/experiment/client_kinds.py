"""One right client in each form that an experiment takes, and some that clean up badly."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self

from .flawed_clients import Baker, correct

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Generator

    from pytest_ycimages import Double


async def pause(seconds: float) -> None:
    """Let the loop do something else, for so many virtual seconds."""
    waiter = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, waiter.set_result, None)
    await waiter


class Managed:
    """A class with a `with` statement, whose objects are called in it."""

    def __init__(self, url: str, token: str) -> None:
        self.baker = Baker(url, token)
        self.entered = False

    def __enter__(self) -> Self:
        assert not self.entered
        self.entered = True
        return self

    def __exit__(self, *_: object) -> None:
        self.baker.connection.close()

    def __call__(self) -> str:
        """Create the image."""
        assert self.entered
        return self.baker.bake()


class Named(Managed):
    """The same, with parameters that name what they get."""

    def __init__(self, token: str, *, ycimages: Double, folder_id: str) -> None:
        assert folder_id == ycimages.folder_id
        super().__init__(ycimages.url, token)


class CancelsOnExit(Managed):
    """Starts an image, gives up, and cancels it as it leaves."""

    def __call__(self) -> str:
        """Start the image, and fail."""
        self.operation = self.baker.create()
        raise TimeoutError("gave up")

    def __exit__(self, *_: object) -> None:
        self.baker.call("GET", f"/operations/{self.operation['id']}:cancel")
        super().__exit__()


class LeavesOnExit(CancelsOnExit):
    """Leaves the image that it has started."""

    def __exit__(self, *_: object) -> None:
        self.baker.connection.close()


class FailsOnExit(Managed):
    """Cannot clean up."""

    def __exit__(self, *_: object) -> None:
        raise RuntimeError("no clean-up")


class HidesErrors(LeavesOnExit):
    """Reports success whatever happens."""

    def __exit__(self, *_: object) -> Any:  # so that no one infers that it never returns True
        self.baker.connection.close()
        return True


class Called:
    """A class without a `with` statement."""

    def __init__(self, url: str, token: str) -> None:
        self.baker = Baker(url, token)

    def __call__(self) -> str:
        """Create the image."""
        return self.baker.bake()


class AsyncManaged:
    """A class with an `async with` statement."""

    def __init__(self, url: str, token: str) -> None:
        self.baker = Baker(url, token)
        self.entered = False

    async def __aenter__(self) -> Self:
        await pause(1)
        self.entered = True
        return self

    async def __aexit__(self, *_: object) -> None:
        await pause(1)

    async def __call__(self) -> str:
        """Create the image."""
        assert self.entered
        await pause(0)
        return self.baker.bake()


class AsyncCalled(Called):
    """A class whose objects are called in an event loop, within a `with` statement of the ordinary kind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.baker.connection.close()

    async def __call__(self) -> str:  # type: ignore[override]  # the same in a loop
        """Create the image."""
        await pause(0)
        return self.baker.bake()


class Callable:
    """Objects that are called with the URL and the token."""

    def __call__(self, url: str, token: str) -> str:
        """Create the image."""
        return correct(url, token)

    def method(self, url: str, token: str) -> str:
        """Create the image."""
        return correct(url, token)


@contextmanager
def yields(url: str, token: str) -> Generator[str]:
    """A context manager whose value is the id."""
    baker = Baker(url, token)
    try:
        yield baker.bake()
    finally:
        baker.connection.close()


@asynccontextmanager
async def yields_in_a_loop(url: str, token: str) -> AsyncGenerator[str]:
    """The same in an event loop."""
    await pause(0)
    yield correct(url, token)


def generates(url: str, token: str) -> Generator[str]:
    """A generator of ids."""
    yield correct(url, token)


async def generates_in_a_loop(url: str, token: str) -> AsyncGenerator[str]:
    """The same in an event loop."""
    await pause(0)
    yield correct(url, token)


async def in_a_loop(url: str, token: str) -> str:
    """A coroutine function."""
    await pause(0)
    return correct(url, token)


def returns_a_coroutine(url: str, token: str) -> Awaitable[str]:
    """A function that returns a coroutine."""
    return in_a_loop(url, token)


def runs_its_own_loop(url: str, token: str) -> str:
    """A function that has a loop of its own."""
    return asyncio.run(in_a_loop(url, token))


def by_names(ycimages: Double) -> str:
    """Takes the double alone."""
    return correct(ycimages.url, ycimages.token)


def by_some_names(address: str, secret: str, *, folder_id: str, ca_path: str, grpc_endpoint: str) -> str:
    """Takes the URL and the token in other names, and more."""
    assert folder_id
    assert ca_path.endswith(".pem")
    assert address.endswith(grpc_endpoint.rpartition(":")[2])
    return correct(address, secret)


def with_defaults(endpoint: str = "", secret: str = "", timeout: float = 5) -> str:
    """Has defaults for all."""
    assert timeout == 5
    return correct(endpoint, secret)


def any_arguments(*args: str) -> str:
    """Takes whatever it is given."""
    return correct(*args)


KINDS: dict[str, Any] = {
    each.__name__: each
    for each in (
        *(Managed, Named, Called, AsyncManaged, AsyncCalled, yields, yields_in_a_loop, generates, generates_in_a_loop),
        *(in_a_loop, returns_a_coroutine, runs_its_own_loop, by_names, by_some_names, with_defaults, any_arguments),
    )
} | {
    "an object": Callable(),
    "a method": Callable().method,
    "a partial": functools.partial(with_defaults, timeout=5),
    "a lambda": lambda endpoint, secret: correct(url=endpoint, token=secret),
}
"""Each kind of client."""
