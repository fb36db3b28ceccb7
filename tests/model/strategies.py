"""What clients may ask for, as Hypothesis draws it: few values each, so that they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from .agreement import DISKS, FILES, SNAPSHOTS, STORAGE, TIMINGS
from .looking import Condition
from .sources import GIB

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from .records import Fields

timings = st.sampled_from([timing for timing in TIMINGS for _ in range(1 if timing[0] == "never" else 2)])
quotas = st.sampled_from(
    [
        {},
        {},
        {},
        {"images": 3},
        {"total_size": 4 * GIB},
        {"running_operations": 2},
        {"images": 5, "total_size": 8 * GIB, "running_operations": 4, "pooled_images": 1},
    ]
)
picks = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 5, 8, 13, 21, 60))
"""Which of the things that are there: 0 is the newest, 60 is none of them."""

NONE: Final = 60
KEYS: Final = tuple(f"00000000-0000-4000-8000-00000000000{digit}" for digit in range(4))
keys = st.sampled_from((*(("",) * 6), *KEYS))
people = st.integers(0, 1)
names = st.sampled_from(("", "", "a", "b", "c"))
families = st.sampled_from(("web", "", "web", "db1"))
folders = st.sampled_from((0, 0, 0, 0, 1, 2))
sizes = st.sampled_from((0, 0, 0, 4194304, GIB, 2 * GIB, 3 * GIB, 20 * GIB)).map(lambda size: str(size or ""))
labels = st.sampled_from(({}, {"env": "test"}, {"env": "", "team/x": "a@b"}))


def _given(**fields: SearchStrategy[Any]) -> SearchStrategy[Fields]:
    """A request's fields; those that come out empty are left out."""
    drawn = st.fixed_dictionaries(fields)
    return drawn.map(lambda body: {name: value for name, value in body.items() if value})


creates = _given(
    name=names,
    description=st.sampled_from(("", "an image")),
    labels=labels,
    family=families,
    minDiskSize=sizes,
    productIds=st.sampled_from(([], ["f2e00000000000000own"], ["f2e00000000000000win", "f2e00000000000000own"])),
    os=st.sampled_from(({}, {"type": "LINUX"}, {"type": "WINDOWS"})),
    pooled=st.booleans(),
)
sources = st.sampled_from(
    [
        *({"imageId": pick} for pick in (0, 0, 0, 1, 1, 2, NONE)),
        *({"diskId": id_} for id_ in (*DISKS, *DISKS, *SNAPSHOTS, "epd0000000000000none")),
        *({"snapshotId": id_} for id_ in (*SNAPSHOTS, *DISKS, "fd80000000000000none")),
        *({"uri": uri} for uri in (*FILES, f"{STORAGE}other.vhd", f"{STORAGE}a/b.vdi?sign=1", "https://example.com/a")),
    ]
)
"""Where images come from; an image is a pick."""

updates = _given(
    updateMask=st.sampled_from(
        ("", "name", "labels", "description,name", "minDiskSize", "min_disk_size,name", "labels,description")
    ),
    name=names,
    description=st.sampled_from(("", "changed", "changed again")),
    labels=labels,
    minDiskSize=sizes,
)
conditions = st.lists(
    st.one_of(
        st.builds(Condition, st.sampled_from(("name", "family")), st.sampled_from(("=", "!=")), st.tuples(names)),
        st.builds(Condition, st.just("status"), st.just("="), st.sampled_from((("READY",), ("CREATING",)))),
        st.builds(
            Condition,
            st.just("name"),
            st.sampled_from(("IN", "NOT IN")),
            st.lists(names, min_size=1, max_size=3).map(tuple),
        ),
    ),
    max_size=2,
).map(tuple)
orders = st.sampled_from(("", "", "id", "id desc", "createdAt asc", "createdAt desc", "created_at"))
page_sizes = st.sampled_from((1, 2, 3, 0, -1, 1000))
seconds = st.sampled_from((0, 0.25, 1, 5, 60))

INVALID: Final[tuple[Fields, ...]] = (
    {"name": "Upper"},
    {"family": "ab"},
    {"minDiskSize": "4194303"},
    {"labels": {"Env": ""}},
    {"description": "d" * 257},
    {"productIds": ["p" * 51]},
    {"folderId": ""},
)
"""Fields that the contract refuses."""
