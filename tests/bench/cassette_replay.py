"""What replaying a cassette costs: loading it, and each request, by its size and beside vcrpy's own player."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from vcr.cassette import Cassette
from vcr.request import Request

from pytest_ycimages.api.message import json_bytes
from pytest_ycimages.cassette.file import write_cassette
from pytest_ycimages.cassette.model import (
    UNKNOWN_METADATA,
    CassetteData,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from pytest_ycimages.cassette.no_match import NoMatch
from pytest_ycimages.cassette.parsing import parse
from pytest_ycimages.cassette.player import Player

from .broken import BrokenError
from .goals import Goal, Sheet
from .stopwatch import timed, turns

if TYPE_CHECKING:
    from collections.abc import Generator

_SIZES: Final = (100, 1_000, 10_000)
_FLAT: Final = 1.5
"""How many times of a request to the smallest cassette one to the largest may take."""
_FASTER: Final = 10.0
"""How many times as fast as vcrpy a thousand interactions are to be loaded and played."""
_BAKE: Final = 5
_COMPUTE: Final = "https://compute.api.cloud.yandex.net/compute/v1/images"
_OPERATION: Final = "https://operation.api.cloud.yandex.net/operations"


def measure(*, quick: bool) -> Generator[Sheet]:
    """One sheet for the growth, one for the comparison."""
    with tempfile.TemporaryDirectory() as folder:
        files = {size: _recorded(Path(folder, f"{size}.yaml"), size) for size in _SIZES}
        yield _growth(files, 3 if quick else 9)
        yield _beside_vcrpy(files, 1 if quick else 3)


def _recorded(file: Path, size: int) -> Path:
    """A cassette of bakes: a create, three polls, and a look at the image, over and over."""
    write_cassette(file, CassetteData(UNKNOWN_METADATA, [_interaction(index) for index in range(size)]))
    return file


def _interaction(index: int) -> Interaction:
    number, step = divmod(index, _BAKE)
    image = {"id": f"fd8im{number:015d}", "folderId": "b1g", "name": f"bake-{number}", "status": "READY"}
    if step == _BAKE - 1:
        return _exchange("GET", f"{_COMPUTE}/{image['id']}", image, index)
    operation: dict[str, Any] = {"done": step == _BAKE - 2, "metadata": {"imageId": image["id"]}}
    operation |= {"id": f"fd8op{number:015d}", "modifiedAt": f"2026-01-01T00:00:{step:02d}Z"}
    if step:
        return _exchange("GET", f"{_OPERATION}/{operation['id']}", operation, index)
    body = json_bytes({"folderId": "b1g", "name": image["name"], "diskId": "epd0000000000000000a"})
    return _exchange("POST", _COMPUTE, operation, index, body)


def _exchange(method: str, uri: str, answer: dict[str, Any], index: int, body: bytes = b"") -> Interaction:
    headers = (("content-type", "application/json"),)
    response = RecordedResponse(200, "OK", headers, json_bytes(answer))
    return Interaction(RecordedRequest(method, uri, headers, body), response, float(index))


def _growth(files: dict[int, Path], rounds: int) -> Sheet:
    loading: dict[int, list[float]] = {size: [] for size in files}
    making: dict[int, list[float]] = {size: [] for size in files}
    opening: dict[int, list[float]] = {size: [] for size in files}
    playing: dict[int, list[float]] = {size: [] for size in files}
    for number in range(rounds):
        for size in turns(list(files), number):
            cassette, load = timed(lambda file=files[size]: parse(file.read_bytes(), file))  # type: ignore[misc]
            player, make = timed(lambda cassette=cassette: Player(cassette))  # type: ignore[misc]
            _, again = timed(lambda cassette=cassette: Player(cassette))  # type: ignore[misc]
            _, play = timed(lambda player=player: _play(player))  # type: ignore[misc]
            loading[size].append(load / 1000)
            making[size].append(make / 1000)
            opening[size].append(again)
            playing[size].append(play / size)
    sheet = Sheet(
        "Replay by the size of the cassette",
        ("interactions", "load, ms", "index, ms", "open again, us", "a request, us"),
        note="without HTTP; loading and the index are paid once for a cassette",
    )
    grown = median(playing[_SIZES[-1]]) / median(playing[_SIZES[0]])
    for size in files:
        goals = (
            [Goal("replay, the largest / the smallest", "a request", grown, _FLAT, "x")] if size == max(files) else []
        )
        figures = (median(each[size]) for each in (loading, making, opening, playing))
        sheet.row(f"{size:,}", *figures, goals=goals)
    return sheet


def _play(player: Player) -> None:
    for interaction in player.cassette.interactions:
        if isinstance(player.play(interaction.request, 0), NoMatch):
            raise BrokenError(f"no answer to {interaction.request}")


def _beside_vcrpy(files: dict[int, Path], rounds: int) -> Sheet:
    sheet = Sheet(
        "Loading a cassette and playing all of it, milliseconds",
        ("interactions", "vcrpy", "pytest-ycimages", "times as fast"),
        note="the same file for both; vcrpy compares neither bodies nor JSON, as is its default",
    )
    for size in _SIZES[:2]:
        theirs, ours = [], []
        for _ in range(rounds):
            theirs.append(timed(lambda size=size: _play_with_vcrpy(files[size]))[1] / 1000)  # type: ignore[misc]
            ours.append(timed(lambda size=size: _load_and_play(files[size]))[1] / 1000)  # type: ignore[misc]
        faster = median(theirs) / median(ours)
        goals = [Goal("replay of 1,000, vcrpy / ours", "both with loading", faster, _FASTER, "x", least=True)]
        sheet.row(f"{size:,}", median(theirs), median(ours), faster, goals=goals if size == _SIZES[1] else [])
    return sheet


def _load_and_play(file: Path) -> None:
    _play(Player(parse(file.read_bytes(), file)))


def _play_with_vcrpy(file: Path) -> None:
    cassette = Cassette.load(path=str(file))
    for request in list(cassette.requests):
        asked = Request(request.method, request.uri, request.body, request.headers)
        if not cassette.can_play_response_for(asked):
            raise BrokenError(f"vcrpy has no answer to {asked}")
        cassette.play_response(asked)
