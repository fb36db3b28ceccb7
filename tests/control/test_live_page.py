"""The live page in a browser: what it shows and when, what it steers, and that everybody can use it."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from pytest_ycimages import Double, first, unavailable
from pytest_ycimages.control.live import snapshot
from pytest_ycimages.control.page import render
from pytest_ycimages.control.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright import sync_api
    from playwright.sync_api import Browser, BrowserContext, Page, Response
else:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra `test`")

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE: Final = Path(__file__).parents[2] / "build" / "node" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS: Final = ("calls", "operations", "images", "faults", "steer")
LONG: Final = 10_000
"""Milliseconds that a test waits for what takes no time on a quiet machine."""

pytestmark = [
    pytest.mark.costly,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests: a context of it is as good as a new one."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-proxy-server"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A context in which the page may copy, has no error, and asks no other server."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    problems: list[str] = []
    asked: list[str] = []
    context.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("request", lambda request: asked.append(request.url))
    context.set_default_timeout(LONG)
    yield context
    context.close()
    expected = ("400 (Bad Request)", "401 (Unauthorized)", "net::ERR_")  # refusals, and a double that has gone
    assert [each for each in problems if not any(words in each for words in expected)] == []
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:"))] == []


@pytest.fixture
def page(context: BrowserContext, ycimages: Double) -> Page:
    """The page of the test's double, which is connected."""
    return opened(context, ycimages)


def opened(context: BrowserContext, double: Double) -> Page:
    """Open the page of a double, as a browser finds it."""
    page = context.new_page()
    page.goto(double.url)
    page.locator("#connection.live").wait_for()
    return page


def seen(page: Page, calls: int) -> None:
    """Wait until the page counts so many calls."""
    script = "count => document.getElementById('count-calls').textContent.replaceAll(',', '') === String(count)"
    page.wait_for_function(script, arg=calls)


def shown(page: Page, view: str) -> None:
    """Go to a view, and wait until it is complete."""
    page.click(f"#tab-{view}")
    page.locator({"steer": "#forms form", "faults": "#inject-arguments label"}.get(view, f"#{view}")).first.wait_for()


class Client:
    """A client of a double, in process."""

    def __init__(self, double: Double) -> None:
        self._session = requests.Session()
        self._session.mount("http://", double.requests_adapter())
        self._session.headers["Authorization"] = f"Bearer {double.token}"
        self._folder = double.folder_id

    def create(self, **fields: Any) -> requests.Response:
        """Create an image."""
        body = {"folderId": self._folder, "diskId": "epd0000000000000000a", **fields}
        return self._session.post("http://127.0.0.1/compute/v1/images", json=body)

    def get(self, path: str, **headers: str) -> requests.Response:
        """Send a GET."""
        return self._session.get(f"http://127.0.0.1{path}", headers=headers)


def filled(double: Double) -> str:
    """Make calls of each kind; return the id of an operation that was polled."""
    client = Client(double)
    double.inject(unavailable(retry_after=1), on="operations.get", when=first(1), expect=False)
    operation: str = client.create(name="baked").json()["id"]
    for _ in range(4):
        client.get(f"/operations/{operation}")
    client.get("/nowhere")
    client.create(name="INVALID")
    double.add_image(name="seeded", status="ERROR")
    return operation


# What it shows.


def test_a_call_appears_within_a_second(page: Page, ycimages: Double) -> None:
    """Of five at least one: this machine may do something else in between."""
    client = Client(ycimages)
    in_time = 0
    for number in range(1, 6):
        client.get("/endpoints")
        try:
            page.locator(f"#call-{number}").wait_for(timeout=1000)
            in_time += 1
        except sync_api.TimeoutError:
            page.locator(f"#call-{number}").wait_for()
    assert in_time


def test_an_empty_page_says_what_to_do(page: Page) -> None:
    """With a line for curl that works, and whose call appears."""
    line = page.locator("#calls-empty pre").inner_text()
    made = subprocess.run(["bash", "-c", line], capture_output=True, check=True, text=True)  # noqa: S603, S607 - our own
    assert json.loads(made.stdout)["done"] is False
    page.locator("#call-1").wait_for()
    assert page.locator("#calls-empty").is_hidden()
    for view, words in {"images": "image-table", "operations": "tracks"}.items():
        page.click(f"#tab-{view}")
        page.locator(f"#{words} :text('first-image')").wait_for()


@pytest.mark.ycimages(clock="manual", timing=60)
def test_a_call_is_shown_with_request_answer_fault_and_transport(page: Page, ycimages: Double) -> None:
    """The second call is struck by a fault."""
    filled(ycimages)
    page.click("#call-2")
    detail = page.locator("#call-detail").inner_text()
    for words in ("operations.get", "UNAVAILABLE", "unavailable(retry_after=1) before the commit", "GET /operations/",
                  "REST", "retry-after", "~SCRUBBED~", "user-agent"):  # fmt: skip
        assert words in (detail if words != "retry-after" else page.content())
    assert page.locator("#call-list [aria-selected=true]").get_attribute("id") == "call-2"


def test_all_attempts_of_a_call_are_shown(page: Page, ycimages: Double) -> None:
    """Also those that failed and so name nothing that was made, and none of other calls; a filter shows the others."""
    client = Client(ycimages)
    ycimages.inject(unavailable(), on="images.create", when=first(2), expect=False)
    for name in ("web", "web", "web", "other"):
        client.create(name=name)
    page.click("#call-3")
    page.get_by_role("button", name="All attempts").click()
    page.locator("#filter-count:has-text('3 of 4')").wait_for()
    assert page.locator("#call-list .row").count() == 3
    page.select_option("#filter-result", "ok")
    page.locator("#call-4").wait_for()
    assert page.locator("#call-list .row").count() == 2


def test_a_copied_header_cannot_be_a_command(page: Page, ycimages: Double) -> None:
    """What a client sent is quoted, also if it looks like the variable of the token."""
    Client(ycimages).get("/endpoints", **{"X-Client-Request-ID": '"; touch evil; echo $YC_TOKEN'})
    page.click("#call-1")
    assert """-H 'x-client-request-id: "; touch evil; echo $YC_TOKEN'""" in copied(page, "Copy as curl")


@pytest.mark.ycimages(clock="manual", timing=30)
def test_an_operation_is_shown_with_its_phases_and_polls(page: Page, ycimages: Double) -> None:
    """Each poll is a mark; the pauses between them are listed, and the phase to come is drawn apart."""
    operation = filled(ycimages)
    ycimages.clock.advance(7)
    Client(ycimages).get(f"/operations/{operation}")
    page.click("#tab-operations")
    track = page.locator(f"[data-operation={operation}]")
    page.wait_for_function(
        "id => document.querySelectorAll(`[data-operation=${id}] line.poll`).length === 5", arg=operation
    )
    assert track.locator("line.poll.bad").count() == 1
    assert track.locator("rect.planned").count() == 1
    track.click()
    panel = page.locator("#operation-detail")
    assert panel.locator("tbody tr").count() == 5
    assert "7.00 s" in panel.locator("tbody tr").last.inner_text()
    assert "expected at +30.000s" in panel.inner_text()
    panel.get_by_role("button", name="Pacing report").click()
    panel.locator("#pacing-report :text('5 polls'), #pacing-report:has-text('polls')").first.wait_for()
    ycimages.clock.advance(30)
    page.locator(f"[data-operation={operation}] .badge.ok").wait_for()


def test_a_replay_shows_its_near_misses(context: BrowserContext) -> None:
    """In a view of its own."""
    with closing(Double(mode="replay", cassette="cassettes/image-from-disk.yaml").start()) as double:
        requests.get(f"{double.url}/compute/v1/images/none", timeout=20)
        page = opened(context, double)
        page.get_by_role("tab", name="Replay").click()
        shown = page.locator("#problems").inner_text()
        assert "nearest:  interaction" in shown
        assert "cassettes/image-from-disk.yaml" in shown
        page.click("#tab-steer")
        page.locator('form[data-route="POST disks"] [type=submit][disabled]').wait_for()


@pytest.mark.slow
def test_ten_thousand_calls_stay_usable(page: Page, ycimages: Double) -> None:
    """Only those in sight are in the document; filters and keys answer at once."""
    client = Client(ycimages)
    for number in range(10_000):
        client.get("/endpoints" if number % 100 else f"/odd/{number}")
    seen(page, 10_000)
    page.locator("#call-10000").wait_for()
    assert page.locator("#call-list .row").count() < 100
    page.focus("#call-list")
    page.keyboard.press("Home")
    page.locator("#call-1[aria-selected=true]").wait_for()
    page.keyboard.press("PageDown")
    assert page.locator("#call-list [aria-selected=true]").count() == 1
    took = page.evaluate("""async () => {
      const field = document.getElementById("filter-text");
      const began = performance.now();
      field.value = "/odd/4200";
      field.dispatchEvent(new Event("input", {bubbles: true}));
      while (document.querySelectorAll("#call-list .row").length !== 1) await new Promise(requestAnimationFrame);
      return performance.now() - began;
    }""")
    assert took < 2000
    assert page.locator("#filter-count").inner_text() == "1 of 10,000"
    client.get("/odd/42000")
    page.locator("#call-10001").wait_for()


def test_a_paused_page_stands_still_and_counts(page: Page, ycimages: Double) -> None:
    """What came meanwhile appears afterwards."""
    client = Client(ycimages)
    client.get("/endpoints")
    page.locator("#call-1").wait_for()
    page.keyboard.press("p")
    client.get("/endpoints")
    page.locator("#filter-count:has-text('1 new call')").wait_for()
    assert page.locator("#call-2").count() == 0
    page.keyboard.press("p")
    page.locator("#call-2").wait_for()


def test_it_says_when_the_double_has_gone_and_keeps_what_it_has(context: BrowserContext) -> None:
    """And shows another one that takes its place."""
    double = Double().start()
    port = double.port
    page = opened(context, double)
    Client(double).get("/endpoints")
    page.locator("#call-1").wait_for()
    double.close()
    page.locator("#connection.lost").wait_for()
    assert page.locator("#call-1").is_visible()
    with Double(port=port):
        page.locator("#connection.live").wait_for()
        page.locator("#calls-empty h2").wait_for()


# What it steers.


def test_a_fault_that_is_injected_by_a_click_strikes_the_next_call(page: Page, ycimages: Double) -> None:
    """With the arguments and conditions of the form; it is copied, removed, and its strikes are shown."""
    page.keyboard.press("i")
    page.select_option("#inject-fault", "error")
    page.select_option("[data-argument=code]", "ABORTED")
    page.fill("[data-argument=message]", 'it\'s "over"')
    page.fill("#inject-on", "images.create")
    page.fill("#inject-when", "first(1)")
    page.select_option("#inject-commit", "after")
    page.fill("#inject-where", "name=web-*")
    page.get_by_role("button", name="Inject", exact=True).click()
    page.locator("#fault-list li").wait_for()
    answer = Client(ycimages).create(name="web-1")
    assert (answer.status_code, answer.json()["message"]) == (409, 'it\'s "over"')
    assert len(ycimages.images) == 1
    page.locator("#fault-list :text('struck 1 of 1')").wait_for()
    page.get_by_role("button", name="Calls that it struck").click()
    page.locator("#call-1").wait_for()
    page.click("#tab-faults")
    page.get_by_role("button", name="Remove: fault 1").click()
    page.locator("#fault-list :text('removed')").wait_for()
    assert ycimages.injections[0].is_removed


def test_every_fault_of_the_catalogue_can_be_injected(page: Page, ycimages: Double) -> None:
    """As the form fills itself in, with what it cannot know given."""
    page.click("#tab-faults")
    page.locator("#inject-fault option").first.wait_for(state="attached")
    names = page.locator("#inject-fault option").all_inner_texts()
    for number, name in enumerate(names, 1):
        page.select_option("#inject-fault", name)
        if name.endswith("_seen_late"):
            page.fill("[data-argument=reads]", "2")
        if name in {"stall", "truncate"}:
            page.locator("#inject-arguments input").first.fill("10KiB")
        page.get_by_role("button", name="Inject", exact=True).click()
        page.locator(f"#inject .result:has-text('Fault {number} is in force')").wait_for()
    assert len(ycimages.injections) == len(names) > 25
    page.get_by_role("button", name="Remove all").click()
    page.locator("#count-faults.zero").wait_for(state="attached")


@pytest.mark.parametrize(("field", "value"), [("#inject-when", "fist(2)"), ("#inject-on", "images.creat")])
def test_a_mistake_is_explained_where_it_was_made(page: Page, ycimages: Double, field: str, value: str) -> None:
    """In the words of Python's error, with the nearest."""
    page.click("#tab-faults")
    page.locator("#inject-arguments label").first.wait_for()
    page.fill(field, value)
    page.get_by_role("button", name="Inject", exact=True).click()
    page.locator("#inject .result.bad:has-text('did you mean')").wait_for()
    assert not ycimages.injections


READ: Final = frozenset({"events", "health", "faults", "faults/<int:number>", "catalogue", "pacing", "faults/check"})
"""Routes that other tests of this module ask or see."""


@pytest.mark.ycimages(clock="manual", timing=60)
def test_the_page_does_all_that_the_control_api_does(page: Page, ycimages: Double) -> None:
    """Each route has an element that shows it or calls it; each form takes the example of its route."""
    operation = filled(ycimages)
    page.click("#tab-operations")
    page.click(f"[data-operation={operation}]")
    page.click("#tab-faults")
    page.locator("#fault-list li").wait_for()
    page.click("#tab-steer")
    page.locator('[data-route="POST reset"]').wait_for()
    offered = set(page.evaluate("[...document.querySelectorAll('[data-route]')].map((each) => each.dataset.route)"))
    assert {f"{route.verb} {route.path}" for route in ROUTES} == offered
    for route in ROUTES:
        name = f"{route.verb} {route.path}"
        if name in {"POST faults", "POST reset", "DELETE faults", "DELETE faults/<int:number>"} or route.path in READ:
            continue
        place = page.locator(f'[data-route="{name}"]')

        def is_its_answer(answer: Response, path: str = route.path) -> bool:
            return answer.url.endswith(f"/_ycimages/{path}")

        with page.expect_response(is_its_answer) as answer:
            if route.verb == "GET":
                place.click()
            else:
                used(place, route.example)
        assert answer.value.request.method == route.verb
        assert answer.value.status == route.status, answer.value.text()
    page.click('[data-route="POST reset"] [type=submit]')
    page.click("#confirm [value=yes]")
    page.locator("#count-calls.zero").wait_for(state="attached")
    assert not ycimages.calls


def used(form: Any, example: Any) -> None:
    """Fill in and send a form."""
    for field, value in example.items():
        summary = form.locator("details:not([open]) summary")
        if summary.count():
            summary.click()
        place = form.locator(f'[name="{field}"]')
        if place.evaluate("each => each.tagName") == "SELECT":
            place.select_option(str(value))
        else:
            place.fill(str(value))
    form.locator("[type=submit]").click()


# Copies.


def copied(page: Page, button: str) -> str:
    """What a button copies."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=button).first.click()
    page.locator("#toast:has-text('copied')").wait_for()
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not on this machine")
def test_a_copied_call_is_made_again_by_curl(page: Page, ycimages: Double) -> None:
    """With the double's own token, its body and its headers, whatever quotes they have."""
    Client(ycimages).create(name="it-s", description='it\'s $(date) `x` \\ "q" שלום 🚀', labels={"a": "b"})
    page.click("#call-1")
    line = copied(page, "Copy as curl")
    assert "~SCRUBBED~" not in line
    subprocess.run(["bash", "-c", line.replace("it-s", "again")], capture_output=True, check=True)  # noqa: S603, S607 - our own
    page.locator("#call-2").wait_for()
    one, other = (call.message for call in ycimages.calls)
    assert one is not None
    assert other is not None
    assert other.to_wire() == {**one.to_wire(), "name": "again"}
    assert ycimages.calls[1].status == "OK"


def test_a_copied_fault_is_python_and_an_ini_line(page: Page, ycimages: Double) -> None:
    """Both make the same rule again."""
    ycimages.inject(unavailable(retry_after=2), on="operations.get", when=first(2), expect=False)
    page.click("#tab-faults")
    python = copied(page, "Copy as Python: fault 1")
    line = copied(page, "Copy as ini line: fault 1")
    assert python == f"ycimages.{ycimages.injections[0].rule}"
    with closing(Double(faults=[line])) as other:
        assert other.injections[0].rule == ycimages.injections[0].rule


# Access.


def test_the_token_is_asked_for_once(context: BrowserContext) -> None:
    """A wrong one is explained; the right one is kept for this tab, also when the page is loaded again."""
    with Double(control_token="s3cret-of-the-tests") as double:  # noqa: S106 - of the tests
        page = context.new_page()
        page.goto(double.url)
        for token in ("wrong", "s3cret-of-the-tests"):
            page.fill("#token", token)
            page.keyboard.press("Enter")
            page.locator("#token-problem.bad:not(:empty), #connection.live").first.wait_for()
        page.locator("#connection.live").wait_for()
        page.reload()
        page.locator("#connection.live").wait_for()
        assert page.locator("#token-dialog").is_hidden()


def test_the_token_can_come_with_the_address(context: BrowserContext) -> None:
    """In the part that browsers do not send, and it does not stay in the address."""
    with Double(control_token="s3cret+of%the&tests") as double:  # noqa: S106 - of the tests
        page = context.new_page()
        page.goto(double.page)
        page.locator("#connection.live").wait_for()
        assert "s3cret" not in page.url
        assert "token" in double.page


NASTY: Final = (
    "<script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", "'\"><svg onload=window.pwned=1>",
    "javascript:window.pwned=1", "{{window.pwned=1}}", "${window.pwned=1}", "</pre></script><b id=pwned>", "&lt;b&gt;",
    "\u202eevil\u2066", "שלום עולם", "a" * 3000, "\U0001f680" * 40, "<b id=pwned>\n<template>",
)  # fmt: skip


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "file"])
@pytest.mark.ycimages(clock="manual", timing=60, unknown_fields="ignore")
def test_what_clients_send_cannot_become_markup(
    context: BrowserContext, ycimages: Double, tmp_path: Path, *, is_live: bool
) -> None:
    """In names, descriptions, labels, unknown fields, paths and headers, in every view and detail."""
    client = Client(ycimages)
    for number, nasty in enumerate(NASTY):
        client.create(name=nasty)
        client.create(description=nasty[:200], labels={"a": nasty[:60]}, **{nasty[:50]: nasty[:50]})
        client.get(f"/{nasty[:200]}", **{"user-agent": nasty.encode().decode("latin-1").replace("\n", " ")[:200]})
        ycimages.add_image(name=f"n-{number}", description=nasty[:200])
        fault = unavailable()
        ycimages.inject(fault, where={"name": nasty}, on="images.create", expect=False)
    if is_live:
        page = opened(context, ycimages)
    else:
        (tmp_path / "page.html").write_text(render(snapshot(ycimages), NASTY[0]), encoding="utf-8")
        page = context.new_page()
        page.goto((tmp_path / "page.html").as_uri())
    seen(page, len(ycimages.calls))
    for number in range(1, len(ycimages.calls) + 1):
        page.focus("#call-list")
        page.keyboard.press("Home" if number == 1 else "ArrowDown")
        page.locator(f"#call-{number}[aria-selected=true]").wait_for()
    page.keyboard.press("Escape")
    for view in VIEWS if is_live else VIEWS[:-1]:
        page.click(f"#tab-{view}")
        page.locator(f"#{view}").wait_for()
        page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert NASTY[0] in page.locator("#fault-list").inner_text()
    assert page.evaluate("[window.pwned, document.getElementById('pwned')]") == [None, None]
    assert page.locator("main script, main img, main template, main iframe").count() == 0


@pytest.mark.ycimages(clock="manual", timing=60)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("dark", 360)])
@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core: make node")
def test_axe_finds_nothing_serious(browser: Browser, ycimages: Double, scheme: Any, width: int) -> None:
    """In any view, with an open detail, in the dark and on a phone."""
    operation = filled(ycimages)
    with closing(browser.new_context(viewport={"width": width, "height": 740}, color_scheme=scheme)) as context:
        page = opened(context, ycimages)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        seen(page, len(ycimages.calls))
        for view in VIEWS:
            page.click(f"#tab-{view}")
            page.locator(
                {"steer": "#forms form", "faults": "#inject-arguments label"}.get(view, f"#{view}")
            ).first.wait_for()
            assert violations(page) == []
            if view == "calls":
                page.click("#call-2")
                assert violations(page) == []
                page.keyboard.press("Escape")
            if view == "operations":
                page.click(f"[data-operation={operation}]")
                assert violations(page) == []
                page.keyboard.press("Escape")
        if width > 720:
            page.click("#help")
            assert violations(page) == []


def violations(page: Page) -> list[Any]:
    """What axe finds serious or critical."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)")
    return [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


CLICKABLE: Final = frozenset(
    {"button", "link", "tab", "option", "checkbox", "combobox", "textbox", "searchbox", "listbox"}
)


@pytest.mark.ycimages(clock="manual", timing=60)
def test_all_that_can_be_clicked_has_a_name(page: Page, ycimages: Double) -> None:
    """In the accessibility tree of the browser."""
    filled(ycimages)
    seen(page, len(ycimages.calls))
    session = page.context.new_cdp_session(page)
    for view in VIEWS:
        page.click(f"#tab-{view}")
        page.locator(
            {"steer": "#forms form", "faults": "#inject-arguments label"}.get(view, f"#{view}")
        ).first.wait_for()
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        met = [node for node in nodes if not node["ignored"] and node.get("role", {}).get("value") in CLICKABLE]
        nameless = [node for node in met if not node.get("name", {}).get("value", "").strip()]
        in_lists = [node for node in nameless if node["role"]["value"] == "option"]  # of a select: an empty choice
        assert len(met) > 6
        assert len(nameless) == len(in_lists), nameless


def test_it_is_used_with_the_keyboard_alone(page: Page, ycimages: Double) -> None:
    """From the skip link to a call and its details, to the views, and to the list of keys."""
    client = Client(ycimages)
    for _ in range(3):
        client.get("/endpoints")
    page.locator("#call-3").wait_for()
    page.keyboard.press("Tab")
    assert focused(page) == "skip"
    page.keyboard.press("Enter")
    assert focused(page) == "main"
    for _ in range(6):
        page.keyboard.press("Tab")
    assert focused(page) == "call-list"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.locator("#call-2[aria-selected=true]").wait_for()
    assert page.get_attribute("#call-list", "aria-activedescendant") == "call-2"
    page.keyboard.press("Enter")
    assert focused(page) == "call-detail"
    page.keyboard.press("Escape")
    assert focused(page) == "call-list"


def test_single_keys_lead_to_the_views_and_the_filter(page: Page) -> None:
    """But not while a person types, nor once they are switched off."""
    page.keyboard.press("2")
    assert focused(page) == "tab-operations"
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "tab-calls"
    page.keyboard.press("/")
    assert focused(page) == "filter-text"
    page.keyboard.type("jp?2")
    assert page.input_value("#filter-text") == "jp?2"
    page.focus("#tab-calls")
    page.keyboard.press("?")
    page.uncheck("#single-keys")
    page.keyboard.press("Escape")
    page.focus("#tab-calls")
    page.keyboard.press("2")
    assert page.locator("#operations").is_hidden()


def focused(page: Page) -> str:
    """The element that has the focus."""
    found: str = page.evaluate("document.activeElement.id || document.activeElement.className")
    return found


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.ycimages(clock="manual", timing=60)
def test_nothing_is_wider_than_the_screen(browser: Browser, ycimages: Double, width: int) -> None:
    """In any view, whatever clients send."""
    client = Client(ycimages)
    filled(ycimages)
    client.create(description="long" * 50, labels={"long": "x" * 60})
    with closing(browser.new_context(viewport={"width": width, "height": 740})) as context:
        page = opened(context, ycimages)
        seen(page, len(ycimages.calls))
        page.locator("#call-list .row").last.click()
        for view in VIEWS:
            shown(page, view)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
