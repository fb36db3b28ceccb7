"""The backend of a double in any mode: its pipeline, its clock, and its state as far as it is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pytest_ycimages.cloud import clock
from pytest_ycimages.cloud.clock import ManualClock, RealClock
from pytest_ycimages.cloud.ids import Ids
from pytest_ycimages.errors import UsageError
from pytest_ycimages.faults.fault import OF_ANSWERS
from pytest_ycimages.faults.injector import Injector
from pytest_ycimages.faults.rule import rules_of
from pytest_ycimages.hosts import HOSTS, METADATA_HOST, host_names
from pytest_ycimages.latency import Delays
from pytest_ycimages.pipeline import Pipeline
from pytest_ycimages.server.app import Admission
from pytest_ycimages.server.tunnel import Tunnels

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from pytest_ycimages.api.resources import Image, Operation
    from pytest_ycimages.call import Call
    from pytest_ycimages.cassette.handle import Cassette
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.inventory import Inventory
    from pytest_ycimages.cloud.lifecycle import Phase
    from pytest_ycimages.cloud.plan import Planner
    from pytest_ycimages.errors import YCImagesError
    from pytest_ycimages.faults.fault import Effect
    from pytest_ycimages.faults.injector import Answerer
    from pytest_ycimages.server.app import App, Control
    from pytest_ycimages.settings import Settings

R = TypeVar("R")


class ResourceView(Mapping[str, R]):
    """The resources of a double by id, each as it is when it is read. Reading them does not count as a poll.

    Args:
        missing: the text of a KeyError, for the id that is missing and those that exist.
        lock: held while resources are read.
        ids: the ids of resources, also of those that `read` does not find; it grows.
        read: returns the resource with an id, or None.
    """

    def __init__(
        self, missing: str, lock: threading.Lock, ids: Mapping[str, object], read: Callable[[str], R | None]
    ) -> None:
        self._missing = missing
        self._lock = lock
        self._ids = ids
        self._read = read

    @property
    def ids(self) -> list[str]:
        """The ids of all resources that there ever were and that are not forgotten, oldest first."""
        return list(self._ids)

    def _now(self) -> dict[str, R]:
        with self._lock:
            return {id_: found for id_ in list(self._ids) if (found := self._read(id_)) is not None}

    def __getitem__(self, id_: str) -> R:
        with self._lock:
            found = self._read(id_)
        if found is None:
            raise KeyError(self._missing.format(id_, ", ".join(self._now()) or "none"))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def __repr__(self) -> str:
        return repr(self._now())


class Backing(ABC):
    """The backend of a double: fake, replay, record or verify.

    Args:
        settings: the settings of the double.
        name: the name of the double; a part of its seed.
        pause: waits for that many seconds of real time.
        on_call: called with each call that the journal records.

    Attributes:
        clock: the time of the double.
        pipeline: the pipeline of every call.
        app: the HTTP application; it stays the same when the double is reset.
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
        self.pipeline = self._begun(on_call)

    def open(self, control: Control) -> None:
        """Create the app, whose control API changes the double."""
        self.app = self._app(control)
        settings = self.settings
        served = (*HOSTS, *host_names(settings.intercept_hosts), *host_names(settings.served_hosts))
        self.app.admission = Admission((*served, METADATA_HOST, settings.host))
        self.app.instance_token = self.instance_token
        self.app.tunnels = Tunnels(served, host_names(settings.allowed_hosts))

    def reset(self) -> None:
        """Restore the initial state. Callers hold the lock of the pipeline."""
        self.pipeline = self.app.pipeline = self._begun(self.pipeline.on_call)

    def _begun(self, on_call: Callable[[Call], None] | None) -> Pipeline:
        settings = self.settings
        self.clock = self._new_clock()
        seed = f"{settings.seed}/{self.name}"
        self.ids = Ids(seed)
        delays = Delays(seed, self.clock, self._pause)
        delays.latency = settings.latency
        injector = Injector(seed, self.effects, settings.journal_limit)
        latency_first = settings.latency_order == "latency_first"
        service = self._service(self.ids)
        pipeline = Pipeline(
            service,
            self.clock,
            delays,
            injector,
            headers=self._headers(),
            latency_first=latency_first,
            on_call=on_call,
            limit=settings.journal_limit,
        )
        for rule in rules_of(settings.faults):
            injector.add(rule)
        return pipeline

    def _headers(self) -> Callable[[int], Mapping[str, str]] | None:
        """Return what makes the headers of every answer at a moment, or None: the answers have their own."""
        return None

    def _new_clock(self) -> Clock:
        """Return the clock to start with; virtual time replaces the clocks of all doubles."""
        return ManualClock() if self.settings.clock == "manual" and clock.shared is None else RealClock()

    effects: ClassVar[tuple[type[Effect], ...]] = OF_ANSWERS
    """The effects that faults can have here."""
    decides: ClassVar[str] = "the cassette decides"
    """What decides how operations go, for texts."""

    @abstractmethod
    def _service(self, ids: Ids) -> Answerer:
        """Return the handler of the calls of a new pipeline."""

    @abstractmethod
    def _app(self, control: Control) -> App:
        """Return the HTTP application of the pipeline."""

    @property
    @abstractmethod
    def token(self) -> str:
        """Return a valid token."""

    def instance_token(self) -> str:
        """Return the token that the metadata service gives to an instance."""
        return self.token

    @property
    @abstractmethod
    def folder_id(self) -> str:
        """Return a folder that exists."""

    @property
    @abstractmethod
    def images(self) -> Mapping[str, Image]:
        """Return the images, as far as they are known."""

    @property
    @abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """Return the operations, as far as they are known."""

    def phases(self, operation_id: str) -> tuple[tuple[Phase, int], ...]:  # noqa: ARG002 - a cassette has none
        """Return the phases of an operation, each with when it begins; none if they are not known."""
        return ()

    @property
    def inventory(self) -> Inventory:
        """Return the inventory, which seeds resources.

        Raises:
            UsageError: only the fake has one.
        """
        raise self._only_the_fake("what exists")

    @property
    def planner(self) -> Planner:
        """Return the planner, which decides the outcomes of operations.

        Raises:
            UsageError: only the fake has one.
        """
        raise self._only_the_fake("how operations go")

    def _only_the_fake(self, what: str) -> UsageError:
        return UsageError(
            f"Only the fake can be told {what}, and this double is in mode {self.settings.mode!r}: {self.decides}. "
            "Put settings into @pytest.mark.ycimages(...), where only the fake heeds them; or pin the test with "
            'mode="fake".'
        )

    @property
    def cassette(self) -> Cassette:
        """Return the cassette.

        Raises:
            UsageError: the fake has none.
        """
        raise UsageError(
            "This double has no cassette: it is the fake. Mark the test with @pytest.mark.ycimages_cassette, "
            'or give the double mode="replay" and cassette="PATH".'
        )

    @property
    def problems(self) -> Sequence[YCImagesError]:
        """Return the errors that fail the test, even if its client handled them."""
        return ()

    def check_end(self) -> None:  # noqa: B027 - the fake expects no requests
        """Raise, or warn, unless every interaction of the cassette was used.

        Raises:
            CassetteUnusedError: interactions that were not requested.
        """

    def close(self, *, whole: bool = True) -> None:  # noqa: B027 - the fake holds no file
        """Close files and connections. A second call has no effect.

        Args:
            whole: whether the double was used without an error until its end.
        """
