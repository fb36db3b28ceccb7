"""`minDiskSize`, `productIds` and `os`: a range, a list, and an enum."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_ycimages.api.resources import OsType

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages.api.create_image import CreateImageRequest

LEAST = 4194304
MOST = 4398046511104


@pytest.mark.parametrize("size", [LEAST, LEAST + 1, 5 * 2**30, MOST])
@pytest.mark.parametrize("spelling", [int, str, float], ids=["number", "string", "float"])
def test_a_disk_size_is_accepted_from_4_mebibytes_to_4_tebibytes(
    create: Callable[..., CreateImageRequest], size: int, spelling: type
) -> None:
    """Both ends are inside, however the number is spelt."""
    assert create(minDiskSize=spelling(size)).min_disk_size == size


@pytest.mark.parametrize("size", [1, 10, LEAST - 1, MOST + 1, -1, -LEAST, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("spelling", [int, str], ids=["number", "string"])
def test_a_disk_size_outside_the_limits_is_a_violation(
    violations: Callable[..., list[tuple[str, str]]], size: int, spelling: type
) -> None:
    """Any int64 passes the gateway; the service holds it to the limits."""
    given = spelling(size)
    rule = f"Acceptable values are 4194304 to 4398046511104, inclusive; given: {json.dumps(given)}"

    assert violations(minDiskSize=given) == [("minDiskSize", rule)]


@pytest.mark.parametrize("zero", [0, "0", 0.0, -0.0, "-0"])
def test_a_disk_size_of_zero_is_no_disk_size(create: Callable[..., CreateImageRequest], zero: object) -> None:
    """Zero is how proto3 says that a number is absent."""
    assert create(minDiskSize=zero) == create(minDiskSize=0)
    assert create(minDiskSize=zero).min_disk_size == create().min_disk_size == 0


def test_there_may_be_any_number_of_licences(create: Callable[..., CreateImageRequest]) -> None:
    """The page limits each id, not how many; their order stays."""
    licences = [f"f2e-{number}" for number in range(200)]

    assert create(productIds=licences).product_ids == tuple(licences)


def test_each_licence_id_may_have_50_characters(create: Callable[..., CreateImageRequest]) -> None:
    """The last length that the page accepts, counted in characters."""
    assert create(productIds=["p" * 50, "", "語" * 50]).product_ids == ("p" * 50, "", "語" * 50)


def test_each_licence_id_of_51_characters_is_a_violation_of_its_own(
    violations: Callable[..., list[tuple[str, str]]],
) -> None:
    """The path has the place in the list."""
    found = violations(productIds=["p" * 51, "fine", "q" * 51])

    assert [field for field, _ in found] == ["productIds[0]", "productIds[2]"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("LINUX", OsType.LINUX), ("WINDOWS", OsType.WINDOWS), (1, OsType.LINUX), (2, OsType.WINDOWS)],
)
@pytest.mark.parametrize("revision", ["page", "current"])
def test_an_operating_system_is_given_by_name_or_by_number(
    create: Callable[..., CreateImageRequest], given: object, expected: OsType, revision: str
) -> None:
    """Both are proto3 JSON for an enum."""
    requested = create(os={"type": given}, revision=revision).os

    assert requested is not None
    assert requested.type is expected


@pytest.mark.parametrize("os", [{}, {"type": "TYPE_UNSPECIFIED"}, {"type": 0}])
def test_an_unspecified_operating_system_is_none(create: Callable[..., CreateImageRequest], os: object) -> None:
    """The official clients send `{"type": 0}` when nothing is set."""
    requested = create(os=os).os

    assert requested is not None
    assert requested.type is None


def test_an_absent_operating_system_stays_absent(create: Callable[..., CreateImageRequest]) -> None:
    """What the service then takes is not the contract's business."""
    assert create().os is None


@pytest.mark.parametrize("given", ["linux", "Linux", "windows", "LINUX ", "MACOS", ""])
def test_an_operating_system_is_spelt_exactly(refusal: Callable[..., str], given: str) -> None:
    """Names are case-sensitive; anything else is refused by the gateway."""
    assert refusal(os={"type": given}) == f'os.type: invalid value "{given}" for type TYPE_ENUM'
