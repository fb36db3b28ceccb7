"""What stands behind a double, and how cassettes are recorded, replayed and trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from pytest_ycimages.host_names import HostNames, host_names

Mode = Literal["fake", "replay", "record", "verify"]
"""What stands behind a double; see `Settings`."""
Severity = Literal["fail", "warn", "ignore"]
"""What becomes of a test when something about its cassette should be looked at."""


def _or_none(value: object) -> object:
    """Read what may be left out."""
    return None if value == "none" else value


def _upstream(value: str | None) -> str | None:
    """Check an address: scheme and host, and nothing behind them."""
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.path.strip("/"):
        raise PydanticCustomError("upstream", "Write scheme and host, and no path, such as http://127.0.0.1:8080")
    return f"{parts.scheme}://{parts.netloc}"


def _words(value: object) -> object:
    """Read words as an ini file or a command line has them: with white space between them, and perhaps commas."""
    return tuple(word.rstrip(",") for word in value.split()) if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """Read `name=pattern` as an ini file or a command line has them: one a line, or with commas between them."""
    if isinstance(value, str):
        value = value.replace(",", "\n").splitlines()
    if not isinstance(value, list | tuple):
        return value
    pairs = [str(each).partition("=") for each in value if str(each).strip()]
    if not all(equals for _, equals, _ in pairs):
        raise PydanticCustomError("volatile", "Write FIELD=PATTERN, such as name=bake-*")
    return {name.strip(): pattern.strip() for name, _, pattern in pairs}


class CassetteSettings(BaseModel):
    """The settings of a double that have to do with cassettes.

    Attributes:
        mode: what stands behind the double. `fake`: a cloud of its own. `replay`: a cassette. `record`: the real
            service, or `upstream`, whose answers go into the cassette. `verify`: the cassette, which is then compared
            with what `upstream`, or else the fake, answers to the same requests.
        cassette: the file of the cassette, for every mode but `fake`.
        upstream: the address that is recorded or compared with, such as `http://127.0.0.1:8080`; None: when recording,
            the service's own; when comparing, the fake.
        replay_pace: when an operation that is replayed goes on. `state`: every poll sees the next state that was
            recorded. `time`: when it did so in the recording. `auto`: by time on a clock that the test moves, else by
            state.
        volatile: fields of requests that differ from run to run, such as `{"name": "bake-*"}`, with the pattern that
            they match; what the client sends instead of the recorded value is put into the answers as well.
        unused_interactions: whether interactions that nobody asked for `fail` the test, `warn`, or are left alone.
        scrub: names of more fields whose values no cassette shall hold; with `re:` before it, an expression for what no
            cassette shall hold anywhere; with `allow:`, one for what is no secret, though it looks like one.
        keep: names of fields beyond the contract whose values a cassette shall hold.
        pseudonyms: whether a recording gives folders, clouds and accounts other ids.
        max_age: days after which a cassette has expired; None: never.
        expired: whether a cassette that has expired makes the test `fail`, `warn`, or is left alone.
        allowed_hosts: names of hosts, or globs, that may be reached while a cassette is replayed, beside this machine.
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
    max_age: Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(_or_none)] = None
    expired: Severity = "warn"
    allowed_hosts: Annotated[HostNames, PlainValidator(host_names)] = ()
