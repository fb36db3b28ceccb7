"""The journal in pages: every call is on one of them, whatever their size and whatever comes or goes meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import Double, Settings, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Control = Callable[..., requests.Response]

PATHS: Final = {"endpoints.list": "/endpoints", "operations.get": "/operations/x", "unrouted": "/nothing"}


class Client:
    """A client of a double and of its control API, in process."""

    def __init__(self, double: Double) -> None:
        self._session = requests.Session()
        self._session.mount("http://", double.requests_adapter())

    def call(self, method: str) -> None:
        """Make a call of this method."""
        self._session.get(f"http://x{PATHS[method]}")

    def page(self, **query: Any) -> Any:
        """One page of calls."""
        answer = self._session.get("http://x/_ycimages/calls", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, **query: Any) -> Iterator[Any]:
        """All pages."""
        page = self.page(**query)
        yield page
        while page["next_page_token"]:
            page = self.page(**query, page_token=page["next_page_token"])
            yield page


@pytest.mark.costly
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    methods=st.lists(st.sampled_from(sorted(PATHS)), max_size=12),
    size=st.integers(1, 13),
    after=st.integers(0, 13),
    wanted=st.none() | st.sampled_from(sorted(PATHS)) | st.just("*s.*t"),
    limit=st.none() | st.integers(1, 13),
)
def test_pages_have_every_call_once_and_in_order(
    methods: list[str], size: int, after: int, wanted: str | None, limit: int | None
) -> None:
    """Of those that were asked for and are kept; each has its number, also when earlier ones are gone."""
    with Double(journal_limit=limit, auth="off") as double:
        client = Client(double)
        for method in methods:
            client.call(method)
        pages = list(client.pages(page_size=size, after=after, **({"method": wanted} if wanted else {})))
    dropped = max(0, len(methods) - (limit or len(methods)))
    expected = [
        (number, method)
        for number, method in enumerate(methods, 1)
        if number > max(after, dropped) and (wanted in {None, method} or (wanted == "*s.*t" and method != "unrouted"))
    ]
    assert [(call["number"], call["method"]) for page in pages for call in page["calls"]] == expected
    assert all(len(page["calls"]) == size for page in pages[:-1])
    assert len(pages) == max(1, -(-len(expected) // size))
    assert {(page["last"], page["dropped"]) for page in pages} == {(len(methods), dropped)}


@pytest.mark.ycimages(auth="off")
def test_calls_that_come_while_a_client_reads_are_on_the_last_pages(ycimages: Double) -> None:
    """None is on two pages, and none is left out."""
    client = Client(ycimages)
    numbers = []
    for _ in range(5):
        client.call("endpoints.list")
    for page in client.pages(page_size=2):
        numbers += [call["number"] for call in page["calls"]]
        if len(ycimages.calls) < 8:
            client.call("unrouted")
    assert numbers == list(range(1, len(ycimages.calls) + 1))


@pytest.mark.ycimages(auth="off", journal_limit=3)
def test_calls_that_are_dropped_while_a_client_reads_are_counted(ycimages: Double) -> None:
    """The next page begins with the oldest that is kept, and says how many are gone."""
    client = Client(ycimages)
    for _ in range(3):
        client.call("endpoints.list")
    first = client.page(page_size=1)
    assert ([call["number"] for call in first["calls"]], first["dropped"]) == ([1], 0)
    for _ in range(4):
        client.call("endpoints.list")
    second = client.page(page_size=2, page_token=first["next_page_token"])
    assert ([call["number"] for call in second["calls"]], second["dropped"], second["last"]) == ([5, 6], 4, 7)


@pytest.mark.costly
@pytest.mark.ycimages(auth="off")
def test_a_page_has_a_thousand_calls_at_most(ycimages: Double) -> None:
    """By default, too."""
    client = Client(ycimages)
    for _ in range(1001):
        client.call("endpoints.list")
    assert [len(page["calls"]) for page in client.pages()] == [1000, 1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("page_size", ["0", "-1", "1001", "1e3", "x", "", "٣", "9" * 5000, "1.0", " 1", "+1"]),
        ("after", ["-1", "x", "", "٣", "9" * 5000, "1.0", " 1", "NaN"]),
        ("page_token", ["-1", "x", "", "٣", "9" * 5000, "\x00", "null"]),
    ],
)
def test_a_number_that_is_none_is_refused(control: Control, name: str, values: list[str]) -> None:
    """However it is written; the text says what is expected."""
    for value in values:
        answer = control("GET", "calls", params={name: value})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(f"invalid {name} {value!r}"[:100])
        assert ": expected " in answer.json()["error"]


@pytest.mark.parametrize("size", [2**14, 2**17, 2**20])
@pytest.mark.parametrize("what", ["body", "header", "path"])
def test_fewer_calls_are_kept_if_their_requests_are_large(size: int, what: str) -> None:
    """Sixteen KiB for each call that may be kept, wherever the bytes are; the latest call stays in any case."""
    with Double(journal_limit=10, auth="off") as double, requests.Session() as session:
        session.mount("http://", double.requests_adapter())
        for number in range(30):
            text = f"{number:0{size if what == 'body' else min(size, 2**14)}}"
            body, headers = (text, {}) if what == "body" else (None, {"x-a": text} if what == "header" else {})
            session.post(f"http://x/nothing{text if what == 'path' else ''}", body, headers=headers)
        kept = [call["number"] for call in Client(double).page()["calls"]]
        held = 10 * 2**14 // (size if what == "body" else 2**14)
        assert kept == list(range(31 - len(kept), 31))
        assert max(1, held - 1) <= len(kept) <= max(1, held)


@pytest.mark.parametrize("value", [0, -1, 1.5, "x", ""])
def test_a_limit_that_is_none_is_refused(value: Any) -> None:
    """A journal keeps one call at least."""
    with pytest.raises(UsageError, match="journal_limit="):
        Double(journal_limit=value)


def test_a_limit_is_given_as_text_too() -> None:
    """As any setting; `none` keeps all calls."""
    assert Double(journal_limit="20").settings.journal_limit == 20
    assert Double(journal_limit="none").settings.journal_limit is Settings().journal_limit is None
