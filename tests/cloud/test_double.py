"""What users hold, without a socket: settings, server truth, reset, and what the double says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from pytest_ycimages import After, Call, Code, Double, DoubleFailedError, Settings, UnknownFieldWarning, UsageError
from pytest_ycimages.cloud.image_commands import ImageService

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

BODY = {"folderId": "b1g00000000000000000", "diskId": "epd00000000000000000"}


def create(double: Double, client: Client | None = None, **fields: object) -> TestResponse:
    """Create an image with the double's own token."""
    headers = {"Authorization": f"Bearer {double.token}"}
    return (client or Client(double.app)).post("/compute/v1/images", json={**BODY, **fields}, headers=headers)


def test_a_double_takes_settings_and_single_overrides() -> None:
    """An override wins; what neither of them says has its default."""
    double = Double(Settings(timing=After(5), seed=3), seed=4)
    assert double.settings == Settings(timing=After(5), seed=4)
    assert double.timing == After(5)
    assert Double({"timing": 5}).settings == Settings(timing=After(5))


def test_what_gives_no_settings_is_refused() -> None:
    """A number is no settings; the text shows both ways to write them."""
    with pytest.raises(UsageError) as refusal:
        Double(5)  # type: ignore[arg-type]  # tests are not always type-checked
    assert str(refusal.value) == (
        "invalid settings 5: expected Settings(...), or a dict such as {'timing': 5, 'auth': 'off'}"
    )


def test_the_server_truth_says_what_there_is_instead() -> None:
    """An id that is not there is a KeyError that lists those that are."""
    double = Double()
    with pytest.raises(KeyError, match="no image 'fd8' now; there are: none"):
        double.images["fd8"]
    create(double)
    (operation_id,) = double.operations
    with pytest.raises(KeyError, match=f"no operation 'x' now; there are: {operation_id}"):
        double.operations["x"]
    assert "x" not in double.operations
    assert double.operations.get("x") is None


def test_reset_makes_the_double_as_new() -> None:
    """State, journal, clock and timing begin anew, and the same ids are drawn again."""
    double = Double(clock="manual", name="test")
    first = create(double).json
    double.timing = 60
    double.clock.advance(60)
    double.reset()
    assert (len(double.calls), dict(double.images), dict(double.operations)) == (0, {}, {})
    assert double.timing == double.settings.timing
    assert create(double).json == first


def test_a_client_that_holds_the_application_sees_the_reset_too() -> None:
    """Reset keeps the double's address, and in process `app` is the address."""
    double = Double()
    client = Client(double.app)
    create(double, client)
    double.reset()
    create(double, client)
    assert len(double.calls) == len(double.images) == 1


def test_a_double_says_which_one_it_is() -> None:
    """Its name, where it listens, its seed and how much it saw."""
    double = Double(name="baker", seed=7)
    create(double)
    assert repr(double) == "<Double baker: not serving, seed 7, 1 calls>"
    assert repr(Double()) == "<Double unnamed: not serving, seed 0, 0 calls>"


@pytest.mark.parametrize("name", ["url", "host", "port"])
def test_a_double_that_does_not_serve_has_no_address(name: str) -> None:
    """The text says the three ways on."""
    with pytest.raises(UsageError) as refusal:
        getattr(Double(), name)
    assert str(refusal.value) == (
        "This double is not serving, so it has no address. Write `with Double() as ycimages:`, call start(), "
        "or use `app` in process."
    )


def test_unknown_fields_are_warned_of_once() -> None:
    """The warning names the method, the fields, the contract in force and how to silence it."""
    double = Double()
    create(double, pooled=True)
    with pytest.warns(UnknownFieldWarning) as warned:
        double.check()
    (warning,) = warned
    assert str(warning.message) == (
        "images.create was sent unknown fields, which the service ignores: pooled. The contract in force is 'page'; "
        "silence this with the setting unknown_fields='ignore'."
    )
    double.check()


def test_after_a_reset_unknown_fields_are_warned_of_anew() -> None:
    """Reset forgets what was told as well."""
    double = Double()
    for _ in range(2):
        create(double, pooled=True)
        with pytest.warns(UnknownFieldWarning):
            double.check()
        double.reset()


def test_unknown_fields_can_be_ignored() -> None:
    """Then nobody is told, and the journal still has them."""
    double = Double(unknown_fields="ignore")
    create(double, pooled=True)
    double.check()
    assert double.calls[0].unknown_fields == ("pooled",)


def broken(monkeypatch: pytest.MonkeyPatch, **settings: object) -> Double:
    """A double that fails inside when an image is created."""

    def fail(*_: object) -> None:
        raise LookupError("a bug of ours")

    monkeypatch.setattr(ImageService, "create", fail)
    return Double(settings)


def test_a_double_that_fails_inside_says_so_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client gets a 500 that names the cause; the test gets an error with the traceback."""
    double = broken(monkeypatch)
    reply = create(double)
    assert reply.status_code == 500
    assert reply.json == {
        "code": 13,
        "message": "The double failed: LookupError: a bug of ours. The test that owns it fails with the traceback.",
    }
    (call,) = double.calls
    assert (call.method, call.status) == ("images.create", Code.INTERNAL)
    with pytest.raises(DoubleFailedError) as failure:
        double.check()
    assert str(failure.value) == "The double failed at 1 call(s); the first was POST /compute/v1/images"
    assert isinstance(failure.value.__cause__, LookupError)


def test_a_failure_inside_comes_before_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """With warnings as errors, an unknown field must not hide that the double itself is broken."""
    double = broken(monkeypatch)
    headers = {"Authorization": f"Bearer {double.token}"}
    Client(double.app).get("/compute/v1/images/x?colour=red", headers=headers)
    create(double)
    assert double.calls[0].unknown_fields == ("colour",)
    with pytest.raises(DoubleFailedError):
        double.check()


def test_a_call_that_failed_inside_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """`on_call` hears of every call that is in the journal, this one above all."""
    heard: list[Call] = []
    monkeypatch.setattr(ImageService, "create", lambda *_: 1 / 0)
    double = Double(on_call=heard.append)
    create(double)
    assert heard == list(double.calls)
    assert [call.status for call in heard] == [Code.INTERNAL]
