"""The test double as users hold it: its address, state, journal and settings. It wires the packages together.

with Double() as ycimages:
    bake(ycimages.url, token=ycimages.token, folder_id=ycimages.folder_id)
"""

from __future__ import annotations

import os
import pkgutil
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from pytest_ycimages.checking import Checking
from pytest_ycimages.clients import ClientAccess
from pytest_ycimages.cloud.ids import random_token
from pytest_ycimages.errors import UsageError
from pytest_ycimages.hosts import HOSTS, host_names
from pytest_ycimages.latency import Latency, latency_of
from pytest_ycimages.network import environment
from pytest_ycimages.network.guard import real_hosts_refused
from pytest_ycimages.planning import Planning
from pytest_ycimages.seeding import Seeding
from pytest_ycimages.server import activity
from pytest_ycimages.server.in_process.connection import Endpoint
from pytest_ycimages.server.listener import PATIENCE, Listener
from pytest_ycimages.server.protocols import speak
from pytest_ycimages.settings import Settings, merged
from pytest_ycimages.words import sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from pytest_ycimages.api.resources import Image, Operation
    from pytest_ycimages.backing.backing import Backing
    from pytest_ycimages.call import Call
    from pytest_ycimages.cassette.handle import Cassette
    from pytest_ycimages.cloud.clock import Clock
    from pytest_ycimages.journal import Calls
    from pytest_ycimages.server.http import HttpReply, HttpRequest

_CONTROL: Final = "pytest_ycimages.control.routes:answer"
_BACKINGS: Final = {
    "fake": "pytest_ycimages.backing.fake:Fake",
    "record": "pytest_ycimages.backing.record:Record",
    "replay": "pytest_ycimages.backing.replay:Replay",
    "verify": "pytest_ycimages.verify.mode:Verify",
}
"""The backend of each mode, imported when it is used."""
_FORKED: Final = (
    "Refused to open a port: process {} was forked from process {}, where the double is. Read ycimages.url before the "
    "fork, and hand it to the forked process."
)


class DoubleFactory(Protocol):
    """The type of the fixture `ycimages_factory` and of those for wider scopes, for annotations."""

    def __call__(self, **settings: Any) -> Double:
        """Start another double, with these settings over those of the test."""


@sealed
class Double(Seeding, Planning, Checking, ClientAccess):
    """A test double of the image API, with its own state, address and journal.

    Use it as a context manager, or call `start` and `close`. Without starting it, `app` answers in process.

    Args:
        settings: its behaviour; see `Settings`.
        name: names it in reports; doubles with different names generate different ids.
        on_call: called with each answered `Call`, on the answering thread, before the latency of the answer.
        **overrides: single settings, which take precedence over `settings`.

    Attributes:
        settings: the settings in force.
        control_token: the token that the control API asks for; empty: none. It is random with `allow_remote`.

    Raises:
        UsageError: an unknown setting, or an invalid value.
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
        self.settings = merged(overrides, settings or {}).decided()
        self.name = name
        given = self.settings.control_token
        self.control_token = given.get_secret_value() if given else random_token() if self.settings.allow_remote else ""
        self._listener: Listener | None = None
        self._opening = threading.Lock()
        self._is_open = False
        self._process = os.getpid()
        self._guard = ExitStack()
        self._refusals = []
        self._closed = threading.Event()
        backing: type[Backing] = pkgutil.resolve_name(_BACKINGS[self.settings.mode])
        self._backing = backing(self.settings, name, self._pause, on_call)
        self._backing.open(self._control)
        self._endpoint = Endpoint(self._backing.app)

    def _pause(self, seconds: float) -> None:
        """Wait in real time while the double is open; a call in process does not wait once it is closed.

        Raises:
            ConnectionAbortedError: it was closed meanwhile, so the call gets no answer.
        """
        is_in_process = threading.get_ident() not in activity.serving
        if is_in_process and self._closed.is_set():
            return
        if self._closed.wait(min(seconds, threading.TIMEOUT_MAX)):
            raise ConnectionAbortedError("The double was closed while this call was waiting for its latency")

    def _control(self, http: HttpRequest) -> HttpReply:
        """Answer a request to the control API, which is above this module and loaded by its first request."""
        reply: HttpReply = pkgutil.resolve_name(_CONTROL)(self, http)
        return reply

    def __repr__(self) -> str:
        """Show the name, the address and the numbers of images and calls."""
        where = "no port opened yet" if self._is_open else "not serving"
        return (
            f"<Double {self.name or 'unnamed'}: {self.url if self._listener else where}, seed {self.settings.seed}, "
            f"{len(self.calls)} calls>"
        )

    # Serving.

    def start(self) -> Self:
        """Serve on `host`. A second start has no effect; a start after `close` takes a new port.

        A port that the settings name is opened at once, another one when the address is first read, such as `url`.
        While the double is open, proxies of the environment do not apply to this machine.

        Raises:
            UsageError: the port is taken.
        """
        with self._opening:
            if self._is_open:
                return self
            self._listener = None
            self._closed.clear()
            if self.settings.port:
                self._listener = self._listening()
            self._is_open = True
            if self.settings.real_hosts == "refuse":
                hosts = (*HOSTS, *host_names(self.settings.intercept_hosts))
                allowed = host_names(self.settings.allowed_hosts)
                self._guard.enter_context(real_hosts_refused(hosts, allowed, self._refusals.append))
            environment.begin(self.settings.host)
        return self

    def _listening(self) -> Listener:
        host, port = self.settings.host, self.settings.port
        try:
            return Listener(self._backing.app.answer, host, port, partial(speak, self._backing.app))
        except OSError as error:
            raise UsageError(
                f"Cannot listen on {host}:{port}: {error}. Leave `port` out to take a free one."
            ) from error

    def close(self, *, whole: bool = True, patience: float = PATIENCE) -> None:
        """Stop listening and close every connection. State and journal stay readable. A second close has no effect.

        A call that waits for its latency gets no answer, and one that has not happened yet never will. In process, a
        closed double still answers, but does not wait for latencies.

        Args:
            whole: whether a recording has completed. If not, an older cassette stays as it was; without one, the new
                one is kept, marked as incomplete.
            patience: the seconds to wait for calls that are being answered. A recording with a call that gets no answer
                is incomplete.
        """
        self._closed.set()
        with self._opening:
            if self._is_open:
                self._is_open = False
                environment.end(self.settings.host)
                self._guard.close()
        if self._listener is not None:
            whole = self._listener.close(patience) and whole
            environment.own_proxies.discard(f"http://{self._listener.host}:{self._listener.port}")
        self._backing.close(whole=whole)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close, and check unless an exception is raised already, which also makes a recording incomplete."""
        self.close(whole=error is None)
        if error is None:
            self.check()

    @property
    def on_call(self) -> Callable[[Call], None] | None:
        """Called with each answered call, before the latency of the answer; assign None to stop."""
        return self._backing.pipeline.on_call

    @on_call.setter
    def on_call(self, on_call: Callable[[Call], None] | None) -> None:
        self._backing.pipeline.on_call = on_call

    def reset(self) -> None:
        """Return to the initial state and settings, at the same address."""
        self._drop_faults()
        with self._backing.pipeline.lock:
            self._warned = 0
            self._backing.reset()

    # Address and credentials.

    def _serving(self) -> Listener:
        environment.ensure()
        listener = self._listener
        if listener is None:
            with self._opening:
                listener = self._listener
                if listener is None and self._is_open and os.getpid() != self._process:
                    raise UsageError(_FORKED.format(os.getpid(), self._process))
                if listener is None and self._is_open:
                    listener = self._listener = self._listening()
        if listener is None:
            raise UsageError(
                "This double is not serving, so it has no address. Write `with Double() as ycimages:`, call start(), "
                "or use `app` in process."
            )
        return listener

    @property
    def clock(self) -> Clock:
        """The double's clock; `clock.advance(seconds)` moves a manual one."""
        return self._backing.clock

    @property
    def token(self) -> str:
        """A valid IAM token."""
        return self._backing.token

    @property
    def folder_id(self) -> str:
        """The id of an existing folder."""
        return self._backing.folder_id

    # Server state.

    @property
    def cassette(self) -> Cassette:
        """The cassette that is replayed or recorded.

        Raises:
            UsageError: the double is the fake and has no cassette.
        """
        return self._backing.cassette

    @property
    def images(self) -> Mapping[str, Image]:
        """All images by id, as of now; with a cassette, as the client last saw them. Reading does not poll."""
        return self._backing.images

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations by id, in their true state as of now; with a cassette, as the client last saw them."""
        return self._backing.operations

    @property
    def calls(self) -> Calls:
        """The journal: every call with its answer, in the order of the answers."""
        return self._backing.pipeline.journal.calls

    @property
    def latency(self) -> Latency | Mapping[str, Latency]:
        """The latency of future calls.

        Set it to seconds, to a `Latency`, or to a dict from method words or globs to these; the first match counts.
        """
        return self._backing.pipeline.delays.latency

    @latency.setter
    def latency(self, latency: Latency | float | str | Mapping[str, Latency | float | str]) -> None:
        self._backing.pipeline.delays.latency = latency_of(latency)
