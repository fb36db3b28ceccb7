"""What is printed of requests and answers is redacted as a cassette is."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import grpc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.iam.v1 import iam_token_service_pb2 as iam

from pytest_ycimages import Double
from pytest_ycimages.api.requests import CreateTokenRequest
from pytest_ycimages.call import Metadata
from pytest_ycimages.cassette.credential import Credential
from pytest_ycimages.cassette.model import RecordedRequest, RecordedResponse
from pytest_ycimages.experiment.printable import stable_text
from pytest_ycimages.redaction import printing
from pytest_ycimages.redaction.printing import Printing, printed
from pytest_ycimages.redaction.shapes import SCRUBBED
from tests.cassette.secrets.kinds import SHAPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cassette.secrets.kinds import Secret

IMAGES, TOKENS, LIST = "compute.v1.ImageService/", "iam.v1.IamTokenService/", "endpoint.ApiEndpointService/List"
EMPTY: Final = iam.RevokeIamTokenRequest()
TOKEN: Final = "t1.9euelZqRyMqWmZeTzc.7f8Qj5qRlps" + "aB3" * 30
OPAQUE: Final = "kq7Xw2Zt9Lm4Vb8Nc3Hs6Jd1Fg5Rp0Ty"
drawn = settings(derandomize=True, database=None, deadline=None, max_examples=30)


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> str:
    """A credential of the environment that has been read."""
    monkeypatch.setattr(printing, "_remembered", set())
    monkeypatch.setattr(printing, "_parts", set())
    monkeypatch.setenv("YC_TOKEN", OPAQUE)
    Credential.from_environment("YC_TOKEN")
    return OPAQUE


def ask(double: Double, verb: str, path: str, body: Any = None, **headers: str) -> None:
    """Ask a double, whatever it answers."""
    connection = HTTPConnection("127.0.0.1", double.port, timeout=10)
    connection.request(verb, path, None if body is None else json.dumps(body), headers)
    connection.getresponse().read()
    connection.close()


def call(double: Double, rpc: str, message: Any, *metadata: tuple[str, str | bytes]) -> None:
    """Call a double over gRPC, whatever it answers."""
    with grpc.insecure_channel(double.grpc_endpoint, [("grpc.enable_http_proxy", 0)]) as channel:
        method: Any = channel.unary_unary(f"/yandex.cloud.{rpc}")
        with suppress(grpc.RpcError):
            method(message.SerializeToString(), metadata=metadata, timeout=10)


PLACES: Final[dict[str, Callable[[Double, str], None]]] = {
    "query": lambda double, text: ask(double, "GET", f"/compute/v1/images?access_token={quote(text)}"),
    "declared parameter": lambda double, text: ask(double, "GET", f"/compute/v1/images?folderId={quote(text)}"),
    "query of a uri": lambda double, text: ask(
        double, "POST", "/compute/v1/images", {"uri": f"https://h/d?X-Amz-Signature={quote(text)}"}
    ),
    "path": lambda double, text: ask(double, "GET", f"/compute/v1/images/{quote(text, safe='')}"),
    "path without a route": lambda double, text: ask(double, "GET", f"/x/{quote(text, safe='')}?a={quote(text)}"),
    "description": lambda double, text: ask(double, "POST", "/compute/v1/images", {"description": text}),
    "name of a field": lambda double, text: ask(double, "POST", "/compute/v1/images", {text: 1}),
    "field of a wrong type": lambda double, text: ask(double, "POST", "/compute/v1/images", {"minDiskSize": text}),
    "token exchange": lambda double, text: ask(double, "POST", "/iam/v1/tokens", {"jwt": text}),
    "authorization": lambda double, text: ask(double, "GET", "/endpoints", Authorization=f"Bearer {text}"),
    "cookie": lambda double, text: ask(double, "GET", "/endpoints", Cookie=f"a={text}"),
    "unknown header": lambda double, text: ask(double, "GET", "/endpoints", **{"X-From-Me": text}),
    "id over gRPC": lambda double, text: call(double, IMAGES + "Get", api.GetImageRequest(image_id=text)),
    "field over gRPC": lambda double, text: call(double, IMAGES + "Create", api.CreateImageRequest(description=text)),
    "label over gRPC": lambda double, text: call(double, IMAGES + "Create", api.CreateImageRequest(labels={text: "a"})),
    "uri over gRPC": lambda double, text: call(
        double, IMAGES + "Create", api.CreateImageRequest(uri=f"https://h/d?X-Amz-Signature={quote(text)}")
    ),
    "filter over gRPC": lambda double, text: call(double, IMAGES + "List", api.ListImagesRequest(filter=text)),
    "token exchange over gRPC": lambda double, text: call(
        double, TOKENS + "Create", iam.CreateIamTokenRequest(jwt=text)
    ),
    "revoked over gRPC": lambda double, text: call(
        double, TOKENS + "Revoke", iam.RevokeIamTokenRequest(iam_token=text)
    ),
    "authorization over gRPC": lambda double, text: call(double, LIST, EMPTY, ("authorization", f"Bearer {text}")),
    "metadata": lambda double, text: call(double, LIST, EMPTY, ("x-from-me", text)),
    "binary metadata": lambda double, text: call(double, LIST, EMPTY, ("x-from-me-bin", text.encode())),
    "method of gRPC": lambda double, text: call(double, f"Service/{quote(text, safe='')}", EMPTY),
}


def shown_by(double: Double) -> str:
    """Everything that a double shows of its calls."""
    connection = HTTPConnection("127.0.0.1", double.port, timeout=10)
    connection.request("GET", "/_ycimages/calls")
    control = connection.getresponse().read().decode()
    connection.close()
    calls = double.calls[:]
    metadata = [repr(call.metadata) for call in calls]
    return "\n".join([repr(calls), str(calls[0]), repr(calls[0]), repr(list(calls)), control, *metadata])


@pytest.mark.parametrize("place", PLACES)
@settings(drawn, max_examples=8)
@given(secret=SHAPED)
def test_a_secret_of_a_known_shape_is_not_shown(place: str, secret: Secret) -> None:
    """Wherever a client puts it."""
    assume("\n" not in secret.text)
    with Double(auth="off", unknown_fields="ignore", name="a") as double:
        PLACES[place](double, secret.text)
        shown = shown_by(double)
        assert secret.core not in shown
        assert base64.b64encode(secret.text.encode()).decode().rstrip("=") not in shown


@pytest.mark.parametrize("place", PLACES)
def test_no_part_of_a_remembered_credential_is_shown(place: str, remembered: str) -> None:
    """Whatever it looks like, and where a text is cut off in its middle, too."""
    with Double(auth="off", unknown_fields="ignore") as double:
        PLACES[place](double, remembered * 12)
        shown = shown_by(double)
    assert [part for at in range(len(remembered) - 10) if (part := remembered[at : at + 10]) in shown] == []


@drawn
@given(start=st.integers(0, len(OPAQUE) - 10), size=st.integers(10, len(OPAQUE)), around=st.text(max_size=20))
def test_a_part_of_a_remembered_credential_is_redacted(start: int, size: int, around: str) -> None:
    """Ten characters of it and more, in any text."""
    assume(not any(around[at : at + 10] in OPAQUE for at in range(len(around))))
    part = OPAQUE[start : start + size]
    known = {OPAQUE[at : at + 10] for at in range(len(OPAQUE) - 9)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(printing, "_parts", known)
        assume(len(part) >= len("0123456789"))
        clean = printed(f"{around} {part} {around}")
    assert not any(each in clean for each in known)


def test_a_call_keeps_what_tests_compare() -> None:
    """Values of its message and its metadata stay those of the client, and so do declared parameters of its line."""
    with Double(auth="off") as double:
        ask(double, "GET", "/compute/v1/images?folderId=b1g&pageSize=10", Authorization="Bearer opaque")
        (call,) = double.calls
    assert call.line == "GET /compute/v1/images?folderId=b1g&pageSize=10"
    assert call.metadata["authorization"] == "Bearer opaque"
    assert call.metadata == dict(call.metadata)


@pytest.mark.costly
def test_a_failed_comparison_of_calls_shows_no_header(pytester: pytest.Pytester) -> None:
    """Pytest compares their fields one by one, and prints those that differ."""
    pytester.makepyfile(f"""
        from http.client import HTTPConnection

        def test_a(ycimages):
            for value in ("{OPAQUE}", "{OPAQUE}x"):
                connection = HTTPConnection("127.0.0.1", ycimages.port)
                connection.request("GET", "/endpoints?a=" + value, headers={{"Authorization": "Bearer " + value}})
                connection.getresponse().read()
                connection.close()
            first, second = ycimages.calls
            del value, connection
            assert first == second
    """)
    output = pytester.runpytest_subprocess("-vvv", "-l", "--tb=short", "-p", "no:randomly").stdout.str()
    assert "Bearer ~SCRUBBED~" in output
    assert OPAQUE not in output


@pytest.mark.parametrize(
    "value",
    [
        RecordedRequest("GET", f"https://h/?a={OPAQUE}", (("authorization", OPAQUE),), OPAQUE.encode()),
        RecordedResponse(200, OPAQUE, (("a", OPAQUE),), OPAQUE.encode()),
        CreateTokenRequest(jwt=OPAQUE),
        Metadata({"authorization": f"Bearer {OPAQUE}", "cookie": OPAQUE, "x": OPAQUE}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_variables_of_frames_hold_show_nothing(value: object) -> None:
    """Reports of tests print the variables of frames."""
    assert OPAQUE not in repr(value)
    assert OPAQUE not in f"{[value]}"


def test_a_fault_that_struck_or_passed_a_call_shows_no_secret() -> None:
    """In its report, which tests and the control API print."""
    from pytest_ycimages import reset  # noqa: PLC0415 - beside its use

    with Double(auth="off") as double:
        struck = double.inject(reset(), on="images.list")
        other = double.inject(reset(), on="images.list", expect=False)
        with pytest.raises(ConnectionError):
            ask(double, "GET", f"/compute/v1/images?a={TOKEN}")
        assert f"a={SCRUBBED}" in str(struck.strikes[0])
        assert TOKEN not in f"{struck!r} {other!r} {struck.strikes} {other.nearest}"


def test_reports_of_experiments_hold_no_secret() -> None:
    """Their texts are made from those of clients."""
    for text in (f"RuntimeError: refused: {TOKEN}", f"see https://baker:{OPAQUE}@h/?a={OPAQUE}", f"password={OPAQUE}"):
        clean = stable_text(text)
        assert TOKEN not in clean
        assert OPAQUE not in clean


def test_credentials_of_a_request_are_removed_from_all_that_is_said_of_it() -> None:
    """Those without a known shape."""
    to_print = Printing({"authorization": f"Bearer {OPAQUE}"})
    assert to_print.text(f"no image {OPAQUE}") == f"no image {SCRUBBED}"
    assert to_print.line(f"GET /compute/v1/images/{OPAQUE}") == f"GET /compute/v1/images/{SCRUBBED}"
