"""Results where continuous integration looks: JUnit XML, pytest-html, annotations of GitHub, and the report folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from pytest_ycimages import merge_shards, report_json, run_experiment
from pytest_ycimages.plugin.results import annotation
from tests.experiment.flawed_clients import success_on_error

CREDENTIAL: Final = "t1.9euelZqMkZKNj5iYlZqJkJGXkO3rnpWaxsqPlZSMzZ"
_TESTS: Final = f"""
    import json
    import os
    import pytest
    import urllib.request

    def create(double, **fields):
        body = json.dumps({{"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a", **fields}}).encode()
        headers = {{"Authorization": "Bearer {CREDENTIAL}"}}
        request = urllib.request.Request(double.url + "/compute/v1/images", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    @pytest.mark.parametrize("name", ["</script><b>&", "a/b", "\\x1b[31m"])
    def test_fails(ycimages, name):
        create(ycimages, description="</script><img src=x onerror=alert(1)>")
        lone = "" if "PYTEST_XDIST_WORKER" in os.environ else chr(0xD800)  # which pytest-xdist cannot send
        raise ValueError("]]> 100%\\n::error::\\x00\\x1b[31m<b>" + lone + "\\ufffe {CREDENTIAL}")

    def test_passes(ycimages):
        create(ycimages)

    def test_without_a_double():
        assert 0
    """


@pytest.fixture
def failing(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with failing tests, outside of GitHub."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # these are no worker's, though this test is
    project.makepyfile(_TESTS)
    return project


def files(folder: Path, pattern: str = "*") -> list[Path]:
    """The files of a folder."""
    return sorted(folder.glob(pattern))


# JUnit XML.


@pytest.mark.costly
@pytest.mark.parametrize("logging", ["no", "all"])
@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_junit_xml_has_the_journal_and_the_seed(logging: str, family: str, failing: pytest.Pytester) -> None:
    """Of a test that fails; that of one that passes has its seed."""
    options = ("-o", f"junit_logging={logging}", "-o", f"junit_family={family}", "--ycimages-seed=7")
    failing.runpytest_inprocess("--junitxml=out.xml", *options).assert_outcomes(failed=4, passed=1)
    text = (failing.path / "out.xml").read_text(encoding="utf-8")
    cases = ET.fromstring(text).iter("testcase")  # noqa: S314 - our own
    by_name = {case.attrib["name"]: case for case in cases}
    failed = by_name["test_fails[a/b]"]
    (journal,) = (each.text for each in failed.iter("system-out") if each.text and "ycimages: " in each.text)
    assert re.search(r"^\+\S+ +images.create +POST /compute/v1/images  OK  running", journal, re.MULTILINE)
    assert "reproduce with: --ycimages-seed=7" in journal
    for name in ("test_fails[a/b]", "test_passes"):
        seeds = [
            each.attrib["value"] for each in by_name[name].iter("property") if each.attrib["name"] == "ycimages_seed"
        ]
        assert seeds == ["7"]
    for name in ("test_passes", "test_without_a_double"):
        assert not [each for each in by_name[name].iter("system-out") if "ycimages" in (each.text or "")]
    assert not list(by_name["test_without_a_double"].iter("property"))


@pytest.mark.costly
def test_a_run_without_junit_xml_or_pytest_html_is_as_before(failing: pytest.Pytester) -> None:
    """Both may be switched off, or absent."""
    result = failing.runpytest_inprocess("-p", "no:junitxml", "-p", "no:html", "--ycimages-report-dir=out")
    result.assert_outcomes(failed=4, passed=1)
    assert "::error file" not in result.stdout.str()


@pytest.mark.costly
def test_an_error_of_teardown_has_its_journal_at_its_own_test(project: pytest.Pytester) -> None:
    """The XML has one case for it, which is complete."""
    project.makepyfile(
        """
        from pytest_ycimages import reset

        def test_one(ycimages):
            ycimages.inject(reset(), on="images.delete")

        def test_two(ycimages):
            ycimages.inject(reset(), on="images.delete")
            assert 0
        """
    )
    project.runpytest_inprocess("--junitxml=out.xml").assert_outcomes(passed=1, failed=1, errors=1)
    root = ET.parse(project.path / "out.xml")  # noqa: S314 - our own
    found = {case.attrib["name"]: [each.tag for each in case] for case in root.iter("testcase")}
    assert found == {
        "test_one": ["properties", "system-out", "error"],
        "test_two": ["properties", "failure", "system-out"],
    }


# Annotations.


@pytest.mark.costly
def test_github_shows_failing_tests_at_their_lines(failing: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last calls; text of clients cannot become a command, and secrets are not in it."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(failing.path.parent))
    result = failing.runpytest_inprocess("-k", "a/b or without or passes")
    commands = [line for line in result.outlines if line.startswith("::")]
    (command,) = commands
    file = f"{failing.path.name}/test_github_shows_failing_tests_at_their_lines.py"
    start, _, message = command[2:].partition("::")
    assert start.startswith(f"error file={file},line=17,title=test_github_shows_failing_tests_at_their_lines.py%3A%3A")
    assert message.startswith("ValueError: ]]> 100%25%0A::error::\\x00\\x1b[31m<b>\\ud800")
    assert "images.create" in message
    assert CREDENTIAL not in command


@pytest.mark.parametrize("given", ["", "false", "1"])
def test_elsewhere_nothing_is_annotated(given: str, failing: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub sets its variable to true."""
    monkeypatch.setenv("GITHUB_ACTIONS", given)
    assert "::error file" not in failing.runpytest_inprocess("-k", "a/b").stdout.str()


@pytest.mark.parametrize("text", ["%", "a\rb", "a\nb", "::", "%0A", "é", "%25\n"])
def test_a_command_is_one_line_that_gives_the_text_back(text: str, tmp_path: Path) -> None:
    """By the rules of workflow commands: percent, carriage return and newline are escaped."""
    report = pytest.TestReport(f"test_a.py::{text}", ("test_a.py", 3, "x"), {}, "failed", text, "call")
    command = annotation(report, tmp_path, [])
    assert len(command.splitlines()) == 1
    start, _, message = command[2:].partition("::")
    given = dict(each.split("=", 1) for each in start.removeprefix("error ").split(","))
    assert _decoded(given["title"]) == f"test_a.py::{text}"
    assert _decoded(message) == text.rstrip("\n").replace("\r", "\\r")
    assert given["line"] == "4"


def _decoded(text: str) -> str:
    return re.sub("%(0A|0D|25|2C|3A)", lambda found: chr(int(found[1], 16)), text)


# The folder.


@pytest.mark.costly
def test_the_folder_has_a_page_of_each_failing_test_with_a_double(failing: pytest.Pytester) -> None:
    """And an index, which has what the tests said; neither has secrets, nor markup of clients."""
    result = failing.runpytest_inprocess("--ycimages-report-dir=out")
    result.stdout.fnmatch_lines(["ycimages: failing tests and experiments are in */out/index.html"])
    out = failing.path / "out"
    pages = files(out, "test-*.html")
    assert len(pages) == 3
    assert files(out) == [out / ".ycimages-files", out / "index.html", *pages]
    for page in (*pages, out / "index.html"):
        assert re.fullmatch(r"[\w.-]+", page.name, re.ASCII)
        text = page.read_text(encoding="utf-8")
        assert CREDENTIAL not in text
        assert "<img src=x" not in text
        assert "<b>" not in text
        assert "\x1b" not in text
        assert "Content-Security-Policy".lower() in text.lower()
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "]]&gt; 100%" in index
    assert all(f'<a href="{page.name}">' in index for page in pages)
    assert "without_a_double" not in index


@pytest.mark.costly
def test_old_files_are_removed_and_those_of_others_are_kept(failing: pytest.Pytester) -> None:
    """The next run has what it found alone."""
    out = failing.path / "out"
    out.mkdir()
    (out / "mine.html").write_text("mine")
    failing.runpytest_inprocess("--ycimages-report-dir=out")
    assert len(files(out, "test-*.html")) == 3
    with (out / ".ycimages-files").open("a") as file:
        file.write("mine.html\n../outside.html\ntest-../x.html\n\n")
    (failing.path / "outside.html").write_text("mine")
    failing.runpytest_inprocess("--ycimages-report-dir=out", "--collect-only")
    assert len(files(out, "test-*.html")) == 3
    failing.runpytest_inprocess("--ycimages-report-dir=out", "-k", "passes")
    assert [path.name for path in files(out)] == [".ycimages-files", "index.html", "mine.html"]
    assert (failing.path / "outside.html").exists()


def test_a_folder_that_cannot_be_is_refused_at_the_start(failing: pytest.Pytester) -> None:
    """Before a test runs."""
    (failing.path / "out").write_text("a file")
    result = failing.runpytest_inprocess("--ycimages-report-dir=out/more")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ycimages-report-dir: */out/more cannot be written to: *. Name another folder."])


@pytest.mark.costly
def test_a_test_with_several_doubles_has_a_page_of_each(project: pytest.Pytester) -> None:
    """And several attempts of a test have one, of the last."""
    project.makepyfile(
        """
        def test_it(ycimages, ycimages_factory):
            ycimages_factory()
            assert 0
        """
    )
    project.runpytest_inprocess("--ycimages-report-dir=out", "-p", "rerunfailures", "--reruns=2").assert_outcomes(
        failed=1
    )
    assert len(files(project.path / "out", "test-*.html")) == 2


@pytest.mark.costly
@pytest.mark.slow
def test_the_controller_of_workers_writes_the_folder(failing: pytest.Pytester) -> None:
    """The same files as one process, from what workers that may be elsewhere have sent."""
    failing.runpytest_inprocess("--ycimages-report-dir=one").assert_outcomes(failed=4, passed=1)
    result = failing.runpytest_subprocess("--ycimages-report-dir=two", "--junitxml=out.xml", "-n2")
    result.assert_outcomes(failed=4, passed=1)
    one, two = ({path.name for path in files(failing.path / name)} for name in ("one", "two"))
    assert one == two
    assert (failing.path / "out.xml").read_text(encoding="utf-8").count("<system-out>ycimages: ") == 3


# Experiments.

_EXPERIMENT: Final = """
    import pytest
    from tests.experiment.flawed_clients import success_on_error

    @pytest.mark.ycimages_experiment(shards="auto")
    def test_it(ycimages_experiment):
        ycimages_experiment(success_on_error, faults="operation_fails()").assert_ok()
    """


@pytest.fixture
def experiment(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with an experiment that finds something."""
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    project.makepyfile(_EXPERIMENT)
    return project


@pytest.mark.costly
def test_the_folder_has_reports_and_tests_of_experiments(experiment: pytest.Pytester) -> None:
    """The tests can be run as they are; JUnit XML has the finding."""
    experiment.runpytest_inprocess("--ycimages-report-dir=out", "--junitxml=out.xml").assert_outcomes(failed=1)
    out = experiment.path / "out"
    report = run_experiment(success_on_error, faults="operation_fails()")
    (written,) = files(out, "experiment-*.json")
    assert written.read_text(encoding="utf-8") == report_json(report)
    (test,) = files(out, "experiment-*-finding-1.py")
    assert test.read_text(encoding="utf-8") == report.findings[0].test
    assert len(files(out, "experiment-*.html")) == 1
    root = ET.parse(experiment.path / "out.xml")  # noqa: S314 - our own
    found = [(each.attrib["name"], each.attrib["value"]) for each in root.iter("property")]
    assert ("ycimages_seed", "0") in found
    assert ("ycimages_finding", f"truthful: {report.findings[0].cause}") in found
    assert experiment.runpytest_inprocess("--collect-only", "-q").parseoutcomes() == {"test": 1}


@pytest.mark.slow
def test_workers_and_machines_make_the_files_of_one_run(experiment: pytest.Pytester) -> None:
    """To the last byte: two workers at once, and two machines with two workers each."""
    experiment.runpytest_inprocess("--ycimages-report-dir=one")
    experiment.runpytest_subprocess("--ycimages-report-dir=two", "-d", "--tx", "2*popen")
    one, two = (
        {path.name: path.read_bytes() for path in files(experiment.path / name, "experiment-*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 3
    for number in (1, 2):
        experiment.runpytest_subprocess("--ycimages-report-dir=three", f"--ycimages-shard={number}/2", "-n2")
    shards = files(experiment.path / "three", "experiment-*.json")
    assert len(shards) == 4
    merged = report_json(merge_shards(*(path.read_bytes() for path in shards)))
    (whole,) = (each for name, each in one.items() if name.endswith(".json"))
    assert merged.encode() == whole


def test_a_shard_that_goes_nowhere_is_refused(project: pytest.Pytester) -> None:
    """With the option that is missing."""
    result = project.runpytest_inprocess("--ycimages-shard=1/2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ycimages-shard=1/2 needs --ycimages-report-dir=DIR*"])


# pytest-html.


@pytest.mark.costly
def test_pytest_html_links_to_the_pages(failing: pytest.Pytester) -> None:
    """And has the journal and the seed, escaped."""
    options = ("-p", "pytest_html.plugin", "-p", "pytest_metadata.plugin", "--html=web/all.html")
    failing.runpytest_inprocess(*options, "--ycimages-report-dir=out", "--ycimages-seed=7")
    text = (failing.path / "web" / "all.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'data-jsonblob="([^"]*)"', text)[1].replace("&#34;", '"').replace("&amp;", "&"))  # type: ignore[index]  # it is there
    assert data["environment"]["ycimages seed"] == "7"
    (failed,) = (each for name, tests in data["tests"].items() for each in tests if "a/b" in name)
    (link,) = (each for each in failed["extras"] if each["name"] == "ycimages")
    assert (failing.path / "web" / link["content"]).is_file()
    assert "images.create" in failed["log"]


# A mismatch.


@pytest.mark.costly
@pytest.mark.parametrize("raises", [True, False])
def test_a_mismatch_is_printed_once(raises: bool, project: pytest.Pytester) -> None:  # noqa: FBT001 - a parameter
    """By the client, if it raises what it was told; else at the end of the test. The journal has its first line."""
    cassettes = project.mkdir("cassettes")
    shipped = Path(__file__).parents[2] / "cassettes" / "image-from-disk.yaml"
    (cassettes / "one.yaml").write_bytes(shipped.read_bytes())
    project.makepyfile(
        f"""
        import pytest
        import urllib.error
        import urllib.request

        @pytest.mark.ycimages_cassette("one")
        def test_it(ycimages):
            headers = {{"Authorization": "Bearer t"}}
            try:
                urllib.request.urlopen(urllib.request.Request(ycimages.url + "/operations/abc", headers=headers))
            except urllib.error.HTTPError as error:
                text = error.read().decode() if {raises} else "it failed"
            raise RuntimeError(text)
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=1, errors=0 if raises else 1)
    shown = result.stdout.str()
    assert shown.count("nearest:  interaction") == 1
    assert shown.count("The cassette has no answer for GET /operations/abc …") == 1  # in the journal
    assert shown.count("reproduce with: ") == 1
