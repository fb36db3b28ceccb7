"""The files of the live page: who gets them, with which headers, and the same page as one file without a server."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from pytest_ycimages import Double, reset
from pytest_ycimages.control.live import snapshot
from pytest_ycimages.control.page import MODULES, render

if TYPE_CHECKING:
    from collections.abc import Callable

    Control = Callable[..., requests.Response]
    Create = Callable[[], requests.Response]

FILES: Final = {"": "text/html", "page.css": "text/css", **dict.fromkeys(MODULES, "text/javascript")}
ASSETS: Final = files("pytest_ycimages.control").joinpath("assets")
NOTHING: Final = ("default-src", "base-uri", "form-action", "frame-ancestors")
OWN: Final = ("script-src", "style-src", "connect-src")
BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_each_file_has_its_type_and_its_guards(ycimages: Double, control: Control, verb: str, name: str) -> None:
    """It may load its own files and call the double, nothing else; nothing stores or frames it."""
    answer = control(verb, name)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{FILES[name]}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    policy = dict(each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";"))
    assert policy == {**dict.fromkeys(NOTHING, "'none'"), "img-src": "data:", **dict.fromkeys(OWN, "'self'")}
    assert bool(answer.content) == (verb == "GET")
    assert not ycimages.calls


def test_it_names_no_other_address() -> None:
    """But for the names of XML, which are not loaded."""
    page = render({"calls": [], "last": 0, "dropped": 0, "state": {}})
    assert set(re.findall(r"https?://[\w./]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", page)


@pytest.mark.parametrize("path", ["/", "/_ycimages"])
def test_a_browser_is_led_to_it(ycimages: Double, session: requests.Session, path: str) -> None:
    """From the address that the double prints."""
    answer = session.get(f"{ycimages.url}{path}", headers={"Accept": BROWSER}, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/_ycimages/")
    assert session.get(f"{ycimages.url}{path}", headers={"Accept": BROWSER}).text.startswith("<!doctype html>")
    assert not ycimages.calls


@pytest.mark.parametrize(
    ("verb", "headers"),
    [
        ("GET", {}),
        ("GET", {"Accept": "application/json"}),
        ("POST", {"Accept": BROWSER}),
        ("GET", {"Accept": BROWSER, "Host": "compute.api.cloud.yandex.net"}),
    ],
)
def test_other_clients_get_what_they_always_got(
    ycimages: Double, session: requests.Session, verb: str, headers: dict[str, str]
) -> None:
    """At `/`, which no method serves, also if a test leads a host of the service here."""
    answer = session.request(verb, f"{ycimages.url}/", headers=headers)
    assert answer.status_code == 404
    assert ycimages.calls[0].method == "unrouted"


def test_its_files_need_no_token_and_its_data_do() -> None:
    """They have no secrets; the page asks for the token."""
    with Double(control_token="s3cret-of-the-tests") as double:  # noqa: S106 - of the tests
        statuses = {
            path: requests.get(f"{double.url}/_ycimages/{path}", timeout=20, stream=True).status_code
            for path in (*FILES, "events", "state", "catalogue")
        }
        assert statuses == {**dict.fromkeys(FILES, 200), **dict.fromkeys(("events", "state", "catalogue"), 401)}
        texts = [requests.get(f"{double.url}/_ycimages/{path}", timeout=20).text for path in FILES]
        assert "s3cret" not in "".join(texts)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_no_other_page_is_led_to_it(
    ycimages: Double, session: requests.Session, headers: dict[str, str], status: int
) -> None:
    """By its name or its origin, and for its files as for its data."""
    for path in ("/", "/_ycimages/", "/_ycimages/page.js", "/_ycimages/events"):
        answer = session.get(f"{ycimages.url}{path}", headers={"Accept": BROWSER, **headers}, allow_redirects=False)
        assert answer.status_code == status


# The modules of the script, which a file has as one.


def test_all_files_of_the_page_are_served() -> None:
    """And no other."""
    assert {each.name for each in ASSETS.iterdir()} == {"page.html", "page.css", *MODULES}


def test_a_module_imports_what_those_before_it_export() -> None:
    """In statements of one line each, which are left out where all modules are one."""
    exported: dict[str, set[str]] = {}
    for name in MODULES:
        text = ASSETS.joinpath(name).read_text(encoding="utf-8")
        imports = re.findall(r'^import (?:\{ (.*) \} from )?"\./([\w.]+)";$', text, re.MULTILINE)
        assert len(imports) == len(re.findall(r"^import\b", text, re.MULTILINE)), name
        for names, module in imports:
            assert set(filter(None, names.split(", "))) <= exported[module], (name, module)
            for each in filter(None, names.split(", ")):
                assert len(re.findall(rf"(?<![\w$]){re.escape(each)}(?![\w$])", text)) > 1, (name, each)
        exported[name] = set(re.findall(r"^export (?:async )?(?:const|let|function) ([\w$]+)", text, re.MULTILINE))


def test_each_name_is_that_of_one_module() -> None:
    """So that all modules can be one, which a browser refuses otherwise."""
    names = [
        name
        for module in MODULES
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:const|let|function) ([\w$]+)",
            ASSETS.joinpath(module).read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    ]
    assert len(names) > 100
    assert len(names) == len(set(names))
    page = render({"calls": [], "last": 0, "dropped": 0, "state": {}})
    assert not re.search(r"^(import|export)\b", page, re.MULTILINE)


# The page as one file.


def data_of(page: str) -> Any:
    """The data in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_a_file_has_all_that_the_page_shows(ycimages: Double, create: Create) -> None:
    """The calls, images, operations and faults of a double, but not its token."""
    ycimages.inject(reset(), on="images.get", expect=False)
    operation = create().json()["id"]
    page = render(snapshot(ycimages), "a <title>")
    data = data_of(page)
    assert [call["method"] for call in data["calls"]] == ["images.create"]
    assert data["title"] == "a <title>"
    state = data["state"]
    assert (f"operation/{operation}" in state, "fault/1" in state, state["double"]["token"]) == (True, True, "")
    assert ycimages.token not in page


def test_a_file_allows_only_its_own_script_and_style(ycimages: Double) -> None:
    """By their hashes; nothing else is loaded or called."""
    page = render(snapshot(ycimages))
    for tag, begin in (("script", '<script type="module">'), ("style", "<style>")):
        text = page.partition(begin)[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page
    assert not re.search(r'\b(?:src|href)="(?!#|data:)', page)
    assert "connect-src" not in page


def test_what_clients_send_cannot_end_the_data_of_a_file(ycimages: Double, session: requests.Session) -> None:
    """Neither a script nor a comment."""
    nasty = "</script><script>alert(1)</script><!-- <script> ]]> \u2028"
    session.get(f"{ycimages.url}/{nasty}", headers={"User-Agent": nasty.encode().decode("latin-1")})
    page = render(snapshot(ycimages), nasty)
    assert page.count("</script>") == 2
    assert data_of(page)["title"] == nasty


def test_a_file_has_the_latest_calls_of_a_test(ycimages: Double, session: requests.Session) -> None:
    """Those after a number, and at most so many: the page says how many it leaves out."""
    for _ in range(5):
        session.get(f"{ycimages.url}/endpoints")
    shown = snapshot(ycimages, after=1, most=3)
    assert ([call["number"] for call in shown["calls"]], shown["dropped"], shown["last"]) == ([3, 4, 5], 2, 5)
    assert snapshot(ycimages, after=5)["calls"] == []
