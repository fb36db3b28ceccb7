"""The official Python SDK, unchanged: discovery, tokens, waiting, retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from yandex.cloud.compute.v1 import image_pb2
from yandex.cloud.compute.v1 import image_service_pb2 as api
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub
from yandex.cloud.iam.v1 import iam_token_service_pb2 as iam
from yandexcloud._retry_policy import RetryPolicy
from yandexcloud._sdk import SDK
from yandexcloud.operations import OperationError

from pytest_ycimages import Code, first, operation_fails, unavailable
from tests.grpc.clients import DISK, TIMEOUT, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ycimages import Double
    from tests.grpc.clients import Stubs


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own parts


@pytest.fixture(scope="module")
def key() -> dict[str, str]:
    """Return a key of a service account, as `yc iam key create` writes it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "id": "aje00000000000000001",
        "service_account_id": "aje0000000000000000a",
        "private_key": pem.decode(),
        "public_key": public.decode(),
    }


@pytest.fixture
def connect(ycimages: Double) -> Callable[..., Any]:
    """Return what makes an SDK for the double, with any credentials."""

    def make(**options: Any) -> Any:
        endpoint = f"localhost:{ycimages.port}"
        return SDK(endpoint=endpoint, root_certificates=ycimages.root_certificates, **options)

    return make


def bake(sdk: Any, folder: str, **fields: Any) -> Any:
    """Make an image and wait for it, as users of the SDK do."""
    images = sdk.client(ImageServiceStub)
    operation = images.Create(api.CreateImageRequest(folder_id=folder, disk_id=DISK, **fields))
    return sdk.wait_operation_and_get_result(
        operation, response_type=image_pb2.Image, meta_type=api.CreateImageMetadata, timeout=30
    )


def test_an_image_is_baked(ycimages: Double, connect: Callable[..., Any]) -> None:
    """Discovery, the exchange of the token, create, and the waiter."""
    result = bake(connect(token="y0_AgAAAA"), ycimages.folder_id, name="base")  # noqa: S106 - of no account
    assert (result.response.status, result.response.name) == (image_pb2.Image.READY, "base")
    assert result.meta.image_id in ycimages.images
    methods = [call.method for call in ycimages.calls]
    assert methods[:3] == ["endpoints.list", "tokens.create", "images.create"]
    assert "operations.get" in methods


@pytest.mark.ycimages(auth="strict")
@pytest.mark.parametrize("kind", ["iam token", "OAuth token", "key"])
def test_every_kind_of_credentials(
    ycimages: Double, connect: Callable[..., Any], key: dict[str, str], kind: str
) -> None:
    """The double checks what it has issued."""
    options: dict[str, dict[str, Any]] = {
        "iam token": {"iam_token": ycimages.token},
        "OAuth token": {"token": "y0_AgAAAA"},
        "key": {"service_account_key": key},
    }
    assert bake(connect(**options[kind]), ycimages.folder_id).response.status == image_pb2.Image.READY


@pytest.mark.ycimages(auth="strict")
def test_a_token_of_a_service_account_lasts_until_it_is_revoked(ycimages: Double, stubs: Stubs) -> None:
    """By the other two methods of IamTokenService, which ask for a token."""
    wanted = iam.CreateIamTokenForServiceAccountRequest(service_account_id="ajebaker")
    assert error_of(stubs.tokens.CreateForServiceAccount, wanted).code() is grpc.StatusCode.UNAUTHENTICATED
    token = stubs.call(stubs.tokens.CreateForServiceAccount, wanted).iam_token
    caller = [("authorization", f"Bearer {token}")]
    request = api.CreateImageRequest(folder_id=ycimages.folder_id, disk_id=DISK)
    assert stubs.images.Create(request, metadata=caller, timeout=TIMEOUT).created_by == "ajebaker"
    revoke = iam.RevokeIamTokenRequest(iam_token=token)
    assert stubs.tokens.Revoke(revoke, metadata=caller, timeout=TIMEOUT).subject_id == "ajebaker"
    error = error_of(stubs.images.Create, request, metadata=caller)
    assert (error.code(), error.details()) == (grpc.StatusCode.UNAUTHENTICATED, "The token is invalid")


def test_a_failed_operation_is_an_error_of_the_sdk(ycimages: Double, connect: Callable[..., Any]) -> None:
    """With its code and text."""
    ycimages.inject(operation_fails("RESOURCE_EXHAUSTED", "no room"), on="images.create")
    with pytest.raises(OperationError, match="no room"):
        bake(connect(iam_token=ycimages.token), ycimages.folder_id)


def test_the_retry_policy_of_the_sdk(ycimages: Double, connect: Callable[..., Any]) -> None:
    """C-core repeats the call, and says how often it has done so."""
    ycimages.inject(unavailable(), on="images.create", when=first(2))
    sdk = connect(iam_token=ycimages.token, retry_policy=RetryPolicy())
    assert bake(sdk, ycimages.folder_id, name="once").response.name == "once"
    creates = ycimages.calls.of("images.create")
    assert [call.status for call in creates] == [Code.UNAVAILABLE, Code.UNAVAILABLE, Code.OK]
    assert [call.grpc.previous_attempts for call in creates if call.grpc] == [0, 1, 2]
    assert [call.attempt for call in creates] == [1, 2, 3]


def test_an_error_has_the_details_of_the_service(ycimages: Double, connect: Callable[..., Any]) -> None:
    """As grpcio's users read them."""
    with pytest.raises(grpc.RpcError) as error:
        bake(connect(iam_token=ycimages.token), ycimages.folder_id, name="No!")
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "name" in str(error.value.details())
