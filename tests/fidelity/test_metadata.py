"""The metadata service of an instance: its token (api-facts.md, section 1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ycimages import Double
from pytest_ycimages.cloud.access import TOKEN_LIFETIME

if TYPE_CHECKING:
    from tests.client import Cloud

TOKEN: Final = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path


@pytest.mark.fidelity("metadata.token")
def test_an_instance_gets_a_token(cloud: Cloud) -> None:
    """With the header, and without a token of its own."""
    answer = cloud.using(Authorization=None, Metadata_Flavor="Google").get(TOKEN)
    assert answer.status == 200
    created = cloud.using(Authorization=f"Bearer {answer.json['access_token']}").create()
    assert created.status == 200


@pytest.mark.fidelity("metadata.rest")
def test_the_rest_is_a_guess(cloud: Cloud) -> None:
    """What is beside the token, and what is refused: no client looks at either."""
    caller = cloud.using(Authorization=None, Metadata_Flavor="Google")
    first, second = caller.get(TOKEN).json, caller.get(TOKEN).json
    assert (first["token_type"], first["expires_in"]) == ("Bearer", TOKEN_LIFETIME)
    assert first["access_token"] != second["access_token"]
    assert [cloud.using(Metadata_Flavor=flavor).get(TOKEN).status for flavor in (None, "Amazon", "")] == [403] * 3
    assert caller.get("/computeMetadata/v1/instance/id").status == 404
    assert caller.call("POST", TOKEN).status == 405


def test_its_calls_are_in_the_journal_without_the_token() -> None:
    """As `unrouted`, since it is another service; in every mode."""
    double = Double()
    with double.intercept():
        import requests  # noqa: PLC0415 - the interception is for it

        url = f"http://169.254.169.254{TOKEN}"
        token = requests.get(url, headers={"Metadata-Flavor": "Google"}, timeout=5).json()["access_token"]
    assert [call.line for call in double.calls] == [f"GET {TOKEN}"]
    assert token not in repr(double.calls[0])


@pytest.mark.parametrize("mode", ["strict", "any"])
def test_the_token_expires(mode: str) -> None:
    """Where tokens are checked."""
    double = Double(auth=mode, clock="manual")
    token = double._backing.instance_token()  # noqa: SLF001 - as the service does
    from tests.client import Cloud  # noqa: PLC0415

    caller = Cloud(double).using(Authorization=f"Bearer {token}")
    assert caller.create().status == 200
    double.clock.advance(TOKEN_LIFETIME)
    assert caller.create().status == (401 if mode == "strict" else 200)
