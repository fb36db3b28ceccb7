"""What stands in the document: every route and nothing else, and of each all that a tool needs to call it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner
from openapi_spec_validator import validate
from werkzeug.test import Client

from pytest_ycimages import Double
from pytest_ycimages.api.methods import CONTRACTS, METHODS, ROUTES
from pytest_ycimages.cli.commands import ycimages as command
from pytest_ycimages.server.openapi import document as document_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PUBLIC = {"tokens.create", "endpoints.get", "endpoints.list"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its verb and its path, those that are not implemented included."""
    for paths in (document["paths"], document["x-unimplemented"]):
        for path, item in paths.items():
            for verb, operation in item.items():
                yield verb.upper(), path, operation


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """By the schema of OpenAPI 3.1, and by the rules that no schema can state."""
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_every_route_is_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    """The table of routes is where paths come from."""
    camel = {path: re.sub(r"<(\w+)>", r"{\1}", path) for _, path, _ in ROUTES}
    routes = {(verb, re.sub(r"_(\w)", lambda found: found[1].upper(), camel[path])) for verb, path, _ in ROUTES}
    assert {(verb, path) for verb, path, _ in operations(document)} == routes


def test_a_type_url_is_a_property_and_no_keyword(document: dict[str, Any]) -> None:
    """`@type` is what messages in an Any have; JSON Schema has no such word."""

    def schemas(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            yield value
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from schemas(each)

    components = document["components"]["schemas"]
    assert not [each for each in schemas(components) if isinstance(each.get("@type"), str)]
    choices = components["Status"]["properties"]["details"]["items"]["oneOf"]
    shown = [components[each["$ref"].rpartition("/")[2]]["properties"]["@type"].get("const") for each in choices]
    prefix = "type.googleapis.com/"
    assert shown == [
        f"{prefix}google.rpc.BadRequest",
        f"{prefix}yandex.cloud.quota.QuotaFailure",
        f"{prefix}google.rpc.RequestInfo",
        None,
    ]


def test_the_order_of_a_list_is_told_as_it_is(document: dict[str, Any]) -> None:
    """The newest operation on an image comes first."""
    with Double(clock="manual", auth="off", timing="Immediate()") as double:
        client = Client(double.app)
        path = f"/compute/v1/images/{double.add_image()}"
        for name in ("first", "second"):
            client.patch(path, json={"name": name})
            double.clock.advance(60)
        listed = client.get(f"{path}/operations").json
    assert listed is not None
    assert [each["response"]["name"] for each in listed["operations"]] == ["second", "first"]
    described = document["components"]["schemas"]["ListImageOperationsResponse"]["properties"]["operations"]
    assert described["description"] == "The operations, newest first."


def test_every_operation_is_named_by_its_method_word(document: dict[str, Any]) -> None:
    """A method with two verbs is named a second time with the verb behind it."""
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert sorted(names) == sorted([*METHODS, "operations.cancel.post"])


def test_what_the_double_does_not_implement_is_not_among_the_paths(document: dict[str, Any]) -> None:
    """It answers code 12 to every call, so a tool must not take it for served; described it is all the same."""
    refused = [operation for item in document["x-unimplemented"].values() for operation in item.values()]
    assert {each["operationId"] for each in refused} == {
        "images.listAccessBindings",
        "images.setAccessBindings",
        "images.updateAccessBindings",
    }
    for each in refused:
        assert "200" not in each["responses"]
        assert "501" in each["responses"]


def test_a_token_is_asked_for_wherever_the_double_asks_for_one(document: dict[str, Any]) -> None:
    """Everywhere but for a token itself and for where the services are."""
    assert document["security"] == [{"bearerAuth": []}]
    for _, _, operation in operations(document):
        public = operation["operationId"] in PUBLIC
        assert operation.get("security") == ([] if public else None)
        assert public or "401" in operation["responses"]


def test_a_call_that_changes_something_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    """No other does."""
    for verb, _, operation in operations(document):
        headers = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"]
        changes = verb != "GET" and operation["operationId"] not in PUBLIC
        assert headers == (["Idempotency-Key"] if changes else [])


def test_every_answer_has_a_request_id(document: dict[str, Any]) -> None:
    """Always from the service, and it may be missing where HTTP itself refuses the call."""
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            required = status not in {"400", "404", "413", "431"}
            assert response["headers"]["x-request-id"]["required"] is required


def test_everything_is_described(document: dict[str, Any]) -> None:
    """Operations, parameters, answers, messages and their fields, from the docstrings of the models."""
    for _, path, operation in operations(document):
        assert operation["summary"]
        assert set(operation["tags"]) <= {tag["name"] for tag in document["tags"]}
        assert {each["in"] for each in operation.get("parameters", ())} <= {"path", "query", "header"}
        assert all(each["description"] for each in operation.get("parameters", ())), path
        assert all(each["description"] for each in operation["responses"].values())
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        assert all(field["description"] for field in schema.get("properties", {}).values()), name


def test_no_schema_is_there_that_nothing_uses(document: dict[str, Any]) -> None:
    """A leftover would be a claim about nothing."""
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name


def test_every_example_is_valid(document: dict[str, Any], objections: Callable[..., list[str]]) -> None:
    """Of parameters, bodies and answers; there is one for every body and every answer."""
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                assert not objections(parameter["schema"], parameter["example"])
        for content in [operation.get("requestBody", {}), *operation["responses"].values()]:
            for media in content.get("content", {}).values():
                examples = [each["value"] for each in media.get("examples", {}).values()]
                examples += [media["example"]] if "example" in media else []
                refused = operation["operationId"].endswith("AccessBindings")
                assert examples or refused
                assert [objections(media["schema"], each) for each in examples] == [[]] * len(examples)


def test_the_revisions_differ_in_what_today_accepts_beyond_the_page() -> None:
    """An underscore in names, and three fields."""
    page, current = (document_of(CONTRACTS[name])["components"]["schemas"] for name in ("page", "current"))
    fields = {name: set(schemas["CreateImageRequest"]["properties"]) for name, schemas in (("p", page), ("c", current))}
    assert fields["c"] - fields["p"] == {"pooled", "hardwareGeneration"}
    assert set(current["RequestedOs"]["properties"]) - set(page["RequestedOs"]["properties"]) == {"nvidia"}
    for message in ("CreateImageRequest", "UpdateImageRequest"):
        patterns = [schemas[message]["properties"]["name"]["pattern"] for schemas in (page, current)]
        assert patterns == [f"^(|[a-z]([-{extra}a-z0-9]{{0,61}}[a-z0-9])?)$" for extra in ("", "_")]


def test_it_is_served_as_it_is_printed(revision: str, ycimages: Double) -> None:
    """But for `servers`, which is where the client found it."""
    served = httpx.get(f"{ycimages.url}/_ycimages/openapi.json")
    printed = json.loads(CliRunner().invoke(command, ["openapi", "--contract", revision]).stdout)
    assert served.headers["content-type"] == "application/json"
    assert served.json() == {**printed, "servers": [{"url": ycimages.url}]}


def test_the_page_is_printed_unless_another_revision_is_asked_for() -> None:
    """The default of the setting is the default of the command."""
    printed = CliRunner().invoke(command, ["openapi"])
    assert json.loads(printed.stdout) == document_of(CONTRACTS["page"])
    assert CliRunner().invoke(command, ["openapi", "--contract", "newest"]).exit_code == 2


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_to_read_it_is_no_call(ycimages: Double, verb: str) -> None:
    """It asks for no token, and the journal does not know of it."""
    assert Client(ycimages.app).open("/_ycimages/openapi.json", method=verb).status_code == 200
    assert not ycimages.calls


def test_it_is_read_and_not_written(ycimages: Double) -> None:
    """Nothing is served there for another verb."""
    assert Client(ycimages.app).post("/_ycimages/openapi.json").status_code == 405
