"""A deviation is found: once, at the field where it is, and as one from the behaviour that it deviates from."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages.verify.diff import Difference
from pytest_ycimages.verify.fake_target import verify_fake
from pytest_ycimages.verify.normalize import Kind

from .taping import IMAGES, Taping, altered

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.cassette.model import CassetteData, Headers

Wire = dict[str, Any]

CREATE, RUNNING, DONE, LOOK, LIST, REFUSED, INVALID = range(1, 8)
AT_ONCE, LATER = "2026-01-01T00:00:00.000000009Z", "2026-01-01T00:00:06Z"
VIOLATION: Final = "body.details[0].fieldViolations[0]"


def story() -> Taping:
    """A create, two polls, a look, a list of two, and two refusals."""
    taping = Taping(timing=12, contract="page")
    taping.double.add_image("fd800000000000000000", name="base")
    operation = taping.create(name="web", description="a server")
    taping.wait(6)
    taping.poll(operation)
    taping.wait(6)
    taping.poll(operation)
    taping.look(operation["metadata"]["imageId"])
    taping("GET", IMAGES, folderId=taping.folder_id)
    taping.look("fd8nosuchimage000000")
    taping.create(name="Upper")
    return taping


def only_difference(tape: CassetteData, **settings: Any) -> tuple[int, Difference, str]:
    """The one finding there is: its interaction, the difference, and the behaviour."""
    (finding,) = verify_fake(tape, settings).findings
    judged = {each.behaviour: each.differs for each in verify_fake(tape, settings).behaviours}
    if finding.behaviour:
        assert judged.pop(finding.behaviour) == (finding.number,)
    assert not any(judged.values())
    return finding.number, finding.difference, finding.behaviour


def ordered(names: str) -> Callable[[Wire], Wire]:
    """Puts these keys first."""
    first = names.split()
    return lambda body: {name: body[name] for name in first} | body


def within(name: str, change: Callable[[Wire], object]) -> Callable[[Wire], None]:
    """Changes what is in a field; in place, or by what `change` gives back."""

    def changed(body: Wire) -> None:
        result = change(body[name])
        body[name] = body[name] if result is None else result

    return changed


def put(**fields: Any) -> Callable[[Wire], None]:
    """Puts other values into fields."""
    return lambda body: body.update(fields)


def without(name: str) -> Callable[[Wire], None]:
    """Takes a field out."""

    def changed(body: Wire) -> None:
        del body[name]

    return changed


def reversed_list(items: Any) -> list[Any]:
    """The items in the other order."""
    return [*reversed(items)]


def of_detail(**fields: Any) -> Callable[[Wire], None]:
    """Puts other values into the first detail of an error."""
    return lambda body: body["details"][0].update(fields)


def of_violation(**fields: Any) -> Callable[[Wire], None]:
    """Puts other values into the first violation of a request."""
    return lambda body: body["details"][0]["fieldViolations"][0].update(fields)


OTHER_CALL: Final = of_detail(requestId="00000000-0000-4000-8000-000000000000")
OTHER_TYPE: Final = within("metadata", put(**{"@type": "Image"}))
DEVIATIONS: Final[list[tuple[int, Callable[[Wire], Any], str, Kind, str]]] = [
    (CREATE, put(description="Make image"), "body.description", Kind.VALUE, "operation.description"),
    (CREATE, without("createdBy"), "body.createdBy", Kind.EXTRA, "operation.fields"),
    (CREATE, put(extra=1), "body.extra", Kind.MISSING, ""),
    (CREATE, put(done="false"), "body.done", Kind.TYPE, "json.done-printed"),
    (CREATE, without("done"), "body.done", Kind.EXTRA, "json.done-printed"),
    (CREATE, put(createdAt="2026-01-01T00:00:00.0000Z"), "body.createdAt", Kind.FORM, "json.operation-time"),
    (CREATE, put(createdAt="2026-01-01T00:00:00.000Z"), "body.createdAt", Kind.FORM, "json.operation-time"),
    (LOOK, put(createdAt="2026-01-01T00:00:00.123456789Z"), "body.createdAt", Kind.FORM, "json.resource-time"),
    (CREATE, put(modifiedAt=AT_ONCE), "body.modifiedAt", Kind.FORM, "operation.modified-at-start"),
    (CREATE, ordered("id done"), "body", Kind.ORDER, "json.order-operation"),
    (CREATE, within("metadata", ordered("imageId")), "body.metadata", Kind.ORDER, "json.any-type-first"),
    (CREATE, OTHER_TYPE, "body.metadata.@type", Kind.VALUE, "operation.metadata"),
    (RUNNING, put(modifiedAt=LATER), "body.modifiedAt", Kind.FORM, "operation.modified-while-running"),
    (DONE, ordered("done metadata id"), "body", Kind.ORDER, "json.order-result"),
    (DONE, within("response", put(status="CREATING")), "body.response.status", Kind.VALUE, "operation.response"),
    (LOOK, put(description="another"), "body.description", Kind.VALUE, "image.as-asked"),
    (LOOK, put(minDiskSize=5368709120), "body.minDiskSize", Kind.TYPE, "json.int64-out"),
    (LOOK, put(createdAt="2026-01-01T00:00:00.5Z"), "body.createdAt", Kind.FORM, "json.resource-time"),
    (LOOK, put(pooled=False), "body.pooled", Kind.MISSING, "json.pooled-omitted"),
    (LOOK, put(family=""), "body.family", Kind.MISSING, "json.empty-omitted"),
    (LOOK, put(zone="5368709120"), "body.zone", Kind.MISSING, ""),
    (LOOK, ordered("status"), "body", Kind.ORDER, "json.order-image"),
    (LIST, within("images", reversed_list), "body.images", Kind.ORDER, "list.order-default"),
    (LIST, put(nextPageToken="abc"), "body.nextPageToken", Kind.MISSING, "list.page-token"),
    (REFUSED, put(message="no such image"), "body.message", Kind.VALUE, "route.get-image"),
    (REFUSED, put(code=7), "body.code", Kind.VALUE, ""),
    (REFUSED, ordered("message"), "body", Kind.ORDER, "json.order-error"),
    (REFUSED, without("details"), "body.details", Kind.EXTRA, "error.request-info"),
    (REFUSED, OTHER_CALL, "body.details[0].requestId", Kind.FORM, "error.request-info"),
    (INVALID, put(message="Request validation error"), "body.message", Kind.VALUE, "text.validation"),
    (INVALID, put(message="wrong"), "body.message", Kind.VALUE, "error.validation-text"),
    (INVALID, of_violation(field="name_"), f"{VIOLATION}.field", Kind.VALUE, "text.violation-paths"),
    (INVALID, of_violation(description="?"), f"{VIOLATION}.description", Kind.VALUE, "text.validation"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "change", "field", "kind", "behaviour"),
    DEVIATIONS,
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_a_recorded_answer_that_is_otherwise_is_found_once(
    number: int, change: Callable[[Wire], Any], field: str, kind: Kind, behaviour: str
) -> None:
    """As if the service did it in its own way: the field, what is different about it, and what that speaks against."""
    found = only_difference(altered(story().tape(), number, change))
    assert (found[0], found[1].field, found[1].kind, found[2]) == (number, field, kind, behaviour)


def relaid(tape: CassetteData, number: int, **how: Any) -> CassetteData:
    """The tape with a body in another layout."""
    interactions = list(tape.interactions)
    response = interactions[number - 1].response
    body = json.dumps(json.loads(response.body), **how).encode()
    interactions[number - 1] = interactions[number - 1]._replace(response=response._replace(body=body))
    return tape._replace(interactions=tuple(interactions))


def test_another_layout_is_found() -> None:
    """In words, since the white space itself says nothing to people."""
    number, difference, behaviour = only_difference(relaid(story().tape(), DONE, separators=(",", ":")))
    assert (number, behaviour) == (DONE, "json.whitespace")
    assert difference == Difference(
        "body", "on one line, without spaces", "indented by 1 space a level", Kind.WHITESPACE
    )


def reheaded(tape: CassetteData, number: int, status: int | None = None, **headers: str | None) -> CassetteData:
    """The tape with another status, or other headers; None takes one out."""
    interactions = list(tape.interactions)
    response = interactions[number - 1].response
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kept: Headers = tuple((name, value) for name, value in response.headers if name not in named)
    new: Headers = tuple((name, value) for name, value in named.items() if value is not None)
    response = response._replace(status=status or response.status, headers=(*kept, *new))
    interactions[number - 1] = interactions[number - 1]._replace(response=response)
    return tape._replace(interactions=tuple(interactions))


@pytest.mark.parametrize(
    ("number", "change", "field", "kind", "behaviour"),
    [
        (REFUSED, {"status": 410}, "status", Kind.VALUE, "error.http-status"),
        (CREATE, {"status": 202}, "status", Kind.VALUE, ""),
        (
            CREATE,
            {"content_type": "application/json; charset=utf-8"},
            "headers.content-type",
            Kind.VALUE,
            "json.content-type",
        ),
        (CREATE, {"x_request_id": None}, "headers.x-request-id", Kind.EXTRA, "error.request-id"),
        (CREATE, {"x_server_trace_id": None}, "headers.x-server-trace-id", Kind.EXTRA, "route.trace-id"),
        (CREATE, {"x_server_trace_id": "a:b:c:1"}, "headers.x-server-trace-id", Kind.FORM, "route.trace-id"),
        (
            RUNNING,
            {"x_operation_poll_interval": "5"},
            "headers.x-operation-poll-interval",
            Kind.MISSING,
            "route.poll-interval",
        ),
        (CREATE, {"retry_after": "5"}, "headers.retry-after", Kind.MISSING, ""),
    ],
)
def test_another_status_or_header_is_found(
    number: int, change: dict[str, Any], field: str, kind: Kind, behaviour: str
) -> None:
    """Of headers only those that mean something to a client."""
    found = only_difference(reheaded(story().tape(), number, **change))
    assert (found[0], found[1].field, found[1].kind, found[2]) == (number, field, kind, behaviour)


def test_a_header_that_means_nothing_is_no_difference() -> None:
    """Such as the software of a server, or the date."""
    assert not verify_fake(
        reheaded(
            story().tape(),
            CREATE,
            server="envoy",
            date="Wed, 25 Nov 2026 03:10:48 GMT",
            x_server_trace_id="fa1:2:fa1:1",
        )
    ).differs


def test_a_recording_without_headers_says_nothing_of_them() -> None:
    """What nobody wrote down is not missing."""
    tape = story().tape()
    bare = (each._replace(response=each.response._replace(headers=())) for each in tape.interactions)
    verification = verify_fake(tape._replace(interactions=tuple(bare)))
    assert not verification.differs
    assert not {"json.content-type", "error.request-id"} & {each.behaviour for each in verification.behaviours}


@pytest.mark.parametrize(
    ("settings", "field", "behaviour"),
    [
        ({"texts": {"image_not_found": "There is no {id}"}}, "body.message", "route.get-image"),
        ({"poll_interval": 3}, "headers.x-operation-poll-interval", "route.poll-interval"),
        (
            {"violation_paths": "snake_case", "texts": {"validation": "Request validation error"}},
            "body.message",
            "text.validation",
        ),
        ({"contract": "current"}, "body.hardwareGeneration", ""),
    ],
)
def test_a_fake_that_is_otherwise_is_found(settings: dict[str, Any], field: str, behaviour: str) -> None:
    """Wherever it shows, and always as the same."""
    findings = verify_fake(story().tape(), settings).findings
    fields = {(re.sub(r"\.response|\.images\[\d]", "", each.difference.field), each.behaviour) for each in findings}
    assert (field, behaviour) in fields
    assert len(fields) == 1 or settings == {"contract": "current"}


def test_a_contract_that_refuses_what_was_taken_is_told_by_the_field() -> None:
    """Today's API takes an underscore in a name, and the page does not."""
    taping = Taping(contract="current", timing=0)
    taping.create(name="a_b")
    (finding,) = verify_fake(taping.tape(), {"contract": "page"}).findings
    assert finding.behaviour == "create.name-pattern"
    assert finding.difference.recorded == "200"
    assert finding.difference.answered.startswith("400 INVALID_ARGUMENT Request validation error: Name: ")


def test_an_id_that_is_another_than_before_is_found() -> None:
    """An operation that is shown under another id than the one it was given is another operation."""
    tape = altered(story().tape(), DONE, put(id="fd8another0000000000"))
    (finding,) = verify_fake(tape).findings
    assert finding.difference.kind is Kind.IDENTITY
    assert (finding.number, finding.difference.field) == (DONE, "body.id")


def test_an_id_of_another_kind_is_found_where_it_comes_first() -> None:
    """And is held to from there on, so that it is told once."""
    taping = Taping(timing=0)
    operation = taping.create()
    taping.poll(operation)
    text = json.dumps([*taping.interactions], default=lambda value: value.decode())
    assert operation["id"] in text
    tape = taping.tape()
    other = f"fhm{operation['id'][3:]}".encode()
    mine = operation["id"].encode()
    interactions = (
        each._replace(
            request=each.request._replace(uri=each.request.uri.replace(mine.decode(), other.decode())),
            response=each.response._replace(body=each.response.body.replace(mine, other)),
        )
        for each in tape.interactions
    )
    (finding,) = verify_fake(tape._replace(interactions=tuple(interactions))).findings
    assert (finding.number, finding.difference.field, finding.difference.kind) == (1, "body.id", Kind.FORM)


def test_what_depends_on_something_that_was_not_given_is_not_sent() -> None:
    """One refusal is one finding, and not one for each poll that follows."""
    taping = Taping(contract="current", timing=5)
    taping.bake(name="a_b")
    verification = verify_fake(taping.tape(), {"contract": "page"})
    assert [each.number for each in verification.findings] == [1]
    assert [each.number for each in verification.skipped] == [2, 3, 4, 5, 6]
    assert all("in whose place nothing was given today" in each.why for each in verification.skipped)
