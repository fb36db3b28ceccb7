"""How a judge says what he has found."""

from __future__ import annotations

from pytest_ycimages.experiment.trial import Verdict


def passed(judge: object, explanation: str, proof: tuple[int, ...] = ()) -> Verdict:
    """The client did as it should."""
    return Verdict(str(judge), True, explanation, proof)  # noqa: FBT003 - what the name says


def failed(judge: object, explanation: str, proof: tuple[int, ...], cause: str) -> Verdict:
    """It did not; see `Verdict` for the cause."""
    return Verdict(str(judge), False, explanation, proof, cause)  # noqa: FBT003 - what the name says
