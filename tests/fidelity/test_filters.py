"""The filter of images.list (api-facts.md, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client import image_id_of

if TYPE_CHECKING:
    from tests.client import Cloud


@pytest.fixture
def names(cloud: Cloud) -> None:
    """Images `one`, `two` and `three`; the last two are of one family."""
    cloud.double.add_image(name="one")
    cloud.double.add_image(name="two", family="more")
    cloud.double.add_image(name="three", family="more", description='it\'s "it"')


def found(cloud: Cloud, text: str) -> set[str]:
    """The names of the images that a filter lets through."""
    answer = cloud.list(filter=text)
    assert answer.status == 200, answer.text
    return {image["name"] for image in answer.json.get("images", ())}


@pytest.mark.fidelity("filter.equal")
@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("text", ['name="one"', 'name = "one"', "name='one'", ' name  =\t"one" '])
def test_a_filter_asks_for_a_value(cloud: Cloud, text: str) -> None:
    """In either kind of quotes, with or without spaces."""
    assert found(cloud, text) == {"one"}
    assert found(cloud, text.replace("one", "on")) == set()


@pytest.mark.fidelity("filter.operators")
@pytest.mark.usefixtures("names")
@pytest.mark.parametrize(
    ("text", "names_found"),
    [
        ('name != "one"', {"two", "three"}),
        ('name IN ("one", "two", "four")', {"one", "two"}),
        ('name NOT IN ("one", "two")', {"three"}),
        ("name IN ('two')", {"two"}),
    ],
)
def test_a_filter_has_four_operators(cloud: Cloud, text: str, names_found: set[str]) -> None:
    """The other three."""
    assert found(cloud, text) == names_found


@pytest.mark.fidelity("filter.and")
@pytest.mark.usefixtures("names")
def test_conditions_are_joined_by_and(cloud: Cloud) -> None:
    """All of them hold."""
    assert found(cloud, 'name != "one" AND name != "two"') == {"three"}
    assert found(cloud, 'name = "one" AND name = "two"') == set()


@pytest.mark.fidelity("filter.escapes")
@pytest.mark.ycimages(filter_fields="all")
@pytest.mark.usefixtures("names")
def test_a_value_may_hold_escaped_quotes(cloud: Cloud) -> None:
    """With a backslash."""
    assert found(cloud, r'description = "it\'s \"it\""') == {"three"}


@pytest.mark.fidelity("filter.fields")
@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("field", ["id", "family", "status", "description", "labels.env", "createdAt", "Name"])
def test_a_filter_asks_for_a_name(cloud: Cloud, field: str) -> None:
    """Alone or beside another condition; a field that is not documented is refused, not ignored."""
    assert found(cloud, 'name = "two" AND name != "one"') == {"two"}
    text = f"Illegal argument filter field '{field}'; known: name"
    for wanted in (f'{field} = "more"', f'name = "two" AND {field} NOT IN ("more")'):
        assert cloud.list(filter=wanted).refusal == (400, 3, text)


@pytest.mark.fidelity("filter.all-fields")
@pytest.mark.ycimages(timing=10, filter_fields="all")
def test_a_filter_may_ask_for_five_fields(cloud: Cloud) -> None:
    """Each as the image shows it."""
    asked = {"name": "one", "family": "numbers", "description": "First"}
    image_id = image_id_of(cloud.create(**asked))
    cloud.double.add_image(name="other")
    for field, value in {**asked, "id": image_id, "status": "CREATING"}.items():
        assert found(cloud, f'{field} = "{value}"') == {"one"}
    assert found(cloud, 'family = "numbers" AND name = "other"') == set()


@pytest.mark.fidelity("filter.garbage")
@pytest.mark.parametrize("text", ["garbage", 'name = "one', "name = one", 'name ~ "x"', 'name = "a" OR name = "b"'])
def test_a_filter_that_cannot_be_read_is_refused(cloud: Cloud, text: str) -> None:
    """Code 3, and the text says where."""
    status, code, message = cloud.list(filter=text).refusal
    assert (status, code) == (400, 3)
    assert message.startswith("Illegal argument filter at character ")


@pytest.mark.fidelity("filter.unknown-field")
@pytest.mark.ycimages(filter_fields="all")
def test_a_filter_for_another_field_is_refused(cloud: Cloud) -> None:
    """Code 3, and the text says which would be taken."""
    text = "Illegal argument filter field 'colour'; known: id, name, family, status, description"
    assert cloud.list(filter='colour = "red"').refusal == (400, 3, text)
