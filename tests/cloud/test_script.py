"""Scripts: what each stage shows, what is true meanwhile, and stories that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Code, Failure, Script, Stage, Status, UsageError
from pytest_ycimages.cloud.ids import Ids
from pytest_ycimages.cloud.lifecycle import Phase
from pytest_ycimages.cloud.plan import Plan, Planner, cancelled, view
from pytest_ycimages.cloud.rules import Rules
from tests.cloud.operations import START, at

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = Failure("RESOURCE_EXHAUSTED", "no space left")
BAD_URI = Status(code=Code.INVALID_ARGUMENT, message="url source not found")
CANCEL = Status(code=Code.CANCELLED, message="Cancelled by client")
RUNNING, UNDONE, READY, GONE = Phase.RUNNING, Phase.ROLLING_BACK, Phase.SUCCEEDED, Phase.FAILED


def plan_of(script: Script, *, failure: Status | None = None, **settings: Any) -> Plan:
    """The plan of a create that follows `script`."""
    planner = Planner(Ids("seed"), Rules(timing=script, **settings))
    return planner.plan("images.create", START, size=0, source="uri", failure=failure)


def story(plan: Plan, *seconds: float) -> list[tuple[str, Phase]]:
    """What polls see and what is true, at each of these moments."""
    seen = [view(plan, at(each)) for each in seconds]
    return [(str(each.stage.state) if each.stage else "-", each.phase) for each in seen]


def test_a_lagging_replica_hides_an_operation_that_runs() -> None:
    """`vanished` says nothing of the truth; the end is that of `succeeded`, to the nanosecond."""
    plan = plan_of(Script(Stage("vanished", 2), Stage("running", 3), Stage("succeeded")))
    assert story(plan, 0, 1.999999999, 2, 4.999999999, 5, 10**6) == [
        ("vanished", RUNNING),
        ("vanished", RUNNING),
        ("running", RUNNING),
        ("running", RUNNING),
        ("succeeded", READY),
        ("succeeded", READY),
    ]
    assert view(plan, at(9)).modified_at == at(5)


def test_what_has_succeeded_stays_so_though_polls_see_it_run_again() -> None:
    """Flapping: polls see it, and the truth does not."""
    plan = plan_of(Script(Stage("running", 1), Stage("succeeded", 1), Stage("running", 1), Stage("empty")))
    assert story(plan, 0, 1, 2, 3) == [
        ("running", RUNNING),
        ("succeeded", READY),
        ("running", READY),
        ("empty", READY),
    ]
    assert view(plan, at(3)).modified_at == at(1)


def test_an_error_long_before_done() -> None:
    """`failing` begins the rollback, and `failed` ends it: the setting `rollback` has no say in a script."""
    plan = plan_of(Script(Stage("running", 1), Stage("failing", 60, error=FULL), Stage("failed")), rollback=5)
    assert story(plan, 0, 1, 60.999999999, 61) == [
        ("running", RUNNING),
        ("failing", UNDONE),
        ("failing", UNDONE),
        ("failed", GONE),
    ]
    assert plan.failure == FULL.error


def test_a_failure_without_failing_is_undone_at_once() -> None:
    """And one that is never `failed` is never undone."""
    assert story(plan_of(Script(Stage("failed"))), 0) == [("failed", GONE)]
    for last in ("failing", "running", "vanished"):
        plan = plan_of(Script(Stage("failing", 5), Stage(last)))
        assert story(plan, 0, 10**9) == [("failing", UNDONE), (last, UNDONE)]


def test_an_error_holds_until_another_is_given() -> None:
    """The first stage that shows one says what is true; without any, it is INTERNAL."""
    plan = plan_of(Script(Stage("failing", 1, error=FULL), Stage("running", 1), Stage("failing", 1), Stage("failed")))
    assert plan.schedule.script
    assert [stage.error for stage in plan.schedule.script.stages] == [FULL.error, None, FULL.error, FULL.error]
    other = plan_of(Script(Stage("failing", 1), Stage("failed", error=CANCEL)))
    assert other.schedule.script
    assert [stage.error for stage in other.schedule.script.stages] == [Failure().error, CANCEL]
    assert other.failure == Failure().error


def test_a_script_that_shows_no_end_has_none() -> None:
    """It runs until it is cancelled."""
    plan = plan_of(Script(Stage("vanished", 1), Stage("running")))
    assert story(plan, 10**9) == [("running", RUNNING)]
    assert story(cancelled(plan, at(0.5), CANCEL), 0.4, 0.5) == [("vanished", RUNNING), ("-", GONE)]


def test_a_cancel_ends_the_script_when_it_takes_effect() -> None:
    """A late one lets it go on until then; after the true end, there is nothing left to cancel."""
    script = Script(Stage("running", 2), Stage("vanished", 4), Stage("succeeded", 1), Stage("running"))
    late = cancelled(plan_of(script, cancel="late", cancel_delay=3), at(1), CANCEL)
    assert story(late, 1, 3, 4) == [("running", RUNNING), ("vanished", RUNNING), ("-", GONE)]
    too_late = cancelled(plan_of(script, cancel="too_late"), at(1), CANCEL)
    assert story(too_late, 1, 4) == [("-", READY), ("-", READY)]
    plan = plan_of(script)
    assert cancelled(plan, at(7), CANCEL) is plan


def test_a_script_says_how_it_ends_whatever_the_outcome_is_set_to() -> None:
    """Success as well as failure."""
    ends = Script(Stage("succeeded")), Script(Stage("failed", error=FULL))
    plans = [plan_of(script, outcome=Failure("ABORTED")) for script in ends]
    assert [(view(plan, START).phase, plan.failure) for plan in plans] == [(READY, None), (GONE, FULL.error)]


def test_no_script_makes_an_impossible_request_succeed() -> None:
    """It fails where it would have succeeded, and that is its end; a script that fails by itself is left alone."""
    script = Script(Stage("running", 1), Stage("empty", 1), Stage("running", 1), Stage("succeeded"))
    plan = plan_of(script, failure=BAD_URI)
    assert story(plan, 0, 1, 2, 3) == [("running", RUNNING), ("failed", GONE), ("failed", GONE), ("failed", GONE)]
    assert plan.failure == BAD_URI
    assert view(plan, at(2)).stage == (at(1), "failed", {}, BAD_URI)
    assert plan_of(Script(Stage("failed", error=FULL)), failure=BAD_URI).failure == FULL.error
    endless = plan_of(Script(Stage("vanished", 1), Stage("running")), failure=BAD_URI)
    assert story(endless, 0, 5) == [("vanished", RUNNING), ("running", RUNNING)]


def test_a_script_may_be_written_as_a_list_and_reads_as_it_was_written() -> None:
    """Stages are values: equal when equal, and what they were given cannot be changed through them."""
    metadata = {"progressPercent": 40, "steps": ["copy"]}
    stages = [Stage("running", 5, metadata=metadata), Stage("failing", 2.5, error=FULL), Stage("failed")]
    assert Script(stages) == Script(*stages) == Script(iter(stages))
    assert hash(Script(stages)) == hash(Script(*stages))
    metadata["steps"] = []
    assert stages[0].metadata == {"progressPercent": 40, "steps": ["copy"]}
    assert repr(Script(Stage("running", 5, metadata={"percent": 1}), Stage("empty"))) == (
        "Script(Stage('running', 5, metadata={'percent': 1}), Stage('empty'))"
    )


LENGTH = "expected more than zero seconds, or none for the last stage, which has no end."
TWO_ENDS = (
    "an operation that has begun to fail does not succeed, and one that has succeeded does not fail. "
    "'running' and 'vanished' may follow either."
)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Stage("runing", 5),
            (
                "Unknown state of a stage 'runing'. Did you mean 'running'? "
                "Known: empty, failed, failing, running, succeeded, vanished."
            ),
        ),
        (lambda: Stage("running", 0), f"invalid Stage('running', seconds=0): {LENGTH}"),
        (lambda: Stage("running", -1), f"invalid Stage('running', seconds=-1): {LENGTH}"),
        (lambda: Stage("running", "5"), f"invalid Stage('running', seconds='5'): {LENGTH}"),  # type: ignore[arg-type]  # so
        (
            lambda: Stage("running", 5, error=FULL),
            "Stage('running') shows no error. Leave `error` out, or write 'failing'.",
        ),
        (
            lambda: Stage("failed", error="INTERNAL"),  # type: ignore[arg-type]  # tests are not always type-checked
            "invalid error='INTERNAL' for Stage('failed'): expected a Failure, such as Failure('UNAVAILABLE').",
        ),
        (
            lambda: Stage("failed", error=Status(code=Code.OK)),
            (
                "invalid error=Status(code='OK', message='', details=()) for Stage('failed'): "
                "expected a Failure, such as Failure('UNAVAILABLE')."
            ),
        ),
        (
            lambda: Stage("running", metadata={"imageId": "x"}),
            "invalid metadata={'imageId': 'x'}: 'imageId' is the operation's own. Give it another name.",
        ),
        (
            lambda: Stage("running", metadata=[1]),  # type: ignore[arg-type]  # tests are not always type-checked
            "invalid metadata=[1]: expected a dict, such as {'progressPercent': 40}.",
        ),
        (
            lambda: Stage("vanished", 5, metadata={"percent": 1}),
            "Stage('vanished') shows no metadata, since it is hidden. Leave `metadata` out.",
        ),
        (
            Script,
            "Script() is empty: give stages, such as Script(Stage('running', 5), Stage('succeeded')).",
        ),
        (
            lambda: Script([]),
            "Script() is empty: give stages, such as Script(Stage('running', 5), Stage('succeeded')).",
        ),
        (
            lambda: Script("running", Stage("failed")),  # type: ignore[arg-type]  # tests are not always type-checked
            "invalid stage 'running': expected stages, such as Stage('running', 5).",
        ),
        (
            lambda: Script(5),  # type: ignore[arg-type]  # tests are not always type-checked
            "invalid stage 5: expected stages, such as Stage('running', 5).",
        ),
        (
            lambda: Script(Stage("running"), Stage("succeeded")),
            (
                "Stage 1 of 2 ('running') has no length, so later stages are never seen. "
                "Give its seconds: Stage('running', 5)."
            ),
        ),
        (
            lambda: Script(Stage("running", 5), Stage("succeeded", 3)),
            (
                "The last stage ('succeeded') lasts for ever: write Stage('succeeded') without its 3 seconds, "
                "or add a stage for what comes after them."
            ),
        ),
        (
            lambda: Script(Stage("failed", 5), Stage("vanished")),
            "'failed' must be the last stage, but 'vanished' follows it.",
        ),
        (
            lambda: Script(Stage("failing", 5), Stage("running", 5), Stage("succeeded")),
            f"'succeeded' cannot come after 'failing': {TWO_ENDS}",
        ),
        (
            lambda: Script(Stage("empty", 5), Stage("failed")),
            f"'failed' cannot come after 'empty': {TWO_ENDS}",
        ),
    ],
)
def test_a_story_that_cannot_be_is_refused(make: Callable[[], object], text: str) -> None:
    """When it is written: which stage, why, and what to write instead."""
    with pytest.raises(UsageError) as refusal:
        make()
    assert str(refusal.value) == text


def test_metadata_that_is_no_json_is_refused() -> None:
    """It would make every poll fail."""
    with pytest.raises(UsageError, match=r"^invalid metadata=.*: not JSON "):
        Stage("running", metadata={"at": object()})
