"""Operation timing and outcome: the methods of a double that plan future operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.api.message import SECOND
from pytest_ycimages.cloud.plan import NextOperation
from pytest_ycimages.cloud.rules import (
    CANCELLED,
    STARTING,
    cancel_delay_setting,
    for_one_operation,
    named_by,
    per_method,
)
from pytest_ycimages.errors import UsageError

if TYPE_CHECKING:
    from pytest_ycimages.backing.backing import Backing
    from pytest_ycimages.cloud.lifecycle import CancelWord
    from pytest_ycimages.cloud.outcome import Failure, Success
    from pytest_ycimages.cloud.rules import CancelSetting, OutcomeSetting, PerMethod, RollbackSetting, TimingSetting
    from pytest_ycimages.cloud.timing import Timing


class Planning:
    """Plans how long operations take, how they end, and what a cancel does.

    Each setting applies to operations that start from now on. Set it to one value for all methods, or to a mapping of
    method words and globs to values: the first match counts, and a method without a match has the default. An invalid
    value raises a `UsageError` and changes nothing.
    """

    _backing: Backing

    @property
    def timing(self) -> Timing | PerMethod[Timing]:
        """The duration of operations: seconds, or a timing, also as text."""
        return self._backing.planner.timing

    @timing.setter
    def timing(self, timing: TimingSetting) -> None:
        self._backing.planner.timing = per_method("timing", timing)

    @property
    def outcome(self) -> Success | Failure | PerMethod[Success | Failure]:
        """The outcome of operations: `Success()`, or a `Failure`, also as text."""
        return self._backing.planner.outcome

    @outcome.setter
    def outcome(self, outcome: OutcomeSetting) -> None:
        self._backing.planner.outcome = per_method("outcome", outcome)

    @property
    def rollback(self) -> float | PerMethod[float]:
        """Seconds of rollback when an operation fails or is cancelled."""
        return self._backing.planner.rollback

    @rollback.setter
    def rollback(self, rollback: RollbackSetting) -> None:
        self._backing.planner.rollback = per_method("rollback", rollback)

    @property
    def cancel(self) -> CancelWord | PerMethod[CancelWord]:
        """The effect of a cancel while an operation runs: `wins`, `late`, `loses`, `too_late` or `refused`."""
        return self._backing.planner.cancel

    @cancel.setter
    def cancel(self, cancel: CancelSetting) -> None:
        self._backing.planner.cancel = per_method("cancel", cancel)

    @property
    def cancel_delay(self) -> float:
        """Seconds until a `late` cancel takes effect."""
        return self._backing.planner.cancel_delay

    @cancel_delay.setter
    def cancel_delay(self, seconds: float) -> None:
        self._backing.planner.cancel_delay = cancel_delay_setting(seconds)

    def next_operation(  # noqa: PLR0913 - the settings of an operation, each by its name
        self,
        on: str = "*",
        *,
        timing: Timing | float | str | None = None,
        outcome: Success | Failure | str | None = None,
        rollback: float | None = None,
        cancel: CancelWord | None = None,
        cancel_delay: float | None = None,
    ) -> None:
        """Plan the next operation alone. Values that are not given come from the settings.

        Each request is for one operation; an operation takes the first request that names its method.

        Args:
            on: the word or glob of the methods that may start it.
            timing: its duration.
            outcome: its outcome.
            rollback: seconds of rollback.
            cancel: the effect of a cancel.
            cancel_delay: seconds until a `late` cancel takes effect.

        Raises:
            UsageError: `on` names a method that starts no operation, no value is given, or a value is invalid.
        """
        about_cancels = cancel is not None or cancel_delay is not None
        named_by(on, CANCELLED if about_cancels else STARTING)
        values = {
            "timing": timing,
            "outcome": outcome,
            "rollback": rollback,
            "cancel": cancel,
            "cancel_delay": cancel_delay,
        }
        given = {name: for_one_operation(name, value) for name, value in values.items() if value is not None}
        asked = NextOperation(on, named_by(on, STARTING), **given)
        if not given:
            raise UsageError(
                f"next_operation({on!r}) has no values. Give timing, outcome, rollback, cancel or cancel_delay, "
                "such as next_operation(timing=60)."
            )
        with self._backing.pipeline.lock:
            self._backing.planner.upcoming.append(asked)

    @property
    def upcoming(self) -> tuple[NextOperation, ...]:
        """The requests of `next_operation` that no operation has taken yet; only the fake accepts any."""
        if self._backing.settings.mode != "fake":
            return ()
        with self._backing.pipeline.lock:  # in which a fault may add a request of its own for a moment
            return tuple(self._backing.planner.upcoming)

    def phases(self, operation_id: str) -> tuple[tuple[str, float], ...]:
        """Return the phases of an operation: the name of each, and when it begins, in seconds since the double began.

        Those to come are among them, as far as they are decided. Empty for an operation that the double does not know,
        and with a cassette, which has only what the client saw.
        """
        began = self._backing.clock.began_at
        return tuple((phase.value, (at - began) / SECOND) for phase, at in self._backing.phases(operation_id))
