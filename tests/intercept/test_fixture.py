"""The fixture `ycimages_intercept`, as a user's test meets it."""

from __future__ import annotations

import pytest

SESSIONS = """
    import asyncio
    import socket
    import urllib.request

    import httpx
    import pytest
    import requests

    SESSION = requests.Session()
    CLIENT = httpx.Client()
    URL = "https://compute.api.cloud.yandex.net/endpoints"

    @pytest.fixture(autouse=True)
    def no_network(monkeypatch):
        def refuse_to(*_, **__):
            raise OSError("no network")
        monkeypatch.setattr(socket, "getaddrinfo", refuse_to)
"""


def test_it_is_the_test_s_double(project: pytest.Pytester) -> None:
    """One and the same in all fixtures; sessions of a module go from one test's double to the next one's."""
    project.makepyfile(
        SESSIONS
        + """
    @pytest.mark.parametrize("number", range(3))
    def test_intercepted(number, ycimages_intercept, ycimages):
        assert ycimages_intercept is ycimages
        for _ in range(2):
            assert SESSION.get(URL).ok
            assert CLIENT.get(URL).is_success
            urllib.request.urlopen(URL).close()
        assert len(ycimages.calls) == 6

    def test_not_intercepted(ycimages):
        with pytest.raises(requests.ConnectionError):
            SESSION.get(URL)
        with pytest.raises(httpx.ConnectError):
            CLIENT.get(URL)
        with pytest.raises(OSError):
            urllib.request.urlopen(URL)
        assert not ycimages.calls

    def test_intercepted_again(ycimages_intercept):
        assert SESSION.get(URL).ok
        assert CLIENT.get(URL).is_success
        assert len(ycimages_intercept.calls) == 2
    """
    )
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=5)


@pytest.mark.parametrize("name", ["ycimages_intercept", "ycimages_cassette"])
def test_a_test_may_ask_for_it_while_it_runs(name: str, project: pytest.Pytester) -> None:
    """It is the test's own double, although the test's signature names none."""
    project.makepyfile(
        f"""
    def test_it(request):
        request.getfixturevalue({name!r})
        double = request.getfixturevalue("ycimages")
        import requests
        headers = {{"Authorization": f"Bearer {{double.token}}"}}
        assert requests.get("https://compute.api.cloud.yandex.net/compute/v1/images?folderId=a", headers=headers).ok
        assert len(double.calls) == 1
    """
    )
    project.runpytest_inprocess("--ycimages-mode=fake").assert_outcomes(passed=1)


@pytest.mark.costly
def test_it_takes_faults_and_virtual_time(project: pytest.Pytester) -> None:
    """Twenty minutes of polling over the real host names, an answer that is lost and one that is late."""
    project.makepyfile(
        SESSIONS
        + """
    import time

    from pytest_ycimages import first, reset

    def bake():
        headers = {"Authorization": "Bearer t1.a.b"}
        body = {"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}
        url = "https://compute.api.cloud.yandex.net/compute/v1/images"
        operation = SESSION.post(url, json=body, headers=headers, timeout=10).json()
        while not operation["done"]:
            time.sleep(5)
            url = f"https://operation.api.cloud.yandex.net/operations/{operation['id']}"
            operation = CLIENT.get(url, headers=headers).json()
        return operation["metadata"]["imageId"]

    @pytest.mark.ycimages(timing=1200)
    def test_it(ycimages_time, ycimages_intercept):
        ycimages_intercept.inject(reset(), on="images.create", when=first(1), commit="before")
        with pytest.raises(requests.ConnectionError):
            bake()
        assert ycimages_intercept.images[bake()].status == "READY"
        assert ycimages_time.elapsed == 1200
        assert len(ycimages_intercept.calls.of("operations.get")) == 240
        ycimages_intercept.latency = 11
        with pytest.raises(requests.ReadTimeout):
            bake()
        assert ycimages_time.elapsed == 1210
    """
    )
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=1)


def test_more_hosts_come_from_the_settings(project: pytest.Pytester) -> None:
    """The ini file, the marker, and what is said when it begins by hand."""
    project.makeini("[pytest]\nycimages_intercept_hosts =\n    a.example\n    *.b.example")
    project.makepyfile(
        SESSIONS
        + """
    def test_ini(ycimages_intercept):
        assert SESSION.get("https://a.example/endpoints").ok
        assert SESSION.get("https://x.b.example/endpoints").ok

    @pytest.mark.ycimages(intercept_hosts=["c.example"])
    def test_marker(ycimages_intercept):
        assert SESSION.get("https://c.example/endpoints").ok
        with pytest.raises(requests.ConnectionError):
            SESSION.get("https://a.example/endpoints")

    def test_by_hand(ycimages):
        with ycimages.intercept(hosts=["c.example"]):
            assert SESSION.get("https://c.example/endpoints").ok
            assert SESSION.get("https://a.example/endpoints").ok
    """
    )
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=3)


def test_a_second_double_of_the_test_is_told(project: pytest.Pytester) -> None:
    """Host names lead to one double; the others are there all the same."""
    project.makepyfile("""
        import pytest
        from pytest_ycimages import UsageError

        def test_it(ycimages_intercept, ycimages_factory):
            with pytest.raises(UsageError, match="does so already, and a host name leads to one double only"):
                with ycimages_factory().intercept():
                    pass
    """)
    project.runpytest_inprocess("-W", "error").assert_outcomes(passed=1)


def test_a_test_that_fails_ends_it(project: pytest.Pytester) -> None:
    """The next test may begin another, and the failure shows what the double saw."""
    project.makepyfile(
        SESSIONS
        + """
    def test_fails(ycimages_intercept):
        SESSION.get(URL)
        assert False

    def test_goes_on(ycimages_intercept):
        assert SESSION.get(URL).ok
    """
    )
    result = project.runpytest_inprocess("-W", "error")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*endpoints.list*GET /endpoints*OK*"])


def test_pytest_lists_it(project: pytest.Pytester) -> None:
    """In a sentence."""
    result = project.runpytest_inprocess("--fixtures")
    result.stdout.fnmatch_lines(["ycimages_intercept -- *", "*Answer the real host names*"])
