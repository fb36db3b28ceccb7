"""Form of a cassette as plain values, in any layout: its schema, both conversions, and errors for what does not fit.

vcrpy checks none of this and fails later, at the first request, with an unrelated error.
"""

from __future__ import annotations

from functools import cache, reduce
from operator import getitem
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NotRequired
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from pytest_ycimages.cassette.model import (
    HEADER_BREAK,
    HEADER_NAME,
    UNKNOWN_METADATA,
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
    stored_decoded,
)
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from pytest_ycimages.cassette.model import Headers

VERSION: Final = 1
"""The version of vcrpy's format."""
FORMAT: Final = 1
"""The version of the keys that this package adds."""
COMPLETE: Final = b"complete: true\n"
"""The last line of a complete recording."""

VcrForm = dict[str, Any]
"""Texts, numbers, lists and mappings; a body that is not UTF-8 is bytes."""

Place = tuple[int | str, ...]
"""The path to a part of a cassette: keys of mappings and indexes of lists."""

_Body = str | bytes | None
_Count = Annotated[int, Field(ge=0)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _whole(headers: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
    """Return headers that cannot split the response that has them."""
    for name, values in headers.items():
        each = (values,) if isinstance(values, str) else values
        if not HEADER_NAME.fullmatch(name) or any(map(HEADER_BREAK.search, each)):
            raise PydanticCustomError("header", "Input should be headers with names of HTTP, and values on one line")
    return headers


_Headers = Annotated[dict[str, str | list[str]], AfterValidator(_whole)]


def _address(uri: str) -> str:
    if "[" in uri or "]" in uri or not uri.isascii():
        try:
            urlsplit(uri)
        except ValueError:  # whose text may have a secret in it
            raise PydanticCustomError("address", "Input should be a valid address") from None
    return uri


@with_config(ConfigDict(strict=True, extra="forbid"))
class _Strict(TypedDict):
    """A mapping without unknown keys, whose values are not converted."""


class _Request(_Strict):
    method: str
    uri: Annotated[str, AfterValidator(_address)]
    body: NotRequired[_Body]
    headers: NotRequired[_Headers]


class _Status(_Strict):
    code: Annotated[int, Field(ge=100, le=999)]
    message: NotRequired[str | None]


class _Content(_Strict):
    string: NotRequired[_Body]


class _Response(_Strict):
    status: _Status
    headers: NotRequired[_Headers]
    body: NotRequired[_Content | None]
    url: NotRequired[str]  # what vcrpy writes for clients of tornado, and once wrote for aiohttp


class _Ours(_Strict):
    at: NotRequired[_Seconds]
    duration: NotRequired[_Seconds]
    skipped_polls: NotRequired[_Count]
    took: NotRequired[_Seconds]  # what `duration` was called
    equal: NotRequired[_Count]  # what `skipped_polls` was called


class _Interaction(_Strict):
    request: _Request
    response: _Response
    ycimages: NotRequired[_Ours]


class _Metadata(_Strict):
    format: Literal[1]
    origin: NotRequired[Annotated[Origin, Field(strict=False)]]
    upstream: NotRequired[str]
    recorded_at: NotRequired[str]
    contract: NotRequired[str]
    tool: NotRequired[str]
    folder_id: NotRequired[str]
    note: NotRequired[str]


class _Cassette(_Strict):
    interactions: list[_Interaction]
    version: NotRequired[Literal[1]]
    ycimages: NotRequired[_Metadata]
    complete: NotRequired[bool]


_PARTS: Final[Mapping[str, type]] = {
    "request": _Request, "response": _Response, "status": _Status, "body": _Content, "ycimages": _Ours
}  # fmt: skip
"""The mappings within an interaction."""

_UNKNOWN_KEY: Final = frozenset({"extra_forbidden", "invalid_key"})
"""Types of errors of pydantic; the second is for keys that are not texts."""

INTERACTION: Final = TypeAdapter(_Interaction)
METADATA: Final = TypeAdapter(_Metadata)


@cache
def whole_cassette() -> TypeAdapter[_Cassette]:
    """Return the schema of a cassette in another layout, built when the first one is read."""
    return TypeAdapter(_Cassette)


# From values to forms.


def cassette_form(cassette: CassetteData) -> VcrForm:
    """Return the form of a whole cassette."""
    whole = {"complete": True} if cassette.is_complete else {}
    items = [as_vcr(each) for each in cassette.interactions]
    return {"version": VERSION, "ycimages": metadata_form(cassette.metadata), "interactions": items, **whole}


def metadata_form(metadata: CassetteMetadata) -> VcrForm:
    """Return the form of metadata, without what is not known."""
    known = {"format": FORMAT, "origin": metadata.origin.value}
    return known | {name: value for name, value in metadata._asdict().items() if value and name != "origin"}


def as_vcr(interaction: Interaction) -> VcrForm:
    """Return the form of an interaction; what vcrpy ignores is under `ycimages`.

    Headers of one name are grouped at the place of the first; nothing else is lost.
    """
    request, response, at, duration, skipped_polls = interaction
    form: VcrForm = {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "body": _text(request.body) if request.body else None,
            "headers": _by_name(request.headers),
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": _by_name(response.headers),
            "body": {"string": _text(response.body)},
        },
    }
    if at is not None or duration or skipped_polls:
        known = {} if at is None else {"at": float(at)}
        form["ycimages"] = known | {"duration": float(duration), "skipped_polls": skipped_polls}
    return form


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _by_name(headers: Headers) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if HEADER_NAME.fullmatch(name):  # a file with another could not be read
            values.setdefault(name, []).append(HEADER_BREAK.sub(" ", value))
    return values


# From forms to values.


def cassette_of(form: _Cassette) -> CassetteData:
    """Return the value of a whole cassette that fits the schema; one of plain vcrpy is complete."""
    metadata = form.get("ycimages")
    return CassetteData(
        metadata_of(metadata) if metadata else UNKNOWN_METADATA,
        tuple(stored_decoded(interaction_of(item)) for item in form["interactions"]),
        form.get("complete", metadata is None),
    )


def metadata_of(form: _Metadata) -> CassetteMetadata:
    """Return the value of metadata that fits the schema."""
    known: dict[str, Any] = {name: value for name, value in form.items() if name != "format"}
    return CassetteMetadata(**known)


def interaction_of(item: _Interaction) -> Interaction:
    """Return the value of an item that fits the schema."""
    request, response = item["request"], item["response"]
    status = response["status"]
    body = response.get("body")
    asked = RecordedRequest(
        request["method"], request["uri"], _pairs(request.get("headers")), _bytes(request.get("body"))
    )
    answered = RecordedResponse(
        status["code"],
        status.get("message") or "",
        _pairs(response.get("headers")),
        _bytes(body.get("string")) if body else b"",
    )
    ours = item.get("ycimages")
    if ours is None:
        return Interaction(asked, answered)
    duration, skipped = ours.get("duration", ours.get("took", 0)), ours.get("skipped_polls", ours.get("equal", 0))
    return Interaction(asked, answered, ours.get("at"), duration, skipped)


def _pairs(headers: _Headers | None) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, values in (headers or {}).items():
        lower = name.lower()
        pairs += [(lower, value) for value in ([values] if isinstance(values, str) else values)]
    return tuple(pairs)


def _bytes(body: _Body) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


# Errors.


def first_wrong(error: ValidationError, data: Any) -> tuple[Place, str, bool]:
    """Return the first place with an error, the error in a sentence, and whether it is about the key of that place.

    An unknown key comes before other errors, as a misspelt key is also one that is missing.
    """
    errors = error.errors(include_url=False, include_context=False)
    unknown = next((each["loc"] for each in errors if each["type"] in _UNKNOWN_KEY), None)
    if unknown is not None:
        *above, key = unknown
        where = f"{_named(tuple(above))}: " if above else ""
        return unknown, f"{where}{unknown_word('key', key, _keys_at(above))}", True
    places = [_place_in(data, each) for each in errors]
    # A union has an error for each member: the deepest is about the member that was meant.
    place = max((each for each in places if each[: len(places[0])] == places[0]), key=len)
    if errors[0]["type"] == "missing":
        return place[:-1], f"{_named(place[:-1])} has no {place[-1]!r}.", False
    messages = (each["msg"] for each, at in zip(errors, places, strict=True) if at == place)
    wanted = " or ".join(dict.fromkeys(message.removeprefix("Input should be ") for message in messages))
    return place, f"{_named(place)} is {_kind(reduce(getitem, place, data))}; it should be {wanted}.", False


def _keys_at(place: Sequence[int | str]) -> Iterable[str]:
    """Return the keys of the mapping at a place."""
    if place and place[0] == "interactions":
        return (_PARTS[str(place[-1])] if len(place) > len(("interactions", 0)) else _Interaction).__annotations__
    return (_Metadata if place else _Cassette).__annotations__


def _place_in(data: Any, error: ErrorDetails) -> Place:
    """Return the place of an error, without the steps that pydantic adds for the members of a union."""
    place: Place = ()
    for step in error["loc"]:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            continue
        place = (*place, step)
    return (*place, error["loc"][-1]) if error["type"] == "missing" else place


def _named(place: Place) -> str:
    if place[:1] == ("interactions",) and len(place) > 1:
        _, index, *parts = place
        return ", ".join(filter(None, (f"interaction {int(index) + 1}", ".".join(map(str, parts)))))
    return ".".join(map(str, place)) if place else "the file"


_KINDS: Final[Mapping[type, str]] = {
    str: "text", bytes: "bytes", bool: "true or false", list: "a list", dict: "a mapping", type(None): "null"
}  # fmt: skip


def _kind(value: Any) -> str:
    """Return the type of a value. Texts are not shown: they may be secrets."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"the number {value}"
    return _KINDS.get(type(value), f"a {type(value).__name__}")
