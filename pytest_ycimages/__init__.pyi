# The public names for type checkers. tests/plugin/test_public_names.py compares them with the table in __init__.py.

from pytest_ycimages.faults.catalogue import *  # noqa: F403 - all faults
from pytest_ycimages.api.resources import (
    Empty as Empty,
    Image as Image,
    ImageStatus as ImageStatus,
    Operation as Operation,
    Os as Os,
    OsType as OsType,
)
from pytest_ycimages.api.status import Code as Code, Status as Status
from pytest_ycimages.call import Call as Call
from pytest_ycimages.cassette.handle import Cassette as Cassette
from pytest_ycimages.cassette.model import (
    CassetteMetadata as CassetteMetadata,
    Interaction as Interaction,
    Origin as Origin,
    RecordedRequest as RecordedRequest,
    RecordedResponse as RecordedResponse,
)
from pytest_ycimages.cloud.outcome import Failure as Failure, Success as Success
from pytest_ycimages.cloud.rules import Quotas as Quotas
from pytest_ycimages.cloud.script import Schedule as Schedule, Script as Script, Stage as Stage, Start as Start
from pytest_ycimages.cloud.timing import (
    After as After,
    AfterPolls as AfterPolls,
    BySource as BySource,
    Immediate as Immediate,
    LogNormal as LogNormal,
    Never as Never,
    PerGiB as PerGiB,
    REALISTIC as REALISTIC,
    REALISTIC_DELETE as REALISTIC_DELETE,
    REALISTIC_DISK as REALISTIC_DISK,
    REALISTIC_IMAGE as REALISTIC_IMAGE,
    REALISTIC_SLOW_DISK as REALISTIC_SLOW_DISK,
    REALISTIC_SNAPSHOT as REALISTIC_SNAPSHOT,
    REALISTIC_URI as REALISTIC_URI,
    Timing as Timing,
    Uniform as Uniform,
)
from pytest_ycimages.double import Double as Double, DoubleFactory as DoubleFactory
from pytest_ycimages.errors import (
    CassetteBrokenError as CassetteBrokenError,
    CassetteDiffersError as CassetteDiffersError,
    CassetteError as CassetteError,
    CassetteExpiredError as CassetteExpiredError,
    CassetteInUseError as CassetteInUseError,
    CassetteMissingError as CassetteMissingError,
    CassetteUnusedError as CassetteUnusedError,
    CassetteWarning as CassetteWarning,
    DoubleFailedError as DoubleFailedError,
    FaultNeverStruckError as FaultNeverStruckError,
    MarkerWarning as MarkerWarning,
    NetworkRefusedError as NetworkRefusedError,
    RealHostRefusedError as RealHostRefusedError,
    NoMatchError as NoMatchError,
    SecretFoundError as SecretFoundError,
    UnknownAttributeError as UnknownAttributeError,
    UnknownFieldWarning as UnknownFieldWarning,
    UsageError as UsageError,
    VirtualTimeError as VirtualTimeError,
    YCImagesError as YCImagesError,
)
from pytest_ycimages.experiment.command import Command as Command
from pytest_ycimages.experiment.experiment import (
    ExperimentRunner as ExperimentRunner,
    assert_survives as assert_survives,
    run_experiment as run_experiment,
)
from pytest_ycimages.experiment.html import report_html as report_html
from pytest_ycimages.experiment.judges.changes import (
    deletes_images as deletes_images,
    deletes_once as deletes_once,
    keeps_images as keeps_images,
    no_lost_updates as no_lost_updates,
    no_stale_lists as no_stale_lists,
)
from pytest_ycimages.experiment.judges.outcome import (
    cancels as cancels,
    cancels_within as cancels_within,
    no_duplicates as no_duplicates,
    no_orphans as no_orphans,
    no_useless_retry as no_useless_retry,
    recovers as recovers,
    truthful as truthful,
)
from pytest_ycimages.experiment.judges.pacing import bounded as bounded, finishes as finishes, polite as polite
from pytest_ycimages.experiment.report import (
    Finding as Finding,
    Report as Report,
    report_from_json as report_from_json,
    report_json as report_json,
    report_schema as report_schema,
)
from pytest_ycimages.experiment.running import TrialLimits as TrialLimits, run_trial as run_trial
from pytest_ycimages.experiment.scenario import (
    Candidate as Candidate,
    PlannedFault as PlannedFault,
    Scenario as Scenario,
)
from pytest_ycimages.experiment.shards import merge_shards as merge_shards
from pytest_ycimages.experiment.trial import Outcome as Outcome, Trial as Trial, Verdict as Verdict
from pytest_ycimages.faults.fault import Fault as Fault
from pytest_ycimages.faults.injection import Injection as Injection
from pytest_ycimages.faults.rule import Rule as Rule
from pytest_ycimages.faults.schedules import (
    When as When,
    after as after,
    always as always,
    between as between,
    chance as chance,
    every as every,
    first as first,
    nth as nth,
    over_rate as over_rate,
    script as script,
)
from pytest_ycimages.journal import Calls as Calls
from pytest_ycimages.latency import Latency as Latency
from pytest_ycimages.pacing import Pacing as Pacing
from pytest_ycimages.call import Hint as Hint
from pytest_ycimages.settings import Settings as Settings
from pytest_ycimages.virtual.time import VirtualTime as VirtualTime

__all__: list[str]  # noqa: PYI035 - __init__.py derives it from its table
__version__: str
