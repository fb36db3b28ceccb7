"""A recording by the real recorder, with secrets in it, and its replay by a client that has others."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_ycimages import Double
from pytest_ycimages.cassette.redact import is_pseudonym
from pytest_ycimages.redaction.shapes import IAM_TOKEN
from tests.cassette.modes.transports import OverGrpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def bake(double: Double, *, password: str, signature: str) -> dict[str, Any]:
    """Get a token with a password of one's own, and create an image with it from a signed address."""
    exchange = requests.post(f"{double.url}/iam/v1/tokens", json={"yandexPassportOauthToken": password}, timeout=10)
    token = exchange.json()["iamToken"]
    signed = (
        f"X-Amz-Credential={signature}%2F20261125&X-Amz-Date=20261125T0000{len(signature)}Z&X-Amz-Signature={signature}"
    )
    body = {
        "folderId": double.folder_id,
        "uri": f"https://storage.yandexcloud.net/bucket/disk.qcow2?{signed}",
        "description": f"made with {token}",
    }
    headers = {"Authorization": f"Bearer {token}", "Cookie": f"session={signature}", "X-Build": password}
    answer = requests.post(f"{double.url}/compute/v1/images", json=body, headers=headers, timeout=10)
    return {"token": token, "answer": answer.json()}


def bake_over_grpc(double: Double, *, password: str, signature: str) -> dict[str, Any]:
    """Do the same over gRPC: with metadata of one's own, as text and as bytes."""
    with OverGrpc(double) as client:
        token = client.ask("tokens.create", {"yandexPassportOauthToken": password}).said["iamToken"]
        client.ask("tokens.create", {"jwt": f"eyJ{signature}.{signature}.{signature * 2}"})
        client.token = token
        signed = f"X-Amz-Credential={signature}%2F20261125&X-Amz-Signature={signature}"
        fields = {
            "folderId": double.folder_id,
            "uri": f"https://storage.yandexcloud.net/bucket/disk.qcow2?{signed}",
            "description": f"made with {token} and {password}",
        }
        metadata: dict[str, str | bytes] = {
            "cookie": f"session={signature}",
            "x-build": password,
            "x-access-token-bin": password.encode(),
        }
        answer = client.ask("images.create", fields, **metadata).said
        client.ask("tokens.revoke", {"iamToken": token})
    return {"token": token, "answer": answer}


@pytest.mark.parametrize("bake", [bake, bake_over_grpc])
def test_what_was_recorded_with_some_secrets_is_replayed_with_others(
    bake: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """None of the first is on the disk, and none of the second keeps a request from being found."""
    path = tmp_path / "bake.yaml"
    first = {"password": "a-word-that-opens-doors", "signature": "5f1e0d" * 10}
    with Double() as service, Double(mode="record", upstream=service.url, cassette=path, pseudonyms=True) as double:
        recorded = bake(double, **first)
        folder = double.folder_id
    text = path.read_text()
    for secret in (*first.values(), recorded["token"], folder):
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text

    with Double(mode="replay", cassette=path) as double:
        replayed = bake(double, password="another-word", signature="00ff" * 16)  # noqa: S106 - made up
        assert is_pseudonym(double.folder_id)
    assert replayed["token"] == IAM_TOKEN
    assert replayed["answer"]["metadata"] == recorded["answer"]["metadata"]
    assert is_pseudonym(replayed["answer"]["createdBy"])
