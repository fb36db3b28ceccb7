"""What a run was given, checked at its start: keys and values of the configuration, the environment, and markers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ycimages import Settings, UsageError
from pytest_ycimages.errors import nearest
from pytest_ycimages.plugin import settings as plugin_settings
from pytest_ycimages.plugin.cassettes import CASSETTE_KEYS
from pytest_ycimages.plugin.configuration import _environment, _is_meant
from pytest_ycimages.settings import merged
from tests.words.typos import one_edit_away

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = [*(f"ycimages_{name}" for name in plugin_settings._INI), *CASSETTE_KEYS]  # noqa: SLF001 - the list itself
ONE_TEST = "def test_one(ycimages): assert ycimages.url"


@pytest.mark.costly
@given(st.data(), st.sampled_from(KEYS))
@settings(max_examples=100)
def test_a_key_one_edit_away_is_meant_for_the_plugin_and_has_the_nearest(data: st.DataObject, key: str) -> None:
    """A key of another plugin is not."""
    typo = data.draw(one_edit_away(key).filter(lambda text: text not in KEYS))

    assert _is_meant(typo, KEYS)
    assert nearest(typo, KEYS)
    for other in ("asyncio_mode", "timeout", "images", "markers", "xfail_strict", "DJANGO_SETTINGS_MODULE", "seed"):
        assert not _is_meant(other, KEYS)


@given(st.data(), st.sampled_from(sorted(Settings.model_fields)))
@settings(max_examples=60)
def test_a_setting_one_edit_away_is_refused_with_the_nearest(data: st.DataObject, name: str) -> None:
    """By markers, `ycimages_factory` and `Double`, which read them alike."""
    typo = data.draw(one_edit_away(name).filter(lambda text: text not in Settings.model_fields))

    with pytest.raises(UsageError, match="Unknown setting") as raised:
        merged({typo: 1})
    assert "Did you mean" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tox.ini", "[pytest]\nminversion = 8\nycimages_timming = 3", "tox.ini:3: unknown key 'ycimages_timming'."),
        ("pytest.ini", "[pytest]\nycimage_latency = 3", "pytest.ini:2: unknown key 'ycimage_latency'. Did"),
        (
            "setup.cfg",
            "[tool:pytest]\n\nycimages_latncy=3",
            "setup.cfg:3: unknown key 'ycimages_latncy'. Did",
        ),
        (
            "pytest.toml",
            "[pytest]\nycimages_faulst = []",
            "pytest.toml:2: unknown key 'ycimages_faulst'. Did",
        ),
        (
            "pyproject.toml",
            "[tool.pytest]\nciimages_mode = 'fake'",
            ".toml:2: unknown key 'ciimages_mode'. Did",
        ),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nycimages_see = 3",
            ".toml:2: unknown key 'ycimages_see'",
        ),
        (
            "pytest.ini",
            "[pytest]\nycimages_timing = forever",
            "pytest.ini:2: ycimages_timing: Unknown timing 'forever'. Did",
        ),
        ("pytest.ini", "[pytest]\nycimages_auth = offf", "'off' (did you mean 'off'?)"),
        ("pytest.toml", "[pytest]\nycimages_latency = -1", "pytest.toml:2: ycimages_latency: invalid latency"),
        ("pytest.toml", "[pytest]\nycimages_latency = true", "pytest.toml:2: ycimages_latency: invalid latency True"),
        ("pytest.toml", "[pytest]\nycimages_faults = ['unavailabl()']", "Did you mean 'unavailable'?"),
        ("pytest.toml", "[pytest.ycimages_latency]\n'images.creat' = 1", "Did you mean 'images.create'?"),
    ],
)
def test_what_is_misspelt_in_a_file_ends_the_run_with_its_line(
    project: pytest.Pytester, name: str, text: str, said: str
) -> None:
    """Once, before the first test, and without a traceback."""
    project.path.joinpath(name).write_text(text)
    project.makepyfile(ONE_TEST)

    result = project.runpytest_inprocess()

    printed = "\n".join([*result.outlines, *result.errlines])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert printed.count(said) == 1
    assert "pydantic" not in printed
    assert "Traceback" not in printed


def test_all_mistakes_are_told_at_once(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the file, of `-o` and of the environment."""
    monkeypatch.setenv("YCIMAGES_LATNCY", "5")
    project.makeini("[pytest]\nycimages_timming = 3\nycimages_sed = 4")
    project.makepyfile(ONE_TEST)

    result = project.runpytest_inprocess("-o", "ycimages_aut=off")

    result.stderr.fnmatch_lines(
        [
            "*tox.ini:2: unknown key 'ycimages_timming'. Did you mean 'ycimages_timing'?",
            "*tox.ini:3: unknown key 'ycimages_sed'. Did you mean 'ycimages_seed'?",
            "*-o: unknown key 'ycimages_aut'. Did you mean 'ycimages_auth'?",
            "*environment: the variable YCIMAGES_LATNCY is not read. Did you mean the key 'ycimages_latency'?*",
        ]
    )


@pytest.mark.parametrize("variable", ["YCIMAGES_LATENCY", "YCIMAGES_LATNCY", "YCIMAGE_TIMING", "yc_images_mode"])
def test_an_environment_variable_like_a_setting_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """It would have no effect. Others of a project are its own."""
    monkeypatch.setenv("YCIMAGES_URL", "http://x")
    monkeypatch.setenv("YCIMAGES_BUCKET", "x")
    assert _environment(KEYS) == []
    monkeypatch.setenv(variable, "5")
    assert len(_environment(KEYS)) == 1


VALUES: dict[str, tuple[str, Any]] = {
    "mode": ('"fake"', "fake"),
    "upstream": ('"http://127.0.0.1:1"', "http://127.0.0.1:1"),
    "replay_pace": ('"time"', "time"),
    "volatile": ('{name = "bake-*"}', {"name": "bake-*"}),
    "unused_interactions": ('"warn"', "warn"),
    "scrub": ('["a", "re:b c"]', ("a", "re:b c")),
    "keep": ('["a"]', ("a",)),
    "pseudonyms": ("true", True),
    "max_age": ("30", 30),
    "expired": ('"fail"', "fail"),
    "allowed_hosts": ('["a.example"]', ("a.example",)),
    "seed": ("42", 42),
    "contract": ('"current"', "current"),
    "auth": ('"off"', "off"),
    "oauth": ('"too_new"', "too_new"),
    "timing": ("2.5", "After(seconds=2.5)"),
    "latency": ("0.2", "0.2"),
    "latency_order": ('"latency_first"', "latency_first"),
    "outcome": ("\"Failure('ABORTED')\"", "Failure('ABORTED')"),
    "rollback": ('"1m30s"', 90),
    "cancel": ('"loses"', "loses"),
    "cancel_delay": ("0", 0),
    "faults": ('["slow(200ms), expect=False", {fault = "reset()", on = "images.create", expect = false}]', 2),
    "clock": ('"manual"', "manual"),
    "unknown_fields": ('"ignore"', "ignore"),
    "unknown_resources": ('"not_found"', "not_found"),
    "idempotency_key_format": ('"uuid"', "uuid"),
    "idempotency_key_reuse": ('"reject"', "reject"),
    "missing_source": ('"not_found"', "not_found"),
    "filter_fields": ('"all"', "all"),
    "operation_retention": ('"14d"', 14 * 86400),
    "poll_interval": ("5", 5),
    "quotas": ('{images = 5, total_size = "10GiB"}', "Quotas(images=5, total_size=10737418240)"),
    "served_hosts": ('["b.example"]', ("b.example",)),
    "intercept_hosts": ('["c.example"]', ("c.example",)),
    "real_hosts": ('"allow"', "allow"),
    "violation_paths": ('"snake_case"', "snake_case"),
}


def _shown(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


@pytest.mark.parametrize("table", ["pytest", "tool.pytest", "tool.pytest.ini_options"])
def test_every_setting_takes_the_types_of_toml(project: pytest.Pytester, table: str) -> None:
    """Numbers, booleans, arrays and tables, in `pytest.toml` and in both tables of `pyproject.toml`."""
    assert list(VALUES) == list(plugin_settings._INI), "a setting has no row"  # noqa: SLF001 - the list itself
    name = "pytest.toml" if table == "pytest" else "pyproject.toml"
    lines = [f"[{table}]", *(f"ycimages_{setting} = {toml}" for setting, (toml, _) in VALUES.items())]
    project.path.joinpath(name).write_text("\n".join(lines))
    project.makepyfile(
        """
        import json
        from pathlib import Path

        def test_settings(ycimages):
            shown = {name: getattr(ycimages.settings, name) for name in type(ycimages.settings).model_fields}
            Path("shown.json").write_text(json.dumps(shown, default=str))
        """
    )

    result = project.runpytest_inprocess("-W", "error")

    result.assert_outcomes(passed=1)
    shown: Mapping[str, Any] = json.loads(project.path.joinpath("shown.json").read_text())
    for setting, (_, wanted) in VALUES.items():
        if setting == "faults":
            assert len(shown[setting]) == wanted
        elif setting == "quotas":
            assert shown[setting].startswith("Quotas(images=5, total_size=10737418240")
        else:
            assert shown[setting] == _shown(wanted), setting


def test_an_option_wins_over_a_native_value_and_zero_is_a_value(project: pytest.Pytester) -> None:
    """`-o` gives text, as in an ini file."""
    project.path.joinpath("pytest.toml").write_text("[pytest]\nycimages_latency = 5\nycimages_cancel_delay = 0")
    project.makepyfile(
        """
        def test_settings(ycimages):
            assert str(ycimages.latency) == "0.2"
            assert ycimages.cancel_delay == 0
        """
    )

    project.runpytest_inprocess("-o", "ycimages_latency=200ms").assert_outcomes(passed=1)


def test_misspelt_markers_fail_the_collection_of_their_module_once(project: pytest.Pytester) -> None:
    """With their line, the nearest name, and no traceback. A marker that the project registers is its own."""
    project.makeini("[pytest]\nmarkers = yc_images: ours")
    project.makepyfile(
        """
        import pytest

        @pytest.mark.ycimages(timming=30)
        @pytest.mark.parametrize("number", range(3))
        def test_a(ycimages, number): pass

        @pytest.mark.ycimagess(timing=30)
        def test_b(ycimages): pass

        @pytest.mark.ycimage_cassette
        def test_c(ycimages): pass

        @pytest.mark.ycimages(30)
        def test_d(ycimages): pass

        @pytest.mark.ycimages(faults=["unavailabl()"])
        class TestE:
            def test_e(self, ycimages): pass
            def test_f(self, ycimages): pass

        @pytest.mark.ycimages_cassette("a", "b")
        def test_g(ycimages): pass

        @pytest.mark.yc_images
        @pytest.mark.images
        def test_h(ycimages): pass

        @pytest.mark.ycimages(latency="5x", mode="fake")
        def test_i(ycimages): pass
        """
    )

    result = project.runpytest_inprocess("-W", "ignore")

    printed = result.stdout.str()
    result.assert_outcomes(errors=1)
    for said in (
        ".py:3: @pytest.mark.ycimages(timming=...): Unknown setting 'timming'. Did you mean 'timing'?",
        ": unknown marker 'ycimagess'. Did you mean 'ycimages'?",
        ": unknown marker 'ycimage_cassette'. Did you mean 'ycimages_cassette'?",
        ": @pytest.mark.ycimages(30): it takes settings by name, such as timing=30; it was given (30,).",
        "::TestE: @pytest.mark.ycimages(faults=...): Unknown fault",
        ": @pytest.mark.ycimages_cassette('a', 'b'): it takes one name; it was given ('a', 'b').",
        ": @pytest.mark.ycimages(latency=..., mode=...): invalid latency '5x'",
    ):
        assert printed.count(said) == 1, said
    assert "yc_images" not in printed
    assert "Traceback" not in printed


def test_a_marker_without_a_double_is_warned_of(project: pytest.Pytester) -> None:
    """Once for a marker, and not for a class or module of which some tests have a double."""
    project.makepyfile(
        test_some="""
        import pytest
        pytestmark = pytest.mark.ycimages(timing=5)
        def test_with(ycimages): pass
        def test_without(): pass
        """,
        test_others="""
        import pytest

        @pytest.mark.ycimages(timing=30)
        def test_alone(): pass

        @pytest.mark.ycimages_cassette
        class TestNone:
            def test_one(self): pass
            def test_two(self): pass

        @pytest.mark.ycimages(timing=30)
        def test_dynamic(request):
            request.getfixturevalue("ycimages")

        @pytest.mark.ycimages(timing=30)
        def test_skipped():
            pytest.skip("not now")

        @pytest.fixture
        def client(ycimages): return ycimages

        @pytest.mark.ycimages(timing=30)
        def test_by_a_fixture(client): pass

        @pytest.mark.ycimages(timing=30)
        def test_experiment(ycimages_experiment): pass
        """,
    )

    result = project.runpytest_inprocess("-m", "not nothing")

    result.assert_outcomes(passed=8, skipped=1, warnings=2)
    result.stdout.fnmatch_lines(
        [
            "*MarkerWarning: test_others.py:3: @pytest.mark.ycimages(timing=...) has no effect: no test that has it*",
            "*MarkerWarning: test_others.py::TestNone: @pytest.mark.ycimages_cassette() has no effect: no test that*",
        ]
    )


_AROUND = {
    "the plugin's": "def ycimages(ycimages):\n    return ycimages",
    "the factory": "def ycimages(ycimages_factory):\n    return ycimages_factory()",
    "the factory when it runs": "def ycimages(request):\n    return request.getfixturevalue('ycimages_factory')()",
}
_REPLACING = {
    "a value": "def ycimages():\n    return 1",
    "a value that ends": "def ycimages():\n    yield 1",
    "the settings alone": "def ycimages(ycimages_settings):\n    return 1",
}


def _run_with(fixture: str, project: pytest.Pytester) -> pytest.RunResult:
    project.makeconftest(f"import pytest\n\n@pytest.fixture\n{fixture}\n")
    project.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.ycimages(timing=3)

        def test_one(ycimages): ...
        def test_two(ycimages): ...
        """
    )
    return project.runpytest_inprocess()


@pytest.mark.parametrize("fixture", _REPLACING.values(), ids=_REPLACING)
def test_a_fixture_that_replaces_ours_is_told_with_its_place(fixture: str, project: pytest.Pytester) -> None:
    """Once for a marker, which it does not read."""
    result = _run_with(fixture, project)
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(
        ["*MarkerWarning: *timing=...) has no effect on *::test_*: the fixture `ycimages` of conftest.py:3 replaces *"]
    )


def test_a_fixture_that_replaces_ours_is_told_of_tests_that_fail_or_have_another_double(
    project: pytest.Pytester,
) -> None:
    """Each marker is told of once, also if other tests that have it take a double that reads it."""
    project.makepyfile(
        """
        import pytest
        from pytest_ycimages import Double

        pytestmark = pytest.mark.ycimages(seed=3)

        @pytest.fixture
        def made(): return Double()

        @pytest.fixture
        def ycimages(made):
            with made:
                yield made

        @pytest.fixture
        def broken(): raise ValueError

        def test_of_the_plugin(ycimages_factory): assert ycimages_factory().settings.seed == 3

        @pytest.mark.ycimages(timing=30)
        def test_that_fails(ycimages): assert ycimages.settings.timing == 30

        @pytest.mark.ycimages_cassette("bake")
        def test_without_its_call(ycimages, broken): ...

        @pytest.mark.ycimages(timing=31)
        def test_beside_ours(ycimages, ycimages_factory): assert ycimages_factory().settings.timing.seconds == 31
        """
    )

    result = project.runpytest_inprocess("-p", "no:randomly")

    result.assert_outcomes(passed=2, failed=1, errors=1, warnings=4)
    result.stdout.fnmatch_lines(
        [
            "*@pytest.mark.ycimages(timing=...) has no effect on *::test_that_fails: the fixture `ycimages` of *py:9 *",
            "*@pytest.mark.ycimages(seed=...) has no effect on *::test_that_fails: the fixture `ycimages` of *py:9 *",
            "*@pytest.mark.ycimages_cassette('bake') has no effect on *::test_without_its_call: the fixture *",
            "*@pytest.mark.ycimages(timing=...) has no effect on *::test_beside_ours: the fixture `ycimages` of *",
        ]
    )


@pytest.mark.parametrize("fixture", _AROUND.values(), ids=_AROUND)
def test_a_fixture_around_ours_is_none(fixture: str, project: pytest.Pytester) -> None:
    """The marker has its effect."""
    _run_with(fixture, project).assert_outcomes(passed=2, warnings=0)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("ycimages(30)", "@pytest.mark.ycimages: it takes settings by name, such as timing=30; it was given (30,)."),
        ("ycimages_cassette(5)", "@pytest.mark.ycimages_cassette: it takes one name; it was given (5,)."),
    ],
)
def test_a_wrong_marker_that_a_fixture_adds_is_refused_by_the_double(
    marker: str, words: str, project: pytest.Pytester
) -> None:
    """It is not there at the collection."""
    project.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        def marked(request):
            request.applymarker(pytest.mark.{marker})

        def test_it(marked, ycimages): pass
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert words in result.stdout.str()
