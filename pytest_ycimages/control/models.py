"""Message models of the control API. Names are those of the Python API; times are seconds since the double began.

What the Python API returns or takes is described there: models are derived from its classes, signatures and docstrings.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, get_args, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from pytest_ycimages.api.exchange import GrpcCall
from pytest_ycimages.call import Call, Hint
from pytest_ycimages.cloud.clock import ClockKind
from pytest_ycimages.cloud.rules import cancel_delay_setting, per_method
from pytest_ycimages.double import Double
from pytest_ycimages.faults.fault import Commit
from pytest_ycimages.faults.injection import FaultReport, Strike
from pytest_ycimages.faults.rule import Per
from pytest_ycimages.latency import latency_of
from pytest_ycimages.pacing import Pacing
from pytest_ycimages.text_values import DURATIONS, seconds_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable


class Answer(BaseModel):
    """A response body. The text below each field is its description in the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, from_attributes=True)


class Body(BaseModel):
    """A request body: unknown fields are refused, and values are not converted between JSON types.

    Only JSON types are checked here: the values are checked by the method of `Double` that takes them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


Model = TypeVar("Model", Answer, Body)

ENTRY: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
"""An entry of `Attributes:` or `Args:` in a docstring."""


def _model(base: type[Model], name: str, doc: str, fields: Mapping[str, tuple[object, str, object]]) -> type[Model]:
    """Return a model described by the first line of `doc`; a field has a type, a description and a default."""
    typed: dict[str, Any] = {
        field: (hint, Field(default, description=" ".join(text.split())))
        for field, (hint, text, default) in fields.items()
    }
    unread = {"use_attribute_docstrings": False}  # pydantic would search all modules for the source of the class
    first = doc.partition("\n")[0]
    return create_model(name, __base__=base, __doc__=first, __module__=__name__, __cls_kwargs__=unread, **typed)


def _doc(source: object) -> str:
    return inspect.getdoc(source) or ""


def _answer_of(
    source: type,
    name: str,
    *,
    without: Collection[str] = (),
    properties: Iterable[str] = (),
    types: Mapping[str, object] | None = None,
    **added: tuple[object, str],
) -> type[Answer]:
    """Return a model of the fields of a class, and of some of its properties.

    Args:
        source: the class.
        name: the model's name in the document.
        without: fields that the model leaves out.
        properties: properties that it has as well.
        types: what stands for the names in the class's annotations in JSON, beyond `_JSON`.
        **added: further fields: a type and a description of each.
    """
    texts = dict(ENTRY.findall(_doc(source)))
    hints = get_type_hints(source, localns={**_JSON, **(types or {})}, include_extras=True)
    fields: dict[str, Any] = {field: (hint, texts[field], ...) for field, hint in hints.items() if field not in without}
    fields |= {field: (hint, text, ...) for field, (hint, text) in added.items()}
    for field in properties:
        getter = inspect.getattr_static(source, field).fget
        fields[field] = (get_type_hints(getter, localns=_JSON)["return"], _doc(getter), ...)
    return _model(Answer, name, _doc(source), fields)


def _body_of(method: Callable[..., object], name: str, like: Callable[..., object] | None = None) -> type[Body]:
    """Return a model of the arguments of a method of `Double`; `like` documents them in its place."""
    parameters = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    hints = get_type_hints(method, localns=_JSON, include_extras=True)
    named = [each for each in parameters if each.kind is not inspect.Parameter.VAR_KEYWORD]
    texts = [text for _, text in ENTRY.findall(_doc(like or method))]
    fields = {
        each.name: (hints[each.name], text, ... if each.default is each.empty else each.default)
        for each, text in zip(named, texts, strict=False)
    }
    return _model(Body if named == parameters else _OpenBody, name, _doc(method), fields)


class _OpenBody(Body):
    model_config = ConfigDict(extra="allow")


def _one_of(words: object) -> object:
    """Return the type of a field that is one of some words; the method that takes it checks which."""
    return Annotated[str, WithJsonSchema({"type": "string", "enum": list(get_args(words))})]


_JSON: Final = {
    "Call": Annotated[float, BeforeValidator(lambda call: call.came_at)],
    "Code": Annotated[str, BeforeValidator(lambda code: code.name)],
    "RequestMessage": dict[str, Any],
    "Mapping": Mapping,
    "Iterable": list,
    "Commit": _one_of(Commit),
    "Per": _one_of(Per),
    **dict.fromkeys(("Fault", "On", "When", "Success", "Failure", "CancelWord"), str),
    "Timing": float,
    "timedelta": str,
    "Injection": object,
}
"""What stands for the names in annotations of the Python API in JSON. A call is the moment when it came."""


# Responses.

OneGrpcCall: Final = _answer_of(GrpcCall, "OneGrpcCall")
OneCall: Final = _answer_of(
    Call,
    "OneCall",
    properties=("came_at", "answered_at"),
    types={"GrpcCall": OneGrpcCall},
    number=(int, "Which call it is, counted from 1."),
)
OneHint: Final = _answer_of(Hint, "OneHint", without=("call",), properties=("obeyed",))
OnePacing: Final = _answer_of(
    Pacing,
    "OnePacing",
    without=("started", "done"),
    properties=("intervals", "pauses", "first_after", "growth", "jitter", "done_seen_at"),
    types={"Hint": OneHint},
    polls_after_done=(Annotated[int, BeforeValidator(len)], "How many polls came after that."),
    report=(str, "The report for people."),
)
OneFault: Final = _answer_of(FaultReport, "OneFault", types={"Strike": _answer_of(Strike, "OneStrike")})


def shown(model: type[Answer], value: object, **added: object) -> Answer:
    """Return a value of the Python API as its model, with the fields in `added` that the value does not have."""
    names = model.model_fields.keys() - added.keys()
    return model.model_validate({**{name: getattr(value, name) for name in names}, **added})


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


class Health(Answer):
    """That the double answers; asked for without a token."""

    status: Literal["ok"] = "ok"
    """Always `ok`."""


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
    """How many calls were answered."""
    dropped_calls: int
    """How many of these the journal has dropped, beyond the setting `journal_limit`."""
    images: dict[str, dict[str, Any]]
    """All images as they are now, by id, in the API's own form."""
    operations: dict[str, dict[str, Any]]
    """All operations as they are now, by id, in the API's own form, whatever a script shows clients."""


class Journal(Answer):
    """A page of calls, in the order in which they were answered."""

    calls: list[OneCall]  # type: ignore[valid-type]  # derived above
    """The requested calls."""
    gaps: list[float]
    """Seconds between each repeated attempt on this page and the attempt before it."""
    next_page_token: str
    """The `page_token` of the next page; empty on the last one."""
    last: int
    """The number of the last call that was answered, for `after`; 0 when there was none."""
    dropped: int
    """How many of the first calls the journal has dropped, beyond the setting `journal_limit`."""


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


class Upcoming(Answer):
    """Requests of `next_operation` that no operation has taken yet."""

    upcoming: list[str]
    """In the order in which they were made."""


class Added(Answer):
    """What was added."""

    id: str
    """Its id; for a file in Object Storage, its address."""


class AllAdded(Answer):
    """What was added, oldest first."""

    ids: list[str]
    """The ids."""


class Removed(Answer):
    """What was removed."""

    id: str
    """Its id."""


# Settings that can be changed while a double runs.

READERS: Final[dict[str, Callable[[object], Any]]] = {
    **{name: partial(per_method, name) for name in ("timing", "outcome", "rollback", "cancel")},
    "cancel_delay": cancel_delay_setting,
    "latency": latency_of,
}
"""What reads the written form of each."""
CHANGEABLE: Final = tuple(READERS)

Value = int | float | str | dict[str, int | float | str]
"""The written form of a setting; a dict has one value for each method word or glob."""

_ABOUT_TIMING: Final = (
    "How the next operations go, and the latency of responses. What a request leaves out stays as it is."
)


def _timing(base: type[Model], name: str, value: object, default: object) -> type[Model]:
    texts = {name: _doc(inspect.getattr_static(Double, name)) for name in CHANGEABLE}
    return _model(base, name, _ABOUT_TIMING, {name: (value, text, default) for name, text in texts.items()})


TimingNow: Final = _timing(Answer, "TimingNow", Value, ...)
TimingToSet: Final = _timing(Body, "TimingToSet", Value | None, None)


# Requests.

FaultToInject: Final = _body_of(Double.inject, "FaultToInject")
OperationToAsk: Final = _body_of(Double.next_operation, "OperationToAsk")
Folder: Final = _body_of(Double.add_folder, "Folder", like=Double.add_image)
Disk: Final = _body_of(Double.add_disk, "Disk")
DiskToRemove: Final = _body_of(Double.remove_disk, "DiskToRemove")
Snapshot: Final = _body_of(Double.add_snapshot, "Snapshot", like=Double.add_disk)
SeededImage: Final = _body_of(Double.add_image, "SeededImage")
SeededImages: Final = _body_of(Double.add_images, "SeededImages")
SeededOperation: Final = _body_of(Double.add_operation, "SeededOperation")
StoredFile: Final = _body_of(Double.add_object, "StoredFile")


class FaultsToInject(RootModel[FaultToInject | str | list[FaultToInject | str]]):  # type: ignore[valid-type]
    """A rule, or several: each as an object, or as text such as `reset(), on="images.*", when=first(1)`."""


def _seconds(value: object) -> object:
    seconds = seconds_in(value) if isinstance(value, str) else value
    if seconds is None:
        raise PydanticCustomError("duration", "Write seconds, zero or more, or a duration {such}", {"such": DURATIONS})
    return seconds


class Step(Body):
    """How far to move the clock."""

    seconds: Annotated[float, BeforeValidator(_seconds), WithJsonSchema({"type": ["number", "string"]})]
    """Zero or more, or a duration such as `1h30m`."""
