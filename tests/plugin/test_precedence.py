"""Where a setting comes from: factory call, command line, marker, fixture, ini; the first of them that says it wins."""

from __future__ import annotations

import pytest

INI = """
    [pytest]
    ycimages_timing = 1
    ycimages_seed = 1
"""
FIXTURE = """
    import pytest

    @pytest.fixture
    def ycimages_settings():
        return {"timing": 2, "seed": 2}
"""
IMPORTS = """
    import pytest
    from pytest_ycimages import After, AfterPolls, Immediate, Never, Settings
"""


def passes(project: pytest.Pytester, code: str, *arguments: str, tests: int = 1) -> None:
    """Run `code` as a test file; all its tests must pass."""
    project.makepyfile(IMPORTS + code)
    project.runpytest_inprocess(*arguments).assert_outcomes(passed=tests)


def test_without_any_source_the_defaults_hold(project: pytest.Pytester) -> None:
    """Done at the first poll, seed 0, real clock, the page's contract."""
    passes(
        project,
        """
    def test_it(ycimages):
        assert ycimages.settings == Settings()
        assert ycimages.timing == AfterPolls(1)
        assert ycimages.settings.seed == 0
    """,
    )


def test_ini_wins_over_the_defaults(project: pytest.Pytester) -> None:
    """Text is read as each setting wants it."""
    project.makeini("""
        [pytest]
        ycimages_seed = 7
        ycimages_contract = current
        ycimages_auth = off
        ycimages_timing = AfterPolls(3)
        ycimages_clock = manual
        ycimages_unknown_fields = ignore
    """)
    passes(
        project,
        """
    def test_it(ycimages):
        assert ycimages.settings == Settings(
            seed=7, contract="current", auth="off", timing=AfterPolls(3), clock="manual", unknown_fields="ignore"
        )
    """,
    )


def test_the_faults_of_ini_are_a_rule_a_line(project: pytest.Pytester) -> None:
    """In the words of `inject`; a marker's faults stand in their place."""
    project.makeini("""
        [pytest]
        ycimages_faults =
            slow(0.5), on="images.*", when=first(1), expect=False
            internal(), on="images.create", expect=False
    """)
    passes(
        project,
        """
    def rules(double):
        return [(str(injection.rule.fault), injection.rule.on) for injection in double.injections]

    @pytest.mark.ycimages(faults=[])
    def test_the_marker(ycimages):
        assert rules(ycimages) == []

    def test_it(ycimages):
        assert rules(ycimages) == [("slow(seconds=0.5)", "images.*"), ("internal()", "images.create")]
    """,
        tests=2,
    )


def test_the_fixture_wins_over_ini(project: pytest.Pytester) -> None:
    """A directory's or a file's own settings are nearer than the project's."""
    project.makeini(INI)
    project.makeconftest(FIXTURE)
    passes(
        project,
        """
    def test_it(ycimages):
        assert (ycimages.timing, ycimages.settings.seed) == (After(2), 2)
    """,
    )


def test_the_fixture_may_return_settings(project: pytest.Pytester) -> None:
    """Only what such `Settings` were given counts, so a default of theirs does not hide what ini says."""
    project.makeini(INI)
    passes(
        project,
        """
    @pytest.fixture
    def ycimages_settings():
        return Settings(auth="off", seed=2)

    def test_it(ycimages):
        assert (ycimages.settings.auth, ycimages.settings.seed, ycimages.timing) == ("off", 2, After(1))
    """,
    )


def test_the_marker_wins_over_the_fixture_and_the_closest_marker_wins(project: pytest.Pytester) -> None:
    """Function over class over module, inner decorator over outer; what one does not say is left to the next."""
    project.makeini(INI)
    project.makeconftest(FIXTURE)
    passes(
        project,
        """
    pytestmark = pytest.mark.ycimages(timing=3)

    def test_module(ycimages):
        assert (ycimages.timing, ycimages.settings.seed) == (After(3), 2)

    @pytest.mark.ycimages(timing=4, seed=4)
    class TestClass:
        def test_class(self, ycimages):
            assert (ycimages.timing, ycimages.settings.seed) == (After(4), 4)

        @pytest.mark.ycimages(timing="Never()")
        def test_function(self, ycimages):
            assert (ycimages.timing, ycimages.settings.seed) == (Never(), 4)

        @pytest.mark.ycimages(timing=6)
        @pytest.mark.ycimages(timing=7, auth="off")
        def test_two_on_one(self, ycimages):
            assert (ycimages.timing, ycimages.settings.auth) == (After(7), "off")

    @pytest.mark.parametrize("done", [pytest.param(True, marks=pytest.mark.ycimages(timing=Immediate()))])
    def test_parameter(ycimages, done):
        assert ycimages.timing == Immediate()
    """,
        tests=5,
    )


def test_the_command_line_wins_over_the_marker(project: pytest.Pytester) -> None:
    """Who runs the tests has the last word on what the project says, and on nothing else."""
    project.makeini(INI)
    project.makeconftest(FIXTURE)
    passes(
        project,
        """
    @pytest.mark.ycimages(timing=3, seed=3)
    def test_it(ycimages):
        assert (ycimages.timing, ycimages.settings.seed) == (After(3), 9)
    """,
        "--ycimages-seed=9",
    )


def test_seed_zero_on_the_command_line_is_a_seed(project: pytest.Pytester) -> None:
    """Zero is said, not left out."""
    project.makeini(INI)
    passes(
        project,
        """
    def test_it(ycimages):
        assert ycimages.settings.seed == 0
    """,
        "--ycimages-seed=0",
    )


def test_a_random_seed_in_ini_yields_to_the_marker_and_the_fixture(project: pytest.Pytester) -> None:
    """`random` in ini is still ini: it must not jump the queue because it was drawn at the start."""
    project.makeini("""
        [pytest]
        ycimages_seed = random
    """)
    passes(
        project,
        """
    @pytest.mark.ycimages(seed=3)
    def test_marker(ycimages):
        assert ycimages.settings.seed == 3

    class TestFixture:
        @pytest.fixture
        def ycimages_settings(self):
            return {"seed": 2}

        def test_fixture(self, ycimages):
            assert ycimages.settings.seed == 2
    """,
        tests=2,
    )


def test_what_the_factory_is_given_wins_over_all(project: pytest.Pytester) -> None:
    """A test that makes its own double says exactly which one it wants."""
    project.makeini(INI)
    project.makeconftest(FIXTURE)
    passes(
        project,
        """
    @pytest.mark.ycimages(timing=3, seed=3)
    def test_it(ycimages_factory):
        double = ycimages_factory(timing=5, seed=5)
        assert (double.timing, double.settings.seed) == (After(5), 5)
    """,
        "--ycimages-seed=9",
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "@pytest.mark.ycimages(tming=3)",
            "*.py:3: @pytest.mark.ycimages(tming=...): Unknown setting 'tming'. Did you mean 'timing'[?] Known: *",
        ),
        (
            "@pytest.mark.ycimages(timing='Aftr(3)')",
            "*.py:3: @pytest.mark.ycimages(timing=...): Unknown timing 'Aftr'. Did you mean 'After'[?] Known: *",
        ),
        (
            "@pytest.mark.ycimages(contract='curent')",
            "*: invalid settings: contract='curent': Input should be 'page' or 'current' (did you mean 'current'[?]).",
        ),
        (
            "@pytest.mark.ycimages(30)",
            "*: @pytest.mark.ycimages(30): it takes settings by name, such as timing=30; it was given (30,).",
        ),
    ],
)
def test_a_marker_that_cannot_be_is_an_error_that_says_what_would(
    project: pytest.Pytester, code: str, text: str
) -> None:
    """Its module is not collected, so that no test runs with unintended settings."""
    project.makepyfile(f"""
    import pytest

    {code}
    def test_it(ycimages):
        raise AssertionError("never reached")
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([text])


def test_a_fixture_that_returns_nothing_is_an_error(project: pytest.Pytester) -> None:
    """A forgotten `return` is told at once."""
    project.makepyfile("""
        import pytest

        @pytest.fixture
        def ycimages_settings():
            {"timing": 3}

        def test_it(ycimages):
            raise AssertionError("never reached")
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *UsageError: invalid settings None: expected Settings(...), or a dict such as *"])
