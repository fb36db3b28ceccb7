"""Virtual time and event loops beside doubles that tests share."""

from __future__ import annotations

from typing import Final

import pytest

from .test_scopes import HEAD

TIMED: Final = (
    HEAD
    + """
    import threading
    import time

    @pytest.fixture(scope="module")
    def ycimages_settings():
        return {"timing": 600}
"""
)


def test_the_time_of_a_shared_double_never_goes_back(project: pytest.Pytester) -> None:
    """Each test has its own virtual time, which begins where the double is; what was done stays done."""
    project.makepyfile(
        TIMED
        + """
    ids = []

    def is_done(double, number):
        return double.operations[ids[number]].done

    def test_1(ycimages_time, ycimages_module):
        ids.append(create(ycimages_module)["id"])
        assert not is_done(ycimages_module, 0)
        time.sleep(600)
        assert is_done(ycimages_module, 0)

    def test_2(ycimages_module):
        assert is_done(ycimages_module, 0)

    def test_3(ycimages_time, ycimages_module):
        assert is_done(ycimages_module, 0)
        assert ycimages_time.elapsed == 0
        ids.append(create(ycimages_module)["id"])
        time.sleep(500)
        assert not is_done(ycimages_module, 1)

    def test_4(ycimages_module):
        assert not is_done(ycimages_module, 1)

    def test_5(ycimages_time, ycimages_module):
        assert not is_done(ycimages_module, 1)
        time.sleep(100)
        assert is_done(ycimages_module, 1)
        created = [image.created_at for image in ycimages_module.images.values()]
        assert created == sorted(created)
"""
    )
    project.runpytest_inprocess().assert_outcomes(passed=5)


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_virtual_time_of_a_wider_scope_goes_on_from_test_to_test(project: pytest.Pytester, scope: str) -> None:
    """Also for the fixtures of its scope, for threads, and where a test asks for `ycimages_time`."""
    project.makepyfile(
        HEAD
        + """
    import threading
    import time

    @pytest.fixture(scope="session")
    def ycimages_settings():
        return {"timing": 600}

    @pytest.fixture(scope="SCOPE")
    def baked(ycimages_SCOPE, ycimages_time_SCOPE):
        operation = create(ycimages_SCOPE)
        time.sleep(600)
        assert ycimages_SCOPE.operations[operation["id"]].done

    class TestIt:
        def test_1(self, baked, ycimages_time_SCOPE):
            assert ycimages_time_SCOPE.elapsed == 600
            thread = threading.Thread(target=time.sleep, args=(300,))
            thread.start()
            thread.join()

        def test_2(self, baked, ycimages_time, ycimages_time_SCOPE, ycimages_SCOPE):
            assert ycimages_time is ycimages_time_SCOPE
            assert ycimages_time.elapsed == 900
            assert len(ycimages_SCOPE.images) == 1

        def test_3(self, ycimages):
            time.sleep(5)
            assert ycimages.clock.now() > 0

        def test_4(self, ycimages_time_SCOPE):
            assert ycimages_time_SCOPE.elapsed == 905
""".replace("SCOPE", scope)
    )
    project.runpytest_inprocess().assert_outcomes(passed=4)


def test_virtual_time_does_not_watch_what_pytest_does_between_tests(project: pytest.Pytester) -> None:
    """A pause there is longer than its patience, and the time of the next test is what it was."""
    project.makeconftest("""
        from pytest_ycimages.virtual import patch_threads

        def pytest_runtest_logfinish():
            patch_threads.real_sleep(0.3)  # as a plugin does that waits in compiled code
    """)
    project.makepyfile("""
        import time

        def test_1(ycimages_time_session, ycimages_session):
            ycimages_time_session.patience = 0.1
            time.sleep(60)

        def test_2(ycimages_time_session):
            assert ycimages_time_session.elapsed == 60
    """)
    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_module_of_asyncio_tests_shares_loop_client_and_double(project: pytest.Pytester) -> None:
    """With and without virtual time in each test, and with that of the module."""
    project.makeini("[pytest]\nasyncio_default_fixture_loop_scope = module")
    tests = """
        import asyncio

        import httpx
        import pytest
        import pytest_asyncio

        pytestmark = pytest.mark.asyncio(loop_scope="module")

        @pytest_asyncio.fixture(scope="module", loop_scope="module")
        async def client(ycimages_moduleFIXTURES):
            transport = ycimages_module.httpx_async_transport()
            async with httpx.AsyncClient(base_url="http://double", transport=transport) as client:
                WARM_UP
                yield client

        async def bake(client):
            body = {"folderId": "b1g", "diskId": "epd"}
            reply = await client.post("/compute/v1/images", json=body, headers={"Authorization": "Bearer t1.any"})
            assert reply.status_code == 200

        async def test_1(client, ycimages_module):
            await bake(client)
            assert len(ycimages_module.images) == 1

        async def test_2(client, ycimages_module, ycimages_time):
            await asyncio.sleep(600)
            await bake(client)
            assert (len(ycimages_module.images), ycimages_time.elapsed) == (2, ELAPSED)

        async def test_3(client, ycimages_module):
            await bake(client)
            assert len(ycimages_module.images) == 3
    """
    project.makepyfile(
        test_each=tests.replace("FIXTURES", "").replace("WARM_UP", "pass").replace("ELAPSED", "600"),
        test_all=tests.replace("FIXTURES", ", ycimages_time_module")
        .replace("WARM_UP", "await asyncio.sleep(1000)")
        .replace("ELAPSED", "1600"),
    )
    project.runpytest_inprocess("-p", "asyncio").assert_outcomes(passed=6)
