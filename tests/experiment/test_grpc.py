"""Experiments on clients that speak gRPC: faults of HTTP/2 take part, and the judges find what they find over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from pytest_ycimages import (
    Candidate,
    goaway,
    keeps_images,
    operation_fails,
    operation_never_ends,
    operation_slow,
    run_experiment,
    stream_reset,
    unavailable,
)
from pytest_ycimages.experiment.judges import JUDGES_OF, name_of
from pytest_ycimages.experiment.scenario import DEFAULT_FAULTS

from . import grpc_clients
from .cleaning_clients import KEPT, four_images
from .flawed_clients import correct
from .sdk_clients import LIMIT, CarefulSdkBaker, SdkBaker

if TYPE_CHECKING:
    from pytest_ycimages import Report
    from pytest_ycimages.experiment.trial import Verb

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own parts

FEW: Final = (
    Candidate(unavailable(), on="images.[cdu]*"),
    Candidate(goaway(), on="images.[cdu]*", over="gRPC"),
    Candidate(operation_slow(360), on="images.create"),
    Candidate(operation_fails()),
)
"""Faults of the calls that start operations, the mildest first."""
NOTHING: Final = "nothing goes wrong"
AFTER: Final = "call 1 of images.{}, after the commit"


class Flaw(NamedTuple):
    """A client over grpcio, what it is for, and what is found of it by which judge."""

    client: str
    verb: Verb
    judge: str
    scenario: str


FLAWS: Final = (
    Flaw("without_a_key", "create", "no_duplicates", "unavailable() at " + AFTER.format("create")),
    Flaw("new_key_per_attempt", "create", "no_duplicates", "unavailable() at " + AFTER.format("create")),
    Flaw("leaves_an_orphan", "create", "no_orphans", "operation_slow(seconds=360) at call 1 of images.create"),
    Flaw("success_on_error", "create", "truthful", "operation_slow(seconds=360) at call 1 of images.create"),
    Flaw("counts_deletions", "cleanup", f"keeps_images({KEPT!r})", "unavailable() at " + AFTER.format("delete")),
    Flaw("ignores_errors", "delete", "deletes_images()", "operation_fails(code='INTERNAL') at call 1 of images.delete"),
    Flaw("deletes_until_gone", "delete", "deletes_once", NOTHING),
    Flaw(
        "labels_carelessly",
        "update",
        "no_lost_updates",
        "operation_fails(code='INTERNAL') at call 1 of images.update",
    ),
    Flaw("bakes_three_with_many_keys", "create_many", "no_duplicates", "unavailable() at " + AFTER.format("create")),
)
RIGHT: Final[tuple[tuple[str, Verb], ...]] = (
    ("correct", "create"),
    ("cleans", "cleanup"),
    ("labels_carefully", "update"),
    ("bakes_three", "create_many"),
)


def experiment(client: str, verb: Verb, **options: Any) -> Report:
    """The report on a client over grpcio."""
    setup = four_images if verb in {"delete", "cleanup"} else None
    options = {"faults": FEW, **options}
    return run_experiment(getattr(grpc_clients, client), verb=verb, setup=setup, **options)


@pytest.mark.costly
@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.client)
def test_a_flaw_is_found_over_grpc_alone_with_its_shortest_scenario(flaw: Flaw) -> None:
    """By the judge that finds it over REST."""
    keeping = [keeps_images(KEPT)] if flaw.judge.startswith("keeps") else []
    # a client that counts hurries as well, and none that creates several cancels
    besides = {"polite", "bounded(calls=500)"} if keeping else {"cancels"} if flaw.verb == "create_many" else {""}
    judges = [each for each in JUDGES_OF[flaw.verb] if name_of(each) not in besides]
    report = experiment(flaw.client, flaw.verb, judges=[*keeping, *judges])
    (finding,) = report.findings
    assert (finding.judge, str(finding.scenario)) == (flaw.judge, flaw.scenario)
    assert report.transports == ("gRPC",)
    assert report.verb == flaw.verb


@pytest.mark.costly
@pytest.mark.parametrize(("client", "verb"), RIGHT)
def test_a_right_client_has_no_finding_over_grpc(client: str, verb: Verb) -> None:
    """With the judges of its verb; those that give up without a cancel are not asked for one."""
    judges = [each for each in JUDGES_OF[verb] if verb == "create" or name_of(each) != "cancels"]
    experiment(client, verb, judges=judges).assert_ok()


@pytest.mark.slow
def test_a_right_client_has_no_finding_over_grpc_with_any_default_fault() -> None:
    """Of gRPC and of both transports; the same is tried and found on each run."""
    first, second = (experiment("correct", "create", faults=None) for _ in range(2))
    first.assert_ok()
    assert (first.findings, first.counts) == (
        second.findings,
        second.counts,
    )  # grpcio sees a lost connection in real time
    assert first.counts.tried > 150
    names = {row.fault.partition("(")[0] for row in first.faults}
    assert {"goaway", "stream_reset", "unavailable", "reset"} <= names
    assert not names & {"truncate", "garble", "refuse", "bad_request"}


@pytest.mark.costly
def test_grpcio_itself_asks_again_after_a_goaway_that_has_not_seen_the_call() -> None:
    """So even a client that never asks again makes two images, where the call had been done."""
    faults = [each for each in DEFAULT_FAULTS if each.fault.name in {"unavailable", "goaway", "stream_reset"}]
    report = experiment("asks_once", "create", faults=faults, judges=["no_duplicates"])
    (finding,) = report.findings
    assert str(finding.scenario) == "goaway(code='NO_ERROR') at call 1 of images.create, after the commit"
    assert finding.others == 0
    assert "goaway" in finding.test


@pytest.mark.costly
def test_the_transport_is_found_from_the_first_run() -> None:
    """A client over REST is never tried with faults of gRPC, and one over gRPC with none of the body."""
    faults = [
        Candidate(unavailable(), on="images.create"),
        Candidate(stream_reset(), on="images.create", over="gRPC"),
        Candidate(stream_reset("CANCEL"), on="images.create", over="REST"),
    ]
    tried = {}
    for client in (correct, grpc_clients.correct):
        report = run_experiment(client, faults=faults)
        tried[report.transports] = {
            row.fault.partition("(")[0] + row.fault.partition("'")[2][:6] for row in report.faults
        }
    assert tried == {
        ("REST",): {"unavailable", "stream_resetCANCEL"},
        ("gRPC",): {"unavailable", "stream_resetREFUSE"},
    }


@pytest.mark.costly
def test_each_call_of_a_client_that_speaks_both_is_struck_by_its_own_faults() -> None:
    """It creates over REST, and then lists over gRPC."""

    def both(url: str, token: str) -> str:
        id_ = correct(url, token)
        other = grpc_clients.OverGrpc(url, token)
        other.call("GET", "/compute/v1/images?folderId=b1g0000000000000000a")
        other.connection.close()
        return id_

    struck: list[str] = []
    faults = [Candidate(stream_reset(), over="gRPC"), Candidate(unavailable(), commits=("before",), over="REST")]
    report = run_experiment(both, faults=faults, judges=lambda trial: struck.extend(map(str, trial.scenario.faults)))
    assert report.transports == ("REST", "gRPC")
    assert {each.split(" ")[0] + each.partition(" of ")[2].partition(",")[0] for each in struck} == {
        "unavailable()images.create",
        "unavailable()operations.get",
        "stream_reset(code='REFUSED_STREAM')images.list",
    }


@pytest.mark.costly
def test_the_false_success_of_the_sdk_s_waiter_is_found() -> None:
    """Its waiter returns when its time is up, as if the operation had succeeded."""
    report = run_experiment(SdkBaker, faults=[operation_never_ends(), unavailable()], judges=["truthful"])
    (finding,) = report.findings
    assert finding.cause == "reported success before the image was READY"
    assert str(finding.scenario) == "operation_never_ends() at call 1 of images.create"
    assert finding.trial.succeeded is False
    assert finding.trial.seconds >= LIMIT
    assert report.transports == ("gRPC",)
    run_experiment(CarefulSdkBaker, faults=[operation_never_ends()], judges=["truthful", "no_orphans"]).assert_ok()


@pytest.mark.slow
def test_the_false_success_of_the_sdk_s_waiter_is_found_among_all_faults() -> None:
    """With the default faults and judges."""
    report = run_experiment(SdkBaker)
    found = {str(finding.scenario): finding.cause for finding in report.findings if finding.judge == "truthful"}
    assert found == {"operation_never_ends() at call 1 of images.create": "reported success before the image was READY"}
    texts = [finding.trial.outcome.error for finding in report.findings]
    assert "_InactiveRpcError: UNAVAILABLE: Injected: the service is unavailable" in texts
