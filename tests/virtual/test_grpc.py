"""Clients of grpcio in virtual time: waits take no real time, and time stands still while a call is on its way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc import aio
from trustme import CA
from yandex.cloud.compute.v1 import image_pb2
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandexcloud._backoff import backoff_linear_with_jitter
from yandexcloud._retry_interceptor import RetryInterceptor
from yandexcloud._sdk import SDK

from pytest_ycimages import After, Double, VirtualTime, VirtualTimeError, first, hang, refuse, reset, stall, unavailable
from tests.grpc.clients import DISK, Stubs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own parts


def _create(name: str = "") -> Any:
    return api.CreateImageRequest(folder_id="b1g0000000000000000a", disk_id=DISK, name=name)


@pytest.fixture
def stubs(ycimages: Double, ycimages_time: VirtualTime) -> Iterator[Stubs]:
    """Return the stubs on a channel that is made in virtual time."""
    assert ycimages_time.elapsed == 0
    with Stubs(ycimages) as stubs:
        yield stubs


def _call(stubs: Stubs, message: Any, timeout: float | None = None) -> Any:
    return stubs.images.Create(message, metadata=stubs.metadata, timeout=timeout)


# The official SDK.


def _sdk(ycimages: Double, **options: Any) -> Any:
    endpoint, certificates = f"localhost:{ycimages.port}", ycimages.root_certificates
    return SDK(iam_token=ycimages.token, endpoint=endpoint, root_certificates=certificates, **options)


def test_the_waiter_of_the_sdk_waits_in_virtual_time(ycimages: Double, ycimages_time: VirtualTime) -> None:
    """Discovery, the create and each poll are late; the SDK looks once a second."""
    ycimages.timing, ycimages.latency = After(seconds=100), 2.0
    sdk = _sdk(ycimages)
    operation = sdk.client(ImageServiceStub).Create(_create())
    done = sdk.wait_operation_and_get_result(
        operation, response_type=image_pb2.Image, meta_type=api.CreateImageMetadata
    )
    assert done.response.status == image_pb2.Image.READY
    assert 100 <= ycimages_time.elapsed < 120
    assert ycimages_time.elapsed == pytest.approx(ycimages.calls[-1].at + 2, abs=0.001)


def test_the_retries_of_the_sdk_wait_in_virtual_time(ycimages: Double, ycimages_time: VirtualTime) -> None:
    """With its own interceptor and backoff."""
    ycimages.inject(unavailable(), on="images.create", when=first(4))
    backoff = backoff_linear_with_jitter(7, 0)
    interceptor = RetryInterceptor(max_retry_count=5, per_call_timeout=30, back_off_func=backoff)
    assert _sdk(ycimages, interceptor=interceptor).client(ImageServiceStub).Create(_create()).id
    assert ycimages_time.elapsed == 28


# Latency, deadlines and faults.


def test_latency_passes_in_virtual_time(ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """For a call that blocks."""
    ycimages.latency = 3600.0
    assert _call(stubs, _create()).id
    assert ycimages_time.elapsed == 3600


@pytest.mark.parametrize("timeout", [0.001, 0.25, 6, 30, 86_000])
def test_a_deadline_passes_in_virtual_time(
    timeout: float, ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs
) -> None:
    """To the microsecond, and the journal has it."""
    ycimages.inject(hang(), on="images.create")
    with pytest.raises(grpc.RpcError) as raised:
        _call(stubs, _create(), timeout)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert ycimages_time.elapsed == pytest.approx(timeout, abs=1e-6)
    call = ycimages.calls[-1].grpc
    assert call is not None
    assert (call.deadline, call.gave_up) == (timeout, "deadline")


def test_a_deadline_of_an_hour_does_not_end_a_call_of_half_an_hour(
    ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs
) -> None:
    """The client has its answer, and no deadline is over."""
    ycimages.latency = 1800.0
    assert _call(stubs, _create(), 3600).id
    assert ycimages_time.elapsed == 1800


@pytest.mark.parametrize("fault", [reset(), unavailable()], ids=str)
def test_a_fault_ends_a_call_at_once(fault: Any, ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """Another attempt succeeds after a pause; over its own connection, as grpcio sees the loss of one in real time."""
    ycimages.inject(fault, on="images.create", when=first(1))
    with pytest.raises(grpc.RpcError, check=lambda error: error.code() is grpc.StatusCode.UNAVAILABLE):
        _call(stubs, _create())
    time.sleep(10)
    with Stubs(ycimages, options=[("grpc.use_local_subchannel_pool", 1)]) as later:
        assert _call(later, _create()).id
    assert ycimages_time.elapsed == 10


def test_an_answer_that_stalls_is_late_in_virtual_time(
    ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs
) -> None:
    """For as long as the fault says."""
    ycimages.inject(stall(seconds=5, after=20), on="images.create")
    assert _call(stubs, _create()).id
    assert ycimages_time.elapsed == 5


def test_a_channel_becomes_ready_in_real_time(ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """A time limit in virtual time would be over at once."""
    grpc.channel_ready_future(stubs.channel).result(timeout=60)
    assert ycimages_time.elapsed == 0


# Futures.


def test_a_future_is_waited_for_in_virtual_time(ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """With and without a time limit."""
    ycimages.latency = 3.0
    future = stubs.images.Create.future(_create(), metadata=stubs.metadata)
    with pytest.raises(grpc.FutureTimeoutError):
        future.result(timeout=1)
    assert ycimages_time.elapsed == 1
    assert future.result().id
    assert ycimages_time.elapsed == 3


@pytest.mark.parametrize("count", [2, 50])
def test_futures_run_side_by_side(count: int, ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """As many calls as there are take as long as one."""
    ycimages.latency = 3.0
    futures = [stubs.images.Create.future(_create(f"a{n}"), metadata=stubs.metadata) for n in range(count)]
    assert len({future.result().id for future in futures}) == count
    assert ycimages_time.elapsed == 3


def test_a_future_that_is_cancelled_lets_time_go_on(ycimages: Double, ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """And the journal has it."""
    ycimages.inject(hang(), on="images.create")
    future = stubs.images.Create.future(_create(), metadata=stubs.metadata)
    time.sleep(2)
    future.cancel()
    time.sleep(5)
    assert ycimages_time.elapsed == 7


# Time stands still while a call is on its way.


def test_time_stands_still_while_calls_of_a_thread_are_on_their_way(ycimages_time: VirtualTime, stubs: Stubs) -> None:
    """Beside a thread that sleeps again and again."""
    ended = threading.Event()

    def sleep() -> None:
        while not ended.is_set():
            time.sleep(0.01)

    beside = threading.Thread(target=sleep)
    beside.start()
    moved = []
    for number in range(100):
        before = ycimages_time.elapsed
        _call(stubs, _create(f"a{number}"))
        moved.append(ycimages_time.elapsed - before)
        time.sleep(0.003)
    ended.set()
    beside.join()
    assert not any(moved)


@pytest.mark.costly
def test_time_stands_still_while_calls_of_asyncio_are_on_their_way(
    ycimages: Double, ycimages_time: VirtualTime
) -> None:
    """Beside a task that sleeps again and again."""
    moved = []

    async def sleep() -> None:
        while True:
            await asyncio.sleep(0.01)

    async def main() -> None:
        beside = asyncio.create_task(sleep())
        async with aio.insecure_channel(ycimages.grpc_endpoint) as channel:
            images: Any = ImageServiceStub(channel)
            for number in range(200):
                before = ycimages_time.elapsed
                await images.Create(_create(f"a{number}"), metadata=_metadata(ycimages))
                moved.append(ycimages_time.elapsed - before)
                await asyncio.sleep(0.003)
        beside.cancel()

    asyncio.run(main())
    assert len(moved) == 200
    assert not any(moved)


# grpc.aio.


def _metadata(ycimages: Double) -> Any:
    return (("authorization", f"Bearer {ycimages.token}"),)


@pytest.mark.parametrize("with_interceptor", [False, True], ids=["plain", "with an interceptor"])
def test_asyncio_has_latency_and_deadlines(
    with_interceptor: bool,  # noqa: FBT001 - a parameter of the test
    ycimages: Double,
    ycimages_time: VirtualTime,
) -> None:
    """In virtual time, also behind an interceptor."""

    class Passing(aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
            return await continuation(details, request)

    async def main() -> None:
        interceptors = [Passing()] if with_interceptor else None
        async with aio.insecure_channel(ycimages.grpc_endpoint, interceptors=interceptors) as channel:
            images: Any = ImageServiceStub(channel)
            ycimages.latency = 3.0
            assert (await images.Create(_create(), metadata=_metadata(ycimages))).id
            assert ycimages_time.elapsed == 3
            ycimages.latency = 0.0
            ycimages.inject(hang(), on="images.create")
            with pytest.raises(aio.AioRpcError) as raised:
                await images.Create(_create(), metadata=_metadata(ycimages), timeout=30)
            assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(images.Create(_create(), metadata=_metadata(ycimages)), 50)
            assert ycimages_time.elapsed == pytest.approx(83, abs=1e-6)

    asyncio.run(main())


# What is left as it was.


def test_the_journal_has_no_metadata_of_virtual_time(ycimages: Double, stubs: Stubs) -> None:
    """The double and grpcio speak of a call by metadata of their own."""
    _call(stubs, _create(), 5)
    assert not [name for name in ycimages.calls[-1].metadata if "ycimages" in name]


def test_grpcio_is_as_before_after_virtual_time() -> None:
    """Also the parts that were loaded meanwhile."""
    modules = {name: __import__(name, fromlist=["_"]) for name in ("grpc._common", "grpc._channel", "grpc.aio._call")}
    before = {name: dict(vars(module)) for name, module in modules.items()}
    unary: Any = modules["grpc._channel"]._UnaryUnaryMultiCallable  # noqa: SLF001 - what is patched
    methods = dict(vars(unary))
    with VirtualTime():
        assert dict(vars(unary)) != methods
    assert {name: dict(vars(module)) for name, module in modules.items()} == before
    assert dict(vars(unary)) == methods


@pytest.mark.costly
def test_what_is_loaded_in_virtual_time_is_as_it_should_be_afterwards() -> None:
    """The channels of grpcio are loaded when the first is made."""
    code = """
import sys
from pytest_ycimages import VirtualTime
with VirtualTime():
    import grpc._channel
    unary = grpc._channel._UnaryUnaryMultiCallable
    assert hasattr(unary.future, "__wrapped__")
assert not hasattr(unary.future, "__wrapped__")
"""
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - ours


def test_a_double_that_closes_ends_its_calls(ycimages_time: VirtualTime) -> None:
    """As in real time."""
    with Double() as double, Stubs(double) as stubs:
        double.inject(hang(), on="images.create")
        future = stubs.images.Create.future(_create(), metadata=stubs.metadata)
        time.sleep(1)
        assert not future.done()
        double.close()
        assert future.exception().code() is grpc.StatusCode.UNAVAILABLE
    assert ycimages_time.elapsed == 1


def test_a_call_without_an_answer_fails_the_test_by_name(ycimages: Double) -> None:
    """It says what it waits for, and what to check: here a certificate that the client does not trust."""
    strangers = grpc.ssl_channel_credentials(CA().cert_pem.bytes())
    with VirtualTime(patience=0.2) as virtual_time, grpc.secure_channel(ycimages.grpc_endpoint, strangers) as channel:
        images: Any = ImageServiceStub(channel)
        with pytest.raises(VirtualTimeError, match=r"(?s)has had no answer for 0\.2 real.*wait_for_ready"):
            images.Create(_create(), metadata=_metadata(ycimages), wait_for_ready=True)
        assert virtual_time.elapsed == 0


def test_a_call_waits_until_the_double_accepts_connections_again(ycimages: Double) -> None:
    """As a client whose service config says `waitForReady`: time passes though a call is on its way, and no further."""
    with VirtualTime(patience=0.4) as virtual_time, grpc.insecure_channel(ycimages.grpc_endpoint) as channel:
        sleeper = threading.Thread(target=time.sleep, args=(3600,), daemon=True)
        sleeper.start()
        ycimages.inject(refuse(1000), on="images.create", when=first(1))
        images: Any = ImageServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            images.Create(_create(), metadata=_metadata(ycimages))
        images.Create(_create(), metadata=_metadata(ycimages), wait_for_ready=True)
        assert virtual_time.elapsed == 1000
