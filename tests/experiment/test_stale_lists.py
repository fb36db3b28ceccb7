"""Clients that trust a list that is out of date, over both transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Double, image_seen_late, run_experiment, slow, unavailable

from . import cleaning_clients, grpc_clients
from .cleaning_clients import four_images

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_ycimages import Report
    from pytest_ycimages.experiment.trial import Verb

MODULES = pytest.mark.parametrize("module", [cleaning_clients, grpc_clients], ids=["REST", "gRPC"])


def tried(module: ModuleType, client: str, verb: Verb) -> Report:
    """The report on a client, with the judge of lists and those of its verb that it could fail by the same flaw."""
    options: dict[str, Any] = {"setup": four_images} if verb == "cleanup" else {}
    faults = [slow(5), unavailable(), image_seen_late(reads=1)]
    return run_experiment(
        getattr(module, client), faults=faults, judges=["no_stale_lists", "polite"], verb=verb, **options
    )


@MODULES
@pytest.mark.costly
@pytest.mark.parametrize(
    ("client", "verb", "cause"),
    [
        ("ensures_by_the_list", "create", "created again by a stale list"),
        ("replaces_by_the_list", "cleanup", "deleted by a stale list"),
    ],
)
def test_a_client_that_trusts_a_stale_list_is_found(module: ModuleType, client: str, verb: Verb, cause: str) -> None:
    """Alone, with the shortest scenario."""
    (finding,) = tried(module, client, verb).findings
    assert (finding.judge, finding.cause) == ("no_stale_lists", cause)
    assert str(finding.scenario) == "image_seen_late(reads=1) at call 1 of images.create"
    assert sum(moment.proves for moment in finding.trial.timeline) == 2


@MODULES
@pytest.mark.costly
@pytest.mark.parametrize(("client", "verb"), [("ensures", "create"), ("replaces", "cleanup")])
def test_a_client_that_looks_again_is_right(module: ModuleType, client: str, verb: Verb) -> None:
    """It knows what it has created."""
    tried(module, client, verb).assert_ok()


def test_an_image_that_is_seen_late_is_not_in_lists(ycimages: Double) -> None:
    """So many reads do not show it, whether they get it or list it; the journal says which."""
    ycimages.inject(image_seen_late(reads=2), on="images.create")
    baker = cleaning_clients.Cleaner(ycimages.url, ycimages.token)
    made = baker.create()["metadata"]["imageId"]
    listed = [[each["id"] for each in baker.call("GET", LISTED).get("images", [])] for _ in range(3)]
    baker.connection.close()
    assert listed == [[], [], [made]]
    lists = ycimages.calls.of("images.list")
    assert [(call.fault, call.image_id) for call in lists] == [*[("image_seen_late(reads=2)", made)] * 2, ("", None)]
    assert lists[0].note == "image_seen_late(reads=2): 0 images"


LISTED = "/compute/v1/images?folderId=b1g0000000000000000a"
