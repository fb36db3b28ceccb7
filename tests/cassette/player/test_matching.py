"""Which requests are the same: by verb, path, query and JSON body, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ycimages.cassette.model import RecordedRequest
from pytest_ycimages.cassette.requests import canonical, key_of, normalize
from tests.cassette.player.handmade import IMAGES, bytes_of, request

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def are_same(one: RecordedRequest, other: RecordedRequest) -> bool:
    """Whether the answer to one is the answer to the other."""
    return key_of(normalize(one)) == key_of(normalize(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [true]}', '{"b":[true],\n "a":1}'),
        ('{"name": "\\u0061"}', '{"name": "a"}'),
        ('{"minDiskSize": 4194304}', '{"minDiskSize": "4194304"}'),
        ('{"min_disk_size": "4194304"}', '{"min_disk_size": 4194304}'),
        ("{}", ""),
        ('{"name": "", "description": null, "labels": {}, "minDiskSize": "0", "pooled": false, "os": {}}', "{}"),
        ('{"os": {"type": "TYPE_UNSPECIFIED"}, "productIds": [null]}', '{"os": {"type": 0}, "productIds": []}'),
        ('{"os": {"type": 1}}', '{"os": {"type": "LINUX"}}'),
        (
            '{"hardware_generation": {"legacy_features": {"pci_topology": 2}}}',
            '{"hardwareGeneration": {"legacyFeatures": {"pciTopology": "PCI_TOPOLOGY_V2"}}}',
        ),
        ('{"folder_id": "b1g", "name": "a"}', '{"name": "b", "folderId": "b1g", "name": "a"}'),
    ],
)
def test_bodies_are_compared_by_what_they_say(one: str, other: str) -> None:
    """Order, spaces, escapes, the spelling of names, enums and int64, and explicit defaults mean nothing."""
    assert are_same(request("POST", IMAGES, one), request("POST", IMAGES, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"pooled": true}', '{"pooled": 1}'),
        ('{"name": "1"}', '{"name": 1}'),
        ('{"productIds": ["a", "b"]}', '{"productIds": ["b", "a"]}'),
        ('{"name": "a", "family": null}', "{}"),
        ('{"diskId": ""}', "{}"),
        ('{"hardwareGeneration": {"legacyFeatures": {}}}', "{}"),
        ('{"labels": {"a": ""}}', '{"labels": {}}'),
        ('{"labels": {"made_by": "a"}}', '{"labels": {"madeBy": "a"}}'),
        ('{"name": false}', "{}"),
        ('{"labels": []}', "{}"),
        ('{"os": {"type": 9}}', "{}"),
        ('{"unknown": ""}', "{}"),
        ('{"unknown": null}', "{}"),
        ('{"minDiskSize": "4194304 "}', '{"minDiskSize": 4194304}'),
        ('{"labels": {"minDiskSize": "1"}}', '{"labels": {"minDiskSize": 1}}'),
        ("a=b", "a=c"),
        ("[]", "{}"),
    ],
)
def test_bodies_that_are_not_the_same_json_are_different(one: str, other: str) -> None:
    """Only fields of the contract have a known default; a member of a oneof says something even if it is empty."""
    assert not are_same(request("POST", IMAGES, one), request("POST", IMAGES, other))


def test_the_order_of_the_query_means_nothing() -> None:
    """Every parameter counts that holds more than its default."""
    one, other = f"{IMAGES}?folderId=b1g&pageSize=2", f"{IMAGES}?pageSize=2&folderId=b1g"
    assert are_same(request("GET", one), request("GET", other))
    assert not are_same(request("GET", one), request("GET", one + "&pageToken=x"))
    assert are_same(request("GET", f"{IMAGES}?page_token=&pageSize=0"), request("GET", IMAGES))
    assert not are_same(request("GET", f"{IMAGES}?unknown="), request("GET", IMAGES))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("name,minDiskSize", "min_disk_size, name"),
        ("name,labels,name", "labels,name"),
        ("", None),
    ],
)
def test_the_order_and_the_spelling_of_a_mask_mean_nothing(one: str, other: str | None) -> None:
    """A mask is a set of fields."""
    path = f"{IMAGES}/fd8x"
    body, spelled = {"updateMask": one, "name": "a"}, {"update_mask": other, "name": "a", "imageId": "fd8x"}
    assert are_same(request("PATCH", path, body), request("PATCH", path, spelled))
    assert not are_same(request("PATCH", path, body), request("PATCH", path, body | {"updateMask": "family"}))
    assert not are_same(request("PATCH", path, body), request("PATCH", path, body | {"name": "b"}))


def test_a_cancel_is_the_same_with_either_verb() -> None:
    """The reference says GET, the guide POST."""
    path = "/operations/epd1:cancel"
    assert are_same(request("GET", path), request("POST", path, {}))
    assert not are_same(request("GET", path), request("HEAD", path))
    assert not are_same(request("GET", path), request("POST", "/operations/epd2:cancel"))


def test_escapes_of_path_and_query_mean_nothing() -> None:
    """Clients differ in what they escape."""
    assert are_same(request("GET", "/operations/x%3Acancel"), request("GET", "/operations/x:cancel"))
    assert are_same(
        request("GET", f"{IMAGES}?filter=name%3D%22a+b%22"), request("GET", f'{IMAGES}?filter=name="a%20b"')
    )


def test_the_verb_counts() -> None:
    """In whatever case."""
    assert not are_same(request("PATCH", IMAGES), request("POST", IMAGES))
    assert are_same(request("get", IMAGES), request("GET", IMAGES))


def test_headers_have_no_part_in_it() -> None:
    """Neither the token nor an idempotency key."""
    plain = request("POST", IMAGES, {"name": "a"})
    assert are_same(plain, plain._replace(headers=(("idempotency-key", "k"), ("authorization", "Bearer t"))))


@pytest.mark.parametrize(
    "host",
    [
        "https://compute.api.cloud.yandex.net",
        "https://api.cloud.yandex.net:443",
        "https://compute.api.yandexcloud.kz",
        "http://127.0.0.1:41233",
        "http://localhost:80",
        "http://[::1]:8080",
        "http://user@LOCALHOST",
    ],
)
def test_the_hosts_of_the_api_and_of_this_machine_are_all_the_same(host: str) -> None:
    """Whatever the port."""
    assert are_same(request("GET", f"{host}/endpoints"), request("GET", "/endpoints"))


@pytest.mark.parametrize(
    "host", ["https://storage.yandexcloud.net", "https://api.cloud.yandex.net.evil.example", "http://169.254.169.254"]
)
def test_any_other_host_counts(host: str) -> None:
    """A host that only looks like the API's is another."""
    assert not are_same(request("GET", f"{host}/endpoints"), request("GET", "/endpoints"))
    assert are_same(request("GET", f"{host}/endpoints"), request("GET", f"{host}/endpoints"))


def test_any_two_exchanges_for_a_token_are_the_same() -> None:
    """Their bodies and queries are secrets, so they are not there."""
    jwt, oauth = ({"jwt": "a"}, {"yandexPassportOauthToken": "b"})
    assert are_same(request("POST", "/iam/v1/tokens", jwt), request("POST", "/iam/v1/tokens?jwt=x", oauth))


@pytest.mark.costly
@given(JSON, JSON)
def test_canonical_forms_are_equal_for_equal_json_and_only_then(one: Any, other: Any) -> None:
    """And they can be hashed."""
    assert (canonical(one) == canonical(other)) == (exact(one) == exact(other))
    assert hash(canonical(one)) == hash(canonical(one))


def exact(value: Any) -> str:
    """JSON as sorted text, which tells `true` from 1."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{exact(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(exact, value)) + "]"
    return repr(value)


def test_bytes_that_are_no_json_are_compared_as_they_are() -> None:
    """They need not even be text."""
    assert are_same(request("POST", "/x", "a=b"), request("POST", "/x", "a=b"))
    assert normalize(RecordedRequest("POST", "http://localhost/x", (), b"\xff")).body == b"\xff"
    assert bytes_of(None) == b""
