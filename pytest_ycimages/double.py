"""What users hold: a test double of the image API, its state and its journal. Wires the rooms together.

with Double() as ycimages:
    bake(ycimages.url, token=ycimages.token, folder_id=ycimages.folder_id)
"""

from __future__ import annotations

import pkgutil
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from pytest_ycimages.backing.fake import Fake
from pytest_ycimages.errors import DoubleFailedError, UnknownFieldWarning, UsageError
from pytest_ycimages.in_process import InProcess
from pytest_ycimages.injecting import Injecting
from pytest_ycimages.latency import Latency, latency_of
from pytest_ycimages.planning import Planning
from pytest_ycimages.seeding import Seeding
from pytest_ycimages.server import activity
from pytest_ycimages.server.listener import Listener
from pytest_ycimages.settings import Settings, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from types import TracebackType

    from pytest_ycimages.api.image import Image
    from pytest_ycimages.api.operation import Operation
    from pytest_ycimages.backing.backing import Backing
    from pytest_ycimages.call import Call
    from pytest_ycimages.cassette.cassette import Cassette
    from pytest_ycimages.cassette_settings import Mode
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.cloud.inventory import Inventory
    from pytest_ycimages.cloud.planner import NextOperation, Planner
    from pytest_ycimages.faults.injector import Injector
    from pytest_ycimages.journal import Calls
    from pytest_ycimages.server.app import App
    from pytest_ycimages.server.http import HttpReply, HttpRequest

_CONTROL: Final = "pytest_ycimages.control.routes:answer"


class Double(Seeding, Planning, Injecting, InProcess):
    """A test double of the image API: a cloud of its own, with its own state, address and journal.

    Use it as a context manager, or call `start` and `close`. Without starting it, `app` answers in process.

    Args:
        settings: how it behaves; see `Settings`.
        name: says which double this is, in reports; doubles of different names draw different ids.
        on_call: called with each `Call` once it is answered, on the thread that answered it; before the answer is late.
        **overrides: single settings, which win over `settings`.

    Attributes:
        settings: the settings in force.

    Raises:
        UsageError: a setting that does not exist or cannot be.
    """

    def __init__(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        /,
        *,
        name: str = "",
        on_call: Callable[[Call], None] | None = None,
        **overrides: Any,
    ) -> None:
        self.settings = merged(overrides, settings or {})
        self.name = name
        self._listener: Listener | None = None
        self._closed = threading.Event()
        self._backing = _backing(self.settings.mode)(self.settings, name, self._pause, on_call)
        self._backing.open(self._control)
        self._warned = 0

    def _pause(self, seconds: float) -> None:
        """Wait for real, while the double is open; a call in process does not wait once it is closed.

        Raises:
            ConnectionAbortedError: it was closed meanwhile, so that the call is not answered any more.
        """
        is_in_process = threading.get_ident() not in activity.serving
        if is_in_process and self._closed.is_set():
            return
        if self._closed.wait(min(seconds, threading.TIMEOUT_MAX)):
            raise ConnectionAbortedError("The double was closed while this call was waiting for its latency")

    def __repr__(self) -> str:
        """Which double, where, and what it holds."""
        where = self.url if self._listener else "not serving"
        return f"<Double {self.name or 'unnamed'}: {where}, seed {self.settings.seed}, {len(self.calls)} calls>"

    @property
    def upcoming(self) -> tuple[NextOperation, ...]:
        """What `next_operation` asked for and no operation has taken yet; only of the fake it can be asked."""
        return super().upcoming if self.settings.mode == "fake" else ()

    # Serving.

    def start(self) -> Self:
        """Listen on loopback. Starting twice does no harm; starting again after `close` takes a new port.

        Raises:
            UsageError: the port is taken.
        """
        if self._listener is None or self._listener.is_closed:
            host, port = self.settings.host, self.settings.port
            self._closed.clear()
            try:
                self._listener = Listener(self._answer, host, port)
            except OSError as error:
                raise UsageError(
                    f"Cannot listen on {host}:{port}: {error}. Leave `port` out to take a free one."
                ) from error
        return self

    def close(self, *, whole: bool = True) -> None:
        """Stop listening and end every connection. State and journal stay readable. Closing twice does no harm.

        A call that waits for its latency meanwhile is not answered, and one that has not happened yet never will. In
        process, a double that is closed answers on, but nothing really waits for a latency.

        Args:
            whole: whether a recording has come to its good end. If not, an older cassette stays as it was; if there was
                none, the new one is kept, and does not say that it is complete.
        """
        self._closed.set()
        if self._listener is not None:
            self._listener.close()
        self._backing.close(whole=whole)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close, and check unless something is wrong already; then a recording has come to no good end."""
        self.close(whole=error is None)
        if error is None:
            self.check()

    def check(self, *, faults: bool = True) -> None:
        """Raise what went wrong inside the double, and warn of fields that the contract does not know.

        Args:
            faults: whether it is an error that faults were to strike and have not, or that a cassette has interactions
                which nobody asked for.

        Raises:
            CassetteError: the cassette had no answer, has expired, or could not be written.
            CassetteUnusedError: interactions of the cassette that nobody asked for.
            CassetteDiffersError: answers that are not as they were recorded.
            DoubleFailedError: the double raised while it answered a call; the cause has the traceback.
            FaultNeverStruckError: a fault that was to strike has not.
        """
        __tracebackhide__ = True
        first, *others = self._backing.problems or (None,)
        if first is not None:
            for other in others:
                first.add_note(f"\nAnd then: {other}")
            raise first
        failures = self._backing.pipeline.failures
        if failures:
            (line, error), count = failures[0], len(failures)
            raise DoubleFailedError(f"The double failed at {count} call(s); the first was {line}") from error
        if faults:
            self._check_faults()
            self._backing.check_end()
        if self.settings.unknown_fields == "warn":
            self._warn_of_unknown_fields()

    def _warn_of_unknown_fields(self) -> None:
        fresh, self._warned = self.calls[self._warned :], len(self.calls)
        for call in fresh:
            if call.unknown_fields:
                fields = ", ".join(call.unknown_fields)
                warnings.warn(
                    f"{call.method} was sent unknown fields, which the service ignores: {fields}. The contract "
                    f"in force is {self.settings.contract!r}; silence this with the setting unknown_fields='ignore'.",
                    UnknownFieldWarning,
                    stacklevel=3,
                )

    def tell_of_calls(self, on_call: Callable[[Call], None] | None) -> None:
        """Call `on_call` with each call from now on, in the place of whoever was told until now; None for nobody."""
        self._backing.tell_of_calls(on_call)

    def reset(self) -> None:
        """Forget everything: as new, with the settings it was made with, at the same address."""
        with self._backing.pipeline.lock:
            self._warned = 0
            self._backing.reset()

    def _control(self, http: HttpRequest) -> HttpReply:
        """Answer a request to the control API, which stands above this module and is loaded by its first request."""
        reply: HttpReply = pkgutil.resolve_name(_CONTROL)(self, http)
        return reply

    def _answer(self, http: HttpRequest) -> HttpReply:
        return self._backing.app.answer(http)

    @contextmanager
    def _stocking(self) -> Generator[Inventory]:
        with self._backing.pipeline.lock:
            yield self._backing.inventory

    @contextmanager
    def _planning(self) -> Generator[Planner]:
        with self._backing.pipeline.lock:
            yield self._backing.planner

    @contextmanager
    def _injecting(self) -> Generator[Injector]:
        with self._backing.pipeline.lock:
            yield self._backing.pipeline.injector

    # Where it is, and who may call.

    @property
    def url(self) -> str:
        """The origin that serves every path of every service, such as `http://127.0.0.1:41233`."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._serving().host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._serving().port

    def _serving(self) -> Listener:
        if self._listener is None:
            raise UsageError(
                "This double is not serving, so it has no address. Write `with Double() as ycimages:`, call start(), "
                "or use `app` in process."
            )
        return self._listener

    @property
    def clock(self) -> Clock:
        """The double's time; `clock.advance(seconds)` moves a manual one."""
        return self._backing.clock

    @property
    def app(self) -> App:
        """The same double as a WSGI application, for clients that need no socket."""
        return self._backing.app

    @property
    def token(self) -> str:
        """An IAM token that is valid."""
        return self._backing.token

    @property
    def folder_id(self) -> str:
        """A folder that exists."""
        return self._backing.folder_id

    # Server truth.

    @property
    def cassette(self) -> Cassette:
        """The cassette that is replayed or recorded.

        Raises:
            UsageError: there is none, as this is the fake.
        """
        return self._backing.cassette

    @property
    def images(self) -> Mapping[str, Image]:
        """All images as they are now, by id; with a cassette, as a client saw them last. Reading counts as no poll."""
        return self._backing.images

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations as they truly are now, by id, whatever a script shows; with a cassette, as with images."""
        return self._backing.operations

    @property
    def calls(self) -> Calls:
        """The journal: every call with its answer, in the order in which they were answered."""
        return self._backing.pipeline.journal.calls

    @property
    def latency(self) -> Latency | Mapping[str, Latency]:
        """How late calls are answered that come from now on.

        Set it to seconds, to a `Latency`, or to a dict from method words or globs to these, of which the first that
        fits counts.
        """
        return self._backing.pipeline.delays.latency

    @latency.setter
    def latency(self, latency: Latency | float | str | Mapping[str, Latency | float | str]) -> None:
        self._backing.pipeline.delays.latency = latency_of(latency)


def _backing(mode: Mode) -> type[Backing]:
    """What stands behind a double of a mode. What knows cassettes is imported only for who uses them."""
    if mode == "fake":
        return Fake
    if mode == "record":
        from pytest_ycimages.backing.record import Record  # noqa: PLC0415 - only for who records

        return Record
    if mode == "verify":
        from pytest_ycimages.backing.verify import Verify  # noqa: PLC0415 - only for who compares

        return Verify
    from pytest_ycimages.backing.replay import Replay  # noqa: PLC0415 - only for who replays

    return Replay
