"""One frozen `Settings`, and the one place where its sources are merged: command line > marker > fixture > ini."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from pytest_ycimages.cassette_settings import CassetteSettings
from pytest_ycimages.cloud.access_service import Auth
from pytest_ycimages.cloud.idempotency import KeyFormat, KeyReuse
from pytest_ycimages.cloud.operation_settings import (
    DEFAULT_CANCEL,
    DEFAULT_CANCEL_DELAY,
    DEFAULT_OUTCOME,
    DEFAULT_TIMING,
    CancelSetting,
    OutcomeSetting,
    RollbackSetting,
    TimingSetting,
    cancel_delay_setting,
    cancel_setting,
    outcome_setting,
    rollback_setting,
    timing_setting,
)
from pytest_ycimages.cloud.quotas import DEFAULT_QUOTAS, Quotas
from pytest_ycimages.cloud.rules import Rules, UnknownFields
from pytest_ycimages.cloud.sources import UnknownResources
from pytest_ycimages.cloud.texts import Texts
from pytest_ycimages.errors import UsageError, unknown_word
from pytest_ycimages.faults.rule import FaultsSetting, rules_of
from pytest_ycimages.host_names import HostNames, host_names
from pytest_ycimages.latency import NO_LATENCY, Latency, latency_of


def _quotas(value: object) -> object:
    """Read quotas as users may write them."""
    if value == "default":
        return DEFAULT_QUOTAS
    return Quotas() if value is None or value == "none" else value


def _texts(value: dict[str, str]) -> dict[str, str]:
    Texts(value)
    return value


def _poll_interval(value: object) -> int | None:
    """Read an interval that a header can say."""
    if value is None or value == "none":
        return None
    text = str(value)
    if isinstance(value, int | str) and text.isascii() and text.isdecimal() and int(text) >= 1:
        return int(text)
    raise PydanticCustomError("poll_interval", "The header has whole seconds, 1 or more; None sends no header")


class Settings(CassetteSettings):
    """How a double behaves. Every value has a default that pleases; each may be given as text as well.

    What it says of cassettes stands in `CassetteSettings`.

    Attributes:
        seed: what all ids and tokens are drawn from.
        contract: `page` is exactly the specification page, `current` what today's API accepts beyond it.
        auth: `any` takes every bearer token that is not empty; `strict` takes only those that the double gave and that
            have not expired; `off` asks for none.
        timing: how long operations take: seconds, or a timing such as `AfterPolls(n)`, `LogNormal(median, sigma)` or
            `Script(...)`. This and the next three may be a mapping of method words and globs to values, in which the
            first that names the method counts.
        latency: how late calls are answered: seconds, a `Latency`, or a dict from methods to these.
        latency_order: `effect_first`: a call happens when it comes, and its answer is late; `latency_first`: it waits,
            and happens then.
        outcome: how operations end: `Success()`, unless the request itself brings a failure, or a `Failure(...)`.
        rollback: seconds that undoing takes when an operation fails or is cancelled; until then the error is set and
            the operation is not done.
        cancel: what becomes of a cancel that comes while the operation runs. `wins`: it ends as cancelled at once.
            `late`: it runs on, and ends as cancelled `cancel_delay` seconds later unless it has ended by then. `loses`:
            it goes on to its own end. `too_late`: it ends of its own just then. `refused`: the call is refused.
        cancel_delay: seconds until a cancel that is `late` takes effect.
        faults: what goes wrong: a list of rules, each a `Rule(...)`, a dict of what `inject` takes, or text such as
            `reset(), on="images.create", when=first(1)`.
        clock: `real` is the machine's time, or what the test has frozen; `manual` stands still until
            `clock.advance(seconds)`. Virtual time (`ycimages_time`) rules over both.
        unknown_fields: the service ignores a field it does not know; `warn` tells the test, `ignore` does not, and
            `reject` refuses the request.
        unknown_resources: `accept` takes sources and folders that nobody added; `not_found` refuses them.
        idempotency_key_format: `any` takes every key; `uuid` refuses one that is no UUID.
        idempotency_key_reuse: for a key that comes again with another request: `first` answers with the operation that
            was made first, `reject` refuses.
        poll_interval: whole seconds for the header `x-operation-poll-interval`, which the answers to `operations.get`
            then have, or None for no such header.
        quotas: `Quotas(...)`, `"default"` for the service's own, or None for none.
        violation_paths: how violations spell fields: `camelCase` or `snake_case`.
        texts: words of errors that replace the double's own; see the reference for their keys.
        intercept_hosts: host names or globs, such as `*.example.net`, that `intercept` and the fixture
            `ycimages_intercept` answer beside the real ones; in text, with white space between them.
        host: the loopback address to listen on.
        port: the port to listen on; 0 takes a free one.
    """

    seed: int = 0
    contract: Literal["page", "current"] = "page"
    auth: Auth = "any"
    timing: Annotated[TimingSetting, PlainValidator(timing_setting)] = DEFAULT_TIMING
    latency: Annotated[Latency | Mapping[str, Latency], PlainValidator(latency_of)] = NO_LATENCY
    latency_order: Literal["effect_first", "latency_first"] = "effect_first"
    outcome: Annotated[OutcomeSetting, PlainValidator(outcome_setting)] = DEFAULT_OUTCOME
    rollback: Annotated[RollbackSetting, PlainValidator(rollback_setting)] = 0
    cancel: Annotated[CancelSetting, PlainValidator(cancel_setting)] = DEFAULT_CANCEL
    cancel_delay: Annotated[float, PlainValidator(cancel_delay_setting)] = DEFAULT_CANCEL_DELAY
    faults: Annotated[FaultsSetting, PlainValidator(rules_of)] = ()
    clock: Literal["real", "manual"] = "real"
    unknown_fields: UnknownFields = "warn"
    unknown_resources: UnknownResources = "accept"
    idempotency_key_format: KeyFormat = "any"
    idempotency_key_reuse: KeyReuse = "first"
    poll_interval: Annotated[int | None, PlainValidator(_poll_interval)] = None
    quotas: Annotated[Quotas, BeforeValidator(_quotas)] = Quotas()
    violation_paths: Literal["camelCase", "snake_case"] = "camelCase"
    texts: Annotated[dict[str, str], AfterValidator(_texts)] = Field(default_factory=dict)
    intercept_hosts: Annotated[HostNames, PlainValidator(host_names)] = ()
    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0

    def rules(self) -> Rules:
        """What of this the cloud has to know."""
        return Rules(**{each.name: getattr(self, each.name) for each in fields(Rules)})


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Check `values` and make settings of them.

    Raises:
        UsageError: a name or a value that cannot be; the text says which would.
    """
    for name in values:
        if name not in Settings.model_fields:
            raise unknown_word("setting", name, Settings.model_fields)
    try:
        return Settings(**values)
    except ValidationError as error:
        wrong = (f"{each['loc'][0]}={each['input']!r}: {each['msg']}" for each in error.errors())
        raise UsageError(f"Settings that cannot be: {'; '.join(wrong)}.") from None


def merged(*sources: Settings | Mapping[str, Any]) -> Settings:
    """Merge settings; where two sources say something about one of them, the earlier source wins.

    Raises:
        UsageError: a source is neither `Settings` nor a mapping, or holds what cannot be.
    """
    return settings_from(given(*sources))


def given(*sources: Settings | Mapping[str, Any]) -> dict[str, Any]:
    """What sources of settings say, as they say it; where two speak of one setting, the earlier source wins.

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
                f"{source!r} gives no settings. Give Settings(...), or a dict such as {{'timing': 5, 'auth': 'off'}}."
            )
    return values
