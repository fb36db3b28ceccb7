"""What experiments have found in the official Node SDK, as a command in real time: each test is expected to fail.

The field report in docs/explanation tells them. They have been run with @yandex-cloud/nodejs-sdk 3.2.0 and node 20.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ycimages import Command, Double, TrialLimits, run_experiment
from tests.grpc.test_node import MODULES, NEWEST, NODE, needs

PROGRAM = Path(__file__).parent / "bake.cjs"

pytestmark = [pytest.mark.slow, needs(NEWEST)]


@pytest.fixture
def bake(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command, with its packages and the certificate authority of this process in its environment."""
    monkeypatch.setenv("CA", Double().ca_path)
    monkeypatch.setenv("NODE_PATH", str(MODULES))
    return Command(f"{NODE} {PROGRAM}")


LIMITS = TrialLimits(seconds=30, calls=500)


def test_polls_are_repeated(bake: Command) -> None:
    """The SDK's `waitForOperation` survives what passes by itself."""
    run_experiment(bake, faults="unavailable(), on='operations.get'", limits=LIMITS).assert_ok()


def fails(what: str) -> pytest.MarkDecorator:
    """Expect a test to fail with the version that was tried."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"@yandex-cloud/nodejs-sdk 3.2.0 {what}")


@fails("never rejects the promise of waitForOperation when a poll fails: the process dies, whatever catches")
@pytest.mark.parametrize("fault", ["token_expired(), on='operations.get'", "operation_seen_late(reads=1)"])
def test_bake_no_orphans(bake: Command, fault: str) -> None:
    """What goes wrong: the first poll is refused."""
    run_experiment(bake, faults=fault, judges="no_orphans", limits=LIMITS).assert_ok()


@fails(
    "sends a create again after RST_STREAM with REFUSED_STREAM, without an idempotency key: grpc-js does so by itself"
)
def test_bake_recovers(bake: Command) -> None:
    """What goes wrong: stream_reset() at call 1 of images.create, after the commit."""
    run_experiment(
        bake, faults="stream_reset(), on='images.create', commit='after'", judges="recovers", limits=LIMITS
    ).assert_ok()
