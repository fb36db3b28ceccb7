"""Doubles that the tests of a class, a module or a session share."""

from __future__ import annotations

import re
from typing import Final

import pytest

HEAD: Final = """
    import unittest

    import pytest
    from werkzeug.test import Client
    from pytest_ycimages import unavailable

    def call(double, method="GET", path="/endpoints", body=None):
        headers = {"Authorization": f"Bearer {double.token}"}
        return Client(double.app).open(path, method=method, json=body, headers=headers).json

    def create(double, **more):
        return call(double, "POST", "/compute/v1/images", {"folderId": "b1g", "diskId": "epd", **more})
"""
SCOPES: Final = ("class", "module", "session")
TWO_CLASSES: Final = """
    @pytest.mark.ycimages(contract="current")
    class TestA:
        def test_1(self, ycimages_SCOPE):
            create(ycimages_SCOPE)
            print("seen", len(ycimages_SCOPE.images), ycimages_SCOPE.settings.contract, ycimages_SCOPE.name)

        def test_2(self, ycimages_SCOPE):
            create(ycimages_SCOPE)
            print("seen", len(ycimages_SCOPE.images), ycimages_SCOPE.settings.contract, ycimages_SCOPE.name)

    class TestB:
        def test_3(self, ycimages_SCOPE, ycimages):
            create(ycimages_SCOPE)
            print("seen", len(ycimages_SCOPE.images), ycimages_SCOPE.settings.contract, ycimages_SCOPE.name)
            assert len(ycimages.images) == 0
"""


def of(scope: str, text: str) -> str:
    """A module of tests with the fixtures of one scope."""
    return HEAD + text.replace("SCOPE", scope)


def seen(result: pytest.RunResult) -> list[str]:
    """What tests have printed after `seen`."""
    return re.findall(r"seen (.*)", result.stdout.str())


def sections(result: pytest.RunResult) -> str:
    """The sections of ours, from the first on."""
    return result.stdout.str().partition("- ycimages: ")[2]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("class", ["1 current a.py::TestA", "2 current a.py::TestA", "1 page a.py::TestB"]),
        ("module", ["1 page a.py", "2 page a.py", "3 page a.py"]),
        ("session", ["1 page session", "2 page session", "3 page session"]),
    ],
)
def test_a_double_lives_as_long_as_its_scope(project: pytest.Pytester, scope: str, expected: list[str]) -> None:
    """Its name and its settings are those of the class, module or session. A test's own double is another."""
    project.makepyfile(a=of(scope, TWO_CLASSES).replace('@pytest.mark.ycimages(contract="current")', "MARKER"[:0]))
    if scope == "class":
        project.makepyfile(a=of(scope, TWO_CLASSES))
    result = project.runpytest_inprocess("a.py", "-s")
    result.assert_outcomes(passed=3)
    assert seen(result) == expected


@pytest.mark.parametrize("scope", SCOPES)
def test_a_shared_double_has_the_settings_of_ini_fixture_and_command_line(project: pytest.Pytester, scope: str) -> None:
    """The same sources, in the same order, as for the double of a test."""
    project.makeini("[pytest]\nycimages_auth = off\nycimages_contract = current")
    project.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def ycimages_settings():
            return {"contract": "page", "timing": 7}
    """)
    project.makepyfile(
        of(
            scope,
            """
    def test_it(ycimages_SCOPE, ycimages_factory_SCOPE):
        settings = ycimages_SCOPE.settings
        print("seen", settings.auth, settings.contract, settings.timing, settings.seed)
        assert ycimages_factory_SCOPE(timing=5).settings.timing != settings.timing
""",
        )
    )
    result = project.runpytest_inprocess("-s", "--ycimages-seed=5")
    result.assert_outcomes(passed=1)
    assert seen(result) == ["off page After(seconds=7) 5"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_failing_test_shows_its_own_calls(project: pytest.Pytester, scope: str) -> None:
    """Not those of the tests before it, nor the operations that only they are about."""
    project.makepyfile(
        of(
            scope,
            """
    class TestIt:
        def test_1(self, ycimages_SCOPE):
            create(ycimages_SCOPE, name="first")

        def test_2(self, ycimages_SCOPE):
            create(ycimages_SCOPE, name="second")
            call(ycimages_SCOPE)
            raise AssertionError

        def test_3(self, ycimages_SCOPE):
            call(ycimages_SCOPE)
            raise AssertionError

        def test_4(self, ycimages_SCOPE):
            ycimages_SCOPE.reset()
            call(ycimages_SCOPE, path="/endpoints/compute")
            raise AssertionError

        def test_5(self):
            raise AssertionError
""",
        )
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=4)
    shown = sections(result)
    headings = re.findall(r"^\d+ calls.*(?=, timing)", shown, re.MULTILINE)
    assert headings == [
        "2 calls in this test, after 1 in earlier ones",
        "1 calls in this test, after 3 in earlier ones",
        "1 calls",
    ]
    assert len(re.findall("images.create", shown)) == 1
    assert len(re.findall("operation epd.*: running", shown)) == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_a_fault_that_never_struck_fails_the_end_of_its_scope(project: pytest.Pytester, scope: str) -> None:
    """With the last test that shares the double, and with the name of the scope. A fault may wait for a later test."""
    project.makepyfile(
        test_it=of(
            scope,
            """
    class TestIt:
        def test_1(self, ycimages_SCOPE):
            ycimages_SCOPE.inject(unavailable(), on="endpoints.list")
            ycimages_SCOPE.inject(unavailable(), on="images.delete")

        def test_2(self, ycimages_SCOPE):
            assert call(ycimages_SCOPE)["code"] == 14
""",
        )
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    words = {"class": "class test_it.py::TestIt", "module": "module test_it.py", "session": "the session"}
    result.stdout.fnmatch_lines([
        "*ERROR at teardown of TestIt.test_2*",
        "E*FaultNeverStruckError: 1 fault(s) never struck*",
        f"*Found at the end of {words[scope]}, whose tests share the double of ycimages_{scope}*",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "options", "is_checked"),
    [
        ("class", ["test_it.py::TestIt"], True),
        ("class", ["test_it.py::TestIt::test_1"], False),
        ("class", ["test_it.py::TestIt::test_1", "test_it.py::TestIt"], True),
        ("class", ["-k", "test_1"], False),
        ("class", ["--deselect=test_it.py::TestIt::test_2"], False),
        ("module", ["test_it.py"], True),
        ("module", ["test_it.py::TestIt"], False),
        ("module", ["-k", "test_1"], False),
        ("session", ["."], True),
        ("session", [], True),
        ("session", ["test_it.py"], False),
        ("session", ["test_it.py::TestIt"], False),
        ("session", ["--ignore=other"], False),
        ("session", ["-k", "test_1"], False),
    ],
)
def test_a_run_of_some_tests_does_not_ask_what_the_others_would_have_done(
    project: pytest.Pytester, scope: str, options: list[str], is_checked: object
) -> None:
    """A fault may have been for them, and interactions of a cassette, too."""
    project.makepyfile(
        test_it=of(
            scope,
            """
    class TestIt:
        @pytest.fixture(autouse=True)
        def planned(self, ycimages_SCOPE):
            ycimages_SCOPE.inject(unavailable(), on="images.delete")

        def test_1(self):
            pass

        def test_2(self):
            pass
""",
        )
    )
    assert bool(project.runpytest_inprocess(*options).parseoutcomes().get("errors")) == is_checked


@pytest.mark.parametrize("how", ["raise AssertionError", "pytest.skip()", "pytest.xfail()"])
def test_a_scope_whose_tests_did_not_all_pass_asks_for_no_faults(project: pytest.Pytester, how: str) -> None:
    """The test that did not end may have been the one to meet them."""
    project.makepyfile(
        of(
            "class",
            f"""
    class TestIt:
        def test_1(self, ycimages_class):
            ycimages_class.inject(unavailable())
            {how}

        def test_2(self, ycimages_class):
            pass
""",
        )
    )
    assert "errors" not in project.runpytest_inprocess().parseoutcomes()


def test_what_goes_wrong_in_a_shared_double_fails_the_test_that_it_went_wrong_in(project: pytest.Pytester) -> None:
    """Once, with its own call; an unknown field warns of the test that sent it."""
    project.makepyfile(
        test_it=of(
            "module",
            """
    def fail(call):
        if "fd8" in call.line:
            raise LookupError(call.line)

    def test_1(ycimages_module):
        ycimages_module.on_call = fail
        create(ycimages_module, pooled=True)

    def test_2(ycimages_module):
        call(ycimages_module, path="/compute/v1/images/fd82")

    def test_3(ycimages_module):
        call(ycimages_module, path="/compute/v1/images/fd83")

    def test_4(ycimages_module):
        call(ycimages_module)
""",
        )
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=4, errors=2, warnings=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_2*", "*failed at 1 call(s)*fd82*"])
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_3*", "*failed at 1 call(s)*fd83*"])
    result.stdout.fnmatch_lines(["test_it.py::test_1", "*UnknownFieldWarning*"])


def test_a_function_without_a_class_has_a_double_of_class_scope_to_itself(project: pytest.Pytester) -> None:
    """As pytest has it; it is another than the test's own."""
    project.makepyfile(
        of(
            "class",
            """
    @pytest.mark.parametrize("_", [1, 2])
    def test_it(_, ycimages_class, ycimages):
        create(ycimages_class)
        assert (len(ycimages_class.images), len(ycimages.images)) == (1, 0)
        assert ycimages_class.folder_id != ycimages.folder_id
""",
        )
    )
    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_unittest_class_finds_its_double_as_an_attribute(project: pytest.Pytester) -> None:
    """Its tests take no arguments. After the class, the attribute is gone."""
    project.makepyfile(
        of(
            "class",
            """
    @pytest.mark.usefixtures("ycimages_class")
    @pytest.mark.ycimages(timing=7)
    class TestA(unittest.TestCase):
        def setUp(self):
            create(self.ycimages_class)

        def test_1(self):
            self.assertEqual(len(self.ycimages_class.images), 1)

        def test_2(self):
            self.assertEqual(len(self.ycimages_class.images), 2)
            self.assertEqual(self.ycimages_class.settings.timing.seconds, 7)

    class TestB(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _double(self, ycimages_class):
            self.double = ycimages_class

        def test_3(self):
            self.assertEqual(len(self.double.images), 0)
            self.assertFalse(hasattr(TestA, "ycimages_class"))
""",
        )
    )
    project.runpytest_inprocess().assert_outcomes(passed=3)


def test_the_settings_of_a_shared_double_may_be_parametrized(project: pytest.Pytester) -> None:
    """Each parameter has a double of its own, with its own name."""
    project.makepyfile(
        a=of(
            "module",
            """
    @pytest.fixture(scope="module", params=["page", "current"])
    def contract(request):
        return request.param

    @pytest.fixture(scope="module")
    def ycimages_settings(contract):
        return {"contract": contract}

    @pytest.mark.parametrize("number", [1, 2])
    def test_it(ycimages_module, number):
        create(ycimages_module)
        print("seen", ycimages_module.name, len(ycimages_module.images))
""",
        )
    )
    result = project.runpytest_inprocess("a.py", "-s")
    result.assert_outcomes(passed=4)
    assert sorted(seen(result)) == ["a.py #current 1", "a.py #current 2", "a.py #page 1", "a.py #page 2"]


def test_a_server_of_the_whole_session_uses_the_double_of_the_session(project: pytest.Pytester) -> None:
    """A fixture of the user with automatic use, in the environment; its calls are shown with the test."""
    project.makeconftest("""
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def server(ycimages_session):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("YC_ENDPOINT", ycimages_session.url)
                yield
    """)
    project.makepyfile("""
        import os
        from urllib.request import urlopen

        def test_1():
            urlopen(os.environ["YC_ENDPOINT"] + "/endpoints").read()

        def test_2():
            urlopen(os.environ["YC_ENDPOINT"] + "/endpoints").read()
            raise AssertionError
    """)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    assert "1 calls in this test, after 1 in earlier ones" in sections(result)


@pytest.mark.costly
def test_each_worker_has_a_double_of_the_session(project: pytest.Pytester) -> None:
    """With the same ids in each; faults are not asked for where the tests of a scope are spread over workers."""
    project.makepyfile(
        of(
            "session",
            """
    @pytest.mark.parametrize("number", range(4))
    def test_it(ycimages_session, number):
        assert ycimages_session.name == "session"
        if not ycimages_session.injections:
            ycimages_session.inject(unavailable(), on="images.delete")
""",
        )
    )
    project.runpytest_inprocess("-n2", "--dist=load").assert_outcomes(passed=4)
