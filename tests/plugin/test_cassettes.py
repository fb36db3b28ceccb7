"""Cassettes as a user's suite has them: modes, markers, options, what is left over, and what is told of it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cassette.file import read_cassette

if TYPE_CHECKING:
    from collections.abc import Iterator

BAKE: Final = """
    import pytest
    import requests

    def bake(url, token, folder_id, **fields):
        headers = {"Authorization": f"Bearer {token}"}
        body = {"folderId": folder_id, "diskId": "epd0000000000000000a", **fields}
        operation = requests.post(f"{url}/compute/v1/images", json=body, headers=headers).json()
        while not operation["done"]:
            operation = requests.get(f"{url}/operations/{operation['id']}", headers=headers).json()
        return operation["metadata"]["imageId"]
"""
MARKED: Final = f"""{BAKE}
    @pytest.mark.ycimages_cassette
    def test_bakes(ycimages):
        image_id = bake(ycimages.url, ycimages.token, ycimages.folder_id)
        assert ycimages.images[image_id].status == "READY"
"""


@pytest.fixture
def upstream() -> Iterator[Double]:
    """What stands in for the service."""
    with Double(timing="AfterPolls(2)") as double:
        yield double


def recorded(project: pytest.Pytester, upstream: Double, *options: str) -> pytest.RunResult:
    """A run that records."""
    return project.runpytest("--ycimages-mode=record", f"--ycimages-upstream={upstream.url}", *options)


def cassettes(project: pytest.Pytester, folder: str = "cassettes") -> list[str]:
    """The cassettes of a project."""
    below = project.path / folder
    return sorted(str(path.relative_to(below)) for path in below.rglob("*") if path.is_file())


def test_a_marked_test_replays_unless_it_is_told_to_record(project: pytest.Pytester, upstream: Double) -> None:
    """Without a cassette it says how to make one; nothing is recorded by accident."""
    project.makepyfile(test_it=MARKED)
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*CassetteMissingError: The cassette *cassettes*test_it*test_bakes.yaml does not exist*",
            "*This one: pytest test_it.py::test_bakes --ycimages-mode=record",
        ]
    )
    assert not (project.path / "cassettes").exists()
    recorded(project, upstream).assert_outcomes(passed=1)
    assert cassettes(project) == ["test_it/test_bakes.yaml"]
    calls = len(upstream.calls)
    project.runpytest().assert_outcomes(passed=1)
    assert len(upstream.calls) == calls


def test_the_same_test_runs_against_the_fake(project: pytest.Pytester) -> None:
    """An option changes what stands behind the handle, and the test does not change."""
    project.makepyfile(test_it=MARKED)
    project.runpytest("--ycimages-mode=fake").assert_outcomes(passed=1)


@pytest.mark.parametrize("where", ["option", "ini", "fixture", "marker"])
def test_a_mode_may_come_from_everywhere(where: str, project: pytest.Pytester, upstream: Double) -> None:
    """As every setting may. `record` of a whole run is for tests with a cassette, which the test asks for here."""
    marker = '@pytest.mark.ycimages(mode="record")' if where == "marker" else ""
    if where in {"option", "ini"}:
        marker = "@pytest.mark.ycimages_cassette"
    fixture = """
    @pytest.fixture
    def ycimages_settings():
        return {"mode": "record"}
    """
    project.makepyfile(
        test_it=f"""{BAKE}{fixture if where == "fixture" else ""}
    {marker}
    def test_bakes(ycimages):
        bake(ycimages.url, ycimages.token, ycimages.folder_id)
    """
    )
    ini = "ycimages_mode = record" if where == "ini" else ""
    project.makeini(f"[pytest]\nycimages_upstream = {upstream.url}\n{ini}\n")
    project.runpytest(*(["--ycimages-mode=record"] if where == "option" else [])).assert_outcomes(passed=1)
    assert cassettes(project) == ["test_it/test_bakes.yaml"]


def test_a_test_that_is_pinned_to_the_fake_is_never_sent_elsewhere(project: pytest.Pytester, upstream: Double) -> None:
    """A test of faults, say, would cost money and prove nothing."""
    project.makepyfile(
        test_it=f"""{BAKE}
    from pytest_ycimages import unavailable

    @pytest.mark.ycimages(mode="fake")
    def test_faults(ycimages):
        ycimages.inject(unavailable(), on="images.create")
        assert requests.post(f"{{ycimages.url}}/compute/v1/images", json={{}}).status_code == 503
    """
    )
    recorded(project, upstream).assert_outcomes(passed=1)
    assert not upstream.calls
    assert not (project.path / "cassettes").exists()


@pytest.mark.costly
def test_cassettes_are_named_by_marker_and_folder_or_after_their_tests(
    project: pytest.Pytester, upstream: Double
) -> None:
    """Parameters and second doubles have files of their own; what no file can be called has a hash."""
    project.makepyfile(
        test_it=f"""{BAKE}
    class TestIt:
        @pytest.mark.ycimages_cassette
        @pytest.mark.parametrize("disk", ["plain", "a/b"])
        def test_each(self, ycimages, disk):
            bake(ycimages.url, ycimages.token, ycimages.folder_id)

    @pytest.mark.ycimages_cassette(name="shared/one")
    def test_named(ycimages_factory):
        for _ in range(2):
            double = ycimages_factory()
            bake(double.url, double.token, double.folder_id)
    """
    )
    recorded(project, upstream, "--ycimages-cassette-dir=recorded").assert_outcomes(passed=3)
    found = cassettes(project, "recorded")
    assert found[:2] == ["shared/one-2.yaml", "shared/one.yaml"]
    assert found[3] == "test_it/TestIt.test_each[plain].yaml"
    assert found[2].startswith("test_it/TestIt.test_each[a-b]-")
    project.makeini("[pytest]\nycimages_cassette_dir = recorded\n")
    project.runpytest().assert_outcomes(passed=3)


@pytest.mark.costly
def test_a_client_that_cannot_be_told_an_address_replays_through_vcrpy(
    project: pytest.Pytester, upstream: Double
) -> None:
    """The fixture alone asks for a cassette; the real host names are answered, and the same file serves both ways."""
    project.makepyfile(
        test_it=f"""{BAKE}
    COMPUTE = "https://compute.api.cloud.yandex.net"

    def test_in_process(ycimages_cassette, ycimages):
        bake(COMPUTE, ycimages.token, ycimages.folder_id)
        assert ycimages_cassette.path.name == "test_in_process.yaml"
        assert ycimages_cassette.metadata.origin == "fake"
        assert [call.method for call in ycimages.calls][0] == "images.create"

    @pytest.mark.ycimages_cassette("test_it/test_in_process")
    def test_by_address(ycimages):
        bake(ycimages.url, ycimages.token, ycimages.folder_id)

    @pytest.mark.ycimages_cassette("test_it/test_in_process")
    def test_intercepted(ycimages_intercept):
        bake(COMPUTE, ycimages_intercept.token, ycimages_intercept.folder_id)
    """
    )
    recorded(project, upstream, "-k", "in_process").assert_outcomes(passed=1, deselected=2)
    project.runpytest().assert_outcomes(passed=3)
    project.runpytest("--ycimages-mode=fake", "-k", "in_process").assert_outcomes(passed=1, deselected=2)


def test_in_replay_a_trap_gets_no_byte(project: pytest.Pytester, upstream: Double) -> None:
    """Not even from an upstream that is set, nor from a client that goes elsewhere and swallows what it is raised."""
    project.makepyfile(
        test_it=f"""{MARKED}
    @pytest.mark.ycimages_cassette("test_it/test_bakes")
    def test_goes_elsewhere(ycimages):
        bake(ycimages.url, ycimages.token, ycimages.folder_id)
        try:
            requests.get("https://example.com", timeout=1)
        except Exception:
            pass
    """
    )
    recorded(project, upstream, "-k", "bakes").assert_outcomes(passed=1, deselected=1)
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0)
        result = project.runpytest(f"--ycimages-upstream=http://127.0.0.1:{trap.getsockname()[1]}")
        with pytest.raises(BlockingIOError):
            trap.accept()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*NetworkRefusedError: Refused to look up the address of 'example.com'*"])


def test_a_request_without_an_answer_fails_the_test_that_swallows_it(
    project: pytest.Pytester, upstream: Double
) -> None:
    """The report has the nearest request, what differs, and the journal."""
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream).assert_outcomes(passed=1)
    project.makepyfile(test_it=MARKED.replace("folder_id)\n", "folder_id, family='ubuntu')\n"))
    result = project.runpytest()
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*NoMatchError: The cassette has no answer for POST /compute/v1/images",
            '*body.family: recorded nothing, asked "ubuntu"',
            "*record again: pytest test_it.py::test_bakes --ycimages-mode=record",
        ]
    )
    result.stdout.fnmatch_lines(["1 calls, mode replay, <Cassette *", "*images.create*FAILED_PRECONDITION*"])


@pytest.mark.costly
def test_unused_interactions_fail_a_test_that_passes(project: pytest.Pytester, upstream: Double) -> None:
    """Not one that has failed already."""
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream)
    project.makepyfile(
        test_it="""
    import pytest
    @pytest.mark.ycimages_cassette
    def test_bakes(ycimages): pass
    @pytest.mark.ycimages_cassette("test_it/test_bakes")
    def test_fails(ycimages): raise AssertionError
    @pytest.mark.ycimages_cassette("test_it/test_bakes", unused_interactions="ignore")
    def test_does_not_mind(ycimages): pass
    """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*CassetteUnusedError: The test never asked for 3 of 3 interactions of *"])


@pytest.mark.parametrize("left", ["skip", "xfail"])
def test_a_test_that_is_skipped_on_its_way_need_not_ask_for_the_rest(
    left: str, project: pytest.Pytester, upstream: Double
) -> None:
    """Nor one that fails as was expected; but a request without an answer is an error all the same."""
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream)
    project.makepyfile(
        test_it=f"""{BAKE}
    @pytest.mark.ycimages_cassette
    def test_bakes(ycimages):
        pytest.{left}("no quota")

    @pytest.mark.ycimages_cassette("test_it/test_bakes")
    def test_asks_for_more(ycimages):
        requests.get(f"{{ycimages.url}}/compute/v1/images/other")
        pytest.{left}("no quota")
    """
    )
    project.runpytest().assert_outcomes(errors=1, **{{"skip": "skipped", "xfail": "xfailed"}[left]: 2})


def test_what_a_cassette_says_against_a_test_is_shown_without_our_code(
    project: pytest.Pytester, upstream: Double
) -> None:
    """At pytest's own `--tb`: the message is all that there is, and pytest counts an error beside the test."""
    asks_another = """
    @pytest.mark.ycimages_cassette("test_it/test_bakes")
    def test_asks_another(ycimages):
        requests.get(f"{ycimages.url}/compute/v1/images/other")

    @pytest.mark.ycimages_cassette("test_it/test_bakes")
    def test_asks_nothing(ycimages):
        pass

    @pytest.mark.ycimages_cassette("test_it/test_bakes", unused_interactions="ignore")
    def test_goes_elsewhere(ycimages):
        try:
            requests.get("https://example.com", timeout=1)
        except Exception:
            pass
    """
    project.makepyfile(test_it=MARKED + asks_another)
    recorded(project, upstream, "-k", "bakes").assert_outcomes(passed=1, deselected=3)
    result = project.runpytest()
    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines(["E * pytest_ycimages.NoMatchError: The cassette has no answer for *"])
    result.stdout.fnmatch_lines(["E * pytest_ycimages.CassetteUnusedError: The test never asked for *"])
    result.stdout.fnmatch_lines(["E * pytest_ycimages.NetworkRefusedError: Refused to look up *"])
    shown = result.stdout.str()
    assert not [name for name in ("def ycimages_factory", "def finish", "contextlib", "guard.py") if name in shown]


@pytest.mark.costly
def test_a_client_that_is_refused_the_network_sees_its_own_code_and_not_ours(
    project: pytest.Pytester, upstream: Double
) -> None:
    """In the failure of the test itself."""
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream)
    project.makepyfile(
        test_it="""
    import socket
    import pytest
    @pytest.mark.ycimages_cassette(unused_interactions="ignore")
    def test_bakes(ycimages):
        socket.create_connection(("example.com", 443))
    @pytest.mark.ycimages_cassette("test_it/test_bakes", unused_interactions="ignore")
    def test_connects(ycimages):
        with socket.socket() as client:
            client.connect(("example.com", 443))
    """
    )
    result = project.runpytest()
    result.assert_outcomes(failed=2, errors=2)
    assert result.stdout.str().count('socket.create_connection(("example.com", 443))') == 1
    result.stdout.no_fnmatch_line("*guard.py*")


@pytest.mark.costly
def test_the_recording_of_a_test_that_fails_does_not_replace_a_good_one(
    project: pytest.Pytester, upstream: Double
) -> None:
    """A new one is kept, for somebody may want to see it."""
    project.makepyfile(test_it=MARKED.replace('"READY"', '"ERROR"'))
    recorded(project, upstream).assert_outcomes(failed=1)
    path = project.path / "cassettes" / "test_it" / "test_bakes.yaml"
    before = path.read_bytes()
    recorded(project, upstream).assert_outcomes(failed=1)
    assert path.read_bytes() == before
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream).assert_outcomes(passed=1)
    assert path.read_bytes() != before
    assert read_cassette(path).is_complete


@pytest.mark.costly
@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_run_used_is_written_down(workers: int, project: pytest.Pytester, upstream: Double) -> None:
    """Of all its workers together: of a cassette that several tests share, what none of them used."""
    tests = f"""{BAKE}
    @pytest.mark.ycimages_cassette("one", unused_interactions="ignore")
    @pytest.mark.parametrize("number", range(4))
    def test_bakes(ycimages, number):
        if number == 2:
            bake(ycimages.url, ycimages.token, ycimages.folder_id)
    @pytest.mark.ycimages_cassette("two", unused_interactions="ignore")
    def test_nothing(ycimages):
        pass
    """
    project.makepyfile(test_it=tests)
    recorded(project, upstream, "-k", "bakes and 2").assert_outcomes(passed=1, deselected=4)
    folder = project.path / "cassettes"
    (folder / "two.yaml").write_bytes((folder / "one.yaml").read_bytes())
    (folder / "nobodys.json").write_text("{}")
    result = project.runpytest("-n", str(workers)) if workers else project.runpytest()
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["*ycimages: cassettes that no test uses*", f"{folder / 'nobodys.json'}"])
    usage = json.loads((project.path / ".pytest_cache" / "d" / "ycimages" / "usage.json").read_text())
    assert usage == {
        "cassettes": {
            str(folder / "one.yaml"): {"interactions": 3, "unused": []},
            str(folder / "two.yaml"): {"interactions": 3, "unused": [0, 1, 2]},
        },
        "orphans": [str(folder / "nobodys.json")],
    }


@pytest.mark.costly
@pytest.mark.parametrize(("severity", "outcome", "sections"), [("warn", 0, 1), ("fail", 1, 1), ("ignore", 0, 0)])
def test_cassettes_that_no_test_uses_fail_the_run_or_are_named_or_left_alone(
    severity: str, outcome: int, sections: int, project: pytest.Pytester, upstream: Double
) -> None:
    """Only when all tests were collected: else nobody knows."""
    project.makeini(f"[pytest]\nycimages_orphans = {severity}\n")
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream)
    (project.path / "cassettes" / "nobodys.yaml").write_text("version: 1\n")
    result = project.runpytest()
    assert result.ret == outcome
    assert result.stdout.str().count("cassettes that no test uses") == sections
    result = project.runpytest("test_it.py")
    assert result.ret == 0
    assert "nobodys.yaml" not in result.stdout.str()


@pytest.mark.costly
def test_a_suite_can_be_held_against_whoever_answers_today(project: pytest.Pytester, upstream: Double) -> None:
    """The fake without an upstream, else that; each test fails for what differs in its own cassette."""
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream).assert_outcomes(passed=1)
    project.runpytest("--ycimages-mode=verify").assert_outcomes(passed=1)
    calls = len(upstream.calls)
    project.runpytest("--ycimages-mode=verify", f"--ycimages-upstream={upstream.url}").assert_outcomes(passed=1)
    assert len(upstream.calls) > calls
    with Double(contract="current") as changed:
        result = project.runpytest("--ycimages-mode=verify", f"--ycimages-upstream={changed.url}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*CassetteDiffersError: *test_bakes.yaml*", "*hardwareGeneration: *", "*pytest test_it.py::test_bakes*"]
    )


def test_a_run_without_pytests_cache_writes_nothing_down(project: pytest.Pytester, upstream: Double) -> None:
    """And replays all the same."""
    project.makepyfile(test_it=MARKED)
    recorded(project, upstream, "-p", "no:cacheprovider").assert_outcomes(passed=1)
    project.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert not (project.path / ".pytest_cache").exists()


def test_a_test_without_a_cassette_knows_nothing_of_them(project: pytest.Pytester) -> None:
    """Neither a folder nor a file in the cache nor a section of the report."""
    project.makepyfile(test_it="def test_it(ycimages): pass")
    result = project.runpytest()
    result.assert_outcomes(passed=1)
    assert "cassettes that" not in result.stdout.str()
    assert not (project.path / ".pytest_cache" / "d" / "ycimages").exists()


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        ('"one", "two"', "*: it takes one name; it was given ('one', 'two')*"),
        ('"one", name="two"', "*: it takes one name; it was given ('one', 'two')*"),
        ("name=None", "*: it takes one name; it was given (None,)*"),
        ("5", "*: it takes one name; it was given (5,)*"),
        ('"one", volatil={}', "*Unknown setting 'volatil'. Did you mean 'volatile'?*"),
        ('"one", mode="rekord"', "*mode='rekord': Input should be 'fake', 'replay', 'record', 'missing' or 'verify'*"),
    ],
)
def test_a_marker_that_cannot_be_says_what_would(marker: str, text: str, project: pytest.Pytester) -> None:
    """Two names, no name, a setting that does not exist, a value that cannot be."""
    project.makepyfile(
        test_it=f"""
    import pytest
    @pytest.mark.ycimages_cassette({marker})
    def test_it(ycimages): pass
    """
    )
    result = project.runpytest()
    assert result.ret != 0
    pytest.LineMatcher([*result.outlines, *result.errlines]).fnmatch_lines([text])


@pytest.mark.costly
def test_virtual_time_rules_over_a_replay(project: pytest.Pytester, upstream: Double) -> None:
    """Both fixtures in one test: the wait takes no time, and the operation is done when it was done."""
    project.makepyfile(test_it=MARKED.replace("(ycimages)", "(ycimages_time, ycimages)"))
    recorded(project, upstream).assert_outcomes(passed=1)
    project.runpytest().assert_outcomes(passed=1)
