"""Tests do not feel each other: not in another order, not on another worker, not in a part of the suite."""

from __future__ import annotations

import pytest

MANY = """
    from pathlib import Path
    from urllib.request import Request, urlopen
    import json

    import pytest

    def create(double):
        body = json.dumps({"folderId": double.folder_id, "diskId": "epd"}).encode()
        headers = {"Authorization": f"Bearer {double.token}"}
        with urlopen(Request(f"{double.url}/compute/v1/images", body, headers)) as reply:
            return json.load(reply)

    @pytest.mark.parametrize("number", range(12))
    def test_it(ycimages, number):
        operations = [create(ycimages) for _ in range(number)]
        assert len(ycimages.calls) == len(ycimages.images) == number
        assert [operation["id"] for operation in operations] == list(ycimages.operations)
        Path(f"{number}.txt").write_text(repr([ycimages.token, *ycimages.images, *ycimages.operations]))
"""


def drawn(project: pytest.Pytester, *arguments: str) -> dict[str, str]:
    """What each test drew in a run with `arguments`."""
    project.runpytest_inprocess(*arguments).assert_outcomes(passed=12)
    files = list(project.path.glob("*.txt"))
    found = {file.name: file.read_text() for file in files}
    for file in files:
        file.unlink()
    return found


@pytest.mark.costly
def test_order_and_workers_change_nothing(project: pytest.Pytester) -> None:
    """One process, two orders, two workers: every test passes and draws the same ids, and no two draw alike."""
    project.makepyfile(MANY)
    alone = drawn(project)
    assert len(set(alone.values())) == 12
    reversed_order = [f"test_order_and_workers_change_nothing.py::test_it[{number}]" for number in range(11, -1, -1)]
    assert drawn(project, *reversed_order) == alone
    assert drawn(project, "-n", "2") == alone
