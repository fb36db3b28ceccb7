"""Which call is which method, and what becomes of calls that are none (api-facts.md, sections 1 and 2.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from pytest_ycimages.cloud.ids import Ids
from tests.client import IMAGES, Cloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double
    from tests.client import Answer

ROUTES: Final = [
    ("images.create", "POST", "/compute/v1/images"),
    ("images.list", "GET", "/compute/v1/images"),
    ("images.latestByFamily", "GET", "/compute/v1/images:latestByFamily"),
    ("images.get", "GET", "/compute/v1/images/fd8a"),
    ("images.update", "PATCH", "/compute/v1/images/fd8a"),
    ("images.delete", "DELETE", "/compute/v1/images/fd8a"),
    ("images.listOperations", "GET", "/compute/v1/images/fd8a/operations"),
    ("operations.get", "GET", "/operations/fd8a"),
    ("operations.cancel", "GET", "/operations/fd8a:cancel"),
    ("operations.cancel", "POST", "/operations/fd8a:cancel"),
    ("tokens.create", "POST", "/iam/v1/tokens"),
    ("tokens.createForServiceAccount", "POST", "/iam/v1/tokens:createForServiceAccount"),
    ("tokens.revoke", "POST", "/iam/v1/tokens:revoke"),
    ("endpoints.list", "GET", "/endpoints"),
    ("endpoints.get", "GET", "/endpoints/iam"),
]
BINDINGS: Final = [("GET", "listAccessBindings"), ("POST", "setAccessBindings"), ("POST", "updateAccessBindings")]


@pytest.mark.fidelity("route.methods")
@pytest.mark.parametrize(("method", "verb", "path"), ROUTES)
def test_every_method_is_at_its_path(cloud: Cloud, method: str, verb: str, path: str) -> None:
    """Of the documented verb; one address serves every service."""
    cloud.call(verb, path)
    assert cloud.double.calls[-1].method == method


@pytest.mark.parametrize(("verb", "action"), BINDINGS)
def test_access_bindings_are_not_implemented(cloud: Cloud, verb: str, action: str) -> None:
    """Code 12, and a text that says whose fault it is."""
    answer = cloud.call(verb, f"{IMAGES}/fd8a:{action}")
    assert answer.refusal == (501, 12, "The double does not implement access bindings of images")


@pytest.mark.fidelity("route.get-image")
def test_an_image_is_got_by_its_id(cloud: Cloud) -> None:
    """Or it is not found, in the recorded words."""
    image_id = cloud.double.add_image("fd8e0hsg8g5spl5sv8ls")
    assert cloud.get(f"{IMAGES}/{image_id}").json["id"] == image_id
    answer = cloud.get(f"{IMAGES}/fd8e0hsg8g5spl5sv8lt")
    assert answer.refusal == (404, 5, 'Image "fd8e0hsg8g5spl5sv8lt" not found')


@pytest.mark.fidelity("route.id-length")
def test_an_id_in_a_path_has_at_most_50_characters(cloud: Cloud) -> None:
    """What is longer is refused for its length."""
    assert cloud.get(f"{IMAGES}/{'f' * 50}").status == 404
    for path in (f"{IMAGES}/{'f' * 51}", f"{IMAGES}/{'f' * 51}/operations"):
        assert cloud.get(path).refused_fields == ["imageId"]
    assert cloud.get(f"/operations/{'f' * 51}").refused_fields == ["operationId"]


@pytest.mark.fidelity("route.unknown-query")
@pytest.mark.ycimages(unknown_fields="ignore")
def test_an_unknown_query_parameter_is_ignored(cloud: Cloud) -> None:
    """It is not refused."""
    assert cloud.get("/endpoints/iam", colour="red").status == 200


@pytest.mark.fidelity("route.unknown-path")
@pytest.mark.parametrize("path", ["/", "/nowhere", "/compute/v1/images/", "/compute/v1/disks", "/operations/x/y"])
def test_a_path_that_nobody_serves_is_not_found(cloud: Cloud, path: str) -> None:
    """HTTP 404 with a code in its body."""
    assert cloud.get(path).refusal == (404, 5, f"No method is served at GET {path}")


@pytest.mark.fidelity("route.wrong-verb")
def test_a_wrong_verb_is_not_allowed(cloud: Cloud) -> None:
    """HTTP 405 with a code in its body, and the header that says what is."""
    answer = cloud.call("PUT", f"{IMAGES}/fd8a")
    assert (answer.status, answer.json["code"]) == (405, 12)
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH"


@pytest.mark.fidelity("route.odd-verbs")
@pytest.mark.parametrize("verb", ["TRACE", "CONNECT", "PROPFIND"])
def test_an_odd_verb_makes_no_server_error(cloud: Cloud, verb: str) -> None:
    """It is a wrong verb like any other."""
    assert cloud.call(verb, "/endpoints").status == 405


@pytest.mark.fidelity("route.large-body")
def test_a_body_of_more_than_4_mib_is_refused(cloud: Cloud) -> None:
    """HTTP 413 and code 8, over a real connection."""
    url = f"{cloud.double.url}{IMAGES}"
    with pytest.raises(HTTPError) as refusal:
        urlopen(Request(url, data=b" " * (4 * 2**20 + 1)))  # noqa: S310 - the double's own address
    with refusal.value as answer:
        assert (answer.status, b'"code": 8' in answer.read()) == (413, True)


@pytest.mark.fidelity("route.headers-tolerated")
def test_the_headers_of_clients_do_no_harm(cloud: Cloud) -> None:
    """Those that the SDKs send."""
    caller = cloud.using(
        x_client_request_id="a", x_client_trace_id="b", x_request_id="c", x_retry_attempt="3", Accept="text/html"
    )
    assert caller.create().status == 200


@pytest.mark.fidelity("route.poll-interval")
@pytest.mark.parametrize("seconds", [None, 1, 30])
def test_polls_are_asked_to_wait_only_with_a_setting(
    ycimages_factory: Callable[..., Double], seconds: int | None
) -> None:
    """In whole seconds, as the Go SDKs read them; no other method has the header, and no refusal."""
    cloud = Cloud(ycimages_factory(poll_interval=seconds))
    created = cloud.create()
    answers = [cloud.get(f"/operations/{created.json['id']}") for _ in range(2)]
    told = str(seconds) if seconds else None
    assert [answer.headers.get("x-operation-poll-interval") for answer in answers] == [told, told]
    others = [created, cloud.get(IMAGES, folderId="b1g"), cloud.get("/operations/fd800000000000000000")]
    assert not any("x-operation-poll-interval" in answer.headers for answer in others)


@pytest.mark.fidelity("endpoint.list")
def test_the_endpoints_are_listed(cloud: Cloud) -> None:
    """Sorted by id, those that the SDKs need among them, and no token for a next page."""
    answer = cloud.get("/endpoints").json
    ids = [endpoint["id"] for endpoint in answer["endpoints"]]
    assert ids == ["compute", "endpoint", "iam", "operation", "resource-manager", "storage"]
    assert list(answer) == ["endpoints"]


@pytest.mark.fidelity("endpoint.get")
def test_an_endpoint_is_got_by_its_id(cloud: Cloud) -> None:
    """As it stands in the list, and otherwise not found."""
    listed = cloud.get("/endpoints").json["endpoints"]
    assert [cloud.get(f"/endpoints/{each['id']}").json for each in listed] == listed
    assert cloud.get("/endpoints/lockbox").json["code"] == 5


@pytest.mark.fidelity("endpoint.address")
def test_an_endpoint_is_where_the_client_already_is(cloud: Cloud) -> None:
    """So that it stays with the double."""
    answer = cloud.using(Host="127.0.0.1:41233").get("/endpoints").json
    assert {endpoint["address"] for endpoint in answer["endpoints"]} == {"127.0.0.1:41233"}


@pytest.mark.fidelity("endpoint.no-token")
@pytest.mark.ycimages(auth="strict")
def test_endpoints_ask_for_no_token(cloud: Cloud) -> None:
    """Nor do they mind a wrong one."""
    for authorization in (None, "Bearer made-up"):
        caller = cloud.using(Authorization=authorization)
        assert (caller.get("/endpoints").status, caller.get("/endpoints/iam").status) == (200, 200)


def answers(cloud: Cloud) -> list[Answer]:
    """Answers of every kind: of the service, its refusals, and those of the gateway by itself."""
    return [
        cloud.create(),
        cloud.get(f"{IMAGES}/fd8nobody"),
        cloud.create(name="N"),
        cloud.using(Authorization=None).list(),
        cloud.get("/endpoints"),
        cloud.call("POST", IMAGES, b"{"),
        cloud.get("/nowhere"),
        cloud.call("PUT", IMAGES),
    ]


TRACE: Final = re.compile(r"([1-9a-f][0-9a-f]{0,15}):([1-9a-f][0-9a-f]{0,15}):\1:1")


@pytest.mark.fidelity("route.trace-id")
def test_every_answer_has_the_id_of_a_trace(cloud: Cloud) -> None:
    """A new one each, the same ones with the same seed, and zeros in front are cut."""
    found = [answer.headers["x-server-trace-id"] for answer in answers(cloud)]
    assert all(TRACE.fullmatch(each) for each in found)
    assert len(set(found)) == len(found)
    again = Cloud(type(cloud.double)(cloud.double.settings, name=cloud.double.name))
    assert [answer.headers["x-server-trace-id"] for answer in answers(again)] == found
    many = [Ids(f"seed {number}").trace_id().split(":")[0] for number in range(200)]
    assert {len(each) for each in many} >= {15, 16}


@pytest.mark.fidelity("route.server")
def test_every_answer_names_the_server(cloud: Cloud) -> None:
    """Those of the gateway included."""
    assert {answer.headers["server"] for answer in answers(cloud)} == {"ycapi"}


@pytest.mark.fidelity("route.date")
def test_every_answer_is_dated(cloud: Cloud) -> None:
    """In whole seconds of the double's clock."""
    assert {answer.headers["date"] for answer in answers(cloud)} == {"Thu, 01 Jan 2026 00:00:00 GMT"}
    cloud.double.clock.advance(59 * 24 * 3600 + 3601.9)
    assert {answer.headers["date"] for answer in answers(cloud)} == {"Sun, 01 Mar 2026 01:00:01 GMT"}
