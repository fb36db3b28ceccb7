"""Any request, sent over REST in any spelling and over gRPC, is one request for a cassette."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pytest
from google.protobuf.json_format import ParseDict, ParseError
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel, to_snake

from pytest_ycimages.api.exchange import Request
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.cassette.exchange import recorded_request
from pytest_ycimages.cassette.redact import Redactor
from pytest_ycimages.cassette.requests import Volatile, key_of, normalize
from pytest_ycimages.grpc.codec import fields_of
from pytest_ycimages.grpc.messages import message_class, pool, rpcs, twin
from tests.grpc.test_same_as_rest import is_routed, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

    from pytest_ycimages.cassette.requests import RequestKey
    from pytest_ycimages.grpc.messages import Rpc

RPCS: Final = [rpc for rpc in rpcs().values() if rpc.verb]
SEEDED: Any = SimpleNamespace(doubles=[SimpleNamespace(folder_id="b1g0")], ids=["fd80", "epd0"])
DEFAULTS: Final = {str: "", int: 0, bool: False}
ENUMS: Final = {
    "type": ("TYPE_UNSPECIFIED", "LINUX", "WINDOWS"),
    "pciTopology": ("PCI_TOPOLOGY_UNSPECIFIED", "PCI_TOPOLOGY_V1", "PCI_TOPOLOGY_V2"),
}


@st.composite
def spelled(draw: DrawFn, model: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Draw a spelling of a message in JSON that says the same."""
    found: dict[str, Any] = {}
    alternatives = {name for oneof in model.oneofs for name in oneof.fields}
    for name, about in model.model_fields.items():
        value = fields.get(to_camel(name))
        if value is None:
            choices: list[Any] = [None]
            if name not in alternatives and about.annotation in DEFAULTS:
                choices.append(DEFAULTS[about.annotation])
            if name in {"labels", "product_ids", "os"}:
                choices.append([] if name == "product_ids" else {})
            if not draw(st.booleans()):
                continue
            value = draw(st.sampled_from(choices))
        found[draw(st.sampled_from([name, to_camel(name)]))] = draw(one_value(about, to_camel(name), value))
    found |= {name: value for name, value in fields.items() if name not in map(to_camel, model.model_fields)}
    return dict(draw(st.permutations(list(found.items()))))


@st.composite
def one_value(draw: DrawFn, about: Any, name: str, value: Any) -> Any:
    """Draw a spelling of the value of one field."""
    inner = next((each for each in getattr(about.annotation, "__args__", ()) if hasattr(each, "oneofs")), None)
    if inner is not None and isinstance(value, dict):
        return draw(spelled(inner, value))
    if about.annotation is int and isinstance(value, str):
        return draw(st.sampled_from([value, int(value)]))
    if name in ENUMS and value in ENUMS[name]:
        return draw(st.sampled_from([value, ENUMS[name].index(value)]))
    if name == "updateMask" and value:
        paths = draw(st.permutations(value.split(",")))
        return draw(st.sampled_from([",", ", "])).join(draw(st.sampled_from([each, to_snake(each)])) for each in paths)
    return value


def over_grpc(rpc: Rpc, fields: dict[str, Any]) -> tuple[Request, dict[str, Any]]:
    """Return a call as its twin, and its fields as the double has read them."""
    message = message_class(rpc.request)()
    try:
        ParseDict(fields, message, ignore_unknown_fields=True, descriptor_pool=pool())
        said = fields_of(rpc.request, message.SerializeToString())
    except (ParseError, ValueError):
        assume(condition=False)  # what protobuf cannot say
    line, body, _ = twin(rpc, said)
    assume(is_routed(rpc, line))  # REST has no path for an empty id
    return Request(rpc.method, line, {}, body=body), said


def over_rest(draw: Callable[..., Any], rpc: Rpc, said: dict[str, Any]) -> Request:
    """Return the same request as a client of REST might send it."""
    line, body, _ = twin(rpc, said)
    verb, _, target = line.partition(" ")
    model = CONTRACTS["current"].requests[rpc.method]
    bound = {to_camel(part.partition("}")[0]) for part in rpc.template.split("{")[1:]}
    fields = draw(spelled(model, {name: value for name, value in said.items() if name not in bound}))
    if verb in {"POST", "PATCH"}:
        return Request(rpc.method, line, {}, body=json.dumps(fields).encode())
    told = {name: value for name, value in fields.items() if value is not None and to_camel(name) not in bound}
    path = target.partition("?")[0]
    if rpc.method == "operations.cancel" and draw(st.booleans()):
        return Request(rpc.method, f"POST {path}", {}, body=draw(st.sampled_from([b"", b"{}"])))
    return Request(rpc.method, f"{verb} {path}?{urlencode(told)}" if told else f"{verb} {path}", {}, body=body)


def identity(request: Request, rules: Volatile) -> RequestKey:
    """Return the key of a request, redacted as it is before it is compared."""
    return key_of(normalize(Redactor().scrub_request(recorded_request(request))), rules)


@pytest.mark.costly
@given(data=st.data())
@settings(deadline=None, max_examples=400)
def test_both_transports_make_the_same_request(data: st.DataObject) -> None:
    """With and without rules for values that differ."""
    rpc = data.draw(st.sampled_from(RPCS))
    asked, said = over_grpc(rpc, data.draw(messages(rpc.request, SEEDED)))
    rules = Volatile(data.draw(st.sampled_from([{}, {"name": "*", "page_token": "*"}, {"folder_id": "b1g*"}])))
    assert identity(over_rest(data.draw, rpc, said), rules) == identity(asked, rules)


@pytest.mark.costly
@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_requests_that_say_something_else_are_not_the_same(data: st.DataObject) -> None:
    """Two messages that differ in bytes differ as requests, but for what only presence tells apart."""
    rpc = data.draw(
        st.sampled_from([rpc for rpc in RPCS if rpc.method.startswith("images.") and "Access" not in rpc.path])
    )
    one, other = (over_grpc(rpc, data.draw(messages(rpc.request, SEEDED))) for _ in range(2))
    assume(_filled(one[1]) != _filled(other[1]))
    assert identity(one[0], Volatile()) != identity(other[0], Volatile())


def _filled(said: Any) -> Any:
    """Return fields without messages that are empty, and with the paths of a mask as a set."""
    if not isinstance(said, dict):
        return said
    found = {name: _filled(value) for name, value in said.items() if not name.startswith("generation2")}
    if "updateMask" in found:
        found["updateMask"] = ",".join(sorted({*found["updateMask"].split(",")}))
    return {name: value for name, value in found.items() if value not in ({}, "") or name.endswith(("Id", "uri"))}
