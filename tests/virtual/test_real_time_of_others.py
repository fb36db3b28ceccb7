"""Whoever is no client has real time: pytest and its plugins, processes, and threads that were there before."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import hypothesis
import pytest
from hypothesis import strategies as st

from pytest_ycimages import Double, VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.call import Call

PATIENCE: Final = 20.0
"""Real seconds after which a test that hangs fails."""


def _durations(result: pytest.RunResult) -> list[float]:
    return [
        float(each) for each in re.findall(r"^(\d+\.\d+)s (?:call|setup|teardown) ", result.stdout.str(), re.MULTILINE)
    ]


TWENTY_MINUTES: Final = """
    import time
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_waits(ycimages_time, ycimages, number):
        time.sleep(1200)
        assert ycimages_time.elapsed == 1200
"""


@pytest.mark.costly
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_durations_are_real(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """Twenty minutes of waiting are not to be seen in them, with workers or without."""
    project.makepyfile(TWENTY_MINUTES)
    result = project.runpytest_inprocess(*workers, "--durations=0", "-vv", "--junitxml=report.xml")
    result.assert_outcomes(passed=4)
    durations = _durations(result)
    assert len(durations) >= 4
    assert max(durations) < 60
    report = (project.path / "report.xml").read_text()
    assert max(float(each) for each in re.findall(r' time="([\d.]+)"', report)) < 60
    assert 'timestamp="2026-01-01' not in report


@pytest.mark.parametrize("options", [("--timeout-method=thread",), ("--timeout-method=signal",), ()])
@pytest.mark.parametrize("func_only", ["true", "false"])
def test_time_outs_of_pytest_are_real(project: pytest.Pytester, options: tuple[str, ...], func_only: str) -> None:
    """A test that waits longer than the limit in virtual time is within it."""
    project.makeini(f"[pytest]\ntimeout_func_only = {func_only}")
    project.makepyfile(TWENTY_MINUTES)
    project.runpytest_inprocess("-p", "timeout", "--timeout=60", *options).assert_outcomes(passed=4)


@pytest.mark.costly
@pytest.mark.parametrize("func_only", ["true", "false"])
def test_time_outs_of_pytest_strike(project: pytest.Pytester, func_only: str) -> None:
    """A test that hangs for real, in virtual time, is ended by the thread that watches over it."""
    project.makeini(f"[pytest]\ntimeout_func_only = {func_only}")
    project.makepyfile("""
        import threading

        def test_hangs(ycimages_time):
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
    """)
    result = project.runpytest_subprocess("-p", "timeout", "--timeout=0.5", "--timeout-method=thread")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*+ Timeout +*"])


def test_a_deadline_of_hypothesis_is_real() -> None:
    """An example that waits for hours keeps one of seconds."""

    @hypothesis.settings(max_examples=5, deadline=20_000, database=None)
    @hypothesis.given(st.integers(1, 20))
    def wait(hours: int) -> None:
        with VirtualTime() as virtual_time:
            time.sleep(hours * 3600)
            assert virtual_time.elapsed == hours * 3600

    wait()


def test_a_process_has_its_real_limit(ycimages_time: VirtualTime) -> None:
    """`subprocess.run`, with a limit that is kept and one that is not."""
    done = subprocess.run([sys.executable, "-S", "-c", "print(7)"], timeout=PATIENCE, capture_output=True, check=True)
    assert done.stdout.strip() == b"7"
    waits = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    before = ycimages_time.elapsed
    for captures in (True, False):
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(waits, timeout=0.01, check=True, capture_output=captures)  # noqa: S603 - ours
    assert before == ycimages_time.elapsed == 0


def test_threads_that_were_there_before_have_real_time() -> None:
    """They read the real clock, sleep for real, and time does not stand still for them."""
    ask, answered = threading.Event(), threading.Event()
    seen: list[float] = []

    def live() -> None:
        ask.wait(PATIENCE)
        before = time.monotonic()
        time.sleep(0.002)
        threading.Event().wait(0.002)
        seen.extend([time.time(), time.monotonic() - before, datetime.now(UTC).timestamp()])
        answered.set()

    thread = threading.Thread(target=live)
    thread.start()
    before = time.time()
    with VirtualTime() as virtual_time:
        time.sleep(3600)
        assert virtual_time.elapsed == 3600
        ask.set()
        answered.wait()
    thread.join()
    assert before <= seen[0] <= seen[2] <= time.time()
    assert seen[1] >= 0.004


def test_threads_of_a_double_have_real_time(ycimages_time: VirtualTime) -> None:
    """What a test hangs on them reads the real clock; the double's own says what the client sees."""
    seen: list[tuple[float, int]] = []
    doubles: list[Double] = []

    def note(_call: Call) -> None:
        seen.append((time.time(), doubles[0].clock.now()))

    with Double(on_call=note) as double:
        doubles.append(double)
        time.sleep(50)
        ask = f"from urllib.request import urlopen; urlopen('{double.url}/endpoints').read()"
        with subprocess.Popen([sys.executable, "-S", "-c", ask]) as process:  # noqa: S603 - ours
            assert process.wait(PATIENCE) == 0
    ((real, virtual),) = seen
    assert virtual == ycimages_time.now() == (1767225600 + 50) * 10**9
    assert abs(real - 1767225650) > 60


def test_a_client_may_be_told_to_have_real_time() -> None:
    """By the name of its module, for who deals with the world outside."""
    with VirtualTime(real=["outside"]) as virtual_time:
        _in("outside")(0.001)
        _in("outside.of_it")(0.001)
        assert virtual_time.elapsed == 0
        for module in ("subprocess", "multiprocessing.pool", "pydevd", "pytest_timeout"):
            _in(module)(0.001)
        assert virtual_time.elapsed == 0
        _in("outsider")(5)
        assert virtual_time.elapsed == 5


def _in(module: str) -> Callable[[float], None]:
    """A function of a module that sleeps."""
    names = {"__name__": module, "time": time}
    exec("def nap(seconds): time.sleep(seconds)", names)  # noqa: S102 - as importing does
    nap: Callable[[float], None] = names["nap"]  # type: ignore[assignment]
    return nap
