"""What reading and writing cassettes costs, by their size and beside vcrpy's own YAML and JSON, in one run."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from vcr.persisters.filesystem import FilesystemPersister
from vcr.request import Request
from vcr.serializers import jsonserializer, yamlserializer

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.cassette.file import CassetteWriter, read_cassette, write_cassette
from pytest_ycimages.cassette.model import (
    CassetteData,
    CassetteMetadata,
    Interaction,
    Origin,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cassette.parsing import parse

from .goals import Goal, Sheet
from .stopwatch import ratio, timed, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

_SIZES: Final = (100, 1_000, 10_000)
_HELD_TO: Final = 1_000
_FASTER: Final = {"read": 10.0, "written": 5.0}
"""How many times as fast as vcrpy, with libyaml, a thousand interactions are to be."""
_OURS: Final = "ours"
_VCRPY: Final = "vcrpy, YAML"
_METADATA: Final = CassetteMetadata(Origin.FAKE, contract="page", folder_id="b1g")
_HEADERS: Final = (("content-type", "application/json"), ("x-request-id", "00000000-0000-4000-8000-000000000000"))


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet for reading, one for writing."""
    with tempfile.TemporaryDirectory() as folder:
        cassettes = {size: CassetteData(_METADATA, tuple(map(_poll, range(size)))) for size in _SIZES}
        written = {size: _writing(Path(folder, str(size)), cassette) for size, cassette in cassettes.items()}
        spent_writing = {size: _rounds(work, _how_often(size, quick=quick)) for size, work in written.items()}
        spent_reading = {
            size: _rounds(_reading(Path(folder, str(size)), cassettes[size]), _how_often(size, quick=quick))
            for size in _SIZES
        }
    yield _sheet("Reading a cassette, milliseconds", spent_reading, "read")
    yield _sheet("Writing a cassette, milliseconds", spent_writing, "written")


def _how_often(size: int, *, quick: bool) -> int:
    return 1 if size > _HELD_TO else 3 if quick else 9


def _poll(number: int) -> Interaction:
    """A poll of an operation, of the size that a real one has."""
    operation = {
        "done": False,
        "metadata": {
            "@type": "type.googleapis.com/yandex.cloud.compute.v1.CreateImageMetadata",
            "imageId": f"fd8im{number:015d}",
        },
        "id": f"fd8op{number:015d}",
        "description": "Create image",
        "createdAt": "2026-01-01T00:00:00.452564354Z",
        "createdBy": "aje00000000000000000",
        "modifiedAt": "2026-01-01T00:00:12.118205967Z",
    }
    uri = f"https://operation.api.cloud.yandex.net/operations/{operation['id']}"
    request = RecordedRequest("GET", uri, (("accept", "*/*"), ("user-agent", "bench")))
    return Interaction(request, RecordedResponse(200, "OK", _HEADERS, json_bytes(operation)), float(number), 0.012)


def _writing(folder: Path, cassette: CassetteData) -> Mapping[str, Callable[[], object]]:
    """Ways to write a cassette. vcrpy writes all of it when a recording ends, and nothing before."""
    folder.mkdir()
    ours, all_at_once = folder / "ours.yaml", folder / "whole.yaml"
    stock = {
        "requests": [Request(r.method, r.uri, r.body or None, dict(r.headers)) for r, *_ in cassette.interactions],
        "responses": [
            {
                "status": {"code": response.status, "message": response.reason},
                "headers": {name: [value] for name, value in response.headers},
                "body": {"string": response.body},
            }
            for _, response, *_ in cassette.interactions
        ],
    }

    def append() -> None:
        ours.unlink(missing_ok=True)
        with closing(CassetteWriter(ours, cassette.metadata)) as writer:
            for interaction in cassette.interactions:
                writer.append(interaction)

    return {
        _OURS: append,
        "ours, at once": lambda: write_cassette(all_at_once, cassette),
        _VCRPY: lambda: FilesystemPersister.save_cassette(folder / "vcr.yaml", _fresh(stock), yamlserializer),
        "vcrpy, JSON": lambda: FilesystemPersister.save_cassette(folder / "vcr.json", _fresh(stock), jsonserializer),
    }


def _fresh(stock: dict[str, Any]) -> dict[str, Any]:
    """What vcrpy may write: it turns the bodies of answers into text where they are."""
    return stock | {"responses": [answer | {"body": dict(answer["body"])} for answer in stock["responses"]]}


def _reading(folder: Path, cassette: CassetteData) -> Mapping[str, Callable[[], object]]:
    """Ways to read what was written."""
    ours = folder / "ours.yaml"
    assert read_cassette(ours) == cassette
    return {
        _OURS: lambda: parse(ours.read_bytes(), ours),
        "ours, again": lambda: read_cassette(ours),
        _VCRPY: lambda: FilesystemPersister.load_cassette(folder / "vcr.yaml", yamlserializer),
        "vcrpy, JSON": lambda: FilesystemPersister.load_cassette(folder / "vcr.json", jsonserializer),
    }


def _rounds(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds):
        for name in turns(list(work), number):
            spent[name].append(timed(work[name])[1] / 1000)
    return spent


def _sheet(title: str, spent: Mapping[int, dict[str, list[float]]], done: str) -> Sheet:
    names = list(spent[_HELD_TO])
    sheet = Sheet(title, ("interactions", *names), note="vcrpy with libyaml; each file without HTTP around it")
    for size, rounds in spent.items():
        faster = ratio(rounds, _VCRPY, _OURS)
        goal = Goal(f"cassette of {size:,}, {done}", "vcrpy / ours", faster, _FASTER[done], "x", least=True)
        sheet.row(f"{size:,}", *(median(rounds[name]) for name in names), goals=[goal] if size == _HELD_TO else [])
    return sheet
