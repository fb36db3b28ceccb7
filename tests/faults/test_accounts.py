"""What a handle tells, and what happens when a fault that was planned has never struck."""

from __future__ import annotations

import pytest
import requests

from pytest_ycimages import Double, FaultNeverStruckError, first, internal, nth, reset, unavailable
from tests.client import Cloud


def test_a_handle_tells_what_its_fault_has_done() -> None:
    """How often, when, to whom; and why not."""
    double = Double(clock="manual")
    client = Cloud(double)
    failing = double.inject(unavailable(), on="images.create", when=nth(2))
    for _ in range(3):
        client.create()
        double.clock.advance(1.5)
    assert (failing.considered, failing.struck) == (3, 1)
    assert [(each.at, each.method, each.attempt) for each in failing.strikes] == [(1.5, "images.create", 2)]
    assert failing.passed == {"`when` said no": 2}
    assert "call 3" in failing.nearest
    assert "struck 1 of the 3 calls" in failing.report()
    assert "+1.500s images.create POST /compute/v1/images, attempt 2" in failing.report()
    assert double.injections == (failing,)


def test_a_report_shows_the_last_strikes() -> None:
    """And how many there were before."""
    double = Double()
    failing = double.inject(internal())
    for _ in range(25):
        Cloud(double).create()
    assert "struck 15 times before these" in failing.report()
    assert failing.report().count("attempt") == 10


def test_a_fault_that_never_struck_is_an_error_with_the_nearest_call() -> None:
    """It says what the call had, and what it was to have."""
    double = Double()
    double.inject(reset(), on="images.create", where={"name": "web-*"})
    Cloud(double).create()
    with pytest.raises(FaultNeverStruckError, match="expect=False") as caught:
        double.check()
    assert "nearest: POST /compute/v1/images: name is '', and not 'web-*'" in str(caught.value)


def test_a_fault_that_need_not_strike_is_no_error() -> None:
    """`expect=False` waives it; one that is removed before it struck is one all the same."""
    double = Double()
    double.inject(reset(), expect=False)
    double.check()
    double.inject(internal()).remove()
    with pytest.raises(FaultNeverStruckError):
        double.check()


def test_a_reset_does_not_hide_a_fault_that_never_struck() -> None:
    """It is dropped, and still was to strike. Those of the settings need to strike in one round only."""
    double = Double(faults=["unavailable(), when=first(1)"])
    double.inject(internal(), on="images.delete")
    Cloud(double).create()
    double.reset()
    with pytest.raises(FaultNeverStruckError) as caught:
        double.check()
    assert "1 fault(s) never struck" in str(caught.value)
    assert "inject(internal(), on='images.delete')" in str(caught.value)
    double.inject(internal(), on="images.update", expect=False)
    double.reset()
    with pytest.raises(FaultNeverStruckError, match=r"^1 fault\(s\) never struck"):
        double.check()


def test_a_double_that_is_reset_forgets_faults_but_those_of_its_settings() -> None:
    """And these begin anew."""
    double = Double(faults=["unavailable(), when=first(1)"])
    double.inject(internal())
    client = Cloud(double)
    assert [client.create().json.get("code") for _ in range(2)] == [14, 13]
    double.reset()
    assert [client.create().json.get("code") for _ in range(2)] == [14, None]
    assert [each.struck for each in double.injections] == [1]


TEST = """
    import pytest
    import requests
    from pytest_ycimages import reset

    @pytest.fixture(autouse=True)
    def planned(ycimages):
        ycimages.inject(reset(), on="images.get", expect={expect})

    def test_it(ycimages):
        requests.get(f"{{ycimages.url}}/compute/v1/images/fd800000000000000000" + "/operations", timeout=10)
"""


def test_a_fault_that_never_struck_fails_the_test(project: pytest.Pytester) -> None:
    """At its end, with the account and the seed."""
    project.makepyfile(TEST.format(expect=True))
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*FaultNeverStruckError: 1 fault(s) never struck*",
            "*inject(reset(), on='images.get'): struck 0 of the 0 calls that match",
            "*nearest: no call of images.get",
        ]
    )


def test_a_fault_that_need_not_strike_does_not(project: pytest.Pytester) -> None:
    """`expect=False` says so."""
    project.makepyfile(TEST.format(expect=False))
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_lost_answer_is_no_answer_in_the_journal(ycimages: Double) -> None:
    """Neither is its operation seen done, nor does its header count as a hint."""
    ycimages.inject(reset(), on="operations.get", when=first(1), commit="after")
    ycimages.inject(unavailable(retry_after=5), on="operations.get", when=nth(2), commit="after")
    headers = {"Authorization": f"Bearer {ycimages.token}"}
    body = {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}
    operation = requests.post(f"{ycimages.url}/compute/v1/images", json=body, headers=headers, timeout=10).json()
    poll = f"{ycimages.url}/operations/{operation['id']}"
    with pytest.raises(requests.ConnectionError):
        requests.get(poll, headers=headers, timeout=10)
    assert [requests.get(poll, headers=headers, timeout=10).status_code for _ in range(2)] == [503, 200]
    polls = ycimages.calls.of("operations.get")
    assert [call.done for call in polls] == [None, None, True]
    assert [bool(call.reply_metadata) for call in polls] == [False, True, True]
    assert [hint.asked for hint in ycimages.calls.hints] == [5]
    (pacing,) = ycimages.calls.pacing.values()
    assert not pacing.polls_after_done
