"""Mistakes of new users, each as a test that makes it: `docs/how-to/troubleshoot.md` shows what is then printed."""

from __future__ import annotations

from typing import Final, NamedTuple


class Mistake(NamedTuple):
    """A test of a user.

    Attributes:
        code: the module.
        options: of the command line.
        ini: of `pytest.ini`.
    """

    code: str
    options: tuple[str, ...] = ()
    ini: str = ""


_CREATE: Final = """
import requests, pytest, pytest_ycimages as y

def create(double, **fields):
    headers = {"Authorization": f"Bearer {double.token}"}
    body = {"folderId": double.folder_id, "diskId": "epd0000000000000000a"} | fields
    return requests.post(f"{double.url}/compute/v1/images", json=body, headers=headers, timeout=10)
"""
_RECORDED: Final = f"""{_CREATE}
@pytest.fixture(scope="session", autouse=True)
def recorded(tmp_path_factory):
    with y.Double() as service, y.Double(mode="record", upstream=service.url, cassette="bake.yaml") as double:
        create(double, name="web")
"""

MISTAKES: Final = {
    "The fixture is not found": Mistake("def test_it(ycimages): pass", ("-p", "no:ycimages")),
    "Unknown setting": Mistake("""
import pytest
@pytest.mark.ycimages(timming=30)
def test_it(ycimages): pass
"""),
    "Invalid value of a setting": Mistake("""
def test_it(ycimages):
    ycimages.latency = "5x"
"""),
    "Misspelt key of the configuration": Mistake("def test_it(ycimages): pass", ini="ycimages_timming = 30"),
    "Misspelt marker": Mistake("""
import pytest
@pytest.mark.ycimage(timing=30)
def test_it(ycimages): pass
"""),
    "A marker that has no effect": Mistake("""
import pytest
@pytest.mark.ycimages(timing=30)
def test_it(): pass
"""),
    "ScopeMismatch": Mistake("""
import pytest
@pytest.fixture(scope="module")
def server(ycimages): return ycimages.url
def test_it(server): pass
"""),
    "Unknown attribute": Mistake("""
def test_it(ycimages):
    assert ycimages.image
"""),
    "Unknown method": Mistake("""
def test_it(ycimages):
    assert not ycimages.calls.of("image.create")
"""),
    "A misspelt status": Mistake(f"""{_CREATE}
def test_it(ycimages):
    create(ycimages)
    assert ycimages.calls[0].status != "UNAVAILABEL"
"""),
    "A call without a token": Mistake("""
import requests
def test_it(ycimages):
    answer = requests.get(f"{ycimages.url}/compute/v1/images", params={"folderId": ycimages.folder_id}, timeout=10)
    assert answer.status_code == 200, answer.text
"""),
    "A field that the API does not have": Mistake(
        f"""{_CREATE}
def test_it(ycimages):
    create(ycimages, diskid="epd0000000000000000b")
""",
        ("-W", "error::pytest_ycimages.UnknownFieldWarning"),
    ),
    "The fault never struck": Mistake("""
from pytest_ycimages import reset
def test_it(ycimages):
    ycimages.inject(reset(), on="images.create")
"""),
    "The client would reach the real service": Mistake("""
import requests
def test_it(ycimages):
    requests.get("https://compute.api.cloud.yandex.net/compute/v1/images", timeout=10)
"""),
    "Nothing can end the wait": Mistake("""
import threading
def test_it(ycimages, ycimages_time):
    threading.Event().wait()
"""),
    "The client polls without waiting": Mistake(f"""{_CREATE}
def test_it(ycimages, ycimages_time):
    ycimages_time.patience = 0.3
    ycimages.timing = 600
    operation = create(ycimages).json()
    while not operation["done"]:
        headers = {{"Authorization": f"Bearer {{ycimages.token}}"}}
        operation = requests.get(f"{{ycimages.url}}/operations/{{operation['id']}}", headers=headers, timeout=10).json()
"""),
    "No cassette": Mistake(f"""{_CREATE}
@pytest.mark.ycimages_cassette
def test_it(ycimages):
    create(ycimages)
"""),
    "A request that the cassette does not have": Mistake(f"""{_RECORDED}
def test_it(ycimages_factory):
    double = ycimages_factory(mode="replay", cassette="bake.yaml")
    create(double, name="db")
"""),
    "Unused interactions": Mistake(f"""{_RECORDED}
def test_it(ycimages_factory):
    double = ycimages_factory(mode="replay", cassette="bake.yaml")
"""),
    "A replay reaches for the network": Mistake(f"""{_RECORDED}
def test_it(ycimages_factory):
    double = ycimages_factory(mode="replay", cassette="bake.yaml")
    create(double, name="web")
    requests.get("http://example.com/", timeout=10)
"""),
    "Recording without a token": Mistake(
        f"""{_CREATE}
@pytest.mark.ycimages_cassette
def test_it(ycimages):
    create(ycimages)
""",
        ("--ycimages-mode=record",),
    ),
    "A setting of the fake, in a replay": Mistake(f"""{_RECORDED}
def test_it(ycimages_factory):
    double = ycimages_factory(mode="replay", cassette="bake.yaml", unused_interactions="ignore")
    double.add_disk()
"""),
    "The port is taken": Mistake("""
import socket
def test_it(ycimages_factory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ycimages_factory(port=taken.getsockname()[1])
"""),
}
