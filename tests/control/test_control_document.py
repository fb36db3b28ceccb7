"""The document of the control API: every path that is described is served, and what is answered is as described."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from pytest_ycimages import Double
from pytest_ycimages.api.exchange import Request
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.call import Call
from pytest_ycimages.cli.commands import ycimages as command
from pytest_ycimages.control.models import (
    CHANGEABLE,
    FaultToInject,
    OneCall,
    OneFault,
    OperationToAsk,
    TimingNow,
    TimingToSet,
)
from pytest_ycimages.control.routes import MAP, PATHS, ROUTES, control_document
from pytest_ycimages.server.openapi import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]

DOCUMENT: Final = control_document()
OPERATIONS: Final = [
    pytest.param((path, verb.upper(), operation), id=f"{verb} {path}")
    for path, item in DOCUMENT["paths"].items()
    for verb, operation in item.items()
]


def test_the_document_is_valid() -> None:
    """By the schema of OpenAPI 3.1, and by the rules that no schema can state."""
    validate(DOCUMENT)


def test_all_that_is_served_is_described_and_nothing_else() -> None:
    """Verb by verb, as the router itself has them; but for the documents."""
    served = {
        (re.sub(r"<int:(\w+)>", r"{\1}", rule.rule), verb)
        for rule in MAP.iter_rules()
        for verb in (rule.methods or set()) - {"HEAD"}
        if not rule.rule.endswith(".json")
    }
    assert served == {(path, verb.upper()) for path, item in DOCUMENT["paths"].items() for verb in item}
    assert len(OPERATIONS) == len(ROUTES)
    assert {re.sub(r"<int:(\w+)>", r"{\1}", path) for path in PATHS if not path.endswith(".json")} == set(
        DOCUMENT["paths"]
    )


def test_every_part_of_it_has_words() -> None:
    """Each operation a summary of its own, and each field a meaning."""
    operations = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema["description"], name
        for field, inner in schema.get("properties", {}).items():
            assert inner.get("description"), f"{name}.{field}"


def test_it_names_what_the_python_api_names() -> None:
    """A field that one of them gains, the other has as well."""
    assert set(Call.__dataclass_fields__) < set(OneCall.model_fields)
    assert tuple(TimingToSet.model_fields) == tuple(TimingNow.model_fields) == CHANGEABLE
    assert set(OperationToAsk.model_fields) == {"on", *CHANGEABLE} - {"latency"}
    assert {"fault", "on", "when", "commit", "per", "where", "expect"} == set(FaultToInject.model_fields)
    assert {"number", "rule", "considered", "strikes", "passed", "nearest"} < set(OneFault.model_fields)


@pytest.mark.ycimages(clock="manual", timing=20, faults=["slow(0), expect=False", "hang(), when=nth(9), expect=False"])
@pytest.mark.parametrize("described", OPERATIONS)
def test_what_is_answered_is_as_described(
    ycimages: Double, control: Control, create: Create, described: tuple[str, str, dict[str, Any]]
) -> None:
    """To the example of a body, by a double that has something to tell."""
    path, verb, operation = described
    create()
    create()
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    answer = control(verb, path.removeprefix("/_ycimages/").replace("{number}", "2"), body, stream=True)
    assert answer.status_code == int(next(iter(operation["responses"])))
    content = operation["responses"][str(answer.status_code)]["content"]
    assert list(content) == [answer.headers["content-type"]]
    if "application/json" not in content:  # a stream, which does not end
        return
    schema = content["application/json"]["schema"]
    validator = Draft202012Validator({"components": DOCUMENT["components"], **schema})
    assert [error.message for error in validator.iter_errors(answer.json())] == []
    for each in ycimages.injections[2:]:  # what the example injects need not strike
        each.strike(Request("images.create", "", {}), 0, 1)


def test_it_is_served_as_it_is_printed(control: Control, ycimages: Double) -> None:
    """But for `servers`, which is where the client found it."""
    printed = json.loads(CliRunner().invoke(command, ["openapi", "--control"]).stdout)
    assert control("GET", "control.json").json() == {**printed, "servers": [{"url": ycimages.url}]}


def test_the_services_document_does_not_know_of_it() -> None:
    """It describes the service and what the double does for it; schemathesis holds the double to that."""
    for contract in CONTRACTS.values():
        assert not [path for path in document(contract)["paths"] if "_ycimages" in path]


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """What it makes up is answered as described, and never with a failure of the double."""
    with closing(Double(clock="manual").start()) as double:  # what is injected need not strike
        _find_nothing(double, tmp_path)
        assert not double.calls


def _find_nothing(double: Double, tmp_path: Path) -> None:
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    options = [f"--checks={checks},unsupported_method,missing_required_header", "--max-examples=5", "--seed=1"]
    url = f"{double.url}/_ycimages/control.json"
    script = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--no-color",
        "run",
        url,
        *options,
        "--exclude-path=/_ycimages/events",
    ]
    result = subprocess.run(  # noqa: S603 - our own
        [*script, "--phases=examples,coverage,fuzzing", "--generation-deterministic"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
