"""The model's calls that only look: get, latestByFamily and the lists. To look can be a poll."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from .records import Image, Operation, Refusal

if TYPE_CHECKING:
    from .model import Answer, Model

DEFAULT_PAGE: Final = 100


class Condition(NamedTuple):
    """One condition of a filter."""

    field: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        quoted = [f'"{value}"' for value in self.values]
        return f"{self.field} {self.operator} " + (f"({', '.join(quoted)})" if "IN" in self.operator else quoted[0])

    def holds(self, value: str) -> bool:
        """Whether a field's value meets it."""
        return (value in self.values) is (self.operator in {"=", "IN"})


class Listing(NamedTuple):
    """A list call: which images, in which order, how many at a time."""

    folder: str
    conditions: tuple[Condition, ...] = ()
    order: str = ""
    page_size: int = 0

    @property
    def size(self) -> int:
        """Zero and less mean the default."""
        return self.page_size if self.page_size > 0 else DEFAULT_PAGE

    @property
    def only_name(self) -> str:
        """The one name that is asked for, if that is all."""
        names = {value for each in self.conditions for value in each.values}
        alone = len(self.conditions) == 1 and self.conditions[0].field == "name" and len(names) == 1
        return names.pop() if alone and self.conditions[0].operator in {"=", "IN"} else ""

    @property
    def descending(self) -> bool:
        """Whether the order is turned round."""
        return self.order.endswith("desc")

    def key(self, image: Image) -> tuple[int, int, str]:
        """What the images are ordered by."""
        return (*image.age, "") if self.order.startswith("created") else (0, 0, image.id)

    def is_behind(self, image: Image, last: Image) -> bool:
        """Whether an image comes after the last one of a page."""
        here, there = self.key(image), self.key(last)
        return here < there if self.descending else here > there


def poll_image(model: Model, image: Image) -> None:
    """To look at an image is to poll every operation on it; an image that has gone cannot be looked at."""
    if model.status(image) != "gone":
        for operation in model.operations_on(image):
            operation.poll(model.now)


def get(model: Model, image_id: str) -> Image | Refusal:
    """`images.get`."""
    for image in model.images:
        if image.id == image_id:
            poll_image(model, image)
    return model.find(image_id)


def get_operation(model: Model, operation_id: str) -> Answer:
    """`operations.get`."""
    found = model.find_operation(operation_id)
    if isinstance(found, Operation):
        found.poll(model.now)
    return found


def latest(model: Model, folder: str, family: str) -> Image | Refusal:
    """`images.latestByFamily`: the newest READY image. This is no poll."""
    if refusal := model.unknown_folder(folder):
        return refusal
    ready = [image for image in model.living() if model.status(image) == "READY" and image.folder == folder]
    found = [image for image in ready if image.fields["family"] == family != ""]
    nothing = Refusal(5, f'Image "{family}" not found')
    return max(found, key=lambda image: image.age) if found else nothing


def page(model: Model, listing: Listing, after: Image | None) -> tuple[list[Image], bool] | Refusal:
    """`images.list`: the images behind `after`, and whether there are more.

    It polls the images that it looks at: in order, up to the one that tells it that there are more. To find the one
    image of a name, it looks at no other.
    """
    if refusal := model.unknown_folder(listing.folder):
        return refusal
    name = listing.only_name
    images = model.named(listing.folder, name) if name else model.living()
    images = sorted((each for each in images if each.folder == listing.folder), key=listing.key)
    if listing.descending:
        images.reverse()
    if after:
        images = [image for image in images if listing.is_behind(image, after)]
    found: list[Image] = []
    for image in images:
        poll_image(model, image)
        if model.status(image) != "gone" and matches(model, image, listing):
            if len(found) == listing.size:
                return found, True
            found.append(image)
    return found, False


def matches(model: Model, image: Image, listing: Listing) -> bool:
    """Whether an image meets every condition."""
    fields = {**model.fields(image), "id": image.id, "status": model.status(image)}
    return all(condition.holds(fields[condition.field]) for condition in listing.conditions)


def operations_of(model: Model, image_id: str) -> list[Operation] | Refusal:
    """`images.listOperations`: newest first. It is a look at the image, whichever page it shows."""
    found = get(model, image_id)
    return found if isinstance(found, Refusal) else model.operations_on(found)[::-1]
