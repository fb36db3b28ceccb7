"""Messages from JSON: compiled makers, with protobuf's json_format as their oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ycimages.grpc.codec import message_bytes
from pytest_ycimages.grpc.messages import message_class, pool, rpcs

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    1,
    -1,
    1.0,
    2**63,
    "",
    "1",
    " 1",
    "01",
    "-0",
    "a",
    "LINUX",
    "READY",
    [],
    {},
    ["a"],
    "\ud800",
)
"""Values that a field may not have, or in another form than the double writes."""
MOMENTS: Final = (
    *("2026-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "2026-01-01T00:00:00.123456789Z", "0001-01-01T00:00:00Z"),
    *("2026-01-01T00:00:00+03:00", "2026-01-01 00:00:00Z", "2026-13-01T00:00:00Z", "2026-W01-1T00:00:00Z", "now"),
)
ANSWERS: Final = sorted({rpc.answer for rpc in rpcs().values() if rpc.verb} | {"google.rpc.Status"})
PACKED: Final = (
    *("yandex.cloud.compute.v1.Image", "google.protobuf.Empty", "google.rpc.BadRequest", "google.rpc.RetryInfo"),
    *("google.protobuf.Duration", "none.such"),
)


@st.composite
def wires(draw: DrawFn, name: str) -> dict[str, Any]:
    """Draw the JSON form of a message, right or wrong."""
    found: dict[str, Any] = {}
    for field in message_class(name).DESCRIPTOR.fields:
        if not draw(st.booleans()) or (field.containing_oneof and draw(st.booleans())):
            continue
        found[draw(st.sampled_from([field.json_name, field.name]))] = draw(
            st.one_of(value(field), st.sampled_from(ODD))
        )
    return found | draw(st.sampled_from([{}, {}, {"unknown": 1}]))


def value(field: Any) -> SearchStrategy[Any]:
    """Return the values of a field."""
    one: SearchStrategy[Any]
    if field.message_type is None:
        kinds = {field.TYPE_BOOL: st.booleans(), field.TYPE_ENUM: st.sampled_from([*ODD[2:5], "READY", "LINUX"])}
        kinds |= {kind: st.integers(-5, 5).map(str) for kind in (field.TYPE_INT32, field.TYPE_INT64)}
        one = kinds.get(field.type, st.sampled_from(["", "a", "fd8"]))
    elif field.message_type.GetOptions().map_entry:
        return st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "1"]), max_size=2)
    elif field.message_type.full_name == "google.protobuf.Timestamp":
        one = st.sampled_from(MOMENTS)
    elif field.message_type.full_name == "google.protobuf.Any":
        one = st.sampled_from(PACKED).flatmap(packed)
    else:
        one = wires(field.message_type.full_name)
    return st.lists(one, max_size=2) if field.is_repeated else one


def packed(name: str) -> SearchStrategy[dict[str, Any]]:
    """Return messages in an Any."""
    url = {"@type": f"type.googleapis.com/{name}"}
    if name.startswith(("google.protobuf", "none")):
        return st.sampled_from([url, url | {"value": "1s"}])
    return wires(name).map(lambda wire: url | wire)


def outcome(read: Callable[[], bytes], name: str) -> object:
    """Return the message that was made, or that there is none."""
    try:
        data = read()
    except (ParseError, TypeError, ValueError, KeyError, AttributeError, SystemError):
        return None
    message = message_class(name)()
    message.ParseFromString(data)
    return MessageToDict(message, descriptor_pool=pool())


@pytest.mark.costly
@given(data=st.data())
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_messages_are_made_as_by_protobuf(data: st.DataObject) -> None:
    """From whatever JSON: the double's own is read by what is compiled for it, all else by json_format."""
    name = data.draw(st.sampled_from(ANSWERS))
    wire = data.draw(wires(name))
    expected = message_class(name)()

    def by_protobuf() -> bytes:
        ParseDict(wire, expected, ignore_unknown_fields=True, descriptor_pool=pool())
        return expected.SerializeToString()

    assert outcome(lambda: message_bytes(name, wire), name) == outcome(by_protobuf, name)
