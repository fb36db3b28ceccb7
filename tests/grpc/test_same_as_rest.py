"""REST and gRPC answer the same request alike: status, details and resource."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double
from pytest_ycimages.api.methods import method_at
from pytest_ycimages.grpc.codec import fields_of
from pytest_ycimages.grpc.messages import Rpc, message_class, pool, rpcs, twin
from pytest_ycimages.strategies.create_requests import create_requests
from tests.grpc.clients import Http2
from tests.server.raw_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

RPCS: Final = {rpc.method: rpc for rpc in rpcs().values() if rpc.verb}
WORDS: Final = (
    "",
    "a",
    "base",
    "No!",
    "x" * 70,
    "ü",
    "-",
    "fd8p38or12jtmoguqgd0",
    "compute",
    "standard-images",
    "a b/c",
)


def fields_of_create(folder: str) -> bytes:
    """Return the bytes of a request for an image from a disk."""
    return message_class("yandex.cloud.compute.v1.CreateImageRequest")(
        folder_id=folder, disk_id="epd0000000000000000a"
    ).SerializeToString()


class Pair:
    """Two doubles that differ in nothing but their address, one for each transport."""

    def __init__(self, stack: ExitStack, contract: str) -> None:
        one, two = (
            stack.enter_context(
                Double(name="pair", clock="manual", timing="Immediate()", contract=contract, unknown_fields="ignore")
            )
            for _ in range(2)
        )
        self.doubles = one, two
        self.grpc = stack.enter_context(Http2(one))
        self.rest = stack.enter_context(Client(two))
        for double in self.doubles:
            double.add_image(name="seeded", family="base")
        create = fields_of_create(one.folder_id)
        self.ask(RPCS["images.create"], create)
        self.ids = [*one.images, *one.operations]

    def ask(self, rpc: Rpc, data: bytes) -> tuple[object, object]:
        """Send a request over both, and return both answers in protobuf's JSON form."""
        fields = fields_of(rpc.request, data)
        return self._over_grpc(rpc, data), self._over_rest(rpc, fields)

    def _over_grpc(self, rpc: Rpc, data: bytes) -> object:
        framed = b"\0" + len(data).to_bytes(4, "big") + data
        answer = self.grpc.call(rpc.path.removeprefix("/"), framed)
        code = int(answer.headers["grpc-status"])
        message = message_class("google.rpc.Status" if code else rpc.answer)()
        packed = answer.headers.get("grpc-status-details-bin", "")
        message.ParseFromString(base64.b64decode(packed + "=" * (-len(packed) % 4)) if code else bytes(answer.body[5:]))
        return self._compared(code, message, self.doubles[0])

    def _over_rest(self, rpc: Rpc, fields: dict[str, Any]) -> object:
        line, body, _ = twin(rpc, fields)
        head = f"{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.doubles[1].token}\r\n"
        answer = self.rest.ask(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        read = json.loads(answer.body)
        code = int(read["code"]) if answer.status != 200 else 0
        message = message_class("google.rpc.Status" if code else rpc.answer)()
        ParseDict(read, message, ignore_unknown_fields=True, descriptor_pool=pool())
        return self._compared(code, message, self.doubles[1])

    @staticmethod
    def _compared(code: int, message: Any, double: Double) -> object:
        text = json.dumps(MessageToDict(message, descriptor_pool=pool()), sort_keys=True)
        return code, text.replace(double.grpc_endpoint, "address").replace("localhost", "address")


INTEGERS: Final = (0, 1, -1, 2**32, 2**22, 4 * 2**30, 2**63 - 1, -(2**63), 1000, 1001)
PATHS: Final = ("name", "description", "labels", "min_disk_size", "size")


def values(field: Any, pair: Pair) -> SearchStrategy[Any]:
    """Return values of a field in JSON form, right and wrong ones."""
    words = st.sampled_from(WORDS)
    if field.name == "folder_id":
        return st.sampled_from([pair.doubles[0].folder_id, *WORDS])
    if field.name in {"image_id", "resource_id", "operation_id"}:
        return st.sampled_from([*pair.ids, *WORDS])
    if field.message_type is None:
        one = {
            field.TYPE_STRING: words,
            field.TYPE_INT64: st.sampled_from(INTEGERS),
            field.TYPE_BOOL: st.booleans(),
            field.TYPE_ENUM: st.integers(-1, 4),
        }[field.type]
    elif field.message_type.GetOptions().map_entry:
        return st.dictionaries(words, words, max_size=3)
    elif field.message_type.full_name == "google.protobuf.FieldMask":
        one = st.lists(st.sampled_from(PATHS)).map(",".join)
    else:
        one = messages(field.message_type.full_name, pair)
    return st.lists(one, max_size=3) if field.is_repeated else one


@st.composite
def messages(draw: DrawFn, name: str, pair: Pair) -> dict[str, Any]:
    """Draw a message in JSON form, with any of its fields, and at most one of each oneof."""
    found: dict[str, Any] = {}
    oneofs: set[str] = set()
    for field in message_class(name).DESCRIPTOR.fields:
        oneof = field.containing_oneof.name if field.containing_oneof else ""
        if draw(st.booleans()) and oneof not in oneofs:
            found[field.json_name] = draw(values(field, pair))
            oneofs |= {oneof} - {""}
    return found


@pytest.fixture(scope="module")
def pairs() -> Iterator[dict[str, Pair]]:
    """Return a pair of doubles for each revision of the contract."""
    with ExitStack() as stack:
        yield {contract: Pair(stack, contract) for contract in ("page", "current")}


def is_routed(rpc: Rpc, line: str) -> bool:
    """Return whether REST has a path for a request: it has none for an empty id."""
    verb, _, target = line.partition(" ")
    return method_at(unquote(target.partition("?")[0]), verb) == rpc.method


def compared(pair: Pair, rpc: Rpc, fields: dict[str, Any]) -> None:
    """Send a request over both transports, and compare the answers."""
    message = message_class(rpc.request)()
    try:
        ParseDict(fields, message, ignore_unknown_fields=True, descriptor_pool=pool())
    except ParseError:
        assume(condition=False)  # what protobuf cannot say
    data = message.SerializeToString()
    said = fields_of(rpc.request, data)
    assume(is_routed(rpc, twin(rpc, said).line))
    assume(not isinstance(said.get("os", {}).get("type"), int))  # refused by the gateway of REST, in plain text
    grpc, rest = pair.ask(rpc, data)
    assert grpc == rest


@pytest.mark.costly
@pytest.mark.parametrize("method", sorted(RPCS))
@given(data=st.data())
@settings(deadline=None, max_examples=12)
def test_every_method(pairs: dict[str, Pair], method: str, data: st.DataObject) -> None:
    """Whatever the fields, right or wrong."""
    pair = pairs[data.draw(st.sampled_from(["page", "current"]))]
    rpc = RPCS[method]
    compared(pair, rpc, data.draw(messages(rpc.request, pair)))


@pytest.mark.costly
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_creates(pairs: dict[str, Pair], data: st.DataObject) -> None:
    """Valid ones, and those with one thing wrong."""
    revisions: tuple[Literal["page", "current"], ...] = "page", "current"
    contract = data.draw(st.sampled_from(revisions))
    pair = pairs[contract]
    folder = pair.doubles[0].folder_id
    body = data.draw(create_requests(valid=data.draw(st.booleans()), contract=contract, folder_id=folder))
    compared(pair, RPCS["images.create"], body)
