"""The state machine is content with a client that is right, and finds what is planted in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from pytest_ycimages import After, Immediate, Never, UsageError, VirtualTime, operation_fails, reset, unavailable
from pytest_ycimages.cloud import clock
from pytest_ycimages.faults.rule import Rule
from pytest_ycimages.strategies import ImageClientMachine, fault_schedules

from . import step_clients

if TYPE_CHECKING:
    from pytest_ycimages import Double, Fault

quickly = settings(
    max_examples=15, stateful_step_count=15, derandomize=True, database=None, deadline=None,
    phases=[Phase.generate, Phase.shrink], report_multiple_bugs=False,
)  # fmt: skip
thoroughly = settings(quickly, max_examples=600, phases=[Phase.generate])
A_BODY: Final = {"folderId": "", "diskId": "epd0000000000000000a", "labels": {"by": "us"}}
a_body = st.just(A_BODY)


def machine_of(client: type[Any], **attributes: Any) -> type[ImageClientMachine]:
    """A machine that drives such a client."""

    def connect(self: ImageClientMachine, double: Double) -> object:  # noqa: ARG001 - a method
        return client(double)

    return type(client.__name__, (ImageClientMachine,), {"connect": connect, **attributes})


TestRight = machine_of(step_clients.Client).TestCase
TestRight.settings = settings(quickly, max_examples=5)


class Careful(ImageClientMachine):
    """Whatever goes wrong that a client can bear."""

    faults = fault_schedules(["slow", "unavailable", "bad_gateway", "stale", "reset", "truncate", "operation_fails"])

    def connect(self, double: Double) -> object:
        """Without a socket."""
        return step_clients.Client(double)


TestCareful = Careful.TestCase
TestCareful.settings = settings(quickly, max_examples=8)


@pytest.mark.costly
@pytest.mark.parametrize("machine", [machine_of(step_clients.Client), Careful])
def test_more_walks_find_nothing_wrong_with_a_client_that_is_right(machine: type[ImageClientMachine]) -> None:
    """The same as the two above, three times as many."""
    run_state_machine_as_test(machine, settings=settings(quickly, max_examples=20))


@pytest.mark.costly
@pytest.mark.parametrize(
    ("client", "faults", "said"),
    [
        ("NewKeyPerAttempt", [unavailable()], r"\b\d+ create\(s\) have made \d+ images: fd8[0-9a-v]{17}, fd8"),
        ("SuccessOnError", [operation_fails()], "wait returned, though operation .* failed"),
        ("FirstPageOnly", [], "list leaves out"),
        ("ListsImages", [], r"list is to return the ids of images, and has returned \[\{'"),
        ("UpdateForgets", [], "description of .* is .*, not"),
        ("CancelsNothing", [], "has not cancelled operation"),
        ("TakesTheOperationForTheImage", [], "not the image's id"),
    ],
)
def test_what_is_planted_is_found(client: str, faults: list[Fault], said: str) -> None:
    """With a text that says what is wrong with the client."""
    drawn = {"faults": fault_schedules(faults, on="images.create", min_size=1, max_size=1)} if faults else {}
    machine = machine_of(getattr(step_clients, client), **drawn)
    with pytest.raises(AssertionError, match=said):
        run_state_machine_as_test(machine, settings=thoroughly)


def test_a_client_that_raises_without_a_reason_is_found() -> None:
    """What it raised is what is shown."""
    with pytest.raises(IndexError):
        run_state_machine_as_test(machine_of(step_clients.RaisesForNothing), settings=thoroughly)


@pytest.mark.costly
def test_what_a_client_has_not_is_left_out() -> None:
    """A client of two methods is driven by these."""
    methods: set[str] = set()

    class Few(ImageClientMachine):
        bodies = a_body

        def connect(self, double: Double) -> object:
            return step_clients.OnlyCreates(double)

        def teardown(self) -> None:
            methods.update(call.method for call in self.double.calls)
            super().teardown()

    run_state_machine_as_test(Few, settings=settings(thoroughly, max_examples=100))
    assert methods == {"images.create", "operations.get"}


@pytest.mark.costly
def test_a_machine_is_extended_by_rules_and_invariants() -> None:
    """With its bundles, and the server's truth. How soon Hypothesis has an image to look at differs between runs."""

    class LookedError(Exception):
        """The rule has had its image, after a step that the invariant was checked for."""

    class Labelled(ImageClientMachine):
        double_settings = {"contract": "current", "seed": 7}  # noqa: RUF012 - declared a ClassVar above
        bodies = a_body

        def connect(self, double: Double) -> object:
            assert double.settings.contract == "current"
            return step_clients.Client(double)

        @rule(image=ImageClientMachine.images)
        def look(self, image: str) -> None:
            if self.ask("get", image).error is None and checked:
                raise LookedError

        @invariant()
        def labels_stay(self) -> None:
            checked.update(self.double.images)
            assert all(image.labels == {"by": "us"} for image in self.double.images.values())

    checked: set[str] = set()
    with pytest.raises(LookedError):
        run_state_machine_as_test(Labelled, settings=thoroughly)


def test_a_machine_without_a_client_says_what_it_lacks() -> None:
    """And leaves no time behind that does not pass."""
    with pytest.raises(NotImplementedError, match="define connect"):
        run_state_machine_as_test(ImageClientMachine, settings=quickly)
    assert clock.shared is None


def test_virtual_time_that_lasts_is_used() -> None:
    """As in a test that has the fixture."""
    with VirtualTime() as time:
        machine = machine_of(step_clients.Client)()
        assert machine.time is time
        machine.teardown()
        assert clock.shared is time


def test_it_is_in_order_to_fail_when_a_fault_has_struck() -> None:
    """A lost answer lets a client raise that asks once; else what it raises is shown."""
    machine = machine_of(step_clients.Client)()
    try:
        assert not machine.may_fail(RuntimeError())
        machine.double.inject(reset(), on="images.create")
        assert machine.ask("create", {"diskId": "epd0000000000000000a"}).error is not None
        assert machine.may_fail(RuntimeError())
    finally:
        machine.teardown()


@pytest.mark.parametrize("seconds", [(12, 11), (11, 12), (100, 1)])
def test_updates_at_the_same_time_may_end_in_any_order(seconds: tuple[int, int]) -> None:
    """The image shows the one that ended last, which need not be the one that was asked for last."""
    machine = machine_of(step_clients.Client)()
    try:
        machine.begin([A_BODY], Immediate(), [])
        (image,) = machine.double.images
        for number, each in enumerate(seconds):
            machine.double.timing = After(each)
            machine.update(image, {"description": f"update {number}"})
        machine.wait(list(machine.double.operations)[-1])
    finally:
        machine.teardown()


def test_an_image_is_ready_at_once_whatever_the_timing() -> None:
    """The faults strike what comes after it."""
    machine = machine_of(step_clients.Client)()
    try:
        machine.begin([A_BODY], Never(), [Rule(unavailable(), on="images.create")])
        assert [image.status for image in machine.double.images.values()] == ["READY"]
        assert machine.double.timing == Never()
        assert not any(injection.struck for injection in machine.double.injections)
    finally:
        machine.teardown()


class Renamed:
    """Has other names for everything."""

    def __init__(self, double: Double) -> None:
        self.create_image = step_clients.Client(double).create


class OnlyLooks:
    """Has nothing that makes an image."""

    def __init__(self, double: Double) -> None:
        client = step_clients.Client(double)
        self.wait, self.get = client.wait, client.get


class ListsEverything(step_clients.OnlyCreates):
    """Does not want to know of which folder."""

    def list(self) -> list[str]:
        """None."""
        return []


class Nothing:
    """Has no method."""

    def __init__(self, double: Double) -> None:
        """Forget it."""


NONE_OF_THEM: Final = (
    "invalid client of Nothing.connect, a Nothing: expected some of the methods create(body), wait(operation_id), "
    "get(image_id), list(folder_id), update(image_id, changes), delete(image_id), cancel(operation_id); it "
    "has no methods"
)
NONE_TO_BEGIN_WITH: Final = (
    "invalid client of OnlyLooks.connect, a OnlyLooks: wait(operation_id), get(image_id) cannot be called first; "
    "expected create(body) or list(folder_id) as well, or a rule of your own"
)
TAKES_NOTHING: Final = (
    "invalid signature of ListsEverything.list: too many positional arguments; expected list(folder_id)"
)


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Nothing, NONE_OF_THEM),
        (Renamed, "it has create_image. Rename them"),
        (OnlyLooks, NONE_TO_BEGIN_WITH),
        (ListsEverything, TAKES_NOTHING),
    ],
)
def test_a_client_that_cannot_be_driven_is_refused(client: type[Any], said: str) -> None:
    """And leaves no time behind that does not pass."""
    with pytest.raises(UsageError) as raised:
        run_state_machine_as_test(machine_of(client), settings=quickly)
    assert said in str(raised.value)
    assert clock.shared is None


@pytest.mark.costly
def test_a_client_may_have_nothing_to_begin_with_where_a_rule_of_ones_own_begins() -> None:
    """It is asked for what that rule says."""
    refused: list[object] = []

    class Looks(ImageClientMachine):
        def connect(self, double: Double) -> object:
            return OnlyLooks(double)

        @rule()
        def look(self) -> None:
            refused.append(self.ask("get", "fd8nothing").error)

    run_state_machine_as_test(Looks, settings=quickly)
    assert refused
    assert all(refused)


def test_a_method_whose_signature_cannot_be_read_is_taken_as_it_is() -> None:
    """As one that is written in C may be."""

    class FromC(step_clients.OnlyCreates):
        list = dict.fromkeys

    machine = machine_of(FromC)()
    machine.teardown()
