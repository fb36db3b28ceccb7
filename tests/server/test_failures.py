"""When the double itself fails, the client gets an answer and the test gets the cause."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_ycimages import Code, Double, DoubleFailedError
from pytest_ycimages.cloud.service import Service
from tests.server.raw_client import CREATE, Client, endpoint, request

if TYPE_CHECKING:
    from pytest_ycimages import Call

CAUSE: Final = ZeroDivisionError("on purpose")
TEXT: Final = "The double failed: ZeroDivisionError: on purpose. The test that owns it fails with the traceback."


def _fail(*_: Any) -> Any:
    raise CAUSE


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every call makes the double raise, until `broken.undo()`."""
    monkeypatch.setattr(Service, "handle", _fail)
    return monkeypatch


def test_a_failing_double_answers_500_and_the_connection_survives(broken: pytest.MonkeyPatch) -> None:
    """The answer has the service's form, and the next one is as ever."""
    with closing(Double().start()) as double, Client(double) as client:
        answer = client.ask(CREATE)
        assert (answer.status, answer.headers["content-type"]) == (500, "application/json")
        assert answer.json == {"code": Code.INTERNAL.number, "message": TEXT}
        broken.undo()
        assert client.ask(CREATE).status == 200
        assert client.ask(endpoint("iam")).status == 200


@pytest.mark.usefixtures("broken")
def test_the_test_fails_with_the_cause_on_leaving_the_block() -> None:
    """And is told how often the double failed, and at which call first."""

    def use() -> None:
        with double, Client(double) as client:
            assert client.ask(CREATE).status == 500
            assert client.ask(endpoint("iam")).status == 500

    double = Double()
    with pytest.raises(DoubleFailedError) as raised:
        use()
    assert str(raised.value) == "The double failed at 2 call(s); the first was POST /compute/v1/images"
    assert raised.value.__cause__ is CAUSE


@pytest.mark.usefixtures("broken")
def test_the_test_s_own_failure_comes_first() -> None:
    """It is what went wrong first, as far as the author knows."""

    def use() -> None:
        with Double() as double, Client(double) as client:
            assert client.ask(CREATE).status == 500
            raise LookupError("the test's own")

    with pytest.raises(LookupError, match="the test's own"):
        use()


@pytest.mark.usefixtures("broken")
def test_check_tells_at_any_time() -> None:
    """Without a `with` block, as the fixture does; and again when asked again."""
    with closing(Double().start()) as double, Client(double) as client:
        double.check()
        client.ask(CREATE)
        for _ in range(2):
            with pytest.raises(DoubleFailedError) as raised:
                double.check()
            assert raised.value.__cause__ is CAUSE


@pytest.mark.usefixtures("broken")
def test_the_journal_has_the_call_that_failed() -> None:
    """With its status and the reason."""
    with closing(Double().start()) as double, Client(double) as client:
        client.ask(CREATE)
        call = double.calls[-1]
    assert (call.status, call.line, call.note) == (Code.INTERNAL, "POST /compute/v1/images", TEXT)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(CREATE, id="a call"),
        pytest.param(request("GET", "/nothing/here"), id="a path that nobody serves"),
        pytest.param(request("DELETE", "/endpoints"), id="a verb that is not allowed"),
        pytest.param(request("POST", "/iam/v1/tokens", body=b"{"), id="malformed JSON"),
        pytest.param(request("POST", "/iam/v1/tokens", body=bytes(4 * 2**20 + 1)), id="a body too large"),
        pytest.param(b"hello\r\n\r\n", id="no HTTP"),
    ],
)
def test_a_listener_that_raises_is_a_failure_too(data: bytes) -> None:
    """Whatever was asked, `on_call` raising costs the client neither its answer nor the test its cause."""
    calls: list[Call] = []

    def on_call(call: Call) -> None:
        calls.append(call)
        raise CAUSE

    with closing(Double(on_call=on_call).start()) as double, Client(double) as client:
        answer = client.ask(data)
        assert (answer.status, answer.json["code"]) == (500, Code.INTERNAL.number)
        assert len(calls) == 1
        with pytest.raises(DoubleFailedError) as raised:
            double.check()
        assert raised.value.__cause__ is CAUSE
