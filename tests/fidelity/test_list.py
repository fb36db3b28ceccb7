"""images.list: folders, pages and orders (api-facts.md, sections 1.1, 2.1 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.client import image_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client import Cloud


def pages(cloud: Cloud, **query: Any) -> Iterator[list[str]]:
    """The ids on each page, until there is no more."""
    token: dict[str, str] = {}
    while True:
        page = cloud.list(**query, **token).json
        yield [image["id"] for image in page.get("images", ())]
        if "nextPageToken" not in page:
            return
        token = {"pageToken": page["nextPageToken"]}


@pytest.mark.fidelity("list.folder-required")
def test_a_list_needs_a_folder(cloud: Cloud) -> None:
    """Left out or empty."""
    assert cloud.get("/compute/v1/images").refused_fields == ["folderId"]
    assert cloud.list(folderId="").refused_fields == ["folderId"]


@pytest.mark.fidelity("list.one-folder")
def test_a_list_shows_one_folder(cloud: Cloud) -> None:
    """And all of it."""
    other = cloud.double.add_folder()
    mine = {cloud.made() for _ in range(3)}
    theirs = cloud.made(folderId=other)
    assert set(*pages(cloud)) == mine
    assert list(pages(cloud, folderId=other)) == [[theirs]]


@pytest.mark.fidelity("list.as-get")
def test_a_list_shows_an_image_as_get_does(cloud: Cloud) -> None:
    """Every field of it."""
    image_id = cloud.made(name="one", labels={"a": "b"}, family="numbers")
    assert cloud.list().json["images"] == [cloud.image(image_id)]


@pytest.mark.fidelity("list.empty")
def test_an_empty_list_is_an_empty_object(cloud: Cloud) -> None:
    """With neither a list nor a token in it."""
    assert cloud.list().text == "{}"


@pytest.mark.fidelity("list.default-page-size")
def test_a_page_has_100_images_unless_asked(cloud: Cloud) -> None:
    """A size of zero is none."""
    for _ in range(101):
        cloud.double.add_image()
    assert [len(page) for page in pages(cloud)] == [100, 1]
    assert [len(page) for page in pages(cloud, pageSize=0)] == [100, 1]
    assert [len(page) for page in pages(cloud, pageSize=60)] == [60, 41]


@pytest.mark.fidelity("list.page-size-limit")
def test_a_page_has_at_most_1000_images(cloud: Cloud) -> None:
    """The limit itself is allowed."""
    assert cloud.list(pageSize=1000).status == 200
    assert cloud.list(pageSize=1001).refused_fields == ["pageSize"]


@pytest.mark.fidelity("list.page-size-negative")
def test_a_negative_page_size_is_none(cloud: Cloud) -> None:
    """It is no error."""
    for _ in range(101):
        cloud.double.add_image()
    assert [len(page) for page in pages(cloud, pageSize=-1)] == [100, 1]


@pytest.mark.fidelity("list.page-token")
def test_there_is_a_page_token_only_if_there_is_more(cloud: Cloud) -> None:
    """Not when the last page is full."""
    for _ in range(4):
        cloud.double.add_image()
    assert [len(page) for page in pages(cloud, pageSize=2)] == [2, 2]
    assert [len(page) for page in pages(cloud, pageSize=1)] == [1, 1, 1, 1]


@pytest.mark.fidelity("list.pages-steady")
def test_pages_neither_repeat_nor_hide_an_image(cloud: Cloud) -> None:
    """Also when others go between them, the last of the page before included."""
    ids = sorted(cloud.double.add_image(f"fd8{number:017}") for number in range(6))
    listed = pages(cloud, pageSize=2)
    assert next(listed) == ids[:2]
    for gone in (ids[1], ids[3]):
        cloud.operation(cloud.delete(gone).json["id"])
    assert list(listed) == [[ids[2], ids[4]], [ids[5]]]


@pytest.mark.fidelity("list.page-token-garbage")
@pytest.mark.parametrize("token", ["garbage", "!", "AAAA", "\u0451"])
def test_a_page_token_that_was_never_given_is_refused(cloud: Cloud, token: str) -> None:
    """Code 3."""
    assert cloud.list(pageToken=token).refusal == (400, 3, "Illegal argument page_token")


@pytest.mark.fidelity("list.page-token-of-another")
def test_a_page_token_of_another_list_is_a_place_in_this_one(cloud: Cloud) -> None:
    """A token names an image, not the list that it was given for."""
    ids = sorted(cloud.double.add_image(name=name) for name in ("one", "two", "three", "four"))
    token = cloud.list(pageSize=2).json["nextPageToken"]
    rest = cloud.list(pageToken=token, filter='name NOT IN ("nobody")').json["images"]
    assert [image["id"] for image in rest] == ids[2:]
    assert cloud.list(pageToken=token, folderId=cloud.double.add_folder()).json == {}


@pytest.mark.fidelity("list.query-lengths")
@pytest.mark.parametrize(("field", "limit"), [("pageToken", 100), ("filter", 1000), ("orderBy", 100)])
def test_texts_of_a_query_have_their_limits(cloud: Cloud, field: str, limit: int) -> None:
    """What is too long is refused for its length, before anybody tries to read it."""
    assert cloud.list(**{field: "x" * limit}).json["message"].startswith("Illegal argument ")
    assert cloud.list(**{field: "x" * (limit + 1)}).refused_fields == [field]


@pytest.mark.fidelity("list.order-default")
def test_a_list_is_in_the_order_of_ids(cloud: Cloud) -> None:
    """Ascending."""
    made = [cloud.double.add_image(f"fd8{letter:0>17}") for letter in "cab"]
    assert list(pages(cloud)) == list(pages(cloud, orderBy="id")) == [sorted(made)]
    assert list(pages(cloud, orderBy="id desc")) == [sorted(made, reverse=True)]


@pytest.mark.fidelity("list.order-by-age")
def test_a_list_can_be_in_the_order_of_age(cloud: Cloud) -> None:
    """Either way, and across pages."""
    made = []
    for letter in "cab":
        made.append(cloud.double.add_image(f"fd8{letter:0>17}"))
        cloud.double.clock.advance(1)
    assert list(pages(cloud, orderBy="createdAt")) == [made]
    assert list(pages(cloud, orderBy="createdAt desc", pageSize=2)) == [[made[2], made[1]], [made[0]]]


@pytest.mark.fidelity("list.order-unknown")
@pytest.mark.parametrize("order", ["name", "id sideways", "createdAt desc asc", "id,createdAt"])
def test_an_order_that_cannot_be_is_refused(cloud: Cloud, order: str) -> None:
    """Code 3."""
    assert cloud.list(orderBy=order).refusal == (400, 3, "Illegal argument order_by")


@pytest.mark.fidelity("list.all-statuses")
@pytest.mark.ycimages(timing=10)
def test_a_list_shows_images_of_every_status(cloud: Cloud) -> None:
    """CREATING, READY and DELETING."""
    deleting = cloud.double.add_image()
    cloud.delete(deleting)
    ready = cloud.double.add_image()
    creating = image_id_of(cloud.create())
    shown = {image["id"]: image["status"] for image in cloud.list().json["images"]}
    assert shown == {deleting: "DELETING", ready: "READY", creating: "CREATING"}


@pytest.mark.fidelity("list.operations")
@pytest.mark.ycimages(timing=10)
def test_the_operations_of_an_image_are_its_history(cloud: Cloud) -> None:
    """Running or done, newest first."""
    created = cloud.create()
    image_id = image_id_of(created)
    cloud.double.clock.advance(10)
    ids = [cloud.patch(image_id, {"name": "two"}).json["id"], cloud.delete(image_id).json["id"]]
    ids = [*reversed(ids), created.json["id"]]
    history = cloud.get(f"/compute/v1/images/{image_id}/operations").json["operations"]
    assert history == [cloud.operation(id_) for id_ in ids]
    assert [operation["done"] for operation in history] == [False, False, True]


@pytest.mark.fidelity("list.operations-response")
def test_a_list_of_operations_shows_their_responses(cloud: Cloud) -> None:
    """The whole image, or nothing for a delete that runs."""
    created = cloud.create(name="one")
    image_id, operation = image_id_of(created), cloud.operation(created.json["id"])
    (listed,) = cloud.get(f"/compute/v1/images/{image_id}/operations").json["operations"]
    assert listed == operation
    assert {**listed["response"], "@type": None} == {"@type": None, **cloud.image(image_id)}


@pytest.mark.fidelity("list.operations-paged")
def test_the_operations_of_an_image_come_in_pages(cloud: Cloud) -> None:
    """Like images; one that begins between two pages moves none."""
    image_id = cloud.double.add_image()
    ids = [cloud.patch(image_id, {"description": str(number)}).json["id"] for number in range(3)][::-1]
    path = f"/compute/v1/images/{image_id}/operations"
    first = cloud.get(path, pageSize=2).json
    newest = cloud.patch(image_id, {"description": "newest"}).json["id"]
    second = cloud.get(path, pageSize=2, pageToken=first["nextPageToken"]).json
    assert cloud.get(path, pageSize=1).json["operations"][0]["id"] == newest
    assert [operation["id"] for page in (first, second) for operation in page["operations"]] == ids
    assert "nextPageToken" not in second
    assert cloud.get(path, pageToken="x").refusal == (400, 3, "Illegal argument page_token")


@pytest.mark.fidelity("list.operations-of-gone")
def test_the_operations_of_an_image_that_is_gone_are_not_listed(cloud: Cloud) -> None:
    """Each of them can still be got."""
    image_id = cloud.made()
    operation_id = cloud.delete(image_id).json["id"]
    cloud.operation(operation_id)
    answer = cloud.get(f"/compute/v1/images/{image_id}/operations")
    assert answer.refusal == (404, 5, f'Image "{image_id}" not found')
    assert cloud.operation(operation_id)["done"]
