"""Ids and tokens: the service's shape, and a pure function of seed, kind and number."""

from __future__ import annotations

import base64
import re
from uuid import UUID

import pytest

from pytest_ycimages.cloud.ids import FOLDER, IMAGE, SERVICE_ACCOUNT, Ids, random_seed


@pytest.mark.parametrize("prefix", [IMAGE, FOLDER, SERVICE_ACCOUNT])
def test_an_id_is_its_prefix_and_seventeen_base32hex_digits(prefix: str) -> None:
    """Twenty characters, of which the recorded ids use `0-9a-v` (api-facts.md, section 3)."""
    ids = Ids("0/")
    for _ in range(200):
        assert re.fullmatch(f"{prefix}[0-9a-v]{{17}}", ids.resource("image", prefix))


def test_ids_use_the_whole_alphabet() -> None:
    """No digit is left out, or the ids would be easier to tell from the service's own."""
    ids = Ids("0/")
    assert set("".join(ids.resource("image", "") for _ in range(200))) == set("0123456789abcdefghijklmnopqrstuv")


def test_the_prefixes_are_the_recorded_ones() -> None:
    """`fd8` for images and the operations that create them, `b1g` for folders, `aje` for accounts."""
    assert (IMAGE, FOLDER, SERVICE_ACCOUNT) == ("fd8", "b1g", "aje")


def drawn(seed: str) -> list[str]:
    """A bit of everything."""
    ids = Ids(seed)
    return [
        *(ids.resource("image", IMAGE) for _ in range(3)),
        *(ids.resource("operation", IMAGE) for _ in range(3)),
        *(ids.request_id() for _ in range(3)),
        *(ids.iam_token() for _ in range(3)),
    ]


def test_the_same_seed_draws_the_same() -> None:
    """Ids are a function of the seed, and of nothing around it."""
    assert drawn("7/test") == drawn("7/test")


def test_the_ids_of_a_seed_stay_the_same_in_every_version() -> None:
    """Users write ids into their tests, so what a seed draws is a promise: this is a golden value."""
    ids = Ids("0/demo")
    assert ids.resource("folder", FOLDER) == "b1g1rqf1usc8e1rv37vv"
    assert ids.resource("image", IMAGE) == "fd8jpgftkdji5t7n01h5"


def test_another_seed_or_name_draws_others() -> None:
    """Nothing that one double draws is drawn by another one."""
    seen = [set(drawn(seed)) for seed in ("7/test", "8/test", "7/other", "7/test #2")]
    assert len(set.union(*seen)) == sum(map(len, seen)) == 48


def test_another_kind_draws_others() -> None:
    """An image and its operation share a prefix, yet never an id."""
    ids = Ids("0/")
    assert ids.resource("image", IMAGE) != ids.resource("operation", IMAGE)


def test_what_one_kind_draws_does_not_change_what_another_gets() -> None:
    """A client that asks for one token more still gets the same images."""
    quiet, busy = Ids("0/"), Ids("0/")
    for _ in range(5):
        busy.iam_token()
        busy.request_id()
        busy.resource("operation", IMAGE)
    assert quiet.resource("image", IMAGE) == busy.resource("image", IMAGE)


def test_ten_thousand_ids_hold_no_duplicate() -> None:
    """A test that creates many images gets as many ids."""
    ids = Ids("0/")
    assert len({ids.resource("image", IMAGE) for _ in range(10_000)}) == 10_000
    assert len({ids.request_id() for _ in range(10_000)}) == 10_000


def test_a_token_has_the_shape_that_clients_check() -> None:
    """`t1.`, base64url, a dot, 86 characters of base64url; exactly two dots (api-facts.md, 1.5)."""
    ids = Ids("0/")
    tokens = {ids.iam_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert re.fullmatch(r"t1\.[-_0-9A-Za-z]+\.[-_0-9A-Za-z]{86}", token)
        for part in token.split(".")[1:]:
            assert base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_request_id_is_a_uuid_of_version_four() -> None:
    """Clients parse `x-request-id`; every one is a UUID, in its canonical spelling, and new."""
    ids = Ids("0/")
    request_ids = [ids.request_id() for _ in range(300)]
    assert len(set(request_ids)) == 300
    for request_id in request_ids:
        assert str(UUID(request_id)) == request_id
        assert UUID(request_id).version == 4


def test_a_random_seed_can_be_repeated_by_hand() -> None:
    """It is a small number, fit for a command line, and not the same each time."""
    seeds = {random_seed() for _ in range(20)}
    assert len(seeds) > 1
    assert all(0 <= seed < 2**31 for seed in seeds)
