"""An experiment from its beginning to its report, and one trial inside a test: what users call."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, Protocol

from pytest_ycimages.cloud import clock
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.experiment.client import checked_client, client_name, sources_of
from pytest_ycimages.experiment.command import COMMAND_LIMITS, COMMAND_SETTINGS, Command
from pytest_ycimages.experiment.findings import reported_trial, reproduce
from pytest_ycimages.experiment.judges import failures, judges_of, name_of, verbs_of
from pytest_ycimages.experiment.judges.pacing import Bounded, Finishes
from pytest_ycimages.experiment.progress import ProgressFile
from pytest_ycimages.experiment.report import AskedJudge, Counts, Report
from pytest_ycimages.experiment.running import DEFAULT_LIMITS, TrialLimits, checked_limits, run_trial
from pytest_ycimages.experiment.scenario import candidates_of
from pytest_ycimages.experiment.search import BASELINE, WHOLE, Search, random_scenarios, shard_of, shrunk
from pytest_ycimages.experiment.shards import Part, Shrinking, digest, entry_of, flaws_of, report_of
from pytest_ycimages.experiment.timeline import moments_of, timeline_text
from pytest_ycimages.experiment.trial import VERBS
from pytest_ycimages.experiment.trials import Plan, TrialRunner, WorkerPool, worker_count
from pytest_ycimages.settings import given, merged
from pytest_ycimages.text_values import is_number
from pytest_ycimages.virtual.frozen import real_monotonic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ycimages.double import Double
    from pytest_ycimages.experiment.client import Client, Fixtures
    from pytest_ycimages.experiment.judges import Judge
    from pytest_ycimages.experiment.progress import Summary
    from pytest_ycimages.experiment.report import Finding
    from pytest_ycimages.experiment.scenario import Scenario
    from pytest_ycimages.experiment.search import Cause, Shard, Tried
    from pytest_ycimages.experiment.trial import Trial, Verb
    from pytest_ycimages.experiment.trials import Workers
    from pytest_ycimages.settings import Settings

    Progress = Callable[[int, int], object]
    """Called with how many scenarios of the present wave have been tried, and how many it has."""

DEFAULT_SETTINGS: Final[Mapping[str, Any]] = {"timing": 5.0, "unknown_fields": "ignore"}
"""How the doubles of experiments differ from others: operations take time, and unknown fields are not reported."""


class ExperimentRunner(Protocol):
    """The type of the fixture `ycimages_experiment`, for annotations."""

    def __call__(self, client: Client | Command, **options: Any) -> Report:
        """Find the shortest sequences of faults that break a client; the options are those of `run_experiment`."""


def run_experiment(  # noqa: PLR0913 - the options of an experiment, each by its name
    client: Client | Command,
    *,
    faults: object = None,
    depth: int = 1,
    judges: object = None,
    settings: Settings | Mapping[str, Any] | None = None,
    seed: int | None = None,
    random: int = 0,
    budget: float | None = None,
    workers: Workers = 1,
    state: str | Path | None = None,
    progress: Progress | None = None,
    limits: TrialLimits | None = None,
    verb: Verb = "create",
    setup: Callable[[Double], object] | None = None,
    shard: str | Shard | None = None,
    fixtures: Fixtures | None = None,
) -> Report:
    """Find the shortest sequences of faults that break a client.

    Args:
        client: takes the URL and the token, or parameters that name what they get: `url`, `token`, `folder_id`,
            `grpc_endpoint`, `root_certificates`, `ca_path`, or `ycimages`, the double. It returns the id of the image
            that it made, several ids, or nothing; or raises. A function, sync or async, a context manager, or a class
            whose objects are called, within their `with` statement if they have one. It runs in virtual time, many
            times, each time against its own double. Or a `Command`, which has real time.
        faults: what to try, the mildest first: faults such as `reset()`, text such as
            `reset(), on="images.create", commit="after"`, or `Candidate`s. None: the default faults.
        depth: up to how many faults at once every scenario is tried.
        judges: functions of a `Trial`, or text such as `finishes(600)`. None: the default judges.
        settings: of the doubles, over `timing=5` and `unknown_fields="ignore"`.
        seed: the seed of ids and of random scenarios. None: that of the settings, or else 0.
        random: how many random scenarios of more than `depth` faults Hypothesis makes; those that fail are shrunk.
        budget: real seconds after which it stops, with a report that is not complete; None: it goes on to its end.
        workers: in how many processes trials are made; "auto": as many as pytest-xdist has workers, or else as there
            are cores. The findings are the same. Client and judges are then functions of modules.
        state: a file from which a search that was stopped goes on.
        progress: called with how many scenarios of the present wave have been tried, and how many it has.
        limits: what a trial may take.
        verb: what the client is for: to `create` one image, to `create_many`, to `update`, to `delete`, or to
            `cleanup`. It decides which judges are asked by default; each judge says which verbs it judges.
        setup: a function of a double, called before each trial, which adds what exists when the client begins.
        shard: which part of the search to try, such as `3/8`, the third of eight. `merge_shards` makes the report of
            all parts from what `report_json` makes of theirs. None: all of it.
        fixtures: where further arguments of the client come from; `ycimages_experiment` gives the fixtures of pytest.

    Raises:
        UsageError: an option is invalid; the text says what is expected.
        DoubleFailedError: a double raised while it handled a call.
    """
    own = given(settings or {}, COMMAND_SETTINGS if isinstance(client, Command) else DEFAULT_SETTINGS)
    own_seed = own.pop("seed", 0)
    named = judges_of(judges, _checked_verb(verb))
    names = [] if isinstance(client, Command) else sources_of(checked_client(client, fixtures), fixtures or ())
    runner = TrialRunner(
        client,
        merged(own, {"seed": own_seed if seed is None else seed}),
        checked_limits(limits) or (COMMAND_LIMITS if isinstance(client, Command) else limits_for(named)),
        verb,
        _checked_setup(setup),
        fixtures if names else None,
        named,
    )
    plan = Plan(
        runner,
        candidates_of(faults),
        own,
        _whole("depth", depth, least=0),
        _whole("random", random, least=0),
        _seconds("budget", budget),
        shard_of(shard),
    )
    if names and worker_count(workers) > 1:
        raise UsageError(
            f"The client {client_name(client)} asks for the fixtures {', '.join(names)}, which exist in this process "
            "alone. Leave `workers` out."
        )
    if clock.shared is not None and not isinstance(client, Command):
        raise UsageError(
            "An experiment starts virtual time by itself, and virtual time is on already. Leave `ycimages_time` out of "
            "a test that experiments, or use assert_survives(client, ycimages, judge) for one trial in it."
        )
    file = ProgressFile(state, plan.about) if state is not None else None
    with WorkerPool(runner, worker_count(workers)) as pool:
        return _Experiment(plan, pool, file, progress).report()


@dataclass
class _Experiment:
    """One experiment that is under way."""

    plan: Plan
    pool: WorkerPool
    file: ProgressFile | None
    progress: Progress | None
    random: int = 0
    unshrunk: int | None = None
    shrinking: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.began = real_monotonic()
        self.search = Search(self.plan.candidates, self._attempt, self.plan.shard)

    def report(self) -> Report:
        part = self._part()
        return report_of([part]) if part.shard == WHOLE else replace(report_of([part]), part=part)

    def _part(self) -> Part:
        plan, runner, search = self.plan, self.plan.runner, self.search
        complete = search.exhaust(plan.depth, split=not plan.random) and (not plan.random or self._try_random())
        tried = list(search.tried.values())
        shared = len(tried) if search.split is None else search.shared
        unshrunk = len(tried) if self.unshrunk is None else self.unshrunk
        baseline = runner.judged(BASELINE)[0]
        if not baseline.calls and str(BASELINE) in search.tried and search.summary(BASELINE).spots:
            raise UsageError(
                f"The client {client_name(runner.client)} called the double of its first trial, and not those of later "
                "ones. Each trial has its own: make channels, sessions and objects of an SDK in the client, for the "
                "address that it is given."
            )
        return Part(
            release=version("pytest-ycimages"),
            number=plan.shard.number,
            count=plan.shard.count,
            about={name: digest(value) for name, value in sorted({**plan.about, "random": plan.random}.items())},
            wave=None if search.split is None else digest(search.split),
            shared=tuple(map(entry_of, tried[:shared])),
            own=tuple(map(entry_of, tried[shared:unshrunk])),
            shrunk=tuple(
                Shrinking(start=start, tried=tuple(entry_of(search.tried[words]) for words in steps))
                for start, steps in self.shrinking.items()
            ),
            report=Report(
                client=client_name(runner.client),
                verb=runner.verb,
                transports=baseline.transports,
                ok=True,
                complete=complete,
                seed=runner.settings.seed,
                depth=plan.depth,
                judges=tuple(AskedJudge(name_of(judge), verbs_of(judge)) for judge in runner.judges),
                settings={name: repr(value) for name, value in sorted(plan.settings.items())},
                counts=Counts(
                    tried=len(tried), unreached=0, unextended=search.unextended, failing=0, random=self.random
                ),
                findings=tuple(self._findings(tried[:unshrunk])),
                faults=(),
                baseline=reported_trial(baseline),
                real_seconds=real_monotonic() - self.began,
            ),
        )

    def _findings(self, unshrunk: Sequence[Tried]) -> Iterator[Finding]:
        """Yield all that the report of all shards may need: it has what this shard shrinks in whole, or not at all."""
        search, seen = self.search, set[object]()
        for tried in (unshrunk, *([search.tried[each] for each in steps] for steps in self.shrinking.values())):
            for cause, shown in flaws_of(tried).items():
                key = cause, str(shown[0].scenario)
                if key not in seen:
                    seen.add(key)
                    yield reproduce(cause, [each.scenario for each in shown], self.plan)

    def _attempt(self, scenarios: Sequence[Scenario]) -> list[Summary]:
        """Return the summaries of scenarios, in their order; of fewer when the budget is spent."""
        found: dict[str, Any] = {str(each): self.file.get(each) if self.file else None for each in scenarios}
        new = [each for each in scenarios if found[str(each)] is None]
        made = 0
        for batch, summaries in self.pool.summaries(new):
            found |= zip(map(str, batch), summaries, strict=True)
            made += len(batch)
            if self.file:
                self.file.add(batch, summaries)
            if self.progress:
                self.progress(len(scenarios) - len(new) + made, len(scenarios))
            if self._is_spent() and made < len(new):
                break
        return list(takewhile(bool, found.values()))

    def _is_spent(self) -> bool:
        return self.plan.budget is not None and real_monotonic() - self.began >= self.plan.budget

    def _try_random(self) -> bool:
        """Try random scenarios, and shrink those that show something new; return whether there was time for it."""
        plan, search = self.plan, self.search
        spots = sorted({spot for each in search.tried.values() for spot in each.summary.spots})
        wave = random_scenarios(
            spots, search.candidates, beyond=plan.depth, examples=plan.random, seed=plan.runner.settings.seed
        )
        self.random = len(wave)
        found = flaws_of(search.tried.values()).keys()
        is_complete = search.try_all(wave, split=True)
        self.unshrunk = len(search.tried)
        if not is_complete:
            return False
        for cause, (first, *_) in flaws_of(search.tried.values()).items():
            if cause not in found:
                steps = self.shrinking[str(first.scenario)] = []
                shrunk(first.scenario, search.candidates, partial(self._fails, cause, steps))
        return not self._is_spent()

    def _fails(self, cause: Cause, steps: list[str], scenario: Scenario) -> bool:
        """Return whether a scenario that is simpler fails as well, and add it to the steps."""
        if not self.search.try_all([scenario]):
            return False
        steps.append(str(scenario))
        summary = self.search.summary(scenario)
        return summary.struck and summary.failures[:1] == (cause,)


def _whole(name: str, value: int, *, least: int) -> int:
    """Return `value` if it is a whole number of at least `least`; otherwise raise UsageError."""
    if type(value) is not int or value < least:
        raise UsageError(f"invalid {name}={value!r}: expected a whole number, {least} or more.")
    return value


def _seconds(name: str, value: object) -> float | None:
    """Return `value` if it is a number of seconds or None; otherwise raise UsageError."""
    if value is None:
        return None
    if not is_number(value) or not value >= 0:
        raise UsageError(f"invalid {name}={value!r}: expected a number of seconds, such as 30.")
    return value


def _checked_verb(verb: Any) -> Verb:
    """Return `verb` if it is one; otherwise raise UsageError."""
    if verb not in VERBS:
        raise unknown_word("verb", str(verb), VERBS)
    known: Verb = verb
    return known


def _checked_setup(setup: Any) -> Any:
    """Return `setup` if it can be called with a double, or is None; otherwise raise UsageError."""
    if setup is None:
        return None
    try:
        inspect.signature(setup).bind("double")
    except TypeError as error:
        raise UsageError(
            f"invalid setup {setup!r}: expected a function setup(double) that adds what exists before the client "
            f"begins ({error})."
        ) from None
    return setup


def limits_for(judges: Sequence[Judge]) -> TrialLimits:
    """Return the least limits of a trial under which each judge can see its own limit exceeded."""
    within = max((judge.within for judge in judges if isinstance(judge, Finishes)), default=0.0)
    calls = max((judge.calls + 1 for judge in judges if isinstance(judge, Bounded)), default=0)
    return TrialLimits(max(DEFAULT_LIMITS.seconds, within), max(DEFAULT_LIMITS.calls, calls))


def assert_survives(client: Client, double: Double, *judges: object, verb: Verb = "create") -> Trial:
    """Run a client once against a double, with its injected faults, and assert that no judge fails it.

    Args:
        client: as for `run_experiment`.
        double: its server, in virtual time.
        judges: the judges; the default ones of the verb, if none is named.
        verb: what the client is for.

    Raises:
        AssertionError: a judge fails it; the text says why, and shows the timeline.
        UsageError: virtual time is off, or the client cannot be called.
    """
    __tracebackhide__ = True
    named = judges_of(judges or None, _checked_verb(verb))
    trial = run_trial(checked_client(client), double, limits=limits_for(named), verb=verb)
    failed = failures(named, trial)
    if failed:
        words = "\n".join(f"{verdict.judge}: {verdict.explanation}" for verdict in failed)
        timeline = timeline_text(moments_of(trial, failed))
        raise AssertionError(f"{words}\nWhat goes wrong: {trial.scenario}.\n{timeline}")
    return trial
