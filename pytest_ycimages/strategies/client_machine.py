"""A Hypothesis state machine that calls a client step by step, and compares its results with the server's state."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from pytest_ycimages.api.resources import CreateImageMetadata, ImageStatus, UpdateImageMetadata
from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.timing import Immediate
from pytest_ycimages.double import Double
from pytest_ycimages.errors import UsageError
from pytest_ycimages.strategies.create_requests import create_requests, text
from pytest_ycimages.strategies.fault_schedules import timings
from pytest_ycimages.virtual.time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hypothesis.strategies import SearchStrategy

    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.cloud.timing import Timing
    from pytest_ycimages.faults.rule import Rule

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "create": ("body",),
    "wait": ("operation_id",),
    "get": ("image_id",),
    "list": ("folder_id",),
    "update": ("image_id", "changes"),
    "delete": ("image_id",),
    "cancel": ("operation_id",),
}
"""The methods of a client that a machine calls, and the arguments of each, by position."""


class Answer(NamedTuple):
    """The result of a call of the client.

    Attributes:
        value: the value that it returned.
        error: the error that it raised, where it may; None: it returned.
    """

    value: Any
    error: Exception | None


def _offers(method: str) -> Callable[[Any], bool]:
    return lambda machine: _has(machine.client, method)


def _own(name: str) -> SearchStrategy[Any]:
    """Return a strategy that a subclass may have replaced."""
    return st.runner().flatmap(lambda machine: getattr(machine, name))


class ImageClientMachine(RuleBasedStateMachine):
    """Call a client in any order, and check its results against the double. Extend it, and run its `TestCase`.

    A subclass gives `connect`. What that returns has some of these methods, `create` or `list` among them unless the
    subclass has rules of its own. Rules whose method it lacks are skipped. Arguments are given by position:

    * `create(body)`: start an image; the operation's id
    * `wait(operation_id)`: wait for any operation; the id of its image
    * `get(image_id)`: the image, as JSON has it
    * `list(folder_id)`: the ids of all images of a folder
    * `update(image_id, changes)`, `delete(image_id)`: start that; the operation's id
    * `cancel(operation_id)`: cancel an operation

    A method that fails raises; see `may_fail` for when it may. Every example has a double of its own, and
    takes place in virtual time, so that the client may wait. Your rules and invariants may use `double`,
    `client`, `ask`, and the bundles `operations` and `images`.

    Attributes:
        double_settings: settings of the doubles.
        faults: a strategy for lists of rules, such as `fault_schedules(["reset", "unavailable"])`; none by default.
        ready: how many images, at most, the client creates first, without faults, which are READY at once.
        timings: a strategy for the timing of operations.
        bodies: a strategy for the bodies of `create`. The folder is set to the double's.
        changes: a strategy for the changes of `update`.
        operations: the bundle of operation ids that the client has returned.
        images: the bundle of the ids of images that it has waited for, or that were READY at once.
        double: the double of this example.
        client: the client that `connect` returned.
        time: virtual time.

    Raises:
        UsageError: the client has none of these methods, none that can be called first, or one with other arguments.
    """

    double_settings: ClassVar[Mapping[str, Any]] = {}
    faults: ClassVar[SearchStrategy[list[Rule]]] = st.builds(list)
    ready: ClassVar[int] = 3
    timings: ClassVar[SearchStrategy[Timing]] = timings(longest=600, ending=True)
    bodies: ClassVar[SearchStrategy[dict[str, Any]]] = create_requests()
    changes: ClassVar[SearchStrategy[dict[str, Any]]] = st.fixed_dictionaries({"description": text(256)})

    operations: Bundle[str] = Bundle("operations")
    images: Bundle[str] = Bundle("images")

    def __init__(self) -> None:
        super().__init__()
        with ExitStack() as stack:
            self.time = clock.shared if isinstance(clock.shared, VirtualTime) else stack.enter_context(VirtualTime())
            self.double = Double(self.double_settings, name=type(self).__name__).start()
            stack.callback(self.double.close)
            self.client = self.connect(self.double)
            _check_client(type(self), self.client)
            self._stack = stack.pop_all()
        self._asked = 0
        self._seen = 0
        self._updates: dict[str, tuple[str, Mapping[str, Any]]] = {}

    # For subclasses to define.

    def connect(self, double: Double) -> object:
        """Return the client, or an adapter of it; see the class for its methods.

        Args:
            double: the double to connect to: at `double.url` with `double.token`, or without a socket, such as by
                `double.requests_adapter()`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no client: define connect(self, double)")

    def may_fail(self, error: Exception) -> bool:  # noqa: ARG002 - for those that override it
        """Return whether the client may raise this error: a fault has struck, or one of its last calls was refused."""
        refused = any(call.status is not Code.OK for call in self.double.calls[self._seen :])
        return refused or any(injection.struck for injection in self.double.injections)

    # For rules of subclasses.

    def ask(self, method: str, *arguments: object) -> Answer:
        """Call a method of the client.

        Raises:
            Exception: the error of the client, when it may not fail.
            DoubleFailedError: the double raised while it answered.
        """
        self._seen = len(self.double.calls)
        try:
            return Answer(getattr(self.client, method)(*arguments), None)
        except Exception as error:
            if not self.may_fail(error):
                raise
            return Answer(None, error)
        finally:
            self.double.check(faults=False)

    # Rules.

    @initialize(
        target=images,
        bodies=st.runner().flatmap(lambda machine: st.lists(machine.bodies, max_size=machine.ready)),
        timing=_own("timings"),
        faults=_own("faults"),
    )
    def begin(self, bodies: Iterable[dict[str, Any]], timing: Timing, faults: Iterable[Rule]) -> Any:
        """Create images that are READY at once; then set the timing of operations, and inject the faults."""
        before = set(self.double.images)
        self.double.timing = Immediate()
        for body in bodies if _has(self.client, "create") else ():
            self.create(body)
        self.double.timing = timing
        for each in faults:
            self.double.inject(
                each.fault, on=each.on, when=each.when, commit=each.commit, per=each.per, where=each.where, expect=False
            )
        made = [image for image in self.double.images.values() if image.id not in before]
        return multiple(*(image.id for image in made if image.status is ImageStatus.READY))

    @precondition(_offers("create"))
    @rule(target=operations, body=_own("bodies"))
    def create(self, body: dict[str, Any]) -> Any:
        """Start an image."""
        self._asked += 1
        before = set(self.double.operations)
        answer = self.ask("create", {**body, "folderId": self.double.folder_id})
        if answer.error is not None:
            return multiple()
        started = [id_ for id_, each in self.double.operations.items() if _creates(each) and id_ not in before]
        _hold(answer.value in started, f"create returned {answer.value!r}, and has started {started or 'nothing'}")
        return answer.value

    @precondition(_offers("wait"))
    @rule(target=images, operation=operations)
    def wait(self, operation: str) -> Any:
        """Wait for an operation."""
        try:
            answer = self.ask("wait", operation)
        except Exception:
            if self.double.operations[operation].error is None:
                raise
            return multiple()
        truth = self.double.operations[operation]
        if answer.error is not None:
            return multiple()
        _hold(truth.done, f"wait returned, and operation {operation} still runs")
        _hold(truth.error is None, f"wait returned, though operation {operation} failed: {truth.error}")
        _hold(answer.value == truth.metadata.image_id, f"wait returned {answer.value!r}, and not the image's id")
        self._check_update(operation, answer.value)
        return answer.value if _creates(truth) else multiple()

    @precondition(_offers("get"))
    @rule(image=images)
    def get(self, image: str) -> None:
        """Get an image."""
        before = self.double.images.get(image)
        answer = self.ask("get", image)
        if answer.error is None:
            seen = [each for each in (before, self.double.images.get(image)) if each is not None]
            _hold(seen, f"get returned image {image}, which is not there")
            _hold(answer.value["id"] == image, f"get({image!r}) returned image {answer.value['id']!r}")
            status = answer.value["status"]
            _hold(status in {each.status for each in seen}, f"get says that {image} is {status}, not {seen[-1].status}")

    @precondition(_offers("list"))
    @rule()
    def list(self) -> None:
        """List the images of the folder."""
        before = set(self._in_folder())
        answer = self.ask("list", self.double.folder_id)
        if answer.error is None:
            are_ids = isinstance(answer.value, Collection) and all(isinstance(each, str) for each in answer.value)
            _hold(are_ids, f"list is to return the ids of images, and has returned {str(answer.value)[:80]}")
            listed, after = set(answer.value), set(self._in_folder())
            _hold(before & after <= listed, f"list leaves out {', '.join(sorted((before & after) - listed))}")
            _hold(listed <= before | after, f"list has {', '.join(sorted(listed - before - after))}, not in the folder")

    @precondition(_offers("update"))
    @rule(target=operations, image=images, changes=_own("changes"))
    def update(self, image: str, changes: dict[str, Any]) -> Any:
        """Start an update of an image."""
        self._updates.pop(image, None)
        others = [each for each in self.double.operations.values() if isinstance(each.metadata, UpdateImageMetadata)]
        is_alone = all(each.done or each.metadata.image_id != image for each in others)
        operation = self._started("update", image, changes)
        if is_alone and isinstance(operation, str):  # another one could end later, and be what the image shows
            self._updates[image] = (operation, changes)
        return operation

    @precondition(_offers("delete"))
    @rule(target=operations, image=images)
    def delete(self, image: str) -> Any:
        """Start the deletion of an image."""
        return self._started("delete", image)

    @precondition(_offers("cancel"))
    @rule(operation=operations)
    def cancel(self, operation: str) -> None:
        """Cancel an operation."""
        answer = self.ask("cancel", operation)
        if answer.error is None:
            calls = self.double.calls[self._seen :].of("operations.cancel")
            asked = any(call.operation_id == operation for call in calls)
            _hold(asked or self.double.operations[operation].done, f"cancel has not cancelled operation {operation}")

    @rule(seconds=st.integers(1, 600))
    def advance(self, seconds: int) -> None:
        """Advance virtual time."""
        self.time.advance(seconds)

    @invariant()
    def nothing_is_made_twice(self) -> None:
        """Check that no more images were created than `create` was called."""
        made = [id_ for id_, each in self.double.operations.items() if _creates(each) and each.error is None]
        _hold(len(made) <= self._asked, f"{self._asked} create(s) have made {len(made)} images: {', '.join(made)}")

    def teardown(self) -> None:
        """Close the double, and end virtual time."""
        self._stack.close()

    def _in_folder(self) -> Iterable[str]:
        folder = self.double.folder_id
        return [id_ for id_, image in self.double.images.items() if image.folder_id == folder]

    def _started(self, method: str, image: str, *arguments: object) -> Any:
        """Call a method that starts an operation about an image; return its id, or nothing if that has failed."""
        answer = self.ask(method, image, *arguments)
        if answer.error is not None:  # it may or may not have been started
            return multiple()
        truth = self.double.operations.get(answer.value)
        about = truth.metadata.image_id if truth is not None else "nothing that is there"
        _hold(about == image, f"{method} of image {image} returned operation {answer.value!r}, which is about {about}")
        return answer.value

    def _check_update(self, operation: str, image: str) -> None:
        """Check that the last update of an image, once done, has changed it."""
        last, changes = self._updates.get(image, ("", {}))
        truth = self.double.images.get(image)
        if last == operation and truth is not None:
            shown = truth.to_wire()
            for name, value in changes.items():
                _hold(shown.get(name, "") == value, f"{name} of {image} is {shown.get(name, '')!r}, not {value!r}")


def _hold(condition: object, text: str) -> None:
    """Raise `AssertionError` unless the condition holds, also under `python -O`."""
    if not condition:
        raise AssertionError(text)


def _creates(operation: Operation) -> bool:
    return isinstance(operation.metadata, CreateImageMetadata)


def _has(client: object, method: str) -> bool:
    return callable(getattr(client, method, None))


def _check_client(machine: type[ImageClientMachine], client: object) -> None:
    """Raise `UsageError` for a client that a machine cannot drive."""
    extended = machine.__mro__[: machine.__mro__.index(ImageClientMachine)]
    own = {name for each in extended for name in vars(each) if not name.startswith("_")}
    has_own_rules = bool(own - (set(dir(ImageClientMachine)) - set(METHODS)))  # or may have
    found = [method for method in METHODS if _has(client, method)]
    invalid = f"invalid client of {machine.__name__}.connect, a {type(client).__qualname__}:"
    if not found:
        names = [name for name in dir(client) if not name.startswith("_") and _has(client, name)]
        public = f"it has {', '.join(names[:8])}" if names else "it has no methods"
        raise UsageError(
            f"{invalid} expected some of the methods {_listed(METHODS)}; {public}. Rename them, or return an adapter."
        )
    if not has_own_rules and not {"create", "list"} & set(found):
        raise UsageError(
            f"{invalid} {_listed(found)} cannot be called first; "
            f"expected {_listed(('create', 'list'), ' or ')} as well, or a rule of your own"
        )
    for method in found:
        try:
            inspect.signature(getattr(client, method)).bind(*METHODS[method])
        except ValueError:  # unreadable, as of some methods in C
            continue
        except TypeError as error:
            raise UsageError(
                f"invalid signature of {type(client).__qualname__}.{method}: {error}; expected {_listed([method])}"
            ) from None


def _listed(methods: Iterable[str], between: str = ", ") -> str:
    return between.join(f"{method}({', '.join(METHODS[method])})" for method in methods)
