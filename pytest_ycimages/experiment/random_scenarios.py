"""Random scenarios of many faults, made by Hypothesis: the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ycimages.experiment.progress import Spot
    from pytest_ycimages.experiment.scenario import Candidate, PlannedFault

_MORE: int = 3
"""By how many faults the largest scenario exceeds the depth that was searched."""


def random_scenarios(
    spots: Sequence[Spot], candidates: Sequence[Candidate], *, beyond: int, examples: int, seed: int
) -> list[Scenario]:
    """Return scenarios of more than `beyond` faults, each at its own call.

    Args:
        spots: the calls that may be struck.
        candidates: the faults to try.
        beyond: the depth that has been searched.
        examples: how many; fewer if fewer exist.
        seed: the seed.

    Raises:
        UsageError: Hypothesis is not installed.
    """
    try:
        import hypothesis  # noqa: PLC0415 - an optional extra
        from hypothesis import strategies as st  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise UsageError(
            "Random scenarios need Hypothesis: pip install 'pytest-ycimages[hypothesis]'. Without it, an experiment "
            "tries every scenario up to its depth: random=0."
        ) from None
    plans = [planned for spot in spots for candidate in candidates for planned in candidate.at(*spot)]
    by_call = st.lists(
        st.sampled_from(plans),
        min_size=beyond + 1,
        max_size=beyond + _MORE,
        unique_by=lambda each: (each.method, each.nth),
    )
    found: dict[str, Scenario] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(by_call)
    def collect(faults: list[PlannedFault]) -> None:
        scenario = Scenario(tuple(sorted(faults, key=lambda each: (each.method, each.nth))))
        found.setdefault(str(scenario), scenario)

    collect()
    return list(found.values())
