"""A state machine that drives a client step by step, and compares what it says with the server's truth."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from pytest_ycimages.api.resources import CreateImageMetadata
from pytest_ycimages.api.status import Code
from pytest_ycimages.cloud import clock
from pytest_ycimages.double import Double
from pytest_ycimages.strategies.client_methods import METHODS, check_client, offers
from pytest_ycimages.strategies.create_requests import create_requests, text
from pytest_ycimages.strategies.timings import timings
from pytest_ycimages.virtual.time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hypothesis.strategies import SearchStrategy

    from pytest_ycimages.api.resources import Operation
    from pytest_ycimages.cloud.timing import Timing
    from pytest_ycimages.faults.rule import Rule


class Answer(NamedTuple):
    """What came of a call of the client.

    Attributes:
        value: what it returned.
        error: what it raised, where it may; None: it returned.
    """

    value: Any
    error: Exception | None


def _offers(method: str) -> Callable[[Any], bool]:
    """Whether the client has a method; the rules of those that it has not are left out."""
    return lambda machine: offers(machine.client, method)


def _own(name: str) -> SearchStrategy[Any]:
    """A strategy that a subclass may have replaced."""
    return st.runner().flatmap(lambda machine: getattr(machine, name))


class ImageClientMachine(RuleBasedStateMachine):
    """Calls a client in any order, and holds what it says against what is true. Extend it, and run its `TestCase`.

    A subclass gives `connect`. What that returns has some of these methods, `create` or `list` among them unless the
    subclass has rules of its own. Rules whose method it has not are left out. Arguments are given by position:

    * `create(body)`: start an image; the operation's id
    * `wait(operation_id)`: wait for any operation; the id of the image that it was about
    * `get(image_id)`: the image, as JSON has it
    * `list(folder_id)`: the ids of all images of a folder
    * `update(image_id, changes)`, `delete(image_id)`: start that; the operation's id
    * `cancel(operation_id)`: ask for the end of an operation

    Whatever fails in them raises; see `may_fail` for when that is in order. Every example has a double of its own, and
    takes place in virtual time, so that the client may wait. Rules and invariants of one's own may use `double`,
    `client`, `ask`, and the bundles `operations` and `images`.

    Attributes:
        double_settings: settings of the doubles.
        faults: what goes wrong: draws lists of rules, such as `fault_schedules(["reset", "unavailable"])`; nothing,
            unless a subclass says so.
        timings: draws how long operations take.
        bodies: draws what `create` is given. The folder is set to the double's.
        changes: draws what `update` is given.
        operations: the bundle of operation ids that the client has returned.
        images: the bundle of image ids that it has waited for.
        double: the double of this example, and the server's truth.
        client: what `connect` has returned.
        time: virtual time.

    Raises:
        UsageError: the client has none of these methods, none to begin with, or one that does not take what it gets.
    """

    double_settings: ClassVar[Mapping[str, Any]] = {}
    faults: ClassVar[SearchStrategy[list[Rule]]] = st.builds(list)
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
            check_client(type(self).__name__, self.client, has_own_rules=self._has_own_rules())
            self._stack = stack.pop_all()
        self._asked = 0
        self._seen = 0
        self._updates: dict[str, tuple[str, Mapping[str, Any]]] = {}

    @classmethod
    def _has_own_rules(cls) -> bool:
        """Whether a subclass may have rules: it has names of its own, or those of rules of this class."""
        extended = cls.__mro__[: cls.__mro__.index(ImageClientMachine)]
        names = {name for each in extended for name in vars(each) if not name.startswith("_")}
        return bool(names - (set(dir(ImageClientMachine)) - set(METHODS)))

    # What a subclass says.

    def connect(self, double: Double) -> object:
        """Make the client, or what adapts it; see the class for its methods.

        Args:
            double: where it goes: to `double.url` with `double.token`, or without a socket by such as
                `double.requests_adapter()`.
        """
        raise NotImplementedError(f"{type(self).__name__} says nothing of its client: give it connect(self, double).")

    def may_fail(self, error: Exception) -> bool:  # noqa: ARG002 - for those that override it
        """Whether the client may raise what it did: a fault has struck by now, or one of its last calls was refused."""
        refused = any(call.status is not Code.OK for call in self.double.calls[self._seen :])
        return refused or any(injection.struck for injection in self.double.injections)

    # For rules of one's own.

    def ask(self, method: str, *arguments: object) -> Answer:
        """Call a method of the client.

        Raises:
            Exception: what the client raised, when it may not fail.
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

    # What is done.

    @initialize(timing=_own("timings"), faults=_own("faults"))
    def begin(self, timing: Timing, faults: Iterable[Rule]) -> None:
        """Say how long operations take, and what goes wrong."""
        self.double.timing = timing
        for each in faults:
            self.double.inject(
                each.fault, on=each.on, when=each.when, commit=each.commit, per=each.per, where=each.where, expect=False
            )

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
        self._check_update(operation)
        return answer.value if _creates(truth) else multiple()

    @precondition(_offers("get"))
    @rule(image=images)
    def get(self, image: str) -> None:
        """Look at an image."""
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
        """Start a change of an image."""
        answer = self.ask("update", image, changes)
        if answer.error is not None:
            self._updates.pop(image, None)  # nobody knows whether it was done
            return multiple()
        self._check_about("update", answer.value, image)
        self._updates[image] = (answer.value, changes)
        return answer.value

    @precondition(_offers("delete"))
    @rule(target=operations, image=images)
    def delete(self, image: str) -> Any:
        """Start the deletion of an image."""
        answer = self.ask("delete", image)
        if answer.error is not None:
            return multiple()
        self._check_about("delete", answer.value, image)
        return answer.value

    @precondition(_offers("cancel"))
    @rule(operation=operations)
    def cancel(self, operation: str) -> None:
        """Ask for the end of an operation."""
        answer = self.ask("cancel", operation)
        if answer.error is None:
            calls = self.double.calls[self._seen :].of("operations.cancel")
            asked = any(call.operation_id == operation for call in calls)
            _hold(asked or self.double.operations[operation].done, f"cancel has not cancelled operation {operation}")

    @rule(seconds=st.integers(1, 600))
    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.time.advance(seconds)

    # What always holds.

    @invariant()
    def nothing_is_made_twice(self) -> None:
        """There are no more creations that have not failed than `create` was called."""
        made = [id_ for id_, each in self.double.operations.items() if _creates(each) and each.error is None]
        _hold(len(made) <= self._asked, f"{self._asked} create(s) have made {len(made)} images: {', '.join(made)}")

    def teardown(self) -> None:
        """Close the double, and end virtual time."""
        self._stack.close()

    def _in_folder(self) -> Iterable[str]:
        folder = self.double.folder_id
        return [id_ for id_, image in self.double.images.items() if image.folder_id == folder]

    def _check_about(self, method: str, operation: str, image: str) -> None:
        truth = self.double.operations.get(operation)
        about = truth.metadata.image_id if truth is not None else "nothing that is there"
        _hold(about == image, f"{method} of image {image} returned operation {operation!r}, which is about {about}")

    def _check_update(self, operation: str) -> None:
        """An update that was the last of its image, and is done, has done what it was to do."""
        for image, (last, changes) in self._updates.items():
            if last == operation and (truth := self.double.images.get(image)) is not None:
                shown = truth.to_wire()
                for name, value in changes.items():
                    _hold(shown.get(name, "") == value, f"{name} of {image} is {shown.get(name, '')!r}, not {value!r}")


def _hold(condition: object, text: str) -> None:
    """Raise unless something holds: `assert` would not, where Python is told to optimise.

    Raises:
        AssertionError: it does not hold.
    """
    if not condition:
        raise AssertionError(text)


def _creates(operation: Operation) -> bool:
    return isinstance(operation.metadata, CreateImageMetadata)
