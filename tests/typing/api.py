"""The public API as users write it. Never executed and not collected: mypy reads it, and that is the test."""
# ruff: noqa: D101, D102, D103 - the names say it

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import aiohttp
import httpx
import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

import pytest_ycimages
from pytest_ycimages import (
    REALISTIC,
    After,
    AfterPolls,
    BySource,
    Call,
    Calls,
    Candidate,
    Cassette,
    Code,
    Command,
    Double,
    DoubleFactory,
    DoubleFailedError,
    Empty,
    ExperimentRunner,
    Failure,
    Finding,
    Hint,
    Image,
    ImageStatus,
    Immediate,
    Interaction,
    Latency,
    LogNormal,
    Never,
    Operation,
    Origin,
    Os,
    OsType,
    Pacing,
    PerGiB,
    Report,
    Rule,
    Schedule,
    Script,
    Settings,
    Stage,
    Start,
    Status,
    Success,
    Timing,
    Trial,
    TrialLimits,
    Uniform,
    UnknownFieldWarning,
    UsageError,
    Verdict,
    VirtualTime,
    YCImagesError,
    assert_survives,
    bounded,
    finishes,
    no_duplicates,
    report_from_json,
    report_html,
    report_json,
    reset,
    run_experiment,
    run_trial,
    truthful,
    unavailable,
)
from pytest_ycimages.strategies import ImageClientMachine, create_requests, fault_schedules, timings

if TYPE_CHECKING:
    from collections.abc import Callable


# Without pytest.


def a_double_is_a_context_manager(bake: Callable[[str, str], str]) -> None:
    with Double() as ycimages:
        assert_type(ycimages, Double)
        image_id = bake(ycimages.url, ycimages.token)
        assert_type(ycimages.images[image_id], Image)


def a_double_takes_settings_in_three_forms() -> None:
    Double(Settings(seed=7, timing=AfterPolls(3), clock="manual"))
    Double({"timing": 2.5, "auth": "off"})
    Double(Settings(), name="baker", on_call=print, contract="current", timing="Never()")
    Double(seed=7, port=8080, host="::1", unknown_fields="ignore")


def a_double_is_started_and_closed_by_hand() -> None:
    double = Double().start()
    assert_type(double, Double)
    assert_type(double.host, str)
    assert_type(double.port, int)
    assert_type(double.folder_id, str)
    double.reset()
    double.close()
    double.check()


def every_timing_can_be_set(double: Double) -> None:
    for timing in (Immediate(), After(5), After(seconds=2.5), AfterPolls(3), Never()):
        double.timing = timing
    double.timing = Uniform(1, 5)
    double.timing = LogNormal(12, 0.4, cap=60)
    double.timing = PerGiB(7, base=2)
    double.timing = BySource(disk=8, uri=LogNormal(median=12, sigma=0.4), other=After(2))
    double.timing = REALISTIC
    double.timing = {"images.create": PerGiB(7), "images.*": 2, "*": "REALISTIC"}
    double.timing = object()  # type: ignore[assignment]  # no timing
    double.timing = 5
    double.timing = 2.5
    double.timing = "AfterPolls(3)"
    double.clock.advance(0.5)
    double.clock.advance(30)
    assert_type(double.clock.now(), int)


def every_latency_can_be_set(double: Double) -> None:
    for latency in (Latency.fixed(0.2), Latency.uniform(0.1, 0.4), Latency.lognormal(0.2, 0.5, cap=2, over_body=True)):
        double.latency = latency
    double.latency = 1
    double.latency = 0.2
    double.latency = "uniform(0.1, 0.4)"
    double.latency = {"images.*": Latency.fixed(1), "operations.get": 0.2, "*": "fixed(3)"}
    assert_type(double.latency, Latency | Mapping[str, Latency])
    Double(latency=0.2, latency_order="latency_first", poll_interval=2)
    Double(Settings(latency=Latency.fixed(1), poll_interval=None))


def a_script_is_made_of_stages(double: Double) -> None:
    double.timing = Script(Stage("running", 5, metadata={"percent": 40}), Stage("succeeded"))
    double.timing = Script(
        [Stage("failing", 5, error=Failure("INTERNAL")), Stage("failed", error=Status(code=Code.INTERNAL))]
    )
    Stage("running", 5, {"percent": 40})  # type: ignore[call-arg]  # metadata has a name


def a_timing_of_ones_own(double: Double) -> None:
    class AtMidnight:
        def schedule(self, start: Start) -> Schedule:
            assert_type(start.size, int)
            return Schedule(ends_at=start.at + -start.at % (24 * 3600 * 10**9))

    double.timing = AtMidnight()
    timing: Timing = AtMidnight()
    Settings(timing=timing)


def outcomes_and_cancels_can_be_set(double: Double) -> None:
    double.outcome = Success()
    double.outcome = Failure(Code.UNAVAILABLE, "try again", details=[{"@type": "type.googleapis.com/a.B", "c": 1}])
    double.outcome = {"images.delete": Failure(5), "*": "Success()"}
    double.rollback = 2.5
    double.rollback = {"images.create": 3}
    double.cancel = "too_late"
    double.cancel = {"images.create": "late"}
    double.cancel = "never"  # type: ignore[assignment]  # no such word
    double.cancel_delay = 3
    double.next_operation("images.delete", timing=60, outcome=Failure("ABORTED"), rollback=1)
    double.next_operation(cancel="refused", cancel_delay=2)
    assert [asked.on for asked in double.upcoming]


def settings_take_what_the_double_takes() -> None:
    Settings(timing=5)
    Settings(timing=2.5, rollback=1)
    Settings(timing="REALISTIC", outcome="Failure('ABORTED')")
    Settings(timing={"images.create": PerGiB(7), "images.*": 2}, cancel={"images.create": "late"}, cancel_delay=3)
    Settings(timing=REALISTIC, outcome=Failure(8), rollback={"images.delete": 0.5}, cancel="loses")
    Settings(timing=None)  # type: ignore[arg-type]  # no timing


def the_server_truth_is_read_only_and_typed(double: Double) -> None:
    assert_type(double.images, Mapping[str, Image])
    assert_type(double.operations, Mapping[str, Operation])
    for image in double.images.values():
        assert_type(image.status, ImageStatus)
        assert_type(image.labels, dict[str, str])
        assert_type(image.min_disk_size, int)
        assert_type(image.os, Os | None)
        if image.os:
            assert_type(image.os.type, OsType)
    for operation in double.operations.values():
        assert_type(operation.done, bool)
        assert_type(operation.error, Status | None)
        assert_type(operation.response, Image | Empty | None)
        assert_type(operation.metadata.image_id, str)
        if operation.error:
            assert_type(operation.error.code, Code)
    double.images["fd8"] = double.images["fd9"]  # type: ignore[index]  # the server truth cannot be written
    del double.images["fd8"]  # type: ignore[attr-defined]  # nor deleted


def the_journal_is_a_sequence_of_calls(double: Double) -> None:
    assert_type(double.calls, Calls)
    polls = double.calls.of("operations.get")
    assert_type(polls, Calls)
    assert_type(polls[0], Call)
    assert_type(polls[1:], Calls)
    assert_type(polls.gaps, list[float])
    for call in polls:
        assert_type(call.method, str)
        assert_type(call.at, float)
        assert_type(call.attempt, int)
        assert_type(call.gap, float | None)
        assert_type(call.status, Code)
        assert_type(call.operation_id, str | None)
        assert_type(call.metadata["authorization"], str)
        assert_type(call.unknown_fields, tuple[str, ...])
    assert all(call.status is Code.OK for call in double.calls.of("images.*"))


def the_pacing_is_read_from_the_journal(double: Double) -> None:
    assert_type(double.calls.pacing, Mapping[str, Pacing])
    pacing = double.calls.pacing["fd8"]
    assert_type(pacing.polls, tuple[Call, ...])
    assert_type(pacing.first_after, float | None)
    assert_type(pacing.intervals, list[float])
    assert_type(pacing.pauses, list[float])
    assert_type(pacing.growth, float | None)
    assert_type(pacing.jitter, float | None)
    assert_type(pacing.done_seen_at, float | None)
    assert_type(pacing.polls_after_done, tuple[Call, ...])
    pacing.assert_every(1)
    pacing.assert_every(1.5, tolerance=0.1, measured="intervals")
    pacing.assert_no_faster_than(1)
    pacing.assert_backs_off()
    pacing.assert_backs_off(2, cap=30, tolerance=0.5)
    pacing.assert_backs_off(at_least=1.5)
    pacing.assert_jitters(0.1, at_most=0.5)
    pacing.assert_stops_when_done()
    pacing.assert_obeys_hints()
    assert_type(double.calls.hints, list[Hint])
    for hint in double.calls.hints:
        assert_type(hint.asked, float)
        assert_type(hint.waited, float | None)
        assert_type(hint.obeyed, bool)
        assert_type(hint.call.reply_metadata["retry-after"], str)
        assert_type(hint.call.answered_at, float)


def errors_form_a_family() -> type[YCImagesError]:
    try:
        Double(settings_of_nobody=1)
    except UsageError as error:
        return type(error)
    except DoubleFailedError as error:
        return type(error)
    return YCImagesError


def the_version_is_there() -> str:
    version: str = pytest_ycimages.__version__
    return version


def clients_need_no_socket(ycimages: Double) -> None:
    requests.Session().mount("https://", ycimages.requests_adapter())
    assert_type(ycimages.urllib3_pool_manager(), urllib3.PoolManager)
    httpx.Client(transport=ycimages.httpx_transport())
    httpx.AsyncClient(transport=ycimages.httpx_async_transport())
    aiohttp.ClientSession(connector=ycimages.aiohttp_connector())


def a_double_replays_and_records(upstream: Double) -> None:
    with Double(mode="record", cassette="bake.yaml", upstream=upstream.url, pseudonyms=True) as recording:
        recording.cassette.discard()
    with Double(Settings(mode="replay", cassette=Path("bake.yaml"), replay_pace="time")) as replay:
        assert_type(replay.cassette.path, Path)
        with replay.through_vcrpy():
            pass


def the_real_host_names_are_intercepted(ycimages: Double) -> None:
    with ycimages.intercept() as double:
        assert_type(double, Double)
    with ycimages.intercept(hosts=["*.example.net"]):
        Double(intercept_hosts=["images.example.net"])
    ycimages.intercept("images.example.net")  # type: ignore[call-arg]  # hosts are named


# Experiments.


def a_client(url: str, token: str) -> str:
    raise NotImplementedError(url, token)


async def an_async_client(url: str, token: str) -> str:
    raise NotImplementedError(url, token)


def a_judge_in_words(trial: Trial) -> str | None:
    return "slow" if trial.seconds > 60 else None


def a_judge_with_proof(trial: Trial) -> Verdict:
    return Verdict("calls_twice", passed=len(trial.calls) <= 2, explanation="", proof=(2,))


def an_experiment_takes_clients_faults_and_judges() -> None:
    report = run_experiment(a_client, faults=[reset(), "hang()"], depth=2, judges=[truthful, "bounded(calls=9)"])
    assert_type(report.ok, bool)
    for finding in report.findings:
        assert_type(finding.trial.calls, Calls)
    assert_type(report_html(report, report_from_json(report_json(report)), command="ycimages experiment m:f"), str)
    run_experiment(an_async_client, judges=[a_judge_in_words, a_judge_with_proof], workers=2, budget=30).assert_ok()


def an_experiment_is_narrowed_down() -> None:
    lasting = Candidate(unavailable(), on="images.*", commits=("before",), lasts=True)
    limits = TrialLimits(seconds=600, calls=100)
    report = run_experiment(a_client, faults=[lasting], judges=bounded(calls=9), seed=7, random=50, limits=limits)
    assert_type(report.baseline.seconds, float)
    assert_type(report.findings, tuple[Finding, ...])
    assert_type(report.findings[0].judge, str)
    assert_type(report.findings[0].scenario.words, str)
    assert_type(report.findings[0].scenario.faults[0].nth, int)
    assert_type(report.findings[0].trial.outcome.image_id, str | None)
    assert_type(report.findings[0].trial.timeline[0].proves, bool)
    assert_type(report_from_json(report_json(report)), Report)
    assert_type(report.findings[0].test, str)
    run_experiment(Command("./bake.sh"), faults="operation_fails()", state="bake.progress", progress=print)
    run_experiment("./bake.sh")  # type: ignore[arg-type]  # no client: a command says that it is one


def a_test_has_one_trial(ycimages: Double) -> None:
    assert_survives(a_client, ycimages, no_duplicates, "finishes(within=60)")
    assert_type(run_trial(an_async_client, ycimages), Trial)


# With Hypothesis.


def strategies_draw_what_a_double_takes() -> None:
    assert_type(fault_schedules(["reset", unavailable()], on="images.*", max_size=2), st.SearchStrategy[list[Rule]])
    assert_type(timings(longest=60, ending=True), st.SearchStrategy[Timing])
    assert_type(create_requests(valid=False, contract="current"), st.SearchStrategy[dict[str, Any]])
    create_requests(contract="old")  # type: ignore[arg-type]  # no such contract


@given(faults=fault_schedules(), timing=timings(), body=create_requests())
def a_property(faults: list[Rule], timing: Timing, body: dict[str, Any]) -> None:
    with VirtualTime(), Double(faults=faults, timing=timing) as ycimages:
        ycimages.timing = timing
        assert body


class Machine(ImageClientMachine):
    double_settings = {"contract": "current"}  # noqa: RUF012 - the type is declared where it comes from
    faults = fault_schedules(["slow"])
    timings = timings(ending=True)
    bodies = create_requests(contract="current")

    def connect(self, double: Double) -> object:
        return double.requests_adapter()

    @rule(image=ImageClientMachine.images)
    def look(self, image: str) -> None:
        assert_type(self.double, Double)
        assert_type(self.ask("get", image).error, Exception | None)

    @invariant()
    def nothing_fails(self) -> None:
        assert not any(operation.error for operation in self.double.operations.values())


# With pytest.


@pytest.fixture
def ycimages_settings() -> dict[str, Any]:
    return {"timing": 30, "auth": "off"}


class WithSettings:
    @pytest.fixture
    def ycimages_settings(self) -> Settings:
        return Settings(timing=After(30), seed=7)


@pytest.mark.ycimages(timing=30, contract="current")
def a_test_asks_for_a_double(ycimages: Double) -> None:
    assert_type(ycimages.url, str)


def a_test_asks_for_more_doubles(ycimages_factory: DoubleFactory) -> None:
    assert_type(ycimages_factory(timing=Never(), clock="manual"), Double)


@pytest.mark.ycimages_cassette("shared/bake", volatile={"name": "bake-*"}, unused_interactions="warn")
def a_test_asks_for_its_cassette(ycimages_cassette: Cassette, ycimages: Double) -> None:
    assert_type(ycimages_cassette.metadata.origin, Origin)
    assert_type(ycimages_cassette.interactions[0], Interaction)
    assert_type(ycimages.cassette.unused, Sequence[int])


def a_test_asks_for_the_real_host_names(ycimages_intercept: Double) -> None:
    assert_type(ycimages_intercept.calls, Calls)


def a_test_experiments(ycimages_experiment: ExperimentRunner) -> None:
    ycimages_experiment(a_client, depth=2, judges=[finishes(within=600), no_duplicates]).assert_ok()


@pytest.mark.filterwarnings("ignore::pytest_ycimages.UnknownFieldWarning")
def a_test_expects_the_warning(ycimages: Double) -> None:
    with pytest.warns(UnknownFieldWarning, match="images.create"):
        ycimages.check()
