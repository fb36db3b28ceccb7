"""Looking over the control API: the same truth as a test that holds the double has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ycimages import Call, Quotas, Settings, Stage
from pytest_ycimages.cloud.script import Script
from pytest_ycimages.redaction.shapes import SCRUBBED

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from pytest_ycimages import Double

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]


@pytest.mark.ycimages(clock="manual")
def test_the_state_is_the_doubles_own(ycimages: Double, control: Control, create: Create) -> None:
    """Images and operations have the API's own form, as they are now; and looking is no poll."""
    operation = create().json()
    ycimages.clock.advance(2.5)
    state, *others = [control("GET", "state").json() for _ in range(3)]
    assert others == [state, state]
    assert (state["folder_id"], state["token"]) == (ycimages.folder_id, ycimages.token)
    assert state["clock"] == {"now": "2026-01-01T00:00:02.500Z", "elapsed": 2.5, "kind": "manual"}
    assert state["operations"] == {operation["id"]: operation}
    image_id = operation["metadata"]["imageId"]
    assert state["images"][image_id]["status"] == "CREATING"
    assert state["images"] == {id_: image.to_wire() for id_, image in ycimages.images.items()}
    assert state["calls"] == len(ycimages.calls) == 1


@pytest.mark.ycimages(
    contract="current",
    timing={"images.create": 5, "*": "AfterPolls(3)"},
    latency={"images.*": "uniform(0, 0.001)"},
    quotas=Quotas(images=3),
    faults=["reset(), on='images.get', expect=False"],
)
def test_the_settings_are_those_in_force_as_they_may_be_written(ycimages: Double, control: Control) -> None:
    """What was changed since shows, and settings that are read again are the same."""
    settings = control("GET", "state").json()["settings"]
    assert set(settings) == set(Settings.model_fields)
    assert settings["timing"] == {"images.create": "After(seconds=5)", "*": "AfterPolls(polls=3)"}
    assert settings["faults"] == [str(ycimages.injections[0].rule)]
    again = Settings(**{**settings, "faults": ycimages.settings.faults})
    assert again == ycimages.settings

    ycimages.timing = 7
    ycimages.injections[0].remove()
    settings = control("GET", "state").json()["settings"]
    assert (settings["timing"], settings["faults"]) == ("After(seconds=7)", [])


def test_a_setting_that_no_text_can_say_is_shown_all_the_same(ycimages: Double, control: Control) -> None:
    """A script is for Python; a reader sees what it is."""
    ycimages.timing = Script(Stage("running", 5), Stage("succeeded"))
    assert control("GET", "timing").json()["timing"].startswith("Script(Stage(")


@pytest.mark.ycimages(clock="manual")
def test_the_calls_have_every_field(ycimages: Double, control: Control, create: Create) -> None:
    """As the journal has them; a code is its name, and a message is in the API's own form."""
    for _ in range(2):
        create()
        ycimages.clock.advance(3)
    journal = control("GET", "calls").json()
    assert [call["number"] for call in journal["calls"]] == [1, 2]
    assert (journal["gaps"], journal["last"]) == ([3], 2)
    for shown, call in zip(journal["calls"], ycimages.calls, strict=True):
        assert set(shown) == {*Call.__dataclass_fields__, "number", "came_at", "answered_at"}
        for name in set(Call.__dataclass_fields__) - {"status", "message", "metadata", "unknown_fields"}:
            assert shown[name] == getattr(call, name)
        assert shown["metadata"] == {**call.metadata, "authorization": f"Bearer {SCRUBBED}"}
        assert shown["status"] == "OK"
        assert shown["message"] == {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}


def test_calls_by_method_and_by_number(control: Control, create: Create, session: Any, ycimages: Double) -> None:
    """`after` goes on where an earlier answer ended."""
    create()
    session.get(f"{ycimages.url}/endpoints")
    create()
    assert [call["number"] for call in control("GET", "calls?method=images.*").json()["calls"]] == [1, 3]
    rest = control("GET", "calls?method=images.create&after=1").json()
    assert ([call["number"] for call in rest["calls"]], rest["last"]) == ([3], 3)
    assert control("GET", "calls?after=3").json() == {
        "calls": [],
        "gaps": [],
        "next_page_token": "",
        "last": 3,
        "dropped": 0,
    }
    assert control("GET", "calls?after=99").json()["calls"] == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("method=image.create", "Unknown method 'image.create'. Did you mean 'images.create'? Known: "),
        ("after=-1", "invalid after '-1': expected the number of a call, such as the `last` of an earlier answer"),
        (
            "afte=1",
            "Unknown query parameter 'afte'. Did you mean 'after'? Known: after, method, page_size, page_token.",
        ),
    ],
)
def test_a_wrong_query_is_refused(control: Control, query: str, error: str) -> None:
    """A word that is none would otherwise show all calls, or none."""
    answer = control("GET", f"calls?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)


@pytest.mark.ycimages(clock="manual", timing=20, poll_interval=5)
def test_the_pacing_of_each_operation(ycimages: Double, control: Control, create: Create, session: Any) -> None:
    """The measures of `calls.pacing`, and its report."""
    operation = create().json()
    for seconds in (10, 10, 3):
        ycimages.clock.advance(seconds)
        headers = {"Authorization": f"Bearer {ycimages.token}"}
        session.get(f"{ycimages.url}/operations/{operation['id']}", headers=headers)
    pacing = ycimages.calls.pacing[operation["id"]]
    shown = control("GET", "pacing").json()["operations"][operation["id"]]
    assert shown["polls"] == [10, 20, 23]
    assert (shown["intervals"], shown["pauses"], shown["first_after"]) == ([10, 3], [10, 3], 10)
    assert (shown["growth"], shown["done_seen_at"], shown["polls_after_done"]) == (0.3, 20, 1)
    assert shown["hints"] == [{"header": "x-operation-poll-interval", "asked": 5, "waited": 10, "obeyed": True}]
    assert shown["report"] == str(pacing)
