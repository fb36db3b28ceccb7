"""One cassette serves both transports: recorded over REST or gRPC, replayed over REST or gRPC."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import grpc
import pytest
from pydantic.alias_generators import to_camel
from yandex.cloud.compute.v1 import image_service_pb2 as api

from pytest_ycimages import (
    AfterPolls,
    Code,
    Double,
    DoubleFailedError,
    NoMatchError,
    UsageError,
)
from pytest_ycimages.api.methods import route
from pytest_ycimages.cassette.file import read_cassette, write_cassette
from pytest_ycimages.cassette.model import (
    UNKNOWN_METADATA,
    CassetteData,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cassette.requests import json_object
from tests.cassette.modes.transports import RPCS, TRANSPORTS, Answer, OverGrpc
from tests.grpc.clients import DISK, TIMEOUT, Http2, Stubs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cassette.modes.transports import Asking

BOTH: Final = pytest.mark.parametrize("replayed", ["rest", "grpc"])
SHIPPED: Final = sorted((Path(__file__).parents[3] / "cassettes").iterdir())
COMPUTE: Final = "https://compute.api.cloud.yandex.net"


def story(client: Asking, folder_id: str) -> list[Answer]:
    """Bake, update, cancel, list, delete; and be refused, with details and without."""
    fields = {"folderId": folder_id, "diskId": DISK, "name": "base", "labels": {"a": "b"}, "description": ""}
    answers = [client.ask("images.create", fields)]
    operation = answers[0].said
    while not operation.get("done"):
        answers.append(client.ask("operations.get", {"operationId": operation["id"]}))
        operation = answers[-1].said
    image_id = operation["metadata"]["imageId"]
    change = {"imageId": image_id, "updateMask": "name,minDiskSize", "name": "b", "minDiskSize": "6000000000"}
    answers += [
        client.ask("images.get", {"imageId": image_id}),
        client.ask("images.update", change),
        client.ask("operations.cancel", {"operationId": operation["id"]}),
        client.ask("images.list", {"folderId": folder_id, "pageSize": "10", "filter": 'name = "base"'}),
        client.ask("images.create", {"folderId": folder_id, "name": "No!", "labels": {"A": "b"}}),
        client.ask("images.get", {"imageId": "fd800000000000000000"}),
        client.ask("tokens.create", {"yandexPassportOauthToken": "y0_AgAAAAAAAAAAAAAAAAAA"}),
        client.ask("images.delete", {"imageId": image_id}),
        client.ask("images.listOperations", {"imageId": image_id}),
    ]
    return answers


@pytest.mark.parametrize("recorded", ["rest", "grpc"])
@BOTH
def test_what_either_transport_records_both_replay(recorded: str, replayed: str, tmp_path: Path) -> None:
    """The same images, operations and lists; the same refusals, with their details."""
    path = tmp_path / "story.yaml"
    with (
        Double(timing=AfterPolls(2)) as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url) as recording,
        TRANSPORTS[recorded](recording) as client,
    ):
        was = story(client, recording.folder_id)
    with Double(mode="replay", cassette=path) as replay, TRANSPORTS[replayed](replay) as client:
        now = story(client, replay.folder_id)
    assert [answer.code for answer in now] == [answer.code for answer in was]
    assert {3, 5} <= {answer.code for answer in now}
    assert [answer for answer in now if "iamToken" not in answer.said] == [
        answer for answer in was if "iamToken" not in answer.said
    ]


def test_a_cassette_does_not_show_by_which_transport_it_was_recorded(tmp_path: Path) -> None:
    """But for what the clients say of themselves."""
    paths = {}
    for name, transport in TRANSPORTS.items():
        paths[name] = tmp_path / f"{name}.yaml"
        with (
            Double(timing=AfterPolls(2), clock="manual") as upstream,
            Double(mode="record", cassette=paths[name], upstream=upstream.url, clock="manual") as recording,
            transport(recording) as client,
        ):
            story(client, recording.folder_id)
    rest, grpc = (
        [
            (each.request.method, each.request.uri, json_object(each.request.body), each.response.body)
            for each in read_cassette(path).interactions
        ]
        for path in paths.values()
    )
    rest[0][2].pop("description")  # its default, which gRPC cannot send
    assert rest == grpc
    kept = {name for each in read_cassette(paths["grpc"]).interactions for name, _ in each.request.headers}
    assert kept == {"authorization", "content-type", "user-agent"}
    kinds = {dict(each.request.headers).get("content-type") for each in read_cassette(paths["grpc"]).interactions}
    assert kinds == {None, "application/json"}


def asked_of(interaction: Interaction) -> tuple[str, dict[str, Any]]:
    """Return the method of a recorded request, and its fields."""
    address = urlsplit(interaction.request.uri)
    method, ids = route(address.path, interaction.request.method)
    query = dict(parse_qsl(address.query))
    return method, json_object(interaction.request.body) | query | {to_camel(name): id_ for name, id_ in ids.items()}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_cassettes_replay_over_both_transports_as_they_are(path: Path) -> None:
    """Each request, over gRPC and over REST; but for one with two sources, which protobuf cannot say."""
    recorded = read_cassette(path).interactions
    sayable = [each for each in recorded if b"oneof field" not in each.response.body]
    assert (len(recorded) - len(sayable)) == (path.stem == "refused")
    answers = []
    for transport in TRANSPORTS.values():
        with (
            Double(mode="replay", cassette=path, unused_interactions="ignore") as replay,
            transport(replay) as client,
        ):
            answers.append([client.ask(*asked_of(each)) for each in sayable])
            assert len(replay.cassette.unused) == len(recorded) - len(sayable)
    rest, grpc = answers
    assert rest == grpc


@BOTH
def test_endpoints_of_a_recording_lead_a_grpc_client_to_the_double(replayed: str, tmp_path: Path) -> None:
    """Clients of gRPC call what they are told; the cassette has what the service said."""
    path = tmp_path / "endpoints.yaml"
    with (
        Double() as upstream,
        Double(mode="record", cassette=path, upstream=upstream.url) as recording,
        TRANSPORTS[replayed](recording) as client,
    ):
        listed = client.ask("endpoints.list", {}).said["endpoints"]
        own, theirs = recording.grpc_endpoint, upstream.grpc_endpoint
        assert {each["address"] for each in listed} == {own if replayed == "grpc" else theirs}
        assert client.ask("endpoints.get", {"apiEndpointId": "compute"}).said["address"] == listed[0]["address"]
    assert theirs in path.read_text()
    assert own not in path.read_text()


@pytest.mark.parametrize(
    ("authority", "recorded", "told"),
    [
        ("localhost:1", "compute.api.cloud.yandex.net:443", "localhost:1"),
        ("api.cloud.yandex.net:443", "compute.api.cloud.yandex.net:443", "compute.api.cloud.yandex.net:443"),
        ("api.cloud.yandex.net:443", "127.0.0.1:40001", "api.cloud.yandex.net:443"),
    ],
)
def test_a_name_of_the_service_leads_to_the_double_already(
    authority: str, recorded: str, told: str, tmp_path: Path
) -> None:
    """So recorded names stay, if the client comes by one."""
    path = cassette_of(
        tmp_path, "GET", f"{COMPUTE}/endpoints", json.dumps({"endpoints": [{"id": "a", "address": recorded}]})
    )
    with Double(mode="replay", cassette=path) as replay, Http2(replay) as client:
        client.authority = authority
        answer = client.call("yandex.cloud.endpoint.ApiEndpointService/List", b"\0\0\0\0\0")
    assert told.encode() in answer.body


def cassette_of(  # noqa: PLR0913 - a response
    folder: Path,
    verb: str,
    uri: str,
    answer: str,
    *,
    status: int = 200,
    kind: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Path:
    """Write a cassette with one interaction."""
    path = folder / "made.yaml"
    response = RecordedResponse(status, "", (("content-type", kind), *(headers or {}).items()), answer.encode())
    write_cassette(path, CassetteData(UNKNOWN_METADATA, (Interaction(RecordedRequest(verb, uri), response),)))
    return path


GET: Final = {"imageId": "fd8x"}
IMAGE: Final = f"{COMPUTE}/compute/v1/images/fd8x"


@pytest.mark.parametrize(
    ("status", "kind", "body", "code", "text"),
    [
        (400, "text/plain", "Unexpected token.\n{", Code.INTERNAL, "Unexpected token.\n{"),
        (401, "text/plain", "who?", Code.UNAUTHENTICATED, "who?"),
        (403, "text/html", "<html>no</html>", Code.PERMISSION_DENIED, "The gateway answered with the HTTP status 403"),
        (404, "text/plain", "Not Found", Code.UNIMPLEMENTED, "Not Found"),
        (418, "application/json", "{}", Code.UNKNOWN, "The gateway answered with the HTTP status 418"),
        (429, "text/plain; charset=utf-8", "slow down", Code.UNAVAILABLE, "slow down"),
        (502, "text/html", "<html>", Code.UNAVAILABLE, "The gateway answered with the HTTP status 502"),
        (503, "application/json", '{"message": "later"}', Code.UNAVAILABLE, "later"),
        (504, "text/plain", "", Code.UNAVAILABLE, "The gateway answered with the HTTP status 504"),
        (500, "application/json", '{"code": 8, "message": "full"}', Code.RESOURCE_EXHAUSTED, "full"),
        (302, "text/html", "", Code.UNKNOWN, "The gateway answered with the HTTP status 302"),
        (200, "text/plain", "hello", Code.UNKNOWN, "hello"),
        (200, "application/json", "[]", Code.UNKNOWN, "The gateway answered with the HTTP status 200"),
    ],
)
def test_an_answer_without_a_status_is_one_by_the_table_of_grpc(  # noqa: PLR0913, PLR0917 - a row
    status: int, kind: str, body: str, code: Code, text: str, tmp_path: Path
) -> None:
    """The journal says what the client was told."""
    path = cassette_of(tmp_path, "GET", IMAGE, body, status=status, kind=kind)
    with Double(mode="replay", cassette=path) as replay, OverGrpc(replay) as client:
        answer = client.ask("images.get", GET)
        assert (answer.code, answer.said["message"]) == (code.number, text)
        assert replay.calls[0].status is code


def test_headers_of_http_are_no_metadata(tmp_path: Path) -> None:
    """A client would refuse the whole answer for one that gRPC does not know."""
    odd = {
        "grpc-status": "3",
        "set-cookie": "a=\u0444",
        "x-bin": "not base64!",
        "good-bin": "AQI",
        "trailer": "x",
        "x~y": "1",
        "server": "caf\u00e9",
        "x-request-id": "r",
    }
    path = cassette_of(tmp_path, "GET", IMAGE, "{}", headers=odd)
    with Double(mode="replay", cassette=path) as replay, Stubs(replay) as stubs:
        call: Any = stubs.channel.unary_unary(RPCS["images.get"].path)
        _, made = call.with_call(b"\n\4fd8x", timeout=TIMEOUT)
        assert dict(made.initial_metadata()) == {"x-request-id": "r", "good-bin": b"\1\2"}


def test_an_answer_that_packs_what_the_double_does_not_know_says_so(tmp_path: Path) -> None:
    """As an operation of another service does."""
    operation = {"id": "epd1", "done": True, "response": {"@type": "type.googleapis.com/a.Disk", "id": "x"}}
    path = cassette_of(tmp_path, "GET", "https://operation.api.cloud.yandex.net/operations/epd1", json.dumps(operation))
    replay = Double(mode="replay", cassette=path).start()
    with OverGrpc(replay) as client:
        answer = client.ask("operations.get", {"operationId": "epd1"})
    replay.close()
    assert answer.code == Code.INTERNAL.number
    with pytest.raises(DoubleFailedError) as failed:
        replay.check()
    assert "cannot be sent over gRPC: The answer is not a yandex.cloud.operation.Operation" in str(
        failed.value.__cause__
    )


# What does not match.


def test_a_call_without_an_answer_says_what_is_nearest() -> None:
    """To the client, and at the end of the test."""
    replay = Double(mode="replay", cassette=SHIPPED[2]).start()
    with OverGrpc(replay) as client:
        answer = client.ask("images.create", {"folderId": replay.folder_id, "diskId": DISK, "name": "web-2"})
    replay.close()
    assert answer.code == Code.FAILED_PRECONDITION.number
    assert 'body.name: recorded "web-1", asked "web-2"' in answer.said["message"]
    with pytest.raises(NoMatchError) as error:
        replay.check(faults=False)
    assert str(error.value) == answer.said["message"]


def test_a_long_text_is_cut_to_what_a_client_takes() -> None:
    """Grpcio drops an answer with more than 16 KiB of headers, and says nothing of its text."""
    labels = {f"l{number}": "\u0444" * 60 for number in range(60)}
    replay = Double(mode="replay", cassette=SHIPPED[2]).start()
    with Stubs(replay) as stubs, pytest.raises(grpc.RpcError) as error:
        stubs.call(stubs.images.Create, api.CreateImageRequest(folder_id="b1g", labels=labels))
    replay.close()
    told: Any = error.value
    assert told.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert told.details().startswith("The cassette has no answer for POST /compute/v1/images")
    assert told.details().endswith("(cut: gRPC takes no longer text)")
    with pytest.raises(NoMatchError, match=r"next: +if the client is right, record again"):
        replay.check(faults=False)


OTHER: Final = "/yandex.cloud.compute.v1.DiskService/Get"


def test_a_method_without_a_twin_is_not_in_any_cassette() -> None:
    """So a replay fails for it, as over REST for a path that no method has."""
    replay = Double(mode="replay", cassette=SHIPPED[2]).start()
    with Stubs(replay) as stubs, pytest.raises(grpc.RpcError) as error:
        stubs.call(stubs.channel.unary_unary(OTHER), b"\n\3abc")
    replay.close()
    told: Any = error.value
    assert told.code() is grpc.StatusCode.FAILED_PRECONDITION
    with pytest.raises(NoMatchError, match=f"no answer for POST {OTHER}"):
        replay.check(faults=False)


@pytest.mark.parametrize(
    ("path", "data", "text"),
    [
        (OTHER, b"\n\3abc", "DiskService/Get cannot be recorded, and was not sent: the double knows no REST request"),
        (RPCS["images.create"].path, b"\xda\6\1x", "fields that the double's messages do not know, by number: #107"),
        (RPCS["images.create"].path, b"b\3\xda\6\0", "do not know, by number: #107"),
    ],
)
def test_a_call_that_the_gateway_cannot_be_asked_is_not_recorded(
    path: str, data: bytes, text: str, tmp_path: Path
) -> None:
    """A cassette without it would be a lie; an image without a field that was sent, another image."""
    file = tmp_path / "gap.yaml"
    with Double() as upstream:
        recording = Double(mode="record", cassette=file, upstream=upstream.url).start()
        with Stubs(recording) as stubs, pytest.raises(grpc.RpcError) as error:
            stubs.call(stubs.channel.unary_unary(path), data)
        recording.close()
        assert not upstream.calls
    told: Any = error.value
    assert text in told.details()
    with pytest.raises(DoubleFailedError) as failed:
        recording.check()
    assert isinstance(failed.value.__cause__, UsageError)
    assert not file.exists()
