"""What a unary gRPC call costs the server, and a fresh double with a fresh channel costs a test."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import grpc
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub

from pytest_ycimages import Double

from .goals import Goal, Sheet
from .stopwatch import ratio, seconds, timed, turns

if TYPE_CHECKING:
    from collections.abc import Generator

_KINDS: Final = ("constant", "double")
_LIMIT: Final = 1.6
_AT_ONCE: Final = 200
_LATENCY: Final = 0.3


class _Server:
    """A server in a process of its own, and a stub for it."""

    def __init__(self, kind: str, stack: ExitStack) -> None:
        command = [sys.executable, "-m", "tests.bench.grpc_server", kind]
        pipe = subprocess.PIPE
        self._process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))  # noqa: S603 - ours
        stack.callback(self._process.stdin.close)  # type: ignore[union-attr] # which ends it
        address, image = self._said().split()
        channel = stack.enter_context(grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]))
        self._images: Any = ImageServiceStub(channel)
        self._request = api.GetImageRequest(image_id=image)
        self.call()

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def call(self) -> None:
        """Make one call."""
        self._images.Get(self._request, timeout=20)

    def cpu(self) -> float:
        """Return the CPU seconds of the process."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._said())


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet for calls, and one for what a test pays."""
    rounds, calls = (4, 100) if quick else (20, 300)
    took: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    walls: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    with ExitStack() as stack:
        servers = {kind: _Server(kind, stack) for kind in _KINDS}
        for number in range(rounds):
            for kind in turns(_KINDS, number):
                before, start = servers[kind].cpu(), seconds()
                for _ in range(calls):
                    servers[kind].call()
                walls[kind].append((seconds() - start) / calls * 1e6)
                took[kind].append((servers[kind].cpu() - before) / calls * 1e6)
    sheet = Sheet("a unary call over gRPC, microseconds", ["server", "CPU of the server", "wall"])
    times = ratio(took, "double", "constant")
    goal = Goal("gRPC", "CPU of a call / that of a grpc.server with a constant", times, _LIMIT, "x")
    for kind in _KINDS:
        sheet.row(kind, median(took[kind]), median(walls[kind]), goals=[goal] if kind == "double" else [])
    yield sheet
    yield _tests(rounds)


def _tests(rounds: int) -> Sheet:
    starts = [timed(lambda: Double().start().close())[1] / 1000 for _ in range(rounds)]
    firsts = [timed(_first_call)[1] / 1000 for _ in range(rounds)]
    _, late = timed(lambda: asyncio.run(_at_once()))
    sheet = Sheet("what a test pays, milliseconds", ["what", "median"])
    sheet.row("start and close a double", median(starts))
    sheet.row("the same with a fresh channel and one call", median(firsts))
    goal = Goal("gRPC", f"{_AT_ONCE} calls at once, each {_LATENCY} s late", late / 1e6, 0.5, " s")
    sheet.row(f"{_AT_ONCE} calls at once over one connection", late / 1000, goals=[goal])
    return sheet


def _first_call() -> None:
    with Double(auth="off") as double, grpc.insecure_channel(double.grpc_endpoint) as channel:
        images: Any = ImageServiceStub(channel)
        images.List(api.ListImagesRequest(folder_id=double.folder_id), timeout=20)


async def _at_once() -> None:
    with Double(auth="off", latency=_LATENCY) as double:
        async with grpc.aio.insecure_channel(double.grpc_endpoint) as channel:
            images: Any = ImageServiceStub(channel)
            request = api.ListImagesRequest(folder_id=double.folder_id)
            await asyncio.gather(*(images.List(request, timeout=20) for _ in range(_AT_ONCE)))
