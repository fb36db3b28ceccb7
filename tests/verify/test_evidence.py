"""The table of evidence speaks of behaviours that there are, and each row can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ycimages.api.methods import ROUTES
from pytest_ycimages.cassette.answers import method_of
from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.requests import normalize
from pytest_ycimages.fidelity import BrokenTableError, read_table
from pytest_ycimages.verify.evidence import evidence_rows, parse_rows
from pytest_ycimages.verify.fake_target import verify_fake

from .taping import IMAGES, Taping


def test_every_row_is_about_a_behaviour_of_the_table() -> None:
    """Else nobody could say how it is known."""
    known = {each.id for each in read_table().behaviours}
    assert {row.behaviour for rows in evidence_rows().values() for row in rows} <= known


@pytest.mark.parametrize("row", [{"methods": "images.get"}, {"when": ["beguns"]}, {"against": "same-codes"}])
def test_an_unknown_condition_is_refused(row: dict[str, Any]) -> None:
    """The error names the row, the condition and the known ones."""
    name = next(iter(row.get("when", ()) or row.keys() - {"against"} or row.values()))
    with pytest.raises(BrokenTableError, match=f"'id.image' has the unknown condition '{name}'. Known: "):
        parse_rows({"image": [{"behaviour": "id.image", **row}]})


def test_what_nothing_was_shown_of_is_not_claimed() -> None:
    """A look at an image says nothing of operations, nor of refusals."""
    taping = Taping()
    taping.look(taping.double.add_image())
    areas = {each.behaviour.partition(".")[0] for each in verify_fake(taping.tape()).behaviours}
    assert areas == {"error", "id", "image", "json", "route"}


def test_behaviours_are_counted_by_interaction() -> None:
    """However many images a list shows; in the order of the table of behaviours."""
    taping = Taping()
    for number in range(3):
        taping.double.add_image(name=f"web-{number}")
    taping("GET", IMAGES, folderId=taping.folder_id)
    taping("GET", IMAGES, folderId=taping.folder_id)
    judged = verify_fake(taping.tape()).behaviours
    assert {each.behaviour: each.seen for each in judged}["json.order-image"] == 2
    order = [each.id for each in read_table().behaviours]
    assert [each.behaviour for each in judged] == sorted((each.behaviour for each in judged), key=order.index)


def test_what_was_not_compared_counts_for_nothing() -> None:
    """Of an answer that is refused today, only the refusal is known."""
    taping = Taping(contract="current", timing=0)
    taping.create(name="a_b")
    judged = verify_fake(taping.tape(), {"contract": "page"}).behaviours
    assert [(each.behaviour, each.differs) for each in judged] == [("create.name-pattern", (1,))]


@pytest.mark.parametrize(("verb", "path", "method"), ROUTES)
def test_a_recorded_request_is_of_the_method_that_serves_it(verb: str, path: str, method: str) -> None:
    """By the same paths and verbs as those of the double, which this room does not know."""
    for name in ("image_id", "resource_id", "operation_id", "api_endpoint_id"):
        path = path.replace(f"<{name}>", "fd800000000000000000")
    assert method_of(normalize(RecordedRequest(verb, f"https://api.cloud.yandex.net{path}"))) == method


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("PUT", IMAGES),
        ("GET", "/compute/v1/images/"),
        ("GET", "/compute/v1/images/a/b"),
        ("GET", "/compute/v1/disks"),
        ("POST", "/operations/a"),
        ("PATCH", "/operations/a:cancel"),
        ("GET", "/endpoints/a/b"),
        ("GET", "/"),
    ],
)
def test_another_request_is_of_no_method(verb: str, path: str) -> None:
    """It is sent all the same: how it is refused is to be seen."""
    assert method_of(normalize(RecordedRequest(verb, f"https://api.cloud.yandex.net{path}"))) == "unrouted"
