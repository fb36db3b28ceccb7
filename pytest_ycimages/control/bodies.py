"""What the control API is sent, as far as types go. What a value may be is for who takes it."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, RootModel, WithJsonSchema

from pytest_ycimages.cloud.sources import UNKNOWN_DATA, UNKNOWN_SIZE
from pytest_ycimages.faults.fault import Commit
from pytest_ycimages.faults.rule import Per

Value = int | float | str | dict[str, int | float | str]


class Body(BaseModel):
    """A body of a request: no field but its own, and no text for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def _one_of(words: object) -> WithJsonSchema:
    """Describes a field that is one of some words; which of them it may be is for who takes it to say."""
    return WithJsonSchema({"type": "string", "enum": list(get_args(words))})


class FaultToInject(Body):
    """A rule. The words are those of `inject`."""

    fault: str
    """What goes wrong, such as `reset(after=10)`."""
    on: str = "*"
    """A method word or glob."""
    when: str | None = None
    """Which of the calls that match it strikes, such as `first(2)`; null: all of them."""
    commit: Annotated[str, _one_of(Commit)] | None = None
    """Whether it strikes before or after the cloud has done what it was asked; null: as is usual for the fault."""
    per: Annotated[str, _one_of(Per)] = "rule"
    """What `when` counts."""
    where: dict[str, str] = {}
    """Fields of the request, and headers such as `header.x-request-id`, each with a pattern."""
    expect: bool = True
    """Whether the fault is to strike."""


class FaultsToInject(RootModel[FaultToInject | str | list[FaultToInject | str]]):
    """A rule, or several: each as an object, or as text such as `reset(), on="images.*", when=first(1)`."""


class TimingToSet(Body):
    """What is to change; what is left out stays as it is."""

    timing: Value | None = None
    """How long operations take: seconds, or such as `AfterPolls(3)`."""
    outcome: str | dict[str, str] | None = None
    """How they end, such as `Failure('UNAVAILABLE')`."""
    rollback: Value | None = None
    """Seconds that undoing takes."""
    cancel: str | dict[str, str] | None = None
    """What a cancel does: `wins`, `late`, `loses`, `too_late` or `refused`."""
    cancel_delay: float | str | None = None
    """Seconds until a late cancel takes effect."""
    latency: Value | None = None
    """How late calls are answered: seconds, or such as `uniform(0.1, 0.4)`."""


class OperationToAsk(Body):
    """What is to become of the next operation alone; what is left out comes from the settings."""

    on: str = "*"
    """The word or glob of the methods that it may be started by."""
    timing: float | str | None = None
    """How long it takes."""
    outcome: str | None = None
    """How it ends."""
    rollback: float | None = None
    """Seconds that undoing takes."""
    cancel: str | None = None
    """What a cancel does."""
    cancel_delay: float | None = None
    """Seconds until a late cancel takes effect."""


class Step(Body):
    """How far to move the clock."""

    seconds: float
    """Zero or more."""


class Folder(Body):
    """A folder to add."""

    folder_id: str | None = None
    """Its id; without one, it is drawn."""


class _Source(Body):
    size: int = UNKNOWN_SIZE
    """Bytes that it holds."""
    data_size: int = UNKNOWN_DATA
    """Bytes of data in it."""
    os: str = "LINUX"
    """`LINUX` or `WINDOWS`."""
    product_ids: list[str] = []
    """Licence ids."""


class Disk(_Source):
    """A disk to add."""

    disk_id: str | None = None
    """Its id; without one, it is drawn."""


class Snapshot(_Source):
    """A snapshot to add."""

    snapshot_id: str | None = None
    """Its id; without one, it is drawn."""


class ReadyImage(Body):
    """An image to add, with any field of `Image` in snake_case, such as `folder_id`, `family` or `min_disk_size`."""

    model_config = ConfigDict(extra="allow")

    image_id: str | None = None
    """Its id; without one, it is drawn."""

    def fields(self) -> dict[str, Any]:
        """The other fields."""
        return dict(self.model_extra or {})


class StoredFile(Body):
    """A file in Object Storage to add."""

    uri: str
    """`https://storage.yandexcloud.net/<bucket>/<key>`."""
    size: int = UNKNOWN_DATA
    """Bytes of data in it."""
    virtual_size: int | None = None
    """Bytes that a disk made from it takes."""
    format: str | None = None
    """`qcow2`, `vmdk`, `vhd`, `raw`, or one that the service refuses; by default, what its name says."""
    reachable: bool = True
    """Whether the service can read it."""
