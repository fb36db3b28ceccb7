"""When virtual time is over, everything is what it was: every attribute that it replaces, by identity."""

from __future__ import annotations

import asyncio
import copyreg
import datetime as dt
import gc
import os
import queue
import selectors
import signal
import socket
import sys
import threading
import time
import uuid
from asyncio.base_events import BaseEventLoop
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import freezegun
import pytest
from freezegun import api, config

from pytest_ycimages import Double, VirtualTime
from pytest_ycimages.cloud import clock
from pytest_ycimages.server import activity
from pytest_ycimages.virtual import scheduler
from tests.virtual import late

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES: Final = (
    threading.Thread, threading.Condition, queue.SimpleQueue, socket.socket, BaseEventLoop,
    *(getattr(selectors, name) for name in dir(selectors) if name.endswith("Selector")),
)  # fmt: skip


def _state() -> dict[str, Any]:
    """Everything that modules and classes hold that virtual time could have touched, by where it is."""
    state = {
        f"{name}.{key}": value
        for name, module in list(sys.modules.items())
        if not name.startswith(("_pytest", "tests.virtual.test_restored"))
        for key, value in list(vars(module).items())
        if callable(value)
        and getattr(value, "__module__", "") in {"time", "datetime", "queue", "_queue", "freezegun.api"}
    }
    for owner in (
        *_CLASSES,
        api,
        config.settings,
        clock,
        activity,
        scheduler,
        threading,
        queue,
        time,
        dt,
        uuid,
    ):
        name = getattr(owner, "__qualname__", getattr(owner, "__name__", repr(owner)))
        state.update({f"{name}.{key}": value for key, value in vars(owner).items() if key not in _CHANGING})
    state["in force"] = (list(scheduler.in_force), list(sys.meta_path), signal.getsignal(signal.SIGURG))
    state["factories"] = len(api.freeze_factories)
    state["reducers"] = dict(copyreg.dispatch_table)
    return state


_CHANGING: Final = frozenset({
    "_active", "_limbo", "_dangling", "_counter", "_GLOBAL_MODULES_CACHE", "_shutdown_locks", "__warningregistry__",
    "_shutdown_locks_lock", "_last_timestamp", "_abc_impl", "serving", "_newname",
})  # fmt: skip
"""What changes by itself."""


def _changes(before: dict[str, Any]) -> list[str]:
    after = _state()
    missing = object()
    return sorted(key for key in {*before, *after} if before.get(key, missing) is not after.get(key, missing)
                  and before.get(key, missing) != after.get(key, missing))  # fmt: skip


def _use() -> None:
    """Wait in every way there is."""
    time.sleep(1)
    asyncio.run(asyncio.to_thread(time.sleep, 1))
    threading.Event().wait(1)
    thread = threading.Thread(target=time.sleep, args=(1,))
    thread.start()
    thread.join()
    with suppress(queue.Empty):
        queue.SimpleQueue().get(timeout=1)
    with Double() as double:
        late.with_http_client(double, 5)


@pytest.fixture(autouse=True)
def _used_before() -> None:
    """Whatever is imported by the first use, and what freezegun leaves behind after its own, `time.clock`, is there."""
    with VirtualTime():
        _use()


def _fail() -> None:
    _use()
    raise KeyError


@pytest.mark.costly
@pytest.mark.parametrize("act", [_use, _fail])
def test_everything_is_put_back(act: Callable[[], None]) -> None:
    """Whether what happened inside went well or not."""
    before = _state()
    for _ in range(2):
        with suppress(KeyError), VirtualTime():
            act()
    assert _changes(before) == []


@pytest.mark.costly
def test_everything_is_put_back_when_it_cannot_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it has been replaced then."""

    def fail(*_: object) -> None:
        raise KeyError

    before = _state()
    with monkeypatch.context() as patch:
        patch.setattr("pytest_ycimages.virtual.time.patch_loops", fail)
        with pytest.raises(KeyError), VirtualTime():
            pytest.fail("it should not have begun")
    assert _changes(before) == []
    with VirtualTime() as virtual_time:
        time.sleep(1)
    assert virtual_time.elapsed == 1


@pytest.mark.costly
def test_frozen_time_around_it_is_left_as_it_was() -> None:
    """With its own functions in place, not the real ones."""
    with freezegun.freeze_time("2030-01-01"):
        before = _state()
        factory = api.freeze_factories[-1]
        with VirtualTime():
            _use()
        assert _changes(before) == []
        assert api.freeze_factories == [factory]
        assert time.time() == dt.datetime(2030, 1, 1, tzinfo=dt.UTC).timestamp()


def _descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a directory that is no real one


@pytest.mark.costly
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="this system does not tell its open files")  # noqa: PTH112 - likewise
def test_no_file_and_no_thread_is_left_open() -> None:
    """However many waits there were."""
    files, threads = _descriptors(), threading.active_count()
    for _ in range(5):
        with VirtualTime():
            _use()
    assert (_descriptors(), threading.active_count()) == (files, threads)


@pytest.mark.costly
def test_nothing_is_replaced_by_importing() -> None:
    """Only entering the context replaces anything."""
    before = _state()
    virtual_time = VirtualTime()
    assert _changes(before) == []
    assert virtual_time.elapsed == 0
