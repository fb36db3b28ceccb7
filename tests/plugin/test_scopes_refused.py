"""What does not go together with shared doubles, and what the user is told to do instead."""

from __future__ import annotations

import pytest

from .test_scopes import HEAD, SCOPES

OWN: list[tuple[str, str]] = [
    (f"{family}_{narrow}".removesuffix("_function"), f"{family}_{wide}")
    for family in ("ycimages", "ycimages_factory", "ycimages_time")
    for narrow, wide in [("function", scope) for scope in SCOPES] + [("class", "module"), ("module", "session")]
]


@pytest.mark.parametrize(("fixture", "instead"), OWN)
def test_a_fixture_of_a_narrower_scope_names_the_one_to_use(
    project: pytest.Pytester, fixture: str, instead: str
) -> None:
    """Below pytest's own ScopeMismatch, which says only that it does not go."""
    scope = instead.rpartition("_")[2]
    project.makepyfile(f"""
        import pytest

        @pytest.fixture(scope="{scope}")
        def baked({fixture}):
            pass

        def test_it(baked):
            pass
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"ScopeMismatch: * {fixture} with a {scope} *", f"Use `{instead}` here*"])


@pytest.mark.parametrize(
    ("fixture", "advice"),
    [
        ("ycimages_intercept", "Use `with ycimages_module.intercept():` around *"),
        ("ycimages_cassette", "Use `with ycimages_module.through_vcrpy():` around *"),
        ("ycimages_experiment", "Use it in tests*"),
    ],
)
def test_other_fixtures_name_what_does_the_same(project: pytest.Pytester, fixture: str, advice: str) -> None:
    """A method of the shared double."""
    project.makepyfile(f"""
        import pytest

        @pytest.fixture(scope="module")
        def baked({fixture}):
            pass

        def test_it(baked):
            pass
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([advice])


@pytest.mark.parametrize("scope", SCOPES)
def test_settings_of_a_narrower_scope_are_refused(project: pytest.Pytester, scope: str) -> None:
    """They could not hold for a double that is older than the test."""
    project.makepyfile(f"""
        import pytest

        @pytest.fixture
        def ycimages_settings():
            return {{"timing": 5}}

        def test_it(ycimages_{scope}):
            pass
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f'Doubles of a {scope} *@pytest.fixture(scope="{scope}")*'])


def test_settings_that_differ_between_tests_that_share_a_double_are_refused(project: pytest.Pytester) -> None:
    """Whichever test came first would decide for the others."""
    for name, timing in (("a", 5), ("b", 6)):
        project.makepyfile(**{
            f"test_{name}": f"""
            import pytest

            @pytest.fixture(scope="session")
            def ycimages_settings():
                return {{"timing": {timing}}}

            def test_it(ycimages_session):
                pass
        """
        })  # fmt: skip
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    started = "which was started with the ycimages_settings of test_a.py:*"
    holds = "but the ycimages_settings of test_b.py:* holds for this test. Define ycimages_settings once*"
    result.stdout.fnmatch_lines([f"test_b.py::test_it uses ycimages_session, {started}, {holds}"])


MARKED = {
    "class": "@pytest.mark.ycimages on test_it.py::TestIt::test_1 reaches no double: the one of ycimages_class belongs "
    "to class test_it.py::TestIt. Put it on class test_it.py::TestIt; or use `ycimages`*",
    "module": "*reaches no double*Put it on module test_it.py; or*",
    "session": "*reaches no double*Give settings by the fixture ycimages_settings with scope=*",
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_marker_that_reaches_no_double_is_refused(project: pytest.Pytester, scope: str) -> None:
    """A test that has a double of its own beside the shared one may have markers for it."""
    project.makepyfile(
        test_it=HEAD
        + f"""
    class TestIt:
        @pytest.mark.ycimages(timing=5)
        def test_1(self, ycimages_{scope}):
            pass

        @pytest.mark.ycimages(timing=5)
        def test_2(self, ycimages_{scope}, ycimages):
            assert ycimages.settings.timing != ycimages_{scope}.settings.timing
"""
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([MARKED[scope]])


def test_a_marker_of_a_class_may_be_for_only_some_of_its_tests(project: pytest.Pytester) -> None:
    """As where a fixture with automatic use takes the double of the session."""
    project.makepyfile(
        HEAD
        + """
    @pytest.fixture(autouse=True)
    def server(ycimages_session):
        pass

    @pytest.mark.ycimages(timing=5)
    class TestIt:
        def test_1(self):
            pass

        def test_2(self, ycimages):
            assert ycimages.settings.timing.seconds == 5

    @pytest.mark.ycimages(timing=5)
    class TestOther:
        def test_3(self):
            pass
"""
    )
    project.runpytest_inprocess().assert_outcomes(passed=2, errors=1)


def test_interception_takes_the_double_of_the_test_and_then_the_narrowest(project: pytest.Pytester) -> None:
    """A test that asks for none has one of its own. Of several doubles of a factory, the user has to name one."""
    project.makepyfile(
        HEAD
        + """
    def test_1(ycimages_intercept, ycimages_session, ycimages_module):
        assert ycimages_intercept is ycimages_module

    def test_2(ycimages_intercept, ycimages_session, ycimages):
        assert ycimages_intercept is ycimages

    def test_3(ycimages_intercept):
        assert ycimages_intercept.name.endswith("test_3")

    def test_4(ycimages_intercept, ycimages_factory_module):
        pass
"""
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["ycimages_intercept takes the double of `ycimages_module`, and this test uses only *"])


def test_a_cassette_is_that_of_the_shared_double(project: pytest.Pytester) -> None:
    """Which has to have one."""
    pytest.importorskip("vcr")
    project.makepyfile(
        HEAD
        + """
    def test_1(ycimages_cassette, ycimages_module):
        pass
"""
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["ycimages_cassette takes the double that this test shares with others, which has no *"]
    )
