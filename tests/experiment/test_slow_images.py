"""What a user of Packer met in 2022, found by experiments: the image comes when the client has given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import assert_survives, nth, operation_slow, run_experiment
from tests.experiment.flawed_clients import Baker, packs, packs_again

if TYPE_CHECKING:
    from pytest_ycimages import Double

SLOW: Final = "operation_slow(seconds=360) at call 1 of images.create"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "left"),
    [
        (packs, "is still running"),
        (packs_again, "keeps its image"),
    ],
    ids=["one build", "two builds"],
)
def test_an_experiment_finds_the_image_that_comes_too_late(client: Any, left: str) -> None:
    """By itself, among all default faults and judges; the slow operation alone is enough."""
    report = run_experiment(client)
    (finding,) = (each for each in report.findings if each.judge == "no_orphans")
    assert (str(finding.scenario), left in finding.explanation) == (SLOW, True)


def test_the_second_build_meets_the_name_of_the_first(ycimages_time: object, ycimages: Double) -> None:  # noqa: ARG001 - turns virtual time on
    """The image that the first has left is READY by then."""
    ycimages.inject(operation_slow(360), on="images.create", when=nth(1))
    with pytest.raises(AssertionError, match=r"yet operation .* keeps its image") as failure:
        assert_survives(packs_again, ycimages, "no_orphans")
    assert "RefusedError: 409" in str(failure.value)
    (image,) = ycimages.images.values()
    assert (image.name, image.status) == ("base", "READY")


def test_a_client_that_cancels_survives(ycimages_time: object, ycimages: Double) -> None:  # noqa: ARG001 - turns virtual time on
    """It leaves nothing behind."""
    ycimages.inject(operation_slow(360), on="images.create", when=nth(1))
    trial = assert_survives(lambda url, token: Baker(url, token).bake(), ycimages)
    assert trial.failed
    assert not ycimages.images
