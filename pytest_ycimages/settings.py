"""One frozen `Settings`, and the one place where its sources are merged: command line > marker > fixture > ini."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pytest_ycimages.cloud.service import Auth
from pytest_ycimages.cloud.timing import AfterPolls, Timing, timing_of
from pytest_ycimages.errors import UsageError, unknown_word


class Settings(BaseModel):
    """How a double behaves. Every value has a default that pleases; each may be given as text as well.

    Attributes:
        seed: what all ids and tokens are drawn from.
        contract: `page` is exactly the specification page, `current` what today's API accepts beyond it.
        auth: `any` takes every bearer token that is not empty; `off` asks for none.
        timing: how long operations take: seconds, `Immediate()`, `After(s)`, `AfterPolls(n)` or `Never()`.
        clock: `real` is the machine's time, `manual` stands still until `clock.advance(seconds)`.
        unknown_fields: the service ignores a field it does not know; `warn` tells the test, `ignore` does not.
        host: the loopback address to listen on.
        port: the port to listen on; 0 takes a free one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    seed: int = 0
    contract: Literal["page", "current"] = "page"
    auth: Auth = "any"
    timing: Annotated[Timing, BeforeValidator(timing_of)] = AfterPolls(1)
    clock: Literal["real", "manual"] = "real"
    unknown_fields: Literal["warn", "ignore"] = "warn"
    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0


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
    return settings_from(values)
