"""Fixtures of pytest as arguments of clients: those of function scope are made anew for each trial of an experiment."""

from __future__ import annotations

import inspect
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    import pytest

    from pytest_ycimages.double import Double

_OF_TRIALS: Final = ("ycimages", "ycimages_intercept")
"""The fixtures of this plugin that are those of a trial."""


class TrialFixtures:
    """The fixtures that the client of an experiment asks for, as the test that experiments would get them.

    A fixture of function scope is called for each trial, with the trial's double as `ycimages`, and ended after it. One
    of a wider scope exists once.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._wider: dict[str, Any] = {}

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._definitions(name))

    def _definitions(self, name: str) -> Sequence[Any]:
        manager = self._request._fixturemanager  # noqa: SLF001 - pytest has no public place
        return manager.getfixturedefs(name, self._request.node) or ()

    def prepare(self, names: Sequence[str]) -> None:
        """Make the fixtures of wider scopes, before virtual time begins.

        Raises:
            UsageError: a fixture cannot be made anew for each trial.
        """
        for name in names:
            self._prepare(name, -1)

    def _prepare(self, name: str, place: int) -> None:
        definitions = self._definitions(name)
        if name in (*_OF_TRIALS, "request") or len(definitions) < -place:
            return
        definition = definitions[place]
        if definition.scope != "function":
            if name not in self._wider:
                self._wider[name] = self._request.getfixturevalue(name)
            return
        function = inspect.unwrap(definition.func)
        if name.startswith("ycimages"):
            why = "each trial has a double and virtual time of its own. Ask for `ycimages`, the double of the trial"
        elif inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            why = "it is async, and each trial begins before there is a loop. Make its value within the client"
        elif definition.params:
            why = "it is parametrized. Give its parameter to the test, and to the client with functools.partial"
        else:
            for each in definition.argnames:
                self._prepare(each, place - 1 if each == name else -1)
            return
        raise UsageError(f"The fixture {name!r} cannot be an argument of a client under experiment: {why}.")

    @contextmanager
    def opened(self, names: Sequence[str], double: Double) -> Generator[Mapping[str, Any]]:
        """Make the fixtures for one trial, and end them after it, the last one first."""
        with ExitStack() as stack:
            made = _Made(self, double, stack)
            yield {name: made.value(name) for name in names}

    def value(self, name: str, place: int, made: _Made) -> Any:
        """Return the value of a fixture for one trial."""
        definitions = self._definitions(name)
        if len(definitions) < -place:
            raise UsageError(f"Unknown fixture {name!r}: a fixture that the client asks for takes it as an argument.")
        definition = definitions[place]
        if definition.scope != "function":
            return self._wider[name] if name in self._wider else self._request.getfixturevalue(name)
        if definition.func.__module__ == "_pytest.tmpdir":  # its end takes the result of the test from the test
            return self._request.getfixturevalue("tmp_path_factory").mktemp("trial")
        arguments = {each: made.value(each, place - 1 if each == name else -1) for each in definition.argnames}
        function = definition.func
        instance = self._request.instance
        if instance is not None and len(inspect.signature(function).parameters) > len(arguments):
            function = function.__get__(instance)
        result = function(**arguments)
        if not inspect.isgenerator(result):
            return result
        value = next(result)
        made.stack.callback(_end, name, result)
        return value


def _end(name: str, generator: Iterable[Any]) -> None:
    """Run a fixture to its end, after its `yield`."""
    for _ in generator:
        raise UsageError(f"The fixture {name!r} has more than one `yield`.")


class _Made:
    """The fixtures of one trial."""

    def __init__(self, fixtures: TrialFixtures, double: Double, stack: ExitStack) -> None:
        self.fixtures = fixtures
        self.double = double
        self.stack = stack
        self._values: dict[tuple[str, int], Any] = {("ycimages", -1): double}

    def value(self, name: str, place: int = -1) -> Any:
        """Return a fixture, the same one each time."""
        key = name, place
        if key not in self._values:
            if name == "request":
                self._values[key] = _Request(self)
            elif name == "ycimages_intercept":
                self._values[key] = self.stack.enter_context(self.double.intercept())
            else:
                self._values[key] = self.fixtures.value(name, place, self)
        return self._values[key]


class _Request:
    """The fixture `request` for the fixtures of a trial: values and finalizers are those of the trial."""

    def __init__(self, made: _Made) -> None:
        self._made = made

    def getfixturevalue(self, name: str) -> Any:
        """Return a fixture of the trial."""
        return self._made.value(name)

    def addfinalizer(self, finalizer: Any) -> None:
        """Call a function when the trial is over."""
        self._made.stack.callback(finalizer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made.fixtures._request, name)  # noqa: SLF001 - of the same module
