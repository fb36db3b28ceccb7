"""What stands behind a double, whichever it is: how it is begun, and what a double asks of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.clock import ManualClock, RealClock
from pytest_ycimages.cloud.ids import Ids
from pytest_ycimages.delay import Delays
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.fault import OF_ANSWERS
from pytest_ycimages.faults.injector import Injector
from pytest_ycimages.faults.rule_text import rules_of
from pytest_ycimages.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ycimages.api.image import Image
    from pytest_ycimages.api.operation import Operation
    from pytest_ycimages.call import Call
    from pytest_ycimages.cassette.cassette import Cassette
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.inventory import Inventory
    from pytest_ycimages.cloud.planner import Planner
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.faults.fault import Effect
    from pytest_ycimages.faults.striker import Answerer
    from pytest_ycimages.server.app import App, Control
    from pytest_ycimages.settings import Settings


class Backing(ABC):
    """What stands behind a double.

    Args:
        settings: the double's.
        name: the double's; a part of its seed.
        pause: waits for so many seconds of the machine's own time.
        on_call: told of each call as it is written down.

    Attributes:
        clock: the double's time.
        pipeline: the way of every call.
        app: how it is spoken to; it stays the same when the double is reset.
    """

    app: App
    clock: Clock

    def __init__(
        self,
        settings: Settings,
        name: str,
        pause: Callable[[float], object],
        on_call: Callable[[Call], None] | None,
    ) -> None:
        self.settings = settings
        self.name = name
        self._pause = pause
        self._on_call = on_call
        self.pipeline = self._begun()

    def open(self, control: Control) -> None:
        """Make the app, which steers the double when it is asked to."""
        self.app = self._app(control)

    def tell_of_calls(self, on_call: Callable[[Call], None] | None) -> None:
        """Call `on_call` with each call from now on; None for nobody."""
        self._on_call = self.pipeline.on_call = on_call

    def reset(self) -> None:
        """Begin again, as new. Callers hold the pipeline's lock."""
        self.pipeline = self.app.pipeline = self._begun()

    def _begun(self) -> Pipeline:
        settings = self.settings
        self.clock = self._new_clock()
        seed = f"{settings.seed}/{self.name}"
        self.ids = Ids(seed)
        delays = Delays(seed, self.clock, self._pause)
        delays.latency = settings.latency
        injector = Injector(seed, self.effects)
        latency_first = settings.latency_order == "latency_first"
        service = self._service(self.ids)
        pipeline = Pipeline(service, self.clock, delays, injector, latency_first=latency_first, on_call=self._on_call)
        for rule in rules_of(settings.faults):
            injector.add(rule)
        return pipeline

    def _new_clock(self) -> Clock:
        """The time to begin with; time that the test rules over rules over all doubles."""
        return ManualClock() if self.settings.clock == "manual" and clock.shared is None else RealClock()

    # What each of them says for itself.

    effects: ClassVar[tuple[type[Effect], ...]] = OF_ANSWERS
    """What faults can do here."""

    @abstractmethod
    def _service(self, ids: Ids) -> Answerer:
        """What answers the calls of a new pipeline."""

    @abstractmethod
    def _app(self, control: Control) -> App:
        """How the pipeline is spoken to."""

    @property
    @abstractmethod
    def token(self) -> str:
        """A token that is valid."""

    @property
    @abstractmethod
    def folder_id(self) -> str:
        """A folder that exists."""

    @property
    @abstractmethod
    def images(self) -> Mapping[str, Image]:
        """The images, as far as is known."""

    @property
    @abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """The operations, as far as is known."""

    @property
    def inventory(self) -> Inventory:
        """What says what exists.

        Raises:
            UsageError: only the fake can be told.
        """
        raise self._only_the_fake("what exists")

    @property
    def planner(self) -> Planner:
        """What decides how operations go.

        Raises:
            UsageError: only the fake can be told.
        """
        raise self._only_the_fake("how operations go")

    def _only_the_fake(self, what: str) -> UsageError:
        mode = self.settings.mode
        return UsageError(
            f"Only the fake can be told {what}, and this double is in mode {mode!r}: {_DECIDES[mode]}. Put settings "
            'into @pytest.mark.ycimages(...), where only the fake heeds them; or pin the test with mode="fake".'
        )

    @property
    def cassette(self) -> Cassette:
        """The cassette that is in.

        Raises:
            UsageError: there is none, as with the fake.
        """
        raise UsageError(
            "There is no cassette in this double: it is the fake. Mark the test with @pytest.mark.ycimages_cassette, "
            'or give the double mode="replay" and cassette="PATH".'
        )

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """What went wrong that fails the test, whatever its client made of it."""
        return ()

    def check_end(self) -> None:  # noqa: B027 - the fake has nothing that was to be asked
        """Raise, or warn, if there is something that was to be asked for and has not been.

        Raises:
            CassetteUnusedError: interactions that nobody asked for.
        """

    def close(self, *, whole: bool = True) -> None:  # noqa: B027 - the fake has nothing to bring to an end
        """Come to an end. Doing so twice does no harm.

        Args:
            whole: whether what was done with it has come to its good end.
        """


_DECIDES = {
    "fake": "it is the fake",
    "replay": "the cassette decides",
    "verify": "the cassette decides",
    "record": "the service that is being recorded decides",
}
