"""What clients return: an id, several, or nothing, in any form, for each verb; and what the judges make of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import run_experiment
from tests.experiment.cleaning_clients import Cleaner, bakes_three, cleans, four_images, labels_carefully
from tests.experiment.flawed_clients import Baker, correct

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.experiment.trial import Trial, Verb

CLIENTS: Final[dict[Verb, Callable[[str, str], Any]]] = {
    "create": correct,
    "create_many": bakes_three,
    "update": labels_carefully,
    "delete": cleans,
    "cleanup": cleans,
}
"""Right clients, which return what they concern: an id, or several in a list."""
UNKNOWN: Final = "fd800000000000000000"
LABELLED: Final = "reported success with an image that is gone"

FORMS: Final[dict[str, Callable[[list[str]], Any]]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "keys": lambda ids: dict.fromkeys(ids).keys(),
    "values": lambda ids: dict(enumerate(ids)).values(),
    "images in JSON": lambda ids: [{"id": each, "status": "READY"} for each in ids],
    "messages": lambda ids: [SimpleNamespace(id=each) for each in ids],
    "text": ", ".join,
    "nothing": lambda _: None,
}
"""Each form in which a client may return the ids that it should."""


def returning(verb: Verb, form: Callable[[list[str]], Any]) -> Callable[[str, str], Any]:
    """A right client that returns its ids in a form."""

    def client(url: str, token: str) -> Any:
        ids = CLIENTS[verb](url, token)
        return form([ids] if isinstance(ids, str) else ids)

    return client


def baseline(client: Callable[[str, str], Any], verb: Verb) -> tuple[list[str], Trial]:
    """The causes that the default judges name in a trial without faults, and that trial."""
    setup = four_images if verb in {"delete", "cleanup"} else None
    report = run_experiment(client, depth=0, verb=verb, setup=setup)
    assert report.baseline.run is not None
    return [finding.cause for finding in report.findings], report.baseline.run


@pytest.mark.costly
@pytest.mark.parametrize("verb", CLIENTS)
@pytest.mark.parametrize("form", FORMS)
def test_a_right_client_may_return_its_ids_in_any_form_or_nothing(form: str, verb: Verb) -> None:
    """No judge has an objection, and the trial succeeded."""
    causes, trial = baseline(returning(verb, FORMS[form]), verb)
    assert causes == []
    assert trial.succeeded
    count = {"create": 1, "update": 1}.get(verb, 3)
    assert len(trial.outcome.image_ids) == (0 if form == "nothing" else count)
    assert len(trial.reported) == (0 if form == "nothing" and verb not in {"create", "create_many"} else count)


@pytest.mark.costly
@pytest.mark.parametrize(
    ("verb", "returned", "causes"),
    [
        ("create", UNKNOWN, ["returned an id of no image"]),
        ("create", [], ["returned an id of no image"]),
        ("create", 5, ["returned an id of no image"]),
        ("create_many", [UNKNOWN], ["returned an id of no image"]),
        ("create_many", (), ["returned an id of no image"]),
        ("update", UNKNOWN, []),  # a client that changes images may return anything
        ("update", 5, []),
        ("update", {"changed": 1}, []),
        ("delete", UNKNOWN, []),
        ("delete", 3, []),
        ("cleanup", [], []),
        ("cleanup", [1, 2], []),
    ],
)
def test_what_is_not_the_id_of_an_image_matters_to_clients_that_create(
    verb: Verb, returned: object, causes: list[str]
) -> None:
    """They return the ids of what they created, or nothing; the others may return anything."""
    assert baseline(returning(verb, lambda _: returned), verb)[0] == causes


@pytest.mark.costly
@pytest.mark.parametrize("verb", ["delete", "cleanup"])
def test_an_id_that_is_returned_says_that_its_image_is_deleted(verb: Verb) -> None:
    """The text names the image."""

    def keeps(url: str, token: str) -> list[str]:
        return [*cleans(url, token), kept[0]]

    kept: list[str] = [baseline(cleans, verb)[1].before[3].id]
    report = run_experiment(keeps, depth=0, verb=verb, setup=four_images)
    (finding,) = report.findings
    assert finding.cause == "kept what it should delete"
    assert (
        f"returned its id, yet image {kept[0]} (base-4) is READY: it did not ask for its deletion"
        in finding.explanation
    )


@pytest.mark.costly
def test_an_updated_image_whose_id_is_returned_is_there() -> None:
    """One that the client has deleted since is not."""

    def changes_its_mind(url: str, token: str) -> str:
        id_ = labels_carefully(url, token)
        Cleaner(url, token).delete(id_)
        return id_

    assert baseline(changes_its_mind, "update")[0] == [LABELLED]


@pytest.mark.costly
@pytest.mark.parametrize("verb", ["create", "create_many"])
def test_a_client_that_returns_nothing_says_that_what_it_created_is_ready(verb: Verb) -> None:
    """Neither nothing at all, nor an image that is not READY yet."""

    def does_nothing(url: str, token: str) -> None:
        """Makes no call."""

    def hurries(url: str, token: str) -> None:
        Baker(url, token).create()

    assert baseline(does_nothing, verb)[0] == ["reported success for nothing"]
    assert baseline(hurries, verb)[0] == ["reported success before the image was READY"]
