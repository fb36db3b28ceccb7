"""Settings of a double, and the order of their sources: command line > marker > fixture > ini."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache, partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.gateway import ViolationPaths
from pytest_ycimages.api.texts import words_of
from pytest_ycimages.cloud import rules as cloud
from pytest_ycimages.cloud.rules import DEFAULTS
from pytest_ycimages.errors import UsageError, nearest, unknown_word
from pytest_ycimages.faults.rule import FaultsSetting, rules_of
from pytest_ycimages.hosts import LOOPBACK, host_names
from pytest_ycimages.latency import NO_LATENCY, Latency, latency_of
from pytest_ycimages.text_values import seconds_in
from pytest_ycimages.words import choose, exact

if TYPE_CHECKING:
    HostNames = Iterable[str] | str
else:  # this function reads it, and pydantic needs no type
    HostNames = Annotated[object, PlainValidator(host_names)]

_REMOTE: Final = (
    "Input should be '127.0.0.1', '::1' or 'localhost', which no other machine can reach. If others shall, as in a "
    "container, set allow_remote too"
)

Mode = Literal["fake", "replay", "record", "missing", "verify"]
"""The backend of a double; see `Settings`."""
Severity = Literal["fail", "warn", "ignore"]
"""What a problem of a cassette does to the test."""


_DAY: Final = 24 * 60 * 60


def _or_none(value: object) -> object:
    return None if value == "none" else value


def _days(value: object) -> object:
    """Return the days of a number or of a duration as text, such as `30`, `30d` or `12h`; other values as they are."""
    if not isinstance(value, str) or value == "none":
        return _or_none(value)
    seconds = seconds_in(value)
    if seconds is None:
        raise PydanticCustomError("max_age", "Write days, such as 30, or a duration such as '30d' or '12h'")
    return seconds if value.strip()[-1:].isdigit() else seconds / _DAY


def _upstream(value: str | None) -> str | None:
    """Return the address, if it has a scheme and a host and nothing else."""
    if value is None:
        return None
    parts = urlsplit(value)
    more = parts.username or parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or more:
        raise PydanticCustomError("upstream", "Write scheme and host, and no path, such as http://127.0.0.1:8080")
    return f"{parts.scheme}://{parts.netloc}"


def _address(value: str, info: ValidationInfo) -> str:
    """Return an address to listen on, if no other machine can reach it or that is intended."""
    if value in LOOPBACK:
        return value
    if not info.data.get("allow_remote"):
        raise PydanticCustomError("host", _REMOTE)
    try:
        return str(ip_address(value))
    except ValueError:
        raise PydanticCustomError("host", "Write an address, such as 0.0.0.0 for all of this machine") from None


def _token(value: SecretStr | None) -> SecretStr | None:
    """Return a token that a header can carry."""
    if value is None or re.fullmatch(r"[!-~]+", value.get_secret_value()):
        return value
    raise PydanticCustomError("control_token", "Write printable ASCII characters without spaces")


def _words(value: object) -> object:
    """Return the words of a text, separated by white space or commas."""
    return tuple(word.rstrip(",") for word in value.split()) if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """Return the `name=pattern` pairs of a text, separated by lines or commas."""
    if isinstance(value, str):
        value = value.replace(",", "\n").splitlines()
    if not isinstance(value, list | tuple):
        return value
    pairs = [str(each).partition("=") for each in value if str(each).strip()]
    if not all(equals for _, equals, _ in pairs):
        raise PydanticCustomError("volatile", "Write FIELD=PATTERN, such as name=bake-*")
    return {name.strip(): pattern.strip() for name, _, pattern in pairs}


@exact
class CassetteSettings(BaseModel):
    """The settings of a double about cassettes.

    Attributes:
        mode: the backend. `fake`: a cloud in memory. `replay`: a cassette. `record`: the real service, or `upstream`,
            whose answers go into the cassette. `missing`: `replay` if the cassette exists, else `record`. `verify`: the
            cassette, which is then compared with what `upstream`, or else the fake, answers to the same requests.
        cassette: the file of the cassette, for every mode but `fake`.
        upstream: the address that is recorded or compared with, such as `http://127.0.0.1:8080`; None: when recording,
            the service's own; when comparing, the fake.
        replay_pace: when a replayed operation advances. `state`: every poll sees the next recorded state. `time`: at
            the time of the recording. `auto`: by time on a clock that the test moves, else by state.
        volatile: fields of requests that differ from run to run, such as `{"name": "bake-*"}`, with the pattern that
            they match; the answers get the client's value in place of the recorded one.
        unused_interactions: whether interactions that the test did not request `fail` it, `warn`, or are ignored.
        scrub: names of more fields whose values are redacted; `re:` before an expression redacts its matches anywhere;
            `allow:` before one keeps its matches, although they look like secrets.
        keep: names of fields beyond the contract whose values a cassette keeps.
        pseudonyms: whether a recording gives folders, clouds and accounts other ids.
        max_age: days after which a cassette has expired; None: never.
        expired: whether a cassette that has expired makes the test `fail`, `warn`, or is ignored.
        allowed_hosts: names of hosts, or globs, that may be reached while a cassette is replayed, besides the servers
            of this process; and names of the service that `real_hosts` does not concern.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    mode: Mode = "fake"
    cassette: Annotated[Path | None, BeforeValidator(_or_none)] = None
    upstream: Annotated[str | None, BeforeValidator(_or_none), AfterValidator(_upstream)] = None
    replay_pace: Literal["auto", "state", "time"] = "auto"
    volatile: Annotated[dict[str, str], BeforeValidator(_pairs)] = Field(default_factory=dict)
    unused_interactions: Severity = "fail"
    scrub: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    keep: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    pseudonyms: bool = False
    max_age: Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(_days)] = None
    expired: Severity = "warn"
    allowed_hosts: HostNames = ()

    def model_post_init(self, _: object) -> None:
        """Let the words of these settings compare as texts of closed sets."""
        choose(self, **_words_of(type(self)))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; its words compare as texts of closed sets, too.

        Raises:
            UsageError: `update` has an unknown word.
        """
        copied = super().model_copy(update=update, deep=deep)
        copied.model_post_init(None)
        return copied

    def decided(self) -> Self:
        """Return these settings with the mode `missing` decided: `replay` if the cassette exists, else `record`."""
        if self.mode != "missing":
            return self
        exists = self.cassette is not None and self.cassette.exists()
        return self.model_copy(update={"mode": "replay" if exists else "record"})


@cache
def _words_of(cls: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Return the settings that are words, each with all that it may be."""
    kinds = {name: field.annotation for name, field in cls.model_fields.items()}
    return {name: get_args(kind) for name, kind in kinds.items() if get_origin(kind) is Literal}


def _texts(value: dict[str, str]) -> dict[str, str]:
    words_of(value)
    return value


class Settings(CassetteSettings):
    """The behaviour of a double. Every setting has a default, and may be given as text.

    `CassetteSettings` has those about cassettes.

    Attributes:
        seed: the seed of all ids and tokens.
        contract: `page` is exactly the specification page, `current` what today's API accepts beyond it.
        auth: `any` takes every bearer token that is not empty; `strict` takes only those that the double gave and that
            have not expired; `off` asks for none.
        oauth: what becomes of an OAuth token that is to be exchanged for an IAM token. `accept`: it is. `too_new`: it
            is refused as issued after 2026-06-01. `invalid`: it is refused as invalid or expired.
        timing: how long operations take: seconds, or a timing such as `AfterPolls(n)`, `LogNormal(median, sigma)` or
            `Script(...)`. This and the next three may be a mapping of method words and globs to values, in which the
            first that names the method counts.
        latency: how late calls are answered: seconds, a `Latency`, or a dict from methods to these.
        latency_order: `effect_first`: a call happens when it comes, and its answer is late; `latency_first`: it waits,
            and happens then.
        outcome: how operations end: `Success()`, unless the request itself brings a failure, or a `Failure(...)`.
        rollback: seconds that undoing takes when an operation fails or is cancelled; until then the error is set and
            the operation is not done.
        cancel: the effect of a cancel while the operation runs. `wins`: it ends as cancelled at once.
            `late`: it runs on, and ends as cancelled `cancel_delay` seconds later unless it has ended by then. `loses`:
            it goes on to its own end. `too_late`: it ends of its own just then. `refused`: the call is refused.
        cancel_delay: seconds until a cancel that is `late` takes effect.
        faults: a list of rules, each a `Rule(...)`, a dict of what `inject` takes, or text such as
            `reset(), on="images.create", when=first(1)`.
        clock: `real` is the machine's time, or what the test has frozen; `manual` stands still until
            `clock.advance(seconds)`. Virtual time (`ycimages_time`) rules over both.
        unknown_fields: the service ignores a field it does not know; `warn` tells the test, `ignore` does not, and
            `reject` refuses the request.
        unknown_resources: `accept` takes sources and folders that were not added; `not_found` refuses them.
        idempotency_key_format: `any` takes every key; `uuid` refuses one that is not a UUID.
        idempotency_key_reuse: for a key that comes again with another request: `first` answers with the operation that
            the same method made first, and takes it as a new key on another method; `reject` refuses.
        missing_source: the code that refuses a source that is not there: `failed_precondition` (9, HTTP 400) or
            `not_found` (5, HTTP 404).
        filter_fields: the fields that the `filter` of a list may name: `documented` is `name` alone; `all` adds `id`,
            `family`, `status` and `description`.
        operation_retention: how long an operation is kept after its end: seconds, text such as `14d`, or None for ever.
        poll_interval: whole seconds for the header `x-operation-poll-interval`, which the answers to `operations.get`
            then have, or None for no such header.
        quotas: `Quotas(...)`, `"default"` for the service's own, or None for none.
        journal_limit: how many of the latest calls the journal keeps, for a server that runs for long; None: all. Fewer
            are kept if their requests have more than 16 KiB on average. The rest of the history is limited alike: the
            strikes of each fault, the tokens given, and the operations that have ended, with their idempotency keys, if
            their image is gone or has been updated since.
        violation_paths: how the details of a refusal spell fields: `camelCase`, `snake_case` or `GoCase`, in which its
            text always spells them.
        texts: words of errors that replace the double's own; see the reference for their keys.
        intercept_hosts: host names or globs, such as `*.example.net`, that `intercept` and the fixture
            `ycimages_intercept` answer beside the real ones; in text, with white space between them.
        real_hosts: a connection to one of the service's host names, or a look-up of one, that does not lead to the
            double is refused while the double is open, with `refuse`; `allow` lets it through. `allowed_hosts` and
            `intercept_hosts` change which hosts these are.
        served_hosts: host names or globs that the `Host` of a request over a socket may have, besides this machine's
            addresses, the names of the service, and those in `intercept_hosts`; in the same form.
        host: the address to listen on: `127.0.0.1`, `::1` or `localhost`; another one needs `allow_remote`.
        allow_remote: whether `host` may be an address that other machines can reach, as in a container.
        control_token: the token that the control API asks for; None: a random one with `allow_remote`, else none.
        port: the port to listen on; 0 takes a free one.
    """

    seed: int = 0
    contract: Literal["page", "current"] = "page"
    auth: cloud.Auth = "any"
    oauth: cloud.OAuth = "accept"
    timing: Annotated[cloud.TimingSetting, PlainValidator(partial(cloud.per_method, "timing"))] = DEFAULTS.timing
    latency: Annotated[Latency | Mapping[str, Latency], PlainValidator(latency_of)] = NO_LATENCY
    latency_order: Literal["effect_first", "latency_first"] = "effect_first"
    outcome: Annotated[cloud.OutcomeSetting, PlainValidator(partial(cloud.per_method, "outcome"))] = DEFAULTS.outcome
    rollback: Annotated[cloud.RollbackSetting, PlainValidator(partial(cloud.per_method, "rollback"))] = 0
    cancel: Annotated[cloud.CancelSetting, PlainValidator(partial(cloud.per_method, "cancel"))] = DEFAULTS.cancel
    cancel_delay: Annotated[float, PlainValidator(cloud.cancel_delay_setting)] = DEFAULTS.cancel_delay
    faults: Annotated[FaultsSetting, PlainValidator(rules_of)] = ()
    clock: Literal["real", "manual"] = "real"
    unknown_fields: cloud.UnknownFields = "warn"
    unknown_resources: cloud.UnknownResources = "accept"
    idempotency_key_format: cloud.KeyFormat = "any"
    idempotency_key_reuse: cloud.KeyReuse = "first"
    missing_source: cloud.MissingSource = "failed_precondition"
    filter_fields: cloud.FilterFields = "documented"
    operation_retention: Annotated[float | None, PlainValidator(cloud.retention_setting)] = DEFAULTS.operation_retention
    poll_interval: Annotated[int | None, PlainValidator(cloud.poll_interval_setting)] = None
    quotas: Annotated[cloud.Quotas, BeforeValidator(cloud.quotas_setting)] = cloud.Quotas()
    journal_limit: Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_or_none)] = None
    violation_paths: ViolationPaths = "camelCase"
    texts: Annotated[dict[str, str], AfterValidator(_texts)] = Field(default_factory=dict)
    intercept_hosts: HostNames = ()
    real_hosts: Literal["refuse", "allow"] = "refuse"
    served_hosts: HostNames = ()
    allow_remote: bool = False
    host: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    control_token: Annotated[SecretStr | None, BeforeValidator(_or_none), AfterValidator(_token)] = None
    port: Annotated[int, Field(ge=0, le=65535)] = 0

    def rules(self) -> cloud.Rules:
        """Return the settings that the cloud needs, with plain words: it knows them, and compares them in each call."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(cloud.Rules)}
        values |= {name: str(values[name]) for name in values.keys() & _words_of(type(self))}
        return cloud.Rules(**values)


def merged(*sources: Settings | Mapping[str, Any]) -> Settings:
    """Return the settings of all sources; where two have the same setting, the earlier source wins.

    Raises:
        UsageError: a source is neither `Settings` nor a mapping, or a name or a value is invalid.
    """
    __tracebackhide__ = True
    values = given(*sources)
    for name in values:
        if name not in Settings.model_fields:
            raise unknown_word("setting", name, Settings.model_fields)
    try:
        return Settings(**values)
    except ValidationError as error:
        wrong = (f"{each['loc'][0]}={_given(each)}: {each['msg']}{_nearest(each)}" for each in error.errors())
        raise UsageError(f"invalid settings: {'; '.join(wrong)}.") from None


def _given(error: Any) -> str:
    """Return the value that an error is about, unless it is a secret."""
    return "…" if error["loc"][0] == "control_token" else repr(error["input"])


def _nearest(error: Any) -> str:
    """Return the nearest of the words that a setting may be, if it has such words."""
    near = nearest(error["input"], _words_of(Settings).get(error["loc"][0], ()), cutoff=0.6)
    return f" (did you mean {near!r}?)" if near else ""


def given(*sources: Settings | Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all sources as given; where two have the same setting, the earlier source wins.

    Raises:
        UsageError: a source is neither `Settings` nor a mapping.
    """
    values: dict[str, Any] = {}
    for source in reversed(sources):
        if isinstance(source, Settings):
            values |= {name: getattr(source, name) for name in source.model_fields_set}
        elif isinstance(source, Mapping):
            values |= source
        else:
            raise UsageError(
                f"invalid settings {source!r}: expected Settings(...), or a dict such as {{'timing': 5, 'auth': 'off'}}"
            )
    return values
