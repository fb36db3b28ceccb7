"""Values of the wrong JSON type: the gateway refuses them in plain text, with proto names in the path.

The texts are those of grpc-httpjson-transcoding over protobuf's JSON converter, which the real gateway was caught
using (api-facts.md, the gateway and 2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = "type.googleapis.com/yandex.cloud.compute.v1"
NOT_REPEATING = "Proto field is not repeating, cannot start list."
ALREADY_SET = "oneof field 'features' is already set. Cannot set"
OBJECT = "invalid value Starting an object on a scalar field for type"

SCALARS: dict[str, tuple[dict[str, object], str]] = {
    "observed": ({"description": 12345}, "description: invalid value 12345 for type TYPE_STRING"),
    "number for a string": ({"folderId": 7}, "folder_id: invalid value 7 for type TYPE_STRING"),
    "float for a string": ({"name": 1.5}, "name: invalid value 1.5 for type TYPE_STRING"),
    "true for a string": ({"family": True}, "family: invalid value true for type TYPE_STRING"),
    "false for a string": ({"family": False}, "family: invalid value false for type TYPE_STRING"),
    "number for a source": ({"uri": None, "snapshotId": 1}, "snapshot_id: invalid value 1 for type TYPE_STRING"),
    "snake case in": ({"uri": None, "disk_id": 1}, "disk_id: invalid value 1 for type TYPE_STRING"),
    "word for an int64": ({"minDiskSize": "10GB"}, 'min_disk_size: invalid value "10GB" for type TYPE_INT64'),
    "empty for an int64": ({"minDiskSize": ""}, 'min_disk_size: invalid value "" for type TYPE_INT64'),
    "blank before an int64": ({"minDiskSize": " 5"}, 'min_disk_size: invalid value " 5" for type TYPE_INT64'),
    "fraction in a string": ({"minDiskSize": "5.0"}, 'min_disk_size: invalid value "5.0" for type TYPE_INT64'),
    "exponent in a string": ({"minDiskSize": "5e6"}, 'min_disk_size: invalid value "5e6" for type TYPE_INT64'),
    "other digits": ({"minDiskSize": "۴۲"}, 'min_disk_size: invalid value "۴۲" for type TYPE_INT64'),
    "fraction": ({"minDiskSize": 4194304.5}, "min_disk_size: invalid value 4194304.5 for type TYPE_INT64"),
    "true for an int64": ({"minDiskSize": True}, "min_disk_size: invalid value true for type TYPE_INT64"),
    "false for an int64": ({"minDiskSize": False}, "min_disk_size: invalid value false for type TYPE_INT64"),
    "int64 and one": ({"minDiskSize": 2**63}, "min_disk_size: invalid value 9223372036854775808 for type TYPE_INT64"),
    "int64 and one, string": (
        {"minDiskSize": "9223372036854775808"},
        'min_disk_size: invalid value "9223372036854775808" for type TYPE_INT64',
    ),
    "below int64, string": (
        {"minDiskSize": "-9223372036854775809"},
        'min_disk_size: invalid value "-9223372036854775809" for type TYPE_INT64',
    ),
    "word for an enum": ({"os": {"type": "BEOS"}}, 'os.type: invalid value "BEOS" for type TYPE_ENUM'),
    "true for an enum": ({"os": {"type": True}}, "os.type: invalid value true for type TYPE_ENUM"),
    "number in a list of strings": (
        {"productIds": ["fine", 1]},
        "product_ids[1]: invalid value 1 for type TYPE_STRING",
    ),
    "word for a message": ({"os": "LINUX"}, f'os: invalid value "LINUX" for type {TYPES}.Os'),
    "number for a message": ({"os": 1}, f"os: invalid value 1 for type {TYPES}.Os"),
}

LABELS: dict[str, tuple[object, str]] = {
    "number for a value": ({"env": 1}, "labels[0].value: invalid value 1 for type TYPE_STRING"),
    "number for the second value": ({"a": "b", "Env": 1}, "labels[1].value: invalid value 1 for type TYPE_STRING"),
    "true for a value": ({"env": True}, "labels[0].value: invalid value true for type TYPE_STRING"),
    "word for a map": ("a=b", f'labels: invalid value "a=b" for type {TYPES}.CreateImageRequest.LabelsEntry'),
    "list for a map": (["a"], ": invalid value Cannot bind a list to map for field 'labels'. for type Map"),
    "empty list for a map": ([], ": invalid value Cannot bind a list to map for field 'labels'. for type Map"),
}

CONTAINERS: dict[str, tuple[dict[str, object], str]] = {
    "list for a string": ({"name": ["a"]}, f": {NOT_REPEATING}"),
    "empty list for a string": ({"name": []}, f": {NOT_REPEATING}"),
    "list for an int64": ({"minDiskSize": [5000000]}, f": {NOT_REPEATING}"),
    "list for a message": ({"os": [{"type": "LINUX"}]}, f": {NOT_REPEATING}"),
    "list for an enum": ({"os": {"type": ["LINUX"]}}, f"os: {NOT_REPEATING}"),
    "list in a list of strings": ({"productIds": [["a"]]}, f"product_ids: {NOT_REPEATING}"),
    "object for a string": ({"name": {}}, f": {OBJECT} name"),
    "object for an int64": ({"minDiskSize": {"bytes": 5000000}}, f": {OBJECT} min_disk_size"),
    "object for a list": ({"productIds": {"0": "a"}}, f": {OBJECT} product_ids"),
    "object for an enum": ({"os": {"type": {}}}, f"os: {OBJECT} type"),
    "object in a list of strings": ({"productIds": ["a", {}]}, f"product_ids: {OBJECT} product_ids"),
}

DEEP: dict[str, tuple[object, str]] = {
    "word for a bool": ({"pooled": 1}, "pooled: invalid value 1 for type TYPE_BOOL"),
    "number in a message in a message": (
        {"os": {"nvidia": {"driver": 535}}},
        "os.nvidia.driver: invalid value 535 for type TYPE_STRING",
    ),
    "word for an enum": (
        {"hardwareGeneration": {"legacyFeatures": {"pciTopology": "V2"}}},
        'hardware_generation.legacy_features.pci_topology: invalid value "V2" for type TYPE_ENUM',
    ),
    "list for an enum": (
        {"hardwareGeneration": {"legacyFeatures": {"pciTopology": []}}},
        f"hardware_generation.legacy_features: {NOT_REPEATING}",
    ),
    "object for an enum": (
        {"hardwareGeneration": {"legacyFeatures": {"pciTopology": {}}}},
        f"hardware_generation.legacy_features: {OBJECT} pci_topology",
    ),
    "number for a message": (
        {"hardwareGeneration": 2},
        f"hardware_generation: invalid value 2 for type {TYPES}.HardwareGeneration",
    ),
    "number for a message whose proto name is longer": (
        {"hardwareGeneration": {"legacyFeatures": 1}},
        f"hardware_generation.legacy_features: invalid value 1 for type {TYPES}.LegacyHardwareFeatures",
    ),
    "both of a nested oneof": (
        {"hardwareGeneration": {"legacyFeatures": {}, "generation2Features": {}}},
        f"hardware_generation: invalid value {ALREADY_SET} 'generation2Features' for type oneof",
    ),
}


@pytest.mark.parametrize(("fields", "text"), SCALARS.values(), ids=SCALARS)
def test_a_scalar_of_another_type_is_refused(refusal: Callable[..., str], fields: dict[str, object], text: str) -> None:
    """`<path>: invalid value <value> for type <TYPE>`, strings in quotes."""
    assert refusal(**fields) == text


@pytest.mark.parametrize(("labels", "text"), LABELS.values(), ids=LABELS)
def test_labels_of_another_type_are_refused(refusal: Callable[..., str], labels: object, text: str) -> None:
    """On the wire a map is a list of entries with `key` and `value`, and so it is in paths."""
    assert refusal(labels=labels) == text


@pytest.mark.parametrize(("fields", "text"), CONTAINERS.values(), ids=CONTAINERS)
def test_a_list_or_object_in_place_of_a_scalar_is_refused(
    refusal: Callable[..., str], fields: dict[str, object], text: str
) -> None:
    """The path is that of the message around it: the field itself was never entered."""
    assert refusal(**fields) == text


@pytest.mark.parametrize(("fields", "text"), DEEP.values(), ids=DEEP)
def test_a_wrong_type_inside_a_message_has_the_whole_path_in_proto_names(
    refusal: Callable[..., str], fields: dict[str, object], text: str
) -> None:
    """Each step of the path is in snake_case, and a message type has the name that its proto gives it."""
    assert refusal(revision="current", **fields) == text


@pytest.mark.parametrize("size", [10**19, 10**30, -(10**30), 1e300, -1e300, 2.0**63])
def test_a_number_beyond_int64_is_refused(refusal: Callable[..., str], size: float) -> None:
    """However large, and whether it was written as an integer or not."""
    assert refusal(minDiskSize=size).startswith("min_disk_size: invalid value ")


def test_a_long_value_is_shown_cut_to_80_characters(refusal: Callable[..., str]) -> None:
    """The answer stays readable whatever was sent."""
    text = refusal(minDiskSize="9" * 5000)

    assert text == f'min_disk_size: invalid value "{"9" * 78}… for type TYPE_INT64'


def test_a_wrong_type_in_an_unknown_field_is_nobodys_business(refusal: Callable[..., str]) -> None:
    """Only the field that the contract knows is refused."""
    assert refusal(unknown={"name": 1}, name=1) == "name: invalid value 1 for type TYPE_STRING"
