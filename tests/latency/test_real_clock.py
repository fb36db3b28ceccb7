"""The handful that wait for real: a few milliseconds, of which only the lower bound is asserted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest
from werkzeug.test import Client as WerkzeugClient

from pytest_ycimages import Double, Latency
from pytest_ycimages.cloud.clock import RealClock
from tests.server.raw_client import CREATE, PATIENCE, Client, endpoint

if TYPE_CHECKING:
    from pytest_ycimages import Call

MILLISECOND: Final = 10**6


@pytest.mark.real_clock
@pytest.mark.parametrize("over_body", [False, True])
def test_on_the_real_clock_a_latency_is_waited_for(over_body: bool) -> None:  # noqa: FBT001 - a parameter
    """No answer is complete sooner."""
    with Double(latency=Latency.fixed(0.004, over_body=over_body)) as double, Client(double) as client:
        before = RealClock().now()
        assert client.ask(endpoint("iam")).status == 200
        assert RealClock().now() - before >= 4 * MILLISECOND


@pytest.mark.parametrize("order", ["effect_first", "latency_first"])
def test_a_client_that_gives_up_meets_what_the_order_says(order: str) -> None:
    """With the effect first, its retry finds the image that it was never told of; else nothing has happened yet."""
    heard = threading.Event()
    with Double(latency={"images.create": 60}, latency_order=order, on_call=lambda _: heard.set()) as double:
        with Client(double) as client:
            client.send(CREATE)
            if order == "effect_first":
                assert heard.wait(PATIENCE)
            client.vanish()
        with Client(double) as client:
            assert client.ask(endpoint("iam")).status == 200  # nobody else is held up
    happened = ["images.create"] if order == "effect_first" else []
    assert [call.method for call in double.calls] == [*happened, "endpoints.get"]
    assert len(double.images) == len(happened)


@pytest.mark.real_clock
def test_a_client_with_a_time_limit_gets_no_answer() -> None:
    """It gives up after its own few milliseconds, and the double closes at once all the same."""
    heard = threading.Event()
    with Double(latency=60, on_call=lambda _: heard.set()) as double, Client(double) as client:
        client.give_up_after(0.002)
        with pytest.raises(TimeoutError):
            client.ask(CREATE)
        assert heard.wait(PATIENCE)
        double.latency = 0
        with Client(double) as again:
            again.ask(CREATE)
    assert len(double.images) == 2
    assert [call.attempt for call in double.calls] == [1, 2]


@pytest.mark.parametrize("latency", [Latency.fixed(60), Latency.fixed(60, over_body=True), Latency.fixed(1e12)])
def test_closing_waits_for_no_latency(latency: Latency) -> None:
    """Neither over a socket nor in process; a double that is closed waits no longer, and one started again does."""
    heard = threading.Semaphore(0)

    def hear(_: Call) -> None:
        heard.release()

    double = Double(latency=latency, on_call=hear).start()
    for _ in range(2):
        with Client(double) as client:
            client.send(endpoint("iam"))
            assert heard.acquire(timeout=PATIENCE)
            threads = [each for each in threading.enumerate() if each.name == f"ycimages:{double.port}:client"]
            double.close()
        assert not any(thread.is_alive() for thread in threads)
        double.start()
    double.close()


def test_a_call_that_is_read_while_the_double_closes_never_happens() -> None:
    """As one does not that was waiting before: it would have had to wait."""
    double = Double(latency=60, latency_order="latency_first").start()
    with Client(double) as client:
        double._closed.set()  # noqa: SLF001 - as closing does before it ends the connections
        client.send(CREATE)
        assert client.is_left()
    double.close()
    assert not double.calls
    assert not double.images


class WatchedEvent(threading.Event):
    """An event that tells when somebody begins to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Tell, and wait."""
        self.awaited.set()
        return super().wait(timeout)


@pytest.mark.parametrize("order", ["effect_first", "latency_first"])
def test_closing_ends_a_call_in_process_as_well(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """Its client is told that the connection broke; a call made after that is answered at once."""
    double = Double(latency=60, latency_order=order)
    closed = WatchedEvent()
    monkeypatch.setattr(double, "_closed", closed)
    broken: list[Exception] = []

    def call() -> None:
        try:
            WerkzeugClient(double.app).get("/endpoints")
        except ConnectionAbortedError as error:
            broken.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert closed.awaited.wait(PATIENCE)
    double.close()
    thread.join(PATIENCE)
    assert [str(error) for error in broken] == ["The double was closed while this call was waiting for its latency"]
    assert len(double.calls) == (order == "effect_first")
    call()
    assert len(double.calls) == (2 if order == "effect_first" else 1)
    assert double.calls[-1].attempt == len(double.calls)
    double.check()


def test_a_call_that_closes_the_double_is_not_late_any_more() -> None:
    """A test that wants the service to go away in the middle of a late answer does so."""
    double = Double(latency=60, on_call=lambda _: double.close()).start()
    with Client(double) as client:
        threads = [each for each in threading.enumerate() if each.name.startswith(f"ycimages:{double.port}")]
        client.send(endpoint("iam"))
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
