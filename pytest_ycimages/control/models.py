"""Message models of the control API. Names are those of the Python API; times are seconds since the double began.

A value that the Python API returns is described once, in its own docstring: `_model_of` derives its model here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, WithJsonSchema, create_model

from pytest_ycimages.call import Call
from pytest_ycimages.cloud.clock import ClockKind
from pytest_ycimages.cloud.sources import UNKNOWN_DATA, UNKNOWN_SIZE
from pytest_ycimages.faults.fault import Commit
from pytest_ycimages.faults.injection import FaultReport, Strike
from pytest_ycimages.faults.rule import Per
from pytest_ycimages.pacing import Pacing
from pytest_ycimages.polls import Hint

if TYPE_CHECKING:
    from collections.abc import Collection

Value = int | float | str | dict[str, int | float | str]
"""The written form of a setting; a dict has one value for each method word or glob."""


class Answer(BaseModel):
    """A response body. The text below each field is its description in the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, from_attributes=True)


class Body(BaseModel):
    """A request body: unknown fields are refused, and values are not converted between JSON types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


# Values of the Python API.

_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def _model_of(
    source: type, name: str, annotations: Mapping[str, object], without: Collection[str] = (), **added: tuple[Any, str]
) -> type[Answer]:
    """Return a model of a class of the Python API, with the types and descriptions that the class has.

    Args:
        source: the class: its annotated fields and its `Attributes:` are read, and of `added`, its properties.
        name: the model's name in the document.
        annotations: the types that its annotations name, or what stands for them in JSON.
        without: fields that the model leaves out.
        **added: further fields, or other types of its fields, each with its description.
    """
    texts = dict(_ATTRIBUTE.findall(inspect.getdoc(source) or ""))
    hints = get_type_hints(source, localns=dict(annotations), include_extras=True)
    typed = {field: (hint, texts[field]) for field, hint in hints.items() if field not in without} | added
    fields: dict[str, Any] = {
        field: (hint, Field(description=" ".join(text.split()))) for field, (hint, text) in typed.items()
    }
    summary = (inspect.getdoc(source) or "").partition("\n")[0]
    return create_model(name, __base__=Answer, __doc__=summary, __module__=__name__, **fields)


def _property(source: type, name: str) -> tuple[Any, str]:
    """Return the type and the description of a property."""
    getter = inspect.getattr_static(source, name).fget
    return get_type_hints(getter)["return"], inspect.getdoc(getter) or ""


_JSON: Final = {
    "Mapping": Mapping,
    "Code": Annotated[str, BeforeValidator(lambda code: code.name)],
    "RequestMessage": Annotated[dict[str, Any], BeforeValidator(lambda message: message.to_wire())],
}

OneCall: Final = _model_of(
    Call,
    "OneCall",
    _JSON,
    number=(int, "Which call it is, counted from 1."),
    came_at=_property(Call, "came_at"),
    answered_at=_property(Call, "answered_at"),
)
OneHint: Final = _model_of(Hint, "OneHint", {"Call": Call}, ("call",), obeyed=_property(Hint, "obeyed"))
OnePacing: Final = _model_of(
    Pacing,
    "OnePacing",
    {"Call": Annotated[float, BeforeValidator(lambda call: call.came_at)], "Hint": OneHint},
    ("started", "done"),
    **{name: _property(Pacing, name) for name in ("intervals", "pauses", "first_after", "growth", "jitter")},
    done_seen_at=_property(Pacing, "done_seen_at"),
    polls=(list[Annotated[float, BeforeValidator(lambda call: call.came_at)]], "When each poll came."),
    polls_after_done=(Annotated[int, BeforeValidator(len)], "How many polls came after that."),
    report=(str, "The report for people."),
)
OneStrike: Final = _model_of(Strike, "OneStrike", {})
OneFault: Final = _model_of(
    FaultReport,
    "OneFault",
    {"Mapping": Mapping, "Strike": OneStrike},
    struck=(int, "How often it struck."),
)


def shown(model: type[Answer], value: object, **added: object) -> Answer:
    """Return a value of the Python API as its model, with the fields in `added` that the value does not have."""
    names = model.model_fields.keys() - added.keys()
    return model.model_validate({**{name: getattr(value, name) for name in names}, **added})


# Responses.


class Refused(Answer):
    """A refused request. Nothing has changed."""

    error: str
    """What was wrong, and what would be right."""


class ClockNow(Answer):
    """The double's time."""

    now: str
    """The moment, as operations print it."""
    elapsed: float
    """Seconds since the double began."""
    kind: ClockKind
    """`real`: the machine's clock, which cannot be moved."""


class State(Answer):
    """The server's state. Reading it does not count as a poll."""

    folder_id: str
    """A folder that exists."""
    token: str
    """A valid IAM token."""
    clock: ClockNow
    """What time it is for the double."""
    settings: dict[str, Any]
    """Every setting in force, in its written form."""
    upcoming: list[str]
    """Requests of `next_operation` that no operation has taken yet."""
    calls: int
    """How many calls the journal has."""
    images: dict[str, dict[str, Any]]
    """All images as they are now, by id, in the API's own form."""
    operations: dict[str, dict[str, Any]]
    """All operations as they are now, by id, in the API's own form, whatever a script shows clients."""


class Journal(Answer):
    """Calls in the order in which they were answered."""

    calls: list[OneCall]  # type: ignore[valid-type]  # derived above
    """The requested calls."""
    gaps: list[float]
    """Seconds between each repeated attempt and the attempt before it."""
    last: int
    """The number of the journal's last call, for `since`; 0 when it is empty."""


class AllPacing(Answer):
    """How the client waited."""

    operations: dict[str, OnePacing]  # type: ignore[valid-type]  # derived above
    """By operation id."""


class SomeFaults(Answer):
    """Faults, and what they have done."""

    faults: list[OneFault]  # type: ignore[valid-type]  # derived above
    """In the order of injection."""


class Verdict(Answer):
    """Whether every expected fault has struck."""

    never_struck: list[int]
    """The numbers of the expected faults that have not."""
    report: str
    """Their reports, for people; empty when there are none."""


class TimingNow(Answer):
    """How the next operations go, and the latency of responses."""

    timing: Value
    """How long operations take."""
    outcome: Value
    """How they end."""
    rollback: Value
    """Seconds that undoing takes."""
    cancel: Value
    """What a cancel does."""
    cancel_delay: Value
    """Seconds until a late cancel takes effect."""
    latency: Value
    """How late calls are answered."""


class Upcoming(Answer):
    """Requests of `next_operation` that no operation has taken yet."""

    upcoming: list[str]
    """In the order in which they were made."""


class Added(Answer):
    """What was added."""

    id: str
    """Its id; for a file in Object Storage, its address."""


# Requests. Only JSON types are checked here: the values are checked by the capability of `Double` that takes them.


def _one_of(words: object) -> WithJsonSchema:
    """Describe a field as one of some words; the capability that takes it checks which."""
    return WithJsonSchema({"type": "string", "enum": list(get_args(words))})


class FaultToInject(Body):
    """A rule. The words are those of `inject`."""

    fault: str
    """What goes wrong, such as `reset(after=10)`."""
    on: str = "*"
    """A method word or glob."""
    when: str | None = None
    """Which of the matching calls it strikes, such as `first(2)`; null: all of them."""
    commit: Annotated[str, _one_of(Commit)] | None = None
    """Whether it strikes before or after the call takes effect; null: the default of the fault."""
    per: Annotated[str, _one_of(Per)] = "rule"
    """What `when` counts."""
    where: dict[str, str] = {}
    """Fields of the request, and headers such as `header.x-request-id`, each with a pattern."""
    expect: bool = True
    """Whether a test fails when the fault never strikes."""


class FaultsToInject(RootModel[FaultToInject | str | list[FaultToInject | str]]):
    """A rule, or several: each as an object, or as text such as `reset(), on="images.*", when=first(1)`."""


class TimingToSet(Body):
    """What to change; a field left out stays as it is."""

    timing: Value | None = None
    """How long operations take: seconds, or such as `AfterPolls(3)`."""
    outcome: str | dict[str, str] | None = None
    """How they end, such as `Failure('UNAVAILABLE')`."""
    rollback: Value | None = None
    """Seconds that undoing takes."""
    cancel: str | dict[str, str] | None = None
    """What a cancel does: `wins`, `late`, `loses`, `too_late` or `refused`."""
    cancel_delay: float | str | None = None
    """Seconds until a late cancel takes effect."""
    latency: Value | None = None
    """How late calls are answered: seconds, or such as `uniform(0.1, 0.4)`."""


class OperationToAsk(Body):
    """How the next operation goes, and only that one; a field left out comes from the settings."""

    on: str = "*"
    """The word or glob of the methods that may start it."""
    timing: float | str | None = None
    """How long it takes."""
    outcome: str | None = None
    """How it ends."""
    rollback: float | None = None
    """Seconds that undoing takes."""
    cancel: str | None = None
    """What a cancel does."""
    cancel_delay: float | None = None
    """Seconds until a late cancel takes effect."""


class Step(Body):
    """How far to move the clock."""

    seconds: float
    """Zero or more."""


class Folder(Body):
    """A folder to add."""

    folder_id: str | None = None
    """Its id; random when left out."""


class _Source(Body):
    size: int = UNKNOWN_SIZE
    """Its size in bytes."""
    data_size: int = UNKNOWN_DATA
    """Bytes of data in it."""
    os: str = "LINUX"
    """`LINUX` or `WINDOWS`."""
    product_ids: list[str] = []
    """Licence ids."""


class Disk(_Source):
    """A disk to add."""

    disk_id: str | None = None
    """Its id; random when left out."""


class Snapshot(_Source):
    """A snapshot to add."""

    snapshot_id: str | None = None
    """Its id; random when left out."""


class ReadyImage(Body):
    """An image to add, with any field of `Image` in snake_case, such as `folder_id`, `family` or `min_disk_size`."""

    model_config = ConfigDict(extra="allow")

    image_id: str | None = None
    """Its id; random when left out."""


class StoredFile(Body):
    """A file in Object Storage to add."""

    uri: str
    """`https://storage.yandexcloud.net/<bucket>/<key>`."""
    size: int = UNKNOWN_DATA
    """Bytes of data in it."""
    virtual_size: int | None = None
    """Bytes that a disk made from it takes."""
    format: str | None = None
    """`qcow2`, `vmdk`, `vhd`, `raw`, or one that the service refuses; by default, what its name says."""
    reachable: bool = True
    """Whether the service can read it."""
