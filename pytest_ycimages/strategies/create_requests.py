"""Bodies of `images.create`, as Hypothesis draws them: right ones, and others with one thing wrong with them."""

from __future__ import annotations

from string import ascii_lowercase, digits
from typing import TYPE_CHECKING, Any, Final, Literal

from hypothesis import strategies as st

from pytest_ycimages.api.create_image import MAX_DISK_SIZE, MAX_LABELS, MIN_DISK_SIZE
from pytest_ycimages.api.methods import CONTRACTS
from pytest_ycimages.api.resources import OsType, PciTopology
from pytest_ycimages.errors import unknown_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

    Body = dict[str, Any]
    Revision = Literal["page", "current"]

FOLDER: Final = "b1g0000000000000000a"
_DISK: Final = "epd0000000000000000a"
_INSIDE: Final = ascii_lowercase + digits
_INT64: Final = 2**63
_SOURCES: Final = ("diskId", "imageId", "snapshotId", "uri")


def create_requests(
    *, valid: bool = True, contract: Revision = "page", folder_id: str = FOLDER
) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of JSON bodies of `images.create`, which shrinks towards an image from a disk.

    A fresh double accepts a valid body, and its image gets READY. An invalid body has one invalid part and is refused:
    by the service with INVALID_ARGUMENT, or by the gateway with 400 and plain text.

    Args:
        valid: whether the double accepts them.
        contract: the revision of the contract: `page` or `current`.
        folder_id: the folder of the image.

    Raises:
        UsageError: an unknown contract.
    """
    if contract not in CONTRACTS:
        raise unknown_word("contract", contract, CONTRACTS)
    right = _right(contract, folder_id)
    return right if valid else st.builds(lambda body, spoil: spoil(body), right, _spoilers(contract))


# Valid bodies.


def text(most: int, least: int = 0) -> SearchStrategy[str]:
    """Return a strategy of any text that JSON can carry."""
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)


def _word(least: int, most: int, inside: str) -> SearchStrategy[str]:
    """A letter, then characters of `inside`, then a letter or digit."""
    return st.builds(
        lambda first, middle, last: first + middle + last,
        st.sampled_from(ascii_lowercase),
        st.text(inside, min_size=least - 2, max_size=most - 2),
        st.sampled_from(_INSIDE),
    )


def _ids(example: str) -> SearchStrategy[str]:
    return st.just(example) | st.text(_INSIDE, min_size=1, max_size=50)


def _sizes() -> SearchStrategy[int | str]:
    sizes = st.sampled_from((MIN_DISK_SIZE, MAX_DISK_SIZE, 0)) | st.integers(MIN_DISK_SIZE, MAX_DISK_SIZE)
    return sizes | sizes.map(str)


def _labels() -> SearchStrategy[dict[str, str]]:
    inside = _INSIDE + "-_./\\@"
    keys = st.builds(str.__add__, st.sampled_from(ascii_lowercase), st.text(inside, max_size=62))
    return st.dictionaries(keys, st.text(inside, max_size=63), max_size=4)


def _uris(contract: str) -> SearchStrategy[str]:
    words = st.text(_INSIDE, min_size=1, max_size=10)
    formats = st.sampled_from(sorted(CONTRACTS[contract].image_formats))
    signatures = st.just("") | words.map("?X-Amz-Signature={}".format)
    return st.builds("https://storage.yandexcloud.net/{}/{}.{}{}".format, words, words, formats, signatures)


def _source(contract: str) -> SearchStrategy[Body]:
    members = {
        "diskId": _ids(_DISK),
        "imageId": _ids("fd80000000000000000a"),
        "snapshotId": _ids("fd80000000000000000b"),
        "uri": _uris(contract),
    }
    return st.one_of([st.fixed_dictionaries({name: values}) for name, values in members.items()])


def _right(contract: str, folder_id: str) -> SearchStrategy[Body]:
    is_current = contract == "current"
    inside = _INSIDE + ("-_" if is_current else "-")
    os: dict[str, SearchStrategy[Any]] = {"type": st.sampled_from(OsType).map(str)}
    optional: dict[str, SearchStrategy[Any]] = {
        "name": st.sampled_from(ascii_lowercase) | _word(2, 63, inside),
        "description": text(256),
        "labels": _labels(),
        "family": _word(3, 63, _INSIDE + "-"),
        "minDiskSize": _sizes(),
        "productIds": st.lists(_ids("f2e0000000000000000a"), max_size=3),
        "os": st.fixed_dictionaries(os),
    }
    if is_current:
        topologies = st.sampled_from(PciTopology).map(str)
        generations = [
            st.fixed_dictionaries({"legacyFeatures": st.fixed_dictionaries({"pciTopology": topologies})}),
            st.just({"generation2Features": {}}),
        ]
        nvidia = st.fixed_dictionaries({"driver": text(20)})
        optional |= {
            "os": st.fixed_dictionaries(os, optional={"nvidia": nvidia}),
            "pooled": st.booleans(),
            "hardwareGeneration": st.one_of(generations),
        }
    rest = st.fixed_dictionaries({}, optional=optional)
    return st.builds(lambda source, rest: {"folderId": folder_id, **source, **rest}, _source(contract), rest)


# With one thing wrong.


def _spoilers(contract: str) -> SearchStrategy[Callable[[Body], Body]]:
    """What spoils a body: a field with a value that cannot be, one that is missing, or one too many."""
    wrong = _wrong(contract)
    values = st.sampled_from(sorted(wrong)).flatmap(
        lambda name: wrong[name].map(lambda value: lambda body: {**body, name: value})
    )
    missing: list[Callable[[Body], Body]] = [
        lambda body: {name: value for name, value in body.items() if name != "folderId"},
        lambda body: {name: value for name, value in body.items() if name not in _SOURCES},
        lambda body: {**dict.fromkeys(_SOURCES, "fd80000000000000000c"), **body},
    ]
    return st.sampled_from(missing) | values


def _wrong(contract: str) -> Mapping[str, SearchStrategy[Any]]:
    """Values that a field cannot have."""
    no_name = ["A", "1a", "-a", "a-", "a b", "a.b", "é", "_a", "a_", "a" * 64, 7, True, ["a"]]
    size = st.integers(-_INT64, MIN_DISK_SIZE - 1).filter(bool) | st.integers(MAX_DISK_SIZE + 1, _INT64 - 1)
    wrong: dict[str, SearchStrategy[Any]] = {
        "folderId": st.sampled_from(["", None, 7]) | text(60, 51),
        "name": st.sampled_from(no_name),
        "description": text(300, 257) | st.sampled_from([7, ["a"]]),
        "labels": st.sampled_from([{"A": ""}, {"": ""}, {"a": "A"}, {"a": "v" * 64}, {"a" * 64: ""}, {"a": 7}, "a"])
        | st.integers(MAX_LABELS + 1, 80).map(lambda count: {f"k{number}": "" for number in range(count)}),
        "family": st.sampled_from(["A", "a", "ab", "1ab", "ab-", "a_b", "f" * 64, 7]),
        "minDiskSize": size | size.map(str) | st.sampled_from([1.5, "much", True, _INT64, []]),
        "productIds": text(60, 51).map(lambda id_: [id_]) | st.sampled_from([[7], {"a": "b"}]),
        "os": st.sampled_from([{"type": "BEOS"}, {"type": "linux"}, {"type": 9}, "LINUX"]),
    }
    if contract == "current":
        both: Body = {"legacyFeatures": {}, "generation2Features": {}}
        wrong["pooled"] = st.sampled_from(["yes", 1])
        wrong["hardwareGeneration"] = st.sampled_from([both, {"legacyFeatures": {"pciTopology": "V9"}}])
    return wrong
