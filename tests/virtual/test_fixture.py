"""The fixture `ycimages_time` in a user's tests: its order among other fixtures, and whose time it rules over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def test_whatever_the_order_it_comes_before_the_doubles(project: pytest.Pytester) -> None:
    """They are made in virtual time and closed in it, however the test names them."""
    project.makepyfile("""
        import time
        import pytest
        from pytest_ycimages.cloud import clock

        def check(time_, double):
            assert clock.shared is time_
            assert double.clock.began_at == 1767225600 * 10**9
            time.sleep(5)
            assert double.clock.now() == time_.now() == time.time_ns()

        def test_first(ycimages_time, ycimages):
            check(ycimages_time, ycimages)

        def test_last(ycimages, ycimages_time):
            check(ycimages_time, ycimages)

        def test_of_a_factory(ycimages_factory, ycimages_time):
            check(ycimages_time, ycimages_factory())
            assert ycimages_factory().clock.now() == ycimages_time.now()

        @pytest.fixture
        def baked(ycimages):
            time.sleep(60)
            yield ycimages
            time.sleep(60)

        @pytest.mark.usefixtures("ycimages_time")
        def test_of_a_mark(baked):
            assert baked.clock.now() == (1767225600 + 60) * 10**9

        def test_without(ycimages):
            assert clock.shared is None
            assert abs(ycimages.clock.now() - time.time_ns()) < 60 * 10**9
    """)
    project.runpytest_inprocess().assert_outcomes(passed=5)


def test_it_wins_over_a_manual_clock(project: pytest.Pytester) -> None:
    """By marker or by ini; without it, the manual clock is in force."""
    project.makeini("[pytest]\nycimages_clock = manual")
    project.makepyfile("""
        import time
        import pytest

        def test_ini(ycimages_time, ycimages):
            time.sleep(5)
            ycimages.clock.advance(5)
            assert ycimages_time.elapsed == 10
            assert ycimages.clock.now() == ycimages_time.now()

        @pytest.mark.ycimages(clock="manual")
        def test_marker(ycimages, ycimages_time):
            time.sleep(5)
            assert ycimages.clock.now() == ycimages_time.now()
            ycimages.reset()
            time.sleep(5)
            assert ycimages.clock.now() == ycimages_time.now()

        def test_manual(ycimages):
            ycimages.clock.advance(5)
            assert ycimages.clock.now() == (1767225600 + 5) * 10**9
    """)
    project.runpytest_inprocess().assert_outcomes(passed=3)


def test_doubles_that_were_made_before_follow_it(project: pytest.Pytester) -> None:
    """One of the session, with its connections; a manual clock that was there before stays what it is."""
    project.makepyfile("""
        import http.client
        import time
        import pytest
        from pytest_ycimages import Double

        @pytest.fixture(scope="session")
        def double():
            with Double(latency=7) as double:
                yield double

        @pytest.fixture(scope="session")
        def connection(double):
            connection = http.client.HTTPConnection(double.host, double.port, timeout=10)
            connection.connect()
            yield connection
            connection.close()

        def ask(connection):
            connection.request("GET", "/endpoints")
            assert connection.getresponse().read()

        @pytest.mark.parametrize("number", range(3))
        def test_one(ycimages_time, double, connection, number):
            ask(connection)
            ask(connection)
            assert ycimages_time.elapsed == 14
            assert [call.at for call in double.calls[-2:]] == [0, 7]

        def test_in_real_time(double, connection):
            double.latency = 0.001
            before = time.time_ns()
            ask(connection)
            assert before <= double.clock.now() <= time.time_ns()
            double.latency = 7

        def test_again(ycimages_time, double, connection):
            ask(connection)
            assert ycimages_time.elapsed == 7

        def test_manual():
            from pytest_ycimages import VirtualTime
            manual = Double(clock="manual")
            with VirtualTime() as virtual_time:
                time.sleep(5)
                manual.clock.advance(2)
                assert manual.clock.now() == (1767225600 + 2) * 10**9
                assert virtual_time.elapsed == 5
    """)
    project.runpytest_inprocess().assert_outcomes(passed=6)


def test_fixtures_of_the_suite_are_clients_wherever_they_are(project: pytest.Pytester) -> None:
    """In a conftest, or in a module of the suite that is loaded as a plugin; plugins that are installed are not."""
    helper = """
        import time
        from time import sleep
        import pytest

        @pytest.fixture
        def {name}():
            def wait():
                before = time.monotonic()
                time.sleep(300)
                sleep(300)
                return time.monotonic() - before
            return wait
    """
    project.makeconftest(helper.format(name="of_conftest") + '\n        pytest_plugins = ["fixtures_of_mine"]')
    project.makepyfile(fixtures_of_mine=helper.format(name="of_plugin"))
    project.makepyfile("""
        def test_both(ycimages_time, of_conftest, of_plugin):
            assert of_conftest() == of_plugin() == 600
            assert ycimages_time.elapsed == 1200
    """)
    project.syspathinsert()
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_what_a_test_leaves_running_stays_with_it(project: pytest.Pytester) -> None:
    """A daemon that sleeps, one that waits for an event, and one that serves; the tests after that are as ever."""
    project.makepyfile("""
        import socketserver
        import threading
        import time

        def test_leaves(ycimages_time, ycimages):
            for target in (lambda: time.sleep(10**5), lambda: threading.Event().wait(), lambda: ycimages.clock.now()):
                threading.Thread(target=target, daemon=True).start()
            time.sleep(10)

        def test_next(ycimages_time):
            thread = threading.Thread(target=time.sleep, args=(100,))
            thread.start()
            time.sleep(50)
            thread.join()
            assert ycimages_time.elapsed == 100

        def test_real(ycimages):
            before = time.monotonic()
            time.sleep(0.001)
            assert 0.001 <= time.monotonic() - before < 60
    """)
    project.runpytest_inprocess().assert_outcomes(passed=3)
