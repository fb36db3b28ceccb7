"""The judges: what each of them asks for, what it does not ask for, and how it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import (
    PlannedFault,
    UsageError,
    Verdict,
    bounded,
    cancel_ignored,
    cancels,
    cancels_within,
    error,
    finishes,
    no_duplicates,
    no_orphans,
    no_useless_retry,
    operation_fails,
    operation_never_ends,
    permission_denied,
    polite,
    rate_limited,
    recovers,
    reset,
    truncate,
    truthful,
    unavailable,
)
from pytest_ycimages.experiment.judges import DEFAULT_JUDGES, failures, judged, judges_of, name_of

from .flawed_clients import Baker, RefusedError, correct, success_on_error
from .judging import at, client, said, trial

if TYPE_CHECKING:
    from pytest_ycimages import Trial
    from pytest_ycimages.experiment.judges import Judge


class _Hasty(Baker):
    """Heeds no `Retry-After`."""

    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        status, _, data = super().exchange(verb, path, body)
        return status, 0, data


class _Steady(Baker):
    """Does not back off."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        for _ in range(20):
            try:
                return super().call(*args, **kwargs)
            except RefusedError as refused:
                if refused.status != 503:
                    raise
        raise TimeoutError

    attempts = 1


class _Curious(Baker):
    """Polls once more, to be sure."""

    def result(self, operation: Any) -> str:
        self.poll(operation["id"])
        return super().result(operation)


class _GivesUpAtOnce(Baker):
    """Has no patience with its first call."""

    attempts = 1


class _Doubtful(Baker):
    """Reports failure whatever comes."""

    def result(self, operation: Any) -> str:
        raise RuntimeError(f"who knows what became of {operation['id']}")


@pytest.mark.parametrize(
    ("kind", "judge", "faults", "expected"),
    [
        (_Hasty, polite, [at(rate_limited(retry_after=7), "images.create")], "does not heed retry-after"),
        (Baker, polite, [at(rate_limited(retry_after=7), "images.create")], "content"),
        (_Curious, polite, [], "polls after done"),
        (_Steady, bounded(), [at(unavailable(), "images.create", lasts=True)], "storms"),
        (_Steady, polite, [at(unavailable(), "images.create", lasts=True)], "content"),
        (Baker, polite, [at(unavailable(), "images.create", lasts=True)], "content"),
        (_GivesUpAtOnce, recovers, [at(unavailable(), "images.create")], "gave up after an error of images.create"),
        (
            _GivesUpAtOnce,
            recovers,
            [at(reset(), "images.create")],
            "gave up after a lost or damaged answer to images.create",
        ),
        (_GivesUpAtOnce, recovers, [at(permission_denied(), "images.create")], "nothing"),
        (_GivesUpAtOnce, recovers, [at(unavailable(), "images.create", lasts=True)], "nothing"),
        (_GivesUpAtOnce, recovers, [], "nothing"),
        (_Doubtful, recovers, [], "fails without a fault"),
        (_Doubtful, truthful, [], "reported failure though it was told of success"),
        (_Doubtful, no_orphans, [], "failed and left an image that it knew of"),
        (_Doubtful, truthful, [at(operation_fails(), "images.create")], "content"),
        (Baker, cancels, [], "nothing"),
        (Baker, cancels, [at(operation_never_ends(), "images.create")], "content"),
        (Baker, cancels_within(60), [], "content"),
        (Baker, cancels_within(6), [], "cancels too late"),
        (Baker, cancels_within(60), [at(operation_never_ends(), "images.create")], "cancels too late"),
        (Baker, cancels_within(600), [at(operation_never_ends(), "images.create")], "content"),
        (Baker, no_duplicates, [], "content"),
        (Baker, no_useless_retry, [at(error(3), "operations.get")], "content"),
        (Baker, finishes(within=8), [], "does not end"),
        (Baker, finishes(within=9), [], "content"),
        (Baker, bounded(calls=4), [], "calls too often"),
        (Baker, bounded(calls=5), [], "content"),
    ],
)
def test_what_a_judge_says(kind: type[Baker], judge: Judge, faults: list[PlannedFault], expected: str) -> None:
    """One rule of one judge after the other."""
    assert said(judge, trial(client(kind), *faults)) == expected


def test_a_create_whose_answer_was_lost_is_to_be_cleared_up_by_asking_again() -> None:
    """A client that does not even ask again is held to the image that it left."""
    lost = PlannedFault(reset(), "images.create", 1, "after")
    assert said(no_orphans, trial(client(_GivesUpAtOnce), lost)) == "failed and left an image that it was not told of"
    refused = at(permission_denied(), "images.create", 2)
    assert said(no_orphans, trial(correct, lost, refused)) == "content"


def test_a_client_that_is_kept_from_cancelling_leaves_no_orphan() -> None:
    """It has tried, and no other try would have helped; unless it had been let."""
    first = at(permission_denied(), "operations.get")
    assert said(no_orphans, trial(correct, first, at(permission_denied(), "operations.cancel"))) == "content"
    assert said(no_orphans, trial(correct, first, at(unavailable(), "operations.cancel"))) == "content"


def test_a_client_checks_the_operation_after_an_ignored_cancel() -> None:
    """The client that is right waits for what becomes of it, and reports the image."""
    made = trial(correct, at(cancel_ignored(), "images.create"))
    assert failures(DEFAULT_JUDGES, made) == ()


def test_a_verdict_names_the_calls_that_prove_it() -> None:
    """Their places in the journal."""
    verdict = judged(polite, trial(client(_Curious)))
    assert verdict is not None
    assert verdict.proof == (4, 5)
    assert verdict.explanation.endswith("again, 1 time(s), after it was shown done.")


def test_half_an_answer_tells_nothing() -> None:
    """Who polls again after it is not impolite."""
    assert said(polite, trial(correct, PlannedFault(truncate(), "operations.get", 4, "after"))) == "content"


def test_a_judge_of_ones_own_says_what_is_wrong_in_words() -> None:
    """Or nothing, when nothing is."""

    def bakes_in_a_minute(made: Trial) -> str | None:
        return f"took {made.seconds:.0f} seconds" if made.seconds > 60 else None

    assert judged(bakes_in_a_minute, trial(correct)) is None
    verdict = judged(bakes_in_a_minute, trial(correct, at(operation_never_ends(), "images.create")))
    assert verdict == Verdict("bakes_in_a_minute", passed=False, explanation="took 285 seconds")


def test_an_invalid_verdict_is_refused() -> None:
    """The judge is named."""

    def doubts(made: Trial) -> Any:
        return made.seconds

    with pytest.raises(UsageError, match=r"The judge doubts returned 8\.125"):
        judged(doubts, trial(correct))


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (None, [name_of(judge) for judge in DEFAULT_JUDGES]),
        (truthful, ["truthful"]),
        ("truthful", ["truthful"]),
        (
            [finishes, "finishes(within=10)", "bounded"],
            ["finishes(within=3600)", "finishes(within=10)", "bounded(calls=500)"],
        ),
        ("truthful()", ["truthful"]),
        (
            ["finishes(600)", "cancels_within(60)", "bounded(9, burst=3)"],
            ["finishes(within=600)", "cancels_within(60)", "bounded(calls=9, burst=3)"],
        ),
    ],
)
def test_judges_are_read_from_what_users_write(written: object, names: list[str]) -> None:
    """Themselves, or as text."""
    assert [name_of(judge) for judge in judges_of(written)] == names


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("truthfull", "Unknown judge 'truthfull'. Did you mean 'truthful'? Known: bounded, cancels, cancels_within, "),
        ("finishes(in=3)", "finishes"),
        ("finishes(within=-1)", "invalid finishes(within=-1): expected a finite number above zero"),
        ("finishes(within=1e999)", "expected a finite number above zero"),
        ("finishes(within=nan)", "Unknown judge 'nan'"),
        ("finishes(soon=1)", "Unknown argument of finishes 'soon'. Known: after_end, within."),
        ("finishes(600", "invalid judge 'finishes(600': expected one of bounded(calls=500, burst=10), cancels, "),
        ("cancels_within", "cancels_within needs parentheses, such as cancels_within(seconds)"),
        ("cancels_within()", "missing a required argument: 'seconds'; expected cancels_within(seconds)"),
        ("truthful(3)", "too many positional arguments; expected truthful()"),
        ("3", "invalid judge '3': expected one of bounded(calls=500, burst=10), cancels, "),
        ("__import__('os')", "Unknown judge"),
        ([], "an experiment needs a judge"),
        (3, "invalid judge 3: expected a function of a Trial"),
    ],
)
def test_an_invalid_judge_is_refused(written: object, said: str) -> None:
    """With what would be one. No code is run."""
    with pytest.raises(UsageError) as raised:
        judges_of(written)
    assert said in str(raised.value)


class _Deletes(Baker):
    """Deletes the image, and reports failure."""

    def result(self, operation: Any) -> str:
        image_id = super().result(operation)
        self.call("DELETE", f"/compute/v1/images/{image_id}")
        raise RuntimeError("it is of no use")


def test_an_image_that_is_being_deleted_is_not_an_orphan_unless_that_fails() -> None:
    """The deletion has its own operation, which may come to nothing."""
    assert said(no_orphans, trial(client(_Deletes))) == "content"
    fails = at(operation_fails(after=0), "images.delete")
    assert said(no_orphans, trial(client(_Deletes), fails)) == "failed and left an image that it knew of"


def test_an_operation_that_failed_without_a_message_is_told_by_its_code() -> None:
    """And not by the number of that."""
    verdict = judged(truthful, trial(success_on_error, at(operation_fails("ABORTED"), "images.create")))
    assert verdict is not None
    assert verdict.explanation.endswith("failed: ABORTED.")
