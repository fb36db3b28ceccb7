"""Who may change a double: bodies that web pages cannot send to it, and callers that have the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from pytest_ycimages import Double, Settings, UsageError
from pytest_ycimages.control.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Control = Callable[..., requests.Response]

CHANGES: Final = [(route.verb, route.path.replace("<int:number>", "1")) for route in ROUTES if route.verb != "GET"]
READS: Final = [route.path.replace("<int:number>", "1") for route in ROUTES if route.verb == "GET"]
OTHER_TYPES: Final = (
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "text/plain; application/json",
    "application/jsonp", "application/json-patch+json", "application/json, text/plain", "json", "",
)  # fmt: skip
TOKEN: Final = "s3cret-of-the-tests"  # noqa: S105 - of the tests


@pytest.mark.parametrize(("verb", "path"), CHANGES)
def test_changes_take_json_only(ycimages: Double, control: Control, verb: str, path: str) -> None:
    """A page can send other types to any origin without being asked; so can a form without fields."""
    for given in OTHER_TYPES:
        for body in (b"{}", b""):
            answer = control(verb, path, data=body, headers={"Content-Type": given})
            assert answer.status_code == 415
            assert answer.json()["error"].endswith("Send `Content-Type: application/json`.")
    assert control(verb, path, data=b"{}").status_code == 415
    assert not ycimages.injections
    assert not ycimages.calls


@pytest.mark.parametrize("given", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"])
def test_json_is_json_in_any_spelling(control: Control, given: str) -> None:
    """Parameters and case do not matter."""
    body, headers = b'"slow(0), expect=False"', {"Content-Type": given}
    assert control("POST", "faults", data=body, headers=headers).status_code == 201


def test_a_change_without_a_body_names_no_type(control: Control) -> None:
    """There is nothing that could have one."""
    assert control("POST", "reset").status_code == 200
    assert control("DELETE", "faults").status_code == 200


@pytest.fixture
def guarded() -> Iterator[Double]:
    """A double whose control API asks for a token."""
    with Double(control_token=TOKEN) as double:
        yield double


def call(double: Double, verb: str, path: str, **headers: str) -> requests.Response:
    """Call the control API with headers."""
    return requests.request(verb, f"{double.url}/_ycimages/{path}", headers=headers, timeout=20)


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN,
        f"Bearer {TOKEN.upper()}", f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN}, Bearer x", "Bearer \xe9",
        "Bearer t1.a.b",
    ],
)  # fmt: skip
def test_the_control_api_asks_for_the_token(guarded: Double, authorization: str | None) -> None:
    """For every call, unknown paths included, before it is read; one of the service's tokens is none of its own."""
    headers = {} if authorization is None else {"Authorization": authorization}
    for verb, path in [*CHANGES, *(("GET", each) for each in READS if each != "health"), ("GET", "no"), ("PUT", "x")]:
        answer = call(guarded, verb, path, **headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "Authorization: Bearer TOKEN" in answer.json()["error"]
        assert TOKEN not in answer.text


def test_the_token_opens_it(guarded: Double) -> None:
    """In any case of the scheme; the answers do not show it."""
    for scheme in ("Bearer", "bearer"):
        answer = call(guarded, "GET", "state", Authorization=f"{scheme} {TOKEN}")
        assert answer.status_code == 200
        assert TOKEN not in answer.text
    assert guarded.control_token == TOKEN
    assert TOKEN not in repr(guarded.settings)
    assert TOKEN not in repr(guarded)


def test_health_is_told_to_all(guarded: Double, ycimages: Double) -> None:
    """To who asks whether a container is up; it says nothing else, and nothing is beside it."""
    for double in (guarded, ycimages):
        answer = call(double, "GET", "health")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert call(double, "HEAD", "health").status_code == 200
        assert not double.calls
    for path in ("health/", "health/x", "Health", "health%2Fx"):
        assert call(guarded, "GET", path).status_code == 401


def test_the_service_asks_for_its_own_tokens(guarded: Double) -> None:
    """The token is for the control API alone."""
    address = f"{guarded.url}/compute/v1/images?folderId={guarded.folder_id}"
    assert requests.get(address, headers={"Authorization": f"Bearer {guarded.token}"}, timeout=20).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "127.0.0.2", "example.com"])  # noqa: S104 - refused
def test_another_address_is_asked_for_twice(host: str) -> None:
    """The error says how, and what then holds."""
    settings: dict[str, Any] = {"host": host}
    with pytest.raises(UsageError, match=r"which no other machine can reach.* set allow_remote too"):
        Double(settings)


def test_a_remote_double_has_a_token_of_its_own() -> None:
    """A random one for each, unless it is given; it answers its own address, and no other name."""
    remote: dict[str, Any] = {"host": "0.0.0.0", "allow_remote": True}  # noqa: S104 - which is the point
    with Double(remote) as double, Double(remote) as other:
        assert len(double.control_token) >= 40
        assert double.control_token != other.control_token
        assert double.url == f"http://0.0.0.0:{double.port}"
        for host, status in {"0.0.0.0": 200, "127.0.0.1": 200, "ycimages": 421}.items():  # noqa: S104 - as above
            answer = requests.get(f"http://127.0.0.1:{double.port}/endpoints", headers={"Host": host}, timeout=20)
            assert answer.status_code == status
        assert call(double, "GET", "state").status_code == 401
        assert call(double, "GET", "health").status_code == 200
    assert Double(remote, control_token=TOKEN).control_token == TOKEN
    assert not Double().control_token


@pytest.mark.parametrize("token", ["a b", "", "é", "a\n"])
def test_a_token_fits_in_a_header(token: str) -> None:
    """The refusal does not repeat it."""
    with pytest.raises(UsageError, match=r"^invalid settings: control_token=…: Write printable ASCII"):
        Double(control_token=token)


def test_settings_keep_the_token_to_themselves() -> None:
    """In text and in a traceback's locals."""
    settings = Settings(control_token=TOKEN)  # type: ignore[arg-type]  # pydantic takes text
    assert TOKEN not in f"{settings!r} {settings}"
