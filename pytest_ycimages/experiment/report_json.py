"""Reports as JSON, and back. The same report is the same bytes: keys in the order of the schema, and no real time."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pytest_ycimages.errors import UsageError
from pytest_ycimages.experiment.stored_report import FORMAT, VERSION, StoredReport
from pytest_ycimages.experiment.storing import stored

if TYPE_CHECKING:
    from pytest_ycimages.experiment.report import Report

SCHEMA_FILE: Final = "report.schema.json"
"""The JSON Schema of it, beside this module."""


def report_json(report: Report | StoredReport) -> str:
    """A report as JSON.

    The same client, seed and options give the same text each time, in however many processes: it has no real time, no
    port and no address of an object. A client that is a command has real time, so its seconds differ.
    """
    document = stored(report).model_dump(mode="json")
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def report_from_json(text: str | bytes) -> StoredReport:
    """Read a report that `report_json` wrote.

    Raises:
        UsageError: it is none, or one of another version; the text says what is wrong with it.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"This is no JSON: {error}. Give a report that `--json FILE` has written.") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(
            f'This is JSON, and no report of an experiment: it has no "format": "{FORMAT}". Give one that '
            "`--json FILE` has written."
        )
    if document.get("version") != VERSION:
        raise UsageError(
            f"This report has version {document.get('version')!r} of the form, and this release reads version "
            f"{VERSION}. Make the report once more."
        )
    try:
        return StoredReport.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"This report has been changed: {place}: {first['msg']}. Make it once more.") from None


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `report_json` writes, as the file that is shipped has it."""
    schema: dict[str, Any] = json.loads((files(__package__) / SCHEMA_FILE).read_text(encoding="utf-8"))
    return schema


def schema_of_the_form() -> str:
    """The text that the file with the schema has to have: what pydantic says of the form."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Report of an experiment"}
    made = StoredReport.model_json_schema(mode="serialization")
    return json.dumps(schema | {key: made[key] for key in made if key != "title"}, indent=2, ensure_ascii=False) + "\n"
